package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/reference"
)

// The numbers of the pack decide when people are late. This test says them a
// second time on purpose: whoever changes the file has to mean it.
func TestDefaultIsHenan2019(t *testing.T) {
	t.Parallel()

	pack, err := rules.Default()
	require.NoError(t, err)
	natural := func(days int, article string, own bool) casework.Limit {
		return casework.Limit{Days: days, Count: casework.CountNatural, Roll: casework.RollNone, Article: article, OwnChoice: own}
	}
	require.Equal(t, casework.RulePack{
		ID: "henan-2019", Version: 1, Name: "河南省政务服务“好差评”工作制度（试行）",
		Source: "豫“放管服”组办〔2019〕5号", EffectiveFrom: casework.Date{Year: 2019, Month: 7, Day: 30},
		Verification:  natural(3, "第八条", true),
		Rectification: natural(15, "第九条", false),
		Explanation:   natural(5, "第八条", true),
		AnswerWindow:  natural(5, "第九条", true),
		Extension:     casework.ExtensionRule{MaxCount: 2, MaxTotalDays: 30, Article: "第九条"},
		Warnings:      casework.WarningRule{DaysBefore: []int{5, 3, 1}, Hour: 9, Article: "第九条"},
		Escalations: []casework.EscalationStep{
			{AfterDays: 0, StepsUp: 0, Article: "第十条"},
			{AfterDays: 3, StepsUp: 1, Article: "第十条"},
			{AfterDays: 7, StepsUp: 2, Article: "第十条"},
		},
		Callbacks: casework.CallbackRule{UnreachedAttempts: 3, DistinctDays: 2, Article: "第六条"},
		Answers:   casework.AnswerRule{SupervisorDecidesAt: 2, EscalatesAt: 3, Article: "第九条"},
		SpotCheck: casework.SpotCheckRule{RatePerMille: 50, Article: "第十条"},
	}, pack)
	require.False(t, pack.NeedsCalendar(), "no limit of Henan counts working days or rolls")
}

func TestAll(t *testing.T) {
	t.Parallel()

	packs, err := rules.All()
	require.NoError(t, err)
	ids := make([]string, 0, len(packs))
	for _, p := range packs {
		ids = append(ids, p.ID)
	}
	require.Equal(t, []string{rules.DefaultID, "natural-days-15-rolled", "working-days-15", "working-days-5"}, ids)
}

// The dated examples that were worked out by hand.
func TestPacksGiveTheWorkedExamples(t *testing.T) {
	t.Parallel()
	calendar, err := reference.Calendar()
	require.NoError(t, err)
	for _, example := range []struct{ pack, day0, lastDay string }{
		{"henan-2019", "2026-02-13", "2026-02-28"},
		{"natural-days-15-rolled", "2026-02-13", "2026-02-28"}, // a make-up working day
		{"henan-2019", "2026-02-06", "2026-02-21"},
		{"natural-days-15-rolled", "2026-02-06", "2026-02-24"},
		{"working-days-5", "2026-09-18", "2026-09-24"},
		{"working-days-15", "2026-09-18", "2026-10-15"},
		{"working-days-5", "2026-02-13", "2026-02-27"},
		{"working-days-15", "2026-02-13", "2026-03-12"},
	} {
		pack, err := rules.Load(example.pack)
		require.NoError(t, err)
		day0, err := casework.ParseDate(example.day0)
		require.NoError(t, err)
		deadline := casework.ComputeDeadline(pack, calendar, pack.Rectification, day0, nil)
		require.Equal(t, example.lastDay, deadline.LastDay.String(), "%s from %s", example.pack, example.day0)
		require.True(t, deadline.At.Equal(deadline.LastDay.End()), "24:00 +08:00")
		require.False(t, deadline.Provisional)
		require.Equal(t, pack.NeedsCalendar(), deadline.CalendarVersion != "")
	}
	pack, err := rules.Load("working-days-15")
	require.NoError(t, err)
	late := casework.ComputeDeadline(pack, calendar, pack.Rectification, casework.Date{Year: 2026, Month: 12, Day: 25}, nil)
	require.True(t, late.Provisional, "2027 is not published")
}

func TestLoadOfAnUnknownPack(t *testing.T) {
	t.Parallel()

	for _, id := range []string{"", "henan-1919", "../rules/henan-2019", "henan-2019.yaml"} {
		_, err := rules.Load(id)
		refused, ok := casework.AsError(err)
		require.True(t, ok, id)
		require.Equal(t, casework.CodeNotFound, refused.Code)
	}
}
