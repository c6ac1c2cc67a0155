package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// twice begins two cases of one service record of the department of fu and shi,
// and gives their numbers, the earlier first.
func (w *world) twice() (earlier, later string) {
	w.t.Helper()
	earlier = w.aCase()
	later = w.db.SecondReview(w.t, earlier, "又跑了一趟")
	w.begin()
	return earlier, later
}

// offers reports whether an answer with a case lists an action, and why not now.
func offers(t *testing.T, detail answer, action casework.Action) (listed bool, blocked any) {
	t.Helper()
	actions, ok := detail.body["actions"].([]any)
	require.True(t, ok, detail.text)
	for _, a := range actions {
		if a, ok := a.(map[string]any); ok && a["action"] == string(action) {
			return true, a["blocked"]
		}
	}
	return false, nil
}

// TestTakeOverThroughTheAPI: an authority handles a case in the place of the
// department, and hands it back.
func TestTakeOverThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number
	verify := casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"}
	before := w.get(fu, path).body
	require.Equal(t, "henan-2019", before["pack_id"])
	require.InDelta(t, 1, before["pack_version"], 0)
	require.Empty(t, before["calendar_version"])
	require.Nil(t, before["taken_over_by"])
	require.Equal(t, http.StatusForbidden, w.act(fu, number, casework.TakeOver{Reason: "x"}).status, "a department takes nothing over")
	require.Equal(t, "required", w.act(lin, number, casework.TakeOver{Reason: "  "}).code())
	require.Equal(t, http.StatusForbidden, w.act(lin, number, verify).status, "the work is the department's")

	w.does(fu, number, reached)
	w.does(lin, number, casework.TakeOver{Reason: "部门逾期未核实"})
	after := w.get(fu, path)
	authority, ok := after.body["taken_over_by"].(map[string]any)
	require.True(t, ok, after.text)
	require.Contains(t, authority["name"], "湛河区政务")
	require.Equal(t, before["deadline_at"], after.body["deadline_at"], "the clock goes on")
	require.Equal(t, "already_taken_over", w.act(lin, number, casework.TakeOver{Reason: "再次"}).code())
	for _, command := range []casework.Command{verify, reached, casework.Claim{}} {
		require.Equal(t, "taken_over", w.act(fu, number, command).code(), "%s", command.Action())
	}
	require.Equal(t, "taken_over", w.act(shi, number, casework.Assign{UserID: w.idOf(fu)}).code())
	_, blocked := offers(t, after, casework.ActionVerify)
	require.Equal(t, "taken_over", blocked)
	require.Contains(t, numbersOf(t, w.caseTasks(lin), "number"), number, "the task lies with the authority")
	require.NotContains(t, numbersOf(t, w.caseTasks(fu), "number"), number)

	w.does(lin, number, verify)
	// Back to the department from which it came: only because it was taken over.
	department, ok := after.body["department"].(map[string]any)
	require.True(t, ok)
	id, ok := department["id"].(float64)
	require.True(t, ok)
	back := casework.Transfer{DepartmentID: int64(id), Reason: "核实完毕，交回整改"}
	w.does(lin, number, back)
	handedBack := w.get(fu, path).body
	require.Nil(t, handedBack["taken_over_by"])
	require.Nil(t, handedBack["handler"])
	require.Equal(t, department, handedBack["department"])
	require.Equal(t, "same_department", w.act(lin, number, back).code())
	require.Equal(t, http.StatusForbidden, w.act(lin, number, casework.SubmitRectification{Done: "x", Cause: casework.CauseGuide}).status)
	w.does(fu, number, casework.SubmitRectification{Done: "统一了标准", Cause: casework.CauseGuide})
	require.Contains(t, numbersOf(t, w.caseTasks(fu), "number"), number)
}

func (w *world) caseTasks(user string) []map[string]any {
	w.t.Helper()
	var cases []map[string]any
	for _, task := range w.walk(user, "/api/v1/tasks?", "tasks", 50) {
		c, ok := task["case"].(map[string]any)
		require.True(w.t, ok)
		cases = append(cases, c)
	}
	return cases
}

func (w *world) idOf(username string) int64 {
	w.t.Helper()
	for _, u := range w.users {
		if u.Username == username {
			return u.ID
		}
	}
	require.Fail(w.t, "no such person", username)
	return 0
}

