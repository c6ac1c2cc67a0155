package testdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"guiling/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func connect(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// Databases are made in parallel, and nobody sees what another one holds.
func TestEachTestHasItsOwn(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		t.Run(fmt.Sprint("database ", n), func(t *testing.T) {
			t.Parallel()
			owner := connect(t, testdb.New(t).OwnerURL)
			_, err := owner.ExecContext(t.Context(), "CREATE TABLE only_here ()")
			require.NoError(t, err)
		})
	}
}

func TestAppWorksAsItsRole(t *testing.T) {
	t.Parallel()
	app := connect(t, testdb.New(t).AppURL)
	var role string
	require.NoError(t, app.QueryRowContext(t.Context(), "SELECT current_user").Scan(&role))
	require.Equal(t, "guiling_app", role)
	_, err := app.ExecContext(t.Context(), "CREATE TABLE public.forbidden ()")
	require.Error(t, err, "the application changes no schema")
}

// A connection that a test forgot does not keep its database.
func TestForgottenConnection(t *testing.T) {
	t.Parallel()
	var forgotten *sql.DB
	// Registered first, so it runs when the database has been dropped.
	t.Cleanup(func() {
		require.Error(t, forgotten.PingContext(context.WithoutCancel(t.Context())))
		require.NoError(t, forgotten.Close())
	})
	var err error
	forgotten, err = sql.Open("postgres", testdb.New(t).OwnerURL)
	require.NoError(t, err)
	require.NoError(t, forgotten.PingContext(t.Context()))
}
