package casework_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
)

func facts() casework.TextFacts { return casework.SampleTextFacts() }

func TestFillText(t *testing.T) {
	t.Parallel()
	none := casework.TextFacts{}
	for _, c := range []struct {
		body, want string
		missing    []string
	}{
		{"您好，关于【事项】的评价。", "您好，关于不动产转移登记的评价。", nil},
		{"【案件编号】【部门】【地区】", "410411-20261102-000007湛河区自然资源局湛河区", nil},
		{"【评价人】给出“【评价等级】”（【评价日期】）", "张*给出“不满意”（2026年11月2日）", nil},
		{"【承办人】于【今天】办理，【截止日期】前反馈", "陈禾溪于2026年11月4日办理，2026年11月17日前反馈", nil},
		// English names, whatever way they are written.
		{"【Case Number】【due_date】【 rated-on 】", "410411-20261102-0000072026年11月17日2026年11月2日", nil},
		// Nobody fills these in; they stay to be seen.
		{"【电话】和【电话】、【姓名】", "【电话】和【电话】、【姓名】", []string{"【电话】", "【姓名】"}},
		{"【】", "【】", []string{"【】"}},
		// Brackets within brackets: the innermost pair.
		{"【【事项】】", "【不动产转移登记】", nil},
		{"【a【b【部门】c】", "【a【b湛河区自然资源局c】", nil},
		{"】【事项", "】【事项", nil},
		{"【事项】】【", "不动产转移登记】【", nil},
		{"", "", nil},
		{"没有变量 {{.Number}} %s $1", "没有变量 {{.Number}} %s $1", nil},
	} {
		got, missing := casework.FillText(c.body, facts())
		require.Equal(t, c.want, got, c.body)
		require.Equal(t, c.missing, missing, c.body)
	}
	text, missing := casework.FillText("【截止日期】【评价人】【评价等级】【承办人】", none)
	require.Equal(t, "【截止日期】【评价人】【评价等级】【承办人】", text)
	require.Len(t, missing, 4)
}

// TestAReviewerInClearIsNeverFilledIn: facts must say that the reviewer is masked.
func TestAReviewerInClearIsNeverFilledIn(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Reviewer, f.ReviewerMasked = "张演示", false
	text, missing := casework.FillText("您好，【评价人】", f)
	require.Equal(t, "您好，【评价人】", text)
	require.Equal(t, []string{"【评价人】"}, missing)
}

// TestWhatIsFilledInIsNotReadAgain: a matter called like a variable stays what it is.
func TestWhatIsFilledInIsNotReadAgain(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Matter = "【部门】【案件编号"
	text, missing := casework.FillText("【事项】】", f)
	require.Equal(t, "【部门】【案件编号】", text)
	require.Empty(t, missing)
}

func TestVeryLongTextsAreFilled(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("【", 100_000) + strings.Repeat("【事项】", 1000) + strings.Repeat("】", 100_000)
	text, missing := casework.FillText(body, facts())
	require.Empty(t, missing)
	require.Equal(t, 1000, strings.Count(text, "不动产转移登记"))
	require.Len(t, text, 200_000*len("【")+1000*len("不动产转移登记"))
}

// TestFillingLosesNothing: all that is no variable is there in its order, and a text
// that was taken as right has nothing missing in a case that knows everything.
func TestFillingLosesNothing(t *testing.T) {
	t.Parallel()
	pieces := append([]string{"【", "】", "甲", " ", "\n", "a", "【x】"}, casework.TextVariables()...)
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "body"), "")
		text, missing := casework.FillText(body, facts())
		require.True(t, utf8.ValidString(text))
		require.Equal(t, strings.Count(body, "甲"), strings.Count(text, "甲"))
		require.Equal(t, strings.Count(body, "\n"), strings.Count(text, "\n"))
		again, _ := casework.FillText(body, casework.TextFacts{})
		require.Equal(t, body, again, "a case that knows nothing changes nothing")
		if _, err := (casework.TextTemplate{Kind: casework.TextFeedback, Name: "甲", Body: body}).Check(); err == nil {
			require.Empty(t, missing)
			require.NotContains(t, text, "【")
		}
	})
}

