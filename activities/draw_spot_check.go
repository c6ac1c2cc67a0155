package activities

import (
	"context"
	"fmt"
	"time"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// SpotCheckPlans keeps the plans.
type SpotCheckPlans interface {
	// SpotCheckPlan gives the plan of the month in which at lies, in China. A
	// month without a plan gets one now, with the rate given and a fresh seed.
	SpotCheckPlan(ctx context.Context, at time.Time, ratePerMille int) (month string, rate int, seed []byte, err error)
}

// DrawSpotCheck asks the plan of the month of closing whether the lot falls on
// a case (第十条). It is idempotent: a plan never changes. The answer holds no
// seed.
type DrawSpotCheck struct {
	Plans SpotCheckPlans
}

// Execute runs the activity.
func (a DrawSpotCheck) Execute(ctx context.Context, in contract.DrawSpotCheckInput) (contract.DrawSpotCheckOutput, error) {
	month, rate, seed, err := a.Plans.SpotCheckPlan(ctx, in.ClosedAt, in.RatePerMille)
	if err != nil {
		return contract.DrawSpotCheckOutput{}, fmt.Errorf("case %s: %w", in.Number, err)
	}
	return contract.DrawSpotCheckOutput{Draw: casework.SpotCheckDraw{
		Month: month, SeedHash: casework.SeedHash(seed), Drawn: casework.Drawn(seed, in.Number, rate),
	}}, nil
}
