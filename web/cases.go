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
	Export  []exportLink
	Next    string
	First   string // the first page
	Later   bool   // this is not it
}

// caseFilter reads how the list of cases is narrowed.
func (v *visit) caseFilter() store.CaseFilter {
	filter := store.CaseFilter{Open: v.QueryParam("open") == "true", Overdue: v.QueryParam("overdue") == "true"}
	if stage := v.QueryParam("stage"); stage != "" {
		filter.Stages = []casework.Stage{casework.Stage(stage)}
	}
	return filter
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
	filter := v.caseFilter()
	filter.After = after
	page, err := v.site.Commands.ListCases(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := casesPage{
		frame: v.frame(v.say.T("cases.title"), "/cases"), Stages: casework.Stages(), Stage: casework.Stage(v.QueryParam("stage")), Export: v.exportLinks("/cases/export"),
		Open: filter.Open, Overdue: filter.Overdue, Later: after.Number != "",
	}
	for _, c := range page.Cases {
		p.Rows = append(p.Rows, v.caseRow(c))
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "cases", p)
}
