package web

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// entry is one event in words.
type entry struct {
	Number   string
	Path     string
	Seq      int
	At       time.Time
	Kind     casework.EventKind
	Who      string // empty for the clock
	Where    string
	Role     casework.Role
	Article  string
	Headline string
	File     string // where the file is that the event names
	Quotes   []quote
	Tone     string // clock, late, done, or nothing
	Rule     string
	Build    string
	Facts    []fact
}

// quote is what somebody wrote, with what it is.
type quote struct{ Label, Text string }

// fact is one field of an event, as it was recorded.
type fact struct{ Name, Value string }

// names says who and what the numbers in events are.
type names struct {
	people, organisations map[int64]string
}

// namesIn collects the names that events bring with them.
func namesIn(events []store.RecordedEvent) names {
	n := names{people: map[int64]string{}, organisations: map[int64]string{}}
	for _, e := range events {
		if !e.By.System() {
			n.people[e.By.UserID], n.organisations[e.By.OrganisationID] = e.UserName, e.OrganisationName
		}
		switch body := e.Body.(type) {
		case casework.Assigned:
			n.people[body.UserID] = e.AssigneeName
		case casework.Transferred:
			n.organisations[body.FromDepartmentID], n.organisations[body.ToDepartmentID] = e.FromDepartment, e.ToDepartment
		}
	}
	return n
}

func (n names) person(l localizer, id int64) string {
	if name := n.people[id]; name != "" {
		return name
	}
	return l.T("name.person", "ID", id)
}

func (n names) organisation(l localizer, id int64) string {
	if name := n.organisations[id]; name != "" {
		return name
	}
	return l.T("name.organisation", "ID", id)
}

// entryOf tells an event.
func (l localizer) entryOf(e store.RecordedEvent, n names) entry {
	headline, quotes := l.tell(e.Body, n)
	out := entry{
		Number: e.Number, Path: casePath(e.Number), Seq: e.Seq, At: e.At, Kind: e.Body.Kind(), Role: e.By.Role, Article: e.Article,
		Who: e.UserName, Where: e.OrganisationName, Headline: headline, Tone: toneOf(e.Body),
		Rule: e.Rule, Build: e.Build, Facts: factsOf(e.Body),
	}
	if file, ok := e.Body.(casework.FileAttached); ok {
		out.File = filePath(e.Number, file.AttachmentID)
	}
	for _, q := range quotes {
		if strings.TrimSpace(q.Text) != "" {
			out.Quotes = append(out.Quotes, q)
		}
	}
	return out
}

// tell gives the headline of an event and the words that people wrote.
func (l localizer) tell(body casework.EventBody, n names) (string, []quote) {
	key := "event." + string(body.Kind())
	q := func(label, text string) quote { return quote{Label: l.T("quote." + label), Text: text} }
	term := func(family, value string) string { return l.T(family + "." + value) }
	switch b := body.(type) {
	case casework.Opened:
		return l.T(key, "Channel", term("channel", string(b.Channel)), "Limit", l.limit(b.Limit)), nil
	case casework.Assigned:
		return l.T(key, "Name", n.person(l, b.UserID)), []quote{q("note", b.Note)}
	case casework.TakenOver:
		return l.T(key), []quote{q("reason", b.Reason)}
	case casework.CallbackRecorded:
		return l.T(key+"."+yesNo(b.Reached), "Attempt", b.Attempt), []quote{q("reviewer_said", b.Words), q("outcome", b.Outcome)}
	case casework.Verified:
		return l.T(key, "Outcome", term("outcome", string(b.Outcome)), "Limit", l.limit(b.Limit)), []quote{q("findings", b.Findings)}
	case casework.InvalidProposed:
		return l.T(key, "Ground", term("ground", string(b.Ground))), []quote{q("evidence", b.Evidence)}
	case casework.FileAttached:
		return l.T(key, "Name", b.Name, "Kind", fileKind(b.Name), "Size", fileSize(b.Size)), nil
	case casework.InvalidDecided:
		return l.T(key + "." + yesNo(b.Confirmed)), []quote{q("reason", b.Reason)}
	case casework.ExtensionRequested:
		return l.T(key, "Ordinal", b.Ordinal, "Until", b.Until), []quote{q("reason", b.Reason)}
	case casework.ExtensionWithdrawn:
		return l.T(key, "Ordinal", b.Ordinal), []quote{q("reason", b.Reason)}
	case casework.ExtensionDecided:
		return l.T(key+"."+yesNo(b.Granted), "Ordinal", b.Ordinal, "Until", b.Until, "Count", b.Days), []quote{q("reason", b.Reason)}
	case casework.Rectified:
		guide := ""
		if b.GuideChanged {
			guide = l.T("event.rectified.guide")
		}
		return l.T(key, "Cause", term("cause", string(b.Cause)), "Guide", guide), []quote{q("done", b.Done), q("evidence", b.Evidence)}
	case casework.FeedbackSent:
		if b.Channel == casework.FeedbackNone {
			return l.T(key + ".none"), []quote{q("feedback", b.Words)}
		}
		return l.T(key, "Channel", term("feedback", string(b.Channel)), "Limit", l.limit(b.Limit)), []quote{q("feedback", b.Words)}
	case casework.AnswerRecorded:
		return l.T(key+"."+string(b.Answer), "Nth", b.Nth), []quote{q("reviewer_said", b.Words)}
	case casework.LateAnswerRecorded:
		return l.T(key + "." + string(b.Answer)), []quote{q("reviewer_said", b.Words)}
	case casework.ReopeningDecided:
		return l.T(key + "." + yesNo(b.Reopen)), []quote{q("reason", b.Reason)}
	case casework.Reopened:
		return l.T(key, "Cause", term("reopen", string(b.Cause)), "Stage", term("stage", string(b.To)), "Limit", l.limit(b.Limit)), nil
	default:
		return l.tellMore(body, n)
	}
}

