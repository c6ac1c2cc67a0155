package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/reference"
)

func simulated(t *testing.T) (casework.Rules, commands.Simulated) {
	t.Helper()
	pack, err := rules.Load("working-days-5")
	require.NoError(t, err)
	calendar, err := reference.Calendar()
	require.NoError(t, err)
	last := func(day string) casework.Deadline {
		d, err := casework.ParseDate(day)
		require.NoError(t, err)
		return casework.Deadline{LastDay: d, At: d.End()}
	}
	move := casework.Move{
		Clock: casework.ClockRectification, Before: last("2026-10-03"), After: last("2026-09-24"), Days: -9, WouldLate: true,
	}
	out := commands.Simulated{Open: 3, Moves: []commands.SimulatedMove{
		{Move: move, Case: store.Case{Number: "410411-20260916-000001", Stage: casework.StageRectification}},
	}}
	out.Summary.Add(move)
	out.Summary.Add(casework.Move{})
	return casework.Rules{Pack: pack, Calendar: calendar}, out
}

func TestSimulationIsTold(t *testing.T) {
	t.Parallel()
	proposal, result := simulated(t)
	var out bytes.Buffer
	require.NoError(t, simulateCmd{}.tell(&out, proposal, result))
	for _, line := range []string{
		"410411-20260916-000001  rectification  rectification  2026-10-03  2026-09-24  -9    would be late\n",
		"by working-days-5 version 1 and calendar " + proposal.Calendar.Version + "\n",
		"2 open cases with a clock, 1 without take no part\n",
		"0 later (by 0 days at most), 1 earlier (by 9 days at most), 1 unmoved\n",
		"1 would become late, 0 would no longer be;",
		"Running cases keep the pack with which they began",
	} {
		require.Contains(t, out.String(), line)
	}
	result.Cut = true
	require.NoError(t, simulateCmd{}.tell(&out, proposal, result))
	require.Contains(t, out.String(), "the 1 largest of 1 moves are listed")

	out.Reset()
	require.NoError(t, simulateCmd{}.tell(&out, proposal, commands.Simulated{}))
	require.NotContains(t, out.String(), "NUMBER", "no table without a move")
}

// The keys of the answer are promised.
func TestSimulationAsJSON(t *testing.T) {
	t.Parallel()
	proposal, result := simulated(t)
	var out bytes.Buffer
	require.NoError(t, simulateCmd{JSON: true}.tell(&out, proposal, result))
	var answer map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &answer))
	keys := func(of any) []string {
		var found []string
		for key := range of.(map[string]any) { //nolint:errcheck // fails the test
			found = append(found, key)
		}
		return found
	}
	require.ElementsMatch(t, []string{"pack", "pack_version", "calendar_version", "open", "summary", "moves", "cut"}, keys(answer))
	require.ElementsMatch(t, []string{
		"looked", "later", "earlier", "unmoved", "largest_later", "largest_earlier", "newly_late", "no_longer_late",
		"answer_windows_passed", "paused",
	}, keys(answer["summary"]))
	moves, ok := answer["moves"].([]any)
	require.True(t, ok)
	require.ElementsMatch(t, []string{
		"number", "stage", "clock", "before", "after", "days", "paused", "was_late", "would_be_late", "answer_window_passed",
	}, keys(moves[0]))
}

func TestCalendarsAreTold(t *testing.T) {
	t.Parallel()
	through := casework.Date{Year: 2027, Month: 12, Day: 31}
	var out bytes.Buffer
	require.NoError(t, tellPublication(&out, commands.Publication{Version: "b", PublishedThrough: through, Fresh: true, InForce: "b", ToRecount: 7}))
	require.Contains(t, out.String(), "calendar b published, known through 2027-12-31\n7 running cases")
	out.Reset()
	require.NoError(t, tellPublication(&out, commands.Publication{Version: "a", PublishedThrough: through, InForce: "b"}))
	require.Contains(t, out.String(), "calendar a already published, nothing changed; in force is b\n")
	out.Reset()
	require.NoError(t, tellCalendars(&out, []store.PublishedCalendar{
		{Version: "b", PublishedThrough: through, PublishedAt: time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC), Cases: 7}, {Version: "a"},
	}))
	require.Contains(t, out.String(), "b        2027-12-31     2026-11-26 00:00  7              in force\n")
}
