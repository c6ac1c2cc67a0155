package store

import (
	"context"
	"fmt"
	"time"

	"guiling/internal/casework"
)

// TokenScope is how much of what a person may do a token may.
type TokenScope string

// A token reads only, or does everything that its person may.
const (
	TokenReads TokenScope = "read"
	TokenActs  TokenScope = "act"
)

// TokenScopes lists the scopes.
func TokenScopes() []TokenScope { return []TokenScope{TokenReads, TokenActs} }

// Token is a personal token, without its secret.
type Token struct {
	ID         int64      `db:"id"`
	Name       string     `db:"name"`
	Scope      TokenScope `db:"scope"`
	CreatedAt  time.Time  `db:"created_at"`
	ExpiresAt  time.Time  `db:"expires_at"`
	LastUsedAt *time.Time `db:"last_used_at"` // to the hour
}

// NewToken is a token to be kept.
type NewToken struct {
	UserID    int64
	Name      string
	Scope     TokenScope
	Hash      []byte // SHA-256 of the token
	ExpiresAt time.Time
}

// CreateToken keeps a personal token.
func (s *Store) CreateToken(ctx context.Context, t NewToken) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO api_tokens (user_id, name, scope, token_hash, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		t.UserID, t.Name, string(t.Scope), t.Hash, t.ExpiresAt)
	if err != nil {
		return fmt.Errorf("create token: %w", err)
	}
	return nil
}

// UserByToken reads the person whose token has this SHA-256, and how much it may; a
// token that has expired, was revoked or belongs to a disabled person is CodeNotFound.
func (s *Store) UserByToken(ctx context.Context, hash []byte) (User, error) {
	var token struct {
		UserID int64      `db:"user_id"`
		Scope  TokenScope `db:"scope"`
		Stale  bool       `db:"stale"`
	}
	err := s.db.GetContext(ctx, &token, `
		SELECT user_id, scope, COALESCE(last_used_at < now() - interval '1 hour', true) AS stale
		FROM api_tokens WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > now()`, hash)
	if err != nil {
		return User{}, notFound(err, "user")
	}
	u, err := s.UserByID(ctx, token.UserID)
	if err != nil {
		return User{}, err
	}
	u.ReadsOnly = token.Scope != TokenActs
	if token.Stale {
		_, err = s.db.ExecContext(ctx, `UPDATE api_tokens SET last_used_at = now() WHERE token_hash = $1`, hash)
		if err != nil {
			return User{}, fmt.Errorf("note the use of a token: %w", err)
		}
	}
	return u, nil
}

// TokensOf lists the tokens of a person that are still good, the newest first.
func (s *Store) TokensOf(ctx context.Context, userID int64) ([]Token, error) {
	var tokens []Token
	err := s.db.SelectContext(ctx, &tokens, `
		SELECT id, name, scope, created_at, expires_at, last_used_at FROM api_tokens
		WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() ORDER BY id DESC`, userID)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return tokens, nil
}

// RevokeToken ends a token of a person; CodeNotFound for anybody else's.
func (s *Store) RevokeToken(ctx context.Context, userID, id int64) error {
	ended, err := s.took(ctx, `UPDATE api_tokens SET revoked_at = now() WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL`, userID, id)
	if err != nil {
		return err
	}
	if !ended {
		return &casework.Error{Code: casework.CodeNotFound, Reason: "token_not_found", Detail: "there is no such token"}
	}
	return nil
}
