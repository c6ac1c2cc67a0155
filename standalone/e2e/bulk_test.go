package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

// manyAtOnce: twelve cases are claimed at once, of which one has ended, the
// workflow of one was stopped, one is held by a colleague and one was taken over; all of them are reminded of; and the same
// request again does only what is missing.
func manyAtOnce(t *testing.T, w *testworld.World) {
	numbers := make([]string, 12)
	items := make([]map[string]any, 12)
	for i := range numbers {
		numbers[i] = w.OpenCase(t, fmt.Sprintf("BULK-%d", i), zhanhe, ziran)
		items[i] = map[string]any{"number": numbers[i], "version": 1}
	}
	w.Does(t, lin, numbers[2], casework.Withdraw{Reason: "评价人撤回"})
	w.Await(t, numbers[2], casework.StageWithdrawn)
	w.Does(t, lu, numbers[5], casework.Claim{})
	w.Does(t, lin, numbers[8], casework.TakeOver{Reason: "部门推诿"})

	require.NoError(t, w.Engine.StopCase(t.Context(), numbers[10], "an operator's mistake"))

	claim := map[string]any{"action": "claim", "items": items}
	a := w.Call(t, chen, http.MethodPost, "/api/v1/bulk", claim, "Idempotency-Key", "bulk-claim")
	require.Equal(t, http.StatusOK, a.Status, a.Body)
	rows := a.List(t, "results")
	require.Len(t, rows, 12)
	for i, row := range rows {
		require.Equal(t, numbers[i], row["number"])
		switch i {
		case 2:
			require.Equal(t, "case_ended", row["code"], row)
		case 5, 8:
			require.Equal(t, "claimed_by_other", row["code"], row)
			require.NotEmpty(t, row["handler"], "who has it")
		case 10:
			require.Equal(t, "case_not_running", row["code"], row)
		default:
			require.Equal(t, "done", row["status"], row)
			require.Equal(t, []string{"opened", "claimed"}, testworld.Kinds(w.Events(t, numbers[i])))
		}
	}
	for i, row := range w.Call(t, chen, http.MethodPost, "/api/v1/bulk", claim, "Idempotency-Key", "bulk-claim").List(t, "results") {
		if i != 2 && i != 5 && i != 8 && i != 10 {
			require.Equal(t, "already", row["status"], row)
			require.Len(t, w.Events(t, numbers[i]), 2)
		}
	}

	// A reminder leaves the version good that chen saw: the decision is made on it.
	remind := map[string]any{"action": "remind", "items": items, "command": map[string]any{"note": "请尽快核实"}}
	for i := range items {
		delete(items[i], "version")
	}
	for i, row := range w.Call(t, ye, http.MethodPost, "/api/v1/bulk", remind, "Idempotency-Key", "bulk-remind").List(t, "results") {
		switch i {
		case 2:
			require.Equal(t, "case_ended", row["code"], row)
		case 10:
			require.Equal(t, "case_not_running", row["code"], row)
		default:
			require.Equal(t, "done", row["status"], row)
		}
	}
	reminded := w.Act(t, chen, numbers[0], reached, "If-Match", `"2"`)
	require.Equal(t, http.StatusOK, reminded.Status, reminded.Body)
	require.Equal(t, []string{"opened", "claimed", "reminded", "callback_recorded"}, testworld.Kinds(w.Events(t, numbers[0])))
	w.Refused(t, ye, numbers[0], casework.Remind{}, http.StatusConflict, "reminded_today")
}
