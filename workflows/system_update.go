package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// What the product itself asks of a running case comes in as Updates too, so that
// it takes the same lock as people and the clock.

// handleCalendars lets a case go over to a newer calendar of holidays. A case that
// does not (casework.AdoptCalendar says which) refuses before anything is written
// to its history.
func (c *caseRun) handleCalendars(ctx workflow.Context) error {
	decide := func(ctx workflow.Context, request contract.AdoptCalendarRequest) (casework.CalendarAdopted, error) {
		adopted, ok := casework.AdoptCalendar(c.state, c.rules, request.Calendar, workflow.Now(ctx))
		if !ok {
			return adopted, refusal(casework.Conflict("calendar_not_adopted", "the case keeps its calendar"))
		}
		return adopted, nil
	}
	validate := func(ctx workflow.Context, request contract.AdoptCalendarRequest) error {
		_, err := decide(ctx, request)
		return err
	}
	adopt := func(ctx workflow.Context, request contract.AdoptCalendarRequest) (contract.ActionResult, error) {
		return c.step(ctx, func() error {
			adopted, err := decide(ctx, request)
			if err != nil {
				return err
			}
			rules := casework.Rules{Pack: c.rules.Pack, Calendar: request.Calendar}
			return c.recordUnder(ctx, rules, "calendar/"+request.Calendar.Version, casework.By{}, adopted)
		})
	}
	return register(ctx, contract.UpdateAdoptCalendar, adopt, workflow.UpdateHandlerOptions{Validator: validate})
}

// handleLinks records that another case is merged into this one, once. A case that
// is closed takes no other along.
func (c *caseRun) handleLinks(ctx workflow.Context) error {
	link := func(ctx workflow.Context, request contract.LinkCaseRequest) (contract.ActionResult, error) {
		return c.step(ctx, func() error {
			switch {
			case slices.Contains(c.state.MergedCases, request.From):
				return nil
			case c.state.Stage.Closed():
				return refusal(errDoesNotGoOn())
			}
			return c.record(ctx, casework.LinkKey(request.From), casework.By{}, casework.CaseLinked{From: request.From})
		})
	}
	return register(ctx, contract.UpdateLinkCase, link, workflow.UpdateHandlerOptions{})
}

// linkTo lets the case that is to go on record that this one is merged into it.
// It is asked before this one ends, so that no review is left without a case; the
// lock is held meanwhile.
func (c *caseRun) linkTo(ctx workflow.Context, into string) error {
	in := contract.LinkCaseInput{From: c.input.Number, Into: into}
	var out contract.LinkCaseOutput
	if err := executeRemotely(ctx, contract.ActivityLinkCase, in, &out); err != nil {
		return fmt.Errorf("link case %s to %s: %w", in.From, into, err)
	}
	if !out.Linked {
		return refusal(errDoesNotGoOn())
	}
	return nil
}

func errDoesNotGoOn() error {
	return casework.Conflict("does_not_go_on", "that case is closed, or has not begun: it cannot go on for another")
}

// step does something under the lock, after what was due before, and answers
// where the case stands then.
func (c *caseRun) step(ctx workflow.Context, do func() error) (contract.ActionResult, error) {
	c.requests++
	err := c.locked(ctx, func() error {
		if err := c.tick(ctx); err != nil {
			return err
		}
		return do()
	})
	return c.result(), err
}

func (c *caseRun) result() contract.ActionResult {
	return contract.ActionResult{Version: c.state.Version, Stage: c.state.Stage, Deadline: deadlineOf(c.state, c.rules)}
}

func register(ctx workflow.Context, name string, handler any, options workflow.UpdateHandlerOptions) error {
	if err := workflow.SetUpdateHandlerWithOptions(ctx, name, handler, options); err != nil {
		return fmt.Errorf("register update %s: %w", name, err)
	}
	return nil
}
