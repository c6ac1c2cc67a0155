package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

// The people of the demo who appear here.
const (
	chen   = "zhanhe.ziran.chen"      // handler, 湛河区自然资源局
	lu     = "zhanhe.ziran.lu"        // handler there
	tao    = "zhanhe.ziran.tao"       // lead there
	ren    = "zhanhe.shichang.ren"    // handler of another department
	lin    = "zhanhe.jiandu.lin"      // supervisor, 湛河区
	su     = "zhanhe.jiandu.su"       // another
	wen    = "zhanhe.jiandu.wen"      // a third
	gu     = "zhanhe.shenji.gu"       // auditor, 湛河区
	ye     = "pingdingshan.jiandu.ye" // supervisor, 平顶山市
	shen   = "henan.jiandu.shen"      // supervisor, the province
	ji     = "zhanhe.xitong.ji"       // system administrator
	cen    = "mazhuang.jiandu.cen"    // supervisor, 马庄街道
	jian   = "mazhuang.minzheng.jian" // handler, 马庄街道民政局
	day    = 24 * time.Hour
	zhanhe = "410411000000"
	ziran  = "湛河区自然资源局"
)

var (
	reached   = casework.RecordCallback{Reached: true, Words: "材料要求反复变化"}
	complexIt = casework.Verify{Outcome: casework.OutcomeComplex, Findings: "窗口与指南要求不一致，属实"}
	rectified = casework.SubmitRectification{Done: "统一了收件标准", Cause: casework.CauseGuide, GuideChanged: true, Evidence: "指南 2026-11 版"}
	fedBack   = casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已统一收件标准，给您添麻烦了"}
)

func TestLife(t *testing.T) {
	t.Parallel()
	w := testworld.New(t)
	for name, life := range map[string]func(*testing.T, *testworld.World){
		"a whole case":               wholeCase,
		"a case in a township":       townshipCase,
		"two people at once":         twoPeopleAtOnce,
		"the same request ten times": sameRequestTenTimes,
		"decisions at the deadline":  decisionsAtTheDeadline,
		"nobody outside sees it":     nobodyOutsideSeesIt,
		"a worker that stops":        workerThatStops,
		"bad input":                  badInput,
		"after the end":              afterTheEnd,
		"an explained case":          explainedCase,
		"fixed at once":              fixedAtOnce,
		"an unreachable reviewer":    unreachableReviewer,
		"never satisfied":            neverSatisfied,
		"taken over":                 takenOverCase,
		"merged cases":               mergedCases,
		"a newer calendar":           newerCalendar,
		"an unknown reviewer":        unknownReviewer,
		"continued as new":           continuedWithRequestsInFlight,
		"a sealed history":           sealedHistory,
		"many at once":               manyAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			life(t, w)
		})
	}
}

