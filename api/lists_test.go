package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

func numbersOf(t *testing.T, items []map[string]any, field string) []any {
	t.Helper()
	numbers := make([]any, 0, len(items))
	for _, item := range items {
		require.NotContains(t, numbers, item[field], "no page repeats what another had")
		numbers = append(numbers, item[field])
	}
	return numbers
}

func TestPagesShowEveryCaseOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	// Some without a deadline, which come last.
	_, err := w.owner().ExecContext(t.Context(), `UPDATE cases SET deadline_at = NULL WHERE substring(number from '.$') IN ('1', '4')`)
	require.NoError(t, err)
	inRegion := func(region string) int {
		return w.count(`SELECT count(*) FROM cases c JOIN regions r ON r.code = c.region_code WHERE $1 = ANY (r.path)`, region)
	}
	district, city := inRegion("410411000000"), inRegion("410400000000")
	require.Positive(t, district)
	require.Less(t, district, city)
	require.Less(t, city, 62)
	for _, c := range []struct {
		user string
		sees int
	}{{lin, district}, {gu, district}, {ye, city}, {shen, 62}, {lei, 62}} {
		var first []any
		for _, limit := range []int{1, 7, 61, 62, 200} {
			all := numbersOf(t, w.walk(c.user, "/api/v1/cases?", "cases", limit), "number")
			require.Len(t, all, c.sees, "%s by %d", c.user, limit)
			if first == nil {
				first = all
			}
			require.Equal(t, first, all, "the order does not depend on the page")
		}
	}
	require.Len(t, w.get(shen, "/api/v1/cases").body["cases"], 50, "a page unasked")
}

func TestPagesOfTasksAndEvents(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	w.does(fu, number, reached)
	open := w.count(`
		SELECT count(*) FROM tasks t JOIN organisations o ON o.id = t.organisation_id WHERE o.name = $1 AND t.closed_at IS NULL`, zhujian)
	require.Positive(t, open)
	require.Len(t, numbersOf(t, w.walk(fu, "/api/v1/tasks?", "tasks", 1), "id"), open)
	mine := w.walk(fu, "/api/v1/tasks?view=mine&", "tasks", 1)
	require.Len(t, mine, 1)
	require.Equal(t, true, mine[0]["mine"])
	require.Len(t, w.walk(shi, "/api/v1/tasks?view=unclaimed&", "tasks", 2), open-1)
	require.Equal(t, "no_inbox", w.get(gu, "/api/v1/tasks").code())

	seen := map[string]bool{}
	for _, e := range w.walk(lei, "/api/v1/events?", "events", 9) {
		key := e["case_number"].(string) + e["kind"].(string) //nolint:errcheck // a panic is as good
		require.False(t, seen[key], key)
		seen[key] = true
	}
	require.Len(t, seen, 62+2)
	require.Len(t, w.walk(lei, "/api/v1/events?kind=callback_recorded&", "events", 1), 1)
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	require.Empty(t, w.get(lin, "/api/v1/overdue").body["cases"])
	_, err := w.owner().ExecContext(t.Context(), `UPDATE cases SET overdue_since = deadline_at, ever_late = true, escalation_steps = 0 WHERE number = $1`, number)
	require.NoError(t, err)
	for _, path := range []string{"/api/v1/overdue?", "/api/v1/overdue?overdue=false&", "/api/v1/overdue?open=true&", "/api/v1/cases?overdue=true&"} {
		require.Equal(t, []any{number}, numbersOf(t, w.walk(lin, path, "cases", 5), "number"), path)
	}
	require.Empty(t, w.get(lin, "/api/v1/overdue?stage=archived").body["cases"])
	require.Equal(t, http.StatusForbidden, w.get(fu, "/api/v1/overdue").status)
	require.Equal(t, http.StatusForbidden, w.get(gu, "/api/v1/overdue").status)
}

