package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// User is a person who works with the system.
type User struct {
	ID               int64
	Username         string
	DisplayName      string
	OrganisationName string
	RegionName       string
	Position         string
	Demo             bool
	PasswordHash     string // empty: no sign-in by password
	Disabled         bool   // only where people are administered; elsewhere nobody reads a disabled person
	SecondFactor     bool   // has one, and is asked for it
	ReadsOnly        bool   // came by a token that only reads
	Version          int    // counts the changes to this person
	Actor            casework.Actor
}

type userRow struct {
	ID               int64          `db:"id"`
	Username         string         `db:"username"`
	DisplayName      string         `db:"display_name"`
	Position         string         `db:"position"`
	StaffLabel       string         `db:"staff_label"`
	Roles            pq.StringArray `db:"roles"`
	PasswordHash     string         `db:"password_hash"`
	Demo             bool           `db:"demo"`
	OrganisationID   int64          `db:"organisation_id"`
	OrganisationName string         `db:"organisation_name"`
	OrganisationKind string         `db:"organisation_kind"`
	RegionCode       string         `db:"region_code"`
	RegionName       string         `db:"region_name"`
	RegionLevel      string         `db:"region_level"`
	RegionPath       pq.StringArray `db:"region_path"`
	Disabled         bool           `db:"disabled"`
	SecondFactor     bool           `db:"second_factor"`
	Version          int            `db:"version"`
	Past             []byte         `db:"past"`
}

const userColumns = `
	u.id, u.username, u.display_name, u.position, u.staff_label, u.roles, COALESCE(u.password_hash, '') AS password_hash, u.demo,
	u.organisation_id, o.name AS organisation_name, o.kind AS organisation_kind,
	r.code AS region_code, r.name AS region_name, r.level AS region_level, r.path AS region_path,
	u.disabled_at IS NOT NULL AS disabled, u.totp_sealed IS NOT NULL AS second_factor, u.version,
	(SELECT jsonb_agg(jsonb_build_object('organisation_id', p.organisation_id, 'staff_label', p.staff_label, 'until', p.until) ORDER BY p.id)
	 FROM past_memberships p WHERE p.user_id = u.id) AS past
	FROM users u
	JOIN organisations o ON o.id = u.organisation_id
	JOIN regions r ON r.code = o.region_code`

func (r userRow) toUser() (User, error) {
	var past []casework.Membership
	if r.Past != nil { // most people have always been where they are
		if err := json.Unmarshal(r.Past, &past); err != nil {
			return User{}, fmt.Errorf("past memberships of user %d: %w", r.ID, err)
		}
	}
	return User{
		Disabled: r.Disabled, SecondFactor: r.SecondFactor, Version: r.Version, ID: r.ID, Username: r.Username, DisplayName: r.DisplayName, OrganisationName: r.OrganisationName,
		RegionName: r.RegionName, Position: r.Position, Demo: r.Demo, PasswordHash: r.PasswordHash,
		Actor: casework.Actor{
			UserID: r.ID, Roles: typed[casework.Role](r.Roles), OrganisationID: r.OrganisationID,
			OrganisationKind: casework.OrganisationKind(r.OrganisationKind), RegionCode: r.RegionCode,
			RegionPath: r.RegionPath, Level: casework.AdminLevel(r.RegionLevel), StaffLabel: r.StaffLabel, Past: past,
		},
	}, nil
}

// UserByID reads a person who is not disabled; CodeNotFound otherwise.
func (s *Store) UserByID(ctx context.Context, id int64) (User, error) {
	return s.user(ctx, `u.id = $1`, id)
}

// UserByName reads a person who is not disabled; CodeNotFound otherwise.
func (s *Store) UserByName(ctx context.Context, username string) (User, error) {
	return s.user(ctx, `u.username = $1`, username)
}

func (s *Store) user(ctx context.Context, condition string, args ...any) (User, error) {
	var row userRow
	err := s.db.GetContext(ctx, &row, `SELECT`+userColumns+` WHERE u.disabled_at IS NULL AND `+condition, args...)
	if err != nil {
		return User{}, notFound(err, "user")
	}
	return row.toUser()
}

