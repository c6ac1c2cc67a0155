package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/lib/pq"

	"guiling/internal/casework"
	"guiling/reference"
)

// Demo brings the invented organisations and people of the demo into a database
// that Up has prepared. They have no passwords; the sign-in page offers them
// only where GUILING_DEMO=1. Calling it again changes nothing.
func Demo(ctx context.Context, ownerURL string, log *slog.Logger) error {
	db, err := sql.Open("postgres", ownerURL)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = db.Close() }()
	return once(ctx, db, "demo", reference.DemoVersion(), func(tx *sql.Tx) error {
		demo, err := reference.Demo()
		if err != nil {
			return err
		}
		for _, o := range demo.Organisations {
			if err := demoOrganisation(ctx, tx, o); err != nil {
				return fmt.Errorf("organisation %s: %w", o.Name, err)
			}
		}
		for _, u := range demo.Users {
			if err := demoUser(ctx, tx, u); err != nil {
				return fmt.Errorf("user %s: %w", u.Username, err)
			}
		}
		log.InfoContext(ctx, "loaded demo data", "organisations", len(demo.Organisations), "users", len(demo.Users))
		return nil
	})
}

func demoOrganisation(ctx context.Context, tx *sql.Tx, o reference.DemoOrganisation) error {
	if o.Kind == casework.KindAuthority {
		// The parent is the authority of the nearest region above that has one.
		_, err := tx.ExecContext(ctx, `
			INSERT INTO organisations (kind, name, region_code, parent_id)
			SELECT 'authority', $1, r.code, (
				SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code
				WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) AND a.region_code <> r.code
				ORDER BY cardinality(ar.path) DESC LIMIT 1)
			FROM regions r WHERE r.code = $2
			ON CONFLICT (region_code) WHERE kind = 'authority' AND valid_to IS NULL DO UPDATE SET name = excluded.name`, o.Name, o.RegionCode)
		if err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO organisations (kind, name, region_code, parent_id)
		SELECT 'department', $1, $2, a.id FROM organisations a WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.name = $3
		ON CONFLICT (region_code, name) WHERE kind = 'department' AND valid_to IS NULL DO UPDATE SET confirmed = true, parent_id = excluded.parent_id`,
		o.Name, o.RegionCode, o.Authority)
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

func demoUser(ctx context.Context, tx *sql.Tx, u reference.DemoUser) error {
	roles := make(pq.StringArray, 0, len(u.Roles))
	for _, r := range u.Roles {
		roles = append(roles, string(r))
	}
	result, err := tx.ExecContext(ctx, `
		INSERT INTO users (username, display_name, organisation_id, roles, position, staff_label, demo)
		SELECT $1, $2, o.id, $3, $4, $5, true FROM organisations o WHERE o.valid_to IS NULL AND o.name = $6
		ON CONFLICT (username) DO UPDATE
		SET display_name = excluded.display_name, organisation_id = excluded.organisation_id, roles = excluded.roles,
		    position = excluded.position, staff_label = excluded.staff_label
		WHERE users.demo`,
		u.Username, u.DisplayName, roles, u.Position, u.StaffLabel, u.Organisation)
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%d organisations are called %s: %w", n, u.Organisation, err)
	}
	return nil
}
