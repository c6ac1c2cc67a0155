// Package store is the only place with SQL. It keeps the projection of the
// cases, their events, what came in and what must go out. Constraints decide;
// no method asks before it writes what a constraint can refuse.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
	"guiling/internal/sealing"
)

// appRole is what the application works as, whatever role it signs in with. Its
// GRANTs are in the migrations.
const appRole = "guiling_app"

// Store is a database. It is safe for use by many goroutines.
type Store struct {
	db     *sqlx.DB
	dsn    string // for who listens
	sealer *sealing.Sealer
	rules  sync.Map // rulesKey to casework.Rules
}

// Open connects to the database at databaseURL, which must state its sslmode,
// and works there as guiling_app. The sealer may be nil where no personal data
// is read or written.
func Open(ctx context.Context, databaseURL string, sealer *sealing.Sealer) (*Store, error) {
	return OpenThrough(ctx, databaseURL, sealer, func(c driver.Connector) driver.Connector { return c })
}

// OpenThrough is Open by connections that through has wrapped, for whoever measures
// what goes over them.
func OpenThrough(ctx context.Context, databaseURL string, sealer *sealing.Sealer, through func(driver.Connector) driver.Connector) (*Store, error) {
	dsn, err := asAppRole(databaseURL)
	if err != nil {
		return nil, err
	}
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	db := sqlx.NewDb(sql.OpenDB(through(connector)), "postgres")
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(8)
	return &Store{db: db, dsn: dsn, sealer: sealer}, nil
}

// asAppRole adds role and time zone to a connection URL and refuses one without sslmode:
// a default that changes between driver versions is no decision.
func asAppRole(databaseURL string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", errors.New("GUILING_DATABASE_URL must be a URL of the form postgres://user@host/database?sslmode=…")
	}
	query := u.Query()
	if query.Get("sslmode") == "" {
		return "", errors.New("GUILING_DATABASE_URL must state its sslmode, for example verify-full, or disable on loopback")
	}
	options := query.Get("options") + " -c timezone=UTC"
	if !strings.Contains(options, "role=") {
		options += " -c role=" + appRole
	}
	query.Set("options", strings.TrimSpace(options))
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }

// DB is the connection pool, for the session store.
func (s *Store) DB() *sql.DB { return s.db.DB }

// Ready reports whether the database answers and has the shape of this build.
func (s *Store) Ready(ctx context.Context) error {
	var n int
	if err := s.db.GetContext(ctx, &n, `SELECT count(*) FROM reference_versions WHERE name = 'regions'`); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if n == 0 {
		return errors.New("database: no regions are loaded, run guiling migrate")
	}
	return nil
}

// inTx runs do in a transaction and commits it when do gives no error.
func (s *Store) inTx(ctx context.Context, do func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// notFound turns "no row" into the domain's error and wraps everything else.
func notFound(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return &casework.Error{Code: casework.CodeNotFound, Reason: what + "_not_found", Detail: "there is no such " + what}
	default:
		return fmt.Errorf("read %s: %w", what, err)
	}
}

// isNoRow reports whether there was no such row.
func isNoRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// violates reports whether err breaks the constraint of that name.
func violates(err error, constraint string) bool {
	pqErr, ok := errors.AsType[*pq.Error](err)
	return ok && pqErr.Constraint == constraint
}

func stringsOf[T ~string](values []T) pq.StringArray {
	out := make(pq.StringArray, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

func typed[T ~string](values pq.StringArray) []T {
	out := make([]T, 0, len(values))
	for _, v := range values {
		out = append(out, T(v))
	}
	return slices.Clip(out)
}
