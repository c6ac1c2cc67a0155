package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"guiling/internal/casework"
)

// Calendars is where the published calendars of holidays are, and the cases that
// count by an older one.
type Calendars interface {
	NewestCalendar(ctx context.Context) (casework.Calendar, error)
	CasesToRecount(ctx context.Context, calendarVersion, after string, limit int) ([]string, error)
}

// CalendarAdopter reaches running cases.
type CalendarAdopter interface {
	// AdoptCalendar lets a case go over to a calendar. CodeConflict: it keeps its own.
	AdoptCalendar(ctx context.Context, number string, calendar casework.Calendar) error
}

// Recount brings running cases over to the newest calendar of holidays, so that
// their deadlines follow it. Any number may run: a case adopts a calendar once.
type Recount struct {
	Calendars Calendars
	Engine    CalendarAdopter
	Log       *slog.Logger
}

const (
	recountBatch = 200
	recountPause = time.Minute
)

// Run looks for cases again and again until ctx is done.
func (r Recount) Run(ctx context.Context) error {
	for {
		if adopted, err := r.Once(ctx); ctx.Err() == nil {
			if adopted > 0 {
				r.Log.InfoContext(ctx, "cases adopted the newest calendar", "cases", adopted)
			}
			if err != nil {
				r.Log.WarnContext(ctx, "recount of deadlines", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(recountPause): //nolint:forbidigo // a pause between looks, no deadline of a case
		}
	}
}

// Once asks every running case that counts by an older calendar to adopt the
// newest, and gives how many did. A case that keeps its own, because it is about
// to close or its deadline would move into the past, is asked again next time.
func (r Recount) Once(ctx context.Context) (adopted int, err error) {
	newest, err := r.Calendars.NewestCalendar(ctx)
	if err != nil {
		return 0, err
	}
	after := ""
	for {
		numbers, err := r.Calendars.CasesToRecount(ctx, newest.Version, after, recountBatch)
		if err != nil || len(numbers) == 0 {
			return adopted, err
		}
		for _, number := range numbers {
			err := r.Engine.AdoptCalendar(ctx, number, newest)
			domain, refused := casework.AsError(err)
			switch {
			case err == nil:
				adopted++
			case refused && domain.Code == casework.CodeConflict:
			default:
				return adopted, fmt.Errorf("case %s: %w", number, err)
			}
		}
		after = numbers[len(numbers)-1]
	}
}
