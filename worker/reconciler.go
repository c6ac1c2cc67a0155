package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	historypb "go.temporal.io/api/history/v1"

	"guiling/internal/casework"
	"guiling/internal/engine"
	"guiling/internal/store"
	"guiling/workflows/contract"
)

// CaseRows is what the reconciler needs of the database.
type CaseRows interface {
	activitiesStore
	Alone(ctx context.Context, lock int64, do func() error) (ran bool, err error)
	RestingCases(ctx context.Context, quiet time.Duration, after string, limit int) ([]string, error)
	CaseByNumber(ctx context.Context, number string) (store.Case, error)
	EventsOf(ctx context.Context, number string) ([]store.RecordedEvent, error)
	Installation(ctx context.Context) (string, error)
	StartOf(ctx context.Context, number string) (start store.StartCase, waiting bool, err error)
	RulesOf(ctx context.Context, packID string, packVersion int, calendarVersion string) (casework.Rules, error)
	Rebuild(ctx context.Context, step contract.RecordEventsInput, build string) (changed bool, err error)
	AddRepair(ctx context.Context, r store.Repair) error
}

type activitiesStore interface {
	RecordEvents(ctx context.Context, step contract.RecordEventsInput, build string) (repeated bool, err error)
}

// CaseWorkflows is what the reconciler needs of the engine.
type CaseWorkflows interface {
	Starter
	PresenceOf(ctx context.Context, number string) (engine.Presence, error)
	RunningCases(ctx context.Context, installation string, take func(number string) error) error
	Histories(ctx context.Context, number string, take func(*historypb.History) (more bool, err error)) error
	RestoreCase(ctx context.Context, input contract.CaseInput) error
	StopCase(ctx context.Context, number, reason string) error
}

// Reconciler compares database and engine and repairs what is at odds: a case that
// nobody began, one whose workflow is gone or behind, a workflow without a case, a
// second workflow of a case that has ended, and a projection that is behind its
// history. Each repair is recorded. Any number may run; one works at a time.
//
// The database holds what was promised to people, so where both tell a different
// story the events decide; only a workflow that has more of the same story is
// believed over it.
type Reconciler struct {
	Rows   CaseRows
	Engine CaseWorkflows
	Relay  Relay // begins cases
	Build  string
	Log    *slog.Logger
	// Quiet is how long nothing must have happened to a case before it is looked
	// at: a step under way is recorded before the engine knows.
	Quiet time.Duration
}

const (
	// reconcileLock keeps two processes from repairing at once. The number means
	// nothing but itself.
	reconcileLock  = 4107_2019_09
	reconcilePause = 5 * time.Minute
	reconcileBatch = 200
	// ReconcileQuiet is the wait of a process that runs beside others.
	ReconcileQuiet = time.Minute
)

// Run reconciles again and again until ctx is done.
func (r Reconciler) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reconcilePause): //nolint:forbidigo // a pause between looks, no deadline of a case
		}
		if _, err := r.Once(ctx); err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "reconcile", "error", err)
		}
	}
}

// Reconciled says what one pass found. Failed cases could not be judged or
// repaired; the log says why, and the next pass tries again.
type Reconciled struct {
	Looked  int                      `json:"looked"`
	Repairs map[store.RepairKind]int `json:"repairs"`
	Failed  int                      `json:"failed"`
	// Elsewhere: another process is at it, and nothing was done.
	Elsewhere bool `json:"elsewhere"`
}

// Once looks at every case that rests and every workflow that runs.
func (r Reconciler) Once(ctx context.Context) (Reconciled, error) {
	found := Reconciled{Repairs: map[store.RepairKind]int{}}
	ran, err := r.Rows.Alone(ctx, reconcileLock, func() error {
		if err := r.eachRow(ctx, &found); err != nil {
			return err
		}
		installation, err := r.Rows.Installation(ctx)
		if err != nil {
			return err
		}
		return r.Engine.RunningCases(ctx, installation, func(number string) error {
			return r.settle(ctx, &found, number, r.reconcileWorkflow)
		})
	})
	found.Elsewhere = !ran
	return found, err
}

func (r Reconciler) eachRow(ctx context.Context, found *Reconciled) error {
	after := ""
	for {
		numbers, err := r.Rows.RestingCases(ctx, r.Quiet, after, reconcileBatch)
		if err != nil || len(numbers) == 0 {
			return err
		}
		for _, number := range numbers {
			found.Looked++
			if err := r.settle(ctx, found, number, r.reconcileRow); err != nil {
				return err
			}
		}
		after = numbers[len(numbers)-1]
	}
}

