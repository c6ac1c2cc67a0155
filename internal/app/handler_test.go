package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/store"
	"guiling/internal/testdb"
)

const (
	here  = "127.0.0.1:40000"
	there = "192.0.2.7:40000"
)

// server is pages, API and health together, on a real database and without an
// engine.
type server struct {
	handler http.Handler
	store   *store.Store
	log     *bytes.Buffer
}

func serve(t *testing.T, metricsPublic bool) server {
	t.Helper()
	db := testdb.New(t)
	s := server{log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	settings := app.Settings{
		DatabaseURL: db.AppURL, TemporalAddress: "127.0.0.1:1", TemporalNamespace: "guiling",
		DataKeyFile: filepath.Join(t.TempDir(), "key.json"), MetricsPublic: metricsPublic, Version: "test",
	}
	var err error
	s.store, err = app.OpenStore(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.store.Close() })
	eng, err := app.OpenEngine(settings, "test", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(eng.Close)
	handler, stop, err := app.NewHandler(settings, s.store, eng, log)
	require.NoError(t, err)
	t.Cleanup(stop)
	s.handler = handler
	return s
}

func (s server) get(t *testing.T, from, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.RemoteAddr = from
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	s.handler.ServeHTTP(recorder, request)
	return recorder
}

func TestWhatOtherMachinesMaySee(t *testing.T) {
	t.Parallel()
	closed, open := serve(t, false), serve(t, true)
	for _, path := range []string{"/openapi.json", "/metrics"} {
		for _, from := range []string{here, "127.8.9.1:1", "[::1]:40000"} {
			require.Equal(t, http.StatusOK, closed.get(t, from, path).Code, "%s from %s", path, from)
		}
		for _, from := range []string{there, "[2001:db8::1]:40000", "[::]:1", "@", ""} {
			require.Equal(t, http.StatusNotFound, closed.get(t, from, path).Code, "%s from %q", path, from)
		}
		for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded"} {
			require.Equal(t, http.StatusNotFound, closed.get(t, there, path, header, "127.0.0.1").Code, "%s: nobody is believed", header)
		}
		require.Equal(t, http.StatusOK, open.get(t, there, path).Code, path)
	}
	for _, path := range []string{"/healthz", "/api/v1/cases"} {
		require.NotEqual(t, http.StatusNotFound, closed.get(t, there, path).Code, path)
	}
}

func TestTheDescriptionIsServed(t *testing.T) {
	t.Parallel()
	s := serve(t, false)
	a := s.get(t, here, "/openapi.json")
	require.Equal(t, "application/json", a.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", a.Header().Get("X-Content-Type-Options"))
	var document struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(a.Body.Bytes(), &document))
	require.Equal(t, "3.1.0", document.OpenAPI)
	require.Contains(t, document.Paths, "/api/v1/cases")
}

func TestTheAPIAnswersBesideThePages(t *testing.T) {
	t.Parallel()
	s := serve(t, false)
	for path, status := range map[string]int{"/api/v1/cases": http.StatusUnauthorized, "/api/v1/nothing": http.StatusNotFound, "/api/": http.StatusNotFound} {
		a := s.get(t, there, path)
		require.Equal(t, status, a.Code, path)
		require.Equal(t, "application/problem+json; charset=utf-8", a.Header().Get("Content-Type"), path)
		require.NotEmpty(t, a.Header().Get("X-Request-Id"), path)
	}
	require.Contains(t, s.get(t, there, "/nothing").Header().Get("Content-Type"), "text/html", "a page says that it is not there as a page")
}

// TestReady: without an engine the pages are served, without a database nothing
// is.
func TestReady(t *testing.T) {
	t.Parallel()
	s := serve(t, false)
	a := s.get(t, there, "/readyz")
	require.Equal(t, http.StatusOK, a.Code)
	require.JSONEq(t, `{"database": "ok", "policy": "ok", "temporal": "missing"}`, a.Body.String())
	require.NoError(t, s.store.Close())
	a = s.get(t, there, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, a.Code)
	require.JSONEq(t, `{"database": "missing", "policy": "ok", "temporal": "missing"}`, a.Body.String(), "what, and not why")
	require.Equal(t, http.StatusOK, s.get(t, there, "/healthz").Code, "the process lives")
}

// TestTheLogOfRequests tells the route and not what was asked for.
func TestTheLogOfRequests(t *testing.T) {
	t.Parallel()
	s := serve(t, false)
	require.NoError(t, s.store.Close())
	token := "guiling_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	a := s.get(t, there, "/api/v1/cases/410411-1?secret=1", "Authorization", "Bearer "+token)
	require.Equal(t, http.StatusInternalServerError, a.Code)
	require.Contains(t, s.log.String(), "route=/api/v1/cases/:number status=500")
	require.Contains(t, s.log.String(), "request_id="+a.Header().Get("X-Request-Id"))
	for _, hidden := range []string{"410411-1", "secret", token} {
		require.NotContains(t, s.log.String(), hidden)
	}
}

func TestNoHandlerWithoutADatabase(t *testing.T) {
	t.Parallel()
	_, err := app.OpenStore(t.Context(), app.Settings{})
	require.ErrorContains(t, err, "GUILING_DATABASE_URL")
	require.ErrorContains(t, app.Migrate(t.Context(), app.Settings{}, slog.New(slog.DiscardHandler)), "GUILING_DATABASE_URL")
}
