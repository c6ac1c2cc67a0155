package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// NarrowingChoices is what lists can be narrowed to: matters and departments with
// open cases in the actor's scope, the regions below, and the people who can have
// a case in the own department.
func (s *Service) NarrowingChoices(ctx context.Context, actor casework.Actor) (store.NarrowingChoices, error) {
	if !s.policy.MayEver(actor, casework.ActionRead) {
		return store.NarrowingChoices{}, casework.Forbidden("not_allowed", "your role sees no cases")
	}
	choices, err := s.store.NarrowingChoices(ctx, scopeOf(actor))
	if err != nil {
		return store.NarrowingChoices{}, err
	}
	if actor.OrganisationKind == casework.KindDepartment {
		choices.Handlers, err = s.store.Colleagues(ctx, actor.OrganisationID, casework.RoleHandler, casework.RoleDepartmentLead)
	}
	return choices, err
}

// NarrowedTo names what a list is narrowed to: names that everybody may know.
// Empty for what is not there.
func (s *Service) NarrowedTo(ctx context.Context, n store.Narrowing) (region, department, matter string, err error) {
	if n.RegionCode == "" && n.DepartmentID == 0 && n.MatterCode == "" {
		return "", "", "", nil
	}
	return s.store.NarrowedTo(ctx, n)
}
