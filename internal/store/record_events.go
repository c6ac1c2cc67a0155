package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// RecordEvents writes one step of a case in one transaction: the events, the
// case row, the tasks and the outbox. It is idempotent: when the events are
// there already, under the same key, it changes nothing and says so. Events of
// another key at the same place are an error: two histories claim one case.
func (s *Store) RecordEvents(ctx context.Context, step contract.RecordEventsInput, build string) (repeated bool, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		repeated = false
		if err := holdTree(ctx, tx); err != nil {
			return err
		}
		var version int
		err := tx.GetContext(ctx, &version, `SELECT version FROM cases WHERE number = $1 FOR UPDATE`, step.Number)
		if err != nil {
			return notFound(err, "case")
		}
		if len(step.Events) == 0 {
			return fmt.Errorf("case %s: a step without events", step.Number)
		}
		if first := step.Events[0].Seq; version >= first {
			repeated = true
			return confirmRepeated(ctx, tx, step)
		} else if version != first-1 {
			return fmt.Errorf("case %s is at version %d, event %d cannot follow", step.Number, version, first)
		}
		for _, e := range step.Events {
			if err := insertEvent(ctx, tx, step.Number, step.Key, e, build); err != nil {
				return err
			}
			if err := insertMessages(ctx, tx, step.Number, e); err != nil {
				return err
			}
		}
		if err := updateCase(ctx, tx, step); err != nil {
			return err
		}
		return syncTasks(ctx, tx, step)
	})
	return repeated, err
}

func confirmRepeated(ctx context.Context, tx *sqlx.Tx, step contract.RecordEventsInput) error {
	first, last := step.Events[0].Seq, step.Events[len(step.Events)-1].Seq
	var same int
	err := tx.GetContext(ctx, &same, `
		SELECT count(*) FROM case_events WHERE case_number = $1 AND seq BETWEEN $2 AND $3 AND key = $4`,
		step.Number, first, last, step.Key)
	if err != nil {
		return fmt.Errorf("case %s: look for events %d to %d: %w", step.Number, first, last, err)
	}
	if same != len(step.Events) {
		return fmt.Errorf("case %s: events %d to %d exist with other content", step.Number, first, last)
	}
	return nil
}

