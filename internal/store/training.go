package store

import (
	"context"
	"fmt"
)

// HoldsRealCases reports whether a database that serves a demo holds cases that
// were not made in one: a case that is older than the invented people, or one in
// which somebody who is not invented has acted.
func (s *Store) HoldsRealCases(ctx context.Context) (bool, error) {
	const query = `
		SELECT EXISTS (SELECT FROM cases WHERE created_at < COALESCE((SELECT min(created_at) FROM users WHERE demo), 'infinity'))
			OR EXISTS (SELECT FROM case_events e JOIN users u ON u.id = e.by_user_id WHERE NOT u.demo)`
	var holds bool
	if err := s.db.GetContext(ctx, &holds, query); err != nil {
		return false, fmt.Errorf("look for real cases: %w", err)
	}
	return holds, nil
}
