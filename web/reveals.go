package web

import (
	"net/http"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/store"
)

type revealsPage struct {
	frame

	Rows   []revealRow
	UserID int64 // only this person's looks; 0: everybody's
	Alarms bool
	Next   string
	First  string // the first page
	Later  bool   // this is not it
}

// revealRow is one look, with where it leads.
type revealRow struct {
	store.RecordedReveal

	Path string
}

// showReveals answers GET /reveals?user_id=&alarms=: who looked at reviewers in
// clear in the auditor's subtree, newest first. Nothing of a reviewer is on it.
func showReveals(v *visit) error {
	before, err := cursorOf[store.RevealCursor](v)
	if err != nil {
		return err
	}
	filter := store.RevealFilter{Before: before, Alarms: v.QueryParam("alarms") == "true"}
	if text := v.QueryParam("user_id"); text != "" {
		if filter.UserID, err = strconv.ParseInt(text, 10, 64); err != nil {
			return casework.Invalid("user_id", "unknown_value", "a person is named by a number")
		}
	}
	page, err := v.site.Commands.ListReveals(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := revealsPage{frame: v.frame(v.say.T("reveals.title"), "/reveals"), UserID: filter.UserID, Alarms: filter.Alarms, Later: before.ID != 0}
	for _, r := range page.Reveals {
		p.Rows = append(p.Rows, revealRow{RecordedReveal: r, Path: casePath(r.Number)})
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "reveals", p)
}