// wholeCase lives what the newcomer is shown: verify, call back, ask for an
// extension and get it, go overdue, escalate, rectify, feed back, unsatisfied,
// rectify again, close, spot check.
func wholeCase(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "WHOLE-1", zhanhe, ziran)
	require.Equal(t, []string{"verify " + ziran}, w.OpenTasks(t, number))

	w.Refused(t, chen, number, complexIt, http.StatusConflict, "callback_needed")
	w.Does(t, chen, number, reached)
	a := w.Does(t, chen, number, complexIt)
	first := w.LastDayAfter(t, number, 15)
	require.True(t, a.Deadline(t).Equal(first.End()), "15 natural days, day 0 not counted, 24:00 +08:00")

	until := first.AddDays(10)
	w.Does(t, chen, number, casework.RequestExtension{Until: until, Reason: "需省级系统改造"})
	require.Contains(t, w.OpenTasks(t, number), "decide_extension 湛河区政务服务管理局（演示）")
	w.Refused(t, ye, number, casework.DecideExtension{Grant: true}, http.StatusForbidden, "not_allowed") // the first is the same level's
	a = w.Does(t, lin, number, casework.DecideExtension{Grant: true, Reason: "同意"})
	require.True(t, a.Deadline(t).Equal(until.End()))

	// 湛河区 on the last day + 0, 平顶山市 three days later, the province after seven.
	w.Pass(t, number, 27*day)
	c := w.Case(t, number)
	require.NotNil(t, c.OverdueSince)
	require.True(t, c.OverdueSince.Equal(until.End()))
	require.Contains(t, w.OpenTasks(t, number), "supervise 湛河区政务服务管理局（演示）")
	w.Pass(t, number, 3*day)
	require.Contains(t, w.OpenTasks(t, number), "supervise 平顶山市政务服务管理局（演示）")
	w.Does(t, ye, number, casework.Escalate{Reason: "超期三天仍未整改"})
	require.Contains(t, w.OpenTasks(t, number), "supervise 河南省政务服务管理局（演示）")
	w.Refused(t, chen, number, casework.RequestExtension{Until: until.AddDays(15), Reason: "再延"}, http.StatusConflict, "deadline_passed")

	w.Does(t, chen, number, rectified)
	require.Contains(t, w.OpenTasks(t, number), "send_feedback "+ziran)
	w.Does(t, chen, number, fedBack)
	require.Empty(t, w.OpenTasks(t, number), "now it is the citizen's turn")
	w.Does(t, chen, number, casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "窗口还是要旧材料"})
	require.Equal(t, []string{"rectify " + ziran}, w.OpenTasks(t, number))

	w.Does(t, chen, number, rectified)
	w.Does(t, chen, number, fedBack)
	w.Does(t, chen, number, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
	w.Await(t, number, casework.StageSpotCheck) // reopened and escalated: always checked
	w.Refused(t, lin, number, casework.RecordSpotCheck{Method: casework.MethodFile, Passed: true, Findings: "好"}, http.StatusForbidden, "not_allowed")
	w.Does(t, su, number, casework.RecordSpotCheck{Method: casework.MethodPhone, Passed: true, Findings: "电话回访，群众满意"})
	w.Await(t, number, casework.StageArchived)

	require.Equal(t, []string{
		"opened", "claimed", "callback_recorded", "verified", "extension_requested", "extension_decided",
		"warned", "warned", "warned", "became_overdue", "escalated", "escalated", "escalated",
		"rectified", "feedback_sent", "answer_recorded", "reopened", "rectified", "feedback_sent",
		"answer_recorded", "closed", "spot_check_drawn", "spot_check_recorded", "archived",
	}, testworld.Kinds(w.Events(t, number)))
	// The engine counts a timer in whole seconds, rounded up.
	alarmsRangAtTheirInstants(t, w, number, until, 2*time.Second)

	c = w.Case(t, number)
	require.True(t, c.EverLate, "what was late stays late")
	require.False(t, *c.ClosedOnTime)
	require.Equal(t, 1, c.Reopenings)
	recordHistory(t, w, number, "whole-case")
}

// alarmsRangAtTheirInstants holds every event of the clock against the calendar.
func alarmsRangAtTheirInstants(t *testing.T, w *testworld.World, number string, lastDay casework.Date, precision time.Duration) {
	t.Helper()
	for _, e := range w.Events(t, number) {
		var due time.Time
		switch b := e.Body.(type) {
		case casework.Warned:
			due = lastDay.AddDays(-b.DaysBefore).At(9, 0)
		case casework.BecameOverdue:
			due = lastDay.End()
		case casework.Escalated:
			if b.Manual {
				continue
			}
			due = lastDay.AddDays(b.AfterDays).End()
		default:
			continue
		}
		require.False(t, e.At.Before(due), "%s is never early", e.Body.Kind())
		require.WithinDuration(t, due, e.At, precision, "%s", e.Body.Kind())
	}
}

