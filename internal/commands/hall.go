package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// HallFacts are what is written down of a hall.
type HallFacts struct {
	RegionCode string // of a new one; empty: that of its authority
	Name       string
	Address    string
}

// CreateHall creates a hall that an authority of the actor's subtree runs.
func (s *Service) CreateHall(ctx context.Context, actor casework.Actor, authority int64, facts HallFacts) (int64, error) {
	organisation, by, err := s.administerOrganisation(ctx, actor, authority)
	if err != nil {
		return 0, err
	}
	if facts.RegionCode == "" {
		facts.RegionCode = organisation.RegionCode
	}
	return s.store.SaveHall(ctx, store.HallEntry{
		OrganisationID: authority, RegionCode: facts.RegionCode, Name: facts.Name, Address: facts.Address, Deed: s.deed(by, casework.Date{}),
	})
}

// ChangeHall changes name and address of a hall. CodeNotFound outside the subtree.
func (s *Service) ChangeHall(ctx context.Context, actor casework.Actor, id int64, facts HallFacts) error {
	by, err := s.administerHall(ctx, actor, id)
	if err != nil {
		return err
	}
	_, err = s.store.SaveHall(ctx, store.HallEntry{ID: id, Name: facts.Name, Address: facts.Address, Deed: s.deed(by, casework.Date{})})
	return err
}

// CloseHall closes a hall with its windows. CodeNotFound outside the subtree.
func (s *Service) CloseHall(ctx context.Context, actor casework.Actor, id int64) error {
	by, err := s.administerHall(ctx, actor, id)
	if err != nil {
		return err
	}
	return s.store.CloseHall(ctx, id, s.deed(by, casework.Date{}))
}

func (s *Service) administerHall(ctx context.Context, actor casework.Actor, id int64) (casework.By, error) {
	unknown := &casework.Error{Code: casework.CodeNotFound, Reason: "hall_not_found", Detail: "there is no such hall"}
	if !s.policy.MayEver(actor, casework.ActionManageOrganisations) {
		return casework.By{}, casework.Forbidden("not_allowed", "your role keeps no organisations")
	}
	hall, err := s.store.HallByID(ctx, id)
	if err != nil {
		return casework.By{}, err
	}
	_, by, err := s.administerOrganisation(ctx, actor, hall.OrganisationID)
	if isNotFound(err) {
		err = unknown
	}
	return by, err
}
