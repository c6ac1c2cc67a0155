package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// loaded is a case with all that a decision about it needs.
type loaded struct {
	row    store.Case
	events []store.RecordedEvent
	state  casework.State
	rules  casework.Rules
	object policies.Object
	// today is what organisations that its story names have become since, where they
	// were merged.
	today map[int64]int64
}

// current gives an organisation as it is today.
func (c loaded) current(organisation int64) int64 {
	if current, ok := c.today[organisation]; ok {
		return current
	}
	return organisation
}

// named lists the departments of the case's story that the policy asks for.
func (c loaded) named() []int64 {
	ids := []int64{c.row.RatedDepartmentID}
	if c.state.InvalidProposer.OrganisationID != 0 {
		ids = append(ids, c.state.InvalidProposer.OrganisationID)
	}
	for _, e := range c.events {
		if body, ok := e.Body.(casework.Transferred); ok {
			ids = append(ids, body.FromDepartmentID)
		}
	}
	return ids
}

// loadUnasked reads a case with the facts that the policy asks for. Whoever calls it
// asks whether somebody may see it.
func loadUnasked(ctx context.Context, st *store.Store, number string) (loaded, error) {
	row, err := st.CaseByNumber(ctx, number)
	if err != nil {
		return loaded{}, err
	}
	events, err := st.EventsOf(ctx, number)
	if err != nil {
		return loaded{}, err
	}
	c := loaded{row: row, events: events}
	if c.state, err = fold(events); err != nil {
		return loaded{}, fmt.Errorf("case %s: %w", number, err)
	}
	if c.today, err = st.CurrentOrganisations(ctx, c.named()); err != nil {
		return loaded{}, err
	}
	c.object = objectOf(c)
	return c, nil
}

// load reads a case that the actor may see. A case that does not exist and one
// outside the actor's scope are the same CodeNotFound.
func (s *Service) load(ctx context.Context, actor casework.Actor, number string) (loaded, error) {
	c, err := loadUnasked(ctx, s.store, number)
	if err != nil {
		return loaded{}, err
	}
	if !s.policy.Decide(actor, casework.ActionRead, c.object).Allowed {
		s.log.WarnContext(ctx, "refused", "user_id", actor.UserID, "action", casework.ActionRead, "case", number)
		return loaded{}, errNoCase()
	}
	if c.state.Version > 0 {
		c.rules, err = s.store.RulesOf(ctx, c.state.PackID, c.state.PackVersion, c.state.CalendarVersion)
		if err != nil {
			return loaded{}, fmt.Errorf("rules of case %s: %w", number, err)
		}
	}
	return c, nil
}

func errNoCase() *casework.Error {
	return &casework.Error{Code: casework.CodeNotFound, Reason: "case_not_found", Detail: "there is no such case"}
}

func fold(recorded []store.RecordedEvent) (casework.State, error) {
	events := make([]casework.Event, 0, len(recorded))
	for _, e := range recorded {
		events = append(events, e.Event)
	}
	return casework.Fold(events)
}

// objectOf gives the facts of a case that the policy asks for. Where no event
// has been recorded yet, the row alone speaks.
func objectOf(c loaded) policies.Object {
	o := policies.Object{
		Level: c.row.RegionLevel, RegionPath: c.row.RegionPath, DepartmentID: c.row.DepartmentID,
		AuthorityChain: c.row.AuthorityChain, Stage: c.row.Stage, RatedStaffLabel: c.row.StaffLabel,
		ActedUserIDs:      c.state.ActedUserIDs,
		InvalidProposedBy: c.state.InvalidProposer.UserID, InvalidProposerOrg: c.current(c.state.InvalidProposer.OrganisationID),
		ExtensionDecidedBy: c.state.ExtensionDeciders, ReopeningDecidedBySteps: c.state.DecisionStepsUp,
		TakenOverBy: c.state.TakenOverBy, RatedDepartmentIDs: []int64{c.row.RatedDepartmentID},
	}
	if c.row.ServedAt != nil {
		o.ServedAt = *c.row.ServedAt
	}
	if len(o.AuthorityChain) > 0 {
		o.AuthorityID = o.AuthorityChain[0]
	}
	if len(o.AuthorityChain) > 1 {
		o.AuthorityParentID = o.AuthorityChain[1]
	}
	// With no request waiting, the policy is asked about the next one, so that
	// the right person learns from the state that there is none.
	o.ExtensionOrdinal = min(c.state.ExtensionsGranted+1, 2)
	if c.state.PendingExtension != nil {
		o.ExtensionOrdinal = c.state.PendingExtension.Ordinal
	}
	for _, e := range c.events {
		switch body := e.Body.(type) {
		case casework.ReopeningDecided:
			o.ReopeningDecidedBy = append(o.ReopeningDecidedBy, e.By.UserID)
		case casework.Transferred:
			// Who had the case before judges it no more than who has it now.
			o.RatedDepartmentIDs = append(o.RatedDepartmentIDs, body.FromDepartmentID)
		}
	}
	// A successor is rated in the place of what it took over.
	for _, id := range slices.Clone(o.RatedDepartmentIDs) {
		if current := c.current(id); current != id {
			o.RatedDepartmentIDs = append(o.RatedDepartmentIDs, current)
		}
	}
	if c.state.EscalationOpen && len(o.AuthorityChain) > 0 {
		o.EscalatedTo = o.AuthorityChain[:min(c.state.EscalationSteps+1, len(o.AuthorityChain))]
	}
	return o
}

// now is the case's own time. It differs from the server's only for a case that
// was fast-forwarded in a demo.
func (s *Service) nowOf(c store.Case) time.Time { return s.now().Add(c.ClockOffset) }

// possible says in the words of its stage when a case cannot take a command. The
// workflow would say the same; one that has ended, or has not begun, cannot.
func possible(c loaded, action casework.Action) error {
	if ok, reason := casework.Possible(c.row.Stage, action); !ok && (c.row.Stage.Ended() || c.row.Stage == casework.StageOpened) {
		return casework.Conflict(reason, fmt.Sprintf("the case is %s", c.row.Stage))
	}
	return nil
}

// isNotFound reports whether err says that there is no such thing.
func isNotFound(err error) bool {
	domain, ok := errors.AsType[*casework.Error](err)
	return ok && domain.Code == casework.CodeNotFound
}
