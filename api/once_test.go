package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/api"
	"guiling/internal/casework"
)

var missed = casework.RecordCallback{Outcome: "无人接听"}

const replayed = "Idempotency-Replayed"

func TestTheFormOfAKey(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number + "/actions/record-callback"
	for _, c := range []struct {
		keys []string
		code string
	}{
		{[]string{strings.Repeat("k", 201)}, "text_too_long"},
		{[]string{""}, "required"},
		{[]string{"a\tb"}, "invalid_text"},
		{[]string{"a\x00b"}, "invalid_text"},
		{[]string{"a\x7f"}, "invalid_text"},
		{[]string{"键"}, "invalid_text"},
		{[]string{"\xff"}, "invalid_text"},
		{[]string{"a", "a"}, "invalid_text"},
	} {
		header := w.header(fu, path)
		header["Idempotency-Key"] = c.keys
		a := w.send(w.handler, http.MethodPost, path, reached, header)
		require.Equal(t, http.StatusUnprocessableEntity, a.status, "%q", c.keys)
		require.Equal(t, c.code, a.code(), "%q", c.keys)
		require.Equal(t, "Idempotency-Key", a.body["field"])
	}
	require.Zero(t, w.callbacks(number))
	for _, key := range []string{strings.Repeat("k", 200), `"8e03978e-40d5-43dd-bc93-6894a57f9324"`, "' OR '1'='1", " ~"} {
		a := w.does(fu, number, reached, "Idempotency-Key", key)
		require.Equal(t, a.text, w.does(fu, number, reached, "Idempotency-Key", key).text)
	}
	require.Equal(t, 4, w.callbacks(number))
}

// TestEveryPostIsDoneOnce walks the routes: whatever changes something refuses a
// key that is none, and other content under a key.
func TestEveryPostIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	posts := 0
	for _, r := range api.Routes() {
		if r.Method == http.MethodGet {
			continue
		}
		posts++
		path := pathOf(r, "none", "claim")
		a := w.call(fu, r.Method, path, "{}", "If-Match", "*", "Idempotency-Key", strings.Repeat("k", 201))
		require.Equal(t, "Idempotency-Key", a.body["field"], path)
		key := fmt.Sprintf("key %d", posts)
		require.NotEqual(t, "key_reused", w.call(fu, r.Method, path, `{}`, "If-Match", "*", "Idempotency-Key", key).code(), path)
		require.Equal(t, "key_reused", w.call(fu, r.Method, path, `{ }`, "If-Match", "*", "Idempotency-Key", key).code(), path)
		for _, name := range []string{"Idempotency-Key", "If-Match"} {
			described := documented(t).operation(r.Method, path).Parameters.GetByInAndName("header", name)
			require.Equal(t, name == "Idempotency-Key" || r.Versioned, described != nil, "%s of %s", name, path)
		}
	}
	require.Equal(t, 4, posts)
	for _, r := range api.Routes() {
		anew := r.Action == casework.ActionReveal || r.Path == bulkPath
		require.Equal(t, anew, r.AnswersAnew, "%s: a reviewer is never kept, nor what may be only a part", r.Path)
		require.Equal(t, r.Action == "", r.Versioned, "%s: an action rests on what was seen", r.Path)
	}
}

// TestTheSameRequestGetsTheSameAnswer: byte for byte, whatever became of the case,
// and from another process.
func TestTheSameRequestGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	other := w.another()
	path := "/api/v1/cases/" + number + "/actions/"
	w.does(fu, number, casework.Claim{})
	for i, c := range []struct {
		user, tail string
		body       any
		ifMatch    string
		status     int
	}{
		{fu, "record-callback", reached, "*", 200},
		{fu, "claim", nil, "*", 409},
		{fu, "record-callback", reached, `"1"`, 412},
		{fu, "escalate", casework.Escalate{Reason: "x"}, "*", 403},
		{ren, "record-callback", reached, "*", 404},
		{fu, "nothing", "{}", "*", 404},
		{fu, "verify", "{}", "*", 422},
		{fu, "verify", "{", "*", 400},
	} {
		headers := []string{"If-Match", c.ifMatch, "Idempotency-Key", fmt.Sprint("key ", i)}
		first := w.call(c.user, http.MethodPost, path+c.tail, c.body, headers...)
		require.Equal(t, c.status, first.status, first.text)
		require.Empty(t, first.header.Get(replayed))
		acts := w.engine.acts.Load()
		w.does(fu, number, reached, "Idempotency-Key", fmt.Sprint("the case moves on ", i))
		require.Equal(t, acts+1, w.engine.acts.Load())
		for _, handler := range []http.Handler{w.handler, other} {
			again := w.send(handler, http.MethodPost, path+c.tail, c.body, w.header(c.user, path, headers...))
			require.Equal(t, first.status, again.status, c.tail)
			require.Equal(t, first.text, again.text, c.tail)
			require.Equal(t, "true", again.header.Get(replayed), c.tail)
			again.header.Del(replayed)
			require.Equal(t, first.header, again.header, c.tail)
		}
		require.Equal(t, acts+1, w.engine.acts.Load(), "nothing is asked of the engine again")
	}
}

