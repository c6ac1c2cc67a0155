package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
	"guiling/internal/intake"
)

// PeopleImport is a table of people.
type PeopleImport struct {
	Rows []intake.PersonRow
	// RegionCode is the subtree in which they work; empty: anywhere.
	RegionCode string
	// DryRun says only what would become of each row.
	DryRun bool
	By     casework.By
}

// ImportPeople creates the people of a table, and changes or moves those whose user
// names are known. It does all of it, or nothing when a row is refused; the same
// table again changes nothing. Roles come from elsewhere, and who moves loses them.
func (s *Store) ImportPeople(ctx context.Context, im PeopleImport) (results []RowResult, done bool, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := holdPeople(ctx, tx); err != nil {
			return err
		}
		results = make([]RowResult, len(im.Rows))
		refused := false
		for i, row := range im.Rows {
			results[i] = RowResult{Line: row.Line, Name: row.DisplayName, RegionCode: row.RegionCode, Outcome: RowRefused, Refused: row.Refused}
			if row.Refused == nil && slices.ContainsFunc(im.Rows[:i], func(r intake.PersonRow) bool { return r.Username == row.Username }) {
				results[i].Refused = casework.Invalid(intake.ColumnUsername, "row_twice", "an earlier row describes the same person")
			}
			if results[i].Refused == nil {
				if results[i].Outcome, results[i].Refused, err = s.tryPerson(ctx, tx, im, row); err != nil {
					return fmt.Errorf("line %d: %w", row.Line, err)
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

// tryPerson takes a row. One that is refused, by the database as well, does not end
// the transaction: the others are still to be judged.
func (s *Store) tryPerson(ctx context.Context, tx *sqlx.Tx, im PeopleImport, row intake.PersonRow) (RowOutcome, *casework.Error, error) {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT person`); err != nil {
		return "", nil, fmt.Errorf("savepoint: %w", err)
	}
	outcome, err := s.takePerson(ctx, tx, im, row)
	refused, ok := casework.AsError(err)
	if !ok {
		return outcome, nil, err
	}
	if _, err := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT person`); err != nil {
		return "", nil, fmt.Errorf("savepoint: %w", err)
	}
	column, known := map[string]string{
		"username": intake.ColumnUsername, "display_name": intake.ColumnPersonName, "organisation_id": intake.ColumnOrganisation,
		"position": intake.ColumnPosition, "staff_label": intake.ColumnWindow,
	}[refused.Field]
	if !known {
		column = intake.ColumnUsername
	}
	return RowRefused, casework.Invalid(column, refused.Reason, refused.Detail), nil
}

func (s *Store) takePerson(ctx context.Context, tx *sqlx.Tx, im PeopleImport, row intake.PersonRow) (RowOutcome, error) {
	var organisation int64
	err := tx.GetContext(ctx, &organisation, `
		SELECT o.id FROM organisations o JOIN regions r ON r.code = o.region_code
		WHERE o.region_code = $1 AND o.name = $2 AND o.valid_to IS NULL AND ($3 = '' OR r.path @> ARRAY[$3])`, row.RegionCode, row.Organisation, im.RegionCode)
	if isNoRow(err) {
		return "", casework.Invalid("organisation_id", "organisation_not_found", "there is no such organisation in your subtree")
	}
	if err != nil {
		return "", fmt.Errorf("organisation %s: %w", row.Organisation, err)
	}
	var id int64
	err = tx.GetContext(ctx, &id, `SELECT id FROM users WHERE username = $1`, row.Username)
	if isNoRow(err) {
		_, err := createUser(ctx, tx, NewUser{
			Username: row.Username, DisplayName: row.DisplayName, OrganisationID: organisation, Position: row.Position, StaffLabel: row.StaffLabel,
			Roles: []casework.Role{}, By: im.By,
		})
		return RowCreated, err
	}
	if err != nil {
		return "", fmt.Errorf("person %s: %w", row.Username, err)
	}
	u, err := person(ctx, tx, id, " FOR UPDATE OF u")
	switch {
	case err != nil:
		return "", err
	case im.RegionCode != "" && !slices.Contains(u.Actor.RegionPath, im.RegionCode):
		return "", casework.Conflict("username_taken", "somebody outside your subtree has this user name")
	case u.ID == im.By.UserID:
		return "", casework.Conflict("not_oneself", "nobody administers themselves")
	case u.DisplayName == row.DisplayName && u.Position == row.Position && u.Actor.StaffLabel == row.StaffLabel && u.Actor.OrganisationID == organisation:
		return RowUnchanged, nil
	}
	kind, moves := AdminPersonChanged, u.Actor.OrganisationID != organisation
	if moves {
		kind = AdminPersonMoved
	}
	return RowChanged, s.changePerson(ctx, tx, PersonChange{ID: id, Version: u.Version, By: im.By, Kind: kind, Change: func(u *User) error {
		u.DisplayName, u.Position, u.Actor.StaffLabel = row.DisplayName, row.Position, row.StaffLabel
		if moves {
			u.Actor.OrganisationID, u.Actor.Roles = organisation, []casework.Role{}
		}
		return nil
	}})
}