// tellMore tells what clocks and supervisors do.
func (l localizer) tellMore(body casework.EventBody, n names) (string, []quote) {
	key := "event." + string(body.Kind())
	q := func(label, text string) quote { return quote{Label: l.T("quote." + label), Text: text} }
	switch b := body.(type) {
	case casework.AnswerWindowPassed:
		return l.T(key, "Until", lastDayOf(b.Deadline)), nil
	case casework.Warned:
		return l.T(key, "Clock", l.T("clock."+string(b.Clock)), "Count", b.DaysBefore, "Until", lastDayOf(b.Deadline)), nil
	case casework.BecameOverdue:
		return l.T(key, "Clock", l.T("clock."+string(b.Clock)), "Until", lastDayOf(b.Deadline)), nil
	case casework.Reminded:
		if b.UserID == 0 {
			return l.T(key+".department", "Name", n.organisation(l, b.DepartmentID)), []quote{q("note", b.Note)}
		}
		return l.T(key, "Name", n.person(l, b.UserID)), []quote{q("note", b.Note)}
	case casework.Escalated:
		to := l.steps(b.StepsUp)
		switch {
		case b.Manual && b.Reason == string(casework.ReopenUnsatisfied):
			return l.T(key+".unsatisfied", "To", to), nil
		case b.Manual:
			return l.T(key+".manual", "To", to), []quote{q("reason", b.Reason)}
		case b.AfterDays == 0:
			return l.T(key+".at_once", "To", to), nil
		default:
			return l.T(key, "To", to, "Count", b.AfterDays), nil
		}
	case casework.Paused:
		return l.T(key, "Category", l.T("pause."+string(b.Category))), []quote{q("reason", b.Reason)}
	case casework.Resumed:
		return l.T(key, "From", b.From, "To", b.To), []quote{q("reason", b.Reason)}
	case casework.CalendarAdopted:
		return l.calendarAdopted(b), nil
	case casework.Transferred:
		if b.FromDepartmentID == b.ToDepartmentID { // an authority had taken it over
			return l.T(key+".back", "To", n.organisation(l, b.ToDepartmentID)), []quote{q("reason", b.Reason)}
		}
		return l.T(key, "From", n.organisation(l, b.FromDepartmentID), "To", n.organisation(l, b.ToDepartmentID)),
			[]quote{q("reason", b.Reason)}
	case casework.Merged:
		return l.T(key, "Into", b.Into), []quote{q("reason", b.Reason)}
	case casework.CaseLinked:
		return l.T(key, "From", b.From), nil
	case casework.Withdrawn:
		return l.T(key), []quote{q("reason", b.Reason)}
	case casework.Closed:
		return l.T(key, "Cause", l.T("close."+string(b.Cause)), "OnTime", l.T("on_time."+yesNo(b.OnTime))), nil
	case casework.SpotCheckDrawn:
		reasons := make([]string, 0, len(b.Reasons))
		for _, r := range b.Reasons {
			reasons = append(reasons, l.T("check."+string(r)))
		}
		return l.T(key, "Reasons", strings.Join(reasons, l.T("list.comma"))), nil
	case casework.SpotCheckRecorded:
		return l.T(key+"."+yesNo(b.Passed), "Method", l.T("method."+string(b.Method))), []quote{q("findings", b.Findings)}
	default:
		return l.T(key), nil // claimed, archived: nothing more to say
	}
}

// calendarAdopted says what a new calendar of holidays did to a deadline.
func (l localizer) calendarAdopted(b casework.CalendarAdopted) string {
	switch {
	case b.DeadlineAfter.IsZero():
		return l.T("event.calendar_adopted")
	case b.DeadlineAfter.Equal(b.DeadlineBefore):
		return l.T("event.calendar_adopted.same", "After", lastDayOf(b.DeadlineAfter))
	default:
		return l.T("event.calendar_adopted.moved", "Before", lastDayOf(b.DeadlineBefore), "After", lastDayOf(b.DeadlineAfter))
	}
}

// steps names the body that a case was put before, by its distance.
func (l localizer) steps(up int) string { return l.T("steps." + strconv.Itoa(max(0, min(up, 4)))) }

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// toneOf says what the mark of an event in the timeline looks like.
func toneOf(body casework.EventBody) string {
	switch b := body.(type) {
	case casework.BecameOverdue:
		return "late"
	case casework.Escalated:
		return "late"
	case casework.Closed, casework.Archived, casework.Rectified:
		return "done"
	case casework.SpotCheckRecorded:
		if b.Passed {
			return "done"
		}
		return "late"
	case casework.Warned, casework.AnswerWindowPassed, casework.SpotCheckDrawn, casework.CalendarAdopted, casework.CaseLinked:
		return "clock"
	default:
		return ""
	}
}

// factsOf lists the fields of an event as they were recorded, for auditors.
func factsOf(body casework.EventBody) []fact {
	data, err := json.Marshal(body)
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	var facts []fact
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return facts
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return facts
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		key, _ := name.(string)
		facts = append(facts, fact{Name: key, Value: text})
	}
	return facts
}
