package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// blocked is what the page says cannot be done now, and why.
func blocked(p page) string {
	if lists := p.all("ul", "class", "g-blocked"); len(lists) > 0 {
		return words(lists[0])
	}
	return ""
}

func TestTakenOverIsSaidOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "taken over")
	require.Equal(t, int64(2), c.state.TakenOverBy)
	for _, tc := range []struct {
		who  store.User
		then string
	}{{lin, "由本机构核实"}, {su, "由本机构核实"}, {chen, "本部门不需要办理"}, {gu, "期限不变。"}} {
		b.signIn(tc.who)
		p := b.get("/cases/" + number(1))
		note := words(p.one(t, "div", "class", "g-standing"))
		require.Contains(t, note, "湛河区政务服务管理局（演示）自 2026-11-24 11:00 起接管本案")
		require.Contains(t, note, tc.then)
		require.NotContains(t, blocked(p), "接管", "%s: not once more for each action", tc.who.Username)
		if tc.who.ID == chen.ID {
			require.Empty(t, page{root: p.one(t, "main")}.all("textarea"), "there is nothing to fill in")
		}
	}
	// Who sends the form nevertheless, from a page that was open, learns why.
	b.signIn(chen)
	p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/verify", url.Values{
		"outcome": {"complex"}, "findings": {"属实"}, "key": {"k"}, "version": {"4"},
	})
	require.Equal(t, http.StatusConflict, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "案件已由政务服务管理机构接管")
	require.Contains(t, rawText(p.one(t, "textarea", "id", "kept-0")), "属实")
}

func TestHandingBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "taken over")
	caseAt(t, b, 2, "rectification")
	b.signIn(lin)
	elsewhere := b.get("/cases/"+number(2)).one(t, "form", "id", "form-transfer")
	require.False(t, offers(elsewhere, "department_id", "1"), "the case is there already")

	form := b.get("/cases/"+number(1)).one(t, "form", "id", "form-transfer")
	require.Contains(t, words(form), "湛河区自然资源局（交回）")
	require.Contains(t, words(form), "本机构不再办理")
	sent := formOf(form)
	sent.Set("department_id", "1")
	sent.Set("reason", "核实完毕")
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, "/cases/"+number(1)+"/actions/transfer", sent).StatusCode)
	require.Zero(t, c.state.TakenOverBy)
	p := b.get("/cases/" + number(1))
	require.Contains(t, words(p.one(t, "div", "role", "status")), "已移交")
	require.Contains(t, words(p.one(t, "ol", "class", "g-timeline")), "交回湛河区自然资源局办理，计时不变")
	require.Empty(t, p.all("div", "class", "g-standing"))
	require.Empty(t, p.all("form", "id", "form-verify"), "the work is the department's again")
}

func TestATakenOverCaseThatIsClosed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "taken over")
	b.office.does(t, c, lin, 0, casework.Verify{Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "已改", Cause: casework.CauseProcess})
	b.office.does(t, c, su, 0, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已整改"})
	b.office.does(t, c, lin, 0, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
	b.signIn(chen)
	note := words(b.get("/cases/"+number(1)).one(t, "div", "class", "g-standing"))
	require.Equal(t, "本案自 2026-11-24 11:00 起由湛河区政务服务管理局（演示）接管，代部门办理。", note)
}

func TestTheInboxOfWhoTookOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "taken over")
	caseAt(t, b, 2, "extension")
	b.signIn(lin)
	p := b.get("/tasks")
	rows := p.all("tr")[1:]
	require.Len(t, rows, 2)
	require.Contains(t, words(rows[0]), "核实接管 我 湛河区自然资源局")
	require.NotContains(t, words(rows[1]), "接管")
	require.Empty(t, claims(p))
	b.signIn(su)
	require.Contains(t, words(b.get("/tasks").all("tr")[1]), "核实接管 林致远")
	b.signIn(chen)
	require.NotContains(t, words(b.get("/tasks").one(t, "main")), number(1))
}

func TestMergeIsOfferedWhereACaseTakesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "twice")
	caseAt(t, b, 5, "rectification")
	b.signIn(lin)
	form := b.get("/cases/"+number(1)).one(t, "form", "id", "form-merge")
	require.Contains(t, words(form), number(0)+" · 核实 · 2026-11-22 08:00第一次就没有说清楚要什么材料。")
	require.Equal(t, number(0), formOf(form).Get("into"), "what can be chosen in one way only is chosen")
	require.Contains(t, words(form), "本案终结，不能恢复")
	for _, other := range []string{number(0), number(5)} {
		p := b.get("/cases/" + other)
		require.Empty(t, p.all("form", "id", "form-merge"), "%s: no earlier case goes on", other)
		require.NotContains(t, blocked(p), "并案")
	}
	// The earlier one ends meanwhile: what was typed is not lost, and it is said why.
	sent := formOf(form)
	sent.Set("reason", "同一办件的两次差评")
	b.office.answer = casework.Conflict("does_not_go_on", "no")
	p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/merge", sent)
	require.Equal(t, http.StatusConflict, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "所选案件已经办结或尚未开始")
	require.Equal(t, sent, formOf(p.one(t, "form", "id", "form-merge")))
	b.office.answer = casework.Invalid("into", "not_of_the_same_record", "no")
	p = b.do(http.MethodPost, "/cases/"+number(1)+"/actions/merge", sent)
	target, _ := attribute(page{root: p.one(t, "div", "role", "alert")}.one(t, "a"), "href")
	require.Equal(t, "#merge-into-0", target)
}

func TestBothSidesOfAMerge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "merged")
	b.signIn(chen)
	ended := b.get("/cases/" + number(1))
	link, _ := attribute(page{root: ended.one(t, "div", "class", "g-standing")}.one(t, "a"), "href")
	require.Equal(t, "/cases/"+number(0), link)
	require.Contains(t, words(ended.one(t, "section", "class", "g-clock")), "已并案，计时终止")
	require.Empty(t, page{root: ended.one(t, "main")}.all("textarea"))

	goesOn := b.get("/cases/" + number(0))
	note := goesOn.one(t, "div", "class", "g-standing")
	require.Contains(t, words(note), "逐一答复")
	require.Contains(t, words(note), "跑了三趟才办成", "the words of the other reviewer")
	link, _ = attribute(page{root: note}.one(t, "a"), "href")
	require.Equal(t, "/cases/"+number(1), link)
	require.Contains(t, words(goesOn.one(t, "ol", "class", "g-timeline")), "案件 "+number(1)+" 并入本案")
	require.NotContains(t, words(goesOn.all("dl", "class", "g-facts")[0]), "同一办件", "it is said once")

	b.signIn(lin)
	require.Contains(t, blocked(b.get("/cases/"+number(0))), "有其他评价并入本案")
	b.signIn(gu)
	require.Contains(t, words(b.get("/cases/"+number(0)).one(t, "div", "class", "g-standing")), "随本案一并办理的评价", "an auditor answers nobody")
	b.signIn(lin)
	other := caseAt(t, b, 3, "archived")
	other.state.MergedCases = []string{number(1)}
	require.Contains(t, words(b.get("/cases/"+number(3)).one(t, "div", "class", "g-standing")), "随本案一并办理的评价", "it has been done")
	// A case of another department is a number and nothing else.
	c, err := b.office.find(number(1))
	require.NoError(t, err)
	c.row.DepartmentID = 5
	b.signIn(chen)
	note = b.get("/cases/"+number(0)).one(t, "div", "class", "g-standing")
	require.Contains(t, words(note), number(1)+" 这个案件不在您的工作范围内。")
	require.NotContains(t, words(note), "跑了三趟")
	require.Empty(t, page{root: note}.all("a"))
}

func TestLateAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "archived")
	before := c.state
	b.signIn(chen)
	p := b.get("/cases/" + number(1))
	require.Contains(t, words(p.one(t, "section", "class", "g-actions")), "可以办的在“更多”里")
	form := p.one(t, "form", "id", "form-record-answer")
	require.Contains(t, words(form), "逾期答复只作记录，什么都不改变")
	require.NotContains(t, words(form), "首次不满意重新办理", "what an answer in time does")
	require.Empty(t, page{root: form}.all("", "class", "g-consequence-final"))
	sent := formOf(form)
	sent.Set("answer", "unsatisfied")
	sent.Set("words", "问题又出现了")
	for range 2 {
		require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, "/cases/"+number(1)+"/actions/record-answer", sent).StatusCode)
	}
	require.Equal(t, before.Version+1, c.state.Version)
	require.Equal(t, casework.StageArchived, c.state.Stage)
	require.Equal(t, before.FirstAnswer, c.state.FirstAnswer)
	p = b.get("/cases/" + number(1))
	require.Contains(t, words(p.one(t, "div", "role", "status")), "已记录逾期答复，案件没有改变。 案件已归档。")
	require.Contains(t, words(p.one(t, "ol", "class", "g-timeline")), "评价人逾期答复：不满意（只作记录） 评价人说问题又出现了")

	// An answer in time is told as before, also when it closes the case.
	caseAt(t, b, 2, "answer")
	sent = formOf(b.get("/cases/"+number(2)).one(t, "form", "id", "form-record-answer"))
	sent.Set("answer", "satisfied")
	b.do(http.MethodPost, "/cases/"+number(2)+"/actions/record-answer", sent)
	require.Contains(t, words(b.get("/cases/"+number(2)).one(t, "div", "role", "status")), "已记录评价人答复。 案件已办结。")
}

