package commands

import (
	"context"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// MaxPage is the largest page of a list; DefaultPage is what one gets unasked.
const (
	MaxPage     = 200
	DefaultPage = 50
)

func pageSize(limit int) (int, error) {
	switch {
	case limit == 0:
		return DefaultPage, nil
	case limit < 1 || limit > MaxPage:
		return 0, casework.Invalid("limit", "limit_range", "between 1 and 200")
	}
	return limit, nil
}

// CasePage is one page of a list of cases.
type CasePage struct {
	Cases []store.Case
	Next  *store.CaseCursor // nil on the last page
}

// ListCases lists the cases that the actor may see, what is due first first.
func (s *Service) ListCases(ctx context.Context, actor casework.Actor, filter store.CaseFilter) (CasePage, error) {
	if !s.policy.MayEver(actor, casework.ActionRead) {
		return CasePage{}, casework.Forbidden("not_allowed", "your role sees no cases")
	}
	return s.listCases(ctx, actor, filter)
}

// ListOverdue lists what is overdue in the supervisor's subtree, the longest
// overdue first.
func (s *Service) ListOverdue(ctx context.Context, actor casework.Actor, filter store.CaseFilter) (CasePage, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListOverdue, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return CasePage{}, err
	}
	filter.Overdue = true
	return s.listCases(ctx, actor, filter)
}

func (s *Service) listCases(ctx context.Context, actor casework.Actor, filter store.CaseFilter) (CasePage, error) {
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return CasePage{}, err
	}
	for _, stage := range filter.Stages {
		if !stage.Valid() {
			return CasePage{}, casework.Invalid("stage", "unknown_value", "there is no such stage")
		}
	}
	filter.Limit, filter.Now = limit+1, s.now()
	cases, err := s.store.Cases(ctx, scopeOf(actor), filter)
	if err != nil {
		return CasePage{}, err
	}
	page := CasePage{Cases: maskedCases(cases)}
	if len(cases) > limit {
		page.Cases = cases[:limit]
		next := store.CursorOf(page.Cases[limit-1])
		page.Next = &next
	}
	return page, nil
}

// EventPage is one page of the auditor's list.
type EventPage struct {
	Events []store.RecordedEvent
	Next   *store.EventCursor
}

// ListEvents lists what happened in the auditor's subtree, newest first.
func (s *Service) ListEvents(ctx context.Context, actor casework.Actor, filter store.EventFilter) (EventPage, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListEvents, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return EventPage{}, err
	}
	if filter.Kind != "" && !slices.Contains(casework.EventKinds(), filter.Kind) {
		return EventPage{}, casework.Invalid("kind", "unknown_value", "there is no such kind of event")
	}
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return EventPage{}, err
	}
	filter.Limit = limit + 1
	events, err := s.store.Events(ctx, scopeOf(actor), filter)
	if err != nil {
		return EventPage{}, err
	}
	page := EventPage{Events: masked(events)}
	if len(events) > limit {
		page.Events = events[:limit]
		last := page.Events[limit-1]
		page.Next = &store.EventCursor{At: last.At, Number: last.Number, Seq: last.Seq}
	}
	return page, nil
}
