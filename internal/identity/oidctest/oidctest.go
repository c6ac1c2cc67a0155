// Package oidctest is an OpenID provider for tests: it speaks discovery, keys and
// tokens on loopback, and signs whatever a test wants to be believed.
package oidctest

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
)

// Provider is an OpenID provider that signs what a test wants.
type Provider struct {
	*httptest.Server

	Key *rsa.PrivateKey // that signs
	// Claims changes a good token.
	Claims func(map[string]any)
	// Sign signs; nil: properly.
	Sign func(header, claims []byte) (jwt string)

	mu     sync.Mutex
	nonces map[string]string // by code
	checks map[string]string // code challenge by code
}

// New starts a provider that ends with the test.
func New(t testing.TB) *Provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	m := &Provider{Key: key, Claims: func(map[string]any) {}, nonces: map[string]string{}, checks: map[string]string{}}
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
		now := time.Now() //nolint:forbidigo // a provider has a clock of its own
		claims := map[string]any{
			"iss": m.URL, "aud": "guiling", "sub": "u-1001", "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		}
		m.Claims(claims)
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": m.token(claims)})
	})
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *Provider) token(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	header := []byte(`{"alg":"RS256","kid":"k1"}`)
	if m.Sign != nil {
		return m.Sign(header, body)
	}
	return m.RS256(m.Key, header, body)
}

// RS256 makes a token and signs it with a key.
func (m *Provider) RS256(key *rsa.PrivateKey, header, body []byte) string {
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Authorize does what a person does at the provider, and gives what comes back.
func (m *Provider) Authorize(t testing.TB, address string) (state, code string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid" {
		t.Fatalf("not the code flow with PKCE: %s", address)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	code = rand.Text()
	m.nonces[code], m.checks[code] = q.Get("nonce"), q.Get("code_challenge")
	return q.Get("state"), code
}
