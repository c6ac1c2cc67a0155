package commands

import (
	"context"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// SeenHints lists what this person has put away.
func (s *Service) SeenHints(ctx context.Context, actor casework.Actor) ([]store.Hint, error) {
	return s.store.SeenHints(ctx, actor.UserID)
}

// PutHintAway sees to it that this person is not told again.
func (s *Service) PutHintAway(ctx context.Context, actor casework.Actor, hint store.Hint) error {
	if !slices.Contains(store.Hints(), hint) {
		return casework.Invalid("hint", "unknown_hint", "there is no such hint")
	}
	return s.store.PutHintAway(ctx, actor.UserID, hint)
}
