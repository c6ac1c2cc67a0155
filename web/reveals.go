package web

import (
	"net/http"

	"guiling/internal/store"
)

type revealsPage struct {
	frame

	When   whenFilter
	Rows   []revealRow
	Alarms bool
	Export []exportLink
	Next   string
	First  string // the first page
	Later  bool   // this is not it
}

// revealRow is one look, with where it leads.
type revealRow struct {
	store.RecordedReveal

	Path string
}

// revealFilter reads how the list of looks is narrowed.
func (v *visit) revealFilter() (store.RevealFilter, whenFilter, error) {
	when, err := v.whenFilter()
	return store.RevealFilter{
		UserID: when.UserID, Person: when.Person, From: when.Begin, Until: when.End, Number: when.Number, Alarms: v.asked("alarms") == "true",
	}, when, err
}

// showReveals answers GET /reveals?user_id=&person=&from=&to=&number=&alarms=: who looked at reviewers in
// clear in the auditor's subtree, newest first. Nothing of a reviewer is on it.
func showReveals(v *visit) error {
	before, err := cursorOf[store.RevealCursor](v)
	if err != nil {
		return err
	}
	filter, when, err := v.revealFilter()
	if err != nil {
		return err
	}
	filter.Before = before
	page, err := v.site.Commands.ListReveals(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := revealsPage{
		frame: v.frame(v.say.T("reveals.title"), "/reveals"), When: when, Alarms: filter.Alarms,
		Export: v.exportLinks("/reveals/export"), Later: before.ID != 0,
	}
	for _, r := range page.Reveals {
		p.Rows = append(p.Rows, revealRow{RecordedReveal: r, Path: casePath(r.Number)})
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "reveals", p)
}
