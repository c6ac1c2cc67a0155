package store_test

import (
	"database/sql"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies/rules"
)

// tryExec runs SQL as the owner of the database, who could do what the product may
// not.
func (b bundle) tryExec(query string) error {
	_, err := b.owner().ExecContext(b.t.Context(), query)
	return err
}

func TestPublishedRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	packs, err := b.RulePacks(t.Context())
	require.NoError(t, err)
	all, err := rules.All()
	require.NoError(t, err)
	require.Equal(t, all, packs, "what the build carries is published, and comes back as it went in")

	natural, err := b.RulesInForce(t.Context(), rules.DefaultID, now)
	require.NoError(t, err)
	require.Empty(t, natural.Calendar.Version, "natural days ask no calendar")
	working, err := b.RulesInForce(t.Context(), "working-days-5", now)
	require.NoError(t, err)
	require.NotEmpty(t, working.Calendar.Days)
	_, err = b.RulesInForce(t.Context(), rules.DefaultID, time.Date(2019, 7, 29, 0, 0, 0, 0, casework.China()))
	require.ErrorIs(t, err, sql.ErrNoRows, "not in effect yet")

	// A newer version takes effect on its day; who began before keeps the older.
	require.NoError(t, b.tryExec(`INSERT INTO rule_packs (id, version, effective_from, body)
		SELECT id, 2, DATE '2027-01-01', jsonb_set(jsonb_set(body, '{version}', '2'), '{rectification,days}', '10') FROM rule_packs WHERE id = 'henan-2019'`))
	for day, version := range map[int]int{31: 1, 32: 2} { // 2026-12-31 and the day after
		r, err := b.RulesInForce(t.Context(), rules.DefaultID, time.Date(2026, 12, day, 12, 0, 0, 0, casework.China()))
		require.NoError(t, err)
		require.Equal(t, version, r.Pack.Version)
	}
	old, err := b.RulesOf(t.Context(), rules.DefaultID, 1, "")
	require.NoError(t, err)
	require.Equal(t, 15, old.Pack.Rectification.Days)
	_, err = b.RulesOf(t.Context(), rules.DefaultID, 9, "")
	require.Error(t, err)
	_, isDomain := casework.AsError(err)
	require.False(t, isDomain, "nobody who asks for a case is to blame")
	require.ErrorContains(t, b.tryExec(`UPDATE rule_packs SET body = '{}'`), "append-only")
	require.ErrorContains(t, b.tryExec(`DELETE FROM calendars`), "append-only")
}

func TestPublishCalendar(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, err := b.NewestCalendar(t.Context())
	require.NoError(t, err)
	newer := first
	newer.Version, newer.Days = "newer", maps.Clone(first.Days)
	newer.Days["2027-01-01"] = casework.DayHoliday
	for i, fresh := range []bool{true, false} {
		got, err := b.PublishCalendar(t.Context(), newer)
		require.NoError(t, err)
		require.Equal(t, fresh, got, "time %d", i+1)
	}
	newest, err := b.NewestCalendar(t.Context())
	require.NoError(t, err)
	require.Equal(t, newer, newest)
	versions, err := b.CalendarVersions(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"newer", first.Version}, versions)
}

func TestRecordAfterEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	late := store.AfterEnd{
		Number: step.Number, Key: "late", At: now, Build: "test",
		Decide: func(casework.State) ([]casework.EventBody, error) {
			return []casework.EventBody{casework.LateAnswerRecorded{Answer: casework.AnswerSatisfied}}, nil
		},
	}
	_, err := b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	_, err = b.RecordAfterEnd(t.Context(), late)
	refused, ok := casework.AsError(err)
	require.True(t, ok)
	require.Equal(t, "case_not_running", refused.Reason, "a case that goes on is its workflow's")

	ended := step
	ended.Key, ended.Events = "end", []casework.Event{{Seq: 2, At: now, Body: casework.Withdrawn{Reason: "撤回"}}}
	ended.State, err = step.State.Apply(ended.Events[0])
	require.NoError(t, err)
	ended.Tasks, ended.Deadline = nil, time.Time{}
	_, err = b.RecordEvents(t.Context(), ended, "test")
	require.NoError(t, err)
	for range 2 {
		version, err := b.RecordAfterEnd(t.Context(), late)
		require.NoError(t, err)
		require.Equal(t, 3, version, "once")
	}
	other := late
	other.Key = "other"
	other.Decide = func(casework.State) ([]casework.EventBody, error) {
		return []casework.EventBody{casework.Archived{}}, nil
	}
	_, err = b.RecordAfterEnd(t.Context(), other)
	require.ErrorContains(t, err, "cannot follow the end")
	c, err := b.CaseByNumber(t.Context(), step.Number)
	require.NoError(t, err)
	require.Equal(t, casework.StageWithdrawn, c.Stage)
	require.Equal(t, 3, c.Version)
}

// TestEachOpenCase: all in scope, none twice, with their events, over more than a
// page.
func TestEachOpenCase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	_, err := b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	for scope, want := range map[store.Scope]int{
		{Everything: true}:           b.count(`SELECT count(*) FROM cases`),
		{RegionCode: "410411000000"}: b.count(`SELECT count(*) FROM cases c JOIN regions r ON r.code = c.region_code WHERE r.path @> ARRAY['410411000000']`),
		{}:                           0,
	} {
		seen := map[string]int{}
		require.NoError(t, b.EachOpenCase(t.Context(), scope, func(c store.Case, events []store.RecordedEvent) error {
			seen[c.Number] = len(events)
			return nil
		}))
		require.Len(t, seen, want)
		if want > 0 {
			require.Equal(t, 1, seen[step.Number])
		}
	}
}
