package migrations_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"guiling/internal/testdb"
)

// TestPersonalDataGoesDownAndUp: the shape before data keys can be had again on a
// database without data, and the present one after it.
func TestPersonalDataGoesDownAndUp(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	owner, err := sql.Open("postgres", db.OwnerURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, owner.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, owner, os.DirFS("sql"))
	require.NoError(t, err)
	newest, err := provider.GetDBVersion(t.Context())
	require.NoError(t, err)
	shape := func() (columns int) {
		require.NoError(t, owner.QueryRowContext(t.Context(), `SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'`).Scan(&columns))
		return columns
	}
	before := shape()
	_, err = provider.DownTo(t.Context(), 14)
	require.NoError(t, err)
	require.Less(t, shape(), before)
	_, err = provider.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, shape())
	again, err := provider.GetDBVersion(t.Context())
	require.NoError(t, err)
	require.Equal(t, newest, again)
}
