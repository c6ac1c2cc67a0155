package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/lib/pq"

	"guiling/internal/casework"
	"guiling/reference"
)

// referenceLock keeps two replicas from loading the same data at once. The
// number means nothing but itself.
const referenceLock = 4107_2019_05

// loadReferenceData brings the regions of this build into the database, and an
// authority for every region of county level and above: 第五条 knows one at each
// level. Townships and villages get theirs from the people who run the system.
func loadReferenceData(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	if err := publishRules(ctx, db); err != nil {
		return err
	}
	return once(ctx, db, "regions", reference.RegionsVersion(), func(tx *sql.Tx) error {
		regions, err := reference.Regions()
		if err != nil {
			return err
		}
		if err := copyRegions(ctx, tx, regions); err != nil {
			return err
		}
		if err := createAuthorities(ctx, tx); err != nil {
			return err
		}
		if err := reparent(ctx, tx); err != nil {
			return err
		}
		log.InfoContext(ctx, "loaded regions", "count", len(regions), "version", reference.RegionsVersion())
		return nil
	})
}

// once runs load in a transaction unless the version is loaded already.
func once(ctx context.Context, db *sql.DB, name, version string, load func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, referenceLock); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	var loaded string
	err = tx.QueryRowContext(ctx, `SELECT version FROM reference_versions WHERE name = $1`, name).Scan(&loaded)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("load %s: %w", name, err)
	}
	if loaded == version {
		return nil
	}
	if err := load(tx); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO reference_versions (name, version) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, loaded_at = now()`, name, version)
	if err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	return nil
}

func copyRegions(ctx context.Context, tx *sql.Tx, regions []casework.Region) error {
	if _, err := tx.ExecContext(ctx, `CREATE TEMPORARY TABLE new_regions (LIKE regions) ON COMMIT DROP`); err != nil {
		return fmt.Errorf("stage regions: %w", err)
	}
	insert, err := tx.PrepareContext(ctx, `COPY new_regions (code, name, level, parent_code, path) FROM STDIN`)
	if err != nil {
		return fmt.Errorf("copy regions: %w", err)
	}
	defer func() { _ = insert.Close() }()
	paths := make(map[string][]string, len(regions))
	for _, r := range regions {
		path := append(slices.Clone(paths[r.ParentCode]), r.Code)
		paths[r.Code] = path
		parent := sql.NullString{String: r.ParentCode, Valid: r.ParentCode != ""}
		if _, err := insert.ExecContext(ctx, r.Code, r.Name, string(r.Level), parent, pq.StringArray(path)); err != nil {
			return fmt.Errorf("copy region %s: %w", r.Code, err)
		}
	}
	if _, err := insert.ExecContext(ctx); err != nil {
		return fmt.Errorf("copy regions: %w", err)
	}
	// A region that the new list no longer has stays: old cases name it.
	_, err = tx.ExecContext(ctx, `
		INSERT INTO regions (code, name, level, parent_code, path)
		SELECT code, name, level, parent_code, path FROM new_regions ORDER BY cardinality(path), code
		ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, level = excluded.level, parent_code = excluded.parent_code, path = excluded.path`)
	if err != nil {
		return fmt.Errorf("store regions: %w", err)
	}
	return nil
}

// reparent makes every organisation answer to whom the regions say, where the new
// list gives a region another parent: a county that the province manages itself.
func reparent(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE organisations o SET parent_id = answers.parent_id
		FROM (
			SELECT x.id, (
				SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code
				WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) AND a.id <> x.id
				ORDER BY cardinality(ar.path) DESC LIMIT 1) AS parent_id
			FROM organisations x JOIN regions r ON r.code = x.region_code
			WHERE x.valid_to IS NULL) answers
		WHERE o.id = answers.id AND o.parent_id IS DISTINCT FROM answers.parent_id`)
	if err != nil {
		return fmt.Errorf("parents of organisations: %w", err)
	}
	return nil
}

// createAuthorities gives each region of county level and above an authority
// whose parent is the next one above. Existing ones stay as they are, and one that was
// closed does not come back.
func createAuthorities(ctx context.Context, tx *sql.Tx) error {
	for _, level := range []casework.AdminLevel{casework.LevelProvince, casework.LevelCity, casework.LevelCounty} {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO organisations (kind, name, region_code, parent_id)
			SELECT 'authority', r.name || '政务服务管理机构', r.code, parent.id
			FROM regions r
			LEFT JOIN LATERAL (
				SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code
				WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) AND a.region_code <> r.code
				ORDER BY cardinality(ar.path) DESC LIMIT 1) parent ON true
			WHERE r.level = $1 AND NOT EXISTS (SELECT FROM organisations x WHERE x.kind = 'authority' AND x.region_code = r.code)
			ORDER BY r.code
			ON CONFLICT (region_code) WHERE kind = 'authority' AND valid_to IS NULL DO NOTHING`, string(level))
		if err != nil {
			return fmt.Errorf("create authorities of level %s: %w", level, err)
		}
	}
	return nil
}
