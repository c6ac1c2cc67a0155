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
const (
	maxJumpDays    = 90
	maxFastForward = maxJumpDays * 24 * time.Hour
)

// FastForward moves one case ahead. Everything that time would have done is
// done, at its own instant. From then on the case has its own now, which is kept
// with it, so that pages and engine agree. A database with real cases is refused.
func (t Training) FastForward(ctx context.Context, number string, by time.Duration) (time.Time, error) {
	if by <= 0 || by > maxFastForward {
		return time.Time{}, casework.Invalid("by", "fast_forward_range", "more than nothing, and at most 90 days")
	}
	// Asked each time: what was a demo at the start may have become more.
	held, err := t.Store.HoldsRealCases(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if held {
		return time.Time{}, casework.Forbidden("training_real_cases", "time is not moved where there are real cases")
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

// Train lets people move cases ahead in time. Without it FastForward answers that
// there is nothing of the kind.
func (s *Service) Train(t Training) { s.training = &t }

// Jump says how far a case is to be moved ahead.
type Jump struct {
	Days int // zero: to the next thing that the clock of the case does
}

// settleTime is what a jump to an instant goes beyond it, so that what happens then
// has happened: the offset of a case is kept in whole seconds.
const settleTime = 2 * time.Second

// FastForward moves a case that the actor may read ahead, in training only.
func (s *Service) FastForward(ctx context.Context, actor casework.Actor, number string, jump Jump) error {
	c, err := s.load(ctx, actor, number)
	switch {
	case err != nil:
		return err
	case s.training == nil:
		return &casework.Error{Code: casework.CodeNotFound, Reason: "not_found", Detail: "there is no training here"}
	case jump.Days < 0 || jump.Days > maxJumpDays:
		return casework.Invalid("by", "fast_forward_range", "more than nothing, and at most 90 days")
	case c.state.Version == 0 || c.state.Stage.Ended():
		return casework.Conflict("no_time_to_pass", "the case has not begun, or has ended")
	}
	by := time.Duration(jump.Days) * 24 * time.Hour
	if jump.Days == 0 {
		next, ok := casework.NextAlarm(c.state, c.rules)
		if !ok {
			return casework.Conflict("no_time_to_pass", "the clock has nothing to do")
		}
		by = max(next.At.Sub(s.nowOf(c.row)), 0) + settleTime
	}
	_, err = s.training.FastForward(ctx, number, by)
	return err
}
