package casework

import "time"

// DayKind says what the State Council made of a day that the week alone would
// judge otherwise.
type DayKind string

// The two kinds of exception: a holiday, and a make-up working day (调休上班).
const (
	DayHoliday DayKind = "holiday"
	DayWorkday DayKind = "workday"
)

// Calendar holds the published exceptions to the working week. Beyond
// PublishedThrough nothing is known, and what depends on it is provisional.
type Calendar struct {
	Version          string             `json:"version"`
	PublishedThrough Date               `json:"published_through"`
	Days             map[string]DayKind `json:"days"`  // by YYYY-MM-DD
	Names            map[string]string  `json:"names"` // the holiday's name, by YYYY-MM-DD
}

// WorkingDay reports whether d is a working day, and whether the calendar for
// that year has been published.
func (c Calendar) WorkingDay(d Date) (working, published bool) {
	published = !c.PublishedThrough.Before(d)
	switch c.Days[d.String()] {
	case DayHoliday:
		return false, published
	case DayWorkday:
		return true, published
	}
	switch d.Start().Weekday() {
	case time.Saturday, time.Sunday:
		return false, published
	default:
		return true, published
	}
}