func insertEvent(ctx context.Context, tx *sqlx.Tx, number, key string, e casework.Event, build string) error {
	body, err := json.Marshal(e.Body)
	if err != nil {
		return fmt.Errorf("event %d of %s: %w", e.Seq, number, err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO case_events
			(case_number, seq, key, kind, at, by_user_id, by_organisation_id, by_role, by_rule, article, body, build)
		VALUES ($1, $2, $3, $4, $5, NULLIF($6, 0), NULLIF($7, 0), NULLIF($8, ''), NULLIF($9, ''), $10, $11, $12)`,
		number, e.Seq, key, string(e.Body.Kind()), e.At,
		e.By.UserID, e.By.OrganisationID, string(e.By.Role), e.By.Rule, e.Body.Article(), body, build)
	if err != nil {
		return fmt.Errorf("insert event %d of %s: %w", e.Seq, number, err)
	}
	return nil
}

// updateCase writes the row of a case. The events name the department as it was
// when they were recorded; the row names what it is today, and lies in its region.
func updateCase(ctx context.Context, tx *sqlx.Tx, step contract.RecordEventsInput) error {
	state := step.State
	var clockKind string
	var pausedAt, overdueSince *time.Time
	if state.Clock != nil {
		clockKind = string(state.Clock.Kind)
		pausedAt = unlessZero(state.Clock.PausedAt)
	}
	if state.Overdue() {
		overdueSince = unlessZero(state.Late[len(state.Late)-1].Deadline)
	}
	var steps *int
	if state.EscalationOpen {
		steps = &state.EscalationSteps
	}
	var closedOnTime *bool
	if !state.FirstClosedAt.IsZero() {
		closedOnTime = &state.ClosedOnTime
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE cases SET
			stage = $2, version = $3, department_id = today.id, region_code = today.region_code, handler_id = NULLIF($5, 0), opened_at = $6, changed_at = $7,
			clock_kind = NULLIF($8, ''), deadline_at = $9, paused_at = $10, overdue_since = $11, ever_late = $12,
			escalation_steps = $13, reopenings = $14, closed_at = $15, closed_on_time = $16,
			pack_id = $17, pack_version = $18, calendar_version = NULLIF($19, '')
		FROM organisations named JOIN organisations today ON today.id = COALESCE(named.current_id, named.id)
		WHERE number = $1 AND named.id = $4`,
		step.Number, string(state.Stage), state.Version, state.DepartmentID, state.HandlerID, state.OpenedAt, state.ChangedAt,
		clockKind, unlessZero(step.Deadline), pausedAt, overdueSince, len(state.Late) > 0,
		steps, state.Reopenings, unlessZero(state.FirstClosedAt), closedOnTime,
		state.PackID, state.PackVersion, state.CalendarVersion)
	if err != nil {
		return fmt.Errorf("update case %s: %w", step.Number, err)
	}
	return nil
}

// syncTasks keeps exactly the step's tasks open. An organisation is found now,
// by the tree of today.
func syncTasks(ctx context.Context, tx *sqlx.Tx, step contract.RecordEventsInput) error {
	keys := make(pq.StringArray, 0, len(step.Tasks))
	for _, t := range step.Tasks {
		keys = append(keys, t.Key)
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE tasks SET closed_at = $3 WHERE case_number = $1 AND closed_at IS NULL AND key <> ALL ($2)`,
		step.Number, keys, step.State.ChangedAt)
	if err != nil {
		return fmt.Errorf("close tasks of %s: %w", step.Number, err)
	}
	var place struct {
		DepartmentID int64               `db:"department_id"`
		RegionCode   string              `db:"region_code"`
		Level        casework.AdminLevel `db:"level"`
	}
	err = tx.GetContext(ctx, &place, `
		SELECT c.department_id, c.region_code, r.level FROM cases c JOIN regions r ON r.code = c.region_code WHERE c.number = $1`, step.Number)
	if err != nil {
		return fmt.Errorf("place of %s: %w", step.Number, err)
	}
	for _, t := range step.Tasks {
		organisation := place.DepartmentID
		switch {
		case t.OrganisationID != 0:
			organisation = t.OrganisationID
		case t.Owner == casework.OwnerAuthority:
			least := t.MinLevel
			if t.Kind == casework.TaskDecideInvalid && !place.Level.AtLeast(casework.LevelCounty) {
				least = casework.LevelCounty // it may have moved below since it was opened
			}
			if organisation, err = authorityAbove(ctx, tx, place.RegionCode, t.StepsUp, least); err != nil {
				return fmt.Errorf("task %s of %s: %w", t.Key, step.Number, err)
			}
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO tasks (case_number, key, kind, owner, organisation_id, assignee_id, due_at, opened_at)
			VALUES ($1, $2, $3, $4, $5, NULLIF($6, 0), $7, $8)
			ON CONFLICT (case_number, key) DO UPDATE
			SET owner = excluded.owner, organisation_id = excluded.organisation_id, assignee_id = excluded.assignee_id, due_at = excluded.due_at,
			    closed_at = NULL`,
			step.Number, t.Key, string(t.Kind), string(t.Owner), organisation, t.AssigneeID, unlessZero(t.Due), step.State.ChangedAt)
		if err != nil {
			return fmt.Errorf("open task %s of %s: %w", t.Key, step.Number, err)
		}
	}
	return nil
}

// authorityAbove is the authority stepsUp above the one that serves a region.
// Where the chain ends before, it is the last: at the province the authority's
// head is told. With a least level, it is the first from there on that stands so
// high.
func authorityAbove(ctx context.Context, q sqlx.QueryerContext, regionCode string, stepsUp int, least casework.AdminLevel) (int64, error) {
	var chain []struct {
		ID    int64               `db:"id"`
		Level casework.AdminLevel `db:"level"`
	}
	err := sqlx.SelectContext(ctx, q, &chain, `
		SELECT a.id, ar.level
		FROM regions r
		JOIN organisations a ON a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path)
		JOIN regions ar ON ar.code = a.region_code
		WHERE r.code = $1
		ORDER BY cardinality(ar.path) DESC`, regionCode)
	if err != nil {
		return 0, fmt.Errorf("authorities of region %s: %w", regionCode, err)
	}
	if len(chain) == 0 {
		return 0, fmt.Errorf("no authority serves region %s", regionCode)
	}
	i := min(stepsUp, len(chain)-1)
	for least != "" && i < len(chain)-1 && !chain[i].Level.AtLeast(least) {
		i++
	}
	return chain[i].ID, nil
}

// insertMessages puts what people must be told into the outbox, once for each
// event. A message names the case and the event and holds no personal data.
func insertMessages(ctx context.Context, tx *sqlx.Tx, number string, e casework.Event) error {
	kind := OutboxTellStaff
	switch body := e.Body.(type) {
	case casework.FeedbackSent:
		if body.Channel == casework.FeedbackNone {
			return nil
		}
		kind = OutboxTellReviewer
	default:
		if !casework.Tells(body) {
			return nil
		}
	}
	message := Message{Number: number, Seq: e.Seq, Event: e.Body.Kind()}
	if kind == OutboxTellReviewer {
		var err error
		if message.Looks, err = looksAt(ctx, tx, number); err != nil {
			return err
		}
	}
	payload, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("message of event %d of %s: %w", e.Seq, number, err)
	}
	return insertOutbox(ctx, tx, kind, fmt.Sprintf("%s/%d", number, e.Seq), payload)
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
