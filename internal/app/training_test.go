package app_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
)

// TestTrainingIsNeverOnForRealData: time is moved only in a demo, only where the
// engine can, and not once a case is there that is older than the demo.
func TestTrainingIsNeverOnForRealData(t *testing.T) {
	t.Parallel()
	h := build(t)
	training := "/cases/" + h.number + "/training"
	fields := map[string]any{"by": "1"}
	const chen = "zhanhe.ziran.chen"
	const banner = "培训模式"
	require.Contains(t, h.ask(t, http.MethodGet, "/tasks", chen, nil).body, banner)
	require.Equal(t, http.StatusConflict, h.ask(t, http.MethodPost, training, chen, fields).status, "the case has not begun")

	for name, change := range map[string]func(*app.Settings){
		"no demo":                      func(s *app.Settings) { s.Demo = false },
		"an engine that skips no time": func(s *app.Settings) { s.TimeSkipping = false },
	} {
		plain := *h
		change(&plain.settings)
		other := plain.another(t, slog.New(slog.DiscardHandler))
		require.False(t, other.has("/cases/:number/training"), name)
		require.Equal(t, plain.settings.Demo, other.has("/styleguide"), name)
		require.Equal(t, http.StatusNotFound, other.ask(t, http.MethodPost, training, chen, fields).status, name)
		require.NotContains(t, other.ask(t, http.MethodGet, "/tasks", chen, nil).body, banner, name)
	}

	real := func(t *testing.T, statement string, arguments ...any) {
		t.Helper()
		_, err := h.owner.ExecContext(t.Context(), statement, arguments...)
		require.NoError(t, err)
		holds, err := h.store.HoldsRealCases(t.Context())
		require.NoError(t, err)
		require.True(t, holds)
	}
	held, err := h.store.HoldsRealCases(t.Context())
	require.NoError(t, err)
	require.False(t, held)
	real(t, `UPDATE cases SET created_at = (SELECT min(created_at) FROM users WHERE demo) - interval '1 day' WHERE number = $1`, h.elsewhere)
	var log bytes.Buffer
	later := h.another(t, slog.New(slog.NewTextHandler(&log, nil)))
	require.False(t, later.has("/cases/:number/training"), "a start on real cases has no training")
	require.Contains(t, log.String(), "no training mode")
	_, err = h.owner.ExecContext(t.Context(), `UPDATE cases SET created_at = now() WHERE number = $1`, h.elsewhere)
	require.NoError(t, err)
	real(t, `INSERT INTO case_events (case_number, seq, key, kind, at, by_user_id, by_organisation_id, by_role, article, body, build)
		SELECT $1, 1, 'k', 'claimed', now(), id, organisation_id, 'handler', '第九条', '{}', 'test' FROM users WHERE id = $2`, h.elsewhere, h.newcomer)
}

// has reports whether there is a route.
func (h *house) has(path string) bool {
	for _, r := range h.echo.Routes() {
		if r.Path == path {
			return true
		}
	}
	return false
}
