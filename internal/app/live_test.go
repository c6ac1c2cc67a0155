package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/live"
	"guiling/web"
)

// following is somebody who listens at the stream of a process.
type following struct {
	t    *testing.T
	said chan string // "change NUMBER", "resync", "end"; closed at the end
}

func (h *house) follow(t *testing.T, who string) following {
	t.Helper()
	server := httptest.NewServer(h.echo)
	ctx, hangUp := context.WithCancel(t.Context())
	t.Cleanup(func() { hangUp(); server.Close() })
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+web.LivePath, nil)
	require.NoError(t, err)
	for _, cookie := range h.cookies[who] {
		request.AddCookie(cookie)
	}
	answer, err := server.Client().Do(request) //nolint:bodyclose // the reader closes it
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	f := following{t: t, said: make(chan string, 1000)}
	go func() {
		defer close(f.said)
		defer func() { _ = answer.Body.Close() }()
		name := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				name = strings.TrimPrefix(line, "event: ")
			case strings.HasPrefix(line, "data: "):
				var e live.Event
				if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &e) == nil && name == "change" {
					name = "change " + e.Number
				}
				f.said <- name
			}
		}
	}()
	require.Equal(t, "resync", f.next())
	return f
}

func (f following) next() string {
	f.t.Helper()
	select {
	case said, open := <-f.said:
		require.True(f.t, open, "the stream has ended")
		return said
	case <-time.After(20 * time.Second):
		require.Fail(f.t, "nothing comes")
		return ""
	}
}

// until reads on to something, and gives what came before.
func (f following) until(wanted string) (before []string) {
	f.t.Helper()
	for {
		said := f.next()
		if said == wanted {
			return before
		}
		before = append(before, said)
	}
}

// TestChangesReachWhoMayKnow: on whichever process, everybody hears of the cases in
// their scope and of no other: not of one elsewhere, and of one that has left just
// once. Who listens while the database is away is told to read anew.
func TestChangesReachWhoMayKnow(t *testing.T) {
	t.Parallel()
	h := build(t)
	second := h.another(t, slog.New(slog.DiscardHandler))
	touch := func(number string) {
		t.Helper()
		_, err := h.owner.ExecContext(t.Context(), `UPDATE cases SET changed_at = now() WHERE number = $1`, number)
		require.NoError(t, err)
	}
	// The processes have begun to listen when they say so; before, nothing is promised.
	settled := func(f following) following {
		t.Helper()
		require.Eventually(t, func() bool {
			touch(h.number)
			time.Sleep(50 * time.Millisecond) // it travels
			return len(f.said) > 0
		}, 20*time.Second, time.Millisecond)
		return f
	}
	chen := settled(h.follow(t, "zhanhe.ziran.chen"))
	others := map[string]following{}
	for _, who := range []string{"zhanhe.shichang.ren", "zhanhe.jiandu.lin", "pingdingshan.jiandu.he", "henan.jiandu.shen", "zhanhe.shenji.gu"} {
		if _, ok := h.cookies[who]; ok {
			others[who] = second.follow(t, who)
		}
	}
	require.GreaterOrEqual(t, len(others), 4)
	settled(others["zhanhe.jiandu.lin"])
	inside := func(who string) bool { return who != "zhanhe.shichang.ren" }

	mark := h.take(t, "LIVE-MARK") // what comes after what has settled
	chen.until("change " + mark)
	for who, f := range others {
		if inside(who) {
			f.until("change " + mark)
		}
	}

	touch(h.elsewhere)
	touch(h.number)
	require.Empty(t, chen.until("change "+h.number), "nothing of what is elsewhere")
	require.Empty(t, others["zhanhe.jiandu.lin"].until("change "+h.number))
	require.Equal(t, []string{"change " + h.elsewhere}, others["henan.jiandu.shen"].until("change "+h.number), "the province sees both")

	// It goes to another department, and on to another place: they hear that it went.
	_, err := h.owner.ExecContext(t.Context(), `UPDATE cases SET department_id = $2 WHERE number = $1`, mark, h.organisationOf(t, "zhanhe.shichang.ren"))
	require.NoError(t, err)
	require.Equal(t, "change "+mark, chen.next())
	require.Equal(t, "change "+mark, others["zhanhe.shichang.ren"].next(), "who has it now hears of it for the first time")
	_, err = h.owner.ExecContext(t.Context(), `
		UPDATE cases SET (department_id, region_code) = (SELECT department_id, region_code FROM cases WHERE number = $2) WHERE number = $1`, mark, h.elsewhere)
	require.NoError(t, err)
	require.Equal(t, "change "+mark, others["zhanhe.shichang.ren"].next())
	touch(mark)
	touch(h.number)
	require.Empty(t, chen.until("change "+h.number), "and never again")
	require.Equal(t, []string{"change " + mark, "change " + mark}, others["zhanhe.jiandu.lin"].until("change "+h.number),
		"that it went to another department, and that it left; nothing since")

	require.GreaterOrEqual(t, h.cutListeners(t), int64(4), "each process listens for rules and for cases")
	require.Empty(t, chen.until("resync"))
	others["henan.jiandu.shen"].until("resync")
	touch(h.number)
	chen.until("change " + h.number)
}

// TestAStreamIsNoUseOfASession: pages that follow by themselves do not keep anybody
// signed in, neither in the session nor in the list of sessions.
func TestAStreamIsNoUseOfASession(t *testing.T) {
	t.Parallel()
	h := build(t)
	const who = "zhanhe.ziran.chen"
	_, err := h.owner.ExecContext(t.Context(), `UPDATE user_sessions SET seen_at = seen_at - interval '20 minutes', began_at = began_at - interval '20 minutes'`)
	require.NoError(t, err)
	state := func() string {
		var expiries, seen string
		require.NoError(t, h.owner.QueryRowContext(t.Context(), `
			SELECT (SELECT string_agg(CAST(expiry AS text), ',' ORDER BY token) FROM sessions), (SELECT string_agg(CAST(seen_at AS text), ',' ORDER BY id) FROM user_sessions)`,
		).Scan(&expiries, &seen))
		return fmt.Sprint(expiries, seen)
	}
	before := state()
	h.follow(t, who)
	require.Equal(t, before, state())
	require.Equal(t, http.StatusOK, h.ask(t, http.MethodGet, "/tasks", who, nil).status)
	require.NotEqual(t, before, state(), "a person who looks is use")
}
