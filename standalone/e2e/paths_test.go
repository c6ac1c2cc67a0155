package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
	"guiling/workflows/contract"
)

var (
	unsatisfied = casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "还是老样子"}
	satisfied   = casework.RecordAnswer{Answer: casework.AnswerSatisfied}
	checkedWell = casework.RecordSpotCheck{Method: casework.MethodPhone, Passed: true, Findings: "电话回访，群众满意"}
)

// begin starts a case as a test wants it, and not as the relay would.
func begin(t *testing.T, w *testworld.World, record, pack string, change func(*contract.CaseInput)) string {
	t.Helper()
	number := w.TakeReviewUnstarted(t, record, zhanhe, ziran)
	start, _, err := w.Store.StartOf(t.Context(), number)
	require.NoError(t, err)
	r, err := w.Store.RulesInForce(t.Context(), pack, time.Now())
	require.NoError(t, err)
	input := contract.CaseInput{Number: number, Opened: start.Opened, Rules: r, Installation: start.Installation}
	input.Opened.PackID, input.Opened.PackVersion, input.Opened.Limit = r.Pack.ID, r.Pack.Version, r.Pack.Verification
	input.Opened.CalendarVersion = r.Calendar.Version
	change(&input)
	require.NoError(t, w.Engine.StartCase(t.Context(), input))
	w.Await(t, number, casework.StageVerification)
	return number
}

// ends waits for a closed case to end, with its spot check if it is drawn.
func ends(t *testing.T, w *testworld.World, number string) {
	t.Helper()
	require.Eventually(t, func() bool {
		stage := w.Case(t, number).Stage
		if stage == casework.StageSpotCheck {
			w.Act(t, su, number, checkedWell)
		}
		return stage == casework.StageArchived
	}, 30*time.Second, 20*time.Millisecond)
}

// explainedCase: a claim without a legal basis is explained, and nobody answers.
func explainedCase(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "EXPLAINED-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	w.Does(t, chen, number, casework.Verify{Outcome: casework.OutcomeNoLegalBasis, Findings: "要求免交法定材料，无法律依据"})
	w.Refused(t, chen, number, rectified, http.StatusConflict, "only_explained")
	w.Does(t, chen, number, casework.SendFeedback{Channel: casework.FeedbackPhone, Words: "已解释法律规定"})
	w.Pass(t, number, 6*day)
	ends(t, w, number)
	require.Contains(t, testworld.Kinds(w.Events(t, number)), "answer_window_passed")
	recordHistory(t, w, number, "explained")
}

// fixedAtOnce: true, and put right on the spot; the reviewer is satisfied.
func fixedAtOnce(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "FIXED-1", zhanhe, ziran)
	w.Does(t, chen, number, reached)
	w.Does(t, chen, number, casework.Verify{
		Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "当场退回多收的材料", Cause: casework.CauseConduct,
	})
	w.Does(t, chen, number, fedBack)
	w.Does(t, chen, number, satisfied)
	ends(t, w, number)
	require.True(t, *w.Case(t, number).ClosedOnTime)
	recordHistory(t, w, number, "fixed-at-once")
}

