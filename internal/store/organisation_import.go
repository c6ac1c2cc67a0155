package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
	"guiling/internal/intake"
)

// RowOutcome is what becomes of a row of a table.
type RowOutcome string

// The outcomes of a row.
const (
	RowCreated   RowOutcome = "created"
	RowChanged   RowOutcome = "changed"
	RowUnchanged RowOutcome = "unchanged"
	RowRefused   RowOutcome = "refused"
)

// RowOutcomes lists the outcomes.
func RowOutcomes() []RowOutcome {
	return []RowOutcome{RowCreated, RowChanged, RowUnchanged, RowRefused}
}

// RowResult says what becomes of a row.
type RowResult struct {
	Line       int
	Name       string
	RegionCode string
	Outcome    RowOutcome
	Refused    *casework.Error // why; its field is the column
}

// OrganisationImport is a table of organisations.
type OrganisationImport struct {
	Rows []intake.OrganisationRow
	// RegionCode is the subtree in which they must lie; empty: anywhere.
	RegionCode string
	// DryRun says only what would become of each row.
	DryRun bool
	Deed
}

// errDryRun undoes everything that a dry run did.
var errDryRun = errors.New("dry run")

// ImportOrganisations creates the organisations of a table, and confirms those that
// an import of reviews met first. It does all of it, or nothing when a row is
// refused; the same table again changes nothing. An authority whose region has one
// under another name is renamed.
func (s *Store) ImportOrganisations(ctx context.Context, im OrganisationImport) (results []RowResult, done bool, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := changeTree(ctx, tx); err != nil {
			return err
		}
		results = make([]RowResult, len(im.Rows))
		// Authorities first, so that what comes under them finds them.
		for _, kind := range []casework.OrganisationKind{casework.KindAuthority, casework.KindDepartment, ""} {
			for i, row := range im.Rows {
				if row.Kind != kind {
					continue
				}
				if results[i], err = s.importOrganisation(ctx, tx, im, i); err != nil {
					return fmt.Errorf("line %d: %w", row.Line, err)
				}
			}
		}
		refused := false
		for i, row := range im.Rows {
			if results[i].Outcome != RowRefused {
				if results[i].Refused, err = parentDiffers(ctx, tx, row); err != nil {
					return err
				}
				if results[i].Refused != nil {
					results[i].Outcome = RowRefused
				}
			}
			refused = refused || results[i].Outcome == RowRefused
		}
		if im.DryRun || refused {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		return results, false, nil
	}
	return results, err == nil, err
}

func (s *Store) importOrganisation(ctx context.Context, tx *sqlx.Tx, im OrganisationImport, i int) (RowResult, error) {
	row := im.Rows[i]
	result := RowResult{Line: row.Line, Name: row.Name, RegionCode: row.RegionCode, Outcome: RowRefused, Refused: row.Refused}
	if !row.Readable() {
		return result, nil
	}
	same := func(o intake.OrganisationRow) bool {
		return o.Kind == row.Kind && o.RegionCode == row.RegionCode && (o.Kind == casework.KindAuthority || o.Name == row.Name)
	}
	if slices.ContainsFunc(im.Rows[:i], same) {
		result.Refused = casework.Invalid(intake.ColumnName, "row_twice", "an earlier row describes the same organisation")
		return result, nil
	}
	var err error
	if result.Refused, err = regionDiffers(ctx, tx, im.RegionCode, row); err != nil || result.Refused != nil {
		return result, err
	}
	result.Outcome, result.Refused, err = s.tryOrganisation(ctx, tx, im.Deed, row)
	return result, err
}

// tryOrganisation takes a row. One that is refused, by the database as well, does
// not end the transaction: the others are still to be judged.
func (s *Store) tryOrganisation(ctx context.Context, tx *sqlx.Tx, deed Deed, row intake.OrganisationRow) (RowOutcome, *casework.Error, error) {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT organisation`); err != nil {
		return "", nil, fmt.Errorf("savepoint: %w", err)
	}
	outcome, err := s.takeOrganisation(ctx, tx, deed, row)
	refused, ok := casework.AsError(err)
	if !ok {
		return outcome, nil, err
	}
	_, err = tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT organisation`)
	if err != nil {
		err = fmt.Errorf("savepoint: %w", err)
	}
	return RowRefused, columnOf(refused), err
}

// columnOf names the column for the field that is wrong.
func columnOf(e *casework.Error) *casework.Error {
	column, ok := map[string]string{
		"name": intake.ColumnName, "region_code": intake.ColumnRegion, "valid_from": intake.ColumnValidFrom, "on": intake.ColumnValidFrom,
	}[e.Field]
	if !ok {
		column = intake.ColumnName
	}
	return casework.Invalid(column, e.Reason, e.Detail)
}

