package casework_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/policies/rules"
)

func loadPack(t require.TestingT, id string) casework.RulePack {
	pack, err := rules.Load(id)
	require.NoError(t, err)
	return pack
}

func drawRules(t *rapid.T, c casework.Calendar) casework.Rules {
	packs, err := rules.All()
	require.NoError(t, err)
	return casework.Rules{Pack: rapid.SampledFrom(packs).Draw(t, "pack"), Calendar: c}
}

// drawLife lives a case at random, and leaves it anywhere.
func drawLife(t *rapid.T, r casework.Rules) *life {
	day := casework.Date{Year: 2026, Month: 1, Day: 5}.AddDays(rapid.IntRange(0, 340).Draw(t, "day"))
	l := newLifeUnder(t, r, day.At(rapid.IntRange(0, 23).Draw(t, "hour"), 30), true)
	for range rapid.IntRange(0, 25).Draw(t, "steps") {
		by := casework.By{UserID: 1, OrganisationID: 1, Role: casework.RoleDepartmentLead}
		if bodies, err := casework.Decide(l.state, drawCommand(t, l), casework.Circumstances{Rules: l.rules, Now: l.now, By: by}); err == nil {
			l.record(t, by, bodies...)
		}
		l.wait(t, time.Duration(rapid.IntRange(0, 6*24).Draw(t, "hours"))*time.Hour)
	}
	return l
}

func verified(t require.TestingT, l *life) {
	l.record(t, casework.By{UserID: 1}, casework.Verified{Outcome: casework.OutcomeComplex, Limit: l.rules.Pack.Rectification})
}

func TestSimulatingTheOwnRulesMovesNothing(t *testing.T) {
	t.Parallel()
	c := calendar(t)
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t, drawRules(t, c))
		m, takesPart := casework.Simulate(l.state, l.rules, l.rules, l.now)
		require.Equal(t, l.state.Clock != nil, takesPart, "a running clock takes part, and nothing else")
		require.Zero(t, m.Days)
		require.Equal(t, m.Before, m.After)
		require.False(t, m.WindowPassed || m.NewlyLate())
		require.Equal(t, l.state.ClockPaused(), m.Paused)
		if takesPart && m.Clock != casework.ClockAnswer {
			require.Equal(t, l.state.Overdue(), m.WasLate)
		}
	})
}

func TestMoreNaturalDaysMoveExactlyThatFar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pack := loadPack(t, rules.DefaultID)
		l := drawLife(t, casework.Rules{Pack: pack})
		n := rapid.IntRange(-2, 30).Draw(t, "more days")
		other := pack
		for _, limit := range []*casework.Limit{&other.Verification, &other.Rectification, &other.Explanation, &other.AnswerWindow} {
			limit.Days += n
		}
		m, takesPart := casework.Simulate(l.state, l.rules, casework.Rules{Pack: other}, l.now)
		require.Equal(t, l.state.Clock != nil, takesPart)
		if !takesPart {
			require.Zero(t, m, "without a clock there is nothing to say")
			return
		}
		extended := false
		for _, a := range l.state.Clock.Adjustments {
			extended = extended || !a.ExtendTo.IsZero()
		}
		if extended {
			require.Zero(t, m.Days, "an extension is to a date, whatever the limit")
			return
		}
		require.Equal(t, n, m.Days)
		require.Equal(t, l.state.Clock.Day0, m.After.Day0)
		require.Equal(t, m.Before.LastDay.AddDays(n), m.After.LastDay)
	})
}

// The zone is a variable of the process, so this test runs alone.
//
//nolint:paralleltest // sets time.Local
func TestSimulationInAnyServerZone(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	c, five := calendar(t), loadPack(t, "working-days-5")
	var first casework.Move
	for _, zone := range []string{"UTC", "Asia/Shanghai", "America/New_York"} {
		location, err := time.LoadLocation(zone)
		require.NoError(t, err)
		time.Local = location
		l := newLifeUnder(t, casework.Rules{Pack: loadPack(t, rules.DefaultID)}, date(t, "2026-09-17").At(23, 59), true)
		l.now = date(t, "2026-09-18").At(0, 1).In(location)
		verified(t, l)
		m, takesPart := casework.Simulate(l.state, l.rules, casework.Rules{Pack: five, Calendar: c}, date(t, "2026-09-25").Start().In(location))
		require.True(t, takesPart)
		require.Equal(t, "2026-10-03", m.Before.LastDay.String())
		require.Equal(t, "2026-09-24", m.After.LastDay.String())
		require.True(t, m.NewlyLate(), "at 24:00 of the last day, in any zone")
		if zone == "UTC" {
			first = m
		}
		require.Equal(t, first.Days, m.Days)
	}
}

func TestWhoTakesPartInASimulation(t *testing.T) {
	t.Parallel()
	c, five := calendar(t), loadPack(t, "working-days-5")
	proposal := casework.Rules{Pack: five, Calendar: c}
	begin := func() *life {
		l := newLifeUnder(t, casework.Rules{Pack: loadPack(t, rules.DefaultID)}, date(t, "2026-09-18").At(10, 0), true)
		verified(t, l)
		return l
	}

	paused := begin()
	paused.now = date(t, "2026-09-21").At(9, 0)
	paused.record(t, casework.By{UserID: 2}, casework.Paused{})
	m, takesPart := casework.Simulate(paused.state, paused.rules, proposal, date(t, "2026-12-01").Start())
	require.True(t, takesPart)
	require.True(t, m.Paused)
	require.Equal(t, -9, m.Days)
	require.False(t, m.WouldLate, "a clock that stands still makes nobody late")

	resumed := paused
	resumed.now = date(t, "2026-09-23").At(9, 0)
	resumed.record(t, casework.By{UserID: 2}, casework.Resumed{From: date(t, "2026-09-21"), To: date(t, "2026-09-23")})
	m, _ = casework.Simulate(resumed.state, resumed.rules, proposal, resumed.now)
	require.Equal(t, "2026-10-05", m.Before.LastDay.String(), "two natural days on")
	require.Equal(t, "2026-09-29", m.After.LastDay.String(), "two working days on: the 28th, the 29th")

	answer := begin()
	answer.record(t, casework.By{UserID: 1}, casework.Rectified{})
	answer.record(t, casework.By{UserID: 1}, casework.FeedbackSent{Channel: casework.FeedbackSMS, Limit: answer.rules.Pack.AnswerWindow})
	shorter := five
	shorter.AnswerWindow.Days = 2
	m, takesPart = casework.Simulate(answer.state, answer.rules, casework.Rules{Pack: shorter, Calendar: c}, date(t, "2026-09-22").Start())
	require.True(t, takesPart)
	require.Equal(t, casework.ClockAnswer, m.Clock)
	require.Equal(t, -3, m.Days)
	require.True(t, m.WindowPassed, "the case would be closed")
	require.False(t, m.WouldLate, "and nobody late")

	answer.record(t, casework.By{UserID: 1}, casework.AnswerRecorded{Answer: casework.AnswerSatisfied}, casework.Closed{Cause: casework.ClosedSatisfied})
	_, takesPart = casework.Simulate(answer.state, answer.rules, proposal, answer.now)
	require.False(t, takesPart, "closed")
	_, takesPart = casework.Simulate(casework.State{}, casework.Rules{}, proposal, answer.now)
	require.False(t, takesPart, "not begun")
}
