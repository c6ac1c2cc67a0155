package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// Deed is who changes the tree of organisations, and from which day.
type Deed struct {
	By    casework.By   // zero: the command line
	Today casework.Date // in China
	// On is the day from which it holds: today when zero, never a day ahead.
	On casework.Date
}

// day gives the day of the deed, which is not ahead and not before what it ends.
func (d Deed) day(validFrom string) (string, error) {
	on := d.On
	if on.IsZero() {
		on = d.Today
	}
	if d.Today.Before(on) {
		return "", casework.Invalid("on", "date_ahead", "a reorganisation is entered on its day, not ahead")
	}
	if validFrom != "" && on.String() < validFrom {
		return "", casework.Invalid("on", "date_before_beginning", "it did not exist before "+validFrom)
	}
	return on.String(), nil
}

// OrganisationFilter narrows the list of organisations.
type OrganisationFilter struct {
	Part        string // of the name; all when empty
	RegionCode  string // in or below it; all of the subtree when empty
	Kind        casework.OrganisationKind
	Unconfirmed bool // only those that an import met first
	Ended       bool // those that are over instead of those in being
	After       OrganisationCursor
	Limit       int // 1 to 200
}

// OrganisationCursor is the place of an organisation in the list.
type OrganisationCursor struct {
	RegionCode string                    `json:"region_code"`
	Kind       casework.OrganisationKind `json:"kind"`
	ID         int64                     `json:"id"`
}

// Organisations lists the organisations in or below a region, by region,
// authorities first.
func (s *Store) Organisations(ctx context.Context, regionCode string, f OrganisationFilter) ([]Organisation, error) {
	args := []any{regionCode}
	conditions := []string{"r.path @> ARRAY[$1]"}
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if f.Part != "" {
		add("strpos(o.name, $%d) > 0", f.Part)
	}
	if f.RegionCode != "" {
		add("r.path @> ARRAY[$%d]", f.RegionCode)
	}
	if f.Kind != "" {
		add("o.kind = $%d", string(f.Kind))
	}
	if f.Unconfirmed {
		conditions = append(conditions, "NOT o.confirmed")
	}
	if f.Ended {
		conditions = append(conditions, "o.valid_to IS NOT NULL")
	} else {
		conditions = append(conditions, "o.valid_to IS NULL")
	}
	if f.After.ID != 0 {
		args = append(args, f.After.RegionCode, string(f.After.Kind), f.After.ID)
		conditions = append(conditions, fmt.Sprintf("(o.region_code, o.kind, o.id) > ($%d, $%d, $%d)", len(args)-2, len(args)-1, len(args)))
	}
	args = append(args, f.Limit)
	return s.organisations(ctx, strings.Join(conditions, " AND ")+
		fmt.Sprintf(" ORDER BY o.region_code, o.kind, o.id LIMIT $%d", len(args)), args...)
}

// UnconfirmedBelow counts the departments in or below a region that wait for
// confirmation.
func (s *Store) UnconfirmedBelow(ctx context.Context, regionCode string) (n int, err error) {
	err = s.db.GetContext(ctx, &n, `
		SELECT count(*) FROM organisations o JOIN regions r ON r.code = o.region_code
		WHERE NOT o.confirmed AND o.valid_to IS NULL AND r.path @> ARRAY[$1]`, regionCode)
	if err != nil {
		return 0, fmt.Errorf("count unconfirmed departments: %w", err)
	}
	return n, nil
}

