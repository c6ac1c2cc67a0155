package casework

import "time"

// Hours are the working hours of an office, in minutes after midnight in China.
// Reminders go out within them; no deadline depends on them.
type Hours struct {
	Opens, Closes int
	// QuietFrom and QuietTo are a break within them; equal: there is none.
	QuietFrom, QuietTo int
}

// OfficeHours are 09:00 to 18:00.
func OfficeHours() Hours { return Hours{Opens: 9 * 60, Closes: 18 * 60} }

// maxDaysOff bounds the search for a working day: no holiday is nearly so long.
const maxDaysOff = 60

// Next gives t itself when people work then, and otherwise the next instant when
// they do. Days off are those of the calendar; a make-up Saturday (调休上班) is a
// working day, and beyond the published calendar the week alone decides.
func (h Hours) Next(calendar Calendar, t time.Time) time.Time {
	day := DateOf(t)
	for range maxDaysOff {
		if working, _ := calendar.WorkingDay(day); working {
			if at, ok := h.on(day, t); ok {
				return at
			}
		}
		day = day.AddDays(1)
		t = day.Start()
	}
	return t
}

// on gives the first instant of that day, not before t, in working hours.
func (h Hours) on(day Date, t time.Time) (time.Time, bool) {
	if opens := day.At(0, h.Opens); t.Before(opens) {
		t = opens
	}
	quietTo := day.At(0, h.QuietTo)
	if h.QuietFrom < h.QuietTo && !t.Before(day.At(0, h.QuietFrom)) && t.Before(quietTo) {
		t = quietTo
	}
	return t, t.Before(day.At(0, h.Closes))
}
