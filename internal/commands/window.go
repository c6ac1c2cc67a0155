package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// WindowFacts are what is written down of a window.
type WindowFacts struct {
	DepartmentID int64  // 0: for matters of many departments
	Label        string // under which citizens rate who works there
	Name         string
}

// CreateWindow creates a window in a hall of the actor's subtree.
func (s *Service) CreateWindow(ctx context.Context, actor casework.Actor, hall int64, facts WindowFacts) (int64, error) {
	by, err := s.administerHall(ctx, actor, hall)
	if err != nil {
		return 0, err
	}
	return s.store.SaveWindow(ctx, store.WindowEntry{
		HallID: hall, DepartmentID: facts.DepartmentID, Label: facts.Label, Name: facts.Name, Deed: s.deed(by, casework.Date{}),
	})
}

// ChangeWindow changes what stands of a window. CodeNotFound outside the subtree.
func (s *Service) ChangeWindow(ctx context.Context, actor casework.Actor, id int64, facts WindowFacts) error {
	by, err := s.administerWindow(ctx, actor, id)
	if err != nil {
		return err
	}
	_, err = s.store.SaveWindow(ctx, store.WindowEntry{
		ID: id, DepartmentID: facts.DepartmentID, Label: facts.Label, Name: facts.Name, Deed: s.deed(by, casework.Date{}),
	})
	return err
}

// CloseWindow closes a window. CodeNotFound outside the subtree.
func (s *Service) CloseWindow(ctx context.Context, actor casework.Actor, id int64) error {
	by, err := s.administerWindow(ctx, actor, id)
	if err != nil {
		return err
	}
	return s.store.CloseWindow(ctx, id, s.deed(by, casework.Date{}))
}

func (s *Service) administerWindow(ctx context.Context, actor casework.Actor, id int64) (casework.By, error) {
	if !s.policy.MayEver(actor, casework.ActionManageOrganisations) {
		return casework.By{}, casework.Forbidden("not_allowed", "your role keeps no organisations")
	}
	window, err := s.store.WindowByID(ctx, id)
	if err != nil {
		return casework.By{}, err
	}
	by, err := s.administerHall(ctx, actor, window.HallID)
	if isNotFound(err) {
		err = &casework.Error{Code: casework.CodeNotFound, Reason: "window_not_found", Detail: "there is no such window"}
	}
	return by, err
}
