package casework

import (
	"fmt"
	"time"
)

// Date is a day of the civil calendar in China. Deadlines are counted in days
// and end at 24:00 +08:00, so arithmetic on dates never meets a server's time
// zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// China is the fixed +08:00 zone. China has no daylight saving time, and a
// fixed offset needs no time-zone data, which keeps workflow code deterministic.
func China() *time.Location { return time.FixedZone("+08:00", 8*60*60) }

// DateOf gives the day in China at the instant t.
func DateOf(t time.Time) Date {
	y, m, d := t.In(China()).Date()
	return Date{y, m, d}
}

// ParseDate reads YYYY-MM-DD and refuses days that do not exist.
func ParseDate(s string) (Date, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, China())
	if err != nil {
		return Date{}, Invalid("date", "not_a_date", fmt.Sprintf("%q is not a date of the form YYYY-MM-DD", s))
	}
	return DateOf(t), nil
}

// Start is the first instant of the day, 00:00 +08:00.
func (d Date) Start() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, China()) }

// End is 24:00 +08:00, which is the first instant of the next day.
func (d Date) End() time.Time { return d.AddDays(1).Start() }

// At is the instant of the day at hour:minute +08:00.
func (d Date) At(hour, minute int) time.Time {
	return time.Date(d.Year, d.Month, d.Day, hour, minute, 0, 0, China())
}

// AddDays counts n natural days on, or back when n is negative.
func (d Date) AddDays(n int) Date { return DateOf(d.Start().AddDate(0, 0, n)) }

// DaysUntil is the number of natural days from d to other, negative when other is earlier.
func (d Date) DaysUntil(other Date) int {
	return int(other.Start().Sub(d.Start()) / (24 * time.Hour))
}

// Before reports whether d is an earlier day than other.
func (d Date) Before(other Date) bool { return d.Start().Before(other.Start()) }

// IsZero reports whether d is no day at all.
func (d Date) IsZero() bool { return d == Date{} }

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText writes YYYY-MM-DD, and nothing for the zero date.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads YYYY-MM-DD, and the zero date from nothing.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
