package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// Case is the life of one case: verification, rectification or explanation,
// feedback, the answer, and the spot check (第八、九、十条). What people do comes
// in as Updates; what time does, the workflow does by itself. It ends when the
// case is archived, invalid or withdrawn.
func Case(ctx workflow.Context, input contract.CaseInput) (contract.CaseResult, error) {
	return Observed(nil)(ctx, input)
}

// caseRun is one run of the workflow.
type caseRun struct {
	input    contract.CaseInput
	rules    casework.Rules // those of the input, with the newest calendar that the case adopted
	state    casework.State
	answered []contract.AnsweredRequest
	requests int // begun in this run
	// lock is held by whoever changes the state: a person's Update or the clock.
	lock workflow.Mutex
	// observe is told every step that was recorded; nil outside a replay.
	observe func(contract.RecordEventsInput)
}

// Observed is Case that tells about every step it records. A replay of a history
// learns by it what the case did, without doing any of it again.
func Observed(observe func(contract.RecordEventsInput)) func(workflow.Context, contract.CaseInput) (contract.CaseResult, error) {
	return func(ctx workflow.Context, input contract.CaseInput) (contract.CaseResult, error) {
		c := newCaseRun(ctx, input)
		c.observe = observe
		if err := c.setup(ctx); err != nil {
			return contract.CaseResult{}, err
		}
		return c.run(ctx)
	}
}

func newCaseRun(ctx workflow.Context, input contract.CaseInput) *caseRun {
	c := &caseRun{input: input, rules: input.Rules, lock: workflow.NewMutex(ctx)}
	if input.Carried != nil {
		c.state, c.answered = input.Carried.State, input.Carried.Answered
	}
	return c
}

// setup registers what may be asked. The state is in place before, because an
// Update that waited runs at once.
func (c *caseRun) setup(ctx workflow.Context) error {
	describe := func() (casework.State, error) { return c.state, nil }
	return errors.Join(
		workflow.SetQueryHandler(ctx, contract.QueryDescribeCase, describe),
		handle[casework.Claim](ctx, c),
		handle[casework.Assign](ctx, c),
		handle[casework.TakeOver](ctx, c),
		handle[casework.RecordCallback](ctx, c),
		handle[casework.AttachFile](ctx, c),
		handle[casework.Verify](ctx, c),
		handle[casework.ProposeInvalid](ctx, c),
		handle[casework.DecideInvalid](ctx, c),
		handle[casework.RequestExtension](ctx, c),
		handle[casework.WithdrawExtension](ctx, c),
		handle[casework.DecideExtension](ctx, c),
		handle[casework.SubmitRectification](ctx, c),
		handle[casework.SendFeedback](ctx, c),
		handle[casework.RecordAnswer](ctx, c),
		handle[casework.DecideReopening](ctx, c),
		handle[casework.Remind](ctx, c),
		handle[casework.Escalate](ctx, c),
		handle[casework.Pause](ctx, c),
		handle[casework.Resume](ctx, c),
		handle[casework.Transfer](ctx, c),
		handle[casework.Merge](ctx, c),
		handle[casework.Withdraw](ctx, c),
		handle[casework.RecordSpotCheck](ctx, c),
		c.handleCalendars(ctx),
		c.handleLinks(ctx),
	)
}

func (c *caseRun) run(ctx workflow.Context) (contract.CaseResult, error) {
	if c.state.Version == 0 {
		if err := c.open(ctx); err != nil {
			return contract.CaseResult{}, err
		}
	}
	for !c.state.Ended() {
		if c.state.Stage == casework.StageClosed {
			if err := c.drawSpotCheck(ctx); err != nil {
				return contract.CaseResult{}, err
			}
			continue
		}
		if c.historyIsLong(ctx) {
			quiet, err := c.quietMoment(ctx)
			if err != nil {
				return contract.CaseResult{}, err
			}
			if quiet {
				return contract.CaseResult{}, c.continueAsNew(ctx)
			}
			if err := c.locked(ctx, func() error { return c.tick(ctx) }); err != nil {
				return contract.CaseResult{}, err
			}
			continue
		}
		if err := c.waitForClock(ctx); err != nil {
			return contract.CaseResult{}, err
		}
	}
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return contract.CaseResult{}, fmt.Errorf("wait for the last requests: %w", err)
	}
	return contract.CaseResult{Stage: c.state.Stage, Version: c.state.Version}, nil
}

// open records that the case exists and starts the clock of the verification.
func (c *caseRun) open(ctx workflow.Context) error {
	return c.locked(ctx, func() error {
		return c.record(ctx, "open", casework.By{}, c.input.Opened)
	})
}

// waitForClock sleeps until the next alarm of the case, or until somebody moved
// it, and lets the clock do what is due.
func (c *caseRun) waitForClock(ctx workflow.Context) error {
	alarm, running := casework.NextAlarm(c.state, c.rules)
	moved := func() bool {
		next, stillRunning := casework.NextAlarm(c.state, c.rules)
		return c.state.Ended() || c.state.Stage == casework.StageClosed || c.historyIsLong(ctx) ||
			stillRunning != running || next.Key != alarm.Key || !next.At.Equal(alarm.At)
	}
	if !running {
		return workflow.Await(ctx, moved)
	}
	if wait := alarm.At.Sub(workflow.Now(ctx)); wait > 0 {
		rang, err := waitFor(ctx, wait, alarm.Key, moved)
		if err != nil || !rang {
			return err
		}
	}
	return c.locked(ctx, func() error { return c.tick(ctx) })
}