// settle looks at one case. A case that cannot be judged holds up no other.
func (r Reconciler) settle(
	ctx context.Context, found *Reconciled, number string, look func(context.Context, string) (store.RepairKind, error),
) error {
	kind, err := look(ctx, number)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		found.Failed++
		r.Log.WarnContext(ctx, "case cannot be reconciled", "case", number, "error", err)
		return nil
	}
	if kind != "" {
		found.Repairs[kind]++
		r.Log.WarnContext(ctx, "repaired", "case", number, "repair", kind)
	}
	return nil
}

// reconcileRow compares a case whose life goes on with its workflow.
func (r Reconciler) reconcileRow(ctx context.Context, number string) (store.RepairKind, error) {
	row, err := r.Rows.CaseByNumber(ctx, number)
	if err != nil {
		return "", err
	}
	presence, err := r.Engine.PresenceOf(ctx, number)
	if err != nil {
		return "", err
	}
	if row.Version == 0 && presence == engine.PresenceNone {
		return r.begin(ctx, number)
	}
	if presence == engine.PresenceNone || presence == engine.PresenceStopped {
		return r.restore(ctx, row, string(presence))
	}
	ahead, behind, err := r.missing(ctx, number, row.Version)
	switch {
	case err != nil:
		return "", err
	case len(ahead) > 0:
		return r.catchUp(ctx, number, row.Version, ahead)
	case behind > 0 && row.Version > 0:
		if presence == engine.PresenceRunning {
			if err := r.Engine.StopCase(ctx, number, fmt.Sprintf("it is %d events behind the database", behind)); err != nil {
				return "", err
			}
		}
		return r.restore(ctx, row, fmt.Sprintf("%d events behind", behind))
	default:
		return r.rebuild(ctx, row)
	}
}

// reconcileWorkflow looks for the case of a workflow that runs.
func (r Reconciler) reconcileWorkflow(ctx context.Context, number string) (store.RepairKind, error) {
	row, err := r.Rows.CaseByNumber(ctx, number)
	domain, _ := casework.AsError(err)
	switch {
	case domain != nil && domain.Code == casework.CodeNotFound:
		return r.stop(ctx, number, store.RepairOrphan, "there is no such case in the database")
	case err != nil:
		return "", err
	case !row.Stage.Ended():
		return "", nil // its row was looked at
	}
	// The list is late. Is there one, and is it not about to complete?
	presence, err := r.Engine.PresenceOf(ctx, number)
	if err != nil || presence != engine.PresenceRunning {
		return "", err
	}
	run, err := r.newestRun(ctx, number)
	if err != nil || run.stage().Ended() {
		return "", err
	}
	return r.stop(ctx, number, store.RepairDuplicate, fmt.Sprintf("the case is %s", row.Stage))
}

// begin starts a case that nobody has started, unless the relay is about to.
func (r Reconciler) begin(ctx context.Context, number string) (store.RepairKind, error) {
	start, waiting, err := r.Rows.StartOf(ctx, number)
	if err != nil || waiting {
		return "", err
	}
	if err := r.Relay.begin(ctx, start); err != nil {
		return "", err
	}
	return r.repaired(ctx, number, store.RepairStarted, map[string]any{})
}

// restore starts a workflow that goes on where the events end.
func (r Reconciler) restore(ctx context.Context, row store.Case, why string) (store.RepairKind, error) {
	recorded, err := r.Rows.EventsOf(ctx, row.Number)
	if err != nil {
		return "", err
	}
	carried, err := carry(recorded)
	if err != nil {
		return "", fmt.Errorf("case %s: %w", row.Number, err)
	}
	rules, err := r.Rows.RulesOf(ctx, carried.State.PackID, carried.State.PackVersion, carried.State.CalendarVersion)
	if err != nil {
		return "", err
	}
	opened, _ := recorded[0].Body.(casework.Opened)
	installation, err := r.Rows.Installation(ctx)
	if err != nil {
		return "", err
	}
	input := contract.CaseInput{Number: row.Number, Opened: opened, Rules: rules, Carried: &carried, Installation: installation}
	if err := r.Engine.RestoreCase(ctx, input); err != nil {
		return "", err
	}
	return r.repaired(ctx, row.Number, store.RepairRestored, map[string]any{"version": carried.State.Version, "why": why})
}

