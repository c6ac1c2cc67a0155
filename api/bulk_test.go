package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

const bulkPath = "/api/v1/bulk"

// reminding is a body that reminds of a case.
func reminding(numbers ...string) map[string]any { return bulk(casework.ActionRemind, nil, numbers...) }

func bulk(action casework.Action, command any, numbers ...string) map[string]any {
	items := make([]any, 0, len(numbers))
	for _, number := range numbers {
		items = append(items, map[string]any{"number": number})
	}
	body := map[string]any{"action": action, "items": items}
	if command != nil {
		body["command"] = command
	}
	return body
}

// row gives what came of one case.
func (a answer) row(t *testing.T, i int) map[string]any {
	t.Helper()
	results, ok := a.body["results"].([]any)
	require.True(t, ok, a.text)
	require.Greater(t, len(results), i, a.text)
	row, ok := results[i].(map[string]any)
	require.True(t, ok)
	return row
}

// someCases begins all cases, and some more of the department of fu and shi.
func (w *world) someCases() []string {
	w.t.Helper()
	for range 5 {
		w.db.SecondReview(w.t, w.aCase(), "又跑了一趟")
	}
	w.begin()
	return w.cases()
}

// cases gives all cases of the department of fu and shi.
func (w *world) cases() []string {
	w.t.Helper()
	var numbers []string
	rows, err := w.owner().QueryContext(w.t.Context(), `
		SELECT c.number FROM cases c JOIN organisations d ON d.id = c.department_id WHERE d.name = $1 ORDER BY c.number`, zhujian)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, rows.Close()) }()
	for rows.Next() {
		var number string
		require.NoError(w.t, rows.Scan(&number))
		numbers = append(numbers, number)
	}
	require.NoError(w.t, rows.Err())
	return numbers
}

