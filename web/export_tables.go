package web

import (
	"fmt"
	"strings"
	"time"

	"guiling/internal/export"
	"guiling/internal/store"
)

// column is the head of a column, in the language of the person.
func (v *visit) column(key string, width float64) export.Column {
	return export.Column{Header: v.say.T(key), Width: width}
}

// caseTable are the columns of a list of cases; caseCells fills them. Nobody is in
// it who rated: whether somebody is known, and words with what tells masked.
func (v *visit) caseTable() []export.Column {
	return []export.Column{
		v.column("column.number", 24), v.column("column.stage", 10), v.column("export.rating", 12), v.column("export.aspects", 24),
		v.column("column.words", 50), v.column("review.rated_at", 20), v.column("review.channel", 12), v.column("export.reviewer_known", 10),
		v.column("review.matter_code", 32), v.column("column.matter", 28), v.column("column.department", 28), v.column("review.region", 16),
		v.column("export.level", 8), v.column("review.staff", 12), v.column("column.handler", 12), v.column("export.opened_at", 20),
		v.column("export.clock", 14), v.column("export.last_day", 12), v.column("export.paused_at", 20), v.column("export.overdue_since", 20),
		v.column("case.ever_late", 12), v.column("column.escalation", 12), v.column("export.reopenings", 10), v.column("export.closed_at", 20),
		v.column("export.on_time", 10),
	}
}

func (v *visit) caseCells(c store.Case) []export.Cell {
	term := func(family, value string) export.Cell {
		if value == "" {
			return nil
		}
		return v.say.T(family + value)
	}
	var aspects []string
	for _, a := range c.Aspects {
		aspects = append(aspects, v.say.T("aspect."+string(a)))
	}
	var lastDay, steps, onTime export.Cell
	if c.DeadlineAt != nil {
		lastDay = export.Day(c.DeadlineAt.Add(-time.Nanosecond))
	}
	if c.EscalationSteps != nil {
		steps = v.say.steps(*c.EscalationSteps)
	}
	if c.ClosedOnTime != nil {
		onTime = v.say.T("on_time." + yesNo(*c.ClosedOnTime))
	}
	return []export.Cell{
		c.Number, term("stage.", string(c.Stage)), term("rating.", string(c.Rating)), strings.Join(aspects, v.say.T("list.comma")),
		c.Words, c.RatedAt, term("channel.", string(c.Channel)), v.yes(c.ReviewerKnown),
		c.MatterCode, c.MatterName, c.DepartmentName, c.RegionName,
		term("level.", string(c.RegionLevel)), c.StaffLabel, c.HandlerName, instantCell(c.OpenedAt),
		term("clock.", string(c.ClockKind)), lastDay, instantCell(c.PausedAt), instantCell(c.OverdueSince),
		v.yes(c.EverLate), steps, c.Reopenings, instantCell(c.ClosedAt),
		onTime,
	}
}

func (v *visit) yes(yes bool) string { return v.say.T("export.is." + yesNo(yes)) }

func instantCell(at *time.Time) export.Cell {
	if at == nil || at.IsZero() {
		return nil
	}
	return *at
}

// eventTable are the columns of what happened; eventCells fills them.
func (v *visit) eventTable() []export.Column {
	return []export.Column{
		v.column("column.time", 20), v.column("column.number", 24), v.column("export.seq", 6), v.column("column.who", 12),
		v.column("export.organisation", 28), v.column("export.level", 8), v.column("export.role", 12), v.column("column.kind", 14),
		v.column("column.what", 44), v.column("audit.evidence", 50), v.column("column.rule", 32), v.column("column.article", 10),
		v.column("story.build", 14), v.column("export.key", 30),
	}
}

func (v *visit) eventCells(recorded store.RecordedEvent) []export.Cell {
	e := v.say.entryOf(recorded, namesIn([]store.RecordedEvent{recorded}))
	who, role, level := e.Who, "", ""
	if recorded.By.System() {
		who = v.say.T("story.clock")
	}
	if e.Role != "" {
		role = v.say.T("role." + string(e.Role))
	}
	if e.Level != "" {
		level = v.say.T("level." + string(e.Level))
	}
	var said []string
	for _, q := range e.Quotes {
		said = append(said, fmt.Sprintf("%s: %s", q.Label, q.Text))
	}
	return []export.Cell{
		e.At, e.Number, e.Seq, who, e.Where, level, role, v.say.T("kind." + string(e.Kind)), e.Headline, strings.Join(said, "\n"),
		e.Rule, e.Article, e.Build, recorded.Key,
	}
}

// revealTable are the columns of the looks at reviewers; revealCells fills them.
func (v *visit) revealTable() []export.Column {
	return []export.Column{
		v.column("column.time", 20), v.column("column.number", 24), v.column("column.who", 12), v.column("export.organisation", 28),
		v.column("reveal.purpose", 44), v.column("column.rule", 32), v.column("reveals.alarm", 24),
	}
}

func (v *visit) revealCells(r store.RecordedReveal) []export.Cell {
	var alarms []string
	for _, a := range r.Alarms {
		alarms = append(alarms, v.say.T("alarm."+string(a)))
	}
	return []export.Cell{r.At, r.Number, r.UserName, r.OrganisationName, r.Purpose, r.Rule, strings.Join(alarms, v.say.T("list.comma"))}
}

// clockLines say why the deadline of a case is the day that it is.
func (v *visit) clockLines(c *clockView) [][2]string {
	if c == nil {
		return nil
	}
	lines := [][2]string{
		{v.say.T("clock." + string(c.Kind)), v.say.T("clock.until", "Date", c.Deadline.LastDay)},
		{v.say.T("clock.why"), v.say.T("clock.day0", "Date", c.Deadline.Day0)},
	}
	for _, step := range c.Steps {
		lines = append(lines, [2]string{v.say.T("audit.step"), step.Words + " " + step.To.String()})
	}
	for _, day := range c.Deadline.Skipped {
		name := day.Name
		if name == "" {
			name = v.say.T("clock.weekend")
		}
		lines = append(lines, [2]string{v.say.T("audit.skipped"), day.Date.String() + " " + name})
	}
	for _, day := range c.MadeUp {
		lines = append(lines, [2]string{v.say.T("clock.made_up"), day.Date.String() + " " + day.Name})
	}
	calendar := c.Deadline.CalendarVersion
	if calendar == "" {
		calendar = v.say.T("clock.no_calendar")
	}
	return append(lines,
		[2]string{v.say.T("clock.article"), c.Deadline.Limit.Article},
		[2]string{v.say.T("clock.pack"), v.say.T("clock.pack_version", "ID", c.Deadline.PackID, "Version", c.Deadline.PackVersion)},
		[2]string{v.say.T("clock.calendar"), calendar},
	)
}
