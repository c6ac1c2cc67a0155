package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"guiling/workflows"
	"guiling/workflows/contract"
)

// TestReplay re-executes every recorded history with the code of today. Where it
// fails, running cases would stop: name the change with workflow.GetVersion.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*.json"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	require.Equal(t, mustReplay(), names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			history := readHistory(t, name)
			require.Greater(t, len(history.GetEvents()), 10, "a history that is worth replaying")
			require.NoError(t, replay(history))
		})
	}
}

// TestReplayCanFail shows that the test above would notice: a history in which
// one timer has another name does not replay.
func TestReplayCanFail(t *testing.T) {
	t.Parallel()
	history := readHistory(t, "whole-case")
	for i, e := range history.GetEvents() {
		if timer := e.GetTimerStartedEventAttributes(); timer != nil {
			history.Events[i].GetTimerStartedEventAttributes().TimerId = "another"
			break
		}
	}
	require.Error(t, replay(history))
}

// mustReplay names the paths through the life of a case that are recorded. One that
// is missing would go untested without a word.
func mustReplay() []string {
	return []string{
		"calendar-adopted", "continued-as-new", "explained", "fixed-at-once", "goes-on-for-another", "invalid-in-a-township",
		"merged-into-another", "never-satisfied", "paused-and-extended-late", "taken-over", "unknown-reviewer", "whole-case", "withdrawn",
	}
}

// TestClosingLeavesNoTimer follows the timers of every recorded history: when a case
// closes, ends or is continued, none is left that could ring later.
func TestClosingLeavesNoTimer(t *testing.T) {
	t.Parallel()
	for _, name := range mustReplay() {
		open := map[int64]bool{}
		events := readHistory(t, name).GetEvents()
		for _, e := range events {
			if e.GetTimerStartedEventAttributes() != nil {
				open[e.GetEventId()] = true
			}
			if fired := e.GetTimerFiredEventAttributes(); fired != nil {
				delete(open, fired.GetStartedEventId())
			}
			if canceled := e.GetTimerCanceledEventAttributes(); canceled != nil {
				delete(open, canceled.GetStartedEventId())
			}
		}
		if events[len(events)-1].GetWorkflowExecutionCompletedEventAttributes() != nil {
			require.Empty(t, open, name)
		}
	}
}

// BenchmarkHistory prints how much of the engine a case of each kind takes: events
// and bytes of its history, and the time to replay all of it.
func BenchmarkHistory(b *testing.B) {
	for _, name := range mustReplay() {
		history := readHistory(b, name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, replay(history))
			}
			b.ReportMetric(float64(len(history.GetEvents())), "events")
			b.ReportMetric(float64(proto.Size(history)), "bytes")
		})
	}
}

// TestHistoriesStaySmall: a plain case takes a fraction of what the server allows
// (51,200 events), and the longest recorded one too.
func TestHistoriesStaySmall(t *testing.T) {
	t.Parallel()
	for _, name := range mustReplay() {
		events := len(readHistory(t, name).GetEvents())
		t.Logf("%-26s %d events", name, events)
		require.Less(t, events, 250, name)
	}
	require.Less(t, len(readHistory(t, "fixed-at-once").GetEvents()), 45, "a plain case")
}

func readHistory(t testing.TB, name string) *historypb.History {
	t.Helper()
	data, err := os.Open(filepath.Join("testdata", "histories", name+".json"))
	require.NoError(t, err)
	defer func() { require.NoError(t, data.Close()) }()
	history, err := client.HistoryFromJSON(data, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return history
}

func replay(history *historypb.History) error {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(workflows.Case, workflow.RegisterOptions{Name: contract.WorkflowCase})
	return replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history)
}
