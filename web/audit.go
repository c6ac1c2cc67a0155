package web

import (
	"net/http"

	"guiling/internal/commands"
	"guiling/internal/store"
)

type auditPage struct {
	frame

	View    commands.CaseAudit
	Path    string // of the case
	Due     due
	Clock   *clockView
	Lines   [][2]string // why the deadline is the day that it is
	Entries []auditEntry
	Now     string // when the page was made, for its print
}

// auditEntry is an event with the key under which it was recorded.
type auditEntry struct {
	entry

	Key string
}

// showAudit answers GET /cases/:number/audit: the story of a case in columns, who
// looked at its reviewer, and what was repaired. Nothing on it changes anything.
func showAudit(v *visit) error {
	audit, err := v.site.Commands.AuditCase(v.Request().Context(), v.user.Actor, v.Param("number"))
	if err != nil {
		return err
	}
	p := auditPage{
		frame: v.frame(v.say.T("audit.title", "Number", audit.Case.Number), "/events"), View: audit, Path: casePath(audit.Case.Number),
		Due: v.say.due(audit.Case.DeadlineAt, audit.Case.PausedAt, audit.Now), Clock: v.clockOf(audit.CaseView),
		Now: moment(v.site.Commands.Now(store.Case{})),
	}
	p.Lines = v.clockLines(p.Clock)
	people := namesIn(audit.Events)
	for _, e := range audit.Events {
		p.Entries = append(p.Entries, auditEntry{entry: v.say.entryOf(e, people), Key: e.Key})
	}
	return v.render(http.StatusOK, "audit", p)
}

type exportsPage struct {
	frame

	When  whenFilter
	Rows  []exportRow
	Next  string
	First string // the first page
	Later bool   // this is not it
}

// exportRow is one export, with where its case is.
type exportRow struct {
	store.RecordedExport

	Path string // empty for a list
}

// showExports answers GET /exports: who took what out in the auditor's subtree,
// newest first.
func showExports(v *visit) error {
	before, err := cursorOf[store.ExportCursor](v)
	if err != nil {
		return err
	}
	when, err := v.whenFilter()
	if err != nil {
		return err
	}
	page, err := v.site.Commands.ListExports(v.Request().Context(), v.user.Actor, store.ExportFilter{
		UserID: when.UserID, Person: when.Person, From: when.Begin, Until: when.End, Number: when.Number, Before: before,
	})
	if err != nil {
		return err
	}
	p := exportsPage{frame: v.frame(v.say.T("exports.title"), "/exports"), When: when, Later: before.ID != 0}
	for _, x := range page.Exports {
		row := exportRow{RecordedExport: x}
		if x.Number != "" {
			row.Path = auditPath(x.Number)
		}
		p.Rows = append(p.Rows, row)
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "exports", p)
}

// auditPath is where auditors see all of a case.
func auditPath(number string) string { return casePath(number) + "/audit" }
