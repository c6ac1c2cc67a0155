package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// EachOpenCase calls take with every case in scope whose life goes on, and all its
// events. It reads in pages, in the order of the numbers: a deadline that moves
// meanwhile lets no case be missed or come twice.
func (s *Store) EachOpenCase(ctx context.Context, scope Scope, take func(Case, []RecordedEvent) error) error {
	const page = 200
	after := ""
	for {
		inScope, args := scope.where(1)
		args = append(args, after, page)
		var found []caseRow
		err := s.db.SelectContext(ctx, &found, `SELECT`+caseColumns+caseJoins+` WHERE `+inScope+
			` AND c.stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived')`+
			fmt.Sprintf(` AND c.number > $%d ORDER BY c.number LIMIT $%d`, len(args)-1, len(args)), args...)
		if err != nil {
			return fmt.Errorf("list open cases: %w", err)
		}
		cases := toCases(found)
		numbers := make([]string, 0, len(cases))
		for _, c := range cases {
			numbers = append(numbers, c.Number)
		}
		of, err := s.EventsOfCases(ctx, numbers)
		if err != nil {
			return err
		}
		for _, c := range cases {
			if err := take(c, of[c.Number]); err != nil {
				return err
			}
		}
		if len(cases) < page {
			return nil
		}
		after = cases[len(cases)-1].Number
	}
}

// EventsOfCases gives all events of several cases, by their numbers, oldest first.
func (s *Store) EventsOfCases(ctx context.Context, numbers []string) (map[string][]RecordedEvent, error) {
	var rows []eventRow
	err := sqlx.SelectContext(ctx, s.db, &rows, `SELECT`+eventColumns+eventJoins+` WHERE e.case_number = ANY ($1) ORDER BY e.case_number, e.seq`, pq.StringArray(numbers))
	if err != nil {
		return nil, fmt.Errorf("events of cases: %w", err)
	}
	events, err := toEvents(rows)
	if err != nil {
		return nil, err
	}
	of := make(map[string][]RecordedEvent, len(numbers))
	for _, e := range events {
		of[e.Number] = append(of[e.Number], e)
	}
	return of, nil
}
