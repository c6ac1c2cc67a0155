// Package identity says who somebody is: by password and second factor, by token,
// by a link of their own, or, in the demo, by choosing one of the invented people.
// What they may do is not its business.
package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// Users is where people are kept, and what became of their attempts.
type Users interface {
	UserByID(ctx context.Context, id int64) (store.User, error)
	UserByName(ctx context.Context, username string) (store.User, error)
	UserByToken(ctx context.Context, hash []byte) (store.User, error)
	DemoUsers(ctx context.Context) ([]store.User, error)

	UserByOutside(ctx context.Context, identity store.OutsideIdentity) (store.User, error)

	TakeAttempt(ctx context.Context, name string, now time.Time) (allowed bool, err error)
	ReturnAttempt(ctx context.Context, name string) error
	RecordSignIn(ctx context.Context, attempt store.SignInAttempt) error
	SignInsOf(ctx context.Context, userID int64, limit int) ([]store.SignInEvent, error)
	SetPassword(ctx context.Context, userID int64, hash, keepSession string) error
	UserByLink(ctx context.Context, hash []byte, now time.Time) (store.User, error)
	UseLink(ctx context.Context, hash []byte, now time.Time, passwordHash string) error

	SecondFactor(ctx context.Context, userID int64) ([]byte, error)
	SetSecondFactor(ctx context.Context, userID int64, sealed []byte, step int64, codes [][]byte) error
	UseStep(ctx context.Context, userID, step int64) (bool, error)
	UseRecoveryCode(ctx context.Context, userID int64, hash []byte) (bool, error)

	BeginSession(ctx context.Context, session store.Session) (string, error)
	UserOfSession(ctx context.Context, id string, now time.Time) (store.User, error)
	SessionStands(ctx context.Context, id string) (store.User, error)
	SessionsOf(ctx context.Context, userID int64, now time.Time) ([]store.Session, error)
	EndSession(ctx context.Context, userID int64, id string) error
	EndOtherSessions(ctx context.Context, userID int64, keep string) error

	CreateToken(ctx context.Context, token store.NewToken) error
	TokensOf(ctx context.Context, userID int64) ([]store.Token, error)
	RevokeToken(ctx context.Context, userID, id int64) error
}

// Cipher seals the secrets of second factors; *sealing.Sealer does.
type Cipher interface {
	Seal(data []byte, context string) ([]byte, error)
	Unseal(sealed []byte, context string) ([]byte, error)
}

// Requirement says who needs a second factor.
type Requirement string

// Nobody, the three administrators, or everybody.
const (
	RequireNone           Requirement = "none"
	RequireAdministrators Requirement = "administrators"
	RequireAll            Requirement = "all"
)

// Options are what the service is made of.
type Options struct {
	Users  Users
	Cipher Cipher
	Demo   bool // the invented people may sign in without a password; elsewhere they do not exist
	// SecondFactor says who needs one; empty is RequireNone.
	SecondFactor Requirement
	Now          func() time.Time
	// LDAP checks the passwords of who has none here; nil: nobody's.
	LDAP *LDAP
}

// Service answers who somebody is. It is safe for use by many goroutines.
type Service struct {
	Options

	// dummy is compared with when there is no such user, so that an unknown name
	// takes as long as a wrong password.
	dummy string
	// slots bounds how many passwords are hashed at once: each takes memory.
	slots chan struct{}
}

// hashesAtOnce bounds the memory that sign-in can take: 64 MiB each.
const hashesAtOnce = 4

// New makes the service.
func New(o Options) (*Service, error) {
	switch o.SecondFactor {
	case "", RequireNone, RequireAdministrators, RequireAll:
	default:
		return nil, fmt.Errorf("second factor: none, administrators or all, not %q", o.SecondFactor)
	}
	dummy, err := HashPassword(rand.Text())
	if err != nil {
		return nil, err
	}
	return &Service{Options: o, dummy: dummy, slots: make(chan struct{}, hashesAtOnce)}, nil
}

// Demo reports whether the invented people are offered.
func (s *Service) Demo() bool { return s.Options.Demo }

func unauthorized(reason, detail string) error {
	return &casework.Error{Code: casework.CodeUnauthorized, Reason: reason, Detail: detail}
}

func errWrong() error {
	return unauthorized("wrong_credentials", "unknown name, wrong password, or too many failures")
}

// SignIn checks a password. A wrong one, an unknown name and a name that is locked
// after too many failures are the same error and take the same time. Who has a
// second factor is not signed in before CheckCode.
func (s *Service) SignIn(ctx context.Context, username, password, address string) (store.User, error) {
	name := strings.ToLower(strings.TrimSpace(username))
	user, err := s.Users.UserByName(ctx, name)
	known := err == nil && user.PasswordHash != ""
	if domain, ok := casework.AsError(err); err != nil && (!ok || domain.Code != casework.CodeNotFound) {
		return store.User{}, err
	}
	allowed, err := s.Users.TakeAttempt(ctx, name, s.Now())
	if err != nil {
		return store.User{}, err
	}
	hash := s.dummy
	if known {
		hash = user.PasswordHash
	}
	match, err := s.compare(ctx, normal(password), hash)
	if err != nil {
		return store.User{}, err
	}
	way := store.WayPassword
	if !known && s.LDAP != nil && allowed {
		// For names that nobody has as well, so that the time says nothing.
		way = store.WayLDAP
		if user, known, err = s.inDirectory(ctx, user, name, password); err != nil {
			// A directory that is away is nobody's failure.
			return store.User{}, errors.Join(err, s.Users.ReturnAttempt(ctx, name))
		}
		match = known
	}
	attempt := store.SignInAttempt{Name: name, UserID: user.ID, Way: way, Address: address, At: s.Now()}
	switch {
	case !allowed:
		attempt.Outcome = store.SignInLocked
	case !match || !known:
		attempt.Outcome = store.SignInRefused
	case user.SecondFactor:
		return user, s.Users.ReturnAttempt(ctx, name) // not yet
	default:
		attempt.Outcome = store.SignedIn
	}
	if err := s.Users.RecordSignIn(ctx, attempt); err != nil {
		return store.User{}, err
	}
	if attempt.Outcome != store.SignedIn {
		return store.User{}, errWrong()
	}
	return user, nil
}

