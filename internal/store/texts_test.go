package store_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// writer is the mark of somebody who writes texts for their authority.
func (b bundle) writer(username string) casework.By {
	b.t.Helper()
	u, err := b.UserByName(b.t.Context(), username)
	require.NoError(b.t, err)
	return casework.By{UserID: u.ID, OrganisationID: u.Actor.OrganisationID, Role: casework.RoleSupervisor, Rule: "supervisor-manages-texts"}
}

func reasonOf(t *testing.T, err error) string {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	return domain.Reason
}

func TestTextsAreKeptWithWhatTheyWere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	county, city := b.writer("zhanhe.jiandu.lin"), b.writer("pingdingshan.jiandu.ye")
	text := casework.TextTemplate{Kind: casework.TextFeedback, Name: "反馈", Body: "关于【事项】", Stage: casework.StageFeedback, Aspect: casework.AspectTrips}
	id, err := b.CreateText(ctx, text, county)
	require.NoError(t, err)
	_, err = b.CreateText(ctx, text, county)
	require.Equal(t, "text_name_taken", reasonOf(t, err))
	above, err := b.CreateText(ctx, text, city)
	require.NoError(t, err, "another authority has its own names")
	unknown := text
	unknown.Name, unknown.MatterCode = "另一", "no such matter"
	_, err = b.CreateText(ctx, unknown, county)
	require.Equal(t, "matter_not_found", reasonOf(t, err))

	chain, err := b.AuthoritiesAbove(ctx, "410411000000")
	require.NoError(t, err)
	require.Equal(t, []int64{county.OrganisationID, city.OrganisationID}, chain[:2])
	require.Len(t, chain, 3)
	texts, err := b.TextsOf(ctx, chain, false)
	require.NoError(t, err)
	require.Len(t, texts, 2)
	require.Equal(t, []int64{id, above}, []int64{texts[0].ID, texts[1].ID}, "the own first")
	require.Equal(t, text, texts[0].TextTemplate)

	changed := text
	changed.Body = "关于您对【事项】的评价"
	require.NoError(t, b.ChangeText(ctx, store.TextChange{ID: id, Version: 1, Text: changed, By: county}))
	require.Equal(t, "text_changed", reasonOf(t, b.ChangeText(ctx, store.TextChange{ID: id, Version: 1, Text: text, By: county})))
	require.Equal(t, "text_not_found", reasonOf(t, b.ChangeText(ctx, store.TextChange{ID: id, Version: 2, Text: text, By: city})), "of another authority")
	read, err := b.TextByID(ctx, id)
	require.NoError(t, err)
	require.Equal(t, changed, read.TextTemplate)
	require.Equal(t, 2, read.Version)

	require.NoError(t, b.ChangeText(ctx, store.TextChange{ID: id, Version: 2, Retire: true, By: county}))
	require.Equal(t, "text_retired", reasonOf(t, b.ChangeText(ctx, store.TextChange{ID: id, Version: 3, Text: text, By: county})))
	texts, err = b.TextsOf(ctx, []int64{county.OrganisationID}, false)
	require.NoError(t, err)
	require.Empty(t, texts)
	_, err = b.CreateText(ctx, text, county)
	require.NoError(t, err, "a retired text leaves its name")
	texts, err = b.TextsOf(ctx, []int64{county.OrganisationID}, true)
	require.NoError(t, err)
	require.Len(t, texts, 2)
	require.NotNil(t, texts[1].RetiredAt, "what is retired comes last")

	events, err := b.AdminEvents(ctx, "410411000000", store.AdminEventFilter{Subject: store.SubjectText, SubjectID: itoa(id), Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, []store.AdminKind{store.AdminTextRetired, store.AdminTextChanged, store.AdminTextCreated},
		[]store.AdminKind{events[0].Kind, events[1].Kind, events[2].Kind})
	var before, after casework.TextTemplate
	require.NoError(t, json.Unmarshal(events[1].Before, &before))
	require.NoError(t, json.Unmarshal(events[1].After, &after))
	require.Equal(t, []string{text.Body, changed.Body}, []string{before.Body, after.Body})
	require.Equal(t, county.UserID, events[1].ByUserID)
}

// TestOfManyWhoChangeATextAtOnceOneDoes: all saw the same version.
func TestOfManyWhoChangeATextAtOnceOneDoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by := b.writer("zhanhe.jiandu.lin")
	text := casework.TextTemplate{Kind: casework.TextFeedback, Name: "反馈", Body: "甲"}
	id, err := b.CreateText(t.Context(), text, by)
	require.NoError(t, err)
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			mine := text
			mine.Body = itoa(int64(i))
			errs[i] = b.ChangeText(t.Context(), store.TextChange{ID: id, Version: 1, Text: mine, By: by})
		})
	}
	group.Wait()
	done := 0
	for i, err := range errs {
		if err == nil {
			done++
			read, err := b.TextByID(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, itoa(int64(i)), read.Body)
			continue
		}
		require.Equal(t, "text_changed", reasonOf(t, err))
	}
	require.Equal(t, 1, done)
}
