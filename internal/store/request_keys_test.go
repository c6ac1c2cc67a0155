package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// requests is a store with a person who asks.
type requests struct {
	bundle

	user int64
}

func setupRequests(t *testing.T) requests {
	t.Helper()
	b := setup(t)
	user, err := b.UserByName(t.Context(), "zhanhe.shichang.ren")
	require.NoError(t, err)
	return requests{bundle: b, user: user.ID}
}

func (r requests) asks(content string) store.KeyedRequest {
	return store.KeyedRequest{UserID: r.user, Key: "k", Content: []byte(content)}
}

func (r requests) begins(content string, at time.Time) store.Attempt {
	r.t.Helper()
	attempt, err := r.BeginRequest(r.t.Context(), r.asks(content), at)
	require.NoError(r.t, err)
	return attempt
}

// refused gives the reason why a request cannot be taken up.
func (r requests) refused(content string, at time.Time) string {
	r.t.Helper()
	_, err := r.BeginRequest(r.t.Context(), r.asks(content), at)
	domain, ok := casework.AsError(err)
	require.True(r.t, ok, "%v", err)
	return domain.Reason
}

var said = store.Answer{Status: 200, ETag: `"4"`, Body: []byte("{\"words\": \"<说>\"}\n")}

func TestARequestIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	first := r.begins("a", now)
	require.False(t, first.Answered)
	require.Equal(t, "request_in_flight", r.refused("a", now))
	require.Equal(t, "key_reused", r.refused("b", now))

	kept, err := r.KeepAnswer(t.Context(), first, said)
	require.NoError(t, err)
	require.Equal(t, said, kept)
	again := r.begins("a", now.Add(time.Hour))
	require.True(t, again.Answered)
	require.Equal(t, said, again.Answer, "byte for byte")
	require.Equal(t, first.RequestID, again.RequestID)
	require.Equal(t, "key_reused", r.refused("b", now.Add(23*time.Hour)))

	other := r.asks("a")
	other.UserID++
	attempt, err := r.BeginRequest(t.Context(), other, now)
	require.NoError(t, err)
	require.False(t, attempt.Answered, "the key of another person is another key")
}

func TestARequestThatWasLetGoIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	first := r.begins("a", now)
	require.NoError(t, r.LetGo(t.Context(), first))
	require.Equal(t, "key_reused", r.refused("b", now), "it may still be carried out, so the key is taken")
	second := r.begins("a", now)
	require.False(t, second.Answered)
	require.Equal(t, first.RequestID, second.RequestID)
}

// TestWhoDiedIsFollowed: a lease that ran out is taken over by the same request,
// by one of many, and who was only slow gives the same answer in the end.
func TestWhoDiedIsFollowed(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	slow := r.begins("a", now)
	require.Equal(t, "request_in_flight", r.refused("a", now.Add(29*time.Second)))
	require.Equal(t, "key_reused", r.refused("b", now.Add(time.Minute)))

	later := now.Add(30 * time.Second)
	attempts := make([]store.Attempt, 20)
	errs := make([]error, len(attempts))
	var group sync.WaitGroup
	for i := range attempts {
		group.Go(func() { attempts[i], errs[i] = r.BeginRequest(t.Context(), r.asks("a"), later) })
	}
	group.Wait()
	var follower []store.Attempt
	for i, err := range errs {
		if err == nil {
			follower = append(follower, attempts[i])
			continue
		}
		require.ErrorContains(t, err, "request_in_flight")
	}
	require.Len(t, follower, 1)
	require.Equal(t, slow.RequestID, follower[0].RequestID)

	require.NoError(t, r.LetGo(t.Context(), slow))
	require.Equal(t, "request_in_flight", r.refused("a", later), "who is late takes nothing from who followed")
	kept, err := r.KeepAnswer(t.Context(), slow, said)
	require.NoError(t, err)
	require.Equal(t, said, kept)
	kept, err = r.KeepAnswer(t.Context(), follower[0], store.Answer{Status: 409, Body: []byte("{}")})
	require.NoError(t, err)
	require.Equal(t, said, kept, "the first answer is everybody's")
	require.NoError(t, r.LetGo(t.Context(), follower[0]))
	require.Equal(t, said, r.begins("a", later).Answer)
}