func regionDiffers(ctx context.Context, tx *sqlx.Tx, within string, row intake.OrganisationRow) (*casework.Error, error) {
	var region struct {
		Level  casework.AdminLevel `db:"level"`
		Within bool                `db:"within"`
	}
	err := tx.GetContext(ctx, &region, `SELECT level, $2 = '' OR path @> ARRAY[$2] AS within FROM regions WHERE code = $1`, row.RegionCode, within)
	switch {
	case isNoRow(err) || err == nil && !region.Within:
		return casework.Invalid(intake.ColumnRegion, "region_not_found", "there is no such region in your subtree"), nil
	case err != nil:
		return nil, fmt.Errorf("region %s: %w", row.RegionCode, err)
	case row.Level != "" && row.Level != region.Level:
		return casework.Invalid(intake.ColumnLevel, "level_differs", "the region is of level "+string(region.Level)), nil
	}
	return nil, nil //nolint:nilnil // no refusal and no failure
}

// takeOrganisation creates or changes what a row describes.
func (s *Store) takeOrganisation(ctx context.Context, tx *sqlx.Tx, deed Deed, row intake.OrganisationRow) (RowOutcome, error) {
	var id int64
	err := tx.GetContext(ctx, &id, `
		SELECT id FROM organisations
		WHERE kind = $1 AND region_code = $2 AND valid_to IS NULL AND (kind = 'authority' OR name = $3)`, string(row.Kind), row.RegionCode, row.Name)
	if err != nil && !isNoRow(err) {
		return "", fmt.Errorf("organisation %s: %w", row.Name, err)
	}
	if id == 0 {
		if row.Kind == casework.KindDepartment {
			if id, err = departmentNamed(ctx, tx, row.RegionCode, row.Name); err != nil {
				return "", err
			}
			if id != 0 {
				return "", casework.Conflict("former_name", "it was renamed, moved or merged: number "+strconv.FormatInt(id, 10)+" is what it became")
			}
		}
		_, err := s.createOrganisation(ctx, tx, NewOrganisation{
			Kind: row.Kind, Name: row.Name, RegionCode: row.RegionCode, ValidFrom: row.ValidFrom, Deed: deed,
		})
		return RowCreated, err
	}
	before, err := organisationInBeing(ctx, tx, id)
	if err != nil {
		return "", err
	}
	outcome := RowUnchanged
	if before.Name != row.Name || !before.Confirmed {
		if err := changeOrganisation(ctx, tx, before, OrganisationChange{ID: id, Name: row.Name, Deed: deed}); err != nil {
			return "", err
		}
		outcome = RowChanged
	}
	if from := dateText(row.ValidFrom); from != "" && from != before.ValidFrom {
		return RowChanged, setValidFrom(ctx, tx, deed, before, row)
	}
	return outcome, nil
}

func setValidFrom(ctx context.Context, tx *sqlx.Tx, deed Deed, before Organisation, row intake.OrganisationRow) error {
	if deed.Today.Before(row.ValidFrom) {
		return casework.Invalid("valid_from", "date_ahead", "it is entered on its day, not ahead")
	}
	_, err := tx.ExecContext(ctx, `UPDATE organisations SET valid_from = CAST($2 AS date) WHERE id = $1`, before.ID, row.ValidFrom.String())
	if err != nil {
		return fmt.Errorf("valid from of organisation %d: %w", before.ID, err)
	}
	return recordAdminChange(ctx, tx, AdminChange{
		By: deed.By, Kind: AdminOrganisationChanged, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(before.ID, 10), SubjectName: row.Name,
		RegionCode: before.RegionCode, Before: map[string]any{"valid_from": before.ValidFrom}, After: map[string]any{"valid_from": row.ValidFrom.String()},
	})
}

// parentDiffers refuses a row that names another organisation above than the one to
// which its region answers.
func parentDiffers(ctx context.Context, tx *sqlx.Tx, row intake.OrganisationRow) (*casework.Error, error) {
	if row.Parent == "" {
		return nil, nil //nolint:nilnil // no refusal and no failure
	}
	var parent string
	err := tx.GetContext(ctx, &parent, `
		SELECT COALESCE(p.name, '') FROM organisations o LEFT JOIN organisations p ON p.id = o.parent_id
		WHERE o.kind = $1 AND o.region_code = $2 AND o.name = $3 AND o.valid_to IS NULL`, string(row.Kind), row.RegionCode, row.Name)
	if err != nil {
		return nil, fmt.Errorf("parent of %s: %w", row.Name, err)
	}
	if parent != row.Parent {
		return casework.Invalid(intake.ColumnParent, "parent_differs", "by its region it answers to "+parent), nil
	}
	return nil, nil //nolint:nilnil // no refusal and no failure
}