func TestAKeyBelongsToItsContent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number
	seen := w.get(fu, path).header.Get("ETag")
	first := w.does(fu, number, reached, "Idempotency-Key", "k", "If-Match", seen)
	for name, a := range map[string]answer{
		"another body":     w.act(fu, number, missed, "Idempotency-Key", "k", "If-Match", seen),
		"another version":  w.act(fu, number, reached, "Idempotency-Key", "k", "If-Match", `"2"`),
		"any version":      w.act(fu, number, reached, "Idempotency-Key", "k"),
		"another action":   w.act(fu, number, casework.Claim{}, "Idempotency-Key", "k", "If-Match", seen),
		"another case":     w.act(fu, "none", reached, "Idempotency-Key", "k", "If-Match", seen),
		"something else":   w.call(fu, http.MethodPost, path+"/reveal", reached, "Idempotency-Key", "k", "If-Match", seen),
		"a body with more": w.call(fu, http.MethodPost, path+"/actions/record-callback", string(toJSON(t, reached))+" ", "Idempotency-Key", "k", "If-Match", seen),
	} {
		require.Equal(t, http.StatusUnprocessableEntity, a.status, name)
		require.Equal(t, "key_reused", a.code(), name)
		require.Equal(t, "Idempotency-Key", a.body["field"], name)
		require.Empty(t, a.header.Get(replayed), name)
	}
	require.Equal(t, 1, w.callbacks(number))

	// What is not in form uses no key up, and the key of another person is another.
	require.Equal(t, "version_required", w.act(fu, number, missed, "Idempotency-Key", "l", "If-Match", "").code())
	require.Equal(t, "malformed_etag", w.act(fu, number, missed, "Idempotency-Key", "l", "If-Match", "3").code())
	require.Equal(t, "wrong_content_type", w.act(fu, number, missed, "Idempotency-Key", "l", "Content-Type", "text/plain").code())
	w.does(fu, number, reached, "Idempotency-Key", "l")
	a := w.does(shi, number, reached, "Idempotency-Key", "k", "If-Match", "*")
	require.Empty(t, a.header.Get(replayed))
	require.NotEqual(t, first.text, a.text)
	require.Equal(t, 3, w.callbacks(number))
}

func TestARequestThatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	entered, release := make(chan struct{}), make(chan struct{})
	w.engine.before = func() {
		close(entered)
		<-release
	}
	var first answer
	var group sync.WaitGroup
	group.Go(func() { first = w.act(fu, number, reached, "Idempotency-Key", "k") })
	<-entered
	a := w.act(fu, number, reached, "Idempotency-Key", "k")
	require.Equal(t, http.StatusConflict, a.status)
	require.Equal(t, "request_in_flight", a.code())
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.NotContains(t, a.body, "current")
	require.Equal(t, "key_reused", w.act(fu, number, missed, "Idempotency-Key", "k").code())
	close(release)
	group.Wait()
	require.Equal(t, http.StatusOK, first.status, first.text)
	w.engine.before = nil
	again := w.does(fu, number, reached, "Idempotency-Key", "k")
	require.Equal(t, first.text, again.text)
	require.Equal(t, "true", again.header.Get(replayed))
	require.Equal(t, 1, w.callbacks(number))
}

