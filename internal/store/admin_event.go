package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// AdminSubject is what administration was done to.
type AdminSubject string

// The subjects. A session or a token is part of its person.
const (
	SubjectOrganisation AdminSubject = "organisation"
	SubjectPerson       AdminSubject = "person"
	SubjectPolicy       AdminSubject = "policy"
	SubjectKey          AdminSubject = "key"
	SubjectImport       AdminSubject = "import"
	SubjectText         AdminSubject = "text"
)

// AdminKind is what was done, in the past tense: person_created.
type AdminKind string

// AdminKinds lists what administration can have done.
func AdminKinds() []AdminKind {
	return []AdminKind{
		AdminPersonCreated, AdminPersonChanged, AdminPersonMoved, AdminPersonDisabled, AdminPersonEnabled, AdminRolesAssigned,
		AdminSignInReset, AdminSessionsEnded, AdminIdentityLinked, AdminIdentityUnlinked, AdminPolicyPublished,
		AdminOrganisationCreated, AdminOrganisationChanged, AdminOrganisationMoved, AdminOrganisationLeft, AdminOrganisationMerged,
		AdminOrganisationAbsorbed, AdminOrganisationClosed, AdminHallCreated, AdminHallChanged, AdminHallClosed,
		AdminWindowCreated, AdminWindowChanged, AdminWindowClosed,
		AdminKeyRotated, AdminDataKeysRewrapped, AdminKeyDestroyed, AdminDataShredded,
		AdminTextCreated, AdminTextChanged, AdminTextRetired,
	}
}

// What administration can have done.
const (
	AdminPersonCreated  AdminKind = "person_created"
	AdminPersonChanged  AdminKind = "person_changed"
	AdminPersonMoved    AdminKind = "person_moved"
	AdminPersonDisabled AdminKind = "person_disabled"
	AdminPersonEnabled  AdminKind = "person_enabled"
	AdminRolesAssigned  AdminKind = "roles_assigned"
	AdminSignInReset    AdminKind = "sign_in_reset"
	AdminSessionsEnded  AdminKind = "sessions_ended"

	AdminIdentityLinked   AdminKind = "identity_linked"
	AdminIdentityUnlinked AdminKind = "identity_unlinked"

	AdminPolicyPublished AdminKind = "policy_published"

	AdminOrganisationCreated  AdminKind = "organisation_created"
	AdminOrganisationChanged  AdminKind = "organisation_changed" // renamed or confirmed
	AdminOrganisationMoved    AdminKind = "organisation_moved"   // to this region
	AdminOrganisationLeft     AdminKind = "organisation_left"    // the same, in the region that it left
	AdminOrganisationMerged   AdminKind = "organisation_merged"  // into another
	AdminOrganisationAbsorbed AdminKind = "organisation_absorbed"
	AdminOrganisationClosed   AdminKind = "organisation_closed"

	// Halls and windows belong to the authority that runs them.
	AdminHallCreated   AdminKind = "hall_created"
	AdminHallChanged   AdminKind = "hall_changed"
	AdminHallClosed    AdminKind = "hall_closed"
	AdminWindowCreated AdminKind = "window_created"
	AdminWindowChanged AdminKind = "window_changed"
	AdminWindowClosed  AdminKind = "window_closed"

	AdminKeyRotated        AdminKind = "key_rotated"
	AdminDataKeysRewrapped AdminKind = "data_keys_rewrapped"
	AdminKeyDestroyed      AdminKind = "key_destroyed"
	AdminDataShredded      AdminKind = "data_shredded"

	AdminTextCreated AdminKind = "text_created"
	AdminTextChanged AdminKind = "text_changed"
	AdminTextRetired AdminKind = "text_retired"
)

// AdminChange is a change to be recorded together with itself, in one
// transaction.
type AdminChange struct {
	By          casework.By // zero: the command line, on the server itself
	Kind        AdminKind
	Subject     AdminSubject
	SubjectID   string
	SubjectName string
	RegionCode  string // where; for all of the installation, its topmost region
	// Before and After are what changed, as JSON objects; nil is nothing there.
	// They hold no password, no secret and nothing of a citizen.
	Before, After any
}