// DemoUsers lists the invented people of the demo, by region and role.
func (s *Store) DemoUsers(ctx context.Context) ([]User, error) {
	return s.users(ctx, `u.demo ORDER BY cardinality(r.path) DESC, o.kind DESC, o.id, u.id`)
}

// Colleagues lists the people of an organisation who hold one of the roles.
func (s *Store) Colleagues(ctx context.Context, organisationID int64, roles ...casework.Role) ([]User, error) {
	return s.users(ctx, `u.organisation_id = $1 AND u.roles && $2 ORDER BY u.id`, organisationID, stringsOf(roles))
}

func (s *Store) users(ctx context.Context, condition string, args ...any) ([]User, error) {
	var rows []userRow
	err := s.db.SelectContext(ctx, &rows, `SELECT`+userColumns+` WHERE u.disabled_at IS NULL AND `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return toUsers(rows)
}

func toUsers(rows []userRow) ([]User, error) {
	users := make([]User, 0, len(rows))
	for _, r := range rows {
		user, err := r.toUser()
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, nil
}

// NewUser is a person to be created.
type NewUser struct {
	Username       string
	DisplayName    string
	OrganisationID int64
	Position       string
	StaffLabel     string
	Roles          []casework.Role
	PasswordHash   string      // argon2id in PHC form; empty: no sign-in by password yet
	By             casework.By // zero: the command line
}

// CreateUser creates a person. A username that is taken is CodeConflict; one
// that is not plain, roles that nobody may hold together, or an unknown
// organisation, is CodeInvalid.
func (s *Store) CreateUser(ctx context.Context, u NewUser) (id int64, err error) {
	if err := casework.CheckRoles(u.Roles); err != nil {
		return 0, err
	}
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := holdTree(ctx, tx); err != nil {
			return err
		}
		id, err = createUser(ctx, tx, u)
		return err
	})
	return id, err
}

func createUser(ctx context.Context, tx *sqlx.Tx, u NewUser) (int64, error) {
	id, err := insertUser(ctx, tx, u)
	if err != nil {
		return 0, err
	}
	var regionCode string
	if err := tx.GetContext(ctx, &regionCode, `SELECT region_code FROM organisations WHERE id = $1 AND valid_to IS NULL`, u.OrganisationID); err != nil {
		return 0, notFound(err, "organisation")
	}
	return id, recordAdminChange(ctx, tx, AdminChange{
		By: u.By, Kind: AdminPersonCreated, Subject: SubjectPerson, SubjectID: strconv.FormatInt(id, 10), SubjectName: u.DisplayName,
		RegionCode: regionCode, After: map[string]any{
			"username": u.Username, "display_name": u.DisplayName, "organisation_id": u.OrganisationID,
			"position": u.Position, "staff_label": u.StaffLabel, "roles": u.Roles,
		},
	})
}

func insertUser(ctx context.Context, tx *sqlx.Tx, u NewUser) (int64, error) {
	var id int64
	err := tx.GetContext(ctx, &id, `
		INSERT INTO users (username, display_name, organisation_id, position, staff_label, roles, password_hash)
		VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, '')) RETURNING id`,
		u.Username, u.DisplayName, u.OrganisationID, u.Position, u.StaffLabel, stringsOf(u.Roles), u.PasswordHash)
	switch {
	case violates(err, "username_is_unique"):
		return 0, casework.Conflict("username_taken", "there is a user of this name")
	case violates(err, "username_is_plain"):
		return 0, casework.Invalid("username", "username_not_plain", "2 to 64 of a-z, 0-9, dot, hyphen, underscore")
	case violates(err, "users_organisation_id_fkey"):
		return 0, casework.Invalid("organisation_id", "organisation_not_found", "there is no such organisation")
	case err != nil:
		return 0, fmt.Errorf("create user: %w", err)
	}
	return id, nil
}
