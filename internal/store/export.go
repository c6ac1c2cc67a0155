package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// Extract says for whom a whole list is read, and how long it may be.
type Extract struct {
	UserID  int64
	Scope   Scope
	MaxRows int
}

// StreamCases hands on the cases in scope that pass the filter, in the order of
// the list and one after the other, all as they were at one moment. It gives how
// many there were. A list that is too long is CodeInvalid before anything was
// handed on; a second one of the same person at the same time is CodeTooMany.
func (s *Store) StreamCases(ctx context.Context, e Extract, f CaseFilter, put func(Case) error) (rows int, err error) {
	l, err := s.listingOfCases(ctx, e.Scope, f, caseJoins)
	if err != nil {
		return 0, err
	}
	return stream(ctx, s, e, *l, func(r caseRow) error { return put(r.toCase()) })
}

// StreamEvents hands on what happened to the cases in scope; see StreamCases.
func (s *Store) StreamEvents(ctx context.Context, e Extract, f EventFilter, put func(RecordedEvent) error) (rows int, err error) {
	return stream(ctx, s, e, listingOfEvents(e.Scope, f), func(r eventRow) error {
		event, err := r.toEvent()
		if err != nil {
			return err
		}
		return put(event)
	})
}

// StreamReveals hands on the looks at the reviewers of cases in scope; see
// StreamCases.
func (s *Store) StreamReveals(ctx context.Context, e Extract, f RevealFilter, put func(RecordedReveal) error) (rows int, err error) {
	return stream(ctx, s, e, listingOfReveals(e.Scope, f), func(r RecordedReveal) error { return put(r.shown()) })
}

// stream reads a list within one snapshot. The driver reads rows off the wire as
// they are asked for, so that never more than one of them is held.
func stream[R any](ctx context.Context, s *Store, e Extract, l listing, put func(R) error) (int, error) {
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := admit(ctx, tx, e, l); err != nil {
		return 0, err
	}
	query, args := l.page(e.MaxRows)
	rows, err := tx.QueryxContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("read a list: %w", err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for rows.Next() {
		var row R
		if err := rows.StructScan(&row); err != nil {
			return 0, fmt.Errorf("read a list: %w", err)
		}
		if err := put(row); err != nil {
			return 0, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("read a list: %w", err)
	}
	return n, nil
}

// admit refuses a list that is too long, and a second one at the same time: each
// is work for a minute.
func admit(ctx context.Context, tx *sqlx.Tx, e Extract, l listing) error {
	var free bool
	err := tx.GetContext(ctx, &free, `SELECT pg_try_advisory_xact_lock(hashtextextended('exports of ' || $1, 0))`, strconv.FormatInt(e.UserID, 10))
	if err != nil {
		return fmt.Errorf("read a list: %w", err)
	}
	if !free {
		return &casework.Error{Code: casework.CodeTooMany, Reason: "export_running", Detail: "another export of this person is being made"}
	}
	query, args := l.count(e.MaxRows + 1)
	var rows int
	if err := tx.GetContext(ctx, &rows, query, args...); err != nil {
		return fmt.Errorf("count a list: %w", err)
	}
	if rows > e.MaxRows {
		return casework.Invalid("", "export_too_large", fmt.Sprintf("more than %d rows", e.MaxRows))
	}
	return nil
}

// ExportKind is what was taken out.
type ExportKind string

// The kinds of exports.
const (
	ExportCases   ExportKind = "cases"
	ExportEvents  ExportKind = "events"
	ExportReveals ExportKind = "reveals"
	ExportCase    ExportKind = "case" // one case with all that happened
)

// ExportKinds lists the kinds.
func ExportKinds() []ExportKind {
	return []ExportKind{ExportCases, ExportEvents, ExportReveals, ExportCase}
}

// Export is a file that somebody takes out.
type Export struct {
	By     casework.By
	What   ExportKind
	Format string // csv, xlsx or zip
	Scope  Scope
	Number string // of the one case; empty for a list
	Filter string // how a list was narrowed, as its address has it
	Rows   int
	At     time.Time
}

// RecordExport keeps that somebody takes a file out. Nothing of it is handed over
// before.
func (s *Store) RecordExport(ctx context.Context, e Export) error {
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO exports (user_id, organisation_id, rule, what, format, region_code, department_id, case_number, filter, rows, at)
		VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, 0), NULLIF($8, ''), $9, $10, $11)`,
		e.By.UserID, e.By.OrganisationID, e.By.Rule, string(e.What), e.Format, e.Scope.RegionCode, e.Scope.DepartmentID, e.Number,
		casework.MaskText(e.Filter), e.Rows, e.At)
	if err != nil {
		return fmt.Errorf("record an export: %w", err)
	}
	return nil
}

// RecordedExport is an export as auditors see it.
type RecordedExport struct {
	ID               int64      `db:"id"`
	At               time.Time  `db:"at"`
	UserID           int64      `db:"user_id"`
	UserName         string     `db:"user_name"`
	OrganisationName string     `db:"organisation_name"`
	Rule             string     `db:"rule"`
	What             ExportKind `db:"what"`
	Format           string     `db:"format"`
	RegionName       string     `db:"region_name"`
	DepartmentName   string     `db:"department_name"` // empty: all of the region
	Number           string     `db:"case_number"`     // of the one case; empty for a list
	Filter           string     `db:"filter"`
	Rows             int        `db:"rows"`
}

// ExportFilter narrows the list of exports. A zero field narrows nothing.
type ExportFilter struct {
	UserID      int64
	Person      string
	From, Until time.Time
	Number      string
	Before      ExportCursor
	Limit       int // 1 to 200
}

// ExportCursor is the place of an export in the list.
type ExportCursor struct {
	At time.Time `json:"at"`
	ID int64     `json:"id"`
}

// Exports lists what people of the scope took out, newest first. One of a case
// that lies elsewhere by now is not among them.
func (s *Store) Exports(ctx context.Context, scope Scope, f ExportFilter) ([]RecordedExport, error) {
	l := listing{
		columns: `
			x.id, x.at, x.user_id, u.display_name AS user_name, o.name AS organisation_name, x.rule, x.what, x.format,
			xr.name AS region_name, COALESCE(xd.name, '') AS department_name, COALESCE(x.case_number, '') AS case_number, x.filter, x.rows`,
		from: `
			FROM exports x
			JOIN users u ON u.id = x.user_id
			JOIN organisations o ON o.id = x.organisation_id
			JOIN regions xr ON xr.code = x.region_code
			LEFT JOIN organisations xd ON xd.id = x.department_id
			LEFT JOIN cases xc ON xc.number = x.case_number
			CROSS JOIN LATERAL (SELECT COALESCE(xc.region_path, xr.path) AS region_path,
				COALESCE(xc.department_id, x.department_id) AS department_id) c`,
		order: "x.at DESC, x.id DESC",
	}
	l.within(scope)
	l.addPerson("x.user_id", f.UserID, f.Person)
	l.addTimes("x.at", f.From, f.Until)
	if f.Number != "" {
		l.add("x.case_number = $%d", f.Number)
	}
	if f.Before.ID != 0 {
		l.add("(x.at, x.id) < ($%d, $%d)", f.Before.At, f.Before.ID)
	}
	query, args := l.page(f.Limit)
	var exports []RecordedExport
	if err := s.db.SelectContext(ctx, &exports, query, args...); err != nil {
		return nil, fmt.Errorf("list exports: %w", err)
	}
	return exports, nil
}
