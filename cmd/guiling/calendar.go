package main

import (
	"fmt"
	"os"

	"guiling/internal/app"
	"guiling/internal/store"
)

type calendarCmd struct {
	Publish publishCalendarCmd `cmd:"" help:"Publish the holidays and make-up working days of a CSV file: date,kind,name."`
	List    listCalendarsCmd   `cmd:"" help:"List the published calendars, the newest first."`
}

type publishCalendarCmd struct {
	File string `arg:"" type:"existingfile" help:"The whole list, as in reference/holidays-cn.csv."`
}

func (p publishCalendarCmd) Run(r run) error {
	calendar, err := readCalendar(p.File)
	if err != nil {
		return err
	}
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		fresh, err := st.PublishCalendar(r.ctx, calendar)
		if err != nil {
			return err
		}
		words := "published; running cases that count working days adopt it within a minute"
		if !fresh {
			words = "was published before; nothing changed"
		}
		_, err = fmt.Fprintf(os.Stdout, "calendar %s %s\n", calendar.Version, words)
		return err
	})
}

type listCalendarsCmd struct{}

func (listCalendarsCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		versions, err := st.CalendarVersions(r.ctx)
		if err != nil {
			return err
		}
		for _, v := range versions {
			if _, err := fmt.Fprintln(os.Stdout, v); err != nil {
				return err
			}
		}
		return nil
	})
}
