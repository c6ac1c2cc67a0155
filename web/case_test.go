package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// caseAt brings a case to a stage, by the people's own actions.
func caseAt(t *testing.T, b *bundle, i int, stage string) *oneCase {
	t.Helper()
	o := b.office
	c := o.open(number(i), 2, func(r *store.Case) { r.ReviewerKnown = stage != "unknown reviewer" })
	reach := func() { o.does(t, c, chen, 2, casework.RecordCallback{Reached: true, Words: "排队太久"}) }
	verify := func(outcome casework.VerificationOutcome) {
		reach()
		o.does(t, c, chen, 2, casework.Verify{Outcome: outcome, Findings: "属实", Done: "已改", Cause: casework.CauseProcess})
	}
	switch stage {
	case "new", "unknown reviewer":
	case "verification":
		reach()
	case "invalidation":
		o.does(t, c, su, 1, casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: "误点"})
	case "explanation":
		verify(casework.OutcomeNoLegalBasis)
	case "rectification":
		verify(casework.OutcomeComplex)
	case "extension":
		verify(casework.OutcomeComplex)
		o.does(t, c, chen, 1, casework.RequestExtension{Until: casework.Date{Year: 2026, Month: 12, Day: 15}, Reason: "等省厅答复"})
	case "taken over":
		reach()
		o.does(t, c, lin, 1, casework.TakeOver{Reason: "部门逾期未核实"})
	case "twice", "merged":
		// The case of the number is the later one; the earlier has the number before.
		earlier := o.open(number(i-1), 3, func(r *store.Case) { r.ServiceRecordID, r.Words = 7, "第一次就没有说清楚要什么材料。" })
		o.cases[len(o.cases)-2], o.cases[len(o.cases)-1] = earlier, c
		c.row.ServiceRecordID = 7
		if stage == "merged" {
			o.merges(t, c, lin, earlier)
		}
	case "paused":
		verify(casework.OutcomeComplex)
		o.does(t, c, lin, 1, casework.Pause{Category: casework.PauseLegal, Reason: "复议"})
	case "feedback":
		verify(casework.OutcomeFixedAtOnce)
	case "answer":
		verify(casework.OutcomeFixedAtOnce)
		o.does(t, c, chen, 1, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已整改"})
	case "reopening", "spot_check", "archived":
		verify(casework.OutcomeFixedAtOnce)
		for n := range 2 {
			o.does(t, c, chen, 1, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已整改"})
			answer := casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "没有解决"}
			if stage != "reopening" {
				answer.Answer = casework.AnswerSatisfied
			}
			o.does(t, c, chen, 1, answer)
			if stage != "reopening" {
				break
			}
			if n == 0 {
				o.does(t, c, chen, 1, casework.SubmitRectification{Done: "再改", Cause: casework.CauseSkill})
			}
		}
		if stage != "reopening" {
			o.record(c, now, casework.By{}, casework.DecideSpotCheck(c.state, casework.SpotCheckDraw{Month: "2026-11", Drawn: stage == "spot_check"})...)
		}
	default:
		t.Fatal(stage)
	}
	return c
}

