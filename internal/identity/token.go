package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// Prefixes make a secret recognisable to people and to secret scanners, and keep
// one from being taken for the other.
const (
	tokenPrefix = "guiling_"
	linkPrefix  = "guiling-link_"
)

// secretBytes of randomness are in a token, or in a link.
const secretBytes = 32

// maxTokenLife bounds how long a token is good.
const maxTokenLife = 366 * 24 * time.Hour

// newSecret makes a secret and the hash that is kept of it.
func newSecret(prefix string) (secret string, hash []byte, err error) {
	raw := make([]byte, secretBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", nil, fmt.Errorf("secret: %w", err)
	}
	secret = prefix + base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(secret))
	return secret, sum[:], nil
}

// hashOf gives the hash of a secret that has the form of ours.
func hashOf(prefix, secret string) ([]byte, bool) {
	rest, ok := strings.CutPrefix(secret, prefix)
	if raw, err := base64.RawURLEncoding.DecodeString(rest); !ok || err != nil || len(raw) != secretBytes {
		return nil, false
	}
	sum := sha256.Sum256([]byte(secret))
	return sum[:], true
}

// NewLink makes the secret of a link for a first password, and what is kept of it.
func NewLink() (secret string, hash []byte, err error) { return newSecret(linkPrefix) }

// UserByToken gives the person of a bearer token; CodeUnauthorized for any other.
func (s *Service) UserByToken(ctx context.Context, token string) (store.User, error) {
	hash, ok := hashOf(tokenPrefix, token)
	if !ok {
		return store.User{}, unauthorized("wrong_token", "this is no token of ours")
	}
	user, err := s.Users.UserByToken(ctx, hash)
	return s.stillThere(user, err)
}

// TokenRequest is a token that somebody asks for.
type TokenRequest struct {
	Name  string // what it is for
	Scope store.TokenScope
	Life  time.Duration
}

// MakeToken makes a bearer token for somebody. It is shown once; only its hash is
// kept.
func (s *Service) MakeToken(ctx context.Context, userID int64, r TokenRequest) (string, error) {
	name := strings.TrimSpace(r.Name)
	switch {
	case name == "":
		return "", casework.Invalid("token_name", "required", "what the token is for")
	case utf8.RuneCountInString(name) > 60 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' }):
		return "", casework.Invalid("token_name", "invalid_text", "one line of at most 60 characters")
	case !slices.Contains(store.TokenScopes(), r.Scope):
		return "", casework.Invalid("token_scope", "unknown_value", "read or act")
	case r.Life <= 0 || r.Life > maxTokenLife:
		return "", casework.Invalid("token_days", "token_life", "at most a year")
	}
	token, hash, err := newSecret(tokenPrefix)
	if err != nil {
		return "", err
	}
	err = s.Users.CreateToken(ctx, store.NewToken{UserID: userID, Name: name, Scope: r.Scope, Hash: hash, ExpiresAt: s.Now().Add(r.Life)})
	return token, err
}

// IssueToken makes a token for somebody by name, as the command line does.
func (s *Service) IssueToken(ctx context.Context, username string, r TokenRequest) (string, error) {
	user, err := s.Users.UserByName(ctx, username)
	if err != nil {
		return "", err
	}
	if user.Demo && !s.Options.Demo {
		return "", casework.Forbidden("demo_off", "this person exists only in the demo; set GUILING_DEMO=1")
	}
	return s.MakeToken(ctx, user.ID, r)
}

// RevokeToken ends one of somebody's own tokens; CodeNotFound for anybody else's.
func (s *Service) RevokeToken(ctx context.Context, userID, id int64) error {
	return s.Users.RevokeToken(ctx, userID, id)
}
