package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// ChangeOrganisation renames an organisation of the actor's subtree, or confirms one
// that an import met first when the name is as it is. CodeNotFound outside.
func (s *Service) ChangeOrganisation(ctx context.Context, actor casework.Actor, id int64, name string) error {
	_, by, err := s.administerOrganisation(ctx, actor, id)
	if err != nil {
		return err
	}
	return s.store.ChangeOrganisation(ctx, store.OrganisationChange{ID: id, Name: name, Deed: s.deed(by, casework.Date{})})
}
