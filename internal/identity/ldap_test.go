package identity_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jimlambrt/gldap"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/store"
)

// directory is an LDAP server with a few entries, and what it was asked.
type directory struct {
	url string

	mu      sync.Mutex
	filters []string
	binds   []string
}

const (
	searcher       = "cn=reader,dc=example"
	searcherSecret = "to-search"
)

func newDirectory(t *testing.T) *directory {
	t.Helper()
	d := &directory{}
	refusals := map[string]int{
		"uid=none,dc=example": gldap.ResultInappropriateAuthentication, "uid=expired,dc=example": gldap.ResultConstraintViolation,
		"uid=barred,dc=example": gldap.ResultUnwillingToPerform, "uid=closed,dc=example": gldap.ResultInsufficientAccessRights,
	}
	passwords := map[string]string{
		searcher: searcherSecret, "uid=real,ou=People,dc=example": "in the directory only", "uid=stranger,ou=people,dc=example": "another one of these",
	}
	server, err := gldap.NewServer()
	require.NoError(t, err)
	mux, err := gldap.NewMux()
	require.NoError(t, err)
	require.NoError(t, mux.Bind(func(w *gldap.ResponseWriter, r *gldap.Request) {
		response := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
		defer func() { _ = w.Write(response) }()
		message, err := r.GetSimpleBindMessage()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.binds = append(d.binds, message.UserName)
		d.mu.Unlock()
		if want, known := passwords[message.UserName]; message.Password == "" || known && string(message.Password) == want {
			response.SetResultCode(gldap.ResultSuccess) // an empty password is an anonymous bind
		}
		if code, refused := refusals[message.UserName]; refused {
			response.SetResultCode(code)
		}
	}))
	require.NoError(t, mux.Search(func(w *gldap.ResponseWriter, r *gldap.Request) {
		response := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
		defer func() { _ = w.Write(response) }()
		message, err := r.GetSearchMessage()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.filters = append(d.filters, message.Filter)
		d.mu.Unlock()
		for dn := range passwords {
			if name, _, _ := strings.Cut(dn, ","); message.Filter == "("+name+")" {
				_ = w.Write(r.NewSearchResponseEntry(dn))
			}
		}
	}))
	for dn := range refusals {
		passwords[dn] = "of nobody"
	}
	require.NoError(t, server.Router(mux))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	go func() { _ = server.Run(address) }()
	t.Cleanup(func() { _ = server.Stop() })
	require.Eventually(t, server.Ready, 10*time.Second, 10*time.Millisecond)
	d.url = "ldap://" + address
	return d
}

func (d *directory) way(t *testing.T) *identity.LDAP {
	t.Helper()
	way, err := identity.NewLDAP(identity.LDAPOptions{
		URL: d.url, BaseDN: "dc=example", UserFilter: "(uid=%s)", BindDN: searcher, BindPassword: searcherSecret,
	})
	require.NoError(t, err)
	return way
}

