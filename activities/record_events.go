package activities

import (
	"context"
	"fmt"

	"guiling/workflows/contract"
)

// EventRecorder stores one step of a case.
type EventRecorder interface {
	// RecordEvents writes events, case row, tasks and outbox in one transaction.
	// Events that are there already are left as they are, and repeated is true.
	RecordEvents(ctx context.Context, step contract.RecordEventsInput, build string) (repeated bool, err error)
}

// RecordEvents is the activity that makes a step of a case last. It is
// idempotent on the case and the Seq of its events, and every failure is worth
// another try: refusals happened before, in the workflow.
type RecordEvents struct {
	Store EventRecorder
	Build string // of the program, kept with each event
}

// Execute runs the activity.
func (a RecordEvents) Execute(ctx context.Context, in contract.RecordEventsInput) (contract.RecordEventsOutput, error) {
	repeated, err := a.Store.RecordEvents(ctx, in, a.Build)
	if err != nil {
		return contract.RecordEventsOutput{}, fmt.Errorf("case %s: %w", in.Number, err)
	}
	return contract.RecordEventsOutput{Repeated: repeated}, nil
}