// townshipCase: who confirms an invalid review of a township sits at county
// level or above, and is not who proposed it.
func townshipCase(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "TOWN-1", "410411001000", "马庄街道民政局")
	w.Does(t, cen, number, casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: "评价人来电称点错"})
	require.Equal(t, []string{"decide_invalid 湛河区政务服务管理局（演示）"}, w.OpenTasks(t, number))
	confirm := casework.DecideInvalid{Confirm: true, Reason: "经回访属误评"}
	w.Refused(t, cen, number, confirm, http.StatusForbidden, "not_allowed")
	w.Refused(t, jian, number, confirm, http.StatusForbidden, "not_allowed")
	w.Does(t, lin, number, casework.DecideInvalid{Confirm: false, Reason: "请补充录音"})
	w.Does(t, jian, number, reached)
	w.Does(t, cen, number, casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: "附录音"})
	w.Does(t, lin, number, confirm)
	w.Await(t, number, casework.StageInvalid)
	require.Empty(t, w.OpenTasks(t, number))
	recordHistory(t, w, number, "invalid-in-a-township")
}

// twoPeopleAtOnce: one gets the case, the other learns who has it.
func twoPeopleAtOnce(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "TWO-1", zhanhe, ziran)
	var group sync.WaitGroup
	answers := make([]testworld.Answer, 2)
	for i, user := range []string{chen, lu} {
		group.Go(func() { answers[i] = w.Act(t, user, number, casework.Claim{}) })
	}
	group.Wait()
	statuses := []int{answers[0].Status, answers[1].Status}
	slices.Sort(statuses)
	require.Equal(t, []int{http.StatusOK, http.StatusConflict}, statuses)
	won, lost := answers[0], answers[1]
	if won.Status != http.StatusOK {
		won, lost = lost, won
	}
	require.Equal(t, "claimed_by_other", lost.Reason())
	require.Equal(t, won.Body, lost.Body["current"], "and sees what the first one did")
	require.Equal(t, won.Header.Get("ETag"), lost.Header.Get("ETag"))
	claims := 0
	for _, kind := range testworld.Kinds(w.Events(t, number)) {
		if kind == "claimed" {
			claims++
		}
	}
	require.Equal(t, 1, claims)

	// The lead gives the case to the other, and the story knows the name.
	lus, err := w.Store.UserByName(t.Context(), lu)
	require.NoError(t, err)
	if w.Case(t, number).HandlerID == lus.ID {
		lus, err = w.Store.UserByName(t.Context(), chen)
		require.NoError(t, err)
	}
	w.Does(t, tao, number, casework.Assign{UserID: lus.ID, Note: "请接着办"})
	events := w.Events(t, number)
	require.Equal(t, lus.DisplayName, events[len(events)-1].AssigneeName)

	// Two who look at the same version: the second sees that it has moved.
	tag := w.Call(t, tao, http.MethodGet, "/api/v1/cases/"+number, nil).Header.Get("ETag")
	first := w.Act(t, tao, number, reached, "If-Match", tag)
	require.Equal(t, http.StatusOK, first.Status)
	stale := w.Act(t, tao, number, complexIt, "If-Match", tag)
	require.Equal(t, http.StatusPreconditionFailed, stale.Status)
	require.Equal(t, "case_changed", stale.Reason())
	require.Equal(t, first.Body, stale.Body["current"])
	require.Equal(t, first.Header.Get("ETag"), stale.Header.Get("ETag"))
	require.Equal(t, http.StatusOK, w.Act(t, tao, number, complexIt, "If-Match", stale.Header.Get("ETag")).Status, "who has read it goes on")
}

// sameRequestTenTimes: a double click acts once, and everybody gets its answer or
// is told to ask again.
func sameRequestTenTimes(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "TEN-1", zhanhe, ziran)
	var group sync.WaitGroup
	answers := make([]testworld.Answer, 10)
	for i := range answers {
		group.Go(func() { answers[i] = w.Act(t, chen, number, reached, "Idempotency-Key", "click-1") })
	}
	group.Wait()
	last := w.Act(t, chen, number, reached, "Idempotency-Key", "click-1")
	require.Equal(t, "true", last.Header.Get("Idempotency-Replayed"))
	for _, a := range answers {
		if a.Status == http.StatusConflict {
			require.Equal(t, "request_in_flight", a.Reason())
			continue
		}
		require.Equal(t, http.StatusOK, a.Status, "%v", a.Body)
		require.Equal(t, last.Body, a.Body)
	}
	require.Equal(t, []string{"opened", "claimed", "callback_recorded"}, testworld.Kinds(w.Events(t, number)))
	require.Equal(t, http.StatusOK, w.Act(t, chen, number, reached, "Idempotency-Key", "click-2").Status)
	require.Equal(t, []string{"opened", "claimed", "callback_recorded", "callback_recorded"}, testworld.Kinds(w.Events(t, number)))
}

