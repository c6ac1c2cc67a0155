package migrations_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"guiling/internal/testdb"
)

// oldestDown is the version that the tests go back to: the one before personal data
// had keys of their own.
const oldestDown = 14

// TestEachMigrationGoesDownAndUp: undone one by one, each leaves exactly what was
// there before it, grants and indexes too; done again, all are what they were.
func TestEachMigrationGoesDownAndUp(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t).OwnerURL)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("sql"))
	require.NoError(t, err)
	newest, err := provider.GetDBVersion(t.Context())
	require.NoError(t, err)
	whole := shape(t, db)
	require.Contains(t, whole, "grant exports INSERT")
	_, err = provider.DownTo(t.Context(), oldestDown)
	require.NoError(t, err)

	before := map[int64][]string{oldestDown: shape(t, db)}
	for version := int64(oldestDown); version < newest; {
		done, err := provider.UpByOne(t.Context())
		require.NoError(t, err)
		version = done.Source.Version
		before[version] = shape(t, db)
		require.NotEqual(t, before[version-1], before[version], "migration %d", version)
	}
	require.Equal(t, whole, before[newest])
	for version := newest; version > oldestDown; version-- {
		require.Equal(t, before[version], shape(t, db))
		_, err := provider.Down(t.Context())
		require.NoError(t, err)
		require.Equal(t, before[version-1], shape(t, db), "undoing migration %d", version)
	}
	_, err = provider.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, whole, shape(t, db))
}

// shape lists everything that migrations make, a line for each: columns,
// constraints, indexes, statistics, triggers, functions and who may do what.
func shape(t *testing.T, db *sql.DB) []string {
	t.Helper()
	var lines []string
	require.NoError(t, db.QueryRowContext(t.Context(), `
		SELECT array_agg(line ORDER BY line) FROM (
			SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default, generation_expression)
			FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL
			SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
			FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
			UNION ALL
			SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL
			SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxnamespace = 'public'::regnamespace
			UNION ALL
			SELECT 'trigger ' || pg_get_triggerdef(g.oid) FROM pg_trigger g
			JOIN pg_class c ON c.oid = g.tgrelid
			WHERE NOT g.tgisinternal AND c.relnamespace = 'public'::regnamespace
			UNION ALL
			SELECT 'function ' || pg_get_functiondef(p.oid) FROM pg_proc p
			LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
			WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND d.objid IS NULL
			UNION ALL
			SELECT concat_ws(' ', 'grant', table_name, privilege_type) FROM information_schema.table_privileges
			WHERE table_schema = 'public' AND grantee = 'guiling_app'
			UNION ALL
			SELECT concat_ws(' ', 'grant', table_name, column_name, privilege_type) FROM information_schema.column_privileges
			WHERE table_schema = 'public' AND grantee = 'guiling_app'
		) x (line)`).Scan(pq.Array(&lines)))
	return lines
}
