package identity_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/store"
)

var now = time.Date(2026, 12, 1, 9, 0, 0, 0, casework.China())

// users is a table of people in memory, with the errors of the store.
type users struct {
	people []store.User
	tokens map[string]token
	fails  error
}

type token struct {
	userID    int64
	expiresAt time.Time
}

func (u *users) find(matches func(store.User) bool) (store.User, error) {
	if u.fails != nil {
		return store.User{}, u.fails
	}
	for _, person := range u.people {
		if matches(person) {
			return person, nil
		}
	}
	return store.User{}, &casework.Error{Code: casework.CodeNotFound, Reason: "user_not_found", Detail: "there is no such user"}
}

func (u *users) UserByID(_ context.Context, id int64) (store.User, error) {
	return u.find(func(p store.User) bool { return p.ID == id })
}

func (u *users) UserByName(_ context.Context, username string) (store.User, error) {
	return u.find(func(p store.User) bool { return p.Username == username })
}

func (u *users) UserByToken(_ context.Context, hash []byte) (store.User, error) {
	kept := u.tokens[hex.EncodeToString(hash)]
	return u.find(func(p store.User) bool { return p.ID == kept.userID && now.Before(kept.expiresAt) })
}

func (u *users) DemoUsers(context.Context) ([]store.User, error) {
	var demo []store.User
	for _, p := range u.people {
		if p.Demo {
			demo = append(demo, p)
		}
	}
	return demo, nil
}

func (u *users) CreateToken(_ context.Context, userID int64, hash []byte, expiresAt time.Time) error {
	u.tokens[hex.EncodeToString(hash)] = token{userID: userID, expiresAt: expiresAt}
	return nil
}

const password = "correct horse 正确"

func setup(t *testing.T, demo bool) (*identity.Service, *users) {
	t.Helper()
	hash, err := identity.HashPassword(password)
	require.NoError(t, err)
	people := &users{tokens: map[string]token{}, people: []store.User{
		{ID: 1, Username: "real", PasswordHash: hash},
		{ID: 2, Username: "no-password"},
		{ID: 3, Username: "invented", Demo: true},
	}}
	service, err := identity.New(people, demo, func() time.Time { return now })
	require.NoError(t, err)
	return service, people
}

func requireRefused(t *testing.T, err error, code casework.Code, reason string) {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, domain.Code)
	require.Equal(t, reason, domain.Reason)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	service, people := setup(t, false)
	for _, name := range []string{"real", " Real ", "REAL"} {
		user, err := service.SignIn(t.Context(), name, password)
		require.NoError(t, err, name)
		require.Equal(t, int64(1), user.ID)
	}

	_, unknown := service.SignIn(t.Context(), "nobody", password)
	requireRefused(t, unknown, casework.CodeUnauthorized, "wrong_credentials")
	for _, c := range [][2]string{
		{"real", "wrong"},
		{"real", ""},
		{"real", password + " "},
		{"real", strings.ToUpper(password)},
		{"no-password", password},
		{"no-password", ""},
		{"", ""},
		{"' OR '1'='1", "x"},
	} {
		user, err := service.SignIn(t.Context(), c[0], c[1])
		require.Equal(t, unknown, err, "%q: a wrong password and an unknown name are the same error", c)
		require.Zero(t, user)
	}

	people.fails = errors.New("connection refused")
	_, err := service.SignIn(t.Context(), "real", password)
	require.ErrorIs(t, err, people.fails, "a database that is away says nothing about the password")
}

// TestSignInHashesWhoeverAsks: with every place taken, known and unknown people
// wait for one alike, so that the time says nothing about a name.
func TestSignInHashesWhoeverAsks(t *testing.T) {
	t.Parallel()
	service, _ := setup(t, false)
	release := service.Occupy(identity.HashesAtOnce)
	gaveUp, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"real", "no-password", "nobody"} {
		_, err := service.SignIn(gaveUp, name, password)
		requireRefused(t, err, casework.CodeTooMany, "too_many")
	}

	signedIn := make(chan error)
	go func() {
		_, err := service.SignIn(t.Context(), "real", password)
		signedIn <- err
	}()
	release()
	require.NoError(t, <-signedIn, "who waits is served")
	service.Occupy(identity.HashesAtOnce)() // every place was given back
}

