package web

import (
	"net/http"

	"guiling/internal/store"
)

type overduePage struct {
	frame

	Rows  []overdueRow
	Next  string
	First string // the first page
	Later bool   // this is not it
	Bulk  *bulkBar
}

// overdueRow is an overdue case with how far it has been escalated.
type overdueRow struct {
	caseRow

	Escalation string
}

// showOverdue answers GET /overdue: what is late in the supervisor's subtree, the
// longest overdue first.
func showOverdue(v *visit) error {
	after, err := cursorOf[store.CaseCursor](v)
	if err != nil {
		return err
	}
	page, err := v.site.Commands.ListOverdue(v.Request().Context(), v.user.Actor, store.CaseFilter{After: after})
	if err != nil {
		return err
	}
	p := overduePage{frame: v.frame(v.say.T("overdue.title"), boardPath), Later: after.Number != ""}
	for _, c := range page.Cases {
		row := overdueRow{caseRow: v.caseRow(c), Escalation: v.say.T("steps.none")}
		if c.EscalationSteps != nil {
			row.Escalation = v.say.steps(*c.EscalationSteps)
		}
		p.Rows = append(p.Rows, row)
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	if p.Bulk, err = v.bulkBar(); err != nil {
		return err
	}
	return v.render(http.StatusOK, "overdue", p)
}
