package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"

	"guiling/standalone/testworld"
)

// TestWorkerRestarts stops and starts the worker again and again while a case lives
// through its warnings, its deadline and its escalations. Each comes once, at its
// instant. It is alone in its world: nobody else needs the worker.
//
//nolint:paralleltest // see above
func TestWorkerRestarts(t *testing.T) {
	w := testworld.New(t)
	number := w.OpenCase(t, "RESTART-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	w.Does(t, chen, number, complexIt)
	lastDay := w.LastDayAfter(t, number, 15)

	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Pass(t, number, 30*day)
	}()
	stop, restarts := w.StopWorker, 0
	for running := true; running; {
		stop()
		stop = w.RunWorker(t)
		restarts++
		select {
		case <-done:
			running = false
		case <-time.After(300 * time.Millisecond): // long enough to do something
		}
	}
	require.Greater(t, restarts, 3)
	t.Logf("%d restarts", restarts)
	require.Equal(t, []string{
		"opened", "claimed", "callback_recorded", "verified", "warned", "warned", "warned",
		"became_overdue", "escalated", "escalated", "escalated",
	}, testworld.Kinds(w.Events(t, number)))
	// Nobody is there to hear an alarm while the worker is away; it is never early.
	alarmsRangAtTheirInstants(t, w, number, lastDay, time.Minute)

	// Who ran it, and which build, stands in the history and in every event.
	require.NoError(t, w.Engine.Histories(t.Context(), number, func(history *historypb.History) (bool, error) {
		tasks := 0
		for _, e := range history.GetEvents() {
			if started := e.GetWorkflowTaskStartedEventAttributes(); started != nil {
				tasks++
				require.True(t, strings.HasSuffix(started.GetIdentity(), "/e2e"), started.GetIdentity())
			}
		}
		require.NotZero(t, tasks)
		return false, nil
	}))
	for _, e := range w.Events(t, number) {
		require.Equal(t, "e2e", e.Build)
	}
}
