package api_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	"guiling/api"
	"guiling/internal/casework"
	"guiling/internal/store"
)

func pathOf(r api.Route, number string, action casework.Action) string {
	return strings.NewReplacer(":number", number, ":action", string(action)).Replace(r.Path)
}

var reached = casework.RecordCallback{Reached: true, Words: "材料要求前后不一致"}

func TestEveryCodeHasItsStatus(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	statuses := map[string]int{
		"invalid": 422, "unauthorized": 401, "forbidden": 403, "not_found": 404, "gone": 410, "conflict": 409,
		"stale": 412, "versionless": 428, "key_reused": 422, "unavailable": 503, "too_many": 429,
	}
	source, err := os.ReadFile("../internal/casework/errors.go")
	require.NoError(t, err)
	codes := regexp.MustCompile(`Code\w+ +Code = "(\w+)"`).FindAllSubmatch(source, -1)
	require.Len(t, codes, len(statuses))
	for _, found := range codes {
		code := string(found[1])
		require.Contains(t, statuses, code)
		w.engine.fails = &casework.Error{Code: casework.Code(code), Reason: "required", Field: "findings", Detail: "at 10.1.2.3: deadline exceeded"}
		a := w.act(fu, number, reached)
		require.Equal(t, statuses[code], a.status, code)
		require.Equal(t, "application/problem+json; charset=utf-8", a.header.Get("Content-Type"))
		require.Equal(t, "required", a.code())
		require.Equal(t, "findings", a.body["field"])
		require.InDelta(t, statuses[code], a.body["status"], 0)
		require.Equal(t, http.StatusText(statuses[code]), a.body["title"])
		waits := code == "unavailable" || code == "too_many"
		require.Equal(t, waits, a.header.Get("Retry-After") != "", code)
		require.Equal(t, !waits, strings.Contains(a.text, "10.1.2.3"), "what the engine says of itself is for the log: %s", code)
		require.Equal(t, code == "unauthorized", a.header.Get("WWW-Authenticate") != "", code)
	}
	require.Contains(t, w.log.String(), "10.1.2.3")
}

func TestInternalErrorsTellNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	w.engine.fails = errors.New("pq: password of guiling_app at 10.1.2.3")
	a := w.act(fu, w.aCase(), reached)
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.Equal(t, map[string]any{"type": "about:blank", "title": "Internal Server Error", "status": 500.0, "code": "internal"}, a.body)
	require.Contains(t, w.log.String(), "10.1.2.3", "the operator learns it")

	require.NoError(t, w.store.DB().Close()) // the database goes away
	a = w.get(fu, "/api/v1/cases")
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.Equal(t, "internal", a.code())
	require.NotContains(t, a.text, "sql")
}

// TestPanicsTellNothing: a panic that the server recovered is a problem under
// /api, and whatever else the server makes of it elsewhere.
func TestPanicsTellNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))
	broken := panics{} // whoever is asked who it is
	api.Register(e, api.Options{Commands: w.service, Identity: broken, Log: slog.New(slog.NewTextHandler(w.log, nil))})
	e.GET("/page", func(echo.Context) error { panic("at 10.1.2.3") })

	a := w.asks(e, "Bearer "+w.tokens[lin])
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.Equal(t, map[string]any{"type": "about:blank", "title": "Internal Server Error", "status": 500.0, "code": "internal"}, a.body)
	require.Contains(t, w.log.String(), "10.1.2.3", "the operator learns it")

	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/page", nil))
	require.Equal(t, http.StatusInternalServerError, recorder.Code)
	require.NotContains(t, recorder.Header().Get("Content-Type"), "problem", "what is not the API is not its business")
}

type panics struct{}

func (panics) UserByToken(context.Context, string) (store.User, error) { panic("at 10.1.2.3") }

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, "/api/"},
		{http.MethodGet, "/api/v1"},
		{http.MethodGet, "/api/v1/"},
		{http.MethodGet, "/api/v2/cases"},
		{http.MethodGet, "/api/v1/cases/"},
		{http.MethodGet, "/api/v1/Cases"},
		{http.MethodGet, "/api/v1/cases/1/export"},
		{http.MethodGet, "/api/v1/cases/1/actions/claim"},
		{http.MethodGet, "/api/v1/cases/../../etc/passwd"},
		{http.MethodPost, "/api/v1/cases"},
		{http.MethodPut, "/api/v1/cases"},
		{http.MethodDelete, "/api/v1/cases/1"},
		{http.MethodTrace, "/api/v1/cases"},
		{http.MethodHead, "/api/v1/cases"},
	} {
		a := w.call(lin, c.method, c.path, nil)
		require.Equal(t, http.StatusNotFound, a.status, "%s %s", c.method, c.path)
		require.Equal(t, "application/problem+json; charset=utf-8", a.header.Get("Content-Type"), "%s %s", c.method, c.path)
	}
	a := w.send(w.handler, http.MethodGet, "/api/v1/nothing", nil, http.Header{})
	require.Equal(t, http.StatusNotFound, a.status, "nothing is told to nobody")
}

// TestNumbersThatNoCaseHas: what the path says is data, however it is written.
func TestNumbersThatNoCaseHas(t *testing.T) {
	t.Parallel()
	w := setup(t)
	number := w.aCase()
	for _, n := range []string{
		"410411-20260101-999999", "%00", number + "%00", "%FF%FE", "a%00b", "1%2Fexport", "..%2F" + number, "%27%20OR%20%271%27=%271",
		"%2A", strings.Repeat("9", 5000), "%E6%B9%9B", number + "%20", strings.ToUpper("x") + number, "%0d%0aSet-Cookie:x",
	} {
		for _, c := range []struct{ method, tail string }{
			{http.MethodGet, ""}, {http.MethodGet, "/events"}, {http.MethodPost, "/reveal"}, {http.MethodPost, "/actions/escalate"},
		} {
			a := w.call(lin, c.method, "/api/v1/cases/"+n+c.tail, map[string]string{"purpose": "回访"})
			if c.tail == "/actions/escalate" {
				require.Equal(t, "unknown_field", a.code())
				a = w.call(lin, c.method, "/api/v1/cases/"+n+c.tail, casework.Escalate{Reason: "超期"})
			}
			require.Equal(t, http.StatusNotFound, a.status, "%s %.80s%s: %s", c.method, n, c.tail, a.text)
			require.Equal(t, "case_not_found", a.code())
			require.Empty(t, a.header.Get("Set-Cookie"))
		}
	}
}
