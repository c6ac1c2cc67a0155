package e2e_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	workflowservicepb "go.temporal.io/api/workflowservice/v1"

	"guiling/internal/casework"
	"guiling/internal/engine"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/standalone/testworld"
	"guiling/workflows/contract"
)

// TestReconcile breaks database and engine apart in every way that a restored
// backup, a lost server or a clumsy operator could, and asks for one story again.
// It is alone in its world: nothing may happen to cases while they are broken.
//
//nolint:paralleltest // see above
func TestReconcile(t *testing.T) {
	w := testworld.New(t)
	healthy := w.OpenCase(t, "HEALTHY-1", zhanhe, ziran)
	w.Does(t, chen, healthy, reached)
	require.Empty(t, w.Reconcile(t).Repairs, "what is whole is left alone")

	for _, broken := range []struct {
		name  string
		kind  store.RepairKind
		check func(*testing.T, *testworld.World)
	}{
		{"a case that nobody began", store.RepairStarted, neverBegun},
		{"a workflow that was stopped", store.RepairRestored, stoppedWorkflow},
		{"a workflow that is gone", store.RepairRestored, deletedWorkflow},
		{"an engine of yesterday", store.RepairRestored, olderEngine},
		{"a database of yesterday", store.RepairReplayed, olderDatabase},
		{"a database of before the end", store.RepairReplayed, databaseBeforeTheEnd},
		{"a workflow without a case", store.RepairOrphan, orphan},
		{"a second workflow after the end", store.RepairDuplicate, duplicateAfterTheEnd},
		{"a second start of a running case", store.RepairRestored, duplicateStart},
		{"a row that says something else", store.RepairRebuilt, wrongRow},
	} {
		t.Run(broken.name, func(t *testing.T) {
			broken.check(t, w)
			require.Empty(t, w.Reconcile(t).Repairs, "once is enough")
		})
	}
	require.Equal(t, []string{"opened", "claimed", "callback_recorded"}, testworld.Kinds(w.Events(t, healthy)))
	repairs, err := w.Store.RepairsOf(t.Context(), healthy)
	require.NoError(t, err)
	require.Empty(t, repairs)
}

// repairedOnce reconciles until the case was repaired, which is once: the engine
// lists late. It gives what the record of the repair says.
func repairedOnce(t *testing.T, w *testworld.World, number string, kind store.RepairKind) map[string]any {
	t.Helper()
	var repairs []store.Repair
	require.Eventually(t, func() bool {
		w.Reconcile(t)
		var err error
		repairs, err = w.Store.RepairsOf(t.Context(), number)
		require.NoError(t, err)
		return len(repairs) > 0
	}, 20*time.Second, 200*time.Millisecond)
	require.Len(t, repairs, 1)
	require.Equal(t, kind, repairs[0].Kind)
	require.Equal(t, "e2e", repairs[0].Build)
	var detail map[string]any
	require.NoError(t, json.Unmarshal(repairs[0].Detail, &detail))
	return detail
}

// livesOn: a case that was repaired takes what people do.
func livesOn(t *testing.T, w *testworld.World, number string) {
	t.Helper()
	w.Does(t, chen, number, casework.RecordCallback{Reached: true, Words: "再问一次"})
	w.Does(t, chen, number, complexIt)
}

// clockRuns: its deadline comes.
func clockRuns(t *testing.T, w *testworld.World, number string) {
	t.Helper()
	w.Pass(t, number, 16*day)
	require.NotNil(t, w.Case(t, number).OverdueSince)
}

func neverBegun(t *testing.T, w *testworld.World) {
	number := w.TakeReviewUnstarted(t, "NEVER-1", zhanhe, ziran)
	require.Equal(t, casework.StageOpened, w.Case(t, number).Stage)
	repairedOnce(t, w, number, store.RepairStarted)
	w.Await(t, number, casework.StageVerification)
	livesOn(t, w, number)
}

