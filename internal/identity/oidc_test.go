package identity_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/store"
)

// mock is an OpenID provider that signs what a test wants.
type mock struct {
	*httptest.Server

	key    *rsa.PrivateKey
	mu     sync.Mutex
	claims func(map[string]any)                     // changes a good token
	sign   func(header, claims []byte) (jwt string) // nil: properly
	nonces map[string]string                        // by code
	checks map[string]string                        // code challenge by code
}

func newMock(t *testing.T) *mock {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	m := &mock{key: key, claims: func(map[string]any) {}, nonces: map[string]string{}, checks: map[string]string{}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, value any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": m.URL, "authorization_endpoint": m.URL + "/authorize", "token_endpoint": m.URL + "/token", "jwks_uri": m.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		code := r.FormValue("code")
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		nonce, known := m.nonces[code]
		if !known || m.checks[code] != base64.RawURLEncoding.EncodeToString(sum[:]) {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		delete(m.nonces, code)
		claims := map[string]any{
			"iss": m.URL, "aud": "guiling", "sub": "u-1001", "nonce": nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		}
		m.claims(claims)
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": m.token(claims)})
	})
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *mock) token(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	header := []byte(`{"alg":"RS256","kid":"k1"}`)
	if m.sign != nil {
		return m.sign(header, body)
	}
	return m.rs256(m.key, header, body)
}

func (m *mock) rs256(key *rsa.PrivateKey, header, body []byte) string {
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// authorize does what a person does at the provider, and gives what comes back.
func (m *mock) authorize(t *testing.T, address string) (state, code string) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	require.Equal(t, "S256", q.Get("code_challenge_method"))
	require.Equal(t, "openid", q.Get("scope"))
	require.Equal(t, "https://guiling.example/sign-in/oidc/callback", q.Get("redirect_uri"))
	m.mu.Lock()
	defer m.mu.Unlock()
	code = rand.Text()
	m.nonces[code], m.checks[code] = q.Get("nonce"), q.Get("code_challenge")
	return q.Get("state"), code
}

func (m *mock) way() *identity.OIDC {
	return identity.NewOIDC(identity.OIDCOptions{
		Issuer: m.URL, ClientID: "guiling", ClientSecret: "s", RedirectURL: "https://guiling.example/sign-in/oidc/callback", Name: "统一认证",
	})
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	b, m := setup(t), newMock(t)
	ctx := t.Context()
	way := m.way()
	address, trip, err := way.Begin(ctx)
	require.NoError(t, err)
	state, code := m.authorize(t, address)
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
	for name, prepare := range map[string]func(*mock){
		"for somebody else":  func(m *mock) { m.claims = func(c map[string]any) { c["aud"] = "another" } },
		"by somebody else":   func(m *mock) { m.claims = func(c map[string]any) { c["iss"] = "https://elsewhere.example" } },
		"of before":          func(m *mock) { m.claims = func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() } },
		"of another sign-in": func(m *mock) { m.claims = func(c map[string]any) { c["nonce"] = "x" } },
		"without a nonce":    func(m *mock) { m.claims = func(c map[string]any) { delete(c, "nonce") } },
		"unsigned": func(m *mock) {
			m.sign = func(_, body []byte) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
			}
		},
		"signed by a stranger": func(m *mock) {
			m.sign = func(header, body []byte) string { return m.rs256(stranger, header, body) }
		},
		"signed with the public key": func(m *mock) {
			m.sign = func(_, body []byte) string { return m.rs256(m.key, []byte(`{"alg":"HS256","kid":"k1"}`), body) }
		},
		"no token at all": func(m *mock) { m.sign = func(_, _ []byte) string { return "" } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t)
			way := m.way()
			prepare(m)
			address, trip, err := way.Begin(t.Context())
			require.NoError(t, err)
			state, code := m.authorize(t, address)
			_, err = way.Finish(t.Context(), trip, state, code)
			requireRefused(t, err, casework.CodeUnauthorized, "sign_in_elsewhere")
		})
	}

	m := newMock(t)
	way := m.way()
	address, trip, err := way.Begin(t.Context())
	require.NoError(t, err)
	state, code := m.authorize(t, address)
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
	_, _, err = m.way().Begin(t.Context())
	requireRefused(t, err, casework.CodeUnavailable, "sign_in_elsewhere_away")
}
