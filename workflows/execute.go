package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// How long a step may keep a worker's slot before it is handed to the server.
const (
	localAttempt = 2 * time.Second
	localInAll   = 5 * time.Second
)

// execute runs an activity as a local one, which leaves a single marker in the
// history and is three times faster. When the database stays away longer than a
// few seconds the same activity runs as an ordinary one with unlimited retries,
// so that no slot waits on it and nothing is lost.
func execute(ctx workflow.Context, name string, in, out any) error {
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    localAttempt,
		ScheduleToCloseTimeout: localInAll,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Second,
		},
	})
	if err := workflow.ExecuteLocalActivity(local, name, in).Get(ctx, out); err == nil {
		return nil
	}
	return executeRemotely(ctx, name, in, out)
}

// executeRemotely runs an ordinary activity until it succeeds.
func executeRemotely(ctx workflow.Context, name string, in, out any) error {
	remote := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
	return workflow.ExecuteActivity(remote, name, in).Get(ctx, out)
}
