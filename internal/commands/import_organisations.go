package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/intake"
	"guiling/internal/store"
	"guiling/policies"
)

// OrganisationsImported says what becomes of a table of organisations.
type OrganisationsImported struct {
	Rows   []store.RowResult
	Counts map[store.RowOutcome]int
	// Done says that all of it was carried out; false for a dry run, and when a row
	// is refused.
	Done bool
}

// Refused reports whether a row stands in the way of all the others.
func (i OrganisationsImported) Refused() bool { return i.Counts[store.RowRefused] > 0 }

// ImportOrganisations takes a table of organisations of the actor's subtree in, as a
// whole or not at all; see intake.ReadOrganisations. A dry run only says what would
// become of each row.
func (s *Service) ImportOrganisations(ctx context.Context, actor casework.Actor, table []byte, dryRun bool) (OrganisationsImported, error) {
	by, err := s.administer(ctx, actor, casework.ActionManageOrganisations, policies.Object{RegionPath: actor.RegionPath})
	if err != nil {
		return OrganisationsImported{}, err
	}
	return importOrganisations(ctx, s.store, table, store.OrganisationImport{RegionCode: actor.RegionCode, DryRun: dryRun, Deed: s.deed(by, casework.Date{})})
}

// ImportOrganisations does the same from the command line, for anywhere.
func (im Importer) ImportOrganisations(ctx context.Context, table []byte, dryRun bool) (OrganisationsImported, error) {
	return importOrganisations(ctx, im.Store, table, store.OrganisationImport{DryRun: dryRun, Deed: store.Deed{Today: casework.DateOf(im.Now())}})
}

func importOrganisations(ctx context.Context, st *store.Store, table []byte, im store.OrganisationImport) (OrganisationsImported, error) {
	var err error
	if im.Rows, err = intake.ReadOrganisations(table); err != nil {
		return OrganisationsImported{}, err
	}
	out := OrganisationsImported{Counts: map[store.RowOutcome]int{}}
	if out.Rows, out.Done, err = st.ImportOrganisations(ctx, im); err != nil {
		return OrganisationsImported{}, err
	}
	for _, r := range out.Rows {
		out.Counts[r.Outcome]++
	}
	return out, nil
}

// MaxOrganisationTable is the largest table of organisations, in bytes.
const MaxOrganisationTable = intake.MaxTableBytes
