package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"guiling/internal/casework"
	"guiling/internal/engine"
	"guiling/internal/notify"
	"guiling/internal/store"
	"guiling/worker"
)

// RunWorker runs workflows and activities, empties the outbox, brings cases over
// to the newest calendar, repairs what database and engine tell differently, makes
// the plan of the next month, forgets old requests, wraps data keys anew after a
// rotation, and destroys personal data after the retention period, until ctx is
// done. It waits for a database or a Temporal server that is not there yet.
func RunWorker(ctx context.Context, s Settings, log *slog.Logger) error {
	st, err := OpenStore(ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	eng, err := OpenEngine(s, "worker", log)
	if err != nil {
		return err
	}
	defer eng.Close()
	w := worker.New(eng.Client(), st, eng, s.Version, log)
	relay := newRelay(s, st, eng, log)

	group, ctx := errgroup.WithContext(ctx)
	if s.WorkerHTTPAddr != "" {
		e := newServer(log) //nolint:contextcheck // each request brings its own
		//nolint:contextcheck // each request brings its own
		registerHealth(e, s.MetricsPublic, check{name: "database", ready: st.Ready}, check{name: "temporal", ready: eng.Ready},
			check{name: "polling", ready: func(context.Context) error {
				if !w.Polling() {
					return errors.New("the worker does not poll")
				}
				return nil
			}})
		group.Go(func() error { return serve(ctx, s.WorkerHTTPAddr, e, log) })
	}
	group.Go(func() error {
		// A worker that starts before its server would look healthy and be deaf.
		if err := waitFor(ctx, "temporal", log, eng.Ready); err != nil {
			return nil //nolint:nilerr // only ctx ends the wait, and that is no failure
		}
		return w.Run(ctx)
	})
	group.Go(func() error { return relay.Run(ctx) })
	group.Go(func() error { return reconciler(s, st, eng, relay, log).Run(ctx) })
	group.Go(func() error { return worker.Recount{Calendars: st, Engine: eng, Log: log}.Run(ctx) })
	group.Go(func() error { return keepPlans(ctx, st, relay.Rules, log) })
	group.Go(func() error { return purgeRequests(ctx, st, log) })
	group.Go(func() error { return keepKeys(ctx, st, log) })
	group.Go(func() error { return shredOld(ctx, s, st, log) })
	return group.Wait()
}

func reconciler(s Settings, st *store.Store, eng *engine.Engine, relay worker.Relay, log *slog.Logger) worker.Reconciler {
	return worker.Reconciler{Rows: st, Engine: eng, Relay: relay, Build: s.Version, Log: log, Quiet: worker.ReconcileQuiet}
}

// Reconcile compares database and engine once and repairs what is at odds. Cases
// to which something happened within quiet are left alone.
func Reconcile(ctx context.Context, s Settings, quiet time.Duration, log *slog.Logger) (found worker.Reconciled, err error) {
	st, err := OpenStore(ctx, s)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	eng, err := OpenEngine(s, "reconcile", log)
	if err != nil {
		return found, err
	}
	defer eng.Close()
	r := reconciler(s, st, eng, newRelay(s, st, eng, log), log)
	r.Quiet = quiet
	return r.Once(ctx)
}

func newRelay(s Settings, st *store.Store, eng *engine.Engine, log *slog.Logger) worker.Relay {
	return worker.Relay{
		Outbox: st, Engine: eng, Notify: notify.LogSender{Log: log}, Log: log,
		Rules: func(ctx context.Context) (casework.Rules, error) {
			return st.RulesInForce(ctx, s.RulePack, SystemClock())
		},
	}
}

// keepPlans fixes the lot of the coming month before it begins (第十条).
func keepPlans(ctx context.Context, st *store.Store, inForce worker.RulesOf, log *slog.Logger) error {
	return hourly(ctx, func() {
		now := SystemClock()
		firstOfNext := now.In(casework.China()).AddDate(0, 1, 1-now.In(casework.China()).Day())
		rules, err := inForce(ctx)
		if err == nil {
			_, _, _, err = st.SpotCheckPlan(ctx, firstOfNext, rules.Pack.SpotCheck.RatePerMille)
		}
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "plan of the next month", "error", err)
		}
	})
}

// purgeRequests deletes what the API was asked, and what it answered, when the
// answer need no longer be repeated; drafts whose time has passed, sessions and
// failures to sign in that mean nothing any more, and files whose event never
// came, as well.
func purgeRequests(ctx context.Context, st *store.Store, log *slog.Logger) error {
	return hourly(ctx, func() {
		if _, err := st.PurgeRequests(ctx, SystemClock()); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "purge of requests", "error", err)
		}
		if _, err := st.PurgeDrafts(ctx, SystemClock()); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "purge of drafts", "error", err)
		}
		if err := st.PurgeSignIns(ctx, SystemClock()); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "purge of sign-ins", "error", err)
		}
		if n, err := st.PurgeAttachments(ctx, SystemClock()); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "purge of files without an event", "error", err)
		} else if n > 0 {
			log.InfoContext(ctx, "files without an event deleted", "files", n)
		}
	})
}

// hourly does something now and every hour until ctx is done.
func hourly(ctx context.Context, do func()) error { return every(ctx, time.Hour, do) }

func every(ctx context.Context, pause time.Duration, do func()) error {
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause): //nolint:forbidigo // a pause between looks, no deadline of a case
		}
	}
}
