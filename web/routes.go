package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
)

// access says who may send a request at all. What they may do then, the policy
// decides in the command.
type access int

const (
	signedIn  access = iota // the zero value asks for the most
	settingUp               // signed in, perhaps still without the second factor that is required
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
		{http.MethodGet, "/sign-in/code", anybody, "", showCode},
		{http.MethodPost, "/sign-in/code", anybody, "", checkCode},
		{http.MethodGet, "/sign-in/oidc", anybody, "", signInOIDC},
		{http.MethodGet, OIDCCallback, anybody, "", finishOIDC},
		{http.MethodGet, "/welcome/:secret", anybody, "", showFirstPassword},
		{http.MethodPost, "/welcome/:secret", anybody, "", setFirstPassword},
		{http.MethodPost, "/sign-out", anybody, "", signOut},
		{http.MethodPost, "/language", anybody, "", chooseLanguage},

		{http.MethodGet, helpPath, anybody, "", showHelp},
		{http.MethodGet, helpPath + "/:page", anybody, "", showHelpPage},
		{http.MethodPost, "/hints", signedIn, "", putHintAway},

		{http.MethodGet, accountPath, signedIn, "", showAccount},
		{http.MethodPost, "/account/password", signedIn, "", changePassword},
		{http.MethodPost, "/account/sessions/end-others", signedIn, "", endOtherSessions},
		{http.MethodPost, "/account/tokens", signedIn, "", makeToken},
		{http.MethodPost, "/account/tokens/:id/revoke", signedIn, "", revokeToken},
		{http.MethodGet, secondFactorPath, settingUp, "", showSecondFactor},
		{http.MethodPost, secondFactorPath, settingUp, "", confirmSecondFactor},

		{http.MethodGet, notificationsPath, signedIn, "", showNotifications},
		{http.MethodPost, "/notifications/read-all", signedIn, "", readNotifications},
		{http.MethodPost, "/notifications/:id/read", signedIn, "", readNotification},
		{http.MethodGet, notificationSettingsPath, signedIn, "", showNotificationSettings},
		{http.MethodPost, notificationSettingsPath, signedIn, "", changeNotificationSettings},
		{http.MethodPost, "/account/notifications/email", signedIn, "", changeEmail},
		{http.MethodPost, "/account/notifications/confirm", signedIn, "", confirmEmail},

		{http.MethodGet, "/", signedIn, "", showHome},
		{http.MethodGet, LivePath, signedIn, casework.ActionRead, streamChanges},
		{http.MethodGet, "/tasks", signedIn, casework.ActionRead, showInbox},
		{http.MethodGet, "/cases", signedIn, casework.ActionRead, showCases},
		{http.MethodGet, "/filter", signedIn, casework.ActionRead, showFilter},
		{http.MethodPost, "/views", signedIn, casework.ActionRead, saveView},
		{http.MethodPost, "/views/:id/drop", signedIn, "", dropView},
		{http.MethodGet, boardPath, signedIn, casework.ActionViewBoard, showBoard},
		{http.MethodGet, workloadPath, signedIn, casework.ActionViewBoard, showWorkload},
		{http.MethodGet, spotChecksPath, signedIn, casework.ActionViewBoard, showSpotChecks},
		{http.MethodGet, "/overdue", signedIn, casework.ActionListOverdue, showOverdue},
		{http.MethodGet, "/simulate", signedIn, casework.ActionSimulate, showSimulation},
		{http.MethodPost, "/simulate", signedIn, casework.ActionSimulate, simulateDraft},
		{http.MethodGet, textsPath, signedIn, casework.ActionManageTexts, showTexts},
		{http.MethodPost, textsPath, signedIn, casework.ActionManageTexts, createText},
		{http.MethodGet, textsPath + "/new", signedIn, casework.ActionManageTexts, showNewText},
		{http.MethodGet, textsPath + "/:id", signedIn, casework.ActionManageTexts, showText},
		{http.MethodPost, textsPath + "/:id", signedIn, casework.ActionManageTexts, changeText},
		{http.MethodPost, textsPath + "/:id/retire", signedIn, casework.ActionManageTexts, retireText},
		{http.MethodGet, "/events", signedIn, casework.ActionListEvents, showEvents},
		{http.MethodGet, "/admin", signedIn, "", showAdmin},
		{http.MethodGet, "/admin/people", signedIn, casework.ActionListPeople, showPeople},
		{http.MethodPost, "/admin/people", signedIn, casework.ActionManagePeople, createPerson},
		{http.MethodGet, "/admin/people/new", signedIn, casework.ActionManagePeople, showNewPerson},
		{http.MethodGet, peopleImportPath, signedIn, casework.ActionManagePeople, showPeopleImport},
		{http.MethodPost, peopleImportPath, signedIn, casework.ActionManagePeople, importPeople},
		{http.MethodGet, "/admin/people/:id", signedIn, casework.ActionListPeople, showPerson},
		{http.MethodPost, "/admin/people/:id", signedIn, casework.ActionManagePeople, changePerson},
		{http.MethodPost, "/admin/people/:id/roles", signedIn, casework.ActionAssignRoles, assignRoles},
		{http.MethodPost, "/admin/people/:id/disable", signedIn, casework.ActionManagePeople, disablePerson},
		{http.MethodPost, "/admin/people/:id/enable", signedIn, casework.ActionManagePeople, enablePerson},
		{http.MethodPost, "/admin/people/:id/reset-sign-in", signedIn, casework.ActionResetSignIn, resetSignIn},
		{http.MethodPost, "/admin/people/:id/end-sessions", signedIn, casework.ActionEndSessions, endSessionsOf},
		{http.MethodGet, "/admin/sessions", signedIn, casework.ActionEndSessions, showSessions},
		{http.MethodGet, policyPath, signedIn, casework.ActionReadPolicy, showPolicy},
		{http.MethodPost, policyPath, signedIn, casework.ActionPublishPolicy, publishPolicy},
		{http.MethodGet, "/reveals", signedIn, casework.ActionListReveals, showReveals},
		{http.MethodGet, "/admin/keys", signedIn, casework.ActionManageKeys, showAdminKeys},
		{http.MethodPost, "/admin/keys/rotate", signedIn, casework.ActionManageKeys, rotateKeys},
		{http.MethodGet, "/admin/events", signedIn, casework.ActionListAdminEvents, showAdminEvents},
		{http.MethodGet, "/admin/organisations", signedIn, casework.ActionListPeople, showOrganisations},
		{http.MethodPost, "/admin/organisations", signedIn, casework.ActionManageOrganisations, createOrganisation},
		{http.MethodGet, "/admin/organisations/import", signedIn, casework.ActionManageOrganisations, showOrganisationImport},
		{http.MethodPost, "/admin/organisations/import", signedIn, casework.ActionManageOrganisations, importOrganisations},
		{http.MethodGet, "/admin/organisations/:id", signedIn, casework.ActionListPeople, showOrganisation},
		{http.MethodPost, "/admin/organisations/:id/rename", signedIn, casework.ActionManageOrganisations, changing("rename", renameOrganisation)},
		{http.MethodPost, "/admin/organisations/:id/move", signedIn, casework.ActionManageOrganisations, changing("move", moveDepartment)},
		{http.MethodPost, "/admin/organisations/:id/merge", signedIn, casework.ActionManageOrganisations, changing("merge", mergeDepartment)},
		{http.MethodPost, "/admin/organisations/:id/close", signedIn, casework.ActionManageOrganisations, changing("close", closeOrganisation)},
		{http.MethodPost, "/admin/organisations/:id/halls", signedIn, casework.ActionManageOrganisations, changing("hall", keepHall)},
		{http.MethodPost, "/admin/organisations/:id/windows", signedIn, casework.ActionManageOrganisations, changing("window", keepWindow)},

		{http.MethodGet, "/cases/export", signedIn, casework.ActionExport, exportCases},
		{http.MethodGet, "/events/export", signedIn, casework.ActionExport, exportEvents},
		{http.MethodGet, "/reveals/export", signedIn, casework.ActionExport, exportReveals},
		{http.MethodGet, "/exports", signedIn, casework.ActionListEvents, showExports},
		{http.MethodGet, "/cases/:number/audit", signedIn, casework.ActionReadHistory, showAudit},
		{http.MethodGet, "/cases/:number/export", signedIn, casework.ActionExport, exportCase},
		{http.MethodGet, "/cases/:number/reviewer-cases", signedIn, casework.ActionRead, showReviewerCases},
		{http.MethodGet, "/cases/:number", signedIn, casework.ActionRead, showCase},
		{http.MethodPost, "/cases/:number/actions/:action", signedIn, "", actOnCase},
		{http.MethodPost, attachPath, signedIn, casework.ActionAttachFile, attachFile},
		{http.MethodGet, "/cases/:number/attachments/:id", signedIn, casework.ActionRead, downloadFile},
		{http.MethodPost, "/cases/:number/drafts/:action", signedIn, "", keepDraft},
		{http.MethodPost, bulkPath, signedIn, casework.ActionRead, actOnMany},
		{http.MethodPost, "/cases/:number/reveal", signedIn, casework.ActionReveal, revealReviewer},
	}
}

