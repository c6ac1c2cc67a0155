package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/httpstatus"
)

func errNoPage() *casework.Error {
	return &casework.Error{Code: casework.CodeNotFound, Reason: "not_found", Detail: "there is no such page"}
}

// codeInternal marks what is our fault and hidden.
const codeInternal casework.Code = "internal"

// domainError gives err as one that may be shown. What is not of the domain is
// logged and hidden.
func (v *visit) domainError(err error) *casework.Error {
	if domain, ok := casework.AsError(err); ok {
		if domain.Code == casework.CodeUnavailable {
			v.site.Log.WarnContext(v.Request().Context(), "unavailable", "path", v.Path(), "error", err)
		}
		return domain
	}
	v.site.Log.ErrorContext(v.Request().Context(), "request failed", "path", v.Path(), "error", err)
	return &casework.Error{Code: codeInternal, Reason: "internal", Detail: "see the log"}
}

// fail answers a request that a handler gave up.
func (v *visit) fail(err error) error {
	domain := v.domainError(err)
	if domain.Reason == "second_factor_needed" && v.Request().Method == http.MethodGet {
		return v.redirect(secondFactorPath)
	}
	if v.byScript() {
		// It still has the words on its page, says so, and sends them again.
		return v.NoContent(httpstatus.Of(domain))
	}
	if domain.Code != casework.CodeUnauthorized {
		return v.showFailure(domain)
	}
	// A form that was sent after the session ended is not lost: what was typed is
	// shown beside the sign-in, and is back in the form of the case afterwards.
	r := v.Request()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return v.redirect("/sign-in?next=" + url.QueryEscape(v.here()))
	}
	return v.renderSignIn(http.StatusUnauthorized, signInPage{
		Next: v.here(), Error: v.say.T("error." + domain.Reason), Typed: v.keptTexts(), Aside: v.setAside(),
	})
}

// fromEcho gives an error of the router, or a panic that was recovered, as one
// of ours.
func fromEcho(err error) *casework.Error {
	if refused, ok := errors.AsType[*echo.HTTPError](err); ok && refused.Code < http.StatusInternalServerError {
		return errNoPage()
	}
	return &casework.Error{Code: codeInternal, Reason: "internal", Detail: "see the log"}
}

// keptText is something that was typed and could not be taken.
type keptText struct{ Label, Text string }

// keptTexts gives the words that were typed into the form of an action.
func (v *visit) keptTexts() []keptText {
	var kept []keptText
	action := casework.Action(v.Param("action"))
	for _, f := range casework.CommandFields(action) {
		spec := specOf(action, f.Name)
		if text := v.typed(f.Name); spec.Widget == widgetText && strings.TrimSpace(text) != "" {
			kept = append(kept, keptText{Label: v.say.T(fieldKey(action, f.Name)), Text: text})
		}
	}
	if draft := v.typed("draft"); v.Path() == "/simulate" && strings.TrimSpace(draft) != "" {
		kept = append(kept, keptText{Label: v.say.T("simulate.draft"), Text: draft})
	}
	return kept
}

type failurePage struct {
	frame

	Status   int
	Words    string
	WhatNext string
	Kept     []keptText
	Back     string
}

// failureKinds are the codes that have a page with words of their own; every
// other code is shown as one that is wrong in itself.
var failureKinds = []casework.Code{
	casework.CodeForbidden, casework.CodeNotFound, casework.CodeGone, casework.CodeUnavailable, casework.CodeTooMany, codeInternal,
}

// showFailure renders an error in the frame of all pages: what is wrong, why,
// and what to do.
func (v *visit) showFailure(domain *casework.Error) error {
	kind := domain.Code
	if !slices.Contains(failureKinds, kind) {
		kind = casework.CodeInvalid
	}
	p := failurePage{
		frame: v.frame(v.say.T("failure."+string(kind)+".title"), ""), Status: httpstatus.Of(domain),
		WhatNext: v.say.T("failure." + string(kind) + ".next"), Back: "/",
	}
	p.FirstHint = nil // nothing is told about a page that is not there
	switch {
	case domain.Reason == "link_not_found": // nothing that somebody looked up
		p.Words, p.WhatNext = v.say.T("error.link_not_found"), ""
	case kind == casework.CodeForbidden, kind == casework.CodeGone, kind == casework.CodeInvalid:
		p.Words = v.say.T("error."+domain.Reason, "Field", domain.Field)
	default:
		p.Words = v.say.T("failure." + string(kind) + ".words")
	}
	if domain.Reason != "cross_site" {
		p.Kept = v.keptTexts()
	}
	if number := v.Param("number"); number != "" && (v.Request().Method != http.MethodGet || domain.Code == casework.CodeGone) {
		p.Back = casePath(number)
	}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		v.Response().Header().Set(echo.HeaderRetryAfter, "5")
	}
	return v.render(p.Status, "failure", p)
}