// inDirectory checks a password in the directory, and that the entry is linked to
// the person of that name: nobody becomes somebody by being called the same.
func (s *Service) inDirectory(ctx context.Context, named store.User, name, password string) (store.User, bool, error) {
	found, err := s.LDAP.Check(ctx, name, password)
	if errors.Is(err, errNotThere) {
		return named, false, nil
	}
	if err != nil {
		return named, false, &casework.Error{Code: casework.CodeUnavailable, Reason: "sign_in_elsewhere_away", Detail: err.Error()}
	}
	linked, err := s.Users.UserByOutside(ctx, found)
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeNotFound {
		return named, false, nil
	}
	if err != nil {
		return named, false, err
	}
	return named, linked.ID == named.ID, nil
}

// compare hashes a password in one of a few slots.
func (s *Service) compare(ctx context.Context, password, hash string) (bool, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return false, &casework.Error{Code: casework.CodeTooMany, Reason: "too_many", Detail: "sign-in is busy"}
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return false, fmt.Errorf("check the password: %w", err)
	}
	return match, nil
}

// SignInDemo signs one of the invented people in, in the demo only.
func (s *Service) SignInDemo(ctx context.Context, username, address string) (store.User, error) {
	if !s.Options.Demo {
		return store.User{}, unauthorized("wrong_credentials", "there is no demo here")
	}
	user, err := s.Users.UserByName(ctx, username)
	if err != nil || !user.Demo {
		return store.User{}, unauthorized("wrong_credentials", "no such person in the demo")
	}
	attempt := store.SignInAttempt{Name: username, UserID: user.ID, Way: store.WayDemo, Outcome: store.SignedIn, Address: address, At: s.Now()}
	return user, s.Users.RecordSignIn(ctx, attempt)
}

// DemoUsers lists the invented people, and nobody outside the demo.
func (s *Service) DemoUsers(ctx context.Context) ([]store.User, error) {
	if !s.Options.Demo {
		return nil, nil
	}
	return s.Users.DemoUsers(ctx)
}

// BeginSession keeps that somebody's session began, and gives its id.
func (s *Service) BeginSession(ctx context.Context, session store.Session) (string, error) {
	session.BeganAt = s.Now()
	return s.Users.BeginSession(ctx, session)
}

// UserOfSession gives the person of a session. One that was ended, a person who was
// disabled, or one who is invented where there is no demo, is CodeUnauthorized.
func (s *Service) UserOfSession(ctx context.Context, id string) (store.User, error) {
	user, err := s.Users.UserOfSession(ctx, id, s.Now())
	return s.stillThere(user, err)
}

// SessionStands gives the person of a session as UserOfSession does, for what goes
// on by itself: it does not count as use of the session.
func (s *Service) SessionStands(ctx context.Context, id string) (store.User, error) {
	user, err := s.Users.SessionStands(ctx, id)
	return s.stillThere(user, err)
}

func (s *Service) stillThere(user store.User, err error) (store.User, error) {
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeNotFound {
		return store.User{}, unauthorized("not_signed_in", "unknown, expired or disabled")
	}
	if err != nil {
		return store.User{}, err
	}
	if user.Demo && !s.Options.Demo {
		return store.User{}, unauthorized("not_signed_in", "the demo is off")
	}
	return user, nil
}

// NeedsSecondFactor reports whether somebody has to set a second factor up before
// they do anything else. The invented people have nothing to protect.
func (s *Service) NeedsSecondFactor(user store.User) bool {
	if user.SecondFactor || user.Demo {
		return false
	}
	switch s.SecondFactor {
	case RequireAll:
		return true
	case RequireAdministrators:
		return slices.ContainsFunc(casework.AdministratorRoles(), user.Actor.Has)
	default:
		return false
	}
}

// Account is what somebody sees of their own access.
type Account struct {
	SignIns  []store.SignInEvent // the last, newest first
	Sessions []store.Session
	Tokens   []store.Token
}

// signInsShown bounds the list on the page of one's own account.
const signInsShown = 20

// AccountOf reads somebody's own access.
func (s *Service) AccountOf(ctx context.Context, userID int64) (Account, error) {
	var a Account
	var err error
	if a.SignIns, err = s.Users.SignInsOf(ctx, userID, signInsShown); err != nil {
		return Account{}, err
	}
	if a.Sessions, err = s.Users.SessionsOf(ctx, userID, s.Now()); err != nil {
		return Account{}, err
	}
	a.Tokens, err = s.Users.TokensOf(ctx, userID)
	return a, err
}

// EndSession ends one of somebody's own sessions, EndOtherSessions all but one.
func (s *Service) EndSession(ctx context.Context, userID int64, id string) error {
	return s.Users.EndSession(ctx, userID, id)
}

// EndOtherSessions ends all of somebody's sessions but one.
func (s *Service) EndOtherSessions(ctx context.Context, userID int64, keep string) error {
	return s.Users.EndOtherSessions(ctx, userID, keep)
}
