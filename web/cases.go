package web

import (
	"net/http"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/store"
)

type casesPage struct {
	frame

	Rows    []caseRow
	Stages  []casework.Stage
	Stage   casework.Stage
	Open    bool
	Overdue bool
	Next    string
	First   string // the first page
	Later   bool   // this is not it
	Bulk    *bulkBar
}

// showCases answers GET /cases?stage=&open=&overdue=, and sends on to a case
// whose number was typed into the head of the page.
func showCases(v *visit) error {
	if number := strings.TrimSpace(v.QueryParam("number")); number != "" {
		return v.redirect(casePath(number))
	}
	after, err := cursorOf[store.CaseCursor](v)
	if err != nil {
		return err
	}
	filter := store.CaseFilter{Open: v.QueryParam("open") == "true", Overdue: v.QueryParam("overdue") == "true", After: after}
	stage := casework.Stage(v.QueryParam("stage"))
	if stage != "" {
		filter.Stages = []casework.Stage{stage}
	}
	page, err := v.site.Commands.ListCases(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := casesPage{
		frame: v.frame(v.say.T("cases.title"), "/cases"), Stages: casework.Stages(), Stage: stage,
		Open: filter.Open, Overdue: filter.Overdue, Later: after.Number != "",
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
