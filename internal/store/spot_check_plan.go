package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"guiling/internal/casework"
)

// SpotCheckPlan gives the plan of the month in which at lies, in China (第十条). A
// month that has none gets one with the rate given and a fresh seed; the first
// writer wins and nobody ever changes it.
func (s *Store) SpotCheckPlan(ctx context.Context, at time.Time, ratePerMille int) (month string, rate int, seed []byte, err error) {
	month = at.In(casework.China()).Format("2006-01")
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return "", 0, nil, fmt.Errorf("seed: %w", err)
	}
	_, err = s.db.ExecContext(ctx, `
		INSERT INTO spot_check_plans (month, rate_per_mille, seed, seed_hash, made_at) VALUES ($1, $2, $3, $4, now())
		ON CONFLICT (month) DO NOTHING`, month, ratePerMille, fresh, casework.SeedHash(fresh))
	if err != nil {
		return "", 0, nil, fmt.Errorf("make plan of %s: %w", month, err)
	}
	err = s.db.QueryRowContext(ctx, `SELECT rate_per_mille, seed FROM spot_check_plans WHERE month = $1`, month).Scan(&rate, &seed)
	if err != nil {
		return "", 0, nil, fmt.Errorf("read plan of %s: %w", month, err)
	}
	return month, rate, seed, nil
}
