package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// treeLock keeps the tree of organisations as it is while cases are written by it.
// The number means nothing but itself.
const treeLock = 4107_2019_10

// holdTree keeps reorganisations out until the transaction ends. Everything that
// writes a department or an authority into a case or a task calls it first.
func holdTree(ctx context.Context, tx *sqlx.Tx) error {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, treeLock); err != nil {
		return fmt.Errorf("hold the tree of organisations: %w", err)
	}
	return nil
}

// changeTree lets nobody write cases until the transaction ends. It waits a moment
// for those who do, and gives up with CodeUnavailable while a long import runs:
// everybody who comes later waits behind it.
func changeTree(ctx context.Context, tx *sqlx.Tx) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL lock_timeout = '3s'`)
	if err == nil {
		_, err = tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, treeLock)
	}
	if pqErr, ok := errors.AsType[*pq.Error](err); ok && pqErr.Code == "55P03" {
		return &casework.Error{
			Code: casework.CodeUnavailable, Reason: "organisations_busy", Detail: "reviews are being taken in, try again in a minute",
		}
	}
	if err == nil {
		// The rows of cases that are met later are held for moments only.
		_, err = tx.ExecContext(ctx, `SET LOCAL lock_timeout = 0`)
	}
	if err != nil {
		return fmt.Errorf("lock the tree of organisations: %w", err)
	}
	return nil
}

// reparent makes every organisation in or below a region answer to whom the regions
// say, after an authority came or went.
func reparent(ctx context.Context, tx *sqlx.Tx, regionCode string) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE organisations o SET parent_id = answers.parent_id
		FROM (
			SELECT x.id, (
				SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code
				WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) AND a.id <> x.id
				ORDER BY cardinality(ar.path) DESC LIMIT 1) AS parent_id
			FROM organisations x JOIN regions r ON r.code = x.region_code
			WHERE x.valid_to IS NULL AND r.path @> ARRAY[$1]) answers
		WHERE o.id = answers.id AND o.parent_id IS DISTINCT FROM answers.parent_id`, regionCode)
	if err != nil {
		return fmt.Errorf("parents in region %s: %w", regionCode, err)
	}
	return nil
}

// resettle finds the people of the authorities' tasks anew, by the tree of today,
// for the open cases that the condition on cases c and regions r names by $1.
func (s *Store) resettle(ctx context.Context, tx *sqlx.Tx, condition string, arg any) error {
	var numbers []string
	err := tx.SelectContext(ctx, &numbers, `
		SELECT c.number FROM cases c JOIN regions r ON r.code = c.region_code
		WHERE `+condition+` AND EXISTS (
			SELECT FROM tasks t WHERE t.case_number = c.number AND t.closed_at IS NULL AND t.owner = 'authority')
		ORDER BY c.number FOR UPDATE OF c`, arg)
	if err != nil {
		return fmt.Errorf("cases to resettle: %w", err)
	}
	for _, number := range numbers {
		recorded, err := eventsOf(ctx, tx, number)
		if err != nil {
			return err
		}
		events := make([]casework.Event, 0, len(recorded))
		for _, e := range recorded {
			events = append(events, e.Event)
		}
		state, err := casework.Fold(events)
		if err != nil {
			return fmt.Errorf("case %s: %w", number, err)
		}
		if state.Version == 0 {
			continue // it has no events yet, and its first step finds its tasks
		}
		rules, err := s.RulesOf(ctx, state.PackID, state.PackVersion, state.CalendarVersion)
		if err != nil {
			return err
		}
		if err := syncTasks(ctx, tx, contract.RecordEventsInput{Number: number, State: state, Tasks: casework.Tasks(state, rules)}); err != nil {
			return err
		}
	}
	return nil
}
