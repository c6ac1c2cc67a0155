package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// TestACaseThatArrivesDuringAMergeIsNotLeftBehind: a step that brings a case to a
// department and the merge of that department, at once, many times over. Whichever
// comes first, the case is with the successor, and neither waits for the other for
// ever.
func TestACaseThatArrivesDuringAMergeIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	_, err := b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	deed := store.Deed{Today: casework.DateOf(now)}
	create := func(name string) int64 {
		id, err := b.CreateOrganisation(t.Context(), store.NewOrganisation{
			Kind: casework.KindDepartment, Name: name, RegionCode: "410411000000", Deed: deed,
		})
		require.NoError(t, err)
		return id
	}
	last := create("承接局")
	state := step.State
	for i := range 12 {
		ends := create("甲局" + string(rune('a'+i)))
		e := casework.Event{Seq: state.Version + 1, At: now.Add(time.Duration(i) * time.Minute), Body: casework.Transferred{
			FromDepartmentID: state.DepartmentID, ToDepartmentID: ends, Reason: "职责",
		}}
		state, err = state.Apply(e)
		require.NoError(t, err)
		next := step
		next.Key, next.Events, next.State = "transfer "+string(rune('a'+i)), []casework.Event{e}, state
		var both sync.WaitGroup
		var recorded, merged error
		both.Go(func() { _, recorded = b.RecordEvents(t.Context(), next, "test") })
		both.Go(func() {
			merged = b.MergeDepartment(t.Context(), store.DepartmentMerge{ID: ends, Into: last, Deed: deed})
		})
		both.Wait()
		require.NoError(t, recorded)
		require.NoError(t, merged)
		row, err := b.CaseByNumber(t.Context(), step.Number)
		require.NoError(t, err)
		require.Equal(t, last, row.DepartmentID)
		require.Zero(t, b.count(`SELECT count(*) FROM tasks WHERE case_number = $1 AND closed_at IS NULL AND owner = 'department' AND organisation_id <> $2`,
			step.Number, last))
	}
}

// TestALongImportKeepsReorganisationsOut: for a moment only, and with words.
func TestALongImportKeepsReorganisationsOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tx, err := b.DB().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `SELECT pg_advisory_xact_lock_shared(4107201910)`)
	require.NoError(t, err)
	wanted := store.NewOrganisation{
		Kind: casework.KindDepartment, Name: "某局", RegionCode: "410411000000", Deed: store.Deed{Today: casework.DateOf(now)},
	}
	_, err = b.CreateOrganisation(t.Context(), wanted)
	refused, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, casework.CodeUnavailable, refused.Code)
	require.Equal(t, "organisations_busy", refused.Reason)
	require.NoError(t, tx.Rollback())
	_, err = b.CreateOrganisation(t.Context(), wanted)
	require.NoError(t, err)
}
