package casework_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
)

func TestSimulate(t *testing.T) {
	t.Parallel()
	c := calendar(t)
	rapid.Check(t, func(t *rapid.T) {
		l := newLifeUnder(t, casework.Rules{Pack: workingPack(t), Calendar: c}, time.Date(2026, 3, 2, 10, 0, 0, 0, casework.China()), true)
		l.wait(t, time.Duration(rapid.IntRange(0, 100).Draw(t, "hours"))*time.Hour)
		same, ok := casework.Simulate(l.state, l.rules, l.rules, l.now)
		require.True(t, ok)
		require.Zero(t, same.Days, "its own rules move nothing")
		require.Equal(t, same.WasLate, same.WouldLate)
		require.Equal(t, l.state.Overdue(), same.WasLate)

		natural := newLife(t, true)
		more := natural.rules
		days := rapid.IntRange(-2, 30).Draw(t, "days")
		more.Pack.Verification.Days += days
		move, ok := casework.Simulate(natural.state, natural.rules, more, natural.now.AddDate(0, 0, 2))
		require.True(t, ok)
		require.Equal(t, days, move.Days, "n natural days more are n days")
		require.Equal(t, days < 0 && days <= -1 && move.After.At.Before(natural.now.AddDate(0, 0, 2)), move.WouldLate)
	})
}

func TestSimulateByHand(t *testing.T) {
	t.Parallel()
	l := rectifying(t) // five working days from 2026-09-18: due 09-24
	holiday := casework.Rules{Pack: l.rules.Pack, Calendar: with(l.rules.Calendar, "more", "2026-09-23", casework.DayHoliday)}
	move, ok := casework.Simulate(l.state, l.rules, holiday, l.now)
	require.True(t, ok)
	require.Equal(t, casework.ClockRectification, move.Clock)
	require.Equal(t, "2026-09-24", move.Before.LastDay.String())
	require.Equal(t, "2026-09-28", move.After.LastDay.String(), "over 中秋")
	require.Equal(t, 4, move.Days)

	ended := newLife(t, true)
	ended.doesAs(t, casework.By{UserID: 2, OrganisationID: 2, Role: casework.RoleSupervisor}, casework.Withdraw{Reason: "撤回"})
	_, ok = casework.Simulate(ended.state, ended.rules, holiday, ended.now)
	require.False(t, ok, "a case that ended has no clock")

	var sum casework.Simulation
	moves := []casework.Move{{Days: 1}, {Days: -4, WouldLate: true}, {}, {Days: 4, WasLate: true}}
	for _, m := range moves {
		sum.Add(m)
	}
	require.Equal(t, casework.Simulation{Looked: 4, Later: 2, Earlier: 1, Unmoved: 1, LargestLater: 4, LargestEarlier: 4, NewlyLate: 1, NotLate: 1}, sum)
	require.Equal(t, 3, sum.Moved())
	slices.SortStableFunc(moves, casework.CompareMoves)
	require.Equal(t, []int{-4, 4, 1, 0}, []int{moves[0].Days, moves[1].Days, moves[2].Days, moves[3].Days})
}
