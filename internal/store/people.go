package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// PeopleFilter narrows the list of people.
type PeopleFilter struct {
	Part  string        // of the name, the user name or the organisation; all when empty
	Role  casework.Role // all when empty
	After PersonCursor
	Limit int // 1 to 200
}

// PersonCursor is the place of a person in the list.
type PersonCursor struct {
	ID int64 `json:"id"`
}

// People lists the people of the organisations in or below a region, disabled ones
// too, in the order in which they were created.
func (s *Store) People(ctx context.Context, regionCode string, f PeopleFilter) ([]User, error) {
	args := []any{regionCode, f.After.ID}
	conditions := []string{"r.path @> ARRAY[$1]", "u.id > $2"}
	if f.Part != "" {
		args = append(args, f.Part)
		n := len(args)
		conditions = append(conditions, fmt.Sprintf(
			"(strpos(u.display_name, $%[1]d) > 0 OR strpos(u.username, $%[1]d) > 0 OR strpos(o.name, $%[1]d) > 0)", n))
	}
	if f.Role != "" {
		args = append(args, string(f.Role))
		conditions = append(conditions, fmt.Sprintf("$%d = ANY (u.roles)", len(args)))
	}
	args = append(args, f.Limit)
	var rows []userRow
	err := s.db.SelectContext(ctx, &rows, `SELECT`+userColumns+` WHERE `+strings.Join(conditions, " AND ")+
		fmt.Sprintf(` ORDER BY u.id LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return toUsers(rows)
}

// Person reads somebody for administration, disabled or not; CodeNotFound for none.
func (s *Store) Person(ctx context.Context, id int64) (User, error) {
	return person(ctx, s.db, id, "")
}

// PersonByName reads somebody by user name, disabled or not; CodeNotFound for none.
func (s *Store) PersonByName(ctx context.Context, username string) (User, error) {
	var id int64
	if err := s.db.GetContext(ctx, &id, `SELECT id FROM users WHERE username = $1`, username); err != nil {
		return User{}, notFound(err, "user")
	}
	return s.Person(ctx, id)
}

func person(ctx context.Context, q sqlx.QueryerContext, id int64, lock string) (User, error) {
	var row userRow
	if err := sqlx.GetContext(ctx, q, &row, `SELECT`+userColumns+` WHERE u.id = $1`+lock, id); err != nil {
		return User{}, notFound(err, "user")
	}
	return row.toUser()
}

// OpenCasesWith counts the cases that somebody has to handle: what must be given to
// another before they leave. It says nothing of the cases themselves.
func (s *Store) OpenCasesWith(ctx context.Context, userID int64) (n int, err error) {
	err = s.db.GetContext(ctx, &n, `
		SELECT count(*) FROM cases WHERE handler_id = $1 AND stage NOT IN ('closed', 'spot_check', 'invalid', 'withdrawn', 'merged', 'archived')`, userID)
	if err != nil {
		return 0, fmt.Errorf("open cases of a person: %w", err)
	}
	return n, nil
}

// PersonChange is a change to one person.
type PersonChange struct {
	ID      int64
	Version int // as it was seen; another one now is CodeStale
	By      casework.By
	Kind    AdminKind
	// Change alters the person: name, position, label, organisation, roles, whether
	// disabled. Nothing else is kept.
	Change func(*User) error
}

// lastAdministrators keeps two from disabling each other at once. The number means
// nothing but itself.
const lastAdministrators = 4107_2019_06

// ChangePerson changes somebody and records what was there before. Where they
// worked before stays with them (past_memberships). The last system or security
// administrator who can sign in is CodeConflict: nobody could make another.
func (s *Store) ChangePerson(ctx context.Context, c PersonChange) (User, error) {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := holdPeople(ctx, tx); err != nil {
			return err
		}
		return s.changePerson(ctx, tx, c)
	})
	if err != nil {
		return User{}, err
	}
	return s.Person(ctx, c.ID)
}

// holdPeople keeps the tree as it is, and two from disabling each other at once.
func holdPeople(ctx context.Context, tx *sqlx.Tx) error {
	if err := holdTree(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lastAdministrators); err != nil {
		return fmt.Errorf("change person: %w", err)
	}
	return nil
}

func (s *Store) changePerson(ctx context.Context, tx *sqlx.Tx, c PersonChange) error {
	before, err := person(ctx, tx, c.ID, " FOR UPDATE OF u")
	if err != nil {
		return err
	}
	if before.Version != c.Version {
		return &casework.Error{Code: casework.CodeStale, Reason: "person_changed", Detail: "somebody changed this person meanwhile"}
	}
	after := before
	after.Actor.Roles = slices.Clone(before.Actor.Roles)
	if err := c.Change(&after); err != nil {
		return err
	}
	if err := casework.CheckRoles(after.Actor.Roles); err != nil {
		return err
	}
	return s.keepPerson(ctx, tx, c, before, after)
}

func (s *Store) keepPerson(ctx context.Context, tx *sqlx.Tx, c PersonChange, before, after User) error {
	moved := before.Actor.OrganisationID != after.Actor.OrganisationID || before.Actor.StaffLabel != after.Actor.StaffLabel
	if moved {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO past_memberships (user_id, organisation_id, position, staff_label, since, until)
			SELECT id, organisation_id, position, staff_label, least(member_since, now()), now() FROM users WHERE id = $1`, c.ID)
		if err != nil {
			return fmt.Errorf("past membership: %w", err)
		}
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE users SET display_name = $2, position = $3, staff_label = $4, organisation_id = $5, roles = $6,
			disabled_at = CASE WHEN NOT $7 THEN NULL ELSE COALESCE(disabled_at, now()) END,
			member_since = CASE WHEN $8 THEN now() ELSE member_since END, version = version + 1
		WHERE id = $1`,
		c.ID, after.DisplayName, after.Position, after.Actor.StaffLabel, after.Actor.OrganisationID, stringsOf(after.Actor.Roles), after.Disabled, moved)
	switch {
	case violates(err, "users_organisation_id_fkey"):
		return casework.Invalid("organisation_id", "organisation_not_found", "there is no such organisation")
	case err != nil:
		return fmt.Errorf("change person: %w", err)
	}
	if after.Disabled {
		if err := endSessions(ctx, tx, c.ID, ""); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL`, c.ID); err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
	}
	for _, role := range []casework.Role{casework.RoleSysadmin, casework.RoleSecadmin} {
		if !before.Actor.Has(role) || before.Disabled || after.Actor.Has(role) && !after.Disabled {
			continue
		}
		var others bool
		err := tx.GetContext(ctx, &others, `SELECT EXISTS (SELECT FROM users WHERE $1 = ANY (roles) AND disabled_at IS NULL)`, string(role))
		if err != nil {
			return fmt.Errorf("other administrators: %w", err)
		}
		if !others {
			return casework.Conflict("last_administrator", "nobody else is "+string(role)+", and nobody could make another")
		}
	}
	var regionCode string
	if err := tx.GetContext(ctx, &regionCode, `SELECT region_code FROM organisations WHERE id = $1 AND valid_to IS NULL`, after.Actor.OrganisationID); err != nil {
		return notFound(err, "organisation")
	}
	return recordAdminChange(ctx, tx, AdminChange{
		By: c.By, Kind: c.Kind, Subject: SubjectPerson, SubjectID: strconv.FormatInt(c.ID, 10), SubjectName: after.DisplayName,
		RegionCode: regionCode, Before: recordOf(before), After: recordOf(after),
	})
}

// recordOf is what of a person stands in the record of administration.
func recordOf(u User) map[string]any {
	return map[string]any{
		"display_name": u.DisplayName, "position": u.Position, "staff_label": u.Actor.StaffLabel,
		"organisation_id": u.Actor.OrganisationID, "roles": u.Actor.Roles, "disabled": u.Disabled,
	}
}
