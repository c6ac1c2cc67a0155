package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/intake"
	"guiling/internal/store"
	"guiling/policies"
)

// ImportPeople takes a table of people of the actor's subtree in, as a whole or not
// at all; see intake.ReadPeople. A dry run only says what would become of each row.
// Nobody gets a role by it.
func (s *Service) ImportPeople(ctx context.Context, actor casework.Actor, table []byte, dryRun bool) (TableImported, error) {
	by, err := s.administer(ctx, actor, casework.ActionManagePeople, policies.Object{RegionPath: actor.RegionPath})
	if err != nil {
		return TableImported{}, err
	}
	return importPeople(ctx, s.store, table, store.PeopleImport{RegionCode: actor.RegionCode, DryRun: dryRun, By: by})
}

// ImportPeople does the same from the command line, for anywhere.
func (im Importer) ImportPeople(ctx context.Context, table []byte, dryRun bool) (TableImported, error) {
	return importPeople(ctx, im.Store, table, store.PeopleImport{DryRun: dryRun})
}

func importPeople(ctx context.Context, st *store.Store, table []byte, im store.PeopleImport) (TableImported, error) {
	var err error
	if im.Rows, err = intake.ReadPeople(table); err != nil {
		return TableImported{}, err
	}
	rows, done, err := st.ImportPeople(ctx, im)
	if err != nil {
		return TableImported{}, err
	}
	return countRows(rows, done), nil
}
