package identity_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
)

const (
	password = "橘子洲头的 四月的雨声呢" //nolint:gosec // G101: of nobody; it holds a space and no digit
	invented = "zhanhe.ziran.chen"
	here     = "192.0.2.7"
)

// bundle is the service on a real database, with one real person and the invented
// ones, and a clock that only the test moves.
type bundle struct {
	*identity.Service

	store *store.Store
	owner *sql.DB
	now   *atomic.Int64
	real  store.User
	// again makes the service of another process on the same database.
	again func(change func(*identity.Options)) *identity.Service
}

func setup(t *testing.T) bundle {
	t.Helper()
	db := testdb.New(t)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	sealer, err := sealing.Open(filepath.Join(t.TempDir(), "key.json"), true)
	require.NoError(t, err)
	st, err := store.Open(t.Context(), db.AppURL, sealer)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	owner, err := sql.Open("postgres", db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, owner.Close()) })
	b := bundle{store: st, owner: owner, now: &atomic.Int64{}}
	b.now.Store(time.Now().Unix())
	b.again = func(change func(*identity.Options)) *identity.Service {
		options := identity.Options{Users: st, Cipher: sealer, Now: func() time.Time { return time.Unix(b.now.Load(), 0) }}
		change(&options)
		service, err := identity.New(options)
		require.NoError(t, err)
		return service
	}
	b.Service = b.again(func(*identity.Options) {})
	hash, err := identity.HashPassword(password)
	require.NoError(t, err)
	demo, err := st.UserByName(t.Context(), invented)
	require.NoError(t, err)
	b.person(t, "no-password", "")
	b.real = b.person(t, "real", hash)
	require.Equal(t, demo.Actor.OrganisationID, b.real.Actor.OrganisationID)
	return b
}

func (b bundle) person(t *testing.T, username, hash string) store.User {
	t.Helper()
	demo, err := b.store.UserByName(t.Context(), invented)
	require.NoError(t, err)
	id, err := b.store.CreateUser(t.Context(), store.NewUser{
		Username: username, DisplayName: "沈知远", OrganisationID: demo.Actor.OrganisationID, Roles: []casework.Role{casework.RoleHandler}, PasswordHash: hash,
	})
	require.NoError(t, err)
	u, err := b.store.UserByID(t.Context(), id)
	require.NoError(t, err)
	return u
}

func (b bundle) pass(d time.Duration) { b.now.Add(int64(d / time.Second)) }

func (b bundle) token(t *testing.T) string {
	t.Helper()
	token, err := b.IssueToken(t.Context(), "real", identity.TokenRequest{Name: "试用", Scope: store.TokenActs, Life: time.Hour})
	require.NoError(t, err)
	return token
}

func requireRefused(t *testing.T, err error, code casework.Code, reason string) {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, domain.Code, domain.Reason)
	require.Equal(t, reason, domain.Reason)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"real", " Real ", "REAL"} {
		user, err := b.SignIn(t.Context(), name, password, here)
		require.NoError(t, err, name)
		require.Equal(t, b.real.ID, user.ID)
	}
	_, unknown := b.SignIn(t.Context(), "nobody", password, here)
	requireRefused(t, unknown, casework.CodeUnauthorized, "wrong_credentials")
	for _, c := range [][2]string{
		{"real", "wrong"}, {"real", ""}, {"real", password + " "}, {"no-password", password}, {"no-password", ""}, {"", ""}, {"' OR '1'='1", "x"},
	} {
		user, err := b.SignIn(t.Context(), c[0], c[1], here)
		require.Equal(t, unknown, err, "%q: a wrong password and an unknown name are the same error", c)
		require.Zero(t, user)
	}
	require.NoError(t, b.store.Close())
	_, err := b.SignIn(t.Context(), "real", password, here)
	_, domain := casework.AsError(err)
	require.False(t, domain, "a database that is away says nothing about the password")
}

