package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
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
		publication, err := commands.CalendarPublisher{Store: st}.Publish(r.ctx, calendar)
		if err != nil {
			return err
		}
		return tellPublication(os.Stdout, publication)
	})
}

func tellPublication(out io.Writer, p commands.Publication) error {
	words := "published, known through " + p.PublishedThrough.String()
	if !p.Fresh {
		words = "already published, nothing changed"
	}
	if p.Version != p.InForce {
		words += "; in force is " + p.InForce
	}
	_, err := fmt.Fprintf(out, "calendar %s %s\n%d running cases count by another calendar and are asked to recount within a minute; late ones keep theirs\n",
		p.Version, words, p.ToRecount)
	return err
}

type listCalendarsCmd struct{}

func (listCalendarsCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		calendars, err := st.PublishedCalendars(r.ctx)
		if err != nil {
			return err
		}
		return tellCalendars(os.Stdout, calendars)
	})
}

func tellCalendars(out io.Writer, calendars []store.PublishedCalendar) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "VERSION\tKNOWN THROUGH\tPUBLISHED\tRUNNING CASES\t") // the writer keeps its error for Flush
	for i, c := range calendars {
		inForce := ""
		if i == 0 {
			inForce = "in force"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n",
			c.Version, c.PublishedThrough, c.PublishedAt.In(casework.China()).Format("2006-01-02 15:04"), c.Cases, inForce)
	}
	return table.Flush()
}