// demoRoutes are there in a demo only.
func (s *site) demoRoutes() []route {
	var routes []route
	if s.Identity.Demo() {
		routes = append(routes, route{http.MethodGet, styleGuidePath, anybody, "", showStyleGuide})
	}
	if s.Training {
		routes = append(routes, route{http.MethodPost, "/cases/:number/training", signedIn, casework.ActionRead, fastForward})
	}
	return routes
}

// register is the only place that adds routes. Whatever goes through it has its
// headers, its session, its protection against other sites and its access check,
// so that there is no way to add a POST without them.
func (s *site) register(e *echo.Echo) {
	guard := s.guard()
	for _, r := range slices.Concat(routes(), s.demoRoutes()) {
		e.Add(r.Method, r.Path, guard(r.Access, r.handle))
	}
	e.GET(assetPrefix+":hash/*", s.serveAsset)
	e.Match([]string{http.MethodPost, http.MethodOptions}, decodePath, s.decodePayloads)
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
			// What may be large is read by its handler, from somebody who is known.
			late := c.Path() == attachPath
			var err error
			if !late {
				err = v.readForm()
			}
			if err == nil {
				err = v.openSession()
			}
			if err == nil {
				err = v.identify(needs)
			}
			if err == nil {
				err = v.checkAddress()
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
