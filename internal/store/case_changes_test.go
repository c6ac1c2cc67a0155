package store_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/workflows/contract"
)

// heard is what somebody who follows cases hears.
type heard struct {
	t    *testing.T
	said chan *store.CaseChange
}

func (b bundle) follow() heard {
	b.t.Helper()
	h := heard{t: b.t, said: make(chan *store.CaseChange, 1000)}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.t.Context()))
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		b.FollowCases(ctx, func(c *store.CaseChange) { h.said <- c })
	}()
	b.t.Cleanup(func() { stop(); <-gone })
	require.Nil(b.t, h.next(), "it begins with reading anew")
	return h
}

func (h heard) next() *store.CaseChange {
	h.t.Helper()
	select {
	case c := <-h.said:
		return c
	case <-time.After(20 * time.Second):
		require.Fail(h.t, "nothing was said")
		return nil
	}
}

// quiet says that nothing else was said: a mark that comes after it is next.
func (h heard) quiet(b bundle, number string) {
	h.t.Helper()
	b.exec(`UPDATE cases SET clock_offset_secs = clock_offset_secs WHERE number = $1`, number)
	c := h.next()
	require.NotNil(h.t, c)
	require.Equal(h.t, number, c.Number)
	require.Nil(h.t, c.Was)
}

// place finds where a case lies now.
func (b bundle) place(number string) store.CasePlace {
	b.t.Helper()
	row, err := b.CaseByNumber(b.t.Context(), number)
	require.NoError(b.t, err)
	return store.CasePlace{RegionPath: row.RegionPath, DepartmentID: row.DepartmentID, HandlerID: row.HandlerID}
}

func follows(t *testing.T, step contract.RecordEventsInput, body casework.EventBody) contract.RecordEventsInput {
	t.Helper()
	e := casework.Event{Seq: step.State.Version + 1, At: step.State.ChangedAt.Add(time.Minute), Body: body}
	state, err := step.State.Apply(e)
	require.NoError(t, err)
	step.Key, step.Events, step.State = "step "+string(e.Body.Kind()), []casework.Event{e}, state
	return step
}

// TestEveryChangeOfACaseIsTold: whatever writes a case or moves a task says so once,
// when it is committed, with where the case lies and where it lay.
func TestEveryChangeOfACaseIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := b.follow()
	counts := b.importFile("platform", "platform-2026-11.csv")
	taken := map[string]bool{}
	for range counts.CasesOpened {
		c := h.next()
		require.NotNil(t, c)
		require.Equal(t, b.place(c.Number), c.CasePlace)
		require.Zero(t, c.Version)
		taken[c.Number] = true
	}
	require.Len(t, taken, counts.CasesOpened, "each case that came in, once")

	step := b.firstStep()
	_, err := b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	opened := h.next()
	here := b.place(step.Number)
	require.Equal(t, &store.CaseChange{Number: step.Number, Version: 1, CasePlace: here, Organisations: []int64{here.DepartmentID}}, opened)
	_, err = b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	h.quiet(b, step.Number) // nothing has changed, and nothing was said

	var handler int64
	require.NoError(t, b.owner().QueryRowContext(t.Context(), `SELECT id FROM users WHERE organisation_id = $1 LIMIT 1`, here.DepartmentID).Scan(&handler))
	step = follows(t, step, casework.Claimed{UserID: handler})
	_, err = b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	claimed := h.next()
	require.Equal(t, handler, claimed.HandlerID)
	require.Equal(t, &store.CasePlace{RegionPath: here.RegionPath, DepartmentID: here.DepartmentID}, claimed.Was)

	deed := store.Deed{Today: casework.DateOf(now)}
	other, err := b.CreateOrganisation(t.Context(), store.NewOrganisation{
		Kind: casework.KindDepartment, Name: "承接局", RegionCode: "410411000000", Deed: deed,
	})
	require.NoError(t, err)
	step = follows(t, step, casework.Transferred{FromDepartmentID: here.DepartmentID, ToDepartmentID: other, Reason: "职责"})
	_, err = b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	transferred := h.next()
	require.Equal(t, other, transferred.DepartmentID)
	require.Equal(t, here.DepartmentID, transferred.Was.DepartmentID)
	require.Equal(t, handler, transferred.Was.HandlerID)
	require.Contains(t, transferred.Organisations, other)
	require.ElementsMatch(t, []int64{here.DepartmentID, other}, h.next().Organisations, "the task went along")

	require.NoError(t, b.MoveDepartment(t.Context(), store.DepartmentMove{ID: other, RegionCode: "410482000000", Deed: deed}))
	moved := h.next()
	require.Equal(t, b.place(step.Number), moved.CasePlace)
	require.Equal(t, here.RegionPath, moved.Was.RegionPath)

	last, err := b.CreateOrganisation(t.Context(), store.NewOrganisation{
		Kind: casework.KindDepartment, Name: "末局", RegionCode: "410482000000", Deed: deed,
	})
	require.NoError(t, err)
	require.NoError(t, b.MergeDepartment(t.Context(), store.DepartmentMerge{ID: other, Into: last, Deed: deed}))
	merged, task := h.next(), h.next()
	require.Equal(t, last, merged.DepartmentID)
	require.Equal(t, other, merged.Was.DepartmentID)
	require.ElementsMatch(t, []int64{last, other}, task.Organisations, "the one that had the task hears that it is gone")
	h.quiet(b, step.Number)
}

