package browser_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

// TestDay has one world: cases of two would meet in the engine.
//
//nolint:tparallel // a world of its own: one at a time
func TestDay(t *testing.T) {
	w := testworld.New(t)
	require.Equal(t, 62, w.ImportSample(t, "platform", "platform-2026-11.csv"))
	b := chromium(t)
	t.Run("a case through four people", func(t *testing.T) {
		t.Parallel()
		caseThroughFourPeople(t, w, b)
	})
	t.Run("overdue, and people elsewhere", func(t *testing.T) {
		t.Parallel()
		overdueAndOthers(t, w, b)
	})
	t.Run("a supervisor's board", func(t *testing.T) {
		t.Parallel()
		supervisorsBoard(t, w, b)
	})
	t.Run("other rules, simulated", func(t *testing.T) {
		t.Parallel()
		otherRules(t, w, b)
	})
	t.Run("administrators at work", func(t *testing.T) {
		t.Parallel()
		administratorsAtWork(t, w, b)
	})
	t.Run("auditors look", func(t *testing.T) {
		t.Parallel()
		auditorsLook(t, w, b)
	})
	t.Run("told of it", func(t *testing.T) {
		t.Parallel()
		notifications(t, w, b)
	})
	t.Run("merged, taken over, answered late", func(t *testing.T) {
		t.Parallel()
		mergedTakenOverAnsweredLate(t, w, b)
	})
	t.Run("texts and drafts", func(t *testing.T) {
		t.Parallel()
		textsAndDrafts(t, w, b)
	})
}

