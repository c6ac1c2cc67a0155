package workflows

import (
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// handle registers the Update of one action: a validator that refuses without
// leaving a trace in the history, and a handler that takes the lock, asks again
// and records.
func handle[C casework.Command](ctx workflow.Context, c *caseRun) error {
	var zero C
	name := string(zero.Action())
	validate := func(ctx workflow.Context, request contract.ActionRequest[C]) error {
		return c.validate(ctx, request.Key, request.By, request.Version, request.Command)
	}
	act := func(ctx workflow.Context, request contract.ActionRequest[C]) (contract.ActionResult, error) {
		return c.act(ctx, request.Key, request.By, request.Version, request.Command)
	}
	return register(ctx, name, act, workflow.UpdateHandlerOptions{Validator: validate})
}

func (c *caseRun) validate(ctx workflow.Context, key string, by casework.By, version int, command casework.Command) error {
	if c.state.Version == 0 {
		return nil // the case is opening; the handler waits for the lock and asks again
	}
	if _, repeated := c.answerTo(key); repeated {
		return nil
	}
	_, err := c.decide(ctx, by, version, command)
	return err
}

func (c *caseRun) act(
	ctx workflow.Context, key string, by casework.By, version int, command casework.Command,
) (contract.ActionResult, error) {
	c.requests++
	var result contract.ActionResult
	err := c.locked(ctx, func() error {
		if earlier, repeated := c.answerTo(key); repeated {
			result = earlier
			return nil
		}
		// What is due comes first, so that a decision made at 24:00 is late.
		if err := c.tick(ctx); err != nil {
			return err
		}
		bodies, err := c.decide(ctx, by, version, command)
		if err != nil {
			return err
		}
		if merge, ok := command.(casework.Merge); ok {
			if err := c.linkTo(ctx, merge.Into); err != nil {
				return err
			}
		}
		if err := c.record(ctx, key, by, bodies...); err != nil {
			return err
		}
		result = c.result()
		c.remember(key, result)
		return nil
	})
	return result, err
}

func (c *caseRun) decide(
	ctx workflow.Context, by casework.By, version int, command casework.Command,
) ([]casework.EventBody, error) {
	bodies, err := casework.DecideFor(c.state, version, command, casework.Circumstances{
		Rules: c.rules, Now: workflow.Now(ctx), By: by,
	})
	return bodies, refusal(err)
}

// refusal carries an error of the domain through the engine as it is: the
// outermost type decides, so nothing is wrapped around it.
func refusal(err error) error {
	domain, ok := casework.AsError(err)
	if !ok {
		return err
	}
	return temporal.NewNonRetryableApplicationError(domain.Error(), contract.FailureType, nil, contract.Refusal(*domain))
}

func (c *caseRun) answerTo(key string) (contract.ActionResult, bool) {
	i := slices.IndexFunc(c.answered, func(a contract.AnsweredRequest) bool { return a.Key == key })
	if i < 0 {
		return contract.ActionResult{}, false
	}
	return c.answered[i].Result, true
}

func (c *caseRun) remember(key string, result contract.ActionResult) {
	c.answered = append(c.answered, contract.AnsweredRequest{Key: key, Result: result})
	if len(c.answered) > contract.AnsweredKept {
		c.answered = slices.Delete(c.answered, 0, len(c.answered)-contract.AnsweredKept)
	}
}
