package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// MoveDepartment brings a department to another region; both lie in the actor's
// subtree. Its cases and its people go along. On is the day from which it holds;
// zero: today.
func (s *Service) MoveDepartment(ctx context.Context, actor casework.Actor, id int64, regionCode string, on casework.Date) error {
	_, by, err := s.administerOrganisation(ctx, actor, id)
	if err != nil {
		return err
	}
	if _, err := s.administerRegion(ctx, actor, regionCode); err != nil {
		return err
	}
	return s.store.MoveDepartment(ctx, store.DepartmentMove{ID: id, RegionCode: regionCode, Deed: s.deed(by, on)})
}