// unreachableReviewer: three attempts on two days stand for a callback; then the
// clock is paused and resumed, an extension refused, one withdrawn, one granted
// after the deadline.
func unreachableReviewer(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "UNREACHABLE-1", zhanhe, ziran)
	missed := casework.RecordCallback{Outcome: "无人接听"}
	for range 3 {
		w.Does(t, chen, number, missed)
	}
	w.Refused(t, chen, number, complexIt, http.StatusConflict, "callback_needed")
	w.Pass(t, number, day)
	w.Does(t, chen, number, missed)
	w.Does(t, chen, number, complexIt)
	first := w.LastDayAfter(t, number, 15)

	w.Does(t, lin, number, casework.Pause{Category: casework.PauseLegal, Reason: "行政复议中"})
	w.Refused(t, chen, number, rectified, http.StatusConflict, "paused")
	w.Pass(t, number, 4*day)
	a := w.Does(t, lin, number, casework.Resume{Reason: "复议终结"})
	paused := first.AddDays(4)
	require.True(t, a.Deadline(t).Equal(paused.End()), "the paused days and no more")

	until := paused.AddDays(10)
	w.Does(t, chen, number, casework.RequestExtension{Until: until, Reason: "需协同"})
	a = w.Does(t, lin, number, casework.DecideExtension{Grant: false, Reason: "可以按期完成"})
	require.True(t, a.Deadline(t).Equal(paused.End()))
	w.Does(t, chen, number, casework.RequestExtension{Until: until, Reason: "仍需协同"})
	w.Does(t, chen, number, casework.WithdrawExtension{Reason: "已协调"})
	w.Does(t, chen, number, casework.RequestExtension{Until: until, Reason: "协调未果"})
	w.Pass(t, number, 17*day)
	require.NotNil(t, w.Case(t, number).OverdueSince)
	a = w.Does(t, lin, number, casework.DecideExtension{Grant: true, Reason: "情况属实"})
	require.True(t, a.Deadline(t).Equal(until.End()))
	c := w.Case(t, number)
	require.Nil(t, c.OverdueSince)
	require.True(t, c.EverLate, "the overdue days are kept")
	w.Does(t, chen, number, rectified)
	w.Does(t, chen, number, fedBack)
	w.Does(t, chen, number, satisfied)
	ends(t, w, number)
	require.False(t, *w.Case(t, number).ClosedOnTime)
	recordHistory(t, w, number, "paused-and-extended-late")
}

// neverSatisfied: the first answer reopens, the second is decided by the
// supervisor, the third by the parent; then the spot check fails.
func neverSatisfied(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "NEVER-SATISFIED-1", zhanhe, ziran)
	again := func(answer casework.RecordAnswer) {
		w.Does(t, chen, number, rectified)
		w.Does(t, chen, number, fedBack)
		w.Does(t, chen, number, answer)
	}
	w.Does(t, chen, number, reached)
	w.Does(t, chen, number, complexIt)
	again(unsatisfied)
	require.Equal(t, casework.StageRectification, w.Case(t, number).Stage)
	again(unsatisfied)
	decide := casework.DecideReopening{Reopen: true, Reason: "整改不到位"}
	w.Refused(t, ye, number, decide, http.StatusForbidden, "not_allowed")
	w.Does(t, lin, number, decide)
	again(unsatisfied)
	w.Refused(t, lin, number, decide, http.StatusForbidden, "not_allowed")
	w.Does(t, ye, number, casework.DecideReopening{Reason: "诉求已依法解决"})
	w.Await(t, number, casework.StageSpotCheck)
	w.Does(t, su, number, casework.RecordSpotCheck{Method: casework.MethodSite, Findings: "现场仍未整改"})
	again(satisfied)
	w.Await(t, number, casework.StageSpotCheck)
	// An answer of after the closing is kept, and changes nothing.
	w.Does(t, chen, number, unsatisfied)
	require.Equal(t, casework.StageSpotCheck, w.Case(t, number).Stage)
	w.Does(t, wen, number, checkedWell)
	w.Await(t, number, casework.StageArchived)
	recordHistory(t, w, number, "never-satisfied")

	// So is one of after the end, when no workflow runs any more; once.
	before := w.Case(t, number)
	a := w.Act(t, chen, number, unsatisfied, "Idempotency-Key", "late")
	require.Equal(t, http.StatusOK, a.Status, "%v", a.Body)
	again2 := w.Act(t, chen, number, unsatisfied, "Idempotency-Key", "late")
	require.Equal(t, http.StatusOK, again2.Status)
	require.Equal(t, a.Body["version"], again2.Body["version"])
	after := w.Case(t, number)
	require.Equal(t, before.Version+1, after.Version)
	after.Version, after.ChangedAt = before.Version, before.ChangedAt
	require.Equal(t, before, after)
	events := w.Events(t, number)
	require.Equal(t, "late_answer_recorded", string(events[len(events)-1].Body.Kind()))
}

