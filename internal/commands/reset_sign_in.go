package commands

import (
	"context"
	"time"

	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/store"
	"guiling/policies"
)

// linkLife is how long a link for a first password is good.
const linkLife = 24 * time.Hour

// ResetSignIn takes from somebody every way in, second factor, sessions and tokens
// included, and gives the secret of a link by which they alone choose a new
// password. It is shown once; nobody else ever knows the password.
func (s *Service) ResetSignIn(ctx context.Context, actor casework.Actor, id int64) (secret string, err error) {
	_, object, err := s.loadPerson(ctx, actor, id)
	if err != nil {
		return "", err
	}
	by, err := s.administer(ctx, actor, casework.ActionResetSignIn, object)
	if err != nil {
		return "", err
	}
	return NewSignInLink(ctx, s.store, id, by, s.now())
}

// NewSignInLink is ResetSignIn without the question whether one may: for the
// command line, on the server itself.
func NewSignInLink(ctx context.Context, st *store.Store, id int64, by casework.By, now time.Time) (string, error) {
	secret, hash, err := identity.NewLink()
	if err != nil {
		return "", err
	}
	return secret, st.ResetSignIn(ctx, store.SignInReset{UserID: id, By: by, TokenHash: hash, ExpiresAt: now.Add(linkLife)})
}

// EndSessionsOf signs somebody out everywhere and ends their tokens.
func (s *Service) EndSessionsOf(ctx context.Context, actor casework.Actor, id int64) error {
	_, object, err := s.loadPerson(ctx, actor, id)
	if err != nil {
		return err
	}
	by, err := s.administer(ctx, actor, casework.ActionEndSessions, object)
	if err != nil {
		return err
	}
	return s.store.EndAllOf(ctx, id, by)
}

// sessionsListed bounds the list of who is signed in.
const sessionsListed = 500

// ListSessions lists who is signed in, in the actor's subtree, the latest first.
func (s *Service) ListSessions(ctx context.Context, actor casework.Actor) ([]store.Session, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionEndSessions, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return nil, err
	}
	return s.store.SessionsBelow(ctx, actor.RegionCode, s.now(), sessionsListed)
}
