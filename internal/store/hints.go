package store

import (
	"context"
	"fmt"
)

// Hint is something that a page tells a person once.
type Hint string

// The hints, by the page that gives them.
const (
	HintInbox  Hint = "inbox"
	HintCase   Hint = "case"
	HintBoard  Hint = "board"
	HintEvents Hint = "events"
)

// Hints lists all there are.
func Hints() []Hint { return []Hint{HintInbox, HintCase, HintBoard, HintEvents} }

// SeenHints lists what a person has put away.
func (s *Store) SeenHints(ctx context.Context, userID int64) ([]Hint, error) {
	const query = `SELECT hint FROM seen_hints WHERE user_id = $1 ORDER BY hint`
	var hints []Hint
	if err := s.db.SelectContext(ctx, &hints, query, userID); err != nil {
		return nil, fmt.Errorf("hints of %d: %w", userID, err)
	}
	return hints, nil
}

// PutHintAway notes that a person need not be told again. Twice is once.
func (s *Store) PutHintAway(ctx context.Context, userID int64, hint Hint) error {
	const query = `INSERT INTO seen_hints (user_id, hint) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT hint_is_put_away_once DO NOTHING`
	if _, err := s.db.ExecContext(ctx, query, userID, hint); err != nil {
		return fmt.Errorf("put hint %s of %d away: %w", hint, userID, err)
	}
	return nil
}