// TestMergeThroughTheAPI: the later case of a service record ends in favour of
// the earlier one.
func TestMergeThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := setup(t)
	earlier, later := w.twice()
	all := numbersOf(t, w.walk(fu, "/api/v1/cases?", "cases", 50), "number")
	stranger, ok := all[slices.IndexFunc(all, func(n any) bool { return n != earlier && n != later })].(string)
	require.True(t, ok)
	one, two := "/api/v1/cases/"+earlier, "/api/v1/cases/"+later
	related := func(a answer) map[string]any {
		list, ok := a.body["same_record"].([]any)
		require.True(t, ok, a.text)
		require.Len(t, list, 1)
		r, ok := list[0].(map[string]any)
		require.True(t, ok)
		return r
	}
	detail := w.get(lin, two)
	require.Equal(t, map[string]any{
		"number": earlier, "stage": "verification", "rating": detail.body["rating"], "words": w.get(lin, one).body["words"],
		"rated_at": w.get(lin, one).body["rated_at"], "merged": false, "takes_merge": true,
	}, related(detail))
	listed, blocked := offers(t, detail, casework.ActionMerge)
	require.True(t, listed)
	require.Nil(t, blocked)
	listed, _ = offers(t, w.get(lin, one), casework.ActionMerge)
	require.False(t, listed, "the earlier case has none to go into")
	require.Equal(t, false, related(w.get(lin, one))["takes_merge"])
	require.Equal(t, http.StatusNotFound, w.get(ren, two).status, "nobody elsewhere sees either")
	require.Equal(t, http.StatusForbidden, w.act(fu, later, casework.Merge{Into: earlier, Reason: "x"}).status)

	for _, into := range []string{later, stranger, "none"} {
		a := w.act(lin, later, casework.Merge{Into: into, Reason: "同一办件"})
		require.Equal(t, http.StatusUnprocessableEntity, a.status, a.text)
		require.Equal(t, "not_of_the_same_record", a.code(), into)
		require.Equal(t, "into", a.body["field"])
	}
	require.Equal(t, "not_of_the_same_record", w.act(lin, earlier, casework.Merge{Into: later, Reason: "x"}).code(), "never into a later one")

	merge := casework.Merge{Into: earlier, Reason: "同一办件的两次差评"}
	a := w.does(lin, later, merge, "Idempotency-Key", "merge")
	require.Equal(t, "merged", a.body["stage"])
	require.Nil(t, a.body["deadline_at"])
	require.Equal(t, a.body, w.does(lin, later, merge, "Idempotency-Key", "merge").body, "once")
	ended := w.get(fu, two)
	require.Equal(t, earlier, ended.body["merged_into"])
	require.Empty(t, ended.body["actions"])
	require.Equal(t, "case_ended", w.act(fu, later, reached).code())
	goesOn := w.get(fu, one)
	require.Equal(t, []any{later}, goesOn.body["merged_cases"])
	require.Equal(t, true, related(goesOn)["merged"])
	require.Equal(t, "又跑了一趟", related(goesOn)["words"])
	require.Equal(t, 1, w.count(`SELECT count(*) FROM case_events WHERE case_number = $1 AND kind = 'case_linked'`, earlier))
	for _, command := range []casework.Command{
		casework.Withdraw{Reason: "x"}, casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: "x"},
	} {
		require.Equal(t, "has_merged_cases", w.act(lin, earlier, command).code(), "%s would leave a review unanswered", command.Action())
	}
}

func TestMergeIntoACaseThatDoesNotGoOn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	earlier, later := w.twice()
	w.does(lin, earlier, casework.Withdraw{Reason: "评价人撤回"})
	listed, _ := offers(t, w.get(lin, "/api/v1/cases/"+later), casework.ActionMerge)
	require.False(t, listed)
	a := w.act(lin, later, casework.Merge{Into: earlier, Reason: "同一办件"})
	require.Equal(t, http.StatusConflict, a.status)
	require.Equal(t, "does_not_go_on", a.code())
	require.Equal(t, "verification", w.get(lin, "/api/v1/cases/"+later).body["stage"], "it goes on by itself")
}

// TestLateAnswer: what the reviewer says after the archive is recorded, and
// nothing else changes.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number
	w.does(fu, number, reached)
	w.does(fu, number, casework.Verify{Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "已补办", Cause: casework.CauseSkill})
	w.does(fu, number, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已改"})
	w.does(fu, number, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
	require.NoError(t, w.engine.archive(t.Context(), number))
	before := w.get(fu, path)
	require.Equal(t, "archived", before.body["stage"])
	version, ok := before.body["version"].(float64)
	require.True(t, ok)
	tasks := w.count(`SELECT count(*) FROM tasks WHERE case_number = $1 AND closed_at IS NULL`, number)

	late := casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "问题又出现了"}
	a := w.does(fu, number, late, "Idempotency-Key", "late", "If-Match", before.header.Get("ETag"))
	require.Equal(t, map[string]any{"number": number, "version": version + 1, "stage": "archived", "deadline_at": nil}, a.body)
	again := w.does(fu, number, late, "Idempotency-Key", "late", "If-Match", before.header.Get("ETag"))
	require.Equal(t, a.body, again.body, "the same request is one answer")
	require.Equal(t, 1, w.count(`SELECT count(*) FROM case_events WHERE case_number = $1 AND kind = 'late_answer_recorded'`, number))

	after := w.get(gu, path)
	require.InDelta(t, version+1, after.body["version"], 0)
	for _, field := range []string{"stage", "closed_at", "closed_on_time", "reopenings", "late", "deadline"} {
		require.Equal(t, before.body[field], after.body[field], field)
	}
	state, err := w.engine.stateOf(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, casework.AnswerSatisfied, state.FirstAnswer)
	require.Equal(t, tasks, w.count(`SELECT count(*) FROM tasks WHERE case_number = $1 AND closed_at IS NULL`, number))
	require.Equal(t, "required", w.act(fu, number, casework.RecordAnswer{Answer: casework.AnswerUnsatisfied}).code(), "also late, it has its words")
	require.Equal(t, "case_ended", w.act(fu, number, reached).code())
}