// TestWhatIsToldHoldsNoWords: what goes over the wire is short, and is made of
// numbers and codes.
func TestWhatIsToldHoldsNoWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listener := pq.NewListener(b.db.AppURL, time.Second, time.Second, nil)
	t.Cleanup(func() { _ = listener.Close() })
	require.NoError(t, listener.Listen("guiling_cases"))
	counts := b.importFile("platform", "platform-2026-11.csv")
	for range counts.CasesOpened {
		said := <-listener.Notify
		require.Less(t, len(said.Extra), 500)
		require.Regexp(t, `^(-|[0-9]|[]{}[",: ]|number|version|path|department)*$`, said.Extra)
	}
}

// TestWhoWasCutOffReadsAnew: a connection that is ended by force comes back, and
// says that something may have been missed.
func TestWhoWasCutOffReadsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	h := b.follow()
	// Who owns the database does not see what others ask of it; a superuser does.
	admin, err := sql.Open("postgres", testdb.AdminURL(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	for range 3 {
		ended, err := admin.ExecContext(t.Context(), `
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' AND (query LIKE 'LISTEN%' OR query = '')`, b.db.Name)
		require.NoError(t, err)
		rows, err := ended.RowsAffected()
		require.NoError(t, err)
		require.Positive(t, rows)
		require.Nil(t, h.next())
	}
	number := b.firstStep().Number
	b.exec(`UPDATE cases SET changed_at = now() WHERE number = $1`, number)
	require.Equal(t, number, h.next().Number)
}

// TestNothingIsToldOfWhatIsUndone: a transaction that is rolled back is silent.
func TestNothingIsToldOfWhatIsUndone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	h := b.follow()
	number := b.firstStep().Number
	tx, err := b.DB().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `UPDATE cases SET version = 40 WHERE number = $1`, number)
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	h.quiet(b, number)
}

// TestTellingCostsLittle measures what a step of a case costs with and without.
// The limit is wide: it finds what is wrong in kind, not in degree.
func TestTellingCostsLittle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	b.follow()
	number := b.firstStep().Number
	median := func() time.Duration {
		var took []time.Duration
		for range 200 {
			began := time.Now()
			_, err := b.DB().ExecContext(t.Context(), `UPDATE cases SET changed_at = now() WHERE number = $1`, number)
			require.NoError(t, err)
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	with := median()
	b.exec(`ALTER TABLE cases DISABLE TRIGGER cases_tell_of_changes`)
	without := median()
	t.Logf("a step takes %s, and %s in silence", with, without)
	require.Less(t, with-without, 20*time.Millisecond)
}
