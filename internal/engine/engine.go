// Package engine is the only client of Temporal. It starts cases, carries what
// people do to their workflows as Updates, and brings refusals back as the
// errors of the domain. It knows no roles and no database.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// patience is how long a person's request waits for its workflow. It is longer
// than a worker's restart and shorter than a browser's patience.
const patience = 20 * time.Second

// Engine is a connection to Temporal. It is safe for use by many goroutines.
type Engine struct {
	client client.Client
	codec  Codec
	turns  turns
}

// Options say where Temporal is.
type Options struct {
	Address   string // host:port of the frontend
	Namespace string
	Identity  string // seen by operators, names process and build
	Log       *slog.Logger
	Cipher    Cipher // of what the engine keeps; there is no engine without it
}

// Dial prepares a connection and does not wait for the server: intake works
// while Temporal is away.
func Dial(options Options) (*Engine, error) {
	if options.Cipher == nil {
		return nil, errors.New("temporal client: no cipher for what the engine keeps")
	}
	codec := NewCodec(options.Cipher)
	data, failures := codec.converters()
	c, err := client.NewLazyClient(client.Options{
		DataConverter:    data,
		FailureConverter: failures,

		HostPort:  options.Address,
		Namespace: options.Namespace,
		Identity:  options.Identity,
		Logger:    sdklog.NewStructuredLogger(options.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("temporal client: %w", err)
	}
	return &Engine{client: c, codec: codec}, nil
}

// Client is the SDK's client, for the worker.
func (e *Engine) Client() client.Client { return e.client }

// Close ends the connection.
func (e *Engine) Close() { e.client.Close() }

// Ready reports whether the server answers.
func (e *Engine) Ready(ctx context.Context) error {
	if _, err := e.client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	return nil
}

// StartCase starts the workflow of a case. A case that was started before is
// started: the outbox delivers at least once, the engine once.
func (e *Engine) StartCase(ctx context.Context, input contract.CaseInput) error {
	options := client.StartWorkflowOptions{
		ID:                       contract.CaseWorkflowID(input.Number),
		TaskQueue:                contract.TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Memo:                     map[string]any{contract.MemoInstallation: input.Installation},
	}
	_, err := e.client.ExecuteWorkflow(ctx, options, contract.WorkflowCase, input)
	if ctx.Err() != nil {
		// gRPC has an error of its own for this, which nobody else knows.
		return fmt.Errorf("start case %s: %w", input.Number, ctx.Err())
	}
	if _, started := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); err != nil && !started {
		return fmt.Errorf("start case %s: %w", input.Number, err)
	}
	return nil
}

// Act carries a command to the workflow of its case and waits until it has been
// recorded. The key makes it happen once, however often it is sent.
//
// Errors are *casework.Error: the workflow's own refusals as they are,
// CodeConflict when the case has ended, CodeUnavailable when no answer came in
// time. After the last the command may still be carried out; sending it again
// with the same key is safe and tells.
func (e *Engine) Act(
	ctx context.Context, number, key string, by casework.By, version int, command casework.Command,
) (contract.ActionResult, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done, err := e.turns.take(ctx, number)
	if err != nil {
		return contract.ActionResult{}, asDomainError(err)
	}
	defer done()
	request := contract.ActionRequest[casework.Command]{Key: key, By: by, Version: version, Command: command}
	handle, err := e.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID:     key,
		WorkflowID:   contract.CaseWorkflowID(number),
		UpdateName:   string(command.Action()),
		Args:         []any{request},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return contract.ActionResult{}, asDomainError(err)
	}
	var result contract.ActionResult
	if err := handle.Get(ctx, &result); err != nil {
		return contract.ActionResult{}, asDomainError(err)
	}
	return result, nil
}

func asDomainError(err error) error {
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok && refused.Type() == contract.FailureType {
		var refusal contract.Refusal
		if err := refused.Details(&refusal); err != nil {
			return fmt.Errorf("read a refusal: %w", err)
		}
		domain := casework.Error(refusal)
		return &domain
	}
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		// The command has read the row: the case exists, so its workflow has
		// ended, or is about to begin.
		return casework.Conflict("case_not_running", "the case has ended or has not begun yet")
	}
	return &casework.Error{
		Code: casework.CodeUnavailable, Reason: "engine_unavailable",
		Detail: "no answer in time; nothing is lost, try again: " + err.Error(),
	}
}
