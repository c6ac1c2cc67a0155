package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/reference"
)

func TestExplanationOfADeadline(t *testing.T) {
	t.Parallel()
	pack, err := rules.Load("natural-days-15-rolled")
	require.NoError(t, err)
	calendar, err := reference.Calendar()
	require.NoError(t, err)
	d := deadlineCmd{From: "2026-02-06", Pause: []string{"2026-02-07..2026-02-09"}}
	adjustments, err := d.adjustments()
	require.NoError(t, err)
	day0, err := dateOf("from", d.From)
	require.NoError(t, err)
	told := explain(pack, casework.ComputeDeadline(pack, calendar, pack.Rectification, day0, adjustments))
	for _, line := range []string{
		"2026-02-24 24:00 +08:00\n", "2026-02-06, not counted", "第九条", "limit          +15 days, to 2026-02-21",
		"pause          +2 days, to 2026-02-23", "roll           +1 days, to 2026-02-24", "2026-02-23 春节",
	} {
		require.Contains(t, told, line)
	}
}

func TestDeadlineNamesTheFlagAtFault(t *testing.T) {
	t.Parallel()
	for flag, d := range map[string]deadlineCmd{
		"from":      {From: "2026-02-30"},
		"pause":     {From: "2026-02-06", Pause: []string{"2026-02-09..2026-02-07"}},
		"extend-to": {From: "2026-02-06", ExtendTo: "soon"},
	} {
		_, err := dateOf("from", d.From)
		if err == nil {
			_, err = d.adjustments()
		}
		domain, ok := casework.AsError(err)
		require.True(t, ok, flag)
		require.Equal(t, flag, domain.Field)
	}
}
