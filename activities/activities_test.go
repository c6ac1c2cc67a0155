package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/activities"
	"guiling/internal/casework"
	"guiling/workflows/contract"
)

var errAway = errors.New("the database is away")

// database answers both activities and keeps what it was asked.
type database struct {
	step     contract.RecordEventsInput
	build    string
	at       time.Time
	rate     int
	repeated bool
	err      error
}

func (d *database) RecordEvents(_ context.Context, step contract.RecordEventsInput, build string) (bool, error) {
	d.step, d.build = step, build
	return d.repeated, d.err
}

func (d *database) SpotCheckPlan(_ context.Context, at time.Time, rate int) (month string, planned int, seed []byte, err error) {
	d.at, d.rate = at, rate
	return "2026-12", 50, []byte("a seed of the month"), d.err
}

func TestRecordEvents(t *testing.T) {
	t.Parallel()
	step := contract.RecordEventsInput{Number: "410411-20261201-000001", Key: "k"}
	for _, repeated := range []bool{false, true} {
		db := &database{repeated: repeated}
		out, err := activities.RecordEvents{Store: db, Build: "v1"}.Execute(t.Context(), step)
		require.NoError(t, err)
		require.Equal(t, repeated, out.Repeated)
		require.Equal(t, step, db.step)
		require.Equal(t, "v1", db.build)
	}
	_, err := activities.RecordEvents{Store: &database{err: errAway}}.Execute(t.Context(), step)
	require.ErrorIs(t, err, errAway)
	require.ErrorContains(t, err, step.Number)
}

func TestDrawSpotCheck(t *testing.T) {
	t.Parallel()
	closedAt := time.Date(2026, 12, 31, 23, 59, 59, 0, casework.China())
	drawn := 0
	for i := range 1000 {
		db := &database{}
		in := contract.DrawSpotCheckInput{Number: fmt.Sprintf("410411-20261201-%06d", i), ClosedAt: closedAt, RatePerMille: 900}
		out, err := activities.DrawSpotCheck{Plans: db}.Execute(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, closedAt, db.at)
		require.Equal(t, 900, db.rate, "for a month that has no plan yet")
		require.Equal(t, "2026-12", out.Draw.Month)
		require.Equal(t, casework.SeedHash([]byte("a seed of the month")), out.Draw.SeedHash)
		require.Equal(t, casework.Drawn([]byte("a seed of the month"), in.Number, 50), out.Draw.Drawn, "the rate of the plan decides")
		require.NotContains(t, fmt.Sprint(out), "a seed of the month", "the answer goes into the history of the case")
		if out.Draw.Drawn {
			drawn++
		}
	}
	require.InDelta(t, 50, drawn, 25)

	_, err := activities.DrawSpotCheck{Plans: &database{err: errAway}}.Execute(t.Context(), contract.DrawSpotCheckInput{Number: "n"})
	require.ErrorIs(t, err, errAway)
}