// TestAProcessThatDied: it has acted and does not answer. Another takes over when
// the lease has passed, finds what was done, and both would say the same.
func TestAProcessThatDied(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	acted, release := make(chan struct{}), make(chan struct{})
	w.engine.after = func() {
		if w.engine.acts.Load() == 1 {
			close(acted)
			<-release
		}
	}
	var dead answer
	var group sync.WaitGroup
	group.Go(func() { dead = w.act(fu, number, reached, "Idempotency-Key", "k") })
	<-acted
	other := w.another()
	path := "/api/v1/cases/" + number + "/actions/record-callback"
	ask := func() answer {
		return w.send(other, http.MethodPost, path, reached, w.header(fu, path, "Idempotency-Key", "k"))
	}
	w.later.Store(int64(29 * time.Second))
	require.Equal(t, "request_in_flight", ask().code())
	w.later.Store(int64(31 * time.Second))
	follower := ask()
	require.Equal(t, http.StatusOK, follower.status, follower.text)
	require.Empty(t, follower.header.Get(replayed))
	require.EqualValues(t, 1, w.engine.acts.Load(), "what the dead one did is found by its key")
	w.does(shi, number, missed)

	close(release)
	group.Wait()
	for _, a := range []answer{dead, ask(), w.does(fu, number, reached, "Idempotency-Key", "k")} {
		require.Equal(t, follower.text, a.text)
		require.Equal(t, follower.header.Get("ETag"), a.header.Get("ETag"))
	}
	require.Equal(t, 2, w.callbacks(number))
}

// TestTryAgainIsNotKept: what says so can be tried again, under the same key, and
// in the end it is done once.
func TestTryAgainIsNotKept(t *testing.T) {
	t.Parallel()
	w := setup(t)
	number := w.aCase()
	try := func() answer { return w.act(fu, number, reached, "Idempotency-Key", "k") }
	require.Equal(t, "not_started_yet", try().code())
	w.begin()
	for status, failure := range map[int]error{
		http.StatusServiceUnavailable:  &casework.Error{Code: casework.CodeUnavailable, Reason: "engine_unavailable"},
		http.StatusTooManyRequests:     &casework.Error{Code: casework.CodeTooMany, Reason: "too_many"},
		http.StatusUnauthorized:        &casework.Error{Code: casework.CodeUnauthorized, Reason: "not_signed_in"},
		http.StatusConflict:            casework.Conflict("case_not_running", "it ends or begins"),
		http.StatusInternalServerError: errors.New("broken"),
	} {
		w.engine.fails = failure
		a := try()
		require.Equal(t, status, a.status, a.text)
		require.Empty(t, a.header.Get(replayed))
		require.Equal(t, "key_reused", w.act(fu, number, missed, "Idempotency-Key", "k").code(), "the first may still be carried out")
	}
	w.engine.fails = nil
	w.engine.before = func() { panic("broken") }
	require.Panics(t, func() { try() })
	w.engine.before = nil
	first := try()
	require.Equal(t, http.StatusOK, first.status, first.text)
	require.Empty(t, first.header.Get(replayed))
	require.Equal(t, first.text, try().text)
	require.Equal(t, 1, w.callbacks(number))
}

// TestWhoHangsUpIsAnsweredLater: the deed is done although nobody waits, and its
// answer is there for who asks again.
func TestWhoHangsUpIsAnsweredLater(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	path := "/api/v1/cases/" + number + "/actions/record-callback"
	ctx, hangUp := context.WithCancel(t.Context())
	w.engine.after = hangUp
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(string(toJSON(t, reached))))
	request.Header = w.header(fu, path, "Idempotency-Key", "k")
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	require.Equal(t, http.StatusOK, recorder.Code)
	again := w.does(fu, number, reached, "Idempotency-Key", "k")
	require.Equal(t, recorder.Body.String(), again.text)
	require.Equal(t, "true", again.header.Get(replayed))
}

func TestAKeyIsFreeAfterADay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	first := w.does(fu, number, reached, "Idempotency-Key", "k")
	w.does(fu, number, reached, "Idempotency-Key", "l")
	w.does(fu, number, missed)
	w.later.Store(int64(24*time.Hour - time.Second))
	require.Equal(t, first.text, w.does(fu, number, reached, "Idempotency-Key", "k").text)
	require.Equal(t, "key_reused", w.act(fu, number, missed, "Idempotency-Key", "k").code())

	w.later.Store(int64(24 * time.Hour))
	a := w.does(fu, number, missed, "Idempotency-Key", "k")
	require.Empty(t, a.header.Get(replayed))
	require.Equal(t, 4, w.callbacks(number), "other content is another request")
	a = w.does(fu, number, reached, "Idempotency-Key", "l")
	require.Empty(t, a.header.Get(replayed))
	require.Equal(t, 4, w.callbacks(number), "what a case has recorded under a key it never records again")
	require.InDelta(t, 6, a.body["version"], 0, "opened, claimed, four calls: where it stands now")
}

