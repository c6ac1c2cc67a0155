package web

import (
	"net/http"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
)

// revealReviewer answers POST /cases/:number/reveal: the case once more, with
// the reviewer's phone in clear. It is in no address and kept by no cache, and
// the next look asks for its purpose again (第六条).
func revealReviewer(v *visit) error {
	number := v.Param("number")
	look := commands.Look{Number: number, Purpose: v.form.Get("purpose")}
	reviewer, err := v.site.Commands.RevealReviewer(v.Request().Context(), v.user.Actor, look)
	if err != nil {
		domain := v.domainError(err)
		if domain.Code == casework.CodeUnauthorized || domain.Code == casework.CodeNotFound {
			return domain
		}
		return v.renderCase(httpstatus.Of(domain), number, refused{Action: casework.ActionReveal, Errors: []*casework.Error{domain}})
	}
	return v.renderCaseWith(http.StatusOK, number, refused{}, &reviewer)
}
