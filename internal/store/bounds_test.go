package store_test

import (
	"database/sql"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// TestAListThatTakesTooLong: a page of a list is refused in time, and counts beside
// it are left out, whatever people narrow by.
func TestAListThatTakesTooLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	chen := b.taker("zhanhe.ziran.chen")
	scope := store.TaskScope{Cases: all, OrganisationID: chen.Actor.OrganisationID, Owner: casework.OwnerDepartment}
	owner, err := sql.Open("postgres", b.db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close() })
	tx, err := owner.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `LOCK TABLE cases IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)

	var lists sync.WaitGroup
	began := time.Now()
	lists.Go(func() {
		_, err := b.Cases(t.Context(), all, store.CaseFilter{Limit: 1})
		require.Equal(t, "list_too_wide", reasonOf(t, err))
	})
	lists.Go(func() {
		_, err := b.Tasks(t.Context(), scope, chen.ID, store.TaskFilter{View: store.TasksAll, Limit: 1})
		require.Equal(t, "list_too_wide", reasonOf(t, err))
	})
	lists.Go(func() {
		counts, err := b.CountCases(t.Context(), all, make([]store.Narrowing, 3), now)
		require.NoError(t, err)
		require.Equal(t, []int{store.Uncounted, store.Uncounted, store.Uncounted}, counts)
		require.Less(t, time.Since(began), 7*time.Second, "counts take less than lists")
	})
	lists.Wait()
	require.NoError(t, tx.Rollback())
	counts, err := b.CountCases(t.Context(), all, make([]store.Narrowing, 1), now)
	require.NoError(t, err)
	require.Positive(t, counts[0], "the connection is as it was")
}

// TestViewsSavedAtOnce: no more fit than fit, however many come at once.
func TestViewsSavedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	chen := b.taker("zhanhe.ziran.chen")
	var saved, full atomic.Int64
	var clicks sync.WaitGroup
	for i := range 30 {
		clicks.Go(func() {
			_, err := b.SaveView(t.Context(), store.SavedView{
				List: store.ViewedTasks, Name: strconv.Itoa(i), Query: "due=soon", OwnerID: chen.ID, OrganisationID: chen.Actor.OrganisationID, Shared: i%2 == 0,
			}, 5)
			if err == nil {
				saved.Add(1)
				return
			}
			require.Equal(t, "too_many_views", reasonOf(t, err))
			full.Add(1)
		})
	}
	clicks.Wait()
	require.EqualValues(t, 10, saved.Load(), "five of one's own and five of all")
	require.EqualValues(t, 20, full.Load())
}

// TestFilesWithoutEventsAreBounded: requests that stop midway do not fill the
// database.
func TestFilesWithoutEventsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	number := b.firstStep().Number
	keep := func(i int) error {
		content := fmt.Sprintf("第 %d 份", i)
		return b.KeepAttachment(t.Context(), fileWith(number, fmt.Sprintf("5a0d0f5e-5c2b-8d56-9a55-%012d", i), "说明.txt", content), []byte(content))
	}
	var kept, refused atomic.Int64
	var uploads sync.WaitGroup
	for i := range 2*casework.MaxAttachments + 10 {
		uploads.Go(func() {
			if err := keep(i); err == nil {
				kept.Add(1)
			} else {
				require.Equal(t, "too_many_attachments", reasonOf(t, err))
				refused.Add(1)
			}
		})
	}
	uploads.Wait()
	require.EqualValues(t, 2*casework.MaxAttachments, kept.Load())
	require.EqualValues(t, 10, refused.Load())
}
