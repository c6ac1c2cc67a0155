package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// contentPolicy lets a page load nothing but our own files. img-src has data:
// because the stylesheet of Tabler draws ticks and arrows that way.
var contentPolicy = strings.Join([]string{
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
	"connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
}, "; ")

// setHeaders sets what protects a page. Every page may hold personal data, so
// that none is kept by a browser or a proxy; static files say otherwise.
func (s *site) setHeaders(h http.Header) {
	h.Set(echo.HeaderContentSecurityPolicy, contentPolicy)
	h.Set(echo.HeaderXContentTypeOptions, "nosniff")
	h.Set(echo.HeaderReferrerPolicy, "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Add(echo.HeaderVary, "Cookie, Accept-Language")
	if s.Secure {
		h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
	}
}

// The keys of a session, and the names of cookies.
const (
	sessionID      = "session_id" // of the row that the person and administrators see
	sessionHalf    = "half"       // the ticket of who has shown a password and not yet the second factor
	sessionNotice  = "notice"
	sessionCookie  = "guiling_session"
	languageCookie = "guiling_language"
)

// NewSessions makes the sessions of the pages, kept in a table. secure says that
// the pages are served by TLS.
func NewSessions(kept scs.Store, secure bool) *scs.SessionManager {
	m := scs.New()
	m.Store = kept
	m.IdleTimeout, m.Lifetime = store.SessionIdle, store.SessionLifetime
	m.HashTokenInStore = true
	m.Cookie.Name = cookieName(sessionCookie, secure)
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = secure
	m.Cookie.Persist = false
	m.Cookie.Path = "/"
	return m
}

// openSession reads the session that the cookie names, or begins one.
func (v *visit) openSession() error {
	token := ""
	if cookie, err := v.Request().Cookie(v.site.Sessions.Cookie.Name); err == nil {
		token = cookie.Value
	}
	ctx, err := v.site.Sessions.Load(v.Request().Context(), token)
	if err != nil {
		return fmt.Errorf("open the session: %w", err)
	}
	v.SetRequest(v.Request().WithContext(ctx))
	v.session = true
	return nil
}

// keepSession keeps what changed in the session. The middleware of scs would do
// so while the answer is being written, when it is too late to say that it
// failed.
func (v *visit) keepSession() error {
	if !v.session {
		return nil
	}
	v.session = false // once, and not again for the page that says that it failed
	ctx, sessions := v.Request().Context(), v.site.Sessions
	switch status := sessions.Status(ctx); {
	case status == scs.Modified && v.background():
		// It is as it was: what a page asks by itself does not keep a session alive.
	case status == scs.Modified:
		token, expiry, err := sessions.Commit(ctx)
		if err != nil {
			return fmt.Errorf("keep the session: %w", err)
		}
		sessions.WriteSessionCookie(ctx, v.Response(), token, expiry)
	case status == scs.Destroyed:
		sessions.WriteSessionCookie(ctx, v.Response(), "", time.Time{})
	}
	return nil
}

// cookieName binds a cookie to its host where it is served by TLS: no other host
// of the same domain can set it.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

func (s *site) cookieName(name string) string { return cookieName(name, s.Secure) }

// limits slow down who tries many passwords, and who sends forms without being signed
// in. How often somebody looks at reviewers
// is counted in the database.
type limits struct {
	signInByAddress, signInByName, aside middleware.RateLimiterStore
}

func newLimits() limits {
	// Rates are per second.
	limit := func(config middleware.RateLimiterMemoryStoreConfig) middleware.RateLimiterStore {
		config.ExpiresIn = time.Hour
		return middleware.NewRateLimiterMemoryStoreWithConfig(config)
	}
	return limits{
		// An office of many people has one address.
		signInByAddress: limit(middleware.RateLimiterMemoryStoreConfig{Rate: 1, Burst: 60}),
		signInByName:    limit(middleware.RateLimiterMemoryStoreConfig{Rate: 0.1, Burst: 10}),
		aside:           limit(middleware.RateLimiterMemoryStoreConfig{Rate: 0.2, Burst: 30}),
	}
}

// allow asks a limit and says no as the domain does.
func allow(limit middleware.RateLimiterStore, who string) error {
	if ok, err := limit.Allow(who); !ok || err != nil {
		return &casework.Error{Code: casework.CodeTooMany, Reason: "too_many", Detail: "slow down"}
	}
	return nil
}
