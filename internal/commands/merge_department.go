package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// MergeDepartment ends a department in favour of another; both lie in the actor's
// subtree. Cases, people and windows of the one are the other's from now on. On is
// the day from which it holds; zero: today.
func (s *Service) MergeDepartment(ctx context.Context, actor casework.Actor, id, into int64, on casework.Date) error {
	_, by, err := s.administerOrganisation(ctx, actor, id)
	if err != nil {
		return err
	}
	if err := s.mayBeSuccessor(ctx, actor, "into", into); err != nil {
		return err
	}
	return s.store.MergeDepartment(ctx, store.DepartmentMerge{ID: id, Into: into, Deed: s.deed(by, on)})
}
