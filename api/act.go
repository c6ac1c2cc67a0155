package api

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// outcomeJSON is where a case stands.
type outcomeJSON struct {
	Number     string         `json:"number"`
	Version    int            `json:"version"`
	Stage      casework.Stage `json:"stage"`
	DeadlineAt *time.Time     `json:"deadline_at"`
}

func outcomeOf(outcome commands.Outcome) outcomeJSON {
	out := outcomeJSON{Number: outcome.Number, Version: outcome.Version, Stage: outcome.Stage}
	if !outcome.Deadline.IsZero() {
		deadline := outcome.Deadline.UTC()
		out.DeadlineAt = &deadline
	}
	return out
}

// act carries out POST /api/v1/cases/{number}/actions/{action}. If-Match makes it
// fail with 412 when the case changed.
func (a api) act(c echo.Context, user store.User, s sent) (store.Answer, error) {
	command, err := casework.DecodeCommand(casework.Action(c.Param("action")), s.body)
	if err != nil {
		return store.Answer{}, err
	}
	number, err := caseNumber(c)
	if err != nil {
		return store.Answer{}, err
	}
	ctx := c.Request().Context()
	outcome, err := a.Commands.Act(ctx, user.Actor, commands.Request{Number: number, Command: command, Key: s.key, Version: s.version})
	if err != nil {
		return store.Answer{}, a.withStanding(ctx, user, number, err)
	}
	return answerJSON(etag(outcome.Version), outcomeOf(outcome))
}

// standingError is a refusal because of the state of a case, and that state: who
// came second sees what the first one did.
type standingError struct {
	error

	now commands.Outcome
}

func (e standingError) Unwrap() error { return e.error }

func (a api) withStanding(ctx context.Context, user store.User, number string, err error) error {
	domain, ok := casework.AsError(err)
	if !ok || domain.Code != casework.CodeStale && domain.Code != casework.CodeConflict {
		return err
	}
	now, failure := a.Commands.Standing(ctx, user.Actor, number)
	if failure != nil {
		a.Log.WarnContext(ctx, "standing of a case", "error", failure)
		return err
	}
	return standingError{error: err, now: now}
}