// decisionsAtTheDeadline: feedback sent while the deadline passes gives one end.
func decisionsAtTheDeadline(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "DEADLINE-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	w.Does(t, chen, number, complexIt)
	w.Does(t, chen, number, rectified)
	var group sync.WaitGroup
	group.Go(func() { w.Pass(t, number, 16*day) })
	group.Go(func() {
		require.Eventually(t, func() bool {
			a := w.Act(t, chen, number, fedBack)
			return a.Status == http.StatusOK
		}, 30*time.Second, 5*time.Millisecond)
	})
	group.Wait()
	overdue, fedBackAt := 0, 0
	for i, kind := range testworld.Kinds(w.Events(t, number)) {
		switch kind {
		case "became_overdue":
			overdue++
			require.Zero(t, fedBackAt, "a case that was fed back does not become overdue")
		case "feedback_sent":
			require.Zero(t, fedBackAt, "fed back once")
			fedBackAt = i
		}
	}
	require.LessOrEqual(t, overdue, 1)
	require.NotZero(t, fedBackAt)
}

// nobodyOutsideSeesIt: not another department, not another region, not an
// administrator; not even that the case exists.
func nobodyOutsideSeesIt(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "SCOPE-1", zhanhe, ziran)
	path := "/api/v1/cases/" + number
	for _, user := range []string{ren, cen, ji} {
		require.Equal(t, http.StatusNotFound, w.Call(t, user, http.MethodGet, path, nil).Status, user)
		a := w.Act(t, user, number, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
		require.Contains(t, []int{http.StatusNotFound, http.StatusForbidden}, a.Status, user)
	}
	for _, user := range []string{chen, lin, gu, ye, shen} {
		require.Equal(t, http.StatusOK, w.Call(t, user, http.MethodGet, path, nil).Status, user)
	}
	require.Equal(t, http.StatusForbidden, w.Act(t, gu, number, casework.Escalate{Reason: "看看"}).Status, "an auditor never acts")
	require.Equal(t, http.StatusForbidden, w.Call(t, chen, http.MethodGet, "/api/v1/events", nil).Status)
	require.Equal(t, http.StatusOK, w.Call(t, gu, http.MethodGet, "/api/v1/events?limit=5", nil).Status)
	require.Equal(t, http.StatusForbidden, w.Call(t, chen, http.MethodGet, "/api/v1/overdue", nil).Status)

	// Lists and single cases agree about who sees what.
	for user := range w.Tokens {
		list := w.Call(t, user, http.MethodGet, "/api/v1/cases?limit=200", nil)
		single := w.Call(t, user, http.MethodGet, path, nil)
		found := false
		if list.Status == http.StatusOK {
			for _, item := range list.List(t, "cases") {
				found = found || item["number"] == number
			}
		}
		require.Equal(t, single.Status == http.StatusOK, found, user)
	}

	// The phone is shown to who calls back, with a purpose, and the look is kept.
	a := w.Call(t, chen, http.MethodPost, path+"/reveal", map[string]string{"purpose": "回访"})
	require.Equal(t, http.StatusOK, a.Status)
	require.Equal(t, "12000000001", a.Body["phone"])
	require.Equal(t, http.StatusUnprocessableEntity, w.Call(t, chen, http.MethodPost, path+"/reveal", map[string]string{}).Status)
	require.Equal(t, http.StatusForbidden, w.Call(t, gu, http.MethodPost, path+"/reveal", map[string]string{"purpose": "好奇"}).Status)
	detail := fmt.Sprint(w.Call(t, chen, http.MethodGet, path, nil).Body)
	require.NotContains(t, detail, "12000000001")
	require.NotContains(t, detail, "赵某甲")
}

