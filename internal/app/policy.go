package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"guiling/internal/store"
	"guiling/policies"
)

// policyPoll is how often a process looks for other rules, beside being told: what
// is said while a connection is away is not heard.
const policyPoll = time.Second

// policyBroken is 1 while rules are published that do not load here.
var policyBroken = promauto.NewGauge(prometheus.GaugeOpts{
	Name: "guiling_policy_reload_failed",
	Help: "1 while the newest published rules do not load in this process, which goes on with the last good ones.",
})

// OpenPolicy loads the rules in force. Rules that do not load stop the start: who
// may act is never a guess.
func OpenPolicy(ctx context.Context, st *store.Store) (*policies.Enforcer, int, error) {
	published, err := st.PolicyInForce(ctx)
	if err != nil {
		return nil, 0, err
	}
	if published.Version == 0 {
		enforcer, err := policies.New()
		return enforcer, 0, err
	}
	enforcer, err := policies.Parse(published.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("the rules in force, version %d, do not load in this build (guiling policy reset puts the shipped ones in force): %w",
			published.Version, err)
	}
	return enforcer, published.Version, nil
}

// policyWatch keeps an enforcer at the rules in force.
type policyWatch struct {
	store    *store.Store
	enforcer *policies.Enforcer
	log      *slog.Logger
	loaded   atomic.Int64 // the version that was loaded last
	broken   atomic.Int64 // the version that did not load; 0: none
}

// run follows what is published until ctx is done. Rules that do not load leave the
// last good ones in force and raise an alarm.
func (w *policyWatch) run(ctx context.Context) {
	told := w.store.PolicyChanges(ctx)
	look := time.NewTicker(policyPoll) //nolint:forbidigo // a pause between looks, no deadline of a case
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-told:
		case <-look.C:
		}
		if err := w.follow(ctx); err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "look for rules", "error", err)
		}
	}
}

func (w *policyWatch) follow(ctx context.Context) error {
	version, err := w.store.PolicyVersion(ctx)
	if err != nil || int64(version) == w.loaded.Load() || int64(version) == w.broken.Load() {
		return err
	}
	published, err := w.store.PolicyInForce(ctx)
	if err != nil {
		return err
	}
	if err := w.enforcer.ReplaceRules(published.Body); err != nil {
		w.broken.Store(int64(published.Version))
		policyBroken.Set(1)
		w.log.ErrorContext(ctx, "ALARM: the published rules do not load; the last good ones stay in force",
			"version", published.Version, "in_force", w.loaded.Load(), "error", err)
		return nil
	}
	w.loaded.Store(int64(published.Version))
	w.broken.Store(0)
	policyBroken.Set(0)
	w.log.InfoContext(ctx, "other rules are in force", "version", published.Version)
	return nil
}

// ready fails while rules are published that did not load here.
func (w *policyWatch) ready(context.Context) error {
	if broken := w.broken.Load(); broken != 0 {
		return fmt.Errorf("the rules of version %d do not load; version %d is in force here", broken, w.loaded.Load())
	}
	return nil
}
