package commands

import (
	"context"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// MaxExport is how many rows a list may have that is taken out as a file.
const MaxExport = 200_000

// ExportAs says how a list is taken out.
type ExportAs struct {
	Format string // csv or xlsx
	Filter string // how the list was narrowed, as its address has it
}

// ExportCases hands on every case of the actor's scope that passes the filter, in
// the order of the list. When all were handed on, the export is recorded, and only
// then may the file be given away: without a record there is no export. It gives
// how many rows there were.
//
// A list of more than MaxExport rows is CodeInvalid before anything is handed on;
// a second export of the same person while one is made is CodeTooMany.
func (s *Service) ExportCases(
	ctx context.Context, actor casework.Actor, filter store.CaseFilter, as ExportAs, put func(store.Case) error,
) (int, error) {
	if !s.policy.MayEver(actor, casework.ActionRead) {
		return 0, casework.Forbidden("not_allowed", "your role sees no cases")
	}
	if err := validStages(filter.Stages); err != nil {
		return 0, err
	}
	filter.Now = s.now()
	return s.export(ctx, actor, store.ExportCases, as, func(e store.Extract) (int, error) {
		return s.store.StreamCases(ctx, e, filter, func(c store.Case) error {
			c.Words = casework.MaskText(c.Words)
			return put(c)
		})
	})
}

// ExportEvents hands on what happened in the auditor's subtree; see ExportCases.
func (s *Service) ExportEvents(
	ctx context.Context, actor casework.Actor, filter store.EventFilter, as ExportAs, put func(store.RecordedEvent) error,
) (int, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListEvents, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return 0, err
	}
	if err := validEventFilter(filter); err != nil {
		return 0, err
	}
	return s.export(ctx, actor, store.ExportEvents, as, func(e store.Extract) (int, error) {
		return s.store.StreamEvents(ctx, e, filter, func(event store.RecordedEvent) error {
			event.Body = casework.MaskBody(event.Body)
			return put(event)
		})
	})
}

// ExportReveals hands on the looks at reviewers in the auditor's subtree; see
// ExportCases.
func (s *Service) ExportReveals(
	ctx context.Context, actor casework.Actor, filter store.RevealFilter, as ExportAs, put func(store.RecordedReveal) error,
) (int, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListReveals, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return 0, err
	}
	if err := validRevealFilter(filter); err != nil {
		return 0, err
	}
	return s.export(ctx, actor, store.ExportReveals, as, func(e store.Extract) (int, error) {
		return s.store.StreamReveals(ctx, e, filter, put)
	})
}

// export asks the policy, lets a list be read and records that it was.
func (s *Service) export(
	ctx context.Context, actor casework.Actor, what store.ExportKind, as ExportAs, read func(store.Extract) (int, error),
) (int, error) {
	decision, err := s.authorize(ctx, actor, casework.ActionExport, ownList(actor))
	if err != nil {
		return 0, err
	}
	scope := scopeOf(actor)
	rows, err := read(store.Extract{UserID: actor.UserID, Scope: scope, MaxRows: MaxExport})
	if err != nil {
		return 0, err
	}
	err = s.store.RecordExport(ctx, store.Export{
		By: s.by(actor, decision), What: what, Format: as.Format, Scope: scope, Filter: as.Filter, Rows: rows, At: s.now(),
	})
	return rows, err
}

// ownList stands for the cases within an actor's own reach: those of the own
// department, or of the own region and below.
func ownList(actor casework.Actor) policies.Object {
	o := policies.Object{Level: actor.Level, RegionPath: actor.RegionPath}
	if actor.OrganisationKind == casework.KindDepartment {
		o.DepartmentID = actor.OrganisationID
	}
	return o
}

// ExportPage is one page of what was taken out.
type ExportPage struct {
	Exports []store.RecordedExport
	Next    *store.ExportCursor // nil on the last page
}

// ListExports lists who took what out in the auditor's subtree, newest first.
func (s *Service) ListExports(ctx context.Context, actor casework.Actor, filter store.ExportFilter) (ExportPage, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListEvents, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return ExportPage{}, err
	}
	if err := validWhen(filter.UserID, filter.From, filter.Until); err != nil {
		return ExportPage{}, err
	}
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return ExportPage{}, err
	}
	filter.Limit = limit + 1
	exports, err := s.store.Exports(ctx, scopeOf(actor), filter)
	if err != nil {
		return ExportPage{}, err
	}
	page := ExportPage{Exports: exports}
	if len(exports) > limit {
		page.Exports = exports[:limit]
		last := page.Exports[limit-1]
		page.Next = &store.ExportCursor{At: last.At, ID: last.ID}
	}
	return page, nil
}

// validWhen says whether lists can be narrowed to that person and those times.
func validWhen(userID int64, from, until time.Time) error {
	switch {
	case userID < 0:
		return casework.Invalid("user_id", "unknown_value", "a person is named by a positive number")
	case !from.IsZero() && !until.IsZero() && !from.Before(until):
		return casework.Invalid("to", "ends_before_it_begins", "the last day is before the first")
	}
	return nil
}
