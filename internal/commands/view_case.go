package commands

import (
	"context"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// CaseView is a case as its page shows it to one person.
type CaseView struct {
	Case     store.Case
	State    casework.State
	Deadline *casework.Deadline // nil when no clock runs
	Now      time.Time          // the case's own time
	Events   []store.RecordedEvent
	Actions  []AvailableAction
	// CanReveal says whether this person may see the reviewer's phone.
	CanReveal bool
	// CanReadHistory says whether this person sees rules and builds of events.
	CanReadHistory bool
}

// AvailableAction is an action that the policy allows this person, with the
// reason why the state does not allow it now, if any.
type AvailableAction struct {
	Action  casework.Action
	Blocked *casework.Error // nil when it can be done now
}

// ViewCase reads a case with its history and what this person may do to it.
func (s *Service) ViewCase(ctx context.Context, actor casework.Actor, number string) (CaseView, error) {
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return CaseView{}, err
	}
	view := CaseView{Case: c.row, State: c.state, Now: s.nowOf(c.row), Events: c.events}
	view.CanReveal = c.row.ReviewerKnown && s.policy.Decide(actor, casework.ActionReveal, c.object).Allowed
	view.CanReadHistory = s.policy.Decide(actor, casework.ActionReadHistory, c.object).Allowed
	if c.state.Version == 0 {
		return view, nil
	}
	if deadline, ok := c.state.Deadline(c.rules); ok {
		view.Deadline = &deadline
	}
	for _, action := range casework.Actions() {
		decision := s.policy.Decide(actor, action, c.object)
		if ok, _ := casework.Possible(c.state.Stage, action); !ok || !decision.Allowed {
			continue
		}
		available := AvailableAction{Action: action}
		err := casework.Available(c.state, action, casework.Circumstances{
			Rules: c.rules, Now: view.Now, By: s.by(actor, decision),
		})
		if domain, blocked := casework.AsError(err); blocked {
			available.Blocked = domain
		}
		view.Actions = append(view.Actions, available)
	}
	return view, nil
}

// CaseChoices are the people and departments that a form about a case offers.
type CaseChoices struct {
	Colleagues  []store.User         // to whom the case can be assigned
	Departments []store.Organisation // to which it can be transferred
}

// ChoicesFor reads the choices for a case that ViewCase gave.
func (s *Service) ChoicesFor(ctx context.Context, view CaseView) (CaseChoices, error) {
	var choices CaseChoices
	var err error
	for _, a := range view.Actions {
		switch a.Action {
		case casework.ActionAssign:
			choices.Colleagues, err = s.store.Colleagues(ctx, view.Case.DepartmentID, casework.RoleHandler, casework.RoleDepartmentLead)
		case casework.ActionTransfer:
			choices.Departments, err = s.store.DepartmentsOf(ctx, view.Case.RegionCode)
		default:
		}
		if err != nil {
			return CaseChoices{}, err
		}
	}
	return choices, nil
}