// caseThroughFourPeople takes one case from the inbox to the archive, as
// four people do it with their mouse and keyboard, and an auditor looks on.
func caseThroughFourPeople(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "BROWSER-1", "410411000000", "湛河区自然资源局")

	handler := signIn(t, b, w, "zhanhe.ziran.chen")
	require.Contains(t, handler.text("main"), number, "the case is in the inbox")
	require.Contains(t, handler.text("main"), "跑了四趟还没办成")
	handler.picture("inbox")
	handler.onPhone(func() { handler.open("/tasks"); handler.picture("inbox-phone") })
	handler.inEnglish(func() { handler.open("/tasks"); handler.picture("inbox-en") })
	handler.open("/cases/" + number)
	require.NotContains(t, handler.text("body"), "赵某甲", "the reviewer is masked")
	require.NotContains(t, handler.text("body"), "12000000001")
	handler.picture("case-verification")

	// What is missing is said beside the field, and what was typed stays.
	handler.submit(number, casework.ActionRecordCallback, map[string]string{"reached": "true", "outcome": "约定周五回复"})
	require.True(t, handler.exists(`[role="alert"]`))
	require.Equal(t, "约定周五回复", script[string](handler, "document.querySelector('#form-record-callback [name=outcome]').value"))
	handler.picture("case-error")
	handler.done(number, casework.ActionRecordCallback, map[string]string{"reached": "true", "words": "材料要求反复变化"})
	handler.done(number, casework.ActionVerify, map[string]string{"outcome": "complex", "findings": "窗口与指南要求不一致，属实"})

	// The deadline on the page is the rule's: 15 natural days, day 0 not counted.
	lastDay := w.LastDayAfter(t, number, 15)
	handler.unfold("details.g-why")
	clock := handler.text(".g-clock")
	require.Contains(t, clock, "第九条")
	require.Contains(t, clock, lastDay.Start().Format("2006-01-02"))
	require.True(t, w.Case(t, number).DeadlineAt.Equal(lastDay.End()))
	handler.picture("case-rectification")
	handler.onPhone(func() { handler.open("/cases/" + number); handler.picture("case-phone") })
	handler.inEnglish(func() {
		handler.open("/cases/" + number)
		require.Contains(t, handler.text("main"), "Rectification")
		handler.picture("case-rectification-en")
	})

	until := lastDay.AddDays(5)
	handler.done(number, casework.ActionRequestExtension, map[string]string{"until": until.String(), "reason": "需省级系统改造"})
	supervisor := signIn(t, b, w, "zhanhe.jiandu.lin")
	require.Contains(t, supervisor.text("main"), "延期待审批", "the board says what waits")
	supervisor.press(`a[href="/tasks?kind=decide_extension"]`)
	require.Contains(t, supervisor.text("main"), number, "the extension waits in the supervisor's inbox")
	supervisor.picture("supervisor-inbox")
	supervisor.done(number, casework.ActionDecideExtension, map[string]string{"grant": "true", "reason": "同意"})
	require.True(t, w.Case(t, number).DeadlineAt.Equal(until.End()))

	lead := signIn(t, b, w, "zhanhe.ziran.tao")
	rectify := map[string]string{"done": "统一了收件标准", "cause": "guide"}
	feedBack := map[string]string{"channel": "sms", "words": "已统一收件标准"}
	lead.done(number, casework.ActionSubmitRectification, rectify)
	lead.done(number, casework.ActionSendFeedback, feedBack)
	lead.done(number, casework.ActionRecordAnswer, map[string]string{"answer": "unsatisfied", "words": "窗口还是要旧材料"})
	require.Equal(t, casework.StageRectification, w.Case(t, number).Stage, "reopened")
	lead.done(number, casework.ActionSubmitRectification, rectify)
	lead.done(number, casework.ActionSendFeedback, feedBack)
	lead.done(number, casework.ActionRecordAnswer, map[string]string{"answer": "satisfied"})
	w.Await(t, number, casework.StageSpotCheck)

	supervisor.open("/spot-checks")
	require.Contains(t, supervisor.text("main"), "您办理过本案，不得抽查")
	checker := signIn(t, b, w, "zhanhe.jiandu.su")
	checker.press(`nav a[href="/spot-checks"]`)
	require.Contains(t, checker.text("main"), "曾重新办理")
	require.Contains(t, checker.text("main"), "林致远", "who acted in the case")
	require.True(t, checker.exists(`a[href="/cases/`+number+`#form-record-spot-check"]`))
	checker.picture("spot-checks-waiting")
	checker.done(number, casework.ActionRecordSpotCheck, map[string]string{"method": "phone", "passed": "true", "findings": "电话回访，群众满意"})
	w.Await(t, number, casework.StageArchived)
	checker.open("/cases/" + number)
	require.Contains(t, checker.text("main"), "归档")
	checker.picture("case-archived")

	auditor := signIn(t, b, w, "zhanhe.shenji.gu")
	require.Contains(t, auditor.text("main"), number)
	auditor.picture("events")
	auditor.open("/cases/" + number)
	script[bool](auditor, "document.querySelectorAll('main details').forEach(d => d.open = true); true")
	require.Contains(t, auditor.text("main"), "supervisor-decides-first-extension", "the rule that allowed it")
	require.False(t, auditor.exists("main form[action*='/actions/']"), "an auditor never acts")
	auditor.picture("case-auditor")
}

// overdueAndOthers: the supervisor's list, and a person of another department.
func overdueAndOthers(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "BROWSER-2", "410411000000", "湛河区自然资源局")
	w.Pass(t, number, 5*24*time.Hour) // the verification takes three natural days

	supervisor := signIn(t, b, w, "zhanhe.jiandu.lin")
	supervisor.open("/overdue")
	require.Contains(t, supervisor.text("main"), number)
	require.Contains(t, supervisor.text("main"), "已超")
	supervisor.picture("overdue")
	supervisor.done(number, casework.ActionEscalate, map[string]string{"reason": "承办部门未核实"})

	outsider := signIn(t, b, w, "zhanhe.shichang.ren")
	require.NotContains(t, outsider.text("main"), number)
	outsider.picture("inbox-empty")
	require.EqualValues(t, http.StatusNotFound, outsider.open("/cases/"+number))
	outsider.picture("not-found")
}