// RegionByCode reads a region; CodeNotFound when there is none.
func (s *Store) RegionByCode(ctx context.Context, code string) (region casework.Region, path []string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT code, name, level, COALESCE(parent_code, ''), array_to_string(path, ' ') FROM regions WHERE code = $1`, code).
		Scan(&region.Code, &region.Name, &region.Level, &region.ParentCode, (*words)(&path))
	return region, path, notFound(err, "region")
}

// words scans what array_to_string joined.
type words []string

// Scan implements sql.Scanner.
func (w *words) Scan(value any) error {
	switch text := value.(type) {
	case string:
		*w = strings.Fields(text)
	case []byte:
		*w = strings.Fields(string(text))
	default:
		return fmt.Errorf("scan words: %T", value)
	}
	return nil
}

// Dependants are what would be left behind by an organisation that is over. They
// are counted and not named.
type Dependants struct {
	Cases          int `db:"cases" json:"cases"`           // of the department, ended ones too
	OpenCases      int `db:"open_cases" json:"open_cases"` // of them those that go on
	TakenOver      int `db:"taken_over" json:"taken_over"` // cases that the authority handles itself
	People         int `db:"people" json:"people"`         // who can sign in
	Administrators int `db:"administrators" json:"administrators"`
	Departments    int `db:"departments" json:"departments"`
	Authorities    int `db:"authorities" json:"authorities"`
	Halls          int `db:"halls" json:"halls"`
	Windows        int `db:"windows" json:"windows"`
}

// DependantsOf counts what depends on an organisation.
func (s *Store) DependantsOf(ctx context.Context, id int64) (Dependants, error) {
	return dependantsOf(ctx, s.db, id)
}

func dependantsOf(ctx context.Context, q sqlx.QueryerContext, id int64) (d Dependants, err error) {
	err = sqlx.GetContext(ctx, q, &d, `
		SELECT
			(SELECT count(*) FROM cases WHERE department_id = $1) AS cases,
			(SELECT count(*) FROM cases WHERE department_id = $1 AND stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived')) AS open_cases,
			(SELECT count(DISTINCT e.case_number) FROM case_events e JOIN cases c ON c.number = e.case_number
			 WHERE e.kind = 'taken_over' AND e.by_organisation_id = $1 AND c.stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived')
			   AND NOT EXISTS (SELECT FROM case_events l WHERE l.case_number = e.case_number AND l.seq > e.seq AND l.kind IN ('transferred', 'taken_over'))
			) AS taken_over,
			(SELECT count(*) FROM users WHERE organisation_id = $1 AND disabled_at IS NULL) AS people,
			(SELECT count(*) FROM users WHERE organisation_id = $1 AND roles && ARRAY['sysadmin', 'secadmin', 'auditor']) AS administrators,
			(SELECT count(*) FROM organisations WHERE parent_id = $1 AND kind = 'department' AND valid_to IS NULL) AS departments,
			(SELECT count(*) FROM organisations WHERE parent_id = $1 AND kind = 'authority' AND valid_to IS NULL) AS authorities,
			(SELECT count(*) FROM halls WHERE organisation_id = $1 AND valid_to IS NULL) AS halls,
			(SELECT count(*) FROM windows WHERE department_id = $1 AND valid_to IS NULL) AS windows`, id)
	if err != nil {
		return Dependants{}, fmt.Errorf("dependants of organisation %d: %w", id, err)
	}
	return d, nil
}

// CurrentOrganisations gives, for each of the organisations, what it is today:
// itself, or the last of its successors.
func (s *Store) CurrentOrganisations(ctx context.Context, ids []int64) (map[int64]int64, error) {
	var rows []struct {
		ID      int64 `db:"id"`
		Current int64 `db:"current"`
	}
	err := s.db.SelectContext(ctx, &rows, `SELECT id, COALESCE(current_id, id) AS current FROM organisations WHERE id = ANY ($1)`, int64s(ids))
	if err != nil {
		return nil, fmt.Errorf("current organisations: %w", err)
	}
	current := make(map[int64]int64, len(rows))
	for _, r := range rows {
		current[r.ID] = r.Current
	}
	return current, nil
}

// FormerNames lists what an organisation was called before, the last first.
func (s *Store) FormerNames(ctx context.Context, id int64) ([]string, error) {
	var names []string
	if err := s.db.SelectContext(ctx, &names, `SELECT name FROM former_names WHERE organisation_id = $1 ORDER BY id DESC`, id); err != nil {
		return nil, fmt.Errorf("former names of organisation %d: %w", id, err)
	}
	return names, nil
}

// NewOrganisation is an organisation to be created.
type NewOrganisation struct {
	Kind       casework.OrganisationKind
	Name       string
	RegionCode string
	ValidFrom  casework.Date // zero: not known
	Deed
}

// CreateOrganisation creates an authority for a region that has none, or a
// department under the authority that serves its region. Whoever lies below a new
// authority answers to it from now on, with the decisions that wait.
func (s *Store) CreateOrganisation(ctx context.Context, o NewOrganisation) (id int64, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := changeTree(ctx, tx); err != nil {
			return err
		}
		id, err = s.createOrganisation(ctx, tx, o)
		return err
	})
	return id, err
}

func (s *Store) createOrganisation(ctx context.Context, tx *sqlx.Tx, o NewOrganisation) (int64, error) {
	if o.Kind != casework.KindAuthority && o.Kind != casework.KindDepartment {
		return 0, casework.Invalid("kind", "unknown_value", "an authority or a department")
	}
	name, err := organisationName(o.Name)
	if err != nil {
		return 0, err
	}
	if !o.ValidFrom.IsZero() && o.Today.Before(o.ValidFrom) {
		return 0, casework.Invalid("valid_from", "date_ahead", "it is entered on its day, not ahead")
	}
	var id int64
	var parent sql.NullInt64
	err = tx.QueryRowContext(ctx, `
		INSERT INTO organisations (kind, name, region_code, parent_id, valid_from)
		SELECT $1, $2, r.code, (
			SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code
			WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) ORDER BY cardinality(ar.path) DESC LIMIT 1),
			CAST(NULLIF($4, '') AS date)
		FROM regions r WHERE r.code = $3
		RETURNING id, parent_id`, string(o.Kind), name, o.RegionCode, dateText(o.ValidFrom)).Scan(&id, &parent)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, casework.Invalid("region_code", "region_not_found", "there is no region "+o.RegionCode)
	case violates(err, "department_has_an_authority"):
		return 0, casework.Conflict("no_authority", "no authority serves this region")
	case err != nil:
		return 0, nameTaken(err, "create organisation")
	}
	if o.Kind == casework.KindAuthority {
		if err := reparent(ctx, tx, o.RegionCode); err != nil {
			return 0, err
		}
		if err := s.resettle(ctx, tx, "r.path @> ARRAY[$1]", o.RegionCode); err != nil {
			return 0, err
		}
	}
	return id, recordAdminChange(ctx, tx, AdminChange{
		By: o.By, Kind: AdminOrganisationCreated, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(id, 10), SubjectName: name,
		RegionCode: o.RegionCode, After: map[string]any{
			"kind": o.Kind, "name": name, "region_code": o.RegionCode, "parent_id": parent.Int64, "valid_from": dateText(o.ValidFrom), "confirmed": true,
		},
	})
}

func dateText(d casework.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// organisationName refuses a name that is none, and that under which departments
// without a name wait.
func organisationName(name string) (string, error) {
	name, err := casework.CheckName("name", name)
	if err == nil && name == unnamedDepartment {
		err = casework.Invalid("name", "name_reserved", "departments without a name wait under this one")
	}
	return name, err
}

// nameTaken turns a name or a region that is taken into the domain's error.
func nameTaken(err error, doing string) error {
	switch {
	case violates(err, "one_authority_per_region"):
		return casework.Conflict("region_has_authority", "the region has an authority")
	case violates(err, "one_department_of_a_name_per_region"):
		return casework.Conflict("department_name_taken", "the region has a department of this name")
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// organisationInBeing reads an organisation that is to be changed.
func organisationInBeing(ctx context.Context, tx *sqlx.Tx, id int64) (Organisation, error) {
	var row organisationRow
	if err := tx.GetContext(ctx, &row, `SELECT`+organisationColumns+` WHERE o.id = $1 FOR UPDATE OF o`, id); err != nil {
		return Organisation{}, notFound(err, "organisation")
	}
	o := row.toOrganisation()
	if o.Ended() {
		return Organisation{}, casework.Conflict("organisation_ended", o.Name+" is no more since "+o.ValidTo)
	}
	return o, nil
}

// OrganisationChange renames an organisation, which confirms it as well.
type OrganisationChange struct {
	ID   int64
	Name string // as it is, to confirm only
	Deed
}

// ChangeOrganisation renames or confirms an organisation. Reviews that name it as
// it was called before still find it.
func (s *Store) ChangeOrganisation(ctx context.Context, c OrganisationChange) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := changeTree(ctx, tx); err != nil {
			return err
		}
		before, err := organisationInBeing(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		return changeOrganisation(ctx, tx, before, c)
	})
}

func changeOrganisation(ctx context.Context, tx *sqlx.Tx, before Organisation, c OrganisationChange) error {
	name, err := organisationName(c.Name)
	if err != nil {
		return err
	}
	if name == before.Name && before.Confirmed {
		return casework.Conflict("nothing_changes", "it is called so already, and is confirmed")
	}
	on, err := c.day(before.ValidFrom)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE organisations SET name = $2, confirmed = true WHERE id = $1`, c.ID, name); err != nil {
		return nameTaken(err, "rename organisation")
	}
	if name != before.Name {
		if err := keepFormerName(ctx, tx, before, on); err != nil {
			return err
		}
	}
	return recordAdminChange(ctx, tx, AdminChange{
		By: c.By, Kind: AdminOrganisationChanged, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(c.ID, 10), SubjectName: name,
		RegionCode: before.RegionCode, Before: map[string]any{"name": before.Name, "confirmed": before.Confirmed},
		After: map[string]any{"name": name, "confirmed": true},
	})
}

// keepFormerName lets reviews go on naming an organisation as it was called. The
// name under which all departments without one wait leads to nobody.
func keepFormerName(ctx context.Context, tx *sqlx.Tx, o Organisation, until string) error {
	if o.Name == unnamedDepartment {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO former_names (organisation_id, region_code, name, until) VALUES ($1, $2, $3, CAST($4 AS date))`,
		o.ID, o.RegionCode, o.Name, until)
	if err != nil {
		return fmt.Errorf("former name of organisation %d: %w", o.ID, err)
	}
	return nil
}
