package web

import (
	"net/http"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/store"
)

type eventsPage struct {
	frame

	When       whenFilter
	Kinds      []casework.EventKind
	Kind       casework.EventKind
	Department string // as it was typed
	Rows       []eventLine
	Export     []exportLink
	Next       string
	First      string // the first page
	Later      bool   // this is not it
}

// eventLine is an event of the list, with where its case and the other deeds of who
// did it are.
type eventLine struct {
	entry

	ByID  int64 // 0: the clock
	Audit string
}

// eventFilter reads how the list of events is narrowed.
func (v *visit) eventFilter() (store.EventFilter, whenFilter, error) {
	when, err := v.whenFilter()
	if err != nil {
		return store.EventFilter{}, when, err
	}
	f := store.EventFilter{
		Kind: casework.EventKind(v.asked("kind")), UserID: when.UserID, Person: when.Person, From: when.Begin, Until: when.End, Number: when.Number,
	}
	department := v.asked("department")
	if id, err := strconv.ParseInt(department, 10, 64); err == nil && id > 0 {
		f.DepartmentID = id
	} else {
		f.Department = department
	}
	return f, when, nil
}

// showEvents answers GET /events?kind=&person=&from=&to=&number=&department=: what happened in the auditor's subtree,
// newest first.
func showEvents(v *visit) error {
	before, err := cursorOf[store.EventCursor](v)
	if err != nil {
		return err
	}
	filter, when, err := v.eventFilter()
	if err != nil {
		return err
	}
	filter.Before = before
	page, err := v.site.Commands.ListEvents(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := eventsPage{
		frame: v.frame(v.say.T("events.title"), "/events"), When: when, Kinds: casework.EventKinds(), Kind: filter.Kind,
		Department: v.asked("department"), Export: v.exportLinks("/events/export"), Later: before.Number != "",
	}
	people := namesIn(page.Events)
	for _, e := range page.Events {
		p.Rows = append(p.Rows, eventLine{entry: v.say.entryOf(e, people), ByID: e.By.UserID, Audit: auditPath(e.Number)})
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "events", p)
}
