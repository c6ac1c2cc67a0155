package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"guiling/workflows"
	"guiling/workflows/contract"
)

// TestReplay re-executes every recorded history with the code of today. Where it
// fails, running cases would stop: name the change with workflow.GetVersion.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 3, "a whole case, an invalid one, a withdrawn one")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.Open(file)
			require.NoError(t, err)
			defer func() { require.NoError(t, data.Close()) }()
			history, err := client.HistoryFromJSON(data, client.HistoryJSONOptions{})
			require.NoError(t, err)
			require.Greater(t, len(history.GetEvents()), 10, "a history that is worth replaying")
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflowWithOptions(workflows.Case, workflow.RegisterOptions{Name: contract.WorkflowCase})
			require.NoError(t, replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history))
		})
	}
}

// TestReplayCanFail shows that the test above would notice: a history in which
// one step was cut out does not replay.
func TestReplayCanFail(t *testing.T) {
	t.Parallel()
	data, err := os.Open(filepath.Join("testdata", "histories", "whole-case.json"))
	require.NoError(t, err)
	defer func() { require.NoError(t, data.Close()) }()
	history, err := client.HistoryFromJSON(data, client.HistoryJSONOptions{})
	require.NoError(t, err)
	for i, e := range history.GetEvents() {
		if timer := e.GetTimerStartedEventAttributes(); timer != nil {
			history.Events[i].GetTimerStartedEventAttributes().TimerId = "another"
			break
		}
	}
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(workflows.Case, workflow.RegisterOptions{Name: contract.WorkflowCase})
	require.Error(t, replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history))
}