// carry makes of the events of a case what its workflow would have carried along:
// the state, and the last requests with their answers.
func carry(recorded []store.RecordedEvent) (contract.CarriedCase, error) {
	var c contract.CarriedCase
	for _, e := range recorded {
		next, err := c.State.Apply(e.Event)
		if err != nil {
			return c, err
		}
		c.State = next
		if e.By.System() {
			continue
		}
		result := contract.ActionResult{Version: next.Version, Stage: next.Stage}
		c.Answered = slices.DeleteFunc(c.Answered, func(a contract.AnsweredRequest) bool { return a.Key == e.Key })
		c.Answered = append(c.Answered, contract.AnsweredRequest{Key: e.Key, Result: result})
	}
	if c.State.Version == 0 {
		return c, errors.New("there are no events to go on from")
	}
	c.Answered = c.Answered[max(0, len(c.Answered)-contract.AnsweredKept):]
	return c, nil
}

// missing replays the history of a case and gives the steps that the database has
// not, or how many events the history has not.
func (r Reconciler) missing(ctx context.Context, number string, version int) (ahead []contract.RecordEventsInput, behind int, err error) {
	first := true
	err = r.Engine.Histories(ctx, number, func(history *historypb.History) (bool, error) {
		run, err := replay(history)
		if err != nil {
			return false, err
		}
		if first {
			behind, first = version-run.version(), false
		}
		fresh := slices.DeleteFunc(run.steps, func(s contract.RecordEventsInput) bool { return s.State.Version <= version })
		ahead = append(fresh, ahead...)
		return run.carried > version, nil
	})
	return ahead, behind, err
}

func (r Reconciler) newestRun(ctx context.Context, number string) (run replayed, err error) {
	err = r.Engine.Histories(ctx, number, func(history *historypb.History) (bool, error) {
		run, err = replay(history)
		return false, err
	})
	return run, err
}

// catchUp records what the workflow did and the database does not know.
func (r Reconciler) catchUp(ctx context.Context, number string, version int, ahead []contract.RecordEventsInput) (store.RepairKind, error) {
	for _, step := range ahead {
		if _, err := r.Rows.RecordEvents(ctx, step, r.Build); err != nil {
			return "", err
		}
	}
	return r.repaired(ctx, number, store.RepairReplayed, map[string]any{
		"from_version": version, "to_version": ahead[len(ahead)-1].State.Version,
	})
}

// rebuild makes row and tasks what the events say. The store records the repair,
// when there is one to make.
func (r Reconciler) rebuild(ctx context.Context, row store.Case) (store.RepairKind, error) {
	if row.Version == 0 {
		return "", nil // it is about to begin
	}
	recorded, err := r.Rows.EventsOf(ctx, row.Number)
	if err != nil {
		return "", err
	}
	carried, err := carry(recorded)
	if err != nil {
		return "", fmt.Errorf("case %s: %w", row.Number, err)
	}
	state := carried.State
	rules, err := r.Rows.RulesOf(ctx, state.PackID, state.PackVersion, state.CalendarVersion)
	if err != nil {
		return "", err
	}
	deadline, _ := state.Deadline(rules)
	changed, err := r.Rows.Rebuild(ctx, contract.RecordEventsInput{
		Number: row.Number, State: state, Deadline: deadline.At, Tasks: casework.Tasks(state, rules),
	}, r.Build)
	if err != nil || !changed {
		return "", err
	}
	return store.RepairRebuilt, nil
}

// stop ends a workflow that should not be. What it had come to is kept with the
// repair.
func (r Reconciler) stop(ctx context.Context, number string, kind store.RepairKind, why string) (store.RepairKind, error) {
	presence, err := r.Engine.PresenceOf(ctx, number)
	if err != nil || presence != engine.PresenceRunning {
		return "", err
	}
	run, err := r.newestRun(ctx, number)
	if err != nil {
		return "", err
	}
	if err := r.Engine.StopCase(ctx, number, why); err != nil {
		return "", err
	}
	return r.repaired(ctx, number, kind, map[string]any{"why": why, "steps": run.steps})
}

func (r Reconciler) repaired(ctx context.Context, number string, kind store.RepairKind, detail map[string]any) (store.RepairKind, error) {
	data, err := json.Marshal(detail)
	if err != nil {
		return "", fmt.Errorf("repair %s of %s: %w", kind, number, err)
	}
	return kind, r.Rows.AddRepair(ctx, store.Repair{CaseNumber: number, Kind: kind, Detail: data, Build: r.Build})
}