func TestNobodyMissesTheAnswerOfSomebodyUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "unknown reviewer")
	b.office.does(t, c, chen, 0, casework.Verify{Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "已改", Cause: casework.CauseProcess})
	b.office.does(t, c, chen, 0, casework.SendFeedback{Channel: casework.FeedbackNone, Words: "已整改"})
	b.signIn(chen)
	p := b.get("/cases/" + number(1))
	require.Empty(t, p.all("section", "class", "g-more"))
	require.Contains(t, words(p.one(t, "section", "class", "g-actions")), "这个案件现在没有您要办的事")
}

// TestWorkingDaysExplainThemselves: weekends and holidays that are skipped, a
// Sunday that is worked, and days that nobody has published yet.
func TestWorkingDaysExplainThemselves(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) time.Time {
		return time.Date(2026, month, day, 10, 0, 0, 0, casework.China())
	}
	for i, tc := range []struct {
		now      time.Time // the case was verified two days before
		has, not []string
	}{
		{
			day(time.September, 20),
			[]string{"2026-09-18 为起算日", "5 个工作日，到 2026-09-24", "跳过的 1 天： 2026-09-19 周末", "计入的调休上班日： 2026-09-20", "working-days-5 第 1 版", "节假日历2026-"},
			[]string{"暂定", "按自然日计"},
		},
		{
			day(time.September, 24),
			[]string{"5 个工作日，到 2026-09-30", "跳过的 3 天： 2026-09-25 中秋"},
			[]string{"计入的调休上班日", "暂定"},
		},
		{
			day(time.December, 30),
			[]string{"2026-12-28 为起算日", "5 个工作日，到 2027-01-04", "2027-01-02 周末", "国务院尚未公布安排"},
			nil,
		},
	} {
		b := setup(t)
		b.office.count(t, "working-days-5")
		b.office.now = tc.now
		caseAt(t, b, i, "rectification")
		b.signIn(chen)
		p := b.get("/cases/" + number(i))
		why := words(p.one(t, "details", "class", "g-why"))
		for _, part := range tc.has {
			require.Contains(t, why, part)
		}
		for _, part := range tc.not {
			require.NotContains(t, why, part)
		}
		require.Contains(t, why, "自定")
		marked := words(p.one(t, "p", "class", "g-clock-date"))
		if tc.now.Month() == time.December {
			require.Contains(t, marked, "暂定", "it is said beside the date, not only in what is folded")
		}
	}
}

func TestAPauseIsCountedAsItsLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.count(t, "working-days-5")
	c := caseAt(t, b, 1, "paused") // on a Tuesday
	b.office.does(t, c, lin, 0, casework.Resume{})
	b.signIn(chen)
	require.Contains(t, words(b.get("/cases/"+number(1)).one(t, "details", "class", "g-why")), "暂停 1 个工作日，顺延到 2026-12-01")
}

func TestANewCalendarIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.count(t, "working-days-5")
	c := caseAt(t, b, 1, "rectification") // 2026-11-23, to 2026-11-30
	calendar := b.office.rules.Calendar
	calendar.Days, calendar.Names = maps.Clone(calendar.Days), maps.Clone(calendar.Names)
	calendar.Version = "2026-12-31-next"
	calendar.Days["2026-11-27"], calendar.Names["2026-11-27"] = casework.DayHoliday, "演示节"
	b.office.adopt(t, c, calendar)
	later := calendar
	later.Version = "2026-12-31-after"
	b.office.adopt(t, c, later)
	b.signIn(chen)
	p := b.get("/cases/" + number(1))
	story := words(p.one(t, "ol", "class", "g-timeline"))
	require.Contains(t, story, "节假日安排变化，期限重新计算：由 2026-11-30 改为 2026-12-01")
	require.Contains(t, story, "节假日安排变化，期限重新计算，仍为 2026-12-01")
	why := words(p.one(t, "details", "class", "g-why"))
	require.Contains(t, why, "2026-11-27 演示节")
	require.Contains(t, why, "2026-12-31-after")
	require.Contains(t, words(b.do(http.MethodGet, "/cases/"+number(1), nil, "Accept-Language", "en").one(t, "ol", "class", "g-timeline")),
		"2026-11-30 became 2026-12-01")
}
