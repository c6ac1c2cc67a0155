package store

import (
	"context"
	"fmt"
	"time"
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
// last. Only the page itself is joined with all that belongs to a case.
func (s *Store) Cases(ctx context.Context, scope Scope, f CaseFilter) ([]Case, error) {
	q := &listQuery{of: ViewedCases, from: "cases c"}
	q.inScope(scope)
	if err := s.narrow(ctx, q, scope, f.Narrowing, "c.deadline_at", f.Now); err != nil {
		return nil, err
	}
	switch {
	case f.After.Number == "":
	case f.After.Ended:
		q.add("(c.due_order, c.number) > ("+atTheEnd+", $%d)", f.After.Number)
	default:
		q.add("(c.due_order, c.number) > (COALESCE(CAST($%d AS timestamptz), "+farAhead+"), $%d)", unlessZero(f.After.DueAt), f.After.Number)
	}
	var rows []caseRow
	err := s.db.SelectContext(ctx, &rows, fmt.Sprintf(
		`WITH page AS MATERIALIZED (SELECT c.number%s ORDER BY c.due_order, c.number LIMIT %d) SELECT`+caseColumns+caseJoins+`
		JOIN page ON page.number = c.number ORDER BY c.due_order, c.number`, q.tail(), f.Limit), q.args...)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return toCases(rows), nil
}

// CountCases counts several lists of cases in scope, in their order; see
// MostCounted.
func (s *Store) CountCases(ctx context.Context, scope Scope, lists []Narrowing, now time.Time) ([]int, error) {
	queries := make([]*listQuery, 0, len(lists))
	for _, n := range lists {
		q := &listQuery{of: ViewedCases, from: "cases c"}
		q.inScope(scope)
		if err := s.narrow(ctx, q, scope, n, "c.deadline_at", now); err != nil {
			return nil, err
		}
		queries = append(queries, q)
	}
	return s.count(ctx, queries)
}