func TestWithoutTheDemoTheInventedAreNobody(t *testing.T) {
	t.Parallel()
	service, people := setup(t, false)
	require.False(t, service.Demo())
	_, err := service.SignInDemo(t.Context(), "invented")
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")
	list, err := service.DemoUsers(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = service.UserByID(t.Context(), 3)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	_, err = service.IssueToken(t.Context(), "invented", time.Hour)
	requireRefused(t, err, casework.CodeForbidden, "demo_off")
	require.Empty(t, people.tokens)

	inDemo, err := identity.New(people, true, func() time.Time { return now })
	require.NoError(t, err)
	kept, err := inDemo.IssueToken(t.Context(), "invented", time.Hour)
	require.NoError(t, err)
	_, err = service.UserByToken(t.Context(), kept)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	_, err = service.UserByID(t.Context(), 1)
	require.NoError(t, err, "real people stay")
}

func TestDemo(t *testing.T) {
	t.Parallel()
	service, _ := setup(t, true)
	require.True(t, service.Demo())
	user, err := service.SignInDemo(t.Context(), "invented")
	require.NoError(t, err)
	require.Equal(t, int64(3), user.ID)
	for _, name := range []string{"real", "nobody"} {
		_, err := service.SignInDemo(t.Context(), name)
		requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")
	}
	list, err := service.DemoUsers(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = service.UserByID(t.Context(), 99)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	service, people := setup(t, false)
	good, err := service.IssueToken(t.Context(), "real", time.Hour)
	require.NoError(t, err)
	require.Regexp(t, `^guiling_[A-Za-z0-9_-]{43}$`, good)
	another, err := service.IssueToken(t.Context(), "real", time.Hour)
	require.NoError(t, err)
	require.NotEqual(t, good, another)
	for kept := range people.tokens {
		require.NotContains(t, good, kept, "only a hash is kept")
		require.Len(t, kept, 64)
	}
	user, err := service.UserByToken(t.Context(), good)
	require.NoError(t, err)
	require.Equal(t, int64(1), user.ID)

	secret := strings.TrimPrefix(good, "guiling_")
	for _, wrong := range []string{
		"", "guiling_", secret, "Guiling_" + secret, "gitlab_" + secret, "guiling_" + secret[1:], good + "A", good + "=", " " + good,
		"guiling_guiling_" + secret, "guiling_" + strings.Repeat("!", 43),
	} {
		_, err := service.UserByToken(t.Context(), wrong)
		requireRefused(t, err, casework.CodeUnauthorized, "wrong_token")
	}
	unknown := "guiling_" + base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	_, err = service.UserByToken(t.Context(), unknown)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	expired, err := service.IssueToken(t.Context(), "real", 0)
	require.NoError(t, err)
	_, err = service.UserByToken(t.Context(), expired)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")

	_, err = service.IssueToken(t.Context(), "nobody", time.Hour)
	require.Error(t, err)
	people.fails = errors.New("connection refused")
	_, err = service.UserByToken(t.Context(), good)
	require.ErrorIs(t, err, people.fails, "a database that is away is no wrong token")
}

func TestPasswordBounds(t *testing.T) {
	t.Parallel()
	for length, fits := range map[int]bool{0: false, 11: false, 12: true, 64: true, 128: true, 129: false} {
		for _, character := range []string{"x", "密", " "} {
			err := identity.CheckPassword(strings.Repeat(character, length))
			if fits {
				require.NoError(t, err, "%d times %q", length, character)
			} else {
				require.ErrorIs(t, err, identity.ErrPassword, "%d times %q", length, character)
			}
		}
	}
}

func TestHashPassword(t *testing.T) {
	t.Parallel()
	one, err := identity.HashPassword(password)
	require.NoError(t, err)
	two, err := identity.HashPassword(password)
	require.NoError(t, err)
	require.NotEqual(t, one, two, "each has its own salt")
	require.True(t, strings.HasPrefix(one, "$argon2id$v=19$m=65536,"), one)
	require.NotContains(t, one, password)
}
