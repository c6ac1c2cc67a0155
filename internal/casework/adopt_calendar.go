package casework

import "time"

// AdoptCalendar decides whether a case goes over to a newer calendar of holidays,
// and what that does to its deadline. It gives false, and the case stays as it is,
// when the case asks no calendar or has this one, when it is closed, when its
// deadline has passed (what was late stays late), and when the deadline would move
// into the past: nobody becomes late because a calendar was published. Such a case
// adopts the calendar with its next clock.
func AdoptCalendar(s State, r Rules, calendar Calendar, now time.Time) (CalendarAdopted, bool) {
	if !r.Pack.NeedsCalendar() || s.CalendarVersion == calendar.Version || s.Stage.Closed() || s.Overdue() {
		return CalendarAdopted{}, false
	}
	adopted := CalendarAdopted{Version: calendar.Version, Previous: s.CalendarVersion}
	if before, running := s.Deadline(r); running {
		after, _ := s.Deadline(Rules{Pack: r.Pack, Calendar: calendar})
		if !now.Before(after.At) {
			return CalendarAdopted{}, false
		}
		adopted.DeadlineBefore, adopted.DeadlineAfter = before.At, after.At
	}
	return adopted, true
}
