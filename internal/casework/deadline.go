package casework

import "time"

// Adjustment moved a deadline: an extension to a date, or a pause that was
// resumed. They apply in the order in which they happened.
type Adjustment struct {
	ExtendTo   Date `json:"extend_to,omitzero"`
	PausedFrom Date `json:"paused_from,omitzero"`
	PausedTo   Date `json:"paused_to,omitzero"`
}

// DeadlineStep is one line of the explanation of a deadline.
type DeadlineStep struct {
	Kind string `json:"kind"` // limit, extension, pause, roll
	Days int    `json:"days"` // days that the step added, as it counts them
	To   Date   `json:"to"`   // the last day after the step
}

// SkippedDay is a day that a working-day limit did not count.
type SkippedDay struct {
	Date Date   `json:"date"`
	Name string `json:"name"` // the holiday; empty for an ordinary weekend
}

// Deadline is an instant that can explain itself: 为什么是这一天.
type Deadline struct {
	At              time.Time      `json:"at"`       // LastDay, 24:00 +08:00
	LastDay         Date           `json:"last_day"` // 截止日
	Day0            Date           `json:"day0"`     // not counted
	Limit           Limit          `json:"limit"`
	PackID          string         `json:"pack_id"`
	PackVersion     int            `json:"pack_version"`
	CalendarVersion string         `json:"calendar_version"` // empty when no holiday mattered
	Provisional     bool           `json:"provisional"`      // a day beyond the published calendar was used
	Steps           []DeadlineStep `json:"steps"`
	Skipped         []SkippedDay   `json:"skipped"`
}

// ComputeDeadline is the one function that knows when something is due. Pages,
// workflow, reports and simulator all call it. It depends on nothing but its
// arguments.
func ComputeDeadline(pack RulePack, calendar Calendar, limit Limit, day0 Date, adjustments []Adjustment) Deadline {
	c := counter{calendar: calendar, limit: limit, skipped: []SkippedDay{}}
	last := c.add(day0, limit.Days)
	steps := []DeadlineStep{{Kind: "limit", Days: limit.Days, To: last}}
	for _, a := range adjustments {
		switch {
		case !a.ExtendTo.IsZero():
			steps = append(steps, DeadlineStep{Kind: "extension", Days: last.DaysUntil(a.ExtendTo), To: a.ExtendTo})
			last = a.ExtendTo
		case !a.PausedFrom.IsZero():
			days := c.between(a.PausedFrom, a.PausedTo)
			last = c.add(last, days)
			steps = append(steps, DeadlineStep{Kind: "pause", Days: days, To: last})
		}
	}
	if limit.Roll == RollForward {
		rolled := c.roll(last)
		if rolled != last {
			steps = append(steps, DeadlineStep{Kind: "roll", Days: last.DaysUntil(rolled), To: rolled})
			last = rolled
		}
	}
	d := Deadline{
		At: last.End(), LastDay: last, Day0: day0, Limit: limit,
		PackID: pack.ID, PackVersion: pack.Version,
		Provisional: c.provisional, Steps: steps, Skipped: c.skipped,
	}
	if limit.Count == CountWorking || limit.Roll == RollForward {
		d.CalendarVersion = calendar.Version
	}
	return d
}

// counter counts days in the limit's own way and remembers what it met.
type counter struct {
	calendar    Calendar
	limit       Limit
	skipped     []SkippedDay
	provisional bool
}

func (c *counter) working(d Date) bool {
	working, published := c.calendar.WorkingDay(d)
	if !published {
		c.provisional = true
	}
	return working
}

func (c *counter) skip(d Date) {
	c.skipped = append(c.skipped, SkippedDay{Date: d, Name: c.calendar.Names[d.String()]})
}

func (c *counter) add(from Date, days int) Date {
	if c.limit.Count == CountNatural {
		return from.AddDays(days)
	}
	d := from
	for counted := 0; counted < days; {
		d = d.AddDays(1)
		if c.working(d) {
			counted++
		} else {
			c.skip(d)
		}
	}
	return d
}

// between counts the days that a pause took away: from the day it began to the
// day it ended, in the limit's own days.
func (c *counter) between(from, to Date) int {
	if c.limit.Count == CountNatural {
		return max(0, from.DaysUntil(to))
	}
	days := 0
	for d := from; d.Before(to); {
		d = d.AddDays(1)
		if c.working(d) {
			days++
		}
	}
	return days
}

func (c *counter) roll(d Date) Date {
	for !c.working(d) {
		c.skip(d)
		d = d.AddDays(1)
	}
	return d
}