func stoppedWorkflow(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "STOPPED-1", zhanhe, ziran)
	first := w.Act(t, chen, number, reached, "Idempotency-Key", "before")
	require.Equal(t, http.StatusOK, first.Status)
	require.NoError(t, w.Engine.StopCase(t.Context(), number, "an operator's mistake"))
	repairedOnce(t, w, number, store.RepairRestored)
	again := w.Act(t, chen, number, reached, "Idempotency-Key", "before")
	require.Equal(t, http.StatusOK, again.Status)
	require.Equal(t, first.Body["version"], again.Body["version"], "what was answered before is answered again")
	require.Len(t, w.Events(t, number), 3)
	livesOn(t, w, number)
	clockRuns(t, w, number)
}

func deletedWorkflow(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "GONE-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	deleteWorkflow(t, w, number)
	detail := repairedOnce(t, w, number, store.RepairRestored)
	require.InDelta(t, 3, detail["version"], 0)
	livesOn(t, w, number)
}

func deleteWorkflow(t *testing.T, w *testworld.World, number string) {
	t.Helper()
	_, err := w.Engine.Client().WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservicepb.DeleteWorkflowExecutionRequest{
		Namespace: w.Namespace(), WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: contract.CaseWorkflowID(number)},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		presence, err := w.Engine.PresenceOf(t.Context(), number)
		return err == nil && presence == engine.PresenceNone
	}, 20*time.Second, 50*time.Millisecond)
}

// startAgain starts a workflow of the case that goes on from what is carried, or
// from the very beginning.
func startAgain(t *testing.T, w *testworld.World, number string, carried *contract.CarriedCase) {
	t.Helper()
	r, err := w.Store.RulesOf(t.Context(), rules.DefaultID, 1, "")
	require.NoError(t, err)
	installation, err := w.Store.Installation(t.Context())
	require.NoError(t, err)
	opened, ok := w.Events(t, number)[0].Body.(casework.Opened)
	require.True(t, ok)
	require.NoError(t, w.Engine.RestoreCase(t.Context(), contract.CaseInput{
		Number: number, Rules: r, Carried: carried, Installation: installation, Opened: opened,
	}))
}

func stateAfter(t *testing.T, w *testworld.World, number string, events int) casework.State {
	t.Helper()
	var all []casework.Event
	for _, e := range w.Events(t, number)[:events] {
		all = append(all, e.Event)
	}
	state, err := casework.Fold(all)
	require.NoError(t, err)
	return state
}

func olderEngine(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "OLD-ENGINE-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	require.NoError(t, w.Engine.StopCase(t.Context(), number, "restored to an older night"))
	startAgain(t, w, number, &contract.CarriedCase{State: stateAfter(t, w, number, 1)})
	detail := repairedOnce(t, w, number, store.RepairRestored)
	require.Equal(t, "2 events behind", detail["why"])
	livesOn(t, w, number)
}

// forget takes the database back to a version of a case.
func forget(t *testing.T, w *testworld.World, number string, version int, stage casework.Stage) {
	t.Helper()
	w.Exec(t, `ALTER TABLE case_events DISABLE TRIGGER USER`)
	w.Exec(t, `DELETE FROM case_events WHERE case_number = $1 AND seq > $2`, number, version)
	w.Exec(t, `ALTER TABLE case_events ENABLE TRIGGER USER`)
	w.Exec(t, `UPDATE cases SET version = $2, stage = $3, closed_at = NULL, closed_on_time = NULL WHERE number = $1`, number, version, string(stage))
}

func olderDatabase(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "OLD-DATABASE-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	w.Does(t, chen, number, complexIt)
	events, row, tasks := w.Events(t, number), w.Case(t, number), w.OpenTasks(t, number)
	forget(t, w, number, 1, casework.StageVerification)
	detail := repairedOnce(t, w, number, store.RepairReplayed)
	require.InDelta(t, 1, detail["from_version"], 0)
	require.InDelta(t, 4, detail["to_version"], 0)
	require.Equal(t, tasks, w.OpenTasks(t, number))
	require.Equal(t, row, w.Case(t, number))
	for i, e := range w.Events(t, number) {
		require.Equal(t, events[i].Event, e.Event, "the same events at the same instants")
	}
	clockRuns(t, w, number)
}

