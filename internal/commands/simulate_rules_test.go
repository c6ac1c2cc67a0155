package commands_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/policies/rules"
)

// draftOf is a pack with the same number of natural days for every limit.
func draftOf(days int) []byte {
	text := `
id: draft
version: 1
name: 草案
source: 内部
effective_from: 2027-01-01
LIMITS
extension: {max_count: 2, max_total_days: 30, article: 第九条}
warnings: {days_before: [1], hour: 9, minute: 0, article: 第九条}
escalations: [{after_days: 0, steps_up: 0, article: 第十条}]
callbacks: {unreached_attempts: 3, distinct_days: 2, article: 第六条}
answers: {supervisor_decides_at: 2, escalates_at: 3, article: 第九条}
spot_check: {rate_per_mille: 50, article: 第十条}
`
	var limits strings.Builder
	for _, name := range []string{"verification", "rectification", "explanation", "answer_window"} {
		fmt.Fprintf(&limits, "%s: {days: %d, count: natural, roll: none, article: 第九条, own_choice: true}\n", name, days)
	}
	return []byte(strings.Replace(text, "LIMITS\n", limits.String(), 1))
}

// TestSimulateRules: a supervisor learns what a proposal would do to the open cases
// of the own subtree, to the day, and of no other.
func TestSimulateRules(t *testing.T) {
	t.Parallel()
	d := newDesk(t) // all in verification, three natural days
	own := commands.Proposal{PackID: rules.DefaultID}

	for _, username := range []string{"zhanhe.ziran.chen", "zhanhe.shenji.gu", "zhanhe.xitong.ji"} {
		_, err := d.service.SimulateRules(t.Context(), d.person(t, username), own)
		refused, ok := casework.AsError(err)
		require.True(t, ok, username)
		require.Equal(t, casework.CodeForbidden, refused.Code, username)
	}

	lin := d.person(t, "zhanhe.jiandu.lin")
	same, err := d.service.SimulateRules(t.Context(), lin, own)
	require.NoError(t, err)
	require.NotZero(t, same.Summary.Looked)
	require.Equal(t, same.Summary.Looked, same.Summary.Unmoved, "the rules that they have move nothing")
	require.Empty(t, same.Moves)

	draft := commands.Proposal{Draft: draftOf(8)}
	moved, err := d.service.SimulateRules(t.Context(), lin, draft)
	require.NoError(t, err)
	require.Equal(t, same.Summary.Looked, moved.Summary.Later)
	for _, m := range moved.Moves {
		require.Equal(t, 5, m.Days, "eight natural days in the place of three")
		require.Contains(t, m.Case.RegionPath, lin.RegionCode)
	}
	all, err := commands.Simulator{Store: d.store, Now: func() time.Time { return viewedAt }}.Simulate(t.Context(), store.Scope{Everything: true}, casework.Rules{})
	require.NoError(t, err)
	require.Greater(t, all.Summary.Looked, same.Summary.Looked, "there are cases elsewhere")

	for field, p := range map[string]commands.Proposal{
		"pack":     {PackID: "nothing"},
		"calendar": {PackID: rules.DefaultID, Calendar: "never"},
		"draft":    {Draft: []byte(strings.Repeat("x", 40<<10))},
	} {
		_, err := d.service.SimulateRules(t.Context(), lin, p)
		refused, ok := casework.AsError(err)
		require.True(t, ok, field)
		require.Equal(t, field, refused.Field)
	}
}
