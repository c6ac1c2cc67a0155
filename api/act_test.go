package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// TestLifeThroughTheAPI leads a case from the review to the end of its spot
// check, so that every answer on the way is held against the description.
func TestLifeThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := setup(t)
	number := w.aCase()
	path := "/api/v1/cases/" + number
	require.Equal(t, "not_started_yet", w.act(fu, number, reached).code())
	require.Equal(t, `"0"`, w.get(fu, path).header.Get("ETag"))
	w.begin()

	a := w.does(fu, number, reached)
	require.Equal(t, `"3"`, a.header.Get("ETag"), "opened, claimed, called")
	require.InDelta(t, 3, a.body["version"], 0)
	require.Equal(t, map[string]any{"number": number, "version": 3.0, "stage": "verification", "deadline_at": "2026-12-04T16:00:00Z"}, a.body)
	w.does(fu, number, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"})
	last := casework.DateOf(now).AddDays(15)
	w.does(fu, number, casework.RequestExtension{Until: last.AddDays(10), Reason: "需要改造系统"})
	w.does(lin, number, casework.DecideExtension{Grant: true, Reason: "同意"})
	w.does(lin, number, casework.Pause{Category: casework.PauseLegal, Reason: "复议"})
	require.NotNil(t, w.get(fu, path).body["paused_at"])
	w.does(lin, number, casework.Resume{})
	w.does(lin, number, casework.Escalate{Reason: "督办"})
	detail := w.get(gu, path)
	events, ok := detail.body["events"].([]any)
	require.True(t, ok)
	require.Contains(t, fmt.Sprint(events[3]), "rule:department-verifies", "an auditor sees the rule")
	require.NotContains(t, fmt.Sprint(w.get(fu, path).body), "department-verifies", "others do not")
	require.Len(t, w.get(fu, path+"/events").body["events"], len(events))

	w.does(fu, number, casework.SubmitRectification{Done: "统一了标准", Cause: casework.CauseGuide, GuideChanged: true})
	w.does(fu, number, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已改"})
	w.does(fu, number, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
	closed := w.get(fu, path)
	require.Equal(t, "closed", closed.body["stage"])
	require.Equal(t, true, closed.body["closed_on_time"])
	require.Nil(t, closed.body["deadline"])
	require.Equal(t, []any{map[string]any{"action": "record-answer", "allowed": true}}, closed.body["actions"], "a late answer")
	require.Equal(t, "case_closed", w.act(fu, number, reached).code())
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	path := "/api/v1/cases/" + w.aCase()
	long := `{"purpose":"` + strings.Repeat("x", 64<<10) + `"}`
	for _, c := range []struct {
		name, tail, body, contentType string
		status                        int
		code                          string
	}{
		{"too large", "/actions/verify", long, "application/json", http.StatusRequestEntityTooLarge, "body_too_large"},
		{"too large", "/reveal", long, "application/json", http.StatusRequestEntityTooLarge, "body_too_large"},
		{"a form", "/actions/claim", "a=b", "application/x-www-form-urlencoded", http.StatusUnsupportedMediaType, "wrong_content_type"},
		{"text", "/actions/claim", "{}", "text/plain", http.StatusUnsupportedMediaType, "wrong_content_type"},
		{"nearly JSON", "/actions/claim", "{}", "application/jsonp", http.StatusUnsupportedMediaType, "wrong_content_type"},
		{"a patch", "/reveal", "[]", "application/json-patch+json", http.StatusUnsupportedMediaType, "wrong_content_type"},
		{"no media type at all", "/reveal", "{}", ";", http.StatusUnsupportedMediaType, "wrong_content_type"},
		{"no JSON", "/actions/claim", "{", "application/json", http.StatusBadRequest, "malformed_json"},
		{"a list", "/actions/escalate", "[]", "application/json", http.StatusUnprocessableEntity, "wrong_type"},
		{"two objects", "/actions/claim", "{}{}", "application/json", http.StatusBadRequest, "malformed_json"},
		{"an unknown field", "/actions/claim", `{"by":1}`, "application/json", http.StatusUnprocessableEntity, "unknown_field"},
		{"no body", "/reveal", "", "application/json", http.StatusBadRequest, "malformed_json"},
		{"two objects", "/reveal", `{"purpose":"a"}{}`, "application/json", http.StatusBadRequest, "malformed_json"},
		{"an unknown field", "/reveal", `{"purpose":"a","user_id":1}`, "application/json", http.StatusBadRequest, "malformed_json"},
		{"no purpose", "/reveal", `{"purpose":"  "}`, "application/json", http.StatusUnprocessableEntity, "required"},
		{"a purpose with NUL", "/reveal", `{"purpose":"a\u0000b"}`, "application/json", http.StatusUnprocessableEntity, "invalid_text"},
		{"a purpose too long", "/reveal", `{"purpose":"` + strings.Repeat("字", 201) + `"}`, "application/json", http.StatusUnprocessableEntity, "purpose_too_long"},
		{"an unknown action", "/actions/close", "{}", "application/json", http.StatusNotFound, "unknown_action"},
		{"an action that looks", "/actions/reveal", "{}", "application/json", http.StatusNotFound, "unknown_action"},
	} {
		a := w.call(fu, http.MethodPost, path+c.tail, c.body, "Content-Type", c.contentType)
		require.Equal(t, c.status, a.status, "%s %s: %s", c.name, c.tail, a.text)
		require.Equal(t, c.code, a.code(), "%s %s", c.name, c.tail)
	}
	require.Zero(t, w.count(`SELECT count(*) FROM reveals`))
	require.Equal(t, 62, w.count(`SELECT count(*) FROM case_events`), "the openings and nothing else")
	for _, contentType := range []string{"", "application/json", "Application/JSON; charset=utf-8"} {
		a := w.call(fu, http.MethodPost, path+"/actions/claim", "", "Content-Type", contentType)
		require.Contains(t, []any{nil, "already_yours"}, a.code(), "%q: %s", contentType, a.text)
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	number := w.aCase()
	require.Equal(t, "not_started_yet", w.act(fu, number, reached, "If-Match", `"0"`).code())
	w.begin()
	for _, bad := range []string{
		"x", `"x"`, `W/"1"`, `w/"1"`, `"1", "2"`, `"1",`, "0", "1", `"1`, `1"`, `""1""`, `"01"`, `"012"`, `"+1"`, `"-1"`, "-1", "1.0", `"1.0"`,
		`"9223372036854775808"`, `""`, `"`, " ", ` "1"`, `"1" `, `'1'`, `"１"`, `"*"`, "**", "*, *",
	} {
		a := w.act(fu, number, reached, "If-Match", bad)
		require.Equal(t, http.StatusBadRequest, a.status, bad)
		require.Equal(t, "malformed_etag", a.code(), bad)
		require.Equal(t, "If-Match", a.body["field"])
	}
	path := "/api/v1/cases/" + number
	for name, values := range map[string][]string{"a list in two headers": {`"1"`, `"1"`}, "two stars": {"*", "*"}} {
		header := w.header(fu, path)
		header["If-Match"] = values
		a := w.send(w.handler, http.MethodPost, path+"/actions/record-callback", reached, header)
		require.Equal(t, "malformed_etag", a.code(), name)
	}
	for name, values := range map[string][]string{"missing": nil, "empty": {""}} {
		header := w.header(fu, path)
		header["If-Match"] = values
		a := w.send(w.handler, http.MethodPost, path+"/actions/record-callback", reached, header)
		require.Equal(t, http.StatusPreconditionRequired, a.status, name)
		require.Equal(t, "version_required", a.code(), name)
		require.Equal(t, "If-Match", a.body["field"])
	}
	for _, stale := range []string{`"0"`, `"2"`, `"9"`, `"9223372036854775807"`} {
		a := w.act(fu, number, reached, "If-Match", stale)
		require.Equal(t, http.StatusPreconditionFailed, a.status, stale)
		require.Equal(t, "case_changed", a.code())
	}
	tag := w.get(fu, path).header.Get("ETag")
	require.Equal(t, `"1"`, tag)
	w.does(fu, number, reached, "If-Match", tag)
	require.Equal(t, http.StatusPreconditionFailed, w.act(fu, number, casework.RecordCallback{}, "If-Match", tag).status)
	w.does(fu, number, casework.RecordCallback{Outcome: "无人接听"}, "If-Match", "*")
	seen := w.get(fu, path).header.Get("ETag")
	w.does(fu, number, reached, "If-Match", seen)
	w.does(fu, number, reached, "If-Match", seen)
	require.Equal(t, 3, w.callbacks(number), "without a key, the version that was seen is one")
}

// TestWhoComesSecondSeesTheFreshState: in the refusal itself, and only who may see
// the case.
func TestWhoComesSecondSeesTheFreshState(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number
	seen := w.get(fu, path).header.Get("ETag")
	w.does(shi, number, casework.Claim{}, "If-Match", seen)
	now := map[string]any{"number": number, "version": 2.0, "stage": "verification", "deadline_at": "2026-12-04T16:00:00Z"}

	for status, ifMatch := range map[int]string{http.StatusPreconditionFailed: seen, http.StatusConflict: "*"} {
		a := w.act(fu, number, casework.Claim{}, "If-Match", ifMatch)
		require.Equal(t, status, a.status, a.text)
		require.Equal(t, now, a.body["current"])
		require.Equal(t, `"2"`, a.header.Get("ETag"))
	}
	for _, user := range []string{ren, gu} {
		a := w.act(user, number, casework.Claim{}, "If-Match", seen)
		require.NotContains(t, a.body, "current", user)
		require.Empty(t, a.header.Get("ETag"), user)
	}
	w.does(lin, number, casework.Withdraw{Reason: "评价人撤回"})
	a := w.act(fu, number, reached)
	require.Equal(t, "case_ended", a.code())
	require.Equal(t, map[string]any{"number": number, "version": 3.0, "stage": "withdrawn", "deadline_at": nil}, a.body["current"])
}

// callbacks counts what fu and shi have recorded in a case.
func (w *world) callbacks(number string) int {
	w.t.Helper()
	return w.count(`SELECT count(*) FROM case_events WHERE case_number = $1 AND kind = 'callback_recorded'`, number)
}
