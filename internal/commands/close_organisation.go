package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// CloseOrganisation ends an organisation of the actor's subtree on which nothing
// depends, or an authority in favour of a successor (0: nobody). On is the day from
// which it holds; zero: today.
func (s *Service) CloseOrganisation(ctx context.Context, actor casework.Actor, id, successor int64, on casework.Date) error {
	_, by, err := s.administerOrganisation(ctx, actor, id)
	if err != nil {
		return err
	}
	if successor != 0 {
		if err := s.mayBeSuccessor(ctx, actor, "successor_id", successor); err != nil {
			return err
		}
	}
	return s.store.CloseOrganisation(ctx, store.OrganisationClosing{ID: id, SuccessorID: successor, Deed: s.deed(by, on)})
}

// mayBeSuccessor refuses an organisation outside the actor's subtree as one that is
// not there.
func (s *Service) mayBeSuccessor(ctx context.Context, actor casework.Actor, field string, id int64) error {
	_, _, err := s.administerOrganisation(ctx, actor, id)
	if isNotFound(err) {
		return casework.Invalid(field, "organisation_not_found", "there is no such organisation in your subtree")
	}
	return err
}
