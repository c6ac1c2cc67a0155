package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
)

// access says who may send a request at all. What they may do then, the policy
// decides in the command.
type access int

const (
	signedIn access = iota // the zero value asks for the most
	anybody
)

// route is one line of the browser side.
type route struct {
	Method, Path string
	Access       access
	Action       casework.Action // asked of the policy by the command; empty: none, or the path's own action
	handle       func(*visit) error
}

// routes lists the pages and what can be sent from them. Nothing else is served
// but the static files.
func routes() []route {
	return []route{
		{http.MethodGet, "/sign-in", anybody, "", showSignIn},
		{http.MethodPost, "/sign-in", anybody, "", signIn},
		{http.MethodPost, "/sign-in/demo", anybody, "", signInDemo},
		{http.MethodPost, "/sign-out", anybody, "", signOut},
		{http.MethodPost, "/language", anybody, "", chooseLanguage},

		{http.MethodGet, "/", signedIn, "", showHome},
		{http.MethodGet, "/tasks", signedIn, casework.ActionRead, showInbox},
		{http.MethodGet, "/cases", signedIn, casework.ActionRead, showCases},
		{http.MethodGet, "/overdue", signedIn, casework.ActionListOverdue, showOverdue},
		{http.MethodGet, "/simulate", signedIn, casework.ActionSimulate, showSimulation},
		{http.MethodPost, "/simulate", signedIn, casework.ActionSimulate, simulateDraft},
		{http.MethodGet, "/events", signedIn, casework.ActionListEvents, showEvents},
		{http.MethodGet, "/admin", signedIn, "", showAdmin},
		{http.MethodGet, "/reveals", signedIn, casework.ActionListReveals, showReveals},
		{http.MethodGet, "/admin/keys", signedIn, casework.ActionManageKeys, showAdminKeys},
		{http.MethodPost, "/admin/keys/rotate", signedIn, casework.ActionManageKeys, rotateKeys},
		{http.MethodGet, "/admin/events", signedIn, casework.ActionListAdminEvents, showAdminEvents},

		{http.MethodGet, "/cases/:number", signedIn, casework.ActionRead, showCase},
		{http.MethodPost, "/cases/:number/actions/:action", signedIn, "", actOnCase},
		{http.MethodPost, "/cases/:number/reveal", signedIn, casework.ActionReveal, revealReviewer},
	}
}

// register is the only place that adds routes. Whatever goes through it has its
// headers, its session, its protection against other sites and its access check,
// so that there is no way to add a POST without them.
func (s *site) register(e *echo.Echo) {
	guard := s.guard()
	for _, r := range routes() {
		e.Add(r.Method, r.Path, guard(r.Access, r.handle))
	}
	e.GET(assetPrefix+":hash/*", s.serveAsset)
	e.RouteNotFound("/*", guard(anybody, func(*visit) error { return errNoPage() }))

	// What echo itself refuses, a wrong method or a panic that was recovered,
	// gets a page as well. The API answers for its own paths.
	others := e.HTTPErrorHandler
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if strings.HasPrefix(c.Request().URL.Path, "/api/") || c.Response().Committed {
			others(err, c)
			return
		}
		s.setHeaders(c.Response().Header())
		v := &visit{Context: c, site: s, say: s.tongue.choose(c.Request(), s.cookieName(languageCookie))}
		if err := v.showFailure(fromEcho(err)); err != nil {
			others(err, c)
		}
	}
}

// guard wraps handlers with what every request needs.
func (s *site) guard() func(access, func(*visit) error) echo.HandlerFunc {
	crossOrigin := http.NewCrossOriginProtection()
	return func(needs access, handle func(*visit) error) echo.HandlerFunc {
		return func(c echo.Context) error {
			s.setHeaders(c.Response().Header())
			v := &visit{Context: c, site: s, say: s.tongue.choose(c.Request(), s.cookieName(languageCookie))}
			if err := crossOrigin.Check(c.Request()); err != nil {
				s.Log.WarnContext(c.Request().Context(), "cross-site request refused", "path", c.Path(), "remote", c.RealIP())
				return v.showFailure(casework.Forbidden("cross_site", "this request came from another site"))
			}
			err := v.readForm()
			if err == nil {
				err = v.openSession()
			}
			if err == nil {
				err = v.identify(needs)
			}
			if err == nil {
				err = handle(v)
			}
			if err != nil {
				return v.fail(err)
			}
			return nil
		}
	}
}
