package commands

import (
	"context"
	"crypto/rand"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// TimeMachine moves the time of single cases. Only a server that was started
// with time skipping has one: a demo, never real data.
type TimeMachine interface {
	// FastForward returns the case's own time at the target.
	FastForward(ctx context.Context, namespace, number, id string, by time.Duration) (time.Time, error)
}

// Training lets people see in seconds what a case lives through in weeks.
type Training struct {
	Store     *store.Store
	Machine   TimeMachine
	Namespace string
	Now       func() time.Time
}

// maxFastForward keeps a jump within what the engine skips in one go.
const maxFastForward = 90 * 24 * time.Hour

// FastForward moves one case ahead. Everything that time would have done is
// done, at its own instant. From then on the case has its own now, which is kept
// with it, so that pages and engine agree.
func (t Training) FastForward(ctx context.Context, number string, by time.Duration) (time.Time, error) {
	if by <= 0 || by > maxFastForward {
		return time.Time{}, casework.Invalid("by", "fast_forward_range", "more than nothing, and at most 90 days")
	}
	reached, err := t.Machine.FastForward(ctx, t.Namespace, number, rand.Text(), by)
	if err != nil {
		return time.Time{}, err
	}
	if err := t.Store.SetClockOffset(ctx, number, reached.Sub(t.Now())); err != nil {
		return time.Time{}, err
	}
	return reached, nil
}
