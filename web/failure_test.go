package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2/memstore"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/web"
)

// broken is a Commands whose case page fails as it is told to.
type broken struct {
	*office

	with error // nil: it panics
}

func (b broken) ViewCase(context.Context, casework.Actor, string) (commands.CaseView, error) {
	if b.with == nil {
		panic("secret")
	}
	return commands.CaseView{}, b.with
}

// serve lets the bundle's server answer with other services.
func (b *bundle) serve(o web.Options) {
	b.t.Helper()
	b.echo = echo.New()
	b.echo.Logger.SetLevel(99)
	b.echo.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err },
	}))
	o.Log = slog.New(slog.DiscardHandler)
	require.NoError(b.t, web.Register(b.echo, o))
	b.server.Config.Handler = b.echo
}

func TestFailurePages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		with   error
		status int
		words  string
	}{
		"forbidden":   {casework.Forbidden("not_allowed", "secret"), http.StatusForbidden, "您的角色不能对这个案件这样做"},
		"not found":   {&casework.Error{Code: casework.CodeNotFound, Reason: "case_not_found", Detail: "secret"}, http.StatusNotFound, "不在您的工作范围内"},
		"unavailable": {&casework.Error{Code: casework.CodeUnavailable, Reason: "engine_unavailable", Detail: "secret"}, http.StatusServiceUnavailable, "暂时没有答复"},
		"ours":        {errors.New("pq: secret"), http.StatusInternalServerError, "这是系统的问题"},
		"panic":       {nil, http.StatusInternalServerError, "这是系统的问题"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.serve(web.Options{Commands: broken{b.office, tc.with}, Identity: people{}, Sessions: testSessions()})
			b.signIn(chen)
			for _, tag := range []string{"zh-CN", "en"} {
				p := b.do(http.MethodGet, "/cases/x", nil, "Accept-Language", tag)
				require.Equal(t, tc.status, p.StatusCode)
				require.NotContains(t, p.text, "secret")
				root := p.one(t, "html")
				language, _ := attribute(root, "lang")
				require.Equal(t, tag, language)
				main := words(p.one(t, "main"))
				require.NotContains(t, main, "failure.")
				require.NotContains(t, main, "error.")
				if tag == "zh-CN" {
					require.Contains(t, main, tc.words)
				}
				require.Len(t, p.all("h1"), 1)
				require.NotEmpty(t, p.Header.Get("Content-Security-Policy"))
				require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
				require.Equal(t, tc.status == http.StatusServiceUnavailable, p.Header.Get("Retry-After") != "")
			}
		})
	}
}

// away is a store of sessions that can go away, to read or to write.
type away struct {
	*memstore.MemStore

	reads, writes atomic.Bool
}

func (a *away) Find(token string) ([]byte, bool, error) {
	if a.reads.Load() {
		return nil, false, errors.New("pq: secret")
	}
	return a.MemStore.Find(token)
}

func (a *away) Commit(token string, data []byte, expiry time.Time) error {
	if a.writes.Load() {
		return errors.New("pq: secret")
	}
	return a.MemStore.Commit(token, data, expiry)
}

func (a *away) Delete(token string) error {
	if a.writes.Load() {
		return errors.New("pq: secret")
	}
	return a.MemStore.Delete(token)
}

func TestSessionsThatAreAway(t *testing.T) {
	t.Parallel()
	for name, goAway := range map[string]func(*away){
		"to read": func(a *away) { a.reads.Store(true) }, "to write": func(a *away) { a.writes.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			sessions := &away{MemStore: memstore.NewWithCleanupInterval(0)}
			b.serve(web.Options{Commands: b.office, Identity: people{}, Sessions: web.NewSessions(sessions, false)})
			b.signIn(chen)
			goAway(sessions)
			for _, try := range []struct{ method, path string }{
				{http.MethodGet, "/tasks"},
				{http.MethodPost, "/sign-out"},
				{http.MethodPost, "/sign-in"},
			} {
				var form url.Values
				if try.method == http.MethodPost {
					form = url.Values{"username": {"lin"}, "password": {"sesame"}}
				}
				p := b.do(try.method, try.path, form)
				require.Equal(t, http.StatusInternalServerError, p.StatusCode, try.path)
				require.Len(t, p.all("main"), 1, "one page, and one that says what is wrong")
				require.Contains(t, p.Header.Get("Content-Type"), "text/html")
				require.Empty(t, p.Header.Get("Location"))
				require.NotEmpty(t, p.Header.Get("Content-Security-Policy"))
				require.NotContains(t, p.text, "secret")
				require.Empty(t, p.all("table"))
			}
			sessions.reads.Store(false)
			sessions.writes.Store(false)
			require.Equal(t, http.StatusOK, b.get("/tasks").StatusCode, "the session is still there")
		})
	}
}

// dismissed is an Identity whose people can be disabled, or that cannot be asked.
type dismissed struct {
	people

	err *atomic.Pointer[error]
}

func (d dismissed) UserOfSession(ctx context.Context, id string) (store.User, error) {
	if err := d.err.Load(); err != nil {
		return store.User{}, *err
	}
	return d.people.UserOfSession(ctx, id)
}

func TestAPersonWhoWasDisabledIsSignedOut(t *testing.T) {
	t.Parallel()
	d := dismissed{err: new(atomic.Pointer[error])}
	b := setupWith(t, d)
	b.signIn(chen)
	away := errors.New("pq: secret")
	d.err.Store(&away)
	require.Equal(t, http.StatusInternalServerError, b.get("/tasks").StatusCode)

	var gone error = &casework.Error{Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "disabled"}
	d.err.Store(&gone)
	p := b.get("/tasks")
	require.Equal(t, http.StatusSeeOther, p.StatusCode)
	require.Equal(t, "/sign-in?next=%2Ftasks", p.Header.Get("Location"))
	d.err.Store(nil)
	require.Equal(t, http.StatusSeeOther, b.get("/tasks").StatusCode, "the session is gone, not the person only")
}

func TestTheAPIAnswersForItsOwnPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.echo.GET("/api/v1/broken", func(echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "short") })
	p := b.get("/api/v1/broken")
	require.Equal(t, http.StatusTeapot, p.StatusCode)
	require.Contains(t, p.Header.Get("Content-Type"), "application/json")
	b.echo.GET("/elsewhere", func(echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "short") })
	p = b.get("/elsewhere")
	require.Equal(t, http.StatusNotFound, p.StatusCode)
	require.NotContains(t, p.text, "short")
}