// takenOverCase: an authority handles the case in the place of the department, and
// gives it back.
func takenOverCase(t *testing.T, w *testworld.World) {
	number := w.OpenCase(t, "TAKEN-1", zhanhe, ziran)
	w.Does(t, chen, number, casework.Claim{})
	w.Refused(t, ye, number, casework.TakeOver{Reason: "上级不能越级"}, http.StatusForbidden, "not_allowed")
	w.Does(t, lin, number, casework.TakeOver{Reason: "部门推诿"})
	require.Equal(t, []string{"verify 湛河区政务服务管理局（演示）"}, w.OpenTasks(t, number))
	w.Refused(t, chen, number, reached, http.StatusConflict, "taken_over")
	w.Does(t, lin, number, reached)
	w.Does(t, lin, number, complexIt)
	w.Does(t, lin, number, casework.Transfer{DepartmentID: w.Case(t, number).DepartmentID, Reason: "查实，交回整改"})
	require.Equal(t, []string{"rectify " + ziran}, w.OpenTasks(t, number))
	w.Does(t, chen, number, rectified)
	w.Does(t, chen, number, fedBack)
	w.Does(t, chen, number, satisfied)
	ends(t, w, number)
	recordHistory(t, w, number, "taken-over")
}

// mergedCases: two reviews of one service record become one case; both owners are
// told, and the other review cannot get lost.
func mergedCases(t *testing.T, w *testworld.World) {
	first := w.OpenCase(t, "MERGE-1", zhanhe, ziran)
	second := w.SecondCase(t, first, "第二次评价，问题还在")
	stranger := w.OpenCase(t, "MERGE-2", zhanhe, ziran)
	w.Refused(t, lin, second, casework.Merge{Into: stranger, Reason: "x"}, http.StatusUnprocessableEntity, "not_of_the_same_record")
	w.Refused(t, lin, first, casework.Merge{Into: second, Reason: "x"}, http.StatusUnprocessableEntity, "not_of_the_same_record")
	w.Refused(t, chen, second, casework.Merge{Into: first, Reason: "x"}, http.StatusForbidden, "not_allowed")
	w.Does(t, lin, second, casework.Merge{Into: first, Reason: "同一办件的两次评价"})
	require.Equal(t, casework.StageMerged, w.Case(t, second).Stage)
	require.Empty(t, w.OpenTasks(t, second))
	require.Equal(t, []string{"opened", "case_linked"}, testworld.Kinds(w.Events(t, first)))
	w.Refused(t, lin, first, casework.Withdraw{Reason: "群众撤回"}, http.StatusConflict, "has_merged_cases")
	for _, number := range []string{first, second} {
		var told int
		require.NoError(t, w.Owner.QueryRowContext(t.Context(),
			`SELECT count(*) FROM outbox WHERE kind = 'tell-staff' AND key LIKE $1 || '/%' AND payload->>'event' IN ('merged', 'case_linked')`, number).Scan(&told))
		require.Equal(t, 1, told, number)
	}
	recordHistory(t, w, second, "merged-into-another")

	w.Does(t, chen, first, reached)
	w.Does(t, chen, first, casework.Verify{Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "已改", Cause: casework.CauseSkill})
	w.Does(t, chen, first, fedBack)
	w.Does(t, chen, first, satisfied)
	ends(t, w, first)
	recordHistory(t, w, first, "goes-on-for-another")

	third := w.SecondCase(t, first, "第三次评价")
	w.Refused(t, lin, third, casework.Merge{Into: first, Reason: "x"}, http.StatusConflict, "does_not_go_on")
	require.Equal(t, casework.StageVerification, w.Case(t, third).Stage)
}