// TestFiftyAtOnce: one carries it out; the others get its answer, or are told to
// ask again.
func TestFiftyAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	handlers := []http.Handler{w.handler, w.another()}
	path := "/api/v1/cases/" + number + "/actions/record-callback"
	header := w.header(fu, path, "Idempotency-Key", "k")
	body := toJSON(t, reached)
	recorders := make([]*httptest.ResponseRecorder, 50)
	var group sync.WaitGroup
	for i := range recorders {
		recorders[i] = httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(string(body)))
		request.Header = header.Clone()
		group.Go(func() { handlers[i%2].ServeHTTP(recorders[i], request) })
	}
	group.Wait()
	last := w.does(fu, number, reached, "Idempotency-Key", "k")
	carriedOut := 0
	for _, r := range recorders {
		if r.Code == http.StatusConflict {
			require.Contains(t, r.Body.String(), "request_in_flight")
			continue
		}
		require.Equal(t, http.StatusOK, r.Code, r.Body.String())
		require.Equal(t, last.text, r.Body.String())
		require.Equal(t, last.header.Get("ETag"), r.Header().Get("ETag"))
		if r.Header().Get(replayed) == "" {
			carriedOut++
		}
	}
	require.Equal(t, 1, carriedOut)
	require.EqualValues(t, 1, w.engine.acts.Load())
	require.Equal(t, 1, w.callbacks(number))
}

// TestALookIsRepeated: the same request is authorized again, answered again, and
// recorded once. What it showed is nowhere.
func TestALookIsRepeated(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	look := func(user, purpose string, headers ...string) answer {
		return w.call(user, http.MethodPost, "/api/v1/cases/"+number+"/reveal", map[string]string{"purpose": purpose}, headers...)
	}
	looks := func() int { return w.count(`SELECT count(*) FROM reveals`) }
	first := look(fu, "回访", "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, first.status, first.text)
	for range 2 {
		again := look(fu, "回访", "Idempotency-Key", "k")
		require.Equal(t, first.text, again.text)
		require.Empty(t, again.header.Get(replayed), "it was answered anew")
		require.Equal(t, 1, looks())
	}
	require.Zero(t, w.count(`SELECT count(*) FROM request_keys WHERE answer_sealed IS NOT NULL`))
	require.Equal(t, "key_reused", look(fu, "好奇", "Idempotency-Key", "k").code())
	require.Equal(t, 1, looks())
	for i, headers := range [][]string{{"Idempotency-Key", "l"}, nil, nil} {
		require.Equal(t, http.StatusOK, look(fu, "回访", headers...).status)
		require.Equal(t, i+2, looks(), "another request is another look")
	}
	require.Equal(t, http.StatusOK, look(shi, "回访", "Idempotency-Key", "k").status)
	require.Equal(t, 5, looks(), "and so is that of another person")
	w.later.Store(int64(25 * time.Hour))
	require.Equal(t, http.StatusOK, look(fu, "回访", "Idempotency-Key", "k").status)
	require.Equal(t, 6, looks(), "and that of another day")

	_, err := w.owner().ExecContext(t.Context(), `
		UPDATE users SET organisation_id = (SELECT organisation_id FROM users WHERE username = $2) WHERE username = $1`, fu, ren)
	require.NoError(t, err)
	refused := look(fu, "回访", "Idempotency-Key", "k")
	require.Equal(t, http.StatusNotFound, refused.status)
	require.NotContains(t, refused.text, first.body["phone"])
	require.Equal(t, 6, looks())
}

// TestKeptRequestsHoldNoPersonalData: not in what was sent, and not in what was
// answered.
func TestKeptRequestsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	shown := w.call(fu, http.MethodPost, "/api/v1/cases/"+number+"/reveal", map[string]string{"purpose": "回访"}, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, shown.status)
	words := fmt.Sprint(shown.body["name"], " ", shown.body["phone"])
	w.does(fu, number, casework.RecordCallback{Reached: true, Words: words}, "Idempotency-Key", "l")
	w.act(fu, number, casework.Verify{Outcome: "none", Findings: words}, "Idempotency-Key", "m")
	rows, err := w.owner().QueryContext(t.Context(), `
		SELECT to_jsonb(k) || jsonb_build_object('answer', encode(answer_sealed, 'escape'), 'hash', encode(request_hash, 'escape')) FROM request_keys k`)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	n := 0
	for rows.Next() {
		n++
		var raw json.RawMessage
		require.NoError(t, rows.Scan(&raw))
		for _, secret := range []any{shown.body["name"], shown.body["phone"], shown.body["id_number"], number, "stage"} {
			require.NotContains(t, string(raw), secret)
			require.NotContains(t, string(raw), fmt.Sprintf("%x", secret))
		}
	}
	require.NoError(t, rows.Err())
	require.Equal(t, 3, n)
}