func TestLDAP(t *testing.T) {
	t.Parallel()
	b, d := setup(t), newDirectory(t)
	ctx := t.Context()
	service := b.again(func(o *identity.Options) { o.LDAP = d.way(t) })
	// Who has a password here does not sign in by another one there.
	_, err := service.SignIn(ctx, "real", "in the directory only", here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials")
	_, err = b.owner.ExecContext(ctx, `UPDATE users SET password_hash = NULL WHERE username = 'real'`)
	require.NoError(t, err)
	_, err = service.SignIn(ctx, "real", "in the directory only", here)
	requireRefused(t, err, casework.CodeUnauthorized, "wrong_credentials") // the same name is not the same person
	entry := store.OutsideIdentity{Issuer: d.url, Subject: "uid=real,ou=people,dc=example"}
	require.NoError(t, b.store.LinkIdentity(ctx, b.real.ID, entry, casework.By{}))
	user, err := service.SignIn(ctx, "real", "in the directory only", here)
	require.NoError(t, err)
	require.Equal(t, b.real.ID, user.ID)
	account, err := service.AccountOf(ctx, b.real.ID)
	require.NoError(t, err)
	require.Equal(t, store.WayLDAP, account.SignIns[0].Way)

	_, wrong := service.SignIn(ctx, "nobody", "x", here)
	for _, c := range [][2]string{{"real", "wrong"}, {"real", ""}, {"stranger", "another one of these"}, {"*", "in the directory only"}} {
		_, err := service.SignIn(ctx, c[0], c[1], here)
		require.Equal(t, wrong, err, "%q", c)
	}
	d.mu.Lock()
	require.Contains(t, d.filters, `(uid=\2a)`, "what was typed is data")
	require.Contains(t, d.filters, "(uid=nobody)", "names that nobody has are asked for as well")
	d.mu.Unlock()
}

func TestWhatTheDirectoryIsAsked(t *testing.T) {
	t.Parallel()
	d := newDirectory(t)
	way := d.way(t)
	for _, name := range []string{`*)(uid=*`, `real)(objectClass=*`, "a\x00b", `\`, "张三"} {
		_, err := way.Check(t.Context(), name, "in the directory only")
		require.ErrorContains(t, err, "wrong name or password", name)
	}
	d.mu.Lock()
	for _, filter := range d.filters {
		require.Equal(t, 1, strings.Count(filter, "("), filter)
	}
	d.mu.Unlock()
	for _, name := range []string{"none", "expired", "barred", "closed"} {
		_, err := way.Check(t.Context(), name, "of nobody")
		require.ErrorContains(t, err, "wrong name or password", name)
	}
	d.mu.Lock()
	before := len(d.binds)
	d.mu.Unlock()
	_, err := way.Check(t.Context(), "real", "")
	require.ErrorContains(t, err, "wrong name or password")
	d.mu.Lock()
	require.Len(t, d.binds, before+1, "an empty password is never sent")
	d.mu.Unlock()

	wrong, err := identity.NewLDAP(identity.LDAPOptions{URL: d.url, BaseDN: "dc=example", UserFilter: "(uid=%s)", BindDN: searcher, BindPassword: "x"})
	require.NoError(t, err)
	_, err = wrong.Check(t.Context(), "real", "in the directory only")
	require.Error(t, err)
	require.NotContains(t, fmt.Sprint(err), "wrong name or password", "it is not the person's fault")
	away, err := identity.NewLDAP(identity.LDAPOptions{URL: "ldap://127.0.0.1:1", BaseDN: "dc=example", UserFilter: "(uid=%s)"})
	require.NoError(t, err)
	_, err = away.Check(t.Context(), "real", "x")
	require.Error(t, err)
}

// TestNothingIsSaidBeforeTLS: only an address of loopback is spoken to in clear,
// however the scheme is written. localhost is a name, and names can lead elsewhere.
func TestNothingIsSaidBeforeTLS(t *testing.T) {
	t.Parallel()
	d := newDirectory(t) // knows no TLS
	_, port, err := net.SplitHostPort(strings.TrimPrefix(d.url, "ldap://"))
	require.NoError(t, err)
	for _, scheme := range []string{"ldap", "LDAP", "Ldap", "ldaps", "LDAPS"} {
		way, err := identity.NewLDAP(identity.LDAPOptions{
			URL: scheme + "://localhost:" + port, BaseDN: "dc=example", UserFilter: "(uid=%s)", BindDN: searcher, BindPassword: searcherSecret,
		})
		require.NoError(t, err)
		_, err = way.Check(t.Context(), "real", "in the directory only")
		require.Error(t, err, scheme)
	}
	d.mu.Lock()
	require.Empty(t, d.binds, "no password went out in clear")
	require.Empty(t, d.filters, "nor a name")
	d.mu.Unlock()
}

func TestOddDirectories(t *testing.T) {
	t.Parallel()
	for _, o := range []identity.LDAPOptions{
		{URL: "http://127.0.0.1", UserFilter: "(uid=%s)"},
		{URL: "ldaps://", UserFilter: "(uid=%s)"},
		{URL: "ldaps://x", UserFilter: "(uid=x)"},
		{URL: "ldaps://x", UserFilter: "(|(uid=%s)(cn=%s))"},
		{URL: "ldaps://x", UserFilter: "uid=%s)"},
		{URL: "ldaps://x", UserFilter: "(uid=%d%s)"},
		{URL: "ldaps://x", UserFilter: "(uid=%s)", CAFile: "/nowhere"},
	} {
		_, err := identity.NewLDAP(o)
		require.Error(t, err, "%+v", o)
	}
}
