package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// OutboxKind says who must get what lies in the outbox.
type OutboxKind string

// The kinds of entries.
const (
	OutboxStartCase    OutboxKind = "start-case"    // payload StartCase, for the engine
	OutboxTellReviewer OutboxKind = "tell-reviewer" // payload Message
	OutboxTellStaff    OutboxKind = "tell-staff"    // payload Message
	OutboxTellAuditors OutboxKind = "tell-auditors" // payload Message with Alarm
)

// StartCase asks the engine to begin the workflow of a case.
type StartCase struct {
	Number string          `json:"number"`
	Opened casework.Opened `json:"opened"` // without pack and limit, which the relay adds
	// Installation is the database to which the case belongs.
	Installation string `json:"installation"`
}

// Message asks to tell somebody about an event.
type Message struct {
	Number string             `json:"number"`
	Seq    int                `json:"seq"`
	Event  casework.EventKind `json:"event"`
	// Looks is how often the reviewer's data were looked at in clear, for the
	// message to the reviewer.
	Looks int `json:"looks,omitempty"`
	// Alarm is what auditors are told; nil in any other message.
	Alarm *RevealAlarm `json:"alarm,omitempty"`
}

// RevealAlarm says who looked at how many citizens.
type RevealAlarm struct {
	ID             int64     `json:"id"`
	Kind           AlarmKind `json:"kind"`
	UserID         int64     `json:"user_id"`
	OrganisationID int64     `json:"organisation_id"`
	Cases          int       `json:"cases"`
}

// OutboxEntry is one thing that must reach somebody, at least once.
type OutboxEntry struct {
	ID       int64           `db:"id"`
	Kind     OutboxKind      `db:"kind"`
	Key      string          `db:"key"`
	Payload  json.RawMessage `db:"payload"`
	Attempts int             `db:"attempts"`
}

func insertOutbox(ctx context.Context, tx *sqlx.Tx, kind OutboxKind, key string, payload []byte) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (kind, key, payload) VALUES ($1, $2, $3) ON CONFLICT (kind, key) DO NOTHING`,
		string(kind), key, payload)
	if err != nil {
		return fmt.Errorf("insert outbox %s %s: %w", kind, key, err)
	}
	return nil
}

// The wait before an entry is tried again doubles from the first to the second.
const (
	outboxFirstWait = time.Second
	outboxLongWait  = 5 * time.Minute
)

// DrainOutbox hands up to limit waiting entries to deliver, oldest first, and
// marks each done or puts it off. Any number of callers may drain at once: each
// entry is with one of them. An entry that keeps failing waits longer and longer
// and holds up nobody. It returns how many entries it took.
func (s *Store) DrainOutbox(ctx context.Context, limit int, deliver func(context.Context, OutboxEntry) error) (int, error) {
	taken := 0
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		taken = 0
		var entries []OutboxEntry
		err := tx.SelectContext(ctx, &entries, `
			SELECT id, kind, key, payload, attempts FROM outbox
			WHERE done_at IS NULL AND next_attempt_at <= now()
			ORDER BY next_attempt_at, id
			LIMIT $1
			FOR UPDATE SKIP LOCKED`, limit)
		if err != nil {
			return fmt.Errorf("read outbox: %w", err)
		}
		for _, e := range entries {
			failure := deliver(ctx, e)
			if err := settle(ctx, tx, e, failure); err != nil {
				return err
			}
			taken++
			if errors.Is(failure, context.DeadlineExceeded) {
				// Who does not answer in time will not answer the rest of the batch
				// either, and the transaction must not wait for all of it.
				break
			}
		}
		return nil
	})
	return taken, err
}

func settle(ctx context.Context, tx *sqlx.Tx, e OutboxEntry, failure error) error {
	if failure == nil {
		if _, err := tx.ExecContext(ctx, `UPDATE outbox SET done_at = now(), last_error = '' WHERE id = $1`, e.ID); err != nil {
			return fmt.Errorf("mark outbox %d: %w", e.ID, err)
		}
		return nil
	}
	wait := min(outboxFirstWait<<min(e.Attempts, 16), outboxLongWait)
	_, err := tx.ExecContext(ctx, `
		UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + $2 * interval '1 second', last_error = $3
		WHERE id = $1`, e.ID, wait.Seconds(), errorText(failure))
	if err != nil {
		return fmt.Errorf("put off outbox %d: %w", e.ID, err)
	}
	return nil
}

// maxErrorText bounds what is kept of an error, in characters.
const maxErrorText = 500

// errorText is what is kept of an error. It may hold what another server said, in
// whatever encoding: what could not be kept would be tried again for ever.
func errorText(err error) string {
	text := []rune(strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "\ufffd"), "\x00", "\ufffd"))
	return string(text[:min(len(text), maxErrorText)])
}
