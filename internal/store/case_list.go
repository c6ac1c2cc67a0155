package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// CaseFilter chooses a page of a list of cases.
type CaseFilter struct {
	Narrowing

	After CaseCursor
	Limit int       // 1 to 200
	Now   time.Time // that Due is held against
}

// CaseCursor is the place of a case in a list: the next page begins behind it.
type CaseCursor struct {
	DueAt  time.Time `json:"due_at"` // zero for a case without a deadline
	Ended  bool      `json:"ended,omitempty"`
	Number string    `json:"number"`
}

// CursorOf is the place of a case in a list.
func CursorOf(c Case) CaseCursor {
	cursor := CaseCursor{Number: c.Number, Ended: c.Stage.Ended()}
	if c.DeadlineAt != nil {
		cursor.DueAt = *c.DeadlineAt
	}
	return cursor
}

// farAhead stands for "no deadline" in the order of a list, and atTheEnd for a
// case that has ended; see cases.due_order.
const (
	farAhead = `timestamptz '9999-01-01 00:00:00+00'`
	atTheEnd = `timestamptz 'infinity'`
)

// Cases lists the cases in scope, what is due first first, and what has ended
// last. Only the page itself is joined with all that belongs to a case. A list that
// cannot be read in time is CodeInvalid.
func (s *Store) Cases(ctx context.Context, scope Scope, f CaseFilter) ([]Case, error) {
	l, err := s.listingOfCases(ctx, scope, f, " FROM cases c")
	if err != nil {
		return nil, err
	}
	var rows []caseRow
	err = s.bounded(ctx, listPatience, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, fmt.Sprintf(
			`WITH page AS MATERIALIZED (SELECT c.number%s ORDER BY %s LIMIT %d)
			SELECT`+caseColumns+` FROM page JOIN cases c ON c.number = page.number`+caseTables+` ORDER BY c.due_order, c.number`, l.tail(), l.order, f.Limit), l.args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return toCases(rows), nil
}

// listingOfCases is the list of the cases in scope that pass the filter, from the
// tables that are named.
func (s *Store) listingOfCases(ctx context.Context, scope Scope, f CaseFilter, from string) (*listing, error) {
	l := &listing{of: ViewedCases, columns: caseColumns, from: from, order: "c.due_order, c.number"}
	l.within(scope)
	if err := s.narrow(ctx, l, scope, f.Narrowing, "c.deadline_at", f.Now); err != nil {
		return nil, err
	}
	switch {
	case f.After.Number == "":
	case f.After.Ended:
		l.add("(c.due_order, c.number) > ("+atTheEnd+", $%d)", f.After.Number)
	default:
		l.add("(c.due_order, c.number) > (COALESCE(CAST($%d AS timestamptz), "+farAhead+"), $%d)", unlessZero(f.After.DueAt), f.After.Number)
	}
	return l, nil
}

// CountCases counts several lists of cases in scope, in their order; see
// MostCounted.
func (s *Store) CountCases(ctx context.Context, scope Scope, lists []Narrowing, now time.Time) ([]int, error) {
	queries := make([]*listing, 0, len(lists))
	for _, n := range lists {
		l, err := s.listingOfCases(ctx, scope, CaseFilter{Narrowing: n, Now: now}, " FROM cases c")
		if err != nil {
			return nil, err
		}
		queries = append(queries, l)
	}
	return s.count(ctx, queries)
}
