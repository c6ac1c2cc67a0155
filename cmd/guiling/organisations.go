package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// dayFlag is the day from which a reorganisation holds.
type dayFlag struct {
	On string `help:"The day from which it holds, YYYY-MM-DD; today when not said, never a day ahead."`
}

func (d dayFlag) deed() (store.Deed, error) {
	deed := store.Deed{Today: casework.DateOf(time.Now())}
	var err error
	if d.On != "" {
		deed.On, err = casework.ParseDate(d.On)
	}
	return deed, err
}

type organisationCreateCmd struct {
	Kind   string `required:"" enum:"authority,department" help:"authority (政务服务管理机构) or department (部门)."`
	Name   string `required:"" help:"The full name."`
	Region string `required:"" help:"The code of its region, 12 digits."`
}

func (o organisationCreateCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		deed, err := dayFlag{}.deed()
		if err != nil {
			return err
		}
		id, err := st.CreateOrganisation(r.ctx, store.NewOrganisation{
			Kind: casework.OrganisationKind(o.Kind), Name: o.Name, RegionCode: o.Region, Deed: deed,
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "organisation %s has number %d\n", o.Name, id)
		return err
	})
}

type organisationRenameCmd struct {
	ID   int64  `arg:"" help:"The number of the organisation."`
	Name string `required:"" help:"The new name; the old one to confirm only."`
}

func (o organisationRenameCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		deed, err := dayFlag{}.deed()
		if err != nil {
			return err
		}
		return st.ChangeOrganisation(r.ctx, store.OrganisationChange{ID: o.ID, Name: o.Name, Deed: deed})
	})
}

type organisationMoveCmd struct {
	dayFlag

	ID     int64  `arg:"" help:"The number of the department."`
	Region string `required:"" help:"The code of the region to which it moves with its cases and people."`
}

func (o organisationMoveCmd) Run(r run) error {
	deed, err := o.deed()
	if err != nil {
		return err
	}
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		return st.MoveDepartment(r.ctx, store.DepartmentMove{ID: o.ID, RegionCode: o.Region, Deed: deed})
	})
}

type organisationMergeCmd struct {
	dayFlag

	ID   int64 `arg:"" help:"The number of the department that ends."`
	Into int64 `required:"" help:"The number of the one that has its cases and people from now on."`
}

func (o organisationMergeCmd) Run(r run) error {
	deed, err := o.deed()
	if err != nil {
		return err
	}
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		return st.MergeDepartment(r.ctx, store.DepartmentMerge{ID: o.ID, Into: o.Into, Deed: deed})
	})
}

type organisationCloseCmd struct {
	dayFlag

	ID        int64 `arg:"" help:"The number of the organisation."`
	Successor int64 `help:"Of an authority: the number of the one that follows it."`
}

func (o organisationCloseCmd) Run(r run) error {
	deed, err := o.deed()
	if err != nil {
		return err
	}
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		return st.CloseOrganisation(r.ctx, store.OrganisationClosing{ID: o.ID, SuccessorID: o.Successor, Deed: deed})
	})
}

type organisationImportCmd struct {
	DryRun bool   `help:"Say what would become of each row, and change nothing."`
	File   string `arg:"" type:"existingfile" help:"The table, CSV or XLSX; its columns are in docs/operation.md."`
}

func (o organisationImportCmd) Run(r run) error {
	return importTable(r, o.File, o.DryRun, commands.Importer.ImportOrganisations)
}

// importTable takes a table in and prints what becomes of each row.
func importTable(
	r run, path string, dryRun bool, carry func(commands.Importer, context.Context, []byte, bool) (commands.TableImported, error),
) error {
	file, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer func() { _ = file.Close() }()
	table, err := io.ReadAll(io.LimitReader(file, commands.MaxTable+1))
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		imported, err := carry(app.OpenImporter(st), r.ctx, table, dryRun)
		if err != nil {
			return err
		}
		for _, row := range imported.Rows {
			why := ""
			if row.Refused != nil {
				why = fmt.Sprintf("\t%s: %s (%s)", row.Refused.Field, row.Refused.Detail, row.Refused.Reason)
			}
			if _, err := fmt.Fprintf(os.Stdout, "%d\t%s\t%s\t%s%s\n", row.Line, row.Outcome, row.RegionCode, row.Name, why); err != nil {
				return err
			}
		}
		switch {
		case imported.Refused():
			return errors.New("rows are refused: nothing was imported")
		case dryRun:
			_, err = fmt.Fprintln(os.Stdout, "dry run: nothing was imported")
		}
		return err
	})
}
