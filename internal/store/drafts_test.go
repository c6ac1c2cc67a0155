package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

func (r requests) draft(number, key, words string) store.Draft {
	return store.Draft{
		UserID: r.user, Number: number, Action: casework.ActionVerify, FormKey: key, Version: 3,
		Fields: map[string]string{"findings": words}, At: now,
	}
}

func (r requests) drafts(number string, at time.Time) []store.Draft {
	r.t.Helper()
	drafts, err := r.DraftsOf(r.t.Context(), r.user, number, at)
	require.NoError(r.t, err)
	return drafts
}

func TestDraftsAreKeptForOnePersonAlone(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	ctx := t.Context()
	r.take(telling("D-1", "张某", "", "13800001234", "排队太久"))
	number := r.number("D-1")
	keep := func(d store.Draft) bool {
		t.Helper()
		kept, err := r.KeepDraft(ctx, d)
		require.NoError(t, err)
		return kept
	}
	require.True(t, keep(r.draft(number, "a", "评价人张某，电话13800001234")))
	first := r.drafts(number, now)[0]
	require.True(t, now.Equal(first.At))
	first.At = now
	require.Equal(t, r.draft(number, "a", "评价人张某，电话13800001234"), first)
	require.Zero(t, r.count(`SELECT count(*) FROM drafts WHERE position(convert_to('13800001234', 'UTF8') IN fields_sealed) > 0`), "it is sealed")

	require.True(t, keep(r.draft(number, "a", "第二稿")))
	require.Len(t, r.drafts(number, now), 1, "one for each action")
	other, err := r.UserByName(ctx, "zhanhe.ziran.chen")
	require.NoError(t, err)
	others, err := r.DraftsOf(ctx, other.ID, number, now)
	require.NoError(t, err)
	require.Empty(t, others)

	// A form that was sent: what still comes from it is not kept, what another form has is.
	require.NoError(t, r.EndDraft(ctx, r.draft(number, "a", "")))
	require.Empty(t, r.drafts(number, now))
	require.False(t, keep(r.draft(number, "a", "迟到的")))
	require.Empty(t, r.drafts(number, now))
	require.True(t, keep(r.draft(number, "b", "新的一稿")))
	require.Len(t, r.drafts(number, now), 1)

	// A form that was emptied is not sent: it is kept again.
	require.NoError(t, r.ForgetDraft(ctx, r.draft(number, "b", "")))
	require.Empty(t, r.drafts(number, now))
	require.True(t, keep(r.draft(number, "b", "又写")))

	// A value does not open in another row.
	r.exec(`UPDATE drafts SET user_id = $1`, other.ID)
	_, err = r.DraftsOf(ctx, other.ID, number, now)
	require.Error(t, err)
}

func TestDraftsEnd(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	ctx := t.Context()
	r.take(telling("D-1", "张某", "", "13800001234", "排队太久"), telling("D-2", "李某", "", "13800001235", "排队太久"))
	for _, record := range []string{"D-1", "D-2"} {
		kept, err := r.KeepDraft(ctx, r.draft(r.number(record), "a", "一稿"))
		require.NoError(t, err)
		require.True(t, kept)
	}
	last := now.Add(store.DraftLife)
	require.Len(t, r.drafts(r.number("D-1"), last.Add(-time.Second)), 1)
	require.Empty(t, r.drafts(r.number("D-1"), last))
	n, err := r.PurgeDrafts(ctx, last.Add(-time.Second))
	require.NoError(t, err)
	require.Zero(t, n)

	// The reviewer's data are destroyed, and what was written of the case with them.
	r.exec(`UPDATE cases SET stage = 'archived', changed_at = '2020-01-01' WHERE number = $1`, r.number("D-1"))
	r.exec(`UPDATE reviews SET created_at = '2020-01-01'`)
	shredded, err := r.Shred(ctx, casework.By{}, now, 10)
	require.NoError(t, err)
	require.Equal(t, 1, shredded.Reviews)
	require.Empty(t, r.drafts(r.number("D-1"), now))
	require.Len(t, r.drafts(r.number("D-2"), now), 1)

	n, err = r.PurgeDrafts(ctx, last)
	require.NoError(t, err)
	require.Equal(t, int64(1), n)
}

func TestWhatIsSetAsideIsSealed(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	sealed, err := r.SealAside(r.draft("410411-20261101-000001", "a", "电话13800001234"))
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "13800001234")
	opened, err := r.UnsealAside(sealed)
	require.NoError(t, err)
	require.Equal(t, "电话13800001234", opened.Fields["findings"])
	sealed[len(sealed)-1] ^= 1
	_, err = r.UnsealAside(sealed)
	require.Error(t, err)
}
