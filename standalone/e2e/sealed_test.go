package e2e_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
	"guiling/workflows/contract"
)

// sealedHistory: what the engine keeps of a case shows nothing that people wrote,
// wherever it stands: inputs, Updates, markers of local activities, memo. With the
// codec everything is there.
func sealedHistory(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "SEALED-1", zhanhe, ziran)
	words := []string{"电话里群众讲了经过之一", "查明属实的情形之二", "已经补办并致歉之三"}
	w.Does(t, chen, number, casework.RecordCallback{Reached: true, Words: words[0]})
	w.Does(t, chen, number, casework.Verify{Outcome: casework.OutcomeComplex, Findings: words[1]})
	w.Does(t, chen, number, casework.SubmitRectification{Done: words[2], Cause: casework.CauseGuide, Evidence: "回访录音"})

	raw := &historypb.History{}
	events := w.Engine.Client().GetWorkflowHistory(t.Context(), contract.CaseWorkflowID(number), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(t, err)
		raw.Events = append(raw.Events, e)
	}
	kept, err := proto.Marshal(raw)
	require.NoError(t, err)
	var clear []byte
	require.NoError(t, w.Engine.Histories(t.Context(), number, func(history *historypb.History) (bool, error) {
		clear, err = proto.Marshal(history)
		return false, err
	}))
	start, _, err := w.Store.StartOf(t.Context(), number)
	require.NoError(t, err)
	installation := []byte(start.Installation)
	for _, secret := range append([][]byte{installation, []byte(`"version"`)}, asBytes(words)...) {
		require.True(t, bytes.Contains(clear, secret), "decoded it is there: %s", secret)
		require.False(t, bytes.Contains(kept, secret), "in clear: %s", secret)
		require.False(t, bytes.Contains(kept, []byte(base64.StdEncoding.EncodeToString(secret))))
	}
	require.True(t, bytes.Contains(kept, []byte("binary/guiling-sealed")))
	require.False(t, bytes.Contains(kept, []byte("json/plain")), "no payload is in clear")
	require.Greater(t, len(raw.GetEvents()), 10)
}

func asBytes(texts []string) [][]byte {
	var all [][]byte
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}