func TestCasePageAtEachStage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		stage   string
		who     store.User
		primary string // the next action; empty when there is none
		words   string
	}{
		{"new", chen, "record-callback", "请先回访评价人"},
		{"new", lin, "", "更多"},
		{"unknown reviewer", chen, "verify", "不能回访"},
		{"verification", chen, "verify", "核实期限"},
		{"invalidation", lin, "decide-invalid", "提出认定为无效评价：误评"},
		{"invalidation", chen, "", "没有您要办的事"},
		{"explanation", chen, "send-feedback", "解释说明期限"},
		{"rectification", chen, "submit-rectification", "2026-12-08 24:00"},
		{"rectification", lu, "", "案件已由陈禾溪领取"},
		{"extension", lin, "decide-extension", "第 1 次延期等待审批，申请到 2026-12-15"},
		{"taken over", lin, "verify", "湛河区政务服务管理局（演示）自 2026-11-24 11:00 起接管本案"},
		{"taken over", su, "verify", "交回或移交"},
		{"taken over", chen, "", "交回以前，本部门不需要办理"},
		{"taken over", tao, "", "案件已被接管，由接管的机构办理"},
		{"twice", lin, "", "并案"},
		{"twice", chen, "record-callback", "同一办件410411-20261125-000000 核实"},
		{"merged", chen, "", "本案已经并案终结，由下面的案件一并办理、答复： 410411-20261125-000000"},
		{"merged", gu, "", "并入案件 410411-20261125-000000，由其继续办理，本案终结"},
		{"paused", lin, "resume", "起暂停"},
		{"paused", chen, "", "请先由监督员恢复计时"},
		{"feedback", chen, "send-feedback", "完成整改，问题原因：办事流程"},
		{"answer", chen, "record-answer", "等待答复期限"},
		{"reopening", lin, "decide-reopening", "评价人答复：不满意（第 2 次）"},
		{"spot_check", lin, "record-spot-check", "进入抽查：随机抽中"},
		{"archived", chen, "", "案件已归档，计时终止"},
		{"archived", gu, "", "审计员只查看，不办理"},
	} {
		t.Run(tc.stage+" "+tc.who.Username, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			caseAt(t, b, 1, tc.stage)
			b.signIn(tc.who)
			p := b.get("/cases/" + number(1))
			require.Equal(t, http.StatusOK, p.StatusCode)
			main := words(p.one(t, "main"))
			require.Contains(t, main, tc.words)
			require.NotContains(t, main, "error.")
			require.NotContains(t, main, "%!")
			section := p.one(t, "section", "class", "g-actions")
			forms := page{root: section}.all("form")
			if tc.primary == "" {
				require.Empty(t, forms)
			} else {
				require.Len(t, forms, 1)
				id, _ := attribute(forms[0], "id")
				require.Equal(t, "form-"+tc.primary, id)
			}
			require.Equal(t, tc.who.Username == "gu", len(p.all("details", "class", "g-record")) > 0, "only auditors see the records")
			checkLabels(t, p)
		})
	}
}

// checkLabels asks of every field that it can be named.
func checkLabels(t *testing.T, p page) {
	t.Helper()
	ids := map[string]bool{}
	for _, n := range p.all("", "id", "") {
		id, _ := attribute(n, "id")
		require.False(t, ids[id], "id %s twice", id)
		ids[id] = true
	}
	labels := map[string]bool{}
	for _, n := range p.all("label", "for", "") {
		id, _ := attribute(n, "for")
		labels[id] = true
		require.True(t, ids[id], "the label of %s names nothing", id)
	}
	for _, tag := range []string{"input", "select", "textarea"} {
		for _, n := range p.all(tag) {
			kind, _ := attribute(n, "type")
			id, _ := attribute(n, "id")
			inLabel := n.Parent != nil && n.Parent.Data == "label"
			require.True(t, kind == "hidden" || inLabel || labels[id], "%s %s has no label", tag, id)
		}
	}
}

func TestCaseExplainsItsDeadline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "rectification")
	b.signIn(chen)
	why := words(b.get("/cases/"+number(1)).one(t, "details", "class", "g-why"))
	for _, part := range []string{"2026-11-23 为起算日，当日不计入", "15 个自然日，到 2026-12-08", "第九条", "henan-2019 第 1 版", "按自然日计"} {
		require.Contains(t, why, part)
	}
	require.NotContains(t, why, "自定")
	caseAt(t, b, 2, "new")
	require.Contains(t, words(b.get("/cases/"+number(2)).one(t, "details", "class", "g-why")), "自定")
}

func TestStoredTextIsInert(t *testing.T) {
	t.Parallel()
	b := setup(t)
	odd := `"><script>alert(1)</script><img src=x onerror=alert(1)>' {{.}} 䶮𠮷 `
	long := odd + strings.Repeat("很长", 1500)
	c := b.office.open(number(1), 1, func(r *store.Case) {
		r.Words, r.MatterName, r.StaffLabel, r.ReviewerNameMasked = long, odd, odd, odd
	})
	b.office.does(t, c, chen, 1, casework.RecordCallback{Reached: true, Words: odd, Outcome: odd})
	for _, u := range []store.User{chen, gu} {
		b.signIn(u)
		p := b.get("/cases/" + number(1))
		for _, s := range p.all("script") {
			source, _ := attribute(s, "src")
			require.True(t, strings.HasPrefix(source, "/static/"), "our own")
			require.Empty(t, words(s))
		}
		require.Len(t, p.all("img"), 1, "our own")
		require.Contains(t, words(p.one(t, "blockquote", "class", "g-citizen")), "<script>alert(1)</script>")
		require.Contains(t, words(p.one(t, "blockquote", "class", "g-citizen")), "䶮𠮷")
		for n := range p.root.Descendants() {
			_, handler := attribute(n, "onerror")
			require.False(t, handler)
		}
	}
}

