package commands

import (
	"context"

	"guiling/internal/casework"
)

// DecodePayloads says whether somebody may read what the engine keeps of cases in
// clear, in the engine's own pages. That shows cases of the whole installation, so
// only an auditor at its top may; every use is logged. Forbidden is CodeForbidden.
func (s *Service) DecodePayloads(ctx context.Context, actor casework.Actor) error {
	by, err := s.administerAll(ctx, actor, casework.ActionDecode)
	if err != nil {
		return err
	}
	s.log.InfoContext(ctx, "engine records decoded", "user_id", by.UserID, "rule", by.Rule)
	return nil
}
