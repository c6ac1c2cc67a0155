package worker

import (
	"errors"
	"fmt"
	"log/slog"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"guiling/internal/casework"
	"guiling/workflows"
	"guiling/workflows/contract"
)

// replayed is what one run of a case did, by its history.
type replayed struct {
	carried int // the version with which the run began, 0 for the first run
	steps   []contract.RecordEventsInput
}

// version is where the case stood after the run.
func (r replayed) version() int {
	if len(r.steps) == 0 {
		return r.carried
	}
	return r.steps[len(r.steps)-1].State.Version
}

// stage is where the case stood after the run; empty when the run did nothing.
func (r replayed) stage() casework.Stage {
	if len(r.steps) == 0 {
		return ""
	}
	return r.steps[len(r.steps)-1].State.Stage
}

// replay executes the code of this build on the history of one run and gives the
// steps that the run recorded. Nothing is done again. An error means that the
// history is not one of this code.
func replay(history *historypb.History) (replayed, error) {
	var r replayed
	var input contract.CaseInput
	started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	if started == nil {
		return r, errors.New("the history does not begin with a start")
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(started.GetInput(), &input); err != nil {
		return r, fmt.Errorf("input of the case: %w", err)
	}
	if input.Carried != nil {
		r.carried = input.Carried.State.Version
	}
	replayer := sdkworker.NewWorkflowReplayer()
	observe := func(step contract.RecordEventsInput) { r.steps = append(r.steps, step) }
	replayer.RegisterWorkflowWithOptions(workflows.Observed(observe), workflow.RegisterOptions{Name: contract.WorkflowCase})
	quiet := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	if err := replayer.ReplayWorkflowHistory(quiet, history); err != nil {
		return r, fmt.Errorf("replay: %w", err)
	}
	return r, nil
}
