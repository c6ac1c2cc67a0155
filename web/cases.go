package web

import (
	"net/http"
	"regexp"
	"strings"

	"guiling/internal/commands"
	"guiling/internal/store"
)

type casesPage struct {
	frame

	Narrow narrowedList
	Bulk   *bulkBar
	Rows   []caseRow
	Next   string
	First  string // the first page
	Later  bool   // this is not it
}

// wholeNumber is the number of a case, as it stands in letters and on the phone.
var wholeNumber = regexp.MustCompile(`^\d{6}-\d{8}-\d{6}$`)

// showCases answers GET /cases, narrowed as the address says, and sends on to a
// case whose whole number was typed into the head of the page.
func showCases(v *visit) error {
	if number := strings.TrimSpace(v.QueryParam("q")); wholeNumber.MatchString(number) {
		return v.redirect(casePath(number))
	}
	after, err := cursorOf[store.CaseCursor](v)
	if err != nil {
		return err
	}
	narrowing, err := commands.ParseNarrowing(v.user.Actor, v.QueryParams())
	if err != nil {
		return err
	}
	page, err := v.site.Commands.ListCases(v.Request().Context(), v.user.Actor, store.CaseFilter{Narrowing: narrowing, After: after})
	if err != nil {
		return err
	}
	saved, err := v.site.Commands.ListViews(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	p := casesPage{frame: v.frame(v.say.T("cases.title"), "/cases"), Later: after.Number != ""}
	if p.Narrow, err = v.narrowed(store.ViewedCases, nil, saved, nil); err != nil {
		return err
	}
	for _, c := range page.Cases {
		p.Rows = append(p.Rows, v.caseRow(c))
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	if p.Bulk, err = v.bulkBar(); err != nil {
		return err
	}
	return v.render(http.StatusOK, "cases", p)
}
