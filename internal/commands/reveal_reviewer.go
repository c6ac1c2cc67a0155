package commands

import (
	"context"
	"strings"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// maxPurpose bounds the purpose of a look, in characters.
const maxPurpose = 200

// Look is what somebody asks for who has to see a reviewer's data in clear.
type Look struct {
	Number  string
	Purpose string
	// RequestID makes every attempt at one request the same look; empty: a look of
	// its own. See Once.
	RequestID string
}

// RevealReviewer shows the reviewer's data in clear to somebody who needs them,
// for a stated purpose (第六条). Every look is recorded and visible to auditors.
func (s *Service) RevealReviewer(ctx context.Context, actor casework.Actor, look Look) (store.Reviewer, error) {
	purpose := look.Purpose
	switch {
	case strings.TrimSpace(purpose) == "":
		return store.Reviewer{}, casework.Invalid("purpose", "required", "say what the data are needed for")
	case !utf8.ValidString(purpose) || strings.ContainsRune(purpose, 0):
		return store.Reviewer{}, casework.Invalid("purpose", "invalid_text", "the text holds a NUL or is not valid UTF-8")
	case utf8.RuneCountInString(purpose) > maxPurpose:
		return store.Reviewer{}, casework.Invalid("purpose", "purpose_too_long", "at most 200 characters")
	}
	c, err := s.load(ctx, actor, look.Number)
	if err != nil {
		return store.Reviewer{}, err
	}
	decision, err := s.authorize(ctx, actor, casework.ActionReveal, c.object)
	if err != nil {
		return store.Reviewer{}, err
	}
	return s.store.RevealReviewer(ctx, store.Reveal{
		Number: look.Number, By: s.by(actor, decision), Purpose: purpose, RequestID: look.RequestID,
	})
}