func TestAKeyIsFreeAfterADay(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	first := r.begins("a", now)
	_, err := r.KeepAnswer(t.Context(), first, said)
	require.NoError(t, err)
	day := now.Add(24 * time.Hour)
	require.Equal(t, said, r.begins("a", day.Add(-time.Microsecond)).Answer)
	deleted, err := r.PurgeRequests(t.Context(), day.Add(-time.Microsecond))
	require.NoError(t, err)
	require.Zero(t, deleted)

	second := r.begins("b", day)
	require.False(t, second.Answered, "before anybody has purged it")
	require.NotEqual(t, first.RequestID, second.RequestID)
	kept, err := r.KeepAnswer(t.Context(), first, said)
	require.NoError(t, err)
	require.Equal(t, said, kept)
	require.Equal(t, "request_in_flight", r.refused("b", day), "the old request keeps nothing under the new one")

	// Taking over does not make it younger.
	require.NoError(t, r.LetGo(t.Context(), second))
	r.begins("b", day.Add(23*time.Hour))
	deleted, err = r.PurgeRequests(t.Context(), day.Add(24*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 1, deleted)
	require.Zero(t, r.count(`SELECT count(*) FROM request_keys`))
}

// TestKeptAnswersOpenNowhereElse: neither content nor answer lies in clear, and a
// row that was copied to another person or request does not open.
func TestKeptAnswersOpenNowhereElse(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	words := "赵某甲 12000000001"
	_, err := r.KeepAnswer(t.Context(), r.begins(words, now), store.Answer{Status: 200, Body: []byte(words)})
	require.NoError(t, err)
	var raw string
	require.NoError(t, r.owner().QueryRowContext(t.Context(), `
		SELECT to_jsonb(k) || jsonb_build_object('answer', encode(answer_sealed, 'escape')) FROM request_keys k`).Scan(&raw))
	for _, part := range []string{"赵某甲", "12000000001", fmt.Sprintf("%x", "12000000001"), fmt.Sprintf("%x", "赵某甲")} {
		require.NotContains(t, raw, part)
	}

	other := r.asks(words)
	other.UserID++
	_, err = r.owner().ExecContext(t.Context(), `UPDATE request_keys SET user_id = $1`, other.UserID)
	require.NoError(t, err)
	_, err = r.BeginRequest(t.Context(), other, now)
	require.ErrorContains(t, err, "unseal")
	_, err = r.owner().ExecContext(t.Context(), `UPDATE request_keys SET user_id = $1, request_id = gen_random_uuid()`, r.user)
	require.NoError(t, err)
	_, err = r.BeginRequest(t.Context(), r.asks(words), now)
	require.ErrorContains(t, err, "unseal")
}

func TestALookThatIsRepeatedIsOneLook(t *testing.T) {
	t.Parallel()
	r := setupRequests(t)
	r.importFile("platform", "platform-2026-11.csv")
	number := r.firstStep().Number
	look := store.Reveal{Number: number, Purpose: "回访", RequestID: r.begins("a", now).RequestID, At: now}
	look.By = casework.By{UserID: r.user, OrganisationID: 1, Rule: "r"}
	looks := func() int { return r.count(`SELECT count(*) FROM reveals`) }
	for range 3 {
		revealed, err := r.RevealReviewer(t.Context(), look)
		require.NoError(t, err)
		require.Regexp(t, `^120[0-9]{8}$`, revealed.Reviewer.Phone)
		require.Equal(t, 1, looks())
	}
	look.RequestID = ""
	for i := range 2 {
		_, err := r.RevealReviewer(t.Context(), look)
		require.NoError(t, err)
		require.Equal(t, i+2, looks(), "without a request each is a look of its own")
	}
}
