package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// EachOpenCase calls take with every case in scope whose life goes on, and all its
// events. It reads in pages.
func (s *Store) EachOpenCase(ctx context.Context, scope Scope, take func(Case, []RecordedEvent) error) error {
	const page = 200
	filter := CaseFilter{Open: true, Limit: page}
	for {
		cases, err := s.Cases(ctx, scope, filter)
		if err != nil {
			return err
		}
		numbers := make(pq.StringArray, 0, len(cases))
		for _, c := range cases {
			numbers = append(numbers, c.Number)
		}
		var rows []eventRow
		err = sqlx.SelectContext(ctx, s.db, &rows, `SELECT`+eventColumns+` WHERE e.case_number = ANY ($1) ORDER BY e.case_number, e.seq`, numbers)
		if err != nil {
			return fmt.Errorf("events of open cases: %w", err)
		}
		events, err := toEvents(rows)
		if err != nil {
			return err
		}
		of := make(map[string][]RecordedEvent, len(cases))
		for _, e := range events {
			of[e.Number] = append(of[e.Number], e)
		}
		for _, c := range cases {
			if err := take(c, of[c.Number]); err != nil {
				return err
			}
		}
		if len(cases) < page {
			return nil
		}
		last := cases[len(cases)-1]
		filter.After = CaseCursor{Number: last.Number}
		if last.DeadlineAt != nil {
			filter.After.DueAt = *last.DeadlineAt
		}
	}
}