// filled are the fields of each action as a person would choose them, and the
// command that must come of them.
var filled = []struct {
	stage  string
	who    store.User
	fields url.Values
	want   casework.Command
}{
	{"new", chen, url.Values{}, casework.Claim{}},
	{"new", tao, url.Values{"user_id": {"12"}, "note": {"请跟进"}}, casework.Assign{UserID: 12, Note: "请跟进"}},
	{
		"new", chen,
		url.Values{"reached": {"false"}, "words": {""}, "outcome": {"无人接听"}},
		casework.RecordCallback{Reached: false, Outcome: "无人接听"},
	},
	{
		"verification", chen,
		url.Values{"outcome": {"fixed_at_once"}, "findings": {"属实"}, "done": {"第一行\r\n第二行"}, "cause": {"guide"}, "evidence": {"截图"}, "guide_changed": {"true"}},
		casework.Verify{
			Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "第一行\n第二行", Cause: casework.CauseGuide, Evidence: "截图", GuideChanged: true,
		},
	},
	{
		"new", lin,
		url.Values{"ground": {"malicious"}, "evidence": {"录像"}},
		casework.ProposeInvalid{Ground: casework.GroundMalicious, Evidence: "录像"},
	},
	{"invalidation", lin, url.Values{"confirm": {"true"}, "reason": {"属误点"}}, casework.DecideInvalid{Confirm: true, Reason: "属误点"}},
	{
		"rectification", chen,
		url.Values{"until": {"2026-12-15"}, "reason": {"等答复"}},
		casework.RequestExtension{Until: casework.Date{Year: 2026, Month: 12, Day: 15}, Reason: "等答复"},
	},
	{"extension", chen, url.Values{"reason": {"可按期完成"}}, casework.WithdrawExtension{Reason: "可按期完成"}},
	{"extension", lin, url.Values{"grant": {"false"}, "reason": {"理由不足"}}, casework.DecideExtension{Reason: "理由不足"}},
	{
		"rectification", chen,
		url.Values{"done": {"已改"}, "cause": {"system"}, "evidence": {""}},
		casework.SubmitRectification{Done: "已改", Cause: casework.CauseSystem},
	},
	{
		"feedback", chen,
		url.Values{"channel": {"sms"}, "words": {"已整改"}},
		casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已整改"},
	},
	{"answer", chen, url.Values{"answer": {"satisfied"}, "words": {""}}, casework.RecordAnswer{Answer: casework.AnswerSatisfied}},
	{"reopening", lin, url.Values{"reopen": {"true"}, "reason": {"未解决"}}, casework.DecideReopening{Reopen: true, Reason: "未解决"}},
	{"rectification", lin, url.Values{"note": {"请尽快整改"}}, casework.Remind{Note: "请尽快整改"}},
	{"rectification", lin, url.Values{"reason": {"超期"}}, casework.Escalate{Reason: "超期"}},
	{
		"rectification", lin,
		url.Values{"category": {"legal"}, "reason": {"复议"}},
		casework.Pause{Category: casework.PauseLegal, Reason: "复议"},
	},
	{"paused", lin, url.Values{"reason": {""}}, casework.Resume{}},
	{"new", lin, url.Values{"reason": {"部门逾期未核实"}}, casework.TakeOver{Reason: "部门逾期未核实"}},
	{
		"twice", lin,
		url.Values{"into": {number(0)}, "reason": {"同一办件"}},
		casework.Merge{Into: number(0), Reason: "同一办件"},
	},
	{"rectification", lin, url.Values{"department_id": {"5"}, "reason": {"职责调整"}}, casework.Transfer{DepartmentID: 5, Reason: "职责调整"}},
	{"rectification", lin, url.Values{"reason": {"评价人撤回"}}, casework.Withdraw{Reason: "评价人撤回"}},
	{
		"spot_check", lin,
		url.Values{"method": {"phone"}, "passed": {"true"}, "findings": {"一致"}},
		casework.RecordSpotCheck{Method: casework.MethodPhone, Passed: true, Findings: "一致"},
	},
}

func TestEveryActionHasAForm(t *testing.T) {
	t.Parallel()
	tested := []casework.Action{casework.ActionAttachFile} // a form with a file: TestFilesOfACase
	for _, tc := range filled {
		tested = append(tested, tc.want.Action())
	}
	require.ElementsMatch(t, casework.Actions(), tested)
}

