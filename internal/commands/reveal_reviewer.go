package commands

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// maxPurpose bounds the purpose of a look, in characters.
const maxPurpose = 200

// Look is what somebody asks for who has to see a reviewer's data in clear.
type Look struct {
	Number  string
	Purpose string
	// RequestID makes every attempt at one request the same look; empty: a look of
	// its own. See Once.
	RequestID string
}

// LimitReveals sets limits of looks, before the service is used; the usual ones
// hold where it is not called.
func (s *Service) LimitReveals(limits store.RevealLimits) { s.reveals = limits }

// RevealReviewer shows the reviewer's data in clear to somebody who needs them,
// for a stated purpose (第六条). Every look is recorded and visible to auditors.
// Looks are limited for each person in all processes together (CodeTooMany), and
// many of them, or some outside office hours, are told to the auditors.
func (s *Service) RevealReviewer(ctx context.Context, actor casework.Actor, look Look) (store.Reviewer, error) {
	purpose := look.Purpose
	switch {
	case strings.TrimSpace(purpose) == "":
		return store.Reviewer{}, casework.Invalid("purpose", "required", "say what the data are needed for")
	case !utf8.ValidString(purpose) || strings.ContainsRune(purpose, 0):
		return store.Reviewer{}, casework.Invalid("purpose", "invalid_text", "the text holds a NUL or is not valid UTF-8")
	case utf8.RuneCountInString(purpose) > maxPurpose:
		return store.Reviewer{}, casework.Invalid("purpose", "purpose_too_long", "at most 200 characters")
	}
	c, err := s.load(ctx, actor, look.Number)
	if err != nil {
		return store.Reviewer{}, err
	}
	decision, err := s.authorize(ctx, actor, casework.ActionReveal, c.object)
	if err != nil {
		return store.Reviewer{}, err
	}
	now := s.now()
	odd, err := s.oddSince(ctx, now)
	if err != nil {
		return store.Reviewer{}, err
	}
	revealed, err := s.store.RevealReviewer(ctx, store.Reveal{
		Number: look.Number, By: s.by(actor, decision), Purpose: purpose, RequestID: look.RequestID,
		At: now, OddSince: odd, Limits: s.reveals,
	})
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeTooMany {
		s.log.WarnContext(ctx, "too many looks", "user_id", actor.UserID, "case", look.Number, "reason", domain.Reason)
	}
	for _, kind := range revealed.Alarms {
		s.log.WarnContext(ctx, "alarm: many looks at reviewers", "user_id", actor.UserID, "organisation_id", actor.OrganisationID, "alarm", kind)
	}
	return revealed.Reviewer, err
}

// Office hours, in China, on working days.
const (
	officeOpens  = 8
	officeCloses = 18
)

// oddSince says since when, within the hour before now, nobody works; it is zero
// in office hours. Days off are those of the newest calendar, or weekends as long
// as none is published.
func (s *Service) oddSince(ctx context.Context, now time.Time) (time.Time, error) {
	here := now.In(casework.China())
	calendar, err := s.store.NewestCalendar(ctx)
	if err != nil && !isNotFound(err) {
		return time.Time{}, err
	}
	working, published := calendar.WorkingDay(casework.DateOf(here))
	if !published {
		working = here.Weekday() != time.Saturday && here.Weekday() != time.Sunday
	}
	if working && here.Hour() >= officeOpens && here.Hour() < officeCloses {
		return time.Time{}, nil
	}
	anHourAgo := now.Add(-time.Hour)
	closed := time.Date(here.Year(), here.Month(), here.Day(), officeCloses, 0, 0, 0, here.Location())
	if working && here.Hour() >= officeCloses && closed.After(anHourAgo) {
		return closed, nil
	}
	return anHourAgo, nil
}

// RevealPage is one page of the looks at reviewers.
type RevealPage struct {
	Reveals []store.RecordedReveal
	Next    *store.RevealCursor // nil on the last page
}

// ListReveals lists the looks at the reviewers of cases in the auditor's subtree,
// newest first. It shows who looked, when, at which case and what for, and
// nothing of the reviewer.
func (s *Service) ListReveals(ctx context.Context, actor casework.Actor, filter store.RevealFilter) (RevealPage, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListReveals, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return RevealPage{}, err
	}
	if err := validRevealFilter(filter); err != nil {
		return RevealPage{}, err
	}
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return RevealPage{}, err
	}
	filter.Limit = limit + 1
	reveals, err := s.store.Reveals(ctx, scopeOf(actor), filter)
	if err != nil {
		return RevealPage{}, err
	}
	page := RevealPage{Reveals: reveals}
	if len(reveals) > limit {
		page.Reveals = reveals[:limit]
		last := page.Reveals[limit-1]
		page.Next = &store.RevealCursor{At: last.At, ID: last.ID}
	}
	return page, nil
}

func validRevealFilter(filter store.RevealFilter) error {
	return validWhen(filter.UserID, filter.From, filter.Until)
}

// MaxCasesOfReviewer bounds what CasesOfReviewer gives.
const MaxCasesOfReviewer = 50

// CasesOfReviewer lists the other cases of the citizen who opened a case, as far
// as they lie in the actor's scope, the newest first. Nobody types a phone: the
// case stands for its reviewer.
//
// That two cases come from one person tells something of that person. It is shown
// to who may see them in clear, and to supervisors of the case at any time; never
// to the person who was rated, and to nobody else of the department (CodeForbidden).
func (s *Service) CasesOfReviewer(ctx context.Context, actor casework.Actor, number string) ([]store.Case, error) {
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return nil, err
	}
	if err := s.mayLinkReviewer(ctx, actor, c); err != nil {
		return nil, err
	}
	cases, err := s.store.CasesOfReviewer(ctx, scopeOf(actor), number, MaxCasesOfReviewer)
	return maskedCases(cases), err
}

// mayLinkReviewer says whether somebody may learn which cases come from the citizen
// who opened this one.
func (s *Service) mayLinkReviewer(ctx context.Context, actor casework.Actor, c loaded) error {
	if s.linksReviewer(actor, c) {
		return nil
	}
	s.log.WarnContext(ctx, "refused", "user_id", actor.UserID, "action", "cases-of-reviewer", "case", c.row.Number)
	return casework.Forbidden("not_allowed", "other cases of the citizen are not for you")
}

func (s *Service) linksReviewer(actor casework.Actor, c loaded) bool {
	// Who was rated does not learn who rated, wherever they are now.
	label := c.object.RatedStaffLabel
	was := func(m casework.Membership) bool { return m.StaffLabel == label }
	if label != "" && (actor.StaffLabel == label || slices.ContainsFunc(actor.Past, was)) {
		return false
	}
	supervises := actor.Has(casework.RoleSupervisor) && actor.OrganisationKind == casework.KindAuthority
	return supervises || s.policy.Decide(actor, casework.ActionReveal, c.object).Allowed
}
