package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/intake"
	"guiling/internal/store"
	"guiling/policies"
)

// TableImported says what becomes of a table of organisations or of people.
type TableImported struct {
	Rows   []store.RowResult
	Counts map[store.RowOutcome]int
	// Done says that all of it was carried out; false for a dry run, and when a row
	// is refused.
	Done bool
}

// Refused reports whether a row stands in the way of all the others.
func (i TableImported) Refused() bool { return i.Counts[store.RowRefused] > 0 }

// ImportOrganisations takes a table of organisations of the actor's subtree in, as a
// whole or not at all; see intake.ReadOrganisations. A dry run only says what would
// become of each row.
func (s *Service) ImportOrganisations(ctx context.Context, actor casework.Actor, table []byte, dryRun bool) (TableImported, error) {
	by, err := s.administer(ctx, actor, casework.ActionManageOrganisations, policies.Object{RegionPath: actor.RegionPath})
	if err != nil {
		return TableImported{}, err
	}
	return importOrganisations(ctx, s.store, table, store.OrganisationImport{RegionCode: actor.RegionCode, DryRun: dryRun, Deed: s.deed(by, casework.Date{})})
}

// ImportOrganisations does the same from the command line, for anywhere.
func (im Importer) ImportOrganisations(ctx context.Context, table []byte, dryRun bool) (TableImported, error) {
	return importOrganisations(ctx, im.Store, table, store.OrganisationImport{DryRun: dryRun, Deed: store.Deed{Today: casework.DateOf(im.Now())}})
}

func importOrganisations(ctx context.Context, st *store.Store, table []byte, im store.OrganisationImport) (TableImported, error) {
	var err error
	if im.Rows, err = intake.ReadOrganisations(table); err != nil {
		return TableImported{}, err
	}
	rows, done, err := st.ImportOrganisations(ctx, im)
	if err != nil {
		return TableImported{}, err
	}
	return countRows(rows, done), nil
}

func countRows(rows []store.RowResult, done bool) TableImported {
	out := TableImported{Rows: rows, Counts: map[store.RowOutcome]int{}, Done: done}
	for _, r := range rows {
		out.Counts[r.Outcome]++
	}
	return out
}

// MaxTable is the largest table that is taken, in bytes.
const MaxTable = intake.MaxTableBytes
