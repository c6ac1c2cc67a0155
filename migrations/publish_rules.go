package migrations

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"guiling/policies/rules"
	"guiling/reference"
)

// publishRules adds the rule packs and the calendar of this build to those that
// were published before. A pack that was changed without a new version is refused:
// cases that run under it would no longer say by which numbers.
func publishRules(ctx context.Context, db *sql.DB) error {
	packs, err := rules.All()
	if err != nil {
		return fmt.Errorf("publish rules: %w", err)
	}
	for _, p := range packs {
		body, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("publish rule pack %s: %w", p.ID, err)
		}
		_, err = db.ExecContext(ctx, `
			INSERT INTO rule_packs (id, version, effective_from, body) VALUES ($1, $2, CAST($3 AS date), $4)
			ON CONFLICT (id, version) DO NOTHING`, p.ID, p.Version, p.EffectiveFrom.String(), body)
		if err != nil {
			return fmt.Errorf("publish rule pack %s: %w", p.ID, err)
		}
		var same bool
		err = db.QueryRowContext(ctx, `SELECT body = CAST($3 AS jsonb) FROM rule_packs WHERE id = $1 AND version = $2`,
			p.ID, p.Version, body).Scan(&same)
		if err != nil {
			return fmt.Errorf("publish rule pack %s: %w", p.ID, err)
		}
		if !same {
			return fmt.Errorf("rule pack %s version %d was published with other numbers; raise its version", p.ID, p.Version)
		}
	}
	calendar, err := reference.Calendar()
	if err != nil {
		return fmt.Errorf("publish calendar: %w", err)
	}
	body, err := json.Marshal(calendar)
	if err != nil {
		return fmt.Errorf("publish calendar: %w", err)
	}
	_, err = db.ExecContext(ctx, `
		INSERT INTO calendars (version, published_through, body) VALUES ($1, CAST($2 AS date), $3) ON CONFLICT (version) DO NOTHING`,
		calendar.Version, calendar.PublishedThrough.String(), body)
	if err != nil {
		return fmt.Errorf("publish calendar: %w", err)
	}
	return nil
}
