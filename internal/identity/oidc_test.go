package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/identity/oidctest"
	"guiling/internal/store"
)

func wayTo(m *oidctest.Provider) *identity.OIDC {
	return identity.NewOIDC(identity.OIDCOptions{
		Issuer: m.URL, ClientID: "guiling", ClientSecret: "s", RedirectURL: "https://guiling.example/sign-in/oidc/callback", Name: "统一认证",
	})
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	b, m := setup(t), oidctest.New(t)
	ctx := t.Context()
	way := wayTo(m)
	address, trip, err := way.Begin(ctx)
	require.NoError(t, err)
	state, code := m.Authorize(t, address)
	who, err := way.Finish(ctx, trip, state, code)
	require.NoError(t, err)
	require.Equal(t, store.OutsideIdentity{Issuer: m.URL, Subject: "u-1001"}, who)

	_, err = b.SignInOutside(ctx, who, here)
	requireRefused(t, err, casework.CodeUnauthorized, "not_linked")
	require.NoError(t, b.store.LinkIdentity(ctx, b.real.ID, who, casework.By{}))
	user, err := b.SignInOutside(ctx, who, here)
	require.NoError(t, err)
	require.Equal(t, b.real.ID, user.ID)
	stranger := b.person(t, "stranger", "")
	requireRefused(t, b.store.LinkIdentity(ctx, stranger.ID, who, casework.By{}), casework.CodeConflict, "identity_linked")
	requireRefused(t, b.store.LinkIdentity(ctx, b.real.ID, store.OutsideIdentity{Issuer: m.URL, Subject: "u-2"}, casework.By{}), casework.CodeConflict, "identity_linked")
	requireRefused(t, b.store.UnlinkIdentity(ctx, stranger.ID, who, casework.By{}), casework.CodeNotFound, "identity_not_found")
	require.NoError(t, b.store.UnlinkIdentity(ctx, b.real.ID, who, casework.By{}))
	_, err = b.SignInOutside(ctx, who, here)
	requireRefused(t, err, casework.CodeUnauthorized, "not_linked")
}

func TestWhatAProviderCannotMakeUsBelieve(t *testing.T) {
	t.Parallel()
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, prepare := range map[string]func(*oidctest.Provider){
		"for somebody else": func(m *oidctest.Provider) { m.Claims = func(c map[string]any) { c["aud"] = "another" } },
		"by somebody else": func(m *oidctest.Provider) {
			m.Claims = func(c map[string]any) { c["iss"] = "https://elsewhere.example" }
		},
		"of before": func(m *oidctest.Provider) {
			m.Claims = func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() }
		},
		"of another sign-in": func(m *oidctest.Provider) { m.Claims = func(c map[string]any) { c["nonce"] = "x" } },
		"without a nonce":    func(m *oidctest.Provider) { m.Claims = func(c map[string]any) { delete(c, "nonce") } },
		"unsigned": func(m *oidctest.Provider) {
			m.Sign = func(_, body []byte) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
			}
		},
		"signed by a stranger": func(m *oidctest.Provider) {
			m.Sign = func(header, body []byte) string { return m.RS256(stranger, header, body) }
		},
		"signed with the public key": func(m *oidctest.Provider) {
			m.Sign = func(_, body []byte) string { return m.RS256(m.Key, []byte(`{"alg":"HS256","kid":"k1"}`), body) }
		},
		"no token at all": func(m *oidctest.Provider) { m.Sign = func(_, _ []byte) string { return "" } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := oidctest.New(t)
			way := wayTo(m)
			prepare(m)
			address, trip, err := way.Begin(t.Context())
			require.NoError(t, err)
			state, code := m.Authorize(t, address)
			_, err = way.Finish(t.Context(), trip, state, code)
			requireRefused(t, err, casework.CodeUnauthorized, "sign_in_elsewhere")
		})
	}

	m := oidctest.New(t)
	way := wayTo(m)
	address, trip, err := way.Begin(t.Context())
	require.NoError(t, err)
	state, code := m.Authorize(t, address)
	other := trip
	other.Verifier = "another-verifier-of-another-browser-altogether"
	for name, try := range map[string]func() error{
		"another state": func() error { _, err := way.Finish(t.Context(), trip, state+"x", code); return err },
		"no trip":       func() error { _, err := way.Finish(t.Context(), identity.OIDCTrip{}, "", code); return err },
		"no code":       func() error { _, err := way.Finish(t.Context(), trip, state, ""); return err },
		"a stolen code": func() error { _, err := way.Finish(t.Context(), other, state, code); return err },
	} {
		t.Log(name)
		requireRefused(t, try(), casework.CodeUnauthorized, "sign_in_elsewhere")
	}
	_, err = way.Finish(t.Context(), trip, state, code)
	require.NoError(t, err)
	_, err = way.Finish(t.Context(), trip, state, code)
	requireRefused(t, err, casework.CodeUnauthorized, "sign_in_elsewhere") // a code is good once

	m.Close()
	_, _, err = wayTo(m).Begin(t.Context())
	requireRefused(t, err, casework.CodeUnavailable, "sign_in_elsewhere_away")
}