func TestTextsAreChecked(t *testing.T) {
	t.Parallel()
	good := casework.TextTemplate{Kind: casework.TextFeedback, Name: " 反馈 ", Body: "关于【事项】，您好。"}
	checked, err := good.Check()
	require.NoError(t, err)
	require.Equal(t, "反馈", checked.Name)
	for reason, change := range map[string]func(*casework.TextTemplate){
		"required":            func(c *casework.TextTemplate) { c.Body = " \n" },
		"text_too_long":       func(c *casework.TextTemplate) { c.Body = strings.Repeat("长", casework.MaxText+1) },
		"invalid_text":        func(c *casework.TextTemplate) { c.Body = "a\x00" },
		"unknown_value":       func(c *casework.TextTemplate) { c.Kind = "letter" },
		"variable_unknown":    func(c *casework.TextTemplate) { c.Body = "您好，【姓名】，【电话】" },
		"variable_not_closed": func(c *casework.TextTemplate) { c.Body = "您好，【事项" },
	} {
		wrong := good
		change(&wrong)
		_, err := wrong.Check()
		domain, ok := casework.AsError(err)
		require.True(t, ok, reason)
		require.Equal(t, reason, domain.Reason)
	}
	for _, change := range []func(*casework.TextTemplate){
		func(c *casework.TextTemplate) { c.Name = "" },
		func(c *casework.TextTemplate) { c.Stage = "nowhere" },
		func(c *casework.TextTemplate) { c.Aspect = "weather" },
		func(c *casework.TextTemplate) { c.MatterCode = strings.Repeat("1", 65) },
		func(c *casework.TextTemplate) { c.Body = "【【事项】】" },
	} {
		wrong := good
		change(&wrong)
		_, err := wrong.Check()
		require.Error(t, err)
	}
	require.Equal(t, []string{"【姓名】", "【电话】"}, casework.UnknownVariables("【姓名】【电话】【姓名】【事项】"))
}

func TestTextsFitFieldsOfActions(t *testing.T) {
	t.Parallel()
	for _, kind := range casework.TextKinds() {
		fills := 0
		for _, action := range casework.Actions() {
			names := []string{""}
			for _, f := range casework.CommandFields(action) {
				if f.Kind == "string" {
					names = append(names, f.Name)
				}
			}
			for _, name := range names {
				for _, stage := range casework.Stages() {
					if kind.Fills(action, name, stage) {
						fills++
					}
				}
			}
		}
		require.NotZero(t, fills, "%s fills a field that there is", kind)
	}
	require.True(t, casework.TextExplanation.Fills(casework.ActionSendFeedback, "words", casework.StageExplanation))
	require.False(t, casework.TextExplanation.Fills(casework.ActionSendFeedback, "words", casework.StageFeedback))
	require.False(t, casework.TextFeedback.Fills(casework.ActionSendFeedback, "words", casework.StageExplanation))

	narrow := casework.TextTemplate{Stage: casework.StageRectification, Aspect: casework.AspectTrips, MatterCode: "M-1"}
	aspects := []casework.Aspect{casework.AspectEfficiency, casework.AspectTrips}
	require.True(t, narrow.Fits(casework.StageRectification, aspects, "M-1"))
	require.False(t, narrow.Fits(casework.StageFeedback, aspects, "M-1"))
	require.False(t, narrow.Fits(casework.StageRectification, aspects[:1], "M-1"))
	require.False(t, narrow.Fits(casework.StageRectification, aspects, "M-2"))
	require.True(t, casework.TextTemplate{}.Fits(casework.StageFeedback, nil, ""))
}
