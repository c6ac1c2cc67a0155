package commands

import (
	"context"
	"fmt"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// CalendarPublisher publishes calendars of holidays, for the people who run the
// system.
type CalendarPublisher struct {
	Store *store.Store
}

// Publication says what became of a calendar.
type Publication struct {
	Version          string
	PublishedThrough casework.Date
	Fresh            bool   // false: it had been published before
	InForce          string // the newest calendar, which is another one when an old calendar came again
	ToRecount        int    // running cases that the worker will ask to count by the calendar in force
}

// Publish makes a calendar the one by which clocks count. Publishing it again
// changes nothing. One that ends before the calendar in force is a conflict: every
// case would count by fewer holidays than are known, and a publication cannot be
// taken back.
func (p CalendarPublisher) Publish(ctx context.Context, calendar casework.Calendar) (Publication, error) {
	published, err := p.Store.CalendarVersions(ctx)
	if err != nil {
		return Publication{}, err
	}
	out := Publication{Version: calendar.Version, PublishedThrough: calendar.PublishedThrough}
	if err := p.mayPublish(ctx, calendar, published); err != nil {
		return Publication{}, err
	}
	if out.Fresh, err = p.Store.PublishCalendar(ctx, calendar); err != nil {
		return Publication{}, err
	}
	inForce, err := p.Store.NewestCalendar(ctx)
	if err != nil {
		return Publication{}, err
	}
	out.InForce = inForce.Version
	out.ToRecount, err = p.Store.CountCasesToRecount(ctx, inForce.Version)
	return out, err
}

func (p CalendarPublisher) mayPublish(ctx context.Context, calendar casework.Calendar, published []string) error {
	if len(published) == 0 || slices.Contains(published, calendar.Version) {
		return nil // the first one, or one that is there: nothing will change
	}
	newest, err := p.Store.Calendar(ctx, published[0])
	if err != nil {
		return err
	}
	if calendar.PublishedThrough.Before(newest.PublishedThrough) {
		return casework.Conflict("calendar_ends_earlier", fmt.Sprintf(
			"this calendar ends on %s, the one in force on %s", calendar.PublishedThrough, newest.PublishedThrough))
	}
	return nil
}
