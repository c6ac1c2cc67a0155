package web

import (
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// moment shows an instant as people in China read their clocks.
func moment(at time.Time) string { return at.In(casework.China()).Format("2006-01-02 15:04") }

// The days before a deadline from which a due date is amber, and from which it
// is no longer grey.
const (
	soonDays = store.SoonDays
	nearDays = 5
)

// due says how long there is still time, in the words that people say. Class is
// for the colour, which never speaks alone.
type due struct {
	Class string // none, paused, far, near, soon, over
	Words string
	Title string // the date
}

// due compares a deadline with the case's own now. Both may be nil.
func (l localizer) due(deadline, pausedAt *time.Time, now time.Time) due {
	switch {
	case pausedAt != nil:
		return due{Class: "paused", Words: l.T("due.paused"), Title: l.T("due.paused_since", "Date", casework.DateOf(*pausedAt))}
	case deadline == nil || deadline.IsZero():
		return due{Class: "none", Words: l.T("due.none"), Title: l.T("due.none_title")}
	}
	last, today := lastDayOf(*deadline), casework.DateOf(now)
	title := l.T("due.until", "Date", last)
	if !now.Before(*deadline) {
		return due{Class: "over", Words: l.T("due.over", "Count", daysOver(*deadline, now)), Title: title}
	}
	days := today.DaysUntil(last)
	switch {
	case days == 0:
		return due{Class: "soon", Words: l.T("due.today"), Title: title}
	case days <= soonDays:
		return due{Class: "soon", Words: l.T("due.left", "Count", days), Title: title}
	case days <= nearDays:
		return due{Class: "near", Words: l.T("due.left", "Count", days), Title: title}
	default:
		return due{Class: "far", Words: l.T("due.left", "Count", days), Title: title}
	}
}

// lastDayOf is the day at whose 24:00 a deadline lies.
func lastDayOf(deadline time.Time) casework.Date {
	return casework.DateOf(deadline.Add(-time.Nanosecond))
}

// daysOver counts the days that have begun since the last day.
func daysOver(deadline, now time.Time) int {
	return lastDayOf(deadline).DaysUntil(casework.DateOf(now))
}

// limit says how long a clock runs: 15 个自然日.
func (l localizer) limit(limit casework.Limit) string {
	return l.T("limit."+string(limit.Count), "Count", limit.Days)
}

// number writes a count with the thousands apart, as the language does.
func (l localizer) number(n int) string {
	return message.NewPrinter(language.Make(l.tag)).Sprint(number.Decimal(n))
}