// workerThatStops: what is asked while no worker runs is done when one is back.
func workerThatStops(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "STOP-1", zhanhe, ziran)
	for range 3 {
		stop := w.RunWorker(t) // one more beside the world's own
		w.Does(t, chen, number, reached)
		stop()
	}
	require.Equal(t, []string{"opened", "claimed", "callback_recorded", "callback_recorded", "callback_recorded"}, testworld.Kinds(w.Events(t, number)))
}

// badInput: a clear error with the field named, and nothing half done.
func badInput(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "BAD-1", zhanhe, ziran)
	path := "/api/v1/cases/" + number + "/actions/"
	for _, bad := range []struct {
		action, reason, field string
		body                  any
		status                int
	}{
		{"verify", "required", "findings", map[string]any{"outcome": "complex"}, 422},
		{"verify", "unknown_value", "outcome", map[string]any{"outcome": "malicious", "findings": "x"}, 422},
		{"verify", "unknown_field", "stage", map[string]any{"stage": "closed"}, 422},
		{"verify", "wrong_type", "findings", map[string]any{"outcome": "complex", "findings": 7}, 422},
		{"record-callback", "invalid_text", "words", map[string]any{"reached": true, "words": "a\x00b"}, 422},
		{"close", "unknown_action", "action", map[string]any{}, 404},
	} {
		a := w.Call(t, chen, http.MethodPost, path+bad.action, bad.body)
		require.Equal(t, bad.status, a.Status, "%v", a.Body)
		require.Equal(t, bad.reason, a.Reason())
		require.Equal(t, bad.field, a.Body["field"])
	}
	require.Equal(t, http.StatusUnprocessableEntity, w.Act(t, tao, number, casework.Assign{UserID: 999999}).Status)
	require.Equal(t, http.StatusUnprocessableEntity, w.Act(t, lin, number, casework.Transfer{DepartmentID: 1, Reason: "x"}).Status)
	require.Equal(t, http.StatusBadRequest, w.Call(t, chen, http.MethodGet, "/api/v1/cases?limit=-1", nil).Status)
	require.Equal(t, http.StatusBadRequest, w.Call(t, chen, http.MethodGet, "/api/v1/cases?limit=2147483648", nil).Status)
	require.Equal(t, http.StatusBadRequest, w.Call(t, chen, http.MethodGet, "/api/v1/cases?cursor=x", nil).Status)
	require.Equal(t, []string{"opened"}, testworld.Kinds(w.Events(t, number)))
}

// afterTheEnd: a case that has ended answers 409, not 404, and a request that
// was carried out keeps its answer.
func afterTheEnd(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "END-1", zhanhe, ziran)
	withdraw := casework.Withdraw{Reason: "评价人撤回评价"}
	require.Equal(t, http.StatusOK, w.Act(t, lin, number, withdraw, "Idempotency-Key", "w").Status)
	w.Await(t, number, casework.StageWithdrawn)
	again := w.Act(t, lin, number, withdraw, "Idempotency-Key", "w")
	require.Equal(t, http.StatusOK, again.Status, "%v", again.Body)
	other := w.Act(t, lin, number, casework.Withdraw{Reason: "另有原因"}, "Idempotency-Key", "w")
	require.Equal(t, http.StatusUnprocessableEntity, other.Status, "%v", other.Body)
	require.Equal(t, "key_reused", other.Reason())
	w.Refused(t, lin, number, casework.Escalate{Reason: "x"}, http.StatusConflict, "case_ended")
	require.Equal(t, http.StatusNotFound, w.Call(t, lin, http.MethodGet, "/api/v1/cases/410411-20260101-999999", nil).Status)
	recordHistory(t, w, number, "withdrawn")
}
