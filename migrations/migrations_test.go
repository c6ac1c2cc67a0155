package migrations_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"testing"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"guiling/internal/testdb"
	"guiling/migrations"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func count(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// TestThreeReplicasStartOnAnEmptyDatabase: one migrates, the others wait, and
// all find the same.
func TestThreeReplicasStartOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	owner := emptyDatabase(t, "three_replicas", "C.UTF-8")
	group, ctx := errgroup.WithContext(t.Context())
	for range 3 {
		group.Go(func() error { return migrations.Up(ctx, owner, slog.New(slog.DiscardHandler)) })
	}
	require.NoError(t, group.Wait())
	db := open(t, owner)
	require.Equal(t, 55163, count(t, db, `SELECT count(*) FROM regions`))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM organisations WHERE kind = 'authority' AND parent_id IS NULL`))
}

// emptyDatabase makes a database that nobody has migrated, and gives its URL.
func emptyDatabase(t *testing.T, name, ctype string) string {
	t.Helper()
	admin := testdb.AdminURL(t)
	db := open(t, admin)
	name = fmt.Sprintf("%s_%d", name, os.Getpid())
	_, err := db.ExecContext(t.Context(), fmt.Sprintf(
		`CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8' LC_CTYPE '%s' LC_COLLATE '%s'`, name, ctype, ctype))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	u, err := url.Parse(admin)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func TestReferenceDataFollowsExplicitParents(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t).OwnerURL)
	for region, authority := range map[string]string{
		"419001000000": "410000000000", // 济源 answers to the province
		"410482000000": "410000000000", // so does 汝州, whatever its code says
		"410411000000": "410400000000", // 湛河区 to 平顶山市
		"410400000000": "410000000000",
	} {
		var parent string
		require.NoError(t, db.QueryRowContext(t.Context(), `
			SELECT p.region_code FROM organisations a JOIN organisations p ON p.id = a.parent_id
			WHERE a.kind = 'authority' AND a.region_code = $1`, region).Scan(&parent))
		require.Equal(t, authority, parent, region)
	}
	require.Zero(t, count(t, db, `SELECT count(*) FROM regions WHERE path[1] <> '410000000000'`), "every region reaches the province")
	require.Zero(t, count(t, db, `
		SELECT count(*) FROM regions r WHERE r.level IN ('province', 'city', 'county')
		AND NOT EXISTS (SELECT FROM organisations a WHERE a.kind = 'authority' AND a.region_code = r.code)`))
}

func TestUpAndDemoAgainChangeNothing(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	owner := testdb.New(t).OwnerURL
	db := open(t, owner)
	require.Zero(t, count(t, db, `SELECT count(*) FROM users`), "nobody is there by default")
	require.NoError(t, migrations.Demo(t.Context(), owner, log))
	users, organisations := count(t, db, `SELECT count(*) FROM users`), count(t, db, `SELECT count(*) FROM organisations`)
	require.Positive(t, users)
	require.Equal(t, users, count(t, db, `SELECT count(*) FROM users WHERE demo AND password_hash IS NULL`), "and nobody of the demo has a password")
	require.NoError(t, migrations.Up(t.Context(), owner, log))
	require.NoError(t, migrations.Demo(t.Context(), owner, log))
	require.Equal(t, users, count(t, db, `SELECT count(*) FROM users`))
	require.Equal(t, organisations, count(t, db, `SELECT count(*) FROM organisations`))
}

func TestWrongLocaleIsRefused(t *testing.T) {
	t.Parallel()
	err := migrations.Up(t.Context(), emptyDatabase(t, "wrong_locale", "C"), slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "LC_CTYPE")
}
