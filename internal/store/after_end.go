package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// AfterEnd is something that is recorded about a case whose workflow has
// completed, such as a late answer. It changes nothing but the story of the case.
type AfterEnd struct {
	Number string
	Key    string // makes it happen once
	By     casework.By
	At     time.Time
	Build  string
	// Decide gives the events that follow, or refuses.
	Decide func(casework.State) ([]casework.EventBody, error)
}

// RecordAfterEnd adds events to a case that has ended and gives its version then.
// The same key again changes nothing. A case that has not ended is CodeConflict:
// its workflow records.
func (s *Store) RecordAfterEnd(ctx context.Context, a AfterEnd) (version int, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := tx.GetContext(ctx, &version, `SELECT version FROM cases WHERE number = $1 FOR UPDATE`, a.Number); err != nil {
			return notFound(err, "case")
		}
		recorded, err := eventsOf(ctx, tx, a.Number)
		if err != nil {
			return err
		}
		events := make([]casework.Event, 0, len(recorded))
		for _, e := range recorded {
			if e.Key == a.Key {
				return nil
			}
			events = append(events, e.Event)
		}
		state, err := casework.Fold(events)
		if err != nil {
			return fmt.Errorf("case %s: %w", a.Number, err)
		}
		if !state.Ended() {
			return casework.Conflict("case_not_running", "the workflow of the case is not there, and the case has not ended")
		}
		bodies, err := a.Decide(state)
		if err != nil {
			return err
		}
		for _, body := range bodies {
			e := casework.Event{Seq: state.Version + 1, At: a.At, By: a.By, Body: body}
			if state, err = state.Apply(e); err != nil {
				return fmt.Errorf("case %s: %w", a.Number, err)
			}
			if err := insertEvent(ctx, tx, a.Number, a.Key, e, a.Build); err != nil {
				return err
			}
			if err := insertMessages(ctx, tx, a.Number, e); err != nil {
				return err
			}
		}
		version = state.Version
		_, err = tx.ExecContext(ctx, `UPDATE cases SET version = $2, changed_at = $3 WHERE number = $1`, a.Number, version, state.ChangedAt)
		if err != nil {
			return fmt.Errorf("case %s: %w", a.Number, err)
		}
		return nil
	})
	return version, err
}