func TestFormsBecomeCommands(t *testing.T) {
	t.Parallel()
	for _, tc := range filled {
		action := string(tc.want.Action())
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c := caseAt(t, b, 1, tc.stage)
			b.signIn(tc.who)
			form := b.get("/cases/"+number(1)).one(t, "form", "id", "form-"+action)
			path, _ := attribute(form, "action")
			require.Equal(t, "/cases/"+number(1)+"/actions/"+action, path)
			sent := formOf(form)
			require.Len(t, sent.Get("key"), 26)
			for name, values := range tc.fields {
				require.True(t, offers(form, name, values[0]), "%s offers %s", name, values[0])
				sent[name] = values
			}
			version := c.row.Version

			p := b.do(http.MethodPost, path, sent)
			require.Equal(t, http.StatusSeeOther, p.StatusCode, words(p.root))
			require.Equal(t, "/cases/"+number(1), p.Header.Get("Location"))
			require.Len(t, b.office.sent, 1)
			require.Equal(t, tc.want, b.office.sent[0].Command)
			require.Equal(t, version, b.office.sent[0].Version)
			require.Equal(t, sent.Get("key"), b.office.sent[0].Key)

			// The page says what happened, once; sending again does nothing more.
			p = b.get("/cases/" + number(1))
			require.Contains(t, words(p.one(t, "div", "role", "status")), "。")
			require.Empty(t, b.get("/cases/"+number(1)).all("div", "role", "status"))
			after := c.row.Version
			require.Greater(t, after, version)
			require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, path, sent).StatusCode)
			require.Equal(t, after, c.row.Version)
		})
	}
}

// offers reports whether a person could fill the field in that way.
func offers(form *html.Node, name, value string) bool {
	for _, n := range (page{root: form}).all("", "name", name) {
		kind, _ := attribute(n, "type")
		offered, _ := attribute(n, "value")
		switch {
		case n.Data == "textarea", kind == "date":
			return true
		case n.Data == "select":
			return len((page{root: n}).all("option", "value", value)) == 1
		case offered == value:
			return true
		}
	}
	return false
}

func TestErrorsKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "rectification")
	b.signIn(chen)
	path := "/cases/" + number(1) + "/actions/submit-rectification"
	sent := formOf(b.get("/cases/"+number(1)).one(t, "form", "id", "form-submit-rectification"))
	sent.Set("done", "\n写了很久 <b>\"的\"</b> 话 䶮𠮷")
	sent.Set("evidence", "证据")
	sent.Set("guide_changed", "true")

	p := b.do(http.MethodPost, path, sent)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	kept := formOf(p.one(t, "form", "id", "form-submit-rectification"))
	require.Equal(t, sent, kept, "the same form with the same key, and nothing lost")
	link := page{root: p.one(t, "div", "role", "alert")}.one(t, "a")
	target, _ := attribute(link, "href")
	require.Equal(t, "#submit-rectification-cause", target)
	field := p.one(t, "select", "id", "submit-rectification-cause")
	invalid, _ := attribute(field, "aria-invalid")
	require.Equal(t, "true", invalid)
	described, _ := attribute(field, "aria-describedby")
	require.Contains(t, words(p.one(t, "p", "id", strings.Fields(described)[0])), "问题原因")

	// Then all is right.
	sent.Set("cause", "guide")
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, path, sent).StatusCode)
}

func TestADecisionThatNobodyMadeIsNoDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "extension")
	b.signIn(lin)
	sent := formOf(b.get("/cases/"+number(1)).one(t, "form", "id", "form-decide-extension"))
	require.NotContains(t, sent, "grant", "nothing is chosen beforehand")
	sent.Set("reason", "理由")
	p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/decide-extension", sent)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Empty(t, b.office.sent)
	target, _ := attribute(page{root: p.one(t, "div", "role", "alert")}.one(t, "a"), "href")
	require.Len(t, p.all("", "id", strings.TrimPrefix(target, "#")), 1)
}

func TestWrongFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "rectification")
	for _, tc := range []struct {
		who    store.User
		action string
		fields url.Values
		words  string
	}{
		{chen, "request-extension", url.Values{"until": {"2026-02-30"}, "reason": {"x"}}, "不是有效日期"},
		{chen, "request-extension", url.Values{"until": {""}, "reason": {"x"}}, "请填写“延期到”"},
		{chen, "request-extension", url.Values{"until": {"2026-12-01"}, "reason": {"x"}}, "须晚于现在的最后一日"},
		{chen, "request-extension", url.Values{"until": {"2027-12-01"}, "reason": {"x"}}, "超过了上限"},
		{chen, "submit-rectification", url.Values{"done": {strings.Repeat("长", 2001)}, "cause": {"guide"}}, "太长"},
		{chen, "submit-rectification", url.Values{"done": {"a\x00b"}, "cause": {"guide"}}, "不能保存的字符"},
		{chen, "submit-rectification", url.Values{"done": {"\xff\xfe"}, "cause": {"guide"}}, "不能保存的字符"},
		{lin, "transfer", url.Values{"department_id": {"x"}, "reason": {"x"}}, "请在“移交到”中选择一项"},
		{lin, "transfer", url.Values{"department_id": {"1"}, "reason": {"x"}}, "请选择另一个部门"},
		{lin, "transfer", url.Values{"department_id": {""}, "reason": {"x"}}, "请填写“移交到”"},
	} {
		b.signIn(tc.who)
		fields := tc.fields
		fields.Set("key", "k")
		fields.Set("version", "4")
		p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/"+tc.action, fields)
		require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode, "%s %v", tc.action, tc.words)
		require.Contains(t, words(p.one(t, "div", "role", "alert")), tc.words)
	}
	require.Equal(t, http.StatusNotFound, b.do(http.MethodPost, "/cases/"+number(1)+"/actions/read", url.Values{}).StatusCode)
	require.Equal(t, http.StatusNotFound, b.do(http.MethodPost, "/cases/none/actions/escalate", url.Values{"reason": {"x"}, "key": {"k"}, "version": {"1"}}).StatusCode)
	require.Equal(t, http.StatusBadRequest, b.do(http.MethodPost, "/cases/"+number(1)+"/actions/escalate", url.Values{"reason": {"x"}}).StatusCode)
}

func TestACaseThatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "verification")
	b.signIn(chen)
	sent := formOf(b.get("/cases/"+number(1)).one(t, "form", "id", "form-record-callback"))
	sent.Set("reached", "false")
	sent.Set("outcome", "无人接听")
	b.office.does(t, c, chen, 0, casework.RecordCallback{Reached: true, Words: "又说了一次"})

	p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/record-callback", sent)
	require.Equal(t, http.StatusPreconditionFailed, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "您填写期间，案件有了变化")
	require.Contains(t, words(p.one(t, "ol", "class", "g-timeline")), "又说了一次")
	kept := formOf(p.one(t, "form", "id", "form-record-callback"))
	require.Equal(t, "无人接听", kept.Get("outcome"))
	require.Equal(t, "false", kept.Get("reached"))
	require.NotEqual(t, sent.Get("version"), kept.Get("version"), "the next try says that it has seen the change")
	require.NotEqual(t, sent.Get("key"), kept.Get("key"))
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, "/cases/"+number(1)+"/actions/record-callback", kept).StatusCode)

	// When the form itself is gone, the words are still there.
	sent = formOf(b.get("/cases/"+number(1)).one(t, "form", "id", "form-verify"))
	sent.Set("outcome", "complex")
	sent.Set("findings", "写了很久")
	b.office.does(t, c, su, 0, casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: "误点"})
	p = b.do(http.MethodPost, "/cases/"+number(1)+"/actions/verify", sent)
	require.Equal(t, http.StatusPreconditionFailed, p.StatusCode)
	require.Contains(t, rawText(p.one(t, "textarea", "id", "kept-0")), "写了很久")
}

// TestWhoComesSecondSeesWhoHasTheCase: two people press at once.
func TestWhoComesSecondSeesWhoHasTheCase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "new")
	b.signIn(chen)
	sent := formOf(b.get("/cases/"+number(1)).one(t, "form", "id", "form-claim"))
	b.office.does(t, c, lu, 0, casework.Claim{})
	fresh := strconv.Itoa(c.row.Version)
	for version, status := range map[string]int{sent.Get("version"): http.StatusPreconditionFailed, fresh: http.StatusConflict} {
		sent.Set("version", version)
		p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/claim", sent)
		require.Equal(t, status, p.StatusCode)
		require.Contains(t, words(p.one(t, "ol", "class", "g-timeline")), lu.DisplayName)
		require.Contains(t, words(p.one(t, "div", "role", "alert")), "案件已由陆一帆领取")
		require.Empty(t, p.all("form", "id", "form-claim"))
	}
}

func TestNoAnswerInTimeKeepsTheKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "feedback")
	b.signIn(chen)
	sent := formOf(b.get("/cases/"+number(1)).one(t, "form", "id", "form-send-feedback"))
	sent.Set("channel", "sms")
	sent.Set("words", "已整改")
	for _, tc := range []struct {
		answer error
		status int
	}{
		{&casework.Error{Code: casework.CodeUnavailable, Reason: "engine_unavailable", Detail: "secret"}, http.StatusServiceUnavailable},
		{errors.New("pq: secret"), http.StatusInternalServerError},
		{casework.Forbidden("not_allowed", "secret"), http.StatusForbidden},
	} {
		b.office.answer = tc.answer
		p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/send-feedback", sent)
		require.Equal(t, tc.status, p.StatusCode)
		require.Equal(t, sent, formOf(p.one(t, "form", "id", "form-send-feedback")))
		require.NotContains(t, p.text, "secret")
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "new")
	b.signIn(chen)
	p := b.get("/cases/" + number(1))
	require.NotContains(t, p.text, "13800001234")
	require.Contains(t, words(p.one(t, "div", "id", "reviewer")), "138****1234")

	p = b.do(http.MethodPost, "/cases/"+number(1)+"/reveal", url.Values{"purpose": {" "}})
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, words(p.one(t, "p", "id", "reveal-wrong")), "请填写“用途”")

	p = b.do(http.MethodPost, "/cases/"+number(1)+"/reveal", url.Values{"purpose": {"回访"}})
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
	require.Contains(t, words(p.one(t, "div", "id", "reviewer")), "13800001234")
	require.Contains(t, words(p.one(t, "div", "id", "reviewer")), "我的电话13800001234")
	require.NotContains(t, b.get("/cases/"+number(1)).text, "13800001234", "once")

	b.signIn(gu)
	require.Empty(t, b.get("/cases/"+number(1)).all("input", "name", "purpose"))

	b.newBrowser()
	b.signIn(lu)
	status := 0
	for range 25 {
		p = b.do(http.MethodPost, "/cases/"+number(1)+"/reveal", url.Values{"purpose": {"回访"}})
		status = p.StatusCode
	}
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Contains(t, words(p.one(t, "p", "id", "reveal-wrong")), "已到上限")
}

func TestNextTaskInLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "verification")
	caseAt(t, b, 2, "verification")
	b.signIn(chen)
	sent := formOf(b.get("/cases/"+number(1)).one(t, "form", "id", "form-verify"))
	sent.Set("outcome", "complex")
	sent.Set("findings", "属实")
	b.do(http.MethodPost, "/cases/"+number(1)+"/actions/verify", sent)
	status := b.get("/cases/"+number(1)).one(t, "div", "role", "status")
	require.Contains(t, words(status), "已提交核实结论。 接下来：整改（2026-12-10 24:00 前）")
	href, _ := attribute(page{root: status}.one(t, "a"), "href")
	require.Equal(t, "/cases/"+number(2), href)
}

func TestEveryEventIsTold(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"zh-CN", "en"} {
		b := setup(t)
		c := b.office.open(number(1), 1, nil)
		for _, kind := range casework.EventKinds() {
			sample := `{}`
			if kind == (casework.AnswerRecorded{}).Kind() || kind == (casework.LateAnswerRecorded{}).Kind() {
				sample = `{"answer":"satisfied"}`
			}
			body, err := casework.DecodeBody(kind, json.RawMessage(sample))
			require.NoError(t, err)
			c.events = append(c.events, store.RecordedEvent{
				Event: casework.Event{Seq: len(c.events) + 1, At: now, Body: body}, Number: number(1), Article: body.Article(),
			})
		}
		b.signIn(gu)
		p := b.do(http.MethodGet, "/cases/"+number(1), nil, "Accept-Language", tag)
		require.Equal(t, http.StatusOK, p.StatusCode)
		for _, n := range p.all("p", "class", "g-event-what") {
			require.NotEmpty(t, words(n))
			require.NotContains(t, words(n), "event.")
			require.NotContains(t, words(n), "no value")
		}
	}
}

// TestRepairsAreTheAuditors: what the system put right is shown to who audits the
// case, and to nobody else.
func TestRepairsAreTheAuditors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open("410411-20261125-000001", 0, nil)
	b.office.repairs = []store.Repair{{Kind: store.RepairReplayed, Build: "v9", At: b.office.now}}
	b.signIn(gu)
	require.Contains(t, words(b.get("/cases/410411-20261125-000001").one(t, "main")), "数据库缺少的事件，已按流程历史补记")
	b.signIn(chen)
	require.NotContains(t, words(b.get("/cases/410411-20261125-000001").one(t, "main")), "补记")
}