// mergedTakenOverAnsweredLate: two cases of one service record become one, the
// authority handles it in the place of the department, and the reviewer answers
// once more when all is over.
func mergedTakenOverAnsweredLate(t *testing.T, w *testworld.World, b browser) {
	earlier := w.OpenCase(t, "BROWSER-3", "410411000000", "湛河区自然资源局")
	later := w.SecondCase(t, earlier, "材料交齐以后又跑了一趟")
	supervisor := signIn(t, b, w, "zhanhe.jiandu.lin")
	supervisor.open("/cases/" + earlier)
	require.False(t, supervisor.exists("#form-merge"), "no earlier case takes it")
	supervisor.open("/cases/" + later)
	supervisor.unfold("#form-merge")
	require.Contains(t, supervisor.text("#form-merge"), "跑了四趟还没办成")
	supervisor.picture("case-merge")
	supervisor.done(later, casework.ActionMerge, map[string]string{"reason": "同一办件的两次差评"})
	require.Equal(t, casework.StageMerged, w.Case(t, later).Stage)
	supervisor.picture("case-merged")

	handler := signIn(t, b, w, "zhanhe.ziran.chen")
	handler.open("/cases/" + earlier)
	require.Contains(t, handler.text(".g-standing"), "材料交齐以后又跑了一趟")
	handler.picture("case-goes-on")
	handler.onPhone(func() { handler.open("/cases/" + earlier); handler.picture("case-goes-on-phone") })
	handler.done(earlier, casework.ActionRecordCallback, map[string]string{"reached": "true", "words": "两次都是同一件事"})

	supervisor.done(earlier, casework.ActionTakeOver, map[string]string{"reason": "同一办件两次差评，由本机构办理"})
	supervisor.picture("case-taken-over")
	supervisor.inEnglish(func() { supervisor.open("/cases/" + earlier); supervisor.picture("case-taken-over-en") })
	supervisor.open("/tasks")
	require.Contains(t, supervisor.text("main"), earlier, "its task lies with the authority")
	supervisor.picture("inbox-taken-over")
	handler.open("/tasks")
	require.NotContains(t, handler.text("main"), earlier)
	handler.open("/cases/" + earlier)
	require.False(t, handler.exists("main form[action*='/actions/']"), "the department has nothing to do")
	handler.onPhone(func() { handler.open("/cases/" + earlier); handler.picture("case-taken-over-phone") })

	supervisor.done(earlier, casework.ActionVerify, map[string]string{"outcome": "complex", "findings": "窗口与指南要求不一致，属实"})
	supervisor.done(earlier, casework.ActionSubmitRectification, map[string]string{"done": "统一了收件标准", "cause": "guide"})
	supervisor.done(earlier, casework.ActionSendFeedback, map[string]string{"channel": "sms", "words": "已统一收件标准"})
	supervisor.done(earlier, casework.ActionRecordAnswer, map[string]string{"answer": "satisfied"})
	require.Eventually(t, func() bool {
		stage := w.Case(t, earlier).Stage
		return stage == casework.StageArchived || stage == casework.StageSpotCheck
	}, 30*time.Second, 20*time.Millisecond)

	before := w.Case(t, earlier)
	handler.open("/cases/" + earlier)
	handler.unfold("#form-record-answer")
	require.Contains(t, handler.text("#form-record-answer"), "什么都不改变")
	handler.picture("case-late-answer")
	handler.onPhone(func() {
		handler.open("/cases/" + earlier)
		handler.unfold("#form-record-answer")
		handler.picture("case-late-answer-phone")
	})
	handler.done(earlier, casework.ActionRecordAnswer, map[string]string{"answer": "unsatisfied", "words": "问题又出现了"})
	require.Contains(t, handler.text("main"), "已记录逾期答复")
	handler.picture("case-late-answer-recorded")
	after := w.Case(t, earlier)
	require.Equal(t, before.Stage, after.Stage)
	require.Equal(t, before.Version+1, after.Version)
	handler.inEnglish(func() { handler.open("/cases/" + earlier); handler.picture("case-late-answer-en") })
}

// otherRules: a supervisor looks what five working days would do, before anybody
// publishes them.
func otherRules(t *testing.T, w *testworld.World, b browser) {
	supervisor := signIn(t, b, w, "zhanhe.jiandu.lin")
	supervisor.open("/simulate")
	supervisor.picture("simulate-empty")
	supervisor.open("/simulate?pack=working-days-15")
	require.Contains(t, supervisor.text("main"), "在办并正在计时的案件")
	supervisor.picture("simulate")
	supervisor.onPhone(func() { supervisor.open("/simulate?pack=working-days-15"); supervisor.picture("simulate-phone") })
	supervisor.inEnglish(func() { supervisor.open("/simulate?pack=working-days-15"); supervisor.picture("simulate-en") })
}