// recordAdminChange keeps what was done. Everything that changes administration
// calls it in the transaction of the change.
func recordAdminChange(ctx context.Context, tx *sqlx.Tx, c AdminChange) error {
	before, err := json.Marshal(c.Before)
	if err != nil {
		return fmt.Errorf("admin event %s: %w", c.Kind, err)
	}
	after, err := json.Marshal(c.After)
	if err != nil {
		return fmt.Errorf("admin event %s: %w", c.Kind, err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO admin_events (by_user_id, by_organisation_id, by_role, by_rule, kind, subject_kind, subject_id, subject_name,
			region_code, before, after)
		VALUES (NULLIF($1, 0), NULLIF($2, 0), NULLIF($3, ''), NULLIF($4, ''), $5, $6, $7, $8, $9, $10, $11)`,
		c.By.UserID, c.By.OrganisationID, string(c.By.Role), c.By.Rule,
		string(c.Kind), string(c.Subject), c.SubjectID, c.SubjectName, c.RegionCode, before, after)
	if err != nil {
		return fmt.Errorf("admin event %s: %w", c.Kind, err)
	}
	return nil
}

// AdminEvent is something that administration did.
type AdminEvent struct {
	ID             int64           `db:"id"`
	At             time.Time       `db:"at"`
	ByUserID       int64           `db:"by_user_id"` // 0: the command line
	ByName         string          `db:"by_name"`
	ByOrganisation string          `db:"by_organisation"`
	ByRole         casework.Role   `db:"by_role"`
	ByRule         string          `db:"by_rule"`
	Kind           AdminKind       `db:"kind"`
	Subject        AdminSubject    `db:"subject_kind"`
	SubjectID      string          `db:"subject_id"`
	SubjectName    string          `db:"subject_name"`
	RegionCode     string          `db:"region_code"`
	RegionName     string          `db:"region_name"`
	Before         json.RawMessage `db:"before"`
	After          json.RawMessage `db:"after"`
}

// AdminEventFilter narrows the list of what administration did.
type AdminEventFilter struct {
	Kind      AdminKind    // all when empty
	Subject   AdminSubject // all when empty
	SubjectID string       // all when empty; with Subject
	Before    AdminEventCursor
	Limit     int // 1 to 200
}

// AdminEventCursor is the place of an event in the list.
type AdminEventCursor struct {
	At time.Time `json:"at"`
	ID int64     `json:"id"`
}

// AdminEvents lists what administration did in or below a region, newest first.
func (s *Store) AdminEvents(ctx context.Context, regionCode string, f AdminEventFilter) ([]AdminEvent, error) {
	args := []any{regionCode}
	conditions := []string{"r.path @> ARRAY[$1]"}
	add := func(condition string, values ...any) {
		args = append(args, values...)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if f.Kind != "" {
		add("a.kind = $%d", string(f.Kind))
	}
	if f.Subject != "" {
		add("a.subject_kind = $%d", string(f.Subject))
	}
	if f.SubjectID != "" {
		add("a.subject_id = $%d", f.SubjectID)
	}
	if f.Before.ID != 0 {
		args = append(args, f.Before.At, f.Before.ID)
		conditions = append(conditions, fmt.Sprintf("(a.at, a.id) < ($%d, $%d)", len(args)-1, len(args)))
	}
	args = append(args, f.Limit)
	var events []AdminEvent
	err := s.db.SelectContext(ctx, &events, `
		SELECT a.id, a.at, COALESCE(a.by_user_id, 0) AS by_user_id, COALESCE(u.display_name, '') AS by_name,
			COALESCE(o.name, '') AS by_organisation, COALESCE(a.by_role, '') AS by_role, COALESCE(a.by_rule, '') AS by_rule,
			a.kind, a.subject_kind, a.subject_id, a.subject_name, a.region_code, r.name AS region_name, a.before, a.after
		FROM admin_events a
		JOIN regions r ON r.code = a.region_code
		LEFT JOIN users u ON u.id = a.by_user_id
		LEFT JOIN organisations o ON o.id = a.by_organisation_id
		WHERE `+strings.Join(conditions, " AND ")+fmt.Sprintf(` ORDER BY a.at DESC, a.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list admin events: %w", err)
	}
	return events, nil
}

// RootRegion is the topmost region: what holds for all of the installation lies
// there.
func (s *Store) RootRegion(ctx context.Context) (path []string, err error) {
	var code string
	err = s.db.GetContext(ctx, &code, `SELECT code FROM regions WHERE parent_code IS NULL`)
	return []string{code}, notFound(err, "region")
}
