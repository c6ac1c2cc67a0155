package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/live"
	"guiling/internal/store"
	"guiling/web"
)

// WatchCases lets people know of the cases of their own organisation.
func (o *office) WatchCases(actor casework.Actor) (live.Filter, error) {
	if actor.Has(casework.RoleSysadmin) {
		return nil, casework.Forbidden("not_allowed", "no")
	}
	return func(c store.CaseChange) (live.Event, bool) {
		return live.Event{Number: c.Number, Version: c.Version, Mine: c.HandlerID == actor.UserID}, c.DepartmentID == actor.OrganisationID
	}, nil
}

// absent is an Identity whose people can be moved and sent away.
type absent struct {
	people

	gone, used atomic.Bool
	moved      atomic.Int64 // to which organisation; 0: nowhere
}

func (a *absent) UserOfSession(ctx context.Context, id string) (store.User, error) {
	a.used.Store(true)
	return a.SessionStands(ctx, id)
}

func (a *absent) SessionStands(ctx context.Context, id string) (store.User, error) {
	if a.gone.Load() {
		return store.User{}, &casework.Error{Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "gone"}
	}
	u, err := a.people.SessionStands(ctx, id)
	if to := a.moved.Load(); to != 0 {
		u.Actor.OrganisationID = to
	}
	return u, err
}

// stream is an open /live.
type stream struct {
	t      *testing.T
	answer *http.Response
	lines  chan string // closed at the end
}

func (b *bundle) stream() *stream {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.server.URL+"/live", nil)
	require.NoError(b.t, err)
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Last-Event-ID", "41") // nothing is promised to who comes back
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = answer.Body.Close() })
	s := &stream{t: b.t, answer: answer, lines: make(chan string, 100)}
	go func() {
		defer close(s.lines)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			s.lines <- lines.Text()
		}
	}()
	return s
}

// next gives the name of the next event and what it says; empty at the end.
func (s *stream) next() (name, data string) {
	s.t.Helper()
	patience := time.After(20 * time.Second)
	for {
		select {
		case line, open := <-s.lines:
			switch {
			case !open:
				return "", ""
			case strings.HasPrefix(line, "event: "):
				name = strings.TrimPrefix(line, "event: ")
			case strings.HasPrefix(line, "data: "):
				return name, strings.TrimPrefix(line, "data: ")
			}
		case <-patience:
			require.Fail(s.t, "nothing comes")
		}
	}
}

func (s *stream) begins() *stream {
	s.t.Helper()
	require.Equal(s.t, http.StatusOK, s.answer.StatusCode)
	name, _ := s.next()
	require.Equal(s.t, "resync", name)
	return s
}

func (s *stream) hears(number string) live.Event {
	s.t.Helper()
	name, data := s.next()
	require.Equal(s.t, "change", name)
	var e live.Event
	require.NoError(s.t, json.Unmarshal([]byte(data), &e))
	require.Equal(s.t, number, e.Number)
	return e
}

func changeOf(number string, organisation int64) *store.CaseChange {
	return &store.CaseChange{Number: number, Version: 3, CasePlace: store.CasePlace{DepartmentID: organisation, HandlerID: chen.ID}}
}

// TestTheStreamOfChanges: what comes is sent at once and as it is, nothing is kept on
// the way, and the times that a server allows a request do not end it.
func TestTheStreamOfChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hub.Heartbeat = 50 * time.Millisecond
	b.server.Close()
	b.server = httptest.NewUnstartedServer(b.echo)
	b.server.Config.ReadTimeout, b.server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	b.server.Start()
	t.Cleanup(b.server.Close)
	b.signIn(chen)

	s := b.stream().begins()
	h := s.answer.Header
	require.Equal(t, "text/event-stream; charset=utf-8", h.Get("Content-Type"))
	require.Contains(t, h.Get("Cache-Control"), "no-store")
	require.Equal(t, "no", h.Get("X-Accel-Buffering"))
	require.Empty(t, h.Get("Content-Encoding"))
	require.Empty(t, h.Get("Set-Cookie"))
	for beats := 0; beats < 20; { // a second: three times as long as any request may take
		line, open := <-s.lines
		require.True(t, open, "it ended after %d", beats)
		if strings.HasPrefix(line, ":") {
			beats++
		}
	}
	b.hub.Tell(changeOf("elsewhere", 2))
	b.hub.Tell(changeOf("here", 1))
	require.Equal(t, live.Event{Number: "here", Version: 3, Mine: true}, s.hears("here"))
	b.hub.Tell(nil)
	name, _ := s.next()
	require.Equal(t, "resync", name)

	b.hub.Close()
	name, _ = s.next()
	require.Empty(t, name)
	require.Equal(t, http.StatusTooManyRequests, b.get("/live").StatusCode)
}

func TestWhoMayNotWatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, http.StatusSeeOther, b.get("/live").StatusCode)
	b.signIn(ji)
	require.Equal(t, http.StatusForbidden, b.get("/live").StatusCode)
	require.Empty(t, b.get("/").all("", "id", "live"), "who sees no case follows none")
	b.signIn(chen)
	for range b.hub.PerPerson {
		b.stream().begins()
	}
	require.Equal(t, http.StatusTooManyRequests, b.get("/live").StatusCode)
	b.newBrowser()
	b.signIn(lu)
	b.stream().begins()
}

// TestAStreamEndsWithTheSession: who was sent away, or has left, hears no more.
func TestAStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	id := &absent{}
	b := setupWith(t, id)
	b.hub.Recheck = 20 * time.Millisecond
	ends := func(s *stream) {
		t.Helper()
		name, _ := s.next()
		require.Equal(t, "end", name)
		name, _ = s.next()
		require.Empty(t, name, "and it is over")
	}
	b.signIn(chen)
	s := b.stream().begins()
	id.gone.Store(true)
	ends(s)
	id.gone.Store(false)

	b.signIn(chen)
	s = b.stream().begins()
	b.hub.Tell(changeOf("before", 1))
	s.hears("before")
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, "/sign-out", url.Values{}).StatusCode)
	ends(s)
}

// TestRightsOfTodayDecide: who has moved hears what is theirs now, and nothing else.
func TestRightsOfTodayDecide(t *testing.T) {
	t.Parallel()
	id := &absent{}
	b := setupWith(t, id)
	b.hub.Recheck = 20 * time.Millisecond
	b.signIn(chen)
	s := b.stream().begins()
	id.moved.Store(2)
	require.Eventually(t, func() bool {
		b.hub.Tell(changeOf("new", 2))
		return len(s.lines) > 3
	}, 20*time.Second, 50*time.Millisecond)
	s.hears("new")
	b.hub.Tell(changeOf("old", 1))
	b.hub.Tell(changeOf("last", 2))
	for { // it may have been told more than once
		name, data := s.next()
		require.Equal(t, "change", name)
		require.NotContains(t, data, "old")
		if strings.Contains(data, "last") {
			return
		}
	}
}

// TestWhatAPageAsksByItselfIsNoUse: it keeps no session alive, counts as no sign of
// life, and takes no notice away from who reads.
func TestWhatAPageAsksByItselfIsNoUse(t *testing.T) {
	t.Parallel()
	id := &absent{}
	b := setupWith(t, id)
	path := "/cases/" + number(1)
	c := b.office.open(number(1), 1, nil)
	b.signIn(chen)
	form := formOf(b.get(path).one(t, "form", "id", "form-claim"))
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, path+"/actions/claim", form).StatusCode)
	require.Equal(t, 2, c.state.Version)

	id.used.Store(false)
	byItself := b.do(http.MethodGet, path, nil, "X-Guiling-Background", "1")
	require.Equal(t, http.StatusOK, byItself.StatusCode)
	require.Empty(t, byItself.Header.Values("Set-Cookie"))
	require.Empty(t, byItself.all("", "class", "g-alert-done"))
	require.False(t, id.used.Load())
	marker := byItself.one(t, "div", "data-live", "case")
	version, _ := attribute(marker, "data-version")
	require.Equal(t, "2", version)

	read := b.get(path)
	require.Len(t, read.all("", "class", "g-alert-done"), 1, "the notice waits for the person")
	require.NotEmpty(t, read.Header.Values("Set-Cookie"), "and this is use")
	require.True(t, id.used.Load())
}

// TestStreamsDoNotHoldUpAStop: a server that stops does not wait for who listens.
func TestStreamsDoNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stopping, stop := context.WithCancel(t.Context())
	b.server.Close()
	b.server = httptest.NewUnstartedServer(b.echo)
	b.server.Config.BaseContext = func(net.Listener) context.Context { return web.WithStopping(context.WithoutCancel(t.Context()), stopping.Done()) }
	b.server.Start()
	t.Cleanup(b.server.Close)
	b.signIn(chen)
	s := b.stream().begins()
	stop()
	name, _ := s.next()
	require.Empty(t, name)
	patience, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, b.server.Config.Shutdown(patience))
}

// TestPagesSayWhatTheyFollow: lists and cases say it, a later page of a list that it
// is one.
func TestPagesSayWhatTheyFollow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 60 {
		b.office.open(number(i), 1, nil)
	}
	b.signIn(chen)
	first := b.get("/tasks")
	kind, _ := attribute(first.one(t, "div", "data-live", ""), "data-live")
	require.Equal(t, "inbox", kind)
	require.Empty(t, first.all("div", "data-live-later", ""))
	next, _ := attribute(first.one(t, "a", "rel", "next"), "href")
	require.Len(t, b.get(next).all("div", "data-live-later", ""), 1)
	require.Len(t, b.get("/cases").all("div", "data-live", "list"), 1)
	key, _ := attribute(first.one(t, "div", "id", "live"), "data-key")
	require.Len(t, key, 16)
}
