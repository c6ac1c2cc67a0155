package web

import (
	"net/http"

	"guiling/internal/commands"
	"guiling/internal/store"
)

type reviewerCasesPage struct {
	frame

	Number string
	Rows   []store.Case
	// Most is how many are listed at most; Cut says that there may be more.
	Most int
	Cut  bool
}

// showReviewerCases answers GET /cases/:number/reviewer-cases: the other cases of
// the citizen, as far as this person may see them. Nothing of the citizen is on it.
func showReviewerCases(v *visit) error {
	number := v.Param("number")
	cases, err := v.site.Commands.CasesOfReviewer(v.Request().Context(), v.user.Actor, number)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "reviewer_cases", reviewerCasesPage{
		frame: v.frame(v.say.T("reviewer_cases.title"), firstPlace(v.user.Actor)), Number: number, Rows: cases,
		Most: commands.MaxCasesOfReviewer, Cut: len(cases) == commands.MaxCasesOfReviewer,
	})
}
