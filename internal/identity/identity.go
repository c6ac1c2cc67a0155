// Package identity says who somebody is: by password, by token, or, in the demo,
// by choosing one of the invented people. What they may do is not its business.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// Users is where people are kept.
type Users interface {
	UserByID(ctx context.Context, id int64) (store.User, error)
	UserByName(ctx context.Context, username string) (store.User, error)
	UserByToken(ctx context.Context, hash []byte) (store.User, error)
	DemoUsers(ctx context.Context) ([]store.User, error)
	CreateToken(ctx context.Context, userID int64, hash []byte, expiresAt time.Time) error
}

// Service answers who somebody is. It is safe for use by many goroutines.
type Service struct {
	users Users
	demo  bool
	now   func() time.Time
	// dummy is compared with when there is no such user, so that an unknown name
	// takes as long as a wrong password.
	dummy string
	// slots bounds how many passwords are hashed at once: each takes memory.
	slots chan struct{}
}

// hashesAtOnce bounds the memory that sign-in can take: 64 MiB each.
const hashesAtOnce = 4

// New makes the service. In the demo the invented people may sign in without a
// password; elsewhere they do not exist.
func New(users Users, demo bool, now func() time.Time) (*Service, error) {
	dummy, err := HashPassword(rand.Text())
	if err != nil {
		return nil, err
	}
	return &Service{users: users, demo: demo, now: now, dummy: dummy, slots: make(chan struct{}, hashesAtOnce)}, nil
}

// Demo reports whether the invented people are offered.
func (s *Service) Demo() bool { return s.demo }

func unauthorized(reason, detail string) error {
	return &casework.Error{Code: casework.CodeUnauthorized, Reason: reason, Detail: detail}
}

// SignIn checks a password. A wrong one and an unknown name are the same error.
func (s *Service) SignIn(ctx context.Context, username, password string) (store.User, error) {
	user, err := s.users.UserByName(ctx, strings.ToLower(strings.TrimSpace(username)))
	known := err == nil && user.PasswordHash != ""
	if domain, ok := casework.AsError(err); err != nil && (!ok || domain.Code != casework.CodeNotFound) {
		return store.User{}, err
	}
	hash := s.dummy
	if known {
		hash = user.PasswordHash
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return store.User{}, &casework.Error{Code: casework.CodeTooMany, Reason: "too_many", Detail: "sign-in is busy"}
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return store.User{}, fmt.Errorf("check the password: %w", err)
	}
	if !match || !known {
		return store.User{}, unauthorized("wrong_credentials", "unknown name or wrong password")
	}
	return user, nil
}

// SignInDemo signs one of the invented people in, in the demo only.
func (s *Service) SignInDemo(ctx context.Context, username string) (store.User, error) {
	if !s.demo {
		return store.User{}, unauthorized("wrong_credentials", "there is no demo here")
	}
	user, err := s.users.UserByName(ctx, username)
	if err != nil || !user.Demo {
		return store.User{}, unauthorized("wrong_credentials", "no such person in the demo")
	}
	return user, nil
}

// DemoUsers lists the invented people, and nobody outside the demo.
func (s *Service) DemoUsers(ctx context.Context) ([]store.User, error) {
	if !s.demo {
		return nil, nil
	}
	return s.users.DemoUsers(ctx)
}

// UserByID gives the person of a session. A person who was disabled, or who is
// invented where there is no demo, is CodeUnauthorized.
func (s *Service) UserByID(ctx context.Context, id int64) (store.User, error) {
	user, err := s.users.UserByID(ctx, id)
	return s.stillThere(user, err)
}

// tokenPrefix makes a token recognisable to people and to secret scanners.
const tokenPrefix = "guiling_"

// tokenBytes of randomness are in a token.
const tokenBytes = 32

// UserByToken gives the person of a bearer token; CodeUnauthorized for any other.
func (s *Service) UserByToken(ctx context.Context, token string) (store.User, error) {
	secret, ok := strings.CutPrefix(token, tokenPrefix)
	if raw, err := base64.RawURLEncoding.DecodeString(secret); !ok || err != nil || len(raw) != tokenBytes {
		return store.User{}, unauthorized("wrong_token", "this is no token of ours")
	}
	hash := sha256.Sum256([]byte(token))
	user, err := s.users.UserByToken(ctx, hash[:])
	return s.stillThere(user, err)
}

func (s *Service) stillThere(user store.User, err error) (store.User, error) {
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeNotFound {
		return store.User{}, unauthorized("not_signed_in", "unknown, expired or disabled")
	}
	if err != nil {
		return store.User{}, err
	}
	if user.Demo && !s.demo {
		return store.User{}, unauthorized("not_signed_in", "the demo is off")
	}
	return user, nil
}

// IssueToken makes a bearer token for a person, good for a time. It is shown
// once; only its hash is kept.
func (s *Service) IssueToken(ctx context.Context, username string, goodFor time.Duration) (string, error) {
	user, err := s.users.UserByName(ctx, username)
	if err != nil {
		return "", err
	}
	if user.Demo && !s.demo {
		return "", casework.Forbidden("demo_off", "this person exists only in the demo; set GUILING_DEMO=1")
	}
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
	hash := sha256.Sum256([]byte(token))
	if err := s.users.CreateToken(ctx, user.ID, hash[:], s.now().Add(goodFor)); err != nil {
		return "", err
	}
	return token, nil
}

// The length of a password, in characters. The upper end bounds the work.
const (
	minPassword = 12
	maxPassword = 128
)

// ErrPassword refuses a password that is too short or too long.
var ErrPassword = errors.New("a password has 12 to 128 characters")

// CheckPassword refuses a password that nobody should have.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return ErrPassword
	}
	return nil
}

// HashPassword makes the argon2id hash of a password, in PHC form.
func HashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, argon2id.DefaultParams)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return hash, nil
}
