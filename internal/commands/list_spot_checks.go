package commands

import (
	"context"
	"fmt"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// SpotCheck is a case that was drawn and waits for its check (第十条).
type SpotCheck struct {
	Case    store.Case
	Reasons []casework.SpotCheckReason
	Drawn   *store.RecordedEvent // nil where only the row speaks
	// Barred are the people of the serving authority who did something in the case, in
	// the order in which they first did, and so check nothing of it.
	Barred []string
	// Blocked says why this person does not check it; nil when they may.
	Blocked *casework.Error
}

// SpotCheckPage is one page of the cases that wait for their check.
type SpotCheckPage struct {
	Checks []SpotCheck
	Next   *store.CaseCursor
}

// ListSpotChecks lists the cases of the actor's subtree that were drawn and wait for
// their check, the oldest first.
func (s *Service) ListSpotChecks(ctx context.Context, actor casework.Actor, after store.CaseCursor, limit int) (SpotCheckPage, error) {
	if _, err := s.boardRegion(ctx, actor, ""); err != nil {
		return SpotCheckPage{}, err
	}
	cases, err := s.listCases(ctx, actor, store.CaseFilter{Narrowing: store.Narrowing{Stages: []casework.Stage{casework.StageSpotCheck}}, After: after, Limit: limit})
	if err != nil {
		return SpotCheckPage{}, err
	}
	all, err := s.loadMany(ctx, cases.Cases)
	if err != nil {
		return SpotCheckPage{}, err
	}
	page := SpotCheckPage{Next: cases.Next}
	for _, c := range all {
		page.Checks = append(page.Checks, s.spotCheck(actor, c))
	}
	return page, nil
}

func (s *Service) spotCheck(actor casework.Actor, c loaded) SpotCheck {
	check := SpotCheck{Case: c.row, Reasons: c.state.SpotCheckReasons, Blocked: s.barred(actor, c)}
	for i, e := range c.events {
		if _, ok := e.Body.(casework.SpotCheckDrawn); ok {
			check.Drawn = &c.events[i]
		}
		ofAuthority := !e.By.System() && e.By.OrganisationID == c.object.AuthorityID
		if ofAuthority && c.state.Acted(e.By.UserID) && !slices.Contains(check.Barred, e.UserName) {
			check.Barred = append(check.Barred, e.UserName)
		}
	}
	return check
}

// barred says why the actor does not check a case; nil when they may.
func (s *Service) barred(actor casework.Actor, c loaded) *casework.Error {
	decision := s.policy.Decide(actor, casework.ActionRecordSpotCheck, c.object)
	switch {
	case decision.Allowed:
		return nil
	case c.state.Acted(actor.UserID):
		return casework.Forbidden("acted_before", "who acted in a case does not check it")
	case c.object.AuthorityID != actor.OrganisationID:
		return casework.Forbidden("other_authority_checks", "the authority that serves the region checks it")
	default:
		return casework.Forbidden("not_allowed", "record-spot-check is refused by "+decision.Rule)
	}
}

// loadMany reads the facts of several cases that the actor may see, in as many
// queries as of one.
func (s *Service) loadMany(ctx context.Context, rows []store.Case) ([]loaded, error) {
	numbers, regions := make([]string, 0, len(rows)), make([]string, 0, len(rows))
	for _, row := range rows {
		numbers, regions = append(numbers, row.Number), append(regions, row.RegionCode)
	}
	chains, err := s.store.AuthorityChains(ctx, regions)
	if err != nil {
		return nil, err
	}
	events, err := s.store.EventsOfCases(ctx, numbers)
	if err != nil {
		return nil, err
	}
	all := make([]loaded, 0, len(rows))
	var named []int64
	for _, row := range rows {
		c := loaded{row: row, events: events[row.Number]}
		c.row.AuthorityChain = chains[row.RegionCode]
		if c.state, err = fold(c.events); err != nil {
			return nil, fmt.Errorf("case %s: %w", row.Number, err)
		}
		named = append(named, c.named()...)
		all = append(all, c)
	}
	today, err := s.store.CurrentOrganisations(ctx, named)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].today = today
		all[i].object = objectOf(all[i])
	}
	return all, nil
}
