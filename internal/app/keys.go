package app

import (
	"context"
	"log/slog"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// keepKeys brings rows of before over to data keys, and wraps data keys by the
// newest key, every minute: a rotation is over soon after it began.
func keepKeys(ctx context.Context, st *store.Store, log *slog.Logger) error {
	indexed := false
	return every(ctx, time.Minute, func() {
		if !indexed {
			err := st.IndexAgain(ctx)
			if indexed = err == nil; !indexed && ctx.Err() == nil {
				log.WarnContext(ctx, "blind indexes", "error", err)
			}
		}
		done, err := st.BringOver(ctx, nil)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "personal data of before", "error", err)
		}
		wrapped, err := st.RewrapDataKeys(ctx, casework.By{}, nil)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "wrapping data keys anew", "error", err)
		}
		if done+wrapped > 0 {
			log.InfoContext(ctx, "keys of personal data", "brought_over", done, "rewrapped", wrapped)
		}
	})
}

// shredBatch is how many reviewers' data one transaction destroys, and shredRound
// how many batches there are at most in an hour.
const (
	shredBatch = 200
	shredRound = 50
)

// RetentionEnd is before when a case must have ended for its reviewer's data to be
// destroyed now.
func RetentionEnd(s Settings, now time.Time) time.Time {
	return now.In(casework.China()).AddDate(0, -max(s.Retention, minRetention), 0)
}

// ShredOld destroys the data of reviewers whose retention period has passed, in
// batches, at most rounds of them; 0: until nothing is left.
func ShredOld(ctx context.Context, s Settings, st *store.Store, rounds int) (store.Shredded, error) {
	var all store.Shredded
	for i := 0; rounds == 0 || i < rounds; i++ {
		n, err := st.Shred(ctx, casework.By{}, RetentionEnd(s, SystemClock()), shredBatch)
		if err != nil {
			return all, err
		}
		all.Reviews += n.Reviews
		all.QuarantinedRows += n.QuarantinedRows
		if n.Reviews+n.QuarantinedRows == 0 {
			break
		}
	}
	return all, nil
}

// shredOld does it every hour. Settings that were made by hand and say nothing
// destroy nothing.
func shredOld(ctx context.Context, s Settings, st *store.Store, log *slog.Logger) error {
	if s.Retention == 0 {
		return nil
	}
	return hourly(ctx, func() {
		n, err := ShredOld(ctx, s, st, shredRound)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "destruction after the retention period", "error", err)
		}
		if n.Reviews+n.QuarantinedRows > 0 {
			log.InfoContext(ctx, "destroyed after the retention period", "reviews", n.Reviews, "quarantined_rows", n.QuarantinedRows)
		}
	})
}
