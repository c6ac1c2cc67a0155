package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowservicepb "go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"guiling/workflows/contract"
)

// Presence says what the engine knows of the workflow of a case.
type Presence string

// A workflow runs, has completed, was stopped from outside, or is not there.
const (
	PresenceRunning   Presence = "running"
	PresenceCompleted Presence = "completed"
	PresenceStopped   Presence = "stopped"
	PresenceNone      Presence = "none"
)

// PresenceOf asks for the workflow of a case.
func (e *Engine) PresenceOf(ctx context.Context, number string) (Presence, error) {
	described, err := e.client.DescribeWorkflow(ctx, contract.CaseWorkflowID(number), "")
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return PresenceNone, nil
	}
	if err != nil {
		return "", fmt.Errorf("describe case %s: %w", number, err)
	}
	switch described.Status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return PresenceRunning, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return PresenceCompleted, nil
	default:
		return PresenceStopped, nil
	}
}

// RunningCases calls take with the numbers of the cases of one installation whose
// workflows run. The engine lists late: a case that began or ended in the last moments may be missing,
// or be there still.
func (e *Engine) RunningCases(ctx context.Context, installation string, take func(number string) error) error {
	request := &workflowservicepb.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", contract.WorkflowCase),
	}
	for {
		page, err := e.client.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("list running cases: %w", err)
		}
		for _, execution := range page.GetExecutions() {
			number, ok := strings.CutPrefix(execution.GetExecution().GetWorkflowId(), contract.CaseWorkflowID(""))
			if !ok || !e.belongsTo(installation, execution.GetMemo()) {
				continue
			}
			if err := take(number); err != nil {
				return err
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}

func (e *Engine) belongsTo(installation string, memo *commonpb.Memo) bool {
	var id string
	field := memo.GetFields()[contract.MemoInstallation]
	data, _ := e.codec.converters()
	// A memo that does not open is of another installation, with another key.
	return field != nil && data.FromPayload(field, &id) == nil && id != "" && id == installation
}

// Histories gives the histories of a case, decoded, the newest run first. take says
// whether it wants the run before as well.
func (e *Engine) Histories(ctx context.Context, number string, take func(*historypb.History) (more bool, err error)) error {
	runID := ""
	for {
		history := &historypb.History{}
		events := e.client.GetWorkflowHistory(ctx, contract.CaseWorkflowID(number), runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return fmt.Errorf("history of case %s: %w", number, err)
			}
			history.Events = append(history.Events, event)
		}
		if len(history.Events) == 0 {
			return fmt.Errorf("history of case %s is empty", number)
		}
		if err := e.codec.decodeHistory(ctx, history); err != nil {
			return fmt.Errorf("history of case %s: %w", number, err)
		}
		more, err := take(history)
		if err != nil || !more {
			return err
		}
		runID = history.Events[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
		if runID == "" {
			return nil
		}
	}
}

// RestoreCase starts a workflow that goes on from the carried state, for a case
// whose own is gone.
func (e *Engine) RestoreCase(ctx context.Context, input contract.CaseInput) error {
	_, err := e.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    contract.CaseWorkflowID(input.Number),
		TaskQueue:             contract.TaskQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		Memo:                  map[string]any{contract.MemoInstallation: input.Installation},
		// One that runs after all is left alone.
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
	}, contract.WorkflowCase, input)
	if err != nil {
		return fmt.Errorf("restore case %s: %w", input.Number, err)
	}
	return nil
}

// StopCase ends the workflow of a case from outside, at once.
func (e *Engine) StopCase(ctx context.Context, number, reason string) error {
	if err := e.client.TerminateWorkflow(ctx, contract.CaseWorkflowID(number), "", reason); err != nil {
		return fmt.Errorf("stop the workflow of case %s: %w", number, err)
	}
	return nil
}
