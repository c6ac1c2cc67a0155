package e2e_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"guiling/standalone/testworld"
)

// record rewrites the recorded histories: go test ./e2e -run TestLife -record.
// Only a named change of the workflow's logic is a reason; see
// docs/architecture.md.
var record = flag.Bool("record", false, "rewrite workflows/testdata/histories")

// recordHistory keeps the history of a case for the replay test, when asked to.
func recordHistory(t *testing.T, w *testworld.World, number, name string) {
	t.Helper()
	if !*record {
		return
	}
	var full *historypb.History // decoded, as TestReplay reads it
	require.NoError(t, w.Engine.Histories(t.Context(), number, func(history *historypb.History) (bool, error) {
		full = history
		return false, nil
	}))
	// Who ran it is nobody's business; replay does not look at it.
	data, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(full)
	require.NoError(t, err)
	data = regexp.MustCompile(`"identity": *"[^"]*"`).ReplaceAll(data, []byte(`"identity": "recorded"`))
	path := filepath.Join("..", "..", "workflows", "testdata", "histories", name+".json")
	require.NoError(t, os.WriteFile(path, data, 0o644))
}

// historyRuns counts the runs of a case.
func historyRuns(t *testing.T, w *testworld.World, number string) int {
	t.Helper()
	runs := 0
	require.NoError(t, w.Engine.Histories(t.Context(), number, func(*historypb.History) (bool, error) {
		runs++
		return true, nil
	}))
	return runs
}