// TestComposedOrNot: the same characters are the same password, however a keyboard
// sends them.
func TestComposedOrNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hash, err := identity.HashPassword("caf\u00e9 am Marktplatz")
	require.NoError(t, err)
	b.person(t, "guest1", hash)
	_, err = b.SignIn(t.Context(), "guest1", "cafe\u0301 am Marktplatz", here)
	require.NoError(t, err)
}

// TestLockOut: after five failures the right password is refused as well, with the
// same words, for a minute, then two; in every process; and for names that nobody
// has alike.
func TestLockOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	other := b.again(func(*identity.Options) {})
	var wrong error
	for i := range 5 {
		service := b.Service
		if i%2 == 1 {
			service = other
		}
		_, wrong = service.SignIn(ctx, "real", "wrong", here)
	}
	_, err := other.SignIn(ctx, "REAL", password, here)
	require.Equal(t, wrong, err)
	b.pass(59 * time.Second)
	_, err = b.SignIn(ctx, "real", password, here)
	require.Equal(t, wrong, err)
	b.pass(2 * time.Second)
	_, err = b.SignIn(ctx, "real", "wrong", here) // the sixth
	require.Equal(t, wrong, err)
	b.pass(119 * time.Second)
	_, err = b.SignIn(ctx, "real", password, here)
	require.Equal(t, wrong, err)
	b.pass(2 * time.Second)
	_, err = b.SignIn(ctx, "real", password, here)
	require.NoError(t, err)
	_, err = b.SignIn(ctx, "real", "wrong", here)
	require.Error(t, err)
	_, err = b.SignIn(ctx, "real", password, here)
	require.NoError(t, err, "a success forgets the failures")

	for range 6 {
		_, err = b.SignIn(ctx, "nobody", "wrong", here)
		require.Equal(t, wrong, err)
	}
	allowed, err := b.store.TakeAttempt(ctx, "nobody", time.Unix(b.now.Load(), 0))
	require.NoError(t, err)
	require.False(t, allowed)

	account, err := b.AccountOf(ctx, b.real.ID)
	require.NoError(t, err)
	require.Equal(t, store.SignedIn, account.SignIns[0].Outcome)
	require.Equal(t, store.SignInRefused, account.SignIns[1].Outcome)
	require.Equal(t, store.SignInLocked, account.SignIns[3].Outcome)
	var kept int
	require.NoError(t, b.owner.QueryRowContext(ctx, `SELECT count(*) FROM sign_in_events WHERE user_id IS NULL`).Scan(&kept))
	require.Equal(t, 6, kept, "attempts at nobody are kept without a name")
}

// TestManyAtOnceAreHeldBack: of many passwords, or codes, that come together to two
// processes, no more are judged than may fail.
func TestManyAtOnceAreHeldBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	services := []*identity.Service{b.Service, b.again(func(*identity.Options) {})}
	together := func(try func(*identity.Service)) (judged int) {
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() { try(services[i%2]) })
		}
		group.Wait()
		require.NoError(t, b.owner.QueryRowContext(ctx, `SELECT count(*) FROM sign_in_events WHERE outcome = 'refused'`).Scan(&judged))
		return judged
	}
	require.Equal(t, 5, together(func(s *identity.Service) { _, _ = s.SignIn(ctx, "real", "wrong", here) }))
	_, err := b.SignIn(ctx, "real", password, here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")

	b.pass(48 * time.Hour) // all of it is forgotten
	ticket, err := b.HalfSignedIn(b.real)
	require.NoError(t, err)
	require.Equal(t, 10, together(func(s *identity.Service) { _, _ = s.CheckCode(ctx, ticket, "123456", here) }))
}

// TestSignInHashesWhoeverAsks: with every place taken, known and unknown people
// wait for one alike, so that the time says nothing about a name.
func TestSignInHashesWhoeverAsks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	release := b.Occupy(identity.HashesAtOnce)
	waiting, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for _, name := range []string{"real", "no-password", "nobody"} {
		_, err := b.SignIn(waiting, name, password, here)
		require.Error(t, err, name)
	}
	signedIn := make(chan error)
	go func() {
		_, err := b.SignIn(t.Context(), "real", password, here)
		signedIn <- err
	}()
	release()
	require.NoError(t, <-signedIn, "who waits is served")
	b.Occupy(identity.HashesAtOnce)() // every place was given back
}

func TestWithoutTheDemoTheInventedAreNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	require.False(t, b.Demo())
	_, err := b.SignInDemo(ctx, invented, here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")
	list, err := b.DemoUsers(ctx)
	require.NoError(t, err)
	require.Empty(t, list)
	request := identity.TokenRequest{Name: "x", Scope: store.TokenActs, Life: time.Hour}
	_, err = b.IssueToken(ctx, invented, request)
	requireRefused(t, err, casework.CodeForbidden, "demo_off")

	demo := b.again(func(o *identity.Options) { o.Demo = true })
	user, err := demo.SignInDemo(ctx, invented, here)
	require.NoError(t, err)
	session, err := demo.BeginSession(ctx, store.Session{UserID: user.ID, Way: store.WayDemo})
	require.NoError(t, err)
	_, err = demo.UserOfSession(ctx, session)
	require.NoError(t, err)
	_, err = b.UserOfSession(ctx, session)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	kept, err := demo.IssueToken(ctx, invented, request)
	require.NoError(t, err)
	_, err = b.UserByToken(ctx, kept)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	for _, name := range []string{"real", "nobody"} {
		_, err := demo.SignInDemo(ctx, name, here)
		requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	good := b.token(t)
	require.Regexp(t, `^guiling_[A-Za-z0-9_-]{43}$`, good)
	require.NotEqual(t, good, b.token(t))
	user, err := b.UserByToken(ctx, good)
	require.NoError(t, err)
	require.Equal(t, b.real.ID, user.ID)
	require.False(t, user.ReadsOnly)

	secret := strings.TrimPrefix(good, "guiling_")
	for _, wrong := range []string{
		"", "guiling_", secret, "Guiling_" + secret, "gitlab_" + secret, "guiling_" + secret[1:], good + "A", good + "=", " " + good,
		"guiling_guiling_" + secret, "guiling_" + strings.Repeat("!", 43), "guiling-link_" + secret,
	} {
		_, err := b.UserByToken(ctx, wrong)
		requireRefused(t, err, casework.CodeUnauthorized, "wrong_token")
	}
	_, err = b.UserByToken(ctx, "guiling_"+base64.RawURLEncoding.EncodeToString(make([]byte, 32)))
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")

	for reason, r := range map[string]identity.TokenRequest{
		"token_life":    {Name: "x", Scope: store.TokenActs, Life: 400 * 24 * time.Hour},
		"required":      {Name: " ", Scope: store.TokenActs, Life: time.Hour},
		"unknown_value": {Name: "x", Scope: "everything", Life: time.Hour},
		"invalid_text":  {Name: "a\nb", Scope: store.TokenReads, Life: time.Hour},
	} {
		_, err := b.MakeToken(ctx, b.real.ID, r)
		requireRefused(t, err, casework.CodeInvalid, reason)
	}
	reads, err := b.MakeToken(ctx, b.real.ID, identity.TokenRequest{Name: "报表", Scope: store.TokenReads, Life: time.Hour})
	require.NoError(t, err)
	user, err = b.UserByToken(ctx, reads)
	require.NoError(t, err)
	require.True(t, user.ReadsOnly)
	account, err := b.AccountOf(ctx, b.real.ID)
	require.NoError(t, err)
	require.Len(t, account.Tokens, 3)
	require.NotNil(t, account.Tokens[0].LastUsedAt)
	stranger := b.person(t, "stranger", "")
	requireRefused(t, b.RevokeToken(ctx, stranger.ID, account.Tokens[0].ID), casework.CodeNotFound, "token_not_found")
	require.NoError(t, b.RevokeToken(ctx, b.real.ID, account.Tokens[0].ID))
	_, err = b.UserByToken(ctx, reads)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")

	_, err = b.owner.ExecContext(ctx, `UPDATE api_tokens SET expires_at = now() - interval '1 second'`)
	require.NoError(t, err)
	_, err = b.UserByToken(ctx, good)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
}

// TestDisabledIsOutAtOnce: sessions and tokens end, and do not come back with the
// person.
func TestDisabledIsOutAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	session, err := b.BeginSession(ctx, store.Session{UserID: b.real.ID, Way: store.WayPassword, Address: here, Browser: "Firefox Linux"})
	require.NoError(t, err)
	token := b.token(t)
	for _, disabled := range []bool{true, false} {
		u, err := b.store.Person(ctx, b.real.ID)
		require.NoError(t, err)
		_, err = b.store.ChangePerson(ctx, store.PersonChange{
			ID: u.ID, Version: u.Version, Kind: store.AdminPersonDisabled,
			Change: func(u *store.User) error { u.Disabled = disabled; return nil },
		})
		require.NoError(t, err)
		_, err = b.UserOfSession(ctx, session)
		requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
		_, err = b.UserByToken(ctx, token)
		requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	}
	_, err = b.SignIn(ctx, "real", password, here)
	require.NoError(t, err)
}

func TestSessionsOfOnesOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	var ids []string
	for range 3 {
		id, err := b.BeginSession(ctx, store.Session{UserID: b.real.ID, Way: store.WayPassword, Address: here, Browser: "Chrome Windows"})
		require.NoError(t, err)
		ids = append(ids, id)
		b.pass(time.Second)
	}
	stranger := b.person(t, "stranger", "")
	require.NoError(t, b.EndSession(ctx, stranger.ID, ids[0]))
	_, err := b.UserOfSession(ctx, ids[0])
	require.NoError(t, err, "nobody ends another's")
	require.NoError(t, b.EndOtherSessions(ctx, b.real.ID, ids[1]))
	account, err := b.AccountOf(ctx, b.real.ID)
	require.NoError(t, err)
	require.Len(t, account.Sessions, 1)
	require.Equal(t, ids[1], account.Sessions[0].ID)
	_, err = b.UserOfSession(ctx, ids[2])
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
}

// TestSecondFactor: a code is taken once, in whichever process; so is a recovery
// code; failures count towards the lock.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	enrolment, err := b.BeginSecondFactor(b.real)
	require.NoError(t, err)
	require.NotContains(t, enrolment.Sealed, enrolment.Secret)
	again, err := b.SecondFactorAgain(b.real, enrolment.Sealed)
	require.NoError(t, err)
	require.Equal(t, enrolment.Secret, again.Secret)
	stranger := b.person(t, "stranger", "")
	_, err = b.SecondFactorAgain(stranger, enrolment.Sealed)
	requireRefused(t, err, casework.CodeInvalid, "wrong_code")

	code := func(ago time.Duration) string {
		text, err := totp.GenerateCode(enrolment.Secret, time.Unix(b.now.Load(), 0).Add(-ago))
		require.NoError(t, err)
		return text
	}
	_, err = b.ConfirmSecondFactor(ctx, b.real, enrolment.Sealed, "000000x")
	requireRefused(t, err, casework.CodeInvalid, "wrong_code")
	recovery, err := b.ConfirmSecondFactor(ctx, b.real, enrolment.Sealed, code(0))
	require.NoError(t, err)
	require.Len(t, recovery, 10)
	withFactor, err := b.SignIn(ctx, "real", password, here)
	require.NoError(t, err)
	require.True(t, withFactor.SecondFactor, "and is not signed in yet")
	_, err = b.ConfirmSecondFactor(ctx, withFactor, enrolment.Sealed, code(0))
	requireRefused(t, err, casework.CodeConflict, "has_second_factor")

	ticket := func() string {
		text, err := b.HalfSignedIn(b.real)
		require.NoError(t, err)
		return text
	}
	old := ticket()
	_, err = b.CheckCode(ctx, ticket(), code(0), here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_code") // it proved the enrolment
	b.pass(time.Minute)
	other := b.again(func(*identity.Options) {})
	var taken atomic.Int64
	var group sync.WaitGroup
	for i, service := range []*identity.Service{b.Service, other, b.Service, other} {
		group.Go(func() {
			if _, err := service.CheckCode(ctx, ticket(), code(0), here); err == nil {
				taken.Add(1)
			} else if domain, ok := casework.AsError(err); !ok || domain.Reason != "wrong_code" {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	group.Wait()
	require.Equal(t, int64(1), taken.Load())
	b.pass(2 * time.Hour) // no lock is left of that
	_, err = b.CheckCode(ctx, ticket(), code(30*time.Second), here)
	require.NoError(t, err, "a clock may be half a minute late")
	b.pass(10 * time.Minute)
	for _, worthless := range []string{old, "", "x", old + "x"} {
		_, err = b.CheckCode(ctx, worthless, code(0), here)
		requireRefused(t, err, casework.CodeUnauthorized, "half_expired")
	}
	_, err = b.CheckCode(ctx, ticket(), code(90*time.Second), here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_code")

	_, err = b.CheckCode(ctx, ticket(), strings.ToUpper(recovery[3]), here)
	require.NoError(t, err)
	_, err = b.CheckCode(ctx, ticket(), recovery[3], here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_code")
	for range 5 {
		_, err = b.CheckCode(ctx, ticket(), "123456", here)
		requireRefused(t, err, casework.CodeUnauthorized, "wrong_code")
	}
	_, err = b.CheckCode(ctx, ticket(), recovery[4], here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_code")
	_, err = b.SignIn(ctx, "real", password, here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")
}

func TestWhoNeedsASecondFactor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	administrator, handler := b.real, b.real
	administrator.Actor.Roles = []casework.Role{casework.RoleSecadmin}
	for requirement, want := range map[identity.Requirement][2]bool{
		"": {}, identity.RequireNone: {}, identity.RequireAdministrators: {true, false}, identity.RequireAll: {true, true},
	} {
		service := b.again(func(o *identity.Options) { o.SecondFactor = requirement })
		require.Equal(t, want[0], service.NeedsSecondFactor(administrator), requirement)
		require.Equal(t, want[1], service.NeedsSecondFactor(handler), requirement)
		has, demo := administrator, administrator
		has.SecondFactor, demo.Demo = true, true
		require.False(t, service.NeedsSecondFactor(has))
		require.False(t, service.NeedsSecondFactor(demo))
	}
	_, err := identity.New(identity.Options{Users: b.store, Now: time.Now, SecondFactor: "some"})
	require.ErrorContains(t, err, "some")
}

// TestFirstPasswordByALink: a reset takes every way in, and its link works once.
func TestFirstPasswordByALink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	session, err := b.BeginSession(ctx, store.Session{UserID: b.real.ID, Way: store.WayPassword})
	require.NoError(t, err)
	token := b.token(t)
	reset := func() string {
		secret, hash, err := identity.NewLink()
		require.NoError(t, err)
		require.NoError(t, b.store.ResetSignIn(ctx, store.SignInReset{UserID: b.real.ID, TokenHash: hash, ExpiresAt: time.Unix(b.now.Load(), 0).Add(time.Hour)}))
		return secret
	}
	old := reset()
	secret := reset()
	_, err = b.SignIn(ctx, "real", password, here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")
	_, err = b.UserOfSession(ctx, session)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	_, err = b.UserByToken(ctx, token)
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")

	const fresh = "窗外的石榴树结了三个果"
	requireRefused(t, b.SetFirstPassword(ctx, old, fresh+"子", here), casework.CodeNotFound, "link_not_found")
	requireRefused(t, b.SetFirstPassword(ctx, secret, "短", here), casework.CodeInvalid, "password_length")
	requireRefused(t, b.SetFirstPassword(ctx, secret, "沈知远的密码就是这个了", here), casework.CodeInvalid, "password_length")
	requireRefused(t, b.SetFirstPassword(ctx, secret, "沈知远的密码就是这一个了吧", here), casework.CodeInvalid, "password_context")
	require.NoError(t, b.SetFirstPassword(ctx, secret, fresh+"子", here))
	requireRefused(t, b.SetFirstPassword(ctx, secret, fresh+"儿", here), casework.CodeNotFound, "link_not_found")
	_, err = b.SignIn(ctx, "real", fresh+"子", here)
	require.NoError(t, err)

	late := reset()
	b.pass(61 * time.Minute)
	_, err = b.UserByLink(ctx, late)
	requireRefused(t, err, casework.CodeNotFound, "link_not_found")
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	var ids []string
	for range 2 {
		id, err := b.BeginSession(ctx, store.Session{UserID: b.real.ID, Way: store.WayPassword})
		require.NoError(t, err)
		ids = append(ids, id)
	}
	const fresh = "窗外的石榴树结了三个果子"
	requireRefused(t, b.ChangePassword(ctx, b.real, "wrong", fresh, here, ids[0]), casework.CodeInvalid, "wrong_old_password")
	requireRefused(t, b.ChangePassword(ctx, b.real, password, "passwordpassword1", here, ids[0]), casework.CodeInvalid, "password_common")
	require.NoError(t, b.ChangePassword(ctx, b.real, password, fresh, here, ids[0]))
	_, err := b.UserOfSession(ctx, ids[0])
	require.NoError(t, err)
	_, err = b.UserOfSession(ctx, ids[1])
	requireRefused(t, err, casework.CodeUnauthorized, "not_signed_in")
	_, err = b.SignIn(ctx, "real", password, here)
	require.Error(t, err)
	_, err = b.SignIn(ctx, "real", fresh, here)
	require.NoError(t, err)
}

func TestPasswordsThatNobodyShouldHave(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		"short":                            "password_length",
		strings.Repeat("密", 11):            "password_length",
		strings.Repeat("长句子", 43):          "password_length",
		"aaaaaaaaaaaa":                     "password_common",
		"abcabcabcabcab":                   "password_common",
		"密密密密密密密密密密密密":                     "password_common",
		"123456789012":                     "password_common",
		"19800101000011":                   "password_common",
		"qwertyuiopas":                     "password_common",
		"1qaz2wsx3edc":                     "password_common",
		"1Q2W3E4R5T6Y":                     "password_common",
		"Password2026!":                    "password_common",
		"P@ssw0rd@2026":                    "password_common",
		"woaizhongguo1949":                 "password_common",
		"Administrator#1":                  "password_common",
		"Iloveyouforever":                  "password_common",
		"my guiling horse staple":          "password_context",
		"好差评系统的密码只有我知道":                    "password_context",
		"zhang.san likes green tea":        "password_context",
		"湛河区自然资源局的窗口第三个":                   "password_context",
		"bad \xff utf8 text":               "invalid_text",
		"nul \x00 in the middle of it":     "invalid_text",
		"correct horse battery staple":     "password_common",
		"橘子洲头的 四月的雨声呢":                     "",
		"            .            ":        "",
		"Tr0ub4dor&3 and twelve more":      "",
		"x9$Kq!v0Zp2m":                     "",
		strings.Repeat("长句子", 42) + "好":    "",
		"san is short and zhang is not it": "",
	} {
		err := identity.CheckPassword(text, "zhang.san", "张三", "湛河区自然资源局")
		if reason == "" {
			if strings.Contains(text, "zhang") {
				requireRefused(t, err, casework.CodeInvalid, "password_context")
				continue
			}
			require.NoError(t, err, text)
			continue
		}
		requireRefused(t, err, casework.CodeInvalid, reason)
	}
}

func TestHashesAreArgon2id(t *testing.T) {
	t.Parallel()
	first, err := identity.HashPassword(password)
	require.NoError(t, err)
	second, err := identity.HashPassword(password)
	require.NoError(t, err)
	require.NotEqual(t, first, second, "salted")
	require.Regexp(t, `^\$argon2id\$v=19\$m=65536,t=\d+,p=\d+\$`, first)
}
