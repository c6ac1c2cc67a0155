package engine

import (
	"context"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	workflowservicepb "go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"guiling/workflows/contract"
)

// FastForward lets a case live through a stretch of time at once: every timer in
// between goes off at its own instant. It returns when the target is reached,
// with the case's own time then. It is for the demo and for tests; a server that
// was not started with time skipping refuses it. The id names this jump among
// those of the case.
func (e *Engine) FastForward(ctx context.Context, namespace, number, id string, by time.Duration) (time.Time, error) {
	service := e.client.WorkflowService()
	execution := &commonpb.WorkflowExecution{WorkflowId: contract.CaseWorkflowID(number)}
	_, err := service.UpdateWorkflowExecutionOptions(ctx, &workflowservicepb.UpdateWorkflowExecutionOptionsRequest{
		Namespace:         namespace,
		WorkflowExecution: execution,
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{
			TimeSkippingConfig: &commonpb.TimeSkippingConfig{
				Enabled:           true,
				FastForwardConfig: &commonpb.FastForwardConfig{Duration: durationpb.New(by), Id: id},
			},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"time_skipping_config"}},
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("fast-forward case %s: %w", number, err)
	}
	for {
		poll, err := service.PollWorkflowExecutionTimeSkipping(ctx, &workflowservicepb.PollWorkflowExecutionTimeSkippingRequest{
			Namespace: namespace, WorkflowExecution: execution, FastForwardId: id,
		})
		if err != nil {
			return time.Time{}, fmt.Errorf("wait for the fast-forward of case %s: %w", number, err)
		}
		switch poll.GetFastForwardPollingResult() {
		case enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED:
			return poll.GetFastForwardInfo().GetTargetTime().AsTime(), nil
		case enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_FAILED:
			// A case that ended on the way has no time left to pass.
			described, err := e.client.DescribeWorkflow(ctx, execution.GetWorkflowId(), "")
			if err == nil && described.WorkflowCloseTime != nil {
				return *described.WorkflowCloseTime, nil
			}
			return time.Time{}, fmt.Errorf("fast-forward of case %s failed: %s", number, poll.GetFailedReason())
		default: // the server's own patience ended; ask again until ours does
		}
	}
}
