package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/workflows/contract"
)

// RepairKind says what was at odds between database and engine, and so what was
// done about it.
type RepairKind string

// The kinds of repairs.
const (
	RepairStarted   RepairKind = "workflow_started"   // a case that nobody had begun
	RepairRestored  RepairKind = "workflow_restored"  // its workflow was gone, or behind the database
	RepairOrphan    RepairKind = "orphan_stopped"     // a workflow without a case
	RepairDuplicate RepairKind = "duplicate_stopped"  // a second workflow of a case that has ended
	RepairReplayed  RepairKind = "events_replayed"    // the database was behind the workflow
	RepairRebuilt   RepairKind = "projection_rebuilt" // row or tasks were not what the events say
)

// RepairKinds lists the kinds.
func RepairKinds() []RepairKind {
	return []RepairKind{RepairStarted, RepairRestored, RepairOrphan, RepairDuplicate, RepairReplayed, RepairRebuilt}
}

// Repair is one thing that was put right. It is an audit record and never changes.
type Repair struct {
	CaseNumber string          `db:"case_number" json:"case_number"`
	Kind       RepairKind      `db:"kind" json:"kind"`
	Detail     json.RawMessage `db:"detail" json:"detail"`
	Build      string          `db:"build" json:"build"`
	At         time.Time       `db:"at" json:"at"`
}

// AddRepair records a repair.
func (s *Store) AddRepair(ctx context.Context, r Repair) error { return addRepair(ctx, s.db, r) }

func addRepair(ctx context.Context, q sqlx.ExecerContext, r Repair) error {
	_, err := q.ExecContext(ctx, `INSERT INTO repairs (case_number, kind, detail, build) VALUES ($1, $2, $3, $4)`,
		r.CaseNumber, string(r.Kind), []byte(r.Detail), r.Build)
	if err != nil {
		return fmt.Errorf("record repair %s of %s: %w", r.Kind, r.CaseNumber, err)
	}
	return nil
}

// RepairsOf lists the repairs of one case, oldest first.
func (s *Store) RepairsOf(ctx context.Context, number string) ([]Repair, error) {
	var repairs []Repair
	err := s.db.SelectContext(ctx, &repairs, `
		SELECT case_number, kind, detail, build, at FROM repairs WHERE case_number = $1 ORDER BY at, id`, number)
	if err != nil {
		return nil, fmt.Errorf("repairs of %s: %w", number, err)
	}
	return repairs, nil
}

// RestingCases lists cases whose life goes on and to which nothing has happened for
// a while, in the order of their numbers, behind the one given.
func (s *Store) RestingCases(ctx context.Context, quiet time.Duration, after string, limit int) ([]string, error) {
	var numbers []string
	err := s.db.SelectContext(ctx, &numbers, `
		SELECT c.number FROM cases c
		WHERE c.stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived') AND c.number > $1
		  AND COALESCE((SELECT max(e.recorded_at) FROM case_events e WHERE e.case_number = c.number), c.created_at)
		      < now() - $2 * interval '1 second'
		ORDER BY c.number LIMIT $3`, after, quiet.Seconds(), limit)
	if err != nil {
		return nil, fmt.Errorf("list resting cases: %w", err)
	}
	return numbers, nil
}

// StartOf gives the outbox entry that starts a case, and whether it is waiting
// still. A case without one is CodeNotFound.
func (s *Store) StartOf(ctx context.Context, number string) (start StartCase, waiting bool, err error) {
	var row struct {
		Payload []byte `db:"payload"`
		Waiting bool   `db:"waiting"`
	}
	err = s.db.GetContext(ctx, &row, `SELECT payload, done_at IS NULL AS waiting FROM outbox WHERE kind = 'start-case' AND key = $1`, number)
	if err != nil {
		return StartCase{}, false, notFound(err, "start")
	}
	if err := json.Unmarshal(row.Payload, &start); err != nil {
		return StartCase{}, false, fmt.Errorf("start of %s: %w", number, err)
	}
	return start, row.Waiting, nil
}

// Rebuild makes row and tasks of a case what its events say, and records a repair
// when they were not. A case that has moved on meanwhile is left alone.
func (s *Store) Rebuild(ctx context.Context, step contract.RecordEventsInput, build string) (changed bool, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		changed = false
		if err := holdTree(ctx, tx); err != nil {
			return err
		}
		var version int
		if err := tx.GetContext(ctx, &version, `SELECT version FROM cases WHERE number = $1 FOR UPDATE`, step.Number); err != nil {
			return notFound(err, "case")
		}
		var last int
		if err := tx.GetContext(ctx, &last, `SELECT COALESCE(max(seq), 0) FROM case_events WHERE case_number = $1`, step.Number); err != nil {
			return fmt.Errorf("case %s: %w", step.Number, err)
		}
		if last != step.State.Version {
			return nil
		}
		before, err := projection(ctx, tx, step.Number)
		if err != nil {
			return err
		}
		if err := updateCase(ctx, tx, step); err != nil {
			return err
		}
		if err := syncTasks(ctx, tx, step); err != nil {
			return err
		}
		after, err := projection(ctx, tx, step.Number)
		if err != nil || string(before) == string(after) {
			return err
		}
		changed = true
		detail, err := json.Marshal(map[string]json.RawMessage{"before": before, "after": after})
		if err != nil {
			return fmt.Errorf("case %s: %w", step.Number, err)
		}
		return addRepair(ctx, tx, Repair{CaseNumber: step.Number, Kind: RepairRebuilt, Detail: detail, Build: build})
	})
	return changed, err
}

// projection is all that the events of a case say in other tables.
func projection(ctx context.Context, tx *sqlx.Tx, number string) ([]byte, error) {
	var p []byte
	err := tx.GetContext(ctx, &p, `
		SELECT jsonb_build_object(
			'case', to_jsonb(c) - 'clock_offset_secs',
			'tasks', COALESCE((
				SELECT jsonb_agg(to_jsonb(t) - 'id' - 'opened_at' - 'closed_at' ORDER BY t.key)
				FROM tasks t WHERE t.case_number = c.number AND t.closed_at IS NULL), '[]'))
		FROM cases c WHERE c.number = $1`, number)
	if err != nil {
		return nil, fmt.Errorf("projection of %s: %w", number, err)
	}
	return p, nil
}

// Installation names this database, through every backup and restore.
func (s *Store) Installation(ctx context.Context) (string, error) { return installationOf(ctx, s.db) }

func installationOf(ctx context.Context, q sqlx.QueryerContext) (string, error) {
	var id string
	if err := sqlx.GetContext(ctx, q, &id, `SELECT id FROM installation`); err != nil {
		return "", fmt.Errorf("name of the installation: %w", err)
	}
	return id, nil
}

// Alone runs do unless another process holds the named lock, and reports whether
// it ran.
func (s *Store) Alone(ctx context.Context, lock int64, do func() error) (ran bool, err error) {
	connection, err := s.db.Connx(ctx)
	if err != nil {
		return false, fmt.Errorf("lock %d: %w", lock, err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.GetContext(ctx, &ran, `SELECT pg_try_advisory_lock($1)`, lock); err != nil || !ran {
		return false, err
	}
	defer func() {
		_, _ = connection.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, lock)
	}()
	return true, do()
}
