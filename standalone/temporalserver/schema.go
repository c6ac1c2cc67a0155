package temporalserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/lib/pq"
	"go.temporal.io/server/common/config"
	// The plugin registers itself under pluginName.
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	v12 "go.temporal.io/server/schema/postgresql/v12"
	"go.temporal.io/server/tools/common/schema"
	temporalsql "go.temporal.io/server/tools/sql"

	"guiling/internal/localpg"
)

const (
	pluginName       = "postgres12"
	mainSchema       = "postgresql/v12/temporal"
	visibilitySchema = "postgresql/v12/visibility"
	visibilitySuffix = "_visibility"
)

// databases is how the server reaches its two databases.
type databases struct {
	url              *url.URL // its path is of no account
	main, visibility string
}

// prepareDatabases makes what is missing: login role, databases, tables. An
// older schema is upgraded. It runs before the server and so has the
// databases for itself.
func prepareDatabases(ctx context.Context, opts Options) (databases, error) {
	db, err := ensureDatabases(ctx, opts)
	if err != nil {
		return databases{}, err
	}
	if err := db.migrate(ctx, opts, db.main, mainSchema, v12.Version, nil); err != nil {
		return databases{}, err
	}
	if err := db.migrate(ctx, opts, db.visibility, visibilitySchema, v12.VisibilityVersion, restoreIndexes); err != nil {
		return databases{}, err
	}
	if err := db.with(db.visibility, func(conn *sql.DB) error { return trimIndexes(ctx, conn) }); err != nil {
		return databases{}, err
	}
	return db, nil
}

func ensureDatabases(ctx context.Context, opts Options) (databases, error) {
	u, err := url.Parse(opts.AdminURL)
	if err != nil {
		// url.Error repeats the address, and with it the password.
		return databases{}, errors.New("the database URL cannot be read")
	}
	if opts.User != "" {
		if err := localpg.EnsureLogin(ctx, opts.AdminURL, opts.User, opts.Password); err != nil {
			return databases{}, err
		}
		u.User = url.UserPassword(opts.User, opts.Password)
	}
	db := databases{url: u, main: opts.Database, visibility: opts.Database + visibilitySuffix}
	for _, name := range []string{db.main, db.visibility} {
		if err := localpg.EnsureDatabase(ctx, opts.AdminURL, name, u.User.Username()); err != nil {
			return databases{}, err
		}
	}
	return db, nil
}

// config is the server's own description of one database.
func (d databases) config(name string, connections int) *config.SQL {
	password, _ := d.url.User.Password()
	attributes := make(map[string]string)
	for key, values := range d.url.Query() {
		attributes[key] = values[0]
	}
	// Here and not in their own fields, for the server writes those into a
	// URL without escaping them fully.
	attributes["user"], attributes["password"] = d.url.User.Username(), password
	host, port := d.url.Hostname(), d.url.Port()
	if port == "" {
		port = "5432"
	}
	return &config.SQL{
		PluginName:        pluginName,
		ConnectProtocol:   "tcp",
		ConnectAddr:       net.JoinHostPort(host, port),
		ConnectAttributes: attributes,
		DatabaseName:      name,
		MaxConns:          connections,
		MaxIdleConns:      connections,
		MaxConnLifetime:   connectionLife,
	}
}

// with runs do on one database.
func (d databases) with(name string, do func(*sql.DB) error) error {
	u := *d.url
	u.Path = "/" + name
	conn, err := sql.Open("postgres", u.String())
	if err != nil {
		return fmt.Errorf("open the database %s: %w", name, err)
	}
	return errors.Join(do(conn), conn.Close())
}

