package casework_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/policies/rules"
)

func workingPack(t require.TestingT) casework.RulePack {
	pack, err := rules.Load("working-days-5")
	require.NoError(t, err)
	return pack
}

// with gives the calendar with one more day of a kind, under another version.
func with(c casework.Calendar, version, day string, kind casework.DayKind) casework.Calendar {
	c.Version, c.Days, c.Names = version, maps.Clone(c.Days), maps.Clone(c.Names)
	c.Days[day], c.Names[day] = kind, "临时安排"
	return c
}

// rectifying is a life in which the rectification runs from 2026-09-18 under
// five working days: due on 2026-09-24.
func rectifying(t *testing.T) *life {
	t.Helper()
	l := newLifeUnder(t, casework.Rules{Pack: workingPack(t), Calendar: calendar(t)}, time.Date(2026, 9, 18, 9, 0, 0, 0, casework.China()), true)
	l.does(t, casework.RecordCallback{Reached: true, Words: "问过"})
	l.does(t, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"})
	require.Equal(t, "2026-09-24", l.lastDay(t))
	return l
}

func TestAdoptCalendar(t *testing.T) {
	t.Parallel()
	l := rectifying(t)
	later := with(l.rules.Calendar, "later", "2026-09-23", casework.DayHoliday)
	adopted, ok := casework.AdoptCalendar(l.state, l.rules, later, l.now)
	require.True(t, ok)
	require.Equal(t, "2026-09-24", casework.DateOf(adopted.DeadlineBefore.Add(-time.Second)).String())
	// 09-25 to 09-27 are 中秋 and the days after; 09-24 counts as the fourth day.
	require.True(t, adopted.DeadlineAfter.After(adopted.DeadlineBefore))
	l.adopt(t, later)
	require.Equal(t, "later", l.state.CalendarVersion)
	deadline, _ := l.state.Deadline(l.rules)
	require.True(t, deadline.At.Equal(adopted.DeadlineAfter))
	require.Equal(t, "later", deadline.CalendarVersion)
	before := l.state.DecisionVersion
	require.Less(t, before, l.state.Version, "a form that somebody has open stays good")

	_, ok = casework.AdoptCalendar(l.state, l.rules, later, l.now)
	require.False(t, ok, "once")
}

func TestCalendarsThatACaseDoesNotAdopt(t *testing.T) {
	t.Parallel()
	natural := newLife(t, true)
	_, ok := casework.AdoptCalendar(natural.state, natural.rules, calendar(t), natural.now)
	require.False(t, ok, "natural days ask no calendar")

	l := rectifying(t)
	later := with(l.rules.Calendar, "later", "2026-09-24", casework.DayHoliday)
	l.wait(t, 8*24*time.Hour)
	require.True(t, l.state.Overdue())
	_, ok = casework.AdoptCalendar(l.state, l.rules, later, l.now)
	require.False(t, ok, "what was late stays late")

	l = rectifying(t)
	l.wait(t, 6*24*time.Hour-10*time.Hour) // 09-23, 23:00
	earlier := l.rules.Calendar
	earlier.Version, earlier.Days = "earlier", maps.Clone(earlier.Days)
	earlier.Days["2026-09-19"] = casework.DayWorkday // one working day more: due on 09-23, in an hour
	_, ok = casework.AdoptCalendar(l.state, l.rules, earlier, l.now)
	require.True(t, ok)
	l.wait(t, time.Hour)
	_, ok = casework.AdoptCalendar(l.state, l.rules, earlier, l.now)
	require.False(t, ok, "nobody becomes late because a calendar was published")

	l.does(t, casework.SubmitRectification{Done: "已整改", Cause: casework.CauseSkill})
	l.does(t, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已整改"})
	l.does(t, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
	_, ok = casework.AdoptCalendar(l.state, l.rules, later, l.now)
	require.False(t, ok, "a closed case is never recounted")
}

// TestAdjustmentsInAnyOrder compares the deadline under pauses and extensions in
// any order with a count by hand that knows no rule packs.
func TestAdjustmentsInAnyOrder(t *testing.T) {
	t.Parallel()
	c := calendar(t)
	rapid.Check(t, func(t *rapid.T) {
		working := rapid.Bool().Draw(t, "working")
		l := limit(rapid.IntRange(1, 20).Draw(t, "days"), casework.CountNatural, casework.RollNone)
		if working {
			l.Count = casework.CountWorking
		}
		day0 := casework.Date{Year: 2026, Month: 1, Day: 5}.AddDays(rapid.IntRange(0, 200).Draw(t, "day0"))
		counts := func(d casework.Date) bool {
			yes, _ := c.WorkingDay(d)
			return yes || !working
		}
		walk := func(from casework.Date, days int) casework.Date {
			for days > 0 {
				from = from.AddDays(1)
				if counts(from) {
					days--
				}
			}
			return from
		}
		expected := walk(day0, l.Days)
		var adjustments []casework.Adjustment
		for range rapid.IntRange(0, 5).Draw(t, "adjustments") {
			if rapid.Bool().Draw(t, "extension") {
				expected = expected.AddDays(rapid.IntRange(1, 15).Draw(t, "by"))
				adjustments = append(adjustments, casework.Adjustment{ExtendTo: expected})
				continue
			}
			from := day0.AddDays(rapid.IntRange(0, 30).Draw(t, "from"))
			to := from.AddDays(rapid.IntRange(0, 12).Draw(t, "length"))
			paused := 0
			for d := from; d.Before(to); d = d.AddDays(1) {
				if counts(d.AddDays(1)) {
					paused++
				}
			}
			expected = walk(expected, paused)
			adjustments = append(adjustments, casework.Adjustment{PausedFrom: from, PausedTo: to})
		}
		d := casework.ComputeDeadline(casework.RulePack{}, c, l, day0, adjustments)
		require.Equal(t, expected.String(), d.LastDay.String())
		require.Len(t, d.Steps, 1+len(adjustments), "every step explains itself")
		require.Equal(t, d.LastDay, d.Steps[len(d.Steps)-1].To)
	})
}
