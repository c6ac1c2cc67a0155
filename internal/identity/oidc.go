package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// OIDCOptions say which OpenID provider is trusted.
type OIDCOptions struct {
	Issuer       string // exactly as the provider names itself
	ClientID     string
	ClientSecret string
	RedirectURL  string // ours, as registered there
	Name         string // on the button
}

// OIDC signs people in at an OpenID provider, by discovery, with the code flow and
// PKCE. It is safe for use by many goroutines.
type OIDC struct {
	options OIDCOptions
	client  *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until it was discovered
}

// outsidePatience bounds every request to somebody outside.
const outsidePatience = 10 * time.Second

// NewOIDC prepares the way. The provider is asked when somebody comes, and asked
// again after a failure: one that is away stops no start.
func NewOIDC(o OIDCOptions) *OIDC {
	return &OIDC{options: o, client: &http.Client{Timeout: outsidePatience}}
}

// Name is what the button says.
func (o *OIDC) Name() string { return o.options.Name }

func (o *OIDC) discover(ctx context.Context) (*oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil {
		// The provider fetches its keys later, when this request is long over.
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client), o.options.Issuer)
		if err != nil {
			return nil, &casework.Error{Code: casework.CodeUnavailable, Reason: "sign_in_elsewhere_away", Detail: "the OpenID provider did not answer: " + err.Error()}
		}
		o.provider = provider
	}
	return o.provider, nil
}

func (o *OIDC) config(p *oidc.Provider) oauth2.Config {
	return oauth2.Config{
		ClientID: o.options.ClientID, ClientSecret: o.options.ClientSecret, RedirectURL: o.options.RedirectURL,
		Endpoint: p.Endpoint(), Scopes: []string{oidc.ScopeOpenID},
	}
}

// OIDCTrip is what ties the way back to the way there. It stays in the session.
type OIDCTrip struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// Begin gives the address at the provider to which somebody is sent.
func (o *OIDC) Begin(ctx context.Context) (address string, trip OIDCTrip, err error) {
	provider, err := o.discover(ctx)
	if err != nil {
		return "", OIDCTrip{}, err
	}
	trip = OIDCTrip{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	config := o.config(provider)
	return config.AuthCodeURL(trip.State, oidc.Nonce(trip.Nonce), oauth2.S256ChallengeOption(trip.Verifier)), trip, nil
}

// Finish takes what the provider sent back and gives who came. Whatever does not fit
// the trip, or is not signed by the provider for us and in time, is CodeUnauthorized.
func (o *OIDC) Finish(ctx context.Context, trip OIDCTrip, state, code string) (store.OutsideIdentity, error) {
	refuse := func(why error) (store.OutsideIdentity, error) {
		return store.OutsideIdentity{}, unauthorized("sign_in_elsewhere", why.Error())
	}
	if trip.State == "" || subtle.ConstantTimeCompare([]byte(trip.State), []byte(state)) != 1 {
		return refuse(errors.New("the answer belongs to no request of this session"))
	}
	if code == "" {
		return refuse(errors.New("the provider refused"))
	}
	provider, err := o.discover(ctx)
	if err != nil {
		return store.OutsideIdentity{}, err
	}
	config := o.config(provider)
	token, err := config.Exchange(oidc.ClientContext(ctx, o.client), code, oauth2.VerifierOption(trip.Verifier))
	if err != nil {
		return refuse(fmt.Errorf("exchange the code: %w", err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return refuse(errors.New("no id_token"))
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: o.options.ClientID}).Verify(ctx, raw)
	if err != nil {
		return refuse(err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(trip.Nonce)) != 1 {
		return refuse(errors.New("the token is of another sign-in"))
	}
	return store.OutsideIdentity{Issuer: verified.Issuer, Subject: verified.Subject}, nil
}

// SignInOutside signs in who came back from a provider, if an administrator linked
// them to somebody here. Who has a second factor here is asked for it as well.
func (s *Service) SignInOutside(ctx context.Context, o store.OutsideIdentity, address string) (store.User, error) {
	attempt := store.SignInAttempt{Name: o.Issuer + " " + o.Subject, Way: store.WayOIDC, Outcome: store.SignInRefused, Address: address, At: s.Now()}
	user, err := s.stillThere(s.Users.UserByOutside(ctx, o))
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeUnauthorized {
		if err := s.Users.RecordSignIn(ctx, attempt); err != nil {
			return store.User{}, err
		}
		return store.User{}, unauthorized("not_linked", "nobody here is linked to this identity")
	}
	if err != nil {
		return store.User{}, err
	}
	if user.SecondFactor {
		return user, nil // not yet
	}
	attempt.UserID, attempt.Outcome = user.ID, store.SignedIn
	return user, s.Users.RecordSignIn(ctx, attempt)
}
