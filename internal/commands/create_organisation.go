package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// NewOrganisation is an organisation that somebody asks for.
type NewOrganisation struct {
	Kind       casework.OrganisationKind
	Name       string
	RegionCode string
	ValidFrom  casework.Date // zero: not known
}

// CreateOrganisation creates an authority for a region of the actor's subtree that
// has none, or a department under the authority that serves its region.
func (s *Service) CreateOrganisation(ctx context.Context, actor casework.Actor, o NewOrganisation) (int64, error) {
	by, err := s.administerRegion(ctx, actor, o.RegionCode)
	if err != nil {
		return 0, err
	}
	return s.store.CreateOrganisation(ctx, store.NewOrganisation{
		Kind: o.Kind, Name: o.Name, RegionCode: o.RegionCode, ValidFrom: o.ValidFrom, Deed: s.deed(by, casework.Date{}),
	})
}

// administerRegion asks whether the actor keeps the organisations of a region. One
// outside the subtree is CodeInvalid, like one that is not there.
func (s *Service) administerRegion(ctx context.Context, actor casework.Actor, code string) (casework.By, error) {
	if !s.policy.MayEver(actor, casework.ActionManageOrganisations) {
		return casework.By{}, casework.Forbidden("not_allowed", "your role keeps no organisations")
	}
	_, path, err := s.store.RegionByCode(ctx, code)
	if err != nil && !isNotFound(err) {
		return casework.By{}, err
	}
	decision := s.policy.Decide(actor, casework.ActionManageOrganisations, policies.Object{RegionPath: path})
	if err != nil || !decision.Allowed {
		return casework.By{}, casework.Invalid("region_code", "region_not_found", "there is no such region in your subtree")
	}
	return s.by(actor, decision), nil
}

// deed is an act of reorganisation by the actor, from a day on; zero: today.
func (s *Service) deed(by casework.By, on casework.Date) store.Deed {
	return store.Deed{By: by, Today: casework.DateOf(s.now()), On: on}
}