// migrate brings one database to the version that this server wants, with
// the server's own scripts. prepare, when given, runs before an upgrade.
func (d databases) migrate(
	ctx context.Context, opts Options, name, scripts, want string, prepare func(context.Context, *sql.DB) error,
) error {
	var have string
	err := d.with(name, func(conn *sql.DB) error {
		var err error
		if have, err = schemaVersion(ctx, conn, name); err != nil {
			return err
		}
		if have == "" || have == want || prepare == nil {
			return nil
		}
		return prepare(ctx, conn)
	})
	if err != nil {
		return err
	}
	if have == want {
		return nil
	}
	opts.Log.InfoContext(ctx, "setting up Temporal's tables", "database", name, "from", have, "to", want)

	tool, err := temporalsql.NewConnection(d.config(name, 1), newLogger(opts.Log))
	if err != nil {
		return fmt.Errorf("connect to the database %s: %w", name, err)
	}
	defer tool.Close()
	if have == "" {
		setup := &schema.SetupConfig{InitialVersion: "0.0"}
		if err := schema.NewSetupSchemaTask(tool, setup, newLogger(opts.Log)).Run(); err != nil {
			return fmt.Errorf("set up the schema of %s: %w", name, err)
		}
	}
	update := &schema.UpdateConfig{DBName: name, SchemaName: scripts}
	if err := schema.NewUpdateSchemaTask(tool, update, newLogger(opts.Log)).Run(); err != nil {
		return fmt.Errorf("upgrade the schema of %s from %s to %s: %w", name, have, want, err)
	}
	return nil
}

// schemaVersion is empty for a new database.
func schemaVersion(ctx context.Context, conn *sql.DB, name string) (string, error) {
	var present bool
	if err := conn.QueryRowContext(ctx, "SELECT to_regclass('schema_version') IS NOT NULL").Scan(&present); err != nil {
		return "", fmt.Errorf("look for the schema of %s: %w", name, err)
	}
	if !present {
		return "", nil
	}
	const query = "SELECT curr_version FROM schema_version WHERE version_partition = 0 AND db_name = $1"
	var version string
	err := conn.QueryRowContext(ctx, query, name).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the schema version of %s: %w", name, err)
	}
	return version, nil
}

// keptIndexes are the indexes of executions_visibility that stay. The table
// comes with over seventy, one for each thing an operator of a cluster may
// search by; writing them costs more than all else that a start writes, and
// the product's own lists do not come from here.
func keptIndexes() []string {
	return []string{
		"executions_visibility_pkey",
		"default_idx",
		"by_workflow_id",
		"by_temporal_change_version",
		"by_status",
		"by_task_queue",
	}
}

// trimIndexes drops the other indexes and keeps their definitions, for
// restoreIndexes.
func trimIndexes(ctx context.Context, conn *sql.DB) error {
	return inTransaction(ctx, conn, "trim the visibility indexes", func(tx *sql.Tx) error {
		const table = `CREATE TABLE IF NOT EXISTS guiling_trimmed_indexes (
			name       text PRIMARY KEY,
			definition text NOT NULL
		)`
		if _, err := tx.ExecContext(ctx, table); err != nil {
			return err
		}
		const note = `INSERT INTO guiling_trimmed_indexes (name, definition)
			SELECT indexname, indexdef FROM pg_indexes
			WHERE schemaname = current_schema() AND tablename = 'executions_visibility' AND indexname <> ALL ($1)
			ON CONFLICT (name) DO UPDATE SET definition = excluded.definition
			RETURNING name`
		names, err := queryTexts(ctx, tx, note, pq.Array(keptIndexes()))
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.ExecContext(ctx, "DROP INDEX "+pq.QuoteIdentifier(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// restoreIndexes makes the dropped indexes again: the scripts of an upgrade
// may name them.
func restoreIndexes(ctx context.Context, conn *sql.DB) error {
	return inTransaction(ctx, conn, "restore the visibility indexes", func(tx *sql.Tx) error {
		var trimmed bool
		err := tx.QueryRowContext(ctx, "SELECT to_regclass('guiling_trimmed_indexes') IS NOT NULL").Scan(&trimmed)
		if err != nil || !trimmed {
			return err
		}
		const missing = `SELECT definition FROM guiling_trimmed_indexes t
			WHERE NOT EXISTS (SELECT FROM pg_indexes i WHERE i.schemaname = current_schema() AND i.indexname = t.name)`
		definitions, err := queryTexts(ctx, tx, missing)
		if err != nil {
			return err
		}
		for _, definition := range definitions {
			if _, err := tx.ExecContext(ctx, definition); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM guiling_trimmed_indexes")
		return err
	})
}

func queryTexts(ctx context.Context, tx *sql.Tx, query string, args ...any) (texts []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}

func inTransaction(ctx context.Context, conn *sql.DB, what string, do func(*sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := do(tx); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", what, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