func databaseBeforeTheEnd(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "BEFORE-END-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	w.Does(t, lin, number, casework.Withdraw{Reason: "群众撤回"})
	w.Await(t, number, casework.StageWithdrawn)
	forget(t, w, number, 3, casework.StageVerification)
	repairedOnce(t, w, number, store.RepairReplayed)
	require.Equal(t, casework.StageWithdrawn, w.Case(t, number).Stage)
}

// orphan: a workflow whose case the database does not know is stopped, and what it
// had come to is kept. One of another database is left alone.
func orphan(t *testing.T, w *testworld.World) {
	installation, err := w.Store.Installation(t.Context())
	require.NoError(t, err)
	r, err := w.Store.RulesOf(t.Context(), rules.DefaultID, 1, "")
	require.NoError(t, err)
	opened := casework.Opened{RegionCode: zhanhe, RegionLevel: casework.LevelCounty, DepartmentID: 1, Limit: r.Pack.Verification}
	mine, others := "410411-20260101-900001", "410411-20260101-900002"
	require.NoError(t, w.Engine.StartCase(t.Context(), contract.CaseInput{Number: mine, Opened: opened, Rules: r, Installation: installation}))
	require.NoError(t, w.Engine.StartCase(t.Context(), contract.CaseInput{Number: others, Opened: opened, Rules: r, Installation: "another"}))
	detail := repairedOnce(t, w, mine, store.RepairOrphan)
	require.Contains(t, detail, "steps")
	presence, err := w.Engine.PresenceOf(t.Context(), mine)
	require.NoError(t, err)
	require.Equal(t, engine.PresenceStopped, presence)
	presence, err = w.Engine.PresenceOf(t.Context(), others)
	require.NoError(t, err)
	require.Equal(t, engine.PresenceRunning, presence)
	require.NoError(t, w.Engine.StopCase(t.Context(), others, "end of the test"))
}

func duplicateAfterTheEnd(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "DUPLICATE-1", zhanhe, ziran)
	w.Does(t, lin, number, casework.Withdraw{Reason: "群众撤回"})
	w.Await(t, number, casework.StageWithdrawn)
	require.Eventually(t, func() bool {
		presence, err := w.Engine.PresenceOf(t.Context(), number)
		return err == nil && presence == engine.PresenceCompleted
	}, 10*time.Second, 20*time.Millisecond)
	// Retention has removed the first one, and an old outbox is delivered again.
	startAgain(t, w, number, nil)
	repairedOnce(t, w, number, store.RepairDuplicate)
	require.Equal(t, casework.StageWithdrawn, w.Case(t, number).Stage)
	require.Len(t, w.Events(t, number), 2)
}

func duplicateStart(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "DUPLICATE-2", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	require.NoError(t, w.Engine.StopCase(t.Context(), number, "lost"))
	startAgain(t, w, number, nil)
	repairedOnce(t, w, number, store.RepairRestored)
	livesOn(t, w, number)
}

func wrongRow(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "WRONG-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	row, tasks := w.Case(t, number), w.OpenTasks(t, number)
	w.Exec(t, `UPDATE cases SET stage = 'feedback', deadline_at = now(), handler_id = NULL WHERE number = $1`, number)
	w.Exec(t, `UPDATE tasks SET closed_at = now() WHERE case_number = $1`, number)
	repairedOnce(t, w, number, store.RepairRebuilt)
	require.Equal(t, row, w.Case(t, number))
	require.Equal(t, tasks, w.OpenTasks(t, number))
	livesOn(t, w, number)
}
