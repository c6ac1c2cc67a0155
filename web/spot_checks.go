package web

import (
	"net/http"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/store"
)

type spotChecksPage struct {
	frame

	Rows  []spotCheckRow
	Next  string
	First string // the first page
	Later bool   // this is not it
}

// spotCheckRow is a case that waits for its check.
type spotCheckRow struct {
	Number, Path, Matter, Department, Region string

	Why     string
	Since   string // when it was drawn
	Barred  string // who may not check it; empty for nobody
	Blocked string // why this person does not; empty when they may
	Form    string
}

// showSpotChecks answers GET /spot-checks.
func showSpotChecks(v *visit) error {
	after, err := cursorOf[store.CaseCursor](v)
	if err != nil {
		return err
	}
	page, err := v.site.Commands.ListSpotChecks(v.Request().Context(), v.user.Actor, after, 0)
	if err != nil {
		return err
	}
	p := spotChecksPage{frame: v.frame(v.say.T("spot_checks.title"), spotChecksPath), Later: after.Number != ""}
	comma := v.say.T("list.comma")
	for _, c := range page.Checks {
		row := spotCheckRow{
			Number: c.Case.Number, Path: casePath(c.Case.Number), Matter: c.Case.MatterName, Department: c.Case.DepartmentName,
			Region: c.Case.RegionName, Barred: strings.Join(c.Barred, comma), Form: casePath(c.Case.Number) + "#form-" + string(casework.ActionRecordSpotCheck),
		}
		var why []string
		for _, reason := range c.Reasons {
			why = append(why, v.say.T("check."+string(reason)))
		}
		row.Why = strings.Join(why, comma)
		if c.Drawn != nil {
			row.Since = moment(c.Drawn.At)
		}
		if c.Blocked != nil {
			row.Blocked = v.say.T("error." + c.Blocked.Reason)
		}
		p.Rows = append(p.Rows, row)
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "spot_checks", p)
}