// waitFor sleeps until the time is over, and then rang is true, or until moved
// holds. Then its timer is cancelled: what AwaitWithOptions leaves would wake the
// case at every deadline that it once had.
func waitFor(ctx workflow.Context, wait time.Duration, summary string, moved func() bool) (rang bool, err error) {
	timerCtx, cancel := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timerCtx, wait, workflow.TimerOptions{Summary: summary})
	if err := workflow.Await(ctx, func() bool { return timer.IsReady() || moved() }); err != nil {
		cancel()
		return false, fmt.Errorf("wait for the clock: %w", err)
	}
	rang = timer.IsReady()
	if !rang {
		cancel()
	}
	return rang, nil
}

// tick lets the clock do what is due now. The lock is held: a decision that was
// in flight at the deadline has either been recorded before, or comes after.
func (c *caseRun) tick(ctx workflow.Context) error {
	due := casework.DecideClock(c.state, c.rules, workflow.Now(ctx))
	if len(due) == 0 {
		return nil
	}
	return c.record(ctx, fmt.Sprintf("clock/%d", c.state.Version+1), casework.By{}, due...)
}

// drawSpotCheck asks the plan of the month whether the case is checked (第十条).
func (c *caseRun) drawSpotCheck(ctx workflow.Context) error {
	return c.locked(ctx, func() error {
		in := contract.DrawSpotCheckInput{
			Number:       c.input.Number,
			ClosedAt:     workflow.Now(ctx),
			RatePerMille: c.rules.Pack.SpotCheck.RatePerMille,
		}
		var out contract.DrawSpotCheckOutput
		if err := execute(ctx, contract.ActivityDrawSpotCheck, in, &out); err != nil {
			return fmt.Errorf("draw the spot check: %w", err)
		}
		key := fmt.Sprintf("spot-check/%d", c.state.Round)
		return c.record(ctx, key, casework.By{}, casework.DecideSpotCheck(c.state, out.Draw)...)
	})
}

func (c *caseRun) locked(ctx workflow.Context, do func() error) error {
	if err := c.lock.Lock(ctx); err != nil {
		return fmt.Errorf("lock the case: %w", err)
	}
	defer c.lock.Unlock()
	return do()
}

func (c *caseRun) historyIsLong(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	if limit := c.input.HistoryLimit; limit > 0 {
		return info.GetCurrentHistoryLength() >= limit
	}
	return info.GetContinueAsNewSuggested()
}

// quietMoment waits a second and reports whether nobody asked anything meanwhile.
// A server that holds a further request refuses a workflow task which ends the run,
// with all that was done in it; people who press on without a pause would see
// their requests thrown back again and again.
func (c *caseRun) quietMoment(ctx workflow.Context) (bool, error) {
	before := c.requests
	if err := workflow.Sleep(ctx, time.Second); err != nil {
		return false, fmt.Errorf("wait for a quiet moment: %w", err)
	}
	return c.requests == before && workflow.AllHandlersFinished(ctx) && !c.state.Stage.Closed(), nil
}

// continueAsNew starts a fresh history with the same state. The next requests find
// the new run.
func (c *caseRun) continueAsNew(ctx workflow.Context) error {
	input := c.input
	input.Rules = c.rules
	input.Carried = &contract.CarriedCase{State: c.state, Answered: c.answered}
	return workflow.NewContinueAsNewError(ctx, contract.WorkflowCase, input)
}

// record writes events by the one activity that does, and only then moves the
// state on. All events of a step have the same time, the workflow's.
func (c *caseRun) record(ctx workflow.Context, key string, by casework.By, bodies ...casework.EventBody) error {
	return c.recordUnder(ctx, c.rules, key, by, bodies...)
}

// recordUnder is record for a step after which other rules hold.
func (c *caseRun) recordUnder(
	ctx workflow.Context, rules casework.Rules, key string, by casework.By, bodies ...casework.EventBody,
) error {
	now := workflow.Now(ctx)
	next := c.state
	events := make([]casework.Event, 0, len(bodies))
	for _, body := range bodies {
		event := casework.Event{Seq: next.Version + 1, At: now, By: by, Body: body}
		applied, err := next.Apply(event)
		if err != nil {
			// A fault of ours, not of the caller: the task blocks until a build
			// without the fault replaces this one, and nothing is lost.
			panic(fmt.Errorf("apply %s: %w", body.Kind(), err))
		}
		next, events = applied, append(events, event)
	}
	in := contract.RecordEventsInput{
		Number: c.input.Number, Key: key, Events: events, State: next,
		Deadline: deadlineOf(next, rules), Tasks: casework.Tasks(next, rules),
	}
	if err := execute(ctx, contract.ActivityRecordEvents, in, new(contract.RecordEventsOutput)); err != nil {
		return fmt.Errorf("record events: %w", err)
	}
	c.state, c.rules = next, rules
	if c.observe != nil {
		c.observe(in)
	}
	return nil
}

func deadlineOf(s casework.State, r casework.Rules) time.Time {
	deadline, _ := s.Deadline(r)
	return deadline.At
}