func TestParametersThatAreWrong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	lists := map[string]string{"/api/v1/cases": lin, "/api/v1/overdue": lin, "/api/v1/tasks": lin, "/api/v1/events": gu, "/api/v1/reveals": gu}
	word := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for path, user := range lists {
		for _, limit := range []string{"-1", "0", "201", "2147483648", "9223372036854775807", "9223372036854775808", "1e1", "1.0", "0x10", " 1", "x", "１"} {
			a := w.get(user, path+"?limit="+url.QueryEscape(limit))
			require.Equal(t, http.StatusBadRequest, a.status, "%s %s", path, limit)
			require.Equal(t, "limit_range", a.code())
			require.Equal(t, "limit", a.body["field"])
		}
		for _, cursor := range []string{
			"x", "%00", "' OR '1'='1", word("null"), word("{}"), word("[]"), word(`{"number":""}`),
			word(`{"number":"a\u0000b"}`), word(`{"number":7}`), word(`{"id":-1}`), word(`{"id":9223372036854775808}`),
			word(`{"number":"1","seq":0}`), word(`{"number":"1","seq":2147483648}`), word(`{"number":"1","more":1}`),
			word(`{"number":"1","due_at":"yesterday"}`), word(`{"number":"1"}{}`),
		} {
			a := w.get(user, path+"?cursor="+url.QueryEscape(cursor))
			require.Equal(t, http.StatusBadRequest, a.status, "%s %q: %s", path, cursor, a.text)
			require.Equal(t, "malformed_cursor", a.code())
		}
		require.Equal(t, http.StatusOK, w.get(user, path+"?limit=200").status)
	}
	for _, sql := range []string{"' OR '1'='1", "verification' --", "verification; DROP TABLE cases", `a","b`, "verification\x00", "\xff", "*", "%"} {
		for _, parameter := range []struct{ user, path, field string }{
			{lin, "/api/v1/cases?stage=", "stage"},
			{lin, "/api/v1/cases?open=", "open"},
			{lin, "/api/v1/cases?overdue=", "overdue"},
			{lin, "/api/v1/overdue?stage=", "stage"},
			{lin, "/api/v1/tasks?view=", "view"},
			{gu, "/api/v1/events?kind=", "kind"},
		} {
			a := w.get(parameter.user, parameter.path+url.QueryEscape(sql))
			require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s%q: %s", parameter.path, sql, a.text)
			require.Equal(t, "unknown_value", a.code())
			require.Equal(t, parameter.field, a.body["field"])
		}
	}
	for _, number := range []string{"' OR '1'='1", "') OR true --", "\\"} {
		a := w.get(lin, "/api/v1/cases?cursor="+word(`{"number":"`+url.QueryEscape(number)+`","due_at":"0001-01-01T00:00:00Z"}`))
		require.Equal(t, http.StatusOK, a.status, a.text)
		require.Empty(t, a.body["cases"], "a cursor that says SQL is only a place")
	}
}

func TestStageFilter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.Len(t, w.walk(shen, "/api/v1/cases?stage=opened&", "cases", 40), 62)
	w.begin()
	w.does(lin, w.aCase(), casework.Withdraw{Reason: "评价人撤回"})
	require.Len(t, w.walk(shen, "/api/v1/cases?open=true&", "cases", 40), 61)
	require.Len(t, w.walk(shen, "/api/v1/cases?stage=withdrawn&", "cases", 40), 1)
	require.Len(t, w.walk(shen, "/api/v1/cases?stage=withdrawn,verification&", "cases", 40), 62)
	require.Empty(t, w.get(shen, "/api/v1/cases?stage=withdrawn&open=true").body["cases"])
}

func TestReveal(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number
	reveal := func(user string) answer {
		return w.call(user, http.MethodPost, path+"/reveal", map[string]string{"purpose": "回访"})
	}
	a := reveal(fu)
	require.Equal(t, http.StatusOK, a.status, a.text)
	require.Regexp(t, `^120[0-9]{8}$`, a.body["phone"])
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	require.Equal(t, 1, w.count(`SELECT count(*) FROM reveals WHERE case_number = $1`, number))
	for user, status := range map[string]int{ren: 404, ji: 404, gu: 403, ye: 403} {
		require.Equal(t, status, reveal(user).status, user)
	}
	require.Equal(t, 1, w.count(`SELECT count(*) FROM reveals`), "a look that is refused is none")
	for _, user := range []string{fu, lin, gu} {
		for _, read := range []string{path, path + "/events", "/api/v1/cases?limit=200"} {
			require.NotContains(t, w.get(user, read).text, a.body["phone"], "%s %s", user, read)
		}
	}
	require.NotContains(t, w.log.String(), a.body["phone"])
}

func TestLooksAreListedForAuditors(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number
	var shown answer
	for i := range 31 {
		shown = w.call(fu, http.MethodPost, path+"/reveal", map[string]string{"purpose": "回访12000000001"})
		if i < 30 {
			require.Equal(t, http.StatusOK, shown.status, shown.text)
		}
	}
	require.Equal(t, http.StatusTooManyRequests, shown.status)
	require.Equal(t, "reveals_an_hour", shown.body["code"])
	require.EqualValues(t, 30, w.get(fu, path).body["looks"])
	looks := w.walk(gu, "/api/v1/reveals?", "reveals", 7)
	require.Len(t, looks, 30)
	first := looks[0]
	require.Equal(t, number, first["case_number"])
	require.Equal(t, "回访120****0001", first["purpose"])
	require.Equal(t, "department-reveals-phone", first["rule"])
	require.Len(t, w.walk(gu, fmt.Sprintf("/api/v1/reveals?user_id=%v&", first["user_id"]), "reveals", 40), 30)
	require.Empty(t, w.walk(gu, "/api/v1/reveals?user_id=1000000&", "reveals", 40))
	require.Empty(t, w.walk(gu, "/api/v1/reveals?alarms=true&", "reveals", 40), "one case is not many")
	for _, user := range []string{fu, lin, ji} {
		require.Equal(t, http.StatusForbidden, w.get(user, "/api/v1/reveals").status, user)
	}
}
