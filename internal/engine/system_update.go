package engine

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// systemPatience is how long the product itself waits for a workflow.
const systemPatience = 10 * time.Second

// AdoptCalendar lets a running case go over to a newer calendar. CodeConflict: it
// keeps its own, or does not run.
func (e *Engine) AdoptCalendar(ctx context.Context, number string, calendar casework.Calendar) error {
	return e.update(ctx, number, contract.UpdateAdoptCalendar, "calendar/"+calendar.Version,
		contract.AdoptCalendarRequest{Calendar: calendar})
}

// LinkCase tells a case that another is merged into it. CodeConflict: it does not
// go on, or does not run.
func (e *Engine) LinkCase(ctx context.Context, from, into string) error {
	return e.update(ctx, into, contract.UpdateLinkCase, casework.LinkKey(from), contract.LinkCaseRequest{From: from})
}

func (e *Engine) update(ctx context.Context, number, name, key string, request any) error {
	ctx, cancel := context.WithTimeout(ctx, systemPatience)
	defer cancel()
	handle, err := e.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID: key, WorkflowID: contract.CaseWorkflowID(number), UpdateName: name,
		Args: []any{request}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err != nil {
		return asDomainError(err)
	}
	return nil
}
