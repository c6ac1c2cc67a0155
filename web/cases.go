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
	Export []exportLink
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
	filter, err := v.caseFilter()
	if err != nil {
		return err
	}
	filter.After = after
	page, err := v.site.Commands.ListCases(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	saved, err := v.site.Commands.ListViews(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	p := casesPage{frame: v.frame(v.say.T("cases.title"), "/cases"), Later: after.Number != "", Export: v.exportLinks("/cases/export")}
	if p.Narrow, err = v.narrow(store.ViewedCases, nil, saved, nil); err != nil {
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

// caseFilter reads how the list of cases is narrowed.
func (v *visit) caseFilter() (store.CaseFilter, error) {
	narrowing, err := commands.ParseNarrowing(v.user.Actor, v.QueryParams())
	return store.CaseFilter{Narrowing: narrowing}, err
}
