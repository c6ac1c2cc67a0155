// Package migrations owns the shape of the database and the reference data in
// it. Up may be called by any number of replicas at once: a session lock lets
// one work while the others wait.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	_ "github.com/lib/pq" // the database/sql driver "postgres"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed sql/*.sql
var files embed.FS

// Up brings the database at ownerURL to the newest shape and loads the reference
// data of this build. It needs a role that owns the database and may create
// roles. Calling it again changes nothing.
func Up(ctx context.Context, ownerURL string, log *slog.Logger) error {
	db, err := sql.Open("postgres", ownerURL)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = db.Close() }()
	if err := checkLocale(ctx, db); err != nil {
		return err
	}
	if err := migrate(ctx, db, log); err != nil {
		return err
	}
	return loadReferenceData(ctx, db, log)
}

func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	scripts, err := fs.Sub(files, "sql")
	if err != nil {
		return fmt.Errorf("migration files: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, scripts, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		log.InfoContext(ctx, "migrated", "file", r.Source.Path, "took_ms", r.Duration.Milliseconds())
	}
	return nil
}

// checkLocale refuses a database in which Chinese text would not sort, compare
// or be stored as we expect.
func checkLocale(ctx context.Context, db *sql.DB) error {
	var encoding, ctype string
	err := db.QueryRowContext(ctx, `
		SELECT pg_encoding_to_char(encoding), datctype FROM pg_database WHERE datname = current_database()`,
	).Scan(&encoding, &ctype)
	if err != nil {
		return fmt.Errorf("read the locale of the database: %w", err)
	}
	if encoding != "UTF8" || ctype == "C" || ctype == "POSIX" {
		return fmt.Errorf("the database has encoding %s and LC_CTYPE %s; create it with ENCODING 'UTF8' and LC_CTYPE 'C.UTF-8'", encoding, ctype)
	}
	return nil
}
