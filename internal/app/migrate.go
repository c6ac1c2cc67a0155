package app

import (
	"context"
	"log/slog"

	"guiling/migrations"
)

// Migrate brings the database to the shape of this build, with its reference
// data, and with the invented people where the demo is on.
func Migrate(ctx context.Context, s Settings, log *slog.Logger) error {
	if err := s.needDatabase(); err != nil {
		return err
	}
	if err := migrations.Up(ctx, s.ownerURL(), log); err != nil {
		return err
	}
	if s.Demo {
		return migrations.Demo(ctx, s.ownerURL(), log)
	}
	return nil
}