func TestBulk(t *testing.T) {
	t.Parallel()
	w := setup(t)
	numbers := w.someCases()
	require.GreaterOrEqual(t, len(numbers), 3)
	w.does(shi, numbers[1], casework.Claim{})

	a := w.call(fu, http.MethodPost, bulkPath, bulk(casework.ActionClaim, nil, numbers[0], numbers[1], "999999-20261125-000001", numbers[0]), "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, a.status, a.text)
	require.Len(t, a.body["results"], 3, "a number that is named twice counts once")
	require.Equal(t, "done", a.row(t, 0)["status"])
	require.Equal(t, "refused", a.row(t, 1)["status"])
	require.Equal(t, "claimed_by_other", a.row(t, 1)["code"])
	holder, ok := a.row(t, 1)["handler"].(map[string]any)
	require.True(t, ok)
	require.NotEmpty(t, holder["name"], "who comes second is told who has it")
	require.Equal(t, "not_found", a.row(t, 2)["status"])
	require.Nil(t, a.row(t, 2)["current"])

	// Sent again, it finds done what was done, and does what is missing.
	w.does(shi, numbers[1], casework.Assign{UserID: w.idOf(fu)})
	a = w.call(fu, http.MethodPost, bulkPath, bulk(casework.ActionClaim, nil, numbers[0], numbers[1], "999999-20261125-000001", numbers[0]), "Idempotency-Key", "k")
	require.Equal(t, "already", a.row(t, 0)["status"])
	require.Equal(t, "already_yours", a.row(t, 1)["code"])
	require.Equal(t, "key_reused", w.call(fu, http.MethodPost, bulkPath, bulk(casework.ActionClaim, nil, numbers[2]), "Idempotency-Key", "k").code())

	// A case outside is one that is not there, and a note is masked like any text.
	a = w.call(ren, http.MethodPost, bulkPath, bulk(casework.ActionClaim, nil, numbers[0]))
	require.Equal(t, "not_found", a.row(t, 0)["status"])
	a = w.call(lin, http.MethodPost, bulkPath, bulk(casework.ActionRemind, map[string]any{"note": "请联系12000007919"}, numbers[0]))
	require.Equal(t, "done", a.row(t, 0)["status"], a.text)
	require.Equal(t, 1, w.count(`SELECT count(*) FROM case_events WHERE case_number = $1 AND kind = 'reminded' AND body->>'note' LIKE '%120****7919%'`, numbers[0]))
	require.Equal(t, 1, w.count(`SELECT count(*) FROM outbox WHERE kind = 'tell-staff' AND payload->>'number' = $1 AND payload->>'event' = 'reminded'`, numbers[0]))
	a = w.call(lin, http.MethodPost, bulkPath, reminding(numbers[0]))
	require.Equal(t, "reminded_today", a.row(t, 0)["code"])

	// A version that was seen before something happened is stale; the row says where
	// the case stands.
	items := map[string]any{"action": "escalate", "items": []any{map[string]any{"number": numbers[0], "version": 1}}, "command": map[string]any{"reason": "超期"}}
	a = w.call(lin, http.MethodPost, bulkPath, items)
	require.Equal(t, "case_changed", a.row(t, 0)["code"], a.text)
	require.NotNil(t, a.row(t, 0)["current"])
}

func TestBulkIsReadStrictly(t *testing.T) {
	t.Parallel()
	w := setup(t)
	many := make([]string, 101)
	for i := range many {
		many[i] = string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	for name, c := range map[string]struct {
		user   string
		body   any
		status int
		code   string
	}{
		"no JSON":              {fu, "claim", http.StatusBadRequest, "malformed_json"},
		"two objects":          {fu, `{"action": "claim", "items": []} {}`, http.StatusBadRequest, "malformed_json"},
		"an unknown field":     {fu, `{"action": "claim", "numbers": []}`, http.StatusBadRequest, "malformed_json"},
		"a wrong type":         {fu, `{"action": "claim", "items": "all"}`, http.StatusUnprocessableEntity, "wrong_type"},
		"a version that is no": {fu, `{"action": "claim", "items": [{"number": "a", "version": 0}]}`, http.StatusUnprocessableEntity, "unknown_value"},
		"no case":              {fu, bulk(casework.ActionClaim, nil), http.StatusUnprocessableEntity, "none_chosen"},
		"too many":             {fu, bulk(casework.ActionClaim, nil, many...), http.StatusUnprocessableEntity, "too_many_cases"},
		"another action":       {fu, bulk(casework.ActionVerify, nil, "a"), http.StatusUnprocessableEntity, "not_for_many"},
		"no action":            {fu, "{}", http.StatusUnprocessableEntity, "not_for_many"},
		"a missing field":      {lin, bulk(casework.ActionEscalate, nil, "a"), http.StatusUnprocessableEntity, "required"},
		"a field too many":     {lin, bulk(casework.ActionRemind, map[string]any{"reason": "x"}, "a"), http.StatusUnprocessableEntity, "unknown_field"},
		"an auditor":           {gu, reminding("a"), http.StatusForbidden, "not_allowed"},
		"a handler reminds":    {fu, reminding("a"), http.StatusForbidden, "not_allowed"},
	} {
		a := w.call(c.user, http.MethodPost, bulkPath, c.body)
		require.Equal(t, c.status, a.status, "%s: %s", name, a.text)
		require.Equal(t, c.code, a.code(), name)
	}
}

// TestBulkWithoutTheEngine: each row says that it is not done, not all of a hundred
// wait, and the same request does it afterwards.
func TestBulkWithoutTheEngine(t *testing.T) {
	t.Parallel()
	w := setup(t)
	numbers := w.someCases()
	w.engine.fails = &casework.Error{Code: casework.CodeUnavailable, Reason: "engine_unavailable", Detail: "no answer"}
	a := w.call(fu, http.MethodPost, bulkPath, bulk(casework.ActionClaim, nil, numbers...), "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, a.status, a.text)
	for i := range numbers {
		require.Equal(t, "unavailable", a.row(t, i)["status"])
		require.Equal(t, "not_done_yet", a.row(t, i)["code"])
	}
	w.engine.fails = nil
	a = w.call(fu, http.MethodPost, bulkPath, bulk(casework.ActionClaim, nil, numbers...), "Idempotency-Key", "k")
	for i := range numbers {
		require.Equal(t, "done", a.row(t, i)["status"], a.text)
	}
}