// newerCalendar: the holidays of a year are published while a case runs that counts
// working days; the deadline follows, and a closed case stays as it is.
func newerCalendar(t *testing.T, w *testworld.World) {
	running := begin(t, w, "CALENDAR-1", "working-days-15", func(*contract.CaseInput) {})
	closed := begin(t, w, "CALENDAR-2", "working-days-15", func(*contract.CaseInput) {})
	for _, number := range []string{running, closed} {
		w.Does(t, chen, number, reached)
		w.Does(t, chen, number, complexIt)
	}
	w.Does(t, chen, closed, rectified)
	w.Does(t, chen, closed, fedBack)
	w.Does(t, chen, closed, satisfied)
	ends(t, w, closed)
	before := w.Case(t, running)
	events := len(w.Events(t, closed))

	newest, err := w.Store.NewestCalendar(t.Context())
	require.NoError(t, err)
	newer := newest
	newer.Version, newer.Days, newer.Names = "test-"+running, maps.Clone(newest.Days), maps.Clone(newest.Names)
	// The first ordinary working day from tomorrow on becomes a holiday.
	holiday := casework.DateOf(time.Now()).AddDays(1)
	for working, _ := newest.WorkingDay(holiday); !working; working, _ = newest.WorkingDay(holiday) {
		holiday = holiday.AddDays(1)
	}
	newer.Days[holiday.String()], newer.Names[holiday.String()] = casework.DayHoliday, "临时放假"
	fresh, err := w.Store.PublishCalendar(t.Context(), newer)
	require.NoError(t, err)
	require.True(t, fresh)
	w.Recount(t)

	after := w.Case(t, running)
	require.True(t, after.DeadlineAt.After(*before.DeadlineAt))
	all := w.Events(t, running)
	adopted, ok := all[len(all)-1].Body.(casework.CalendarAdopted)
	require.True(t, ok)
	require.Equal(t, newest.Version, adopted.Previous)
	require.True(t, adopted.DeadlineAfter.Equal(*after.DeadlineAt))
	require.Len(t, w.Events(t, closed), events, "a closed case is never recounted")
	detail := w.Call(t, chen, http.MethodGet, "/api/v1/cases/"+running, nil)
	require.Contains(t, fmt.Sprint(detail.Body["deadline"]), newer.Version)
	require.Contains(t, fmt.Sprint(detail.Body["deadline"]), "临时放假")
	w.Does(t, lin, running, casework.Withdraw{Reason: "群众撤回"})
	w.Await(t, running, casework.StageWithdrawn)
	recordHistory(t, w, running, "calendar-adopted")
}

// unknownReviewer: nobody to call, nobody to answer.
func unknownReviewer(t *testing.T, w *testworld.World) {
	number := begin(t, w, "UNKNOWN-1", "henan-2019", func(in *contract.CaseInput) { in.Opened.ReviewerKnown = false })
	w.Refused(t, chen, number, reached, http.StatusConflict, "reviewer_unknown")
	w.Does(t, chen, number, complexIt)
	w.Does(t, chen, number, rectified)
	w.Does(t, chen, number, casework.SendFeedback{Channel: casework.FeedbackNone, Words: "设备评价，无联系方式"})
	ends(t, w, number)
	recordHistory(t, w, number, "unknown-reviewer")
}

// continuedWithRequestsInFlight: a case continues as new again and again while
// people press, some of them in the very moment, and every request is carried out
// once.
func continuedWithRequestsInFlight(t *testing.T, w *testworld.World) {
	number := begin(t, w, "CONTINUED-1", "henan-2019", func(in *contract.CaseInput) { in.HistoryLimit = 30 })
	w.Does(t, chen, number, casework.Claim{})
	const rounds, people = 4, 20
	for round := range rounds {
		var group sync.WaitGroup
		for i := range people {
			group.Go(func() {
				// The case waits for a quiet second; who comes last comes as it ends.
				time.Sleep([]time.Duration{0, 900, 1000, 1010, 1020}[i%5] * time.Millisecond)
				key := fmt.Sprintf("press-%d-%d", round, i)
				for range 2 { // a double click
					a := w.Act(t, chen, number, reached, "Idempotency-Key", key)
					if a.Status != http.StatusOK {
						t.Errorf("%s: %d %v", key, a.Status, a.Body)
					}
				}
			})
		}
		group.Wait()
		require.Eventually(t, func() bool { return historyRuns(t, w, number) > round+1 }, 20*time.Second, 50*time.Millisecond, "it continues as new")
	}
	events := w.Events(t, number)
	require.Len(t, events, 2+rounds*people)
	keys := map[string]bool{}
	for _, e := range events {
		require.False(t, keys[e.Key], "%s was carried out twice", e.Key)
		keys[e.Key] = true
	}
	// The clock was carried along.
	w.Pass(t, number, 4*day)
	require.NotNil(t, w.Case(t, number).OverdueSince)
	recordHistory(t, w, number, "continued-as-new")
}
