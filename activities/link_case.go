package activities

import (
	"context"
	"fmt"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// CaseLinker reaches the workflow of another case.
type CaseLinker interface {
	// LinkCase tells the case into that from is merged into it. CodeConflict: it
	// does not go on.
	LinkCase(ctx context.Context, from, into string) error
}

// LinkCase is the activity that asks a case to go on for another (并案). It is
// idempotent: a case records each link once.
type LinkCase struct {
	Engine CaseLinker
}

// Execute runs the activity.
func (a LinkCase) Execute(ctx context.Context, in contract.LinkCaseInput) (contract.LinkCaseOutput, error) {
	err := a.Engine.LinkCase(ctx, in.From, in.Into)
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeConflict {
		return contract.LinkCaseOutput{}, nil
	}
	if err != nil {
		return contract.LinkCaseOutput{}, fmt.Errorf("case %s: %w", in.From, err)
	}
	return contract.LinkCaseOutput{Linked: true}, nil
}
