package app_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/testdb"
	"guiling/migrations"
)

// TestTheWorkerForgetsOldRequests: also while there is no engine.
func TestTheWorkerForgetsOldRequests(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	quiet := slog.New(slog.DiscardHandler)
	require.NoError(t, migrations.Demo(t.Context(), database.OwnerURL, quiet))
	db, err := sql.Open("postgres", database.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), `
		INSERT INTO request_keys (user_id, key, request_hash, created_at)
		SELECT min(id), age, sha256(''), now() - age::interval FROM users, unnest(ARRAY['23 hours', '24 hours', '9 days']) age GROUP BY age`)
	require.NoError(t, err)

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- app.RunWorker(ctx, app.Settings{
			DatabaseURL: database.AppURL, TemporalAddress: "127.0.0.1:1", TemporalNamespace: "guiling",
			DataKeyFile: filepath.Join(t.TempDir(), "key.json"), Version: "test",
		}, quiet)
	}()
	require.Eventually(t, func() bool {
		var left string
		err := db.QueryRowContext(t.Context(), `SELECT string_agg(key, ',') FROM request_keys`).Scan(&left)
		return err == nil && left == "23 hours"
	}, 20*time.Second, 20*time.Millisecond)
	stop()
	require.NoError(t, <-done)
}
