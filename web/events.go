package web

import (
	"net/http"

	"guiling/internal/casework"
	"guiling/internal/store"
)

type eventsPage struct {
	frame

	Kinds []casework.EventKind
	Kind  casework.EventKind
	Rows  []entry
	Next  string
	First string // the first page
	Later bool   // this is not it
}

// showEvents answers GET /events?kind=: what happened in the auditor's subtree,
// newest first.
func showEvents(v *visit) error {
	before, err := cursorOf[store.EventCursor](v)
	if err != nil {
		return err
	}
	kind := casework.EventKind(v.QueryParam("kind"))
	page, err := v.site.Commands.ListEvents(v.Request().Context(), v.user.Actor, store.EventFilter{Kind: kind, Before: before})
	if err != nil {
		return err
	}
	p := eventsPage{
		frame: v.frame(v.say.T("events.title"), "/events"), Kinds: casework.EventKinds(), Kind: kind, Later: before.Number != "",
	}
	people := namesIn(page.Events)
	for _, e := range page.Events {
		p.Rows = append(p.Rows, v.say.entryOf(e, people))
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "events", p)
}
