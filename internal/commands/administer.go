package commands

import (
	"context"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// administer asks the policy for an act of administration and gives the mark
// that the actor leaves. Whoever may not know the subject, because it lies
// outside their subtree, gets CodeNotFound from the caller and not this error.
func (s *Service) administer(ctx context.Context, actor casework.Actor, action casework.Action, object policies.Object) (casework.By, error) {
	decision, err := s.authorize(ctx, actor, action, object)
	if err != nil {
		return casework.By{}, err
	}
	return s.by(actor, decision), nil
}

// administerAll is administer for what holds for all of the installation: only
// who stands at its top may.
func (s *Service) administerAll(ctx context.Context, actor casework.Actor, action casework.Action) (casework.By, error) {
	path, err := s.store.RootRegion(ctx)
	if err != nil {
		return casework.By{}, err
	}
	return s.administer(ctx, actor, action, policies.Object{RegionPath: path})
}

// AdminEventPage is one page of what administration did.
type AdminEventPage struct {
	Events []store.AdminEvent
	Next   *store.AdminEventCursor // nil on the last page
}

// ListAdminEvents lists what administration did in the actor's subtree, newest
// first.
func (s *Service) ListAdminEvents(ctx context.Context, actor casework.Actor, filter store.AdminEventFilter) (AdminEventPage, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListAdminEvents, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return AdminEventPage{}, err
	}
	if filter.Kind != "" && !slices.Contains(store.AdminKinds(), filter.Kind) {
		return AdminEventPage{}, casework.Invalid("kind", "unknown_value", "there is no such kind of event")
	}
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return AdminEventPage{}, err
	}
	filter.Limit = limit + 1
	events, err := s.store.AdminEvents(ctx, actor.RegionCode, filter)
	if err != nil {
		return AdminEventPage{}, err
	}
	page := AdminEventPage{Events: events}
	if len(events) > limit {
		page.Events = events[:limit]
		last := page.Events[limit-1]
		page.Next = &store.AdminEventCursor{At: last.At, ID: last.ID}
	}
	return page, nil
}
