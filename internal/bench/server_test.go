package bench_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"guiling/internal/localpg"
	"guiling/migrations"
)

// settings of the server: those of a small machine that has nothing else to do. The
// server ends with this process in any way, and what it holds is made up, so it does
// not wait for the disk.
var serverSettings = map[string]string{
	"shared_buffers": "1GB", "effective_cache_size": "6GB", "work_mem": "16MB", "maintenance_work_mem": "512MB",
	"random_page_cost": "1.1", "max_wal_size": "4GB", "jit": "off",
}

// server is a PostgreSQL of this benchmark alone.
type server struct {
	*localpg.Server
}

// startServer starts one and ends and removes it with the test.
func startServer(t *testing.T) server {
	t.Helper()
	sweep(t)
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", folder, os.Getpid())) //nolint:usetesting // another user must get in, see below
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // G302: the server runs as another user when we are root
	options := localpg.Options{DataDir: filepath.Join(dir, "postgres"), Ephemeral: true}
	first, err := localpg.Start(t.Context(), options)
	require.NoError(t, err)
	db, err := sql.Open("postgres", first.URL(localpg.Superuser, "postgres"))
	require.NoError(t, err)
	for name, value := range serverSettings {
		_, err = db.ExecContext(t.Context(), `ALTER SYSTEM SET `+name+` = '`+value+`'`)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	require.NoError(t, first.Stop())
	second, err := localpg.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, second.Stop())
		require.NoError(t, os.RemoveAll(second.Dir()))
	})
	return server{second}
}

// folder begins the name of the folder of a server; the number of its process follows.
const folder = "guiling-bench-"

// sweep removes the folders of runs that were cut short: gigabytes, and their servers
// ended with them.
func sweep(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), folder+"*"))
	require.NoError(t, err)
	for _, dir := range left {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), folder), "-")
		if process, err := strconv.Atoi(number); err == nil && errors.Is(syscall.Kill(process, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir) // it may be somebody else's
		}
	}
}

// database makes one with the schema, the reference data and the invented people of
// the demo. The superuser fills it; the application signs in as itself.
func (s server) database(t *testing.T, name string) (superuser *sql.DB, appURL string) {
	t.Helper()
	ctx, admin := t.Context(), s.URL(localpg.Superuser, "postgres")
	quiet := slog.New(slog.DiscardHandler)
	owner := localpg.Login{User: "bench_owner", Password: "bench", Database: name}
	login := localpg.Login{User: "bench_app", Password: "bench", Role: "guiling_app", Database: name}
	require.NoError(t, localpg.EnsureOwner(ctx, admin, owner.User, owner.Password))
	require.NoError(t, localpg.EnsureDatabase(ctx, admin, name, owner.User))
	require.NoError(t, localpg.EnsureLogin(ctx, admin, login.User, login.Password))
	ownerURL, err := localpg.WithLogin(admin, owner)
	require.NoError(t, err)
	require.NoError(t, migrations.Up(ctx, ownerURL, quiet))
	require.NoError(t, migrations.Demo(ctx, ownerURL, quiet))
	require.NoError(t, localpg.GrantRole(ctx, admin, login.Role, login.User))
	appURL, err = localpg.WithLogin(admin, login)
	require.NoError(t, err)
	superuser, err = sql.Open("postgres", s.URL(localpg.Superuser, name))
	require.NoError(t, err)
	t.Cleanup(func() { _ = superuser.Close() })
	return superuser, appURL
}

// shown are the settings that matter, as the server has them.
func shown(ctx context.Context, db *sql.DB) (string, error) {
	var words string
	err := db.QueryRowContext(ctx, `
		SELECT string_agg(name || '=' || current_setting(name), ' ' ORDER BY name) FROM pg_settings
		WHERE name IN ('server_version', 'shared_buffers', 'effective_cache_size', 'work_mem', 'random_page_cost', 'jit', 'fsync', 'synchronous_commit')`).Scan(&words)
	return words, err
}
