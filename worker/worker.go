// Package worker runs the workflows and activities of cases, and the relay that
// empties the outbox.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"guiling/activities"
	"guiling/workflows"
	"guiling/workflows/contract"
)

// Store is what the activities need of the database.
type Store interface {
	activities.EventRecorder
	activities.SpotCheckPlans
}

// Registry is where workflows and activities are registered: a worker, or a
// test environment.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register registers everything under its name on the wire.
func Register(r Registry, store Store, engine activities.CaseLinker, build string) {
	r.RegisterWorkflowWithOptions(workflows.Case, workflow.RegisterOptions{Name: contract.WorkflowCase})
	r.RegisterActivityWithOptions(activities.RecordEvents{Store: store, Build: build}.Execute,
		activity.RegisterOptions{Name: contract.ActivityRecordEvents})
	r.RegisterActivityWithOptions(activities.DrawSpotCheck{Plans: store}.Execute,
		activity.RegisterOptions{Name: contract.ActivityDrawSpotCheck})
	r.RegisterActivityWithOptions(activities.LinkCase{Engine: engine}.Execute,
		activity.RegisterOptions{Name: contract.ActivityLinkCase})
}

// Worker polls the task queue of cases.
type Worker struct {
	sdk     sdkworker.Worker
	polling atomic.Bool
}

// New prepares a worker. A fatal error of the SDK, such as a namespace that does
// not exist, ends Run.
func New(c client.Client, store Store, engine activities.CaseLinker, build string, log *slog.Logger) *Worker {
	w := &Worker{}
	w.sdk = sdkworker.New(c, contract.TaskQueue, sdkworker.Options{
		OnFatalError: func(err error) {
			w.polling.Store(false)
			log.Error("worker stopped", "error", err)
		},
	})
	Register(w.sdk, store, engine, build)
	return w
}

// Run polls until ctx is done, then lets what is under way finish.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.sdk.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	w.polling.Store(true)
	<-ctx.Done()
	w.polling.Store(false)
	w.sdk.Stop()
	return nil
}

// Polling reports whether the worker polls. It is false before the server was
// first reached, and after a fatal error.
func (w *Worker) Polling() bool { return w.polling.Load() }
