package web

import (
	"strconv"
	"strings"
	"time"

	"guiling/internal/casework"
)

// whenFilter narrows a list of what people did: by who it was, from the first day
// to the last, and the case. The person is named by a number in links, and by
// (part of) a name where somebody types.
type whenFilter struct {
	UserID   int64
	Person   string
	From, To string // days, as they were typed
	Number   string

	Begin, End time.Time // the same as instants; zero for an open end
}

// Named reports whether the list shows one person by number.
func (f whenFilter) Named() bool { return f.UserID != 0 }

func (v *visit) whenFilter() (whenFilter, error) {
	f := whenFilter{
		Person: v.asked("person"), From: v.asked("from"), To: v.asked("to"), Number: v.asked("number"),
	}
	var err error
	if f.UserID, err = v.numberAsked("user_id"); err != nil {
		return f, err
	}
	from, err := v.dayAsked("from")
	if err != nil {
		return f, err
	}
	to, err := v.dayAsked("to")
	if err != nil {
		return f, err
	}
	if !from.IsZero() {
		f.Begin = from.Start()
	}
	if !to.IsZero() {
		f.End = to.End()
	}
	return f, nil
}

// asked is a word of the address that narrows a list.
func (v *visit) asked(name string) string { return strings.TrimSpace(v.QueryParam(name)) }

func (v *visit) numberAsked(name string) (int64, error) {
	text := v.asked(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, casework.Invalid(name, "unknown_value", "a positive number is expected")
	}
	return n, nil
}

// dayAsked reads a day; the zero day when none was typed.
func (v *visit) dayAsked(name string) (casework.Date, error) {
	text := v.asked(name)
	if text == "" {
		return casework.Date{}, nil
	}
	day, err := casework.ParseDate(text)
	if err != nil {
		return casework.Date{}, casework.Invalid(text, "not_a_date", "a day is written YYYY-MM-DD")
	}
	return day, nil
}
