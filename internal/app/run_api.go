package app

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/alexedwards/scs/postgresstore"

	"guiling/api"
	"guiling/internal/engine"
	"guiling/internal/live"
	"guiling/internal/store"
	"guiling/web"
)

// RunAPI serves pages and API until ctx is done.
func RunAPI(ctx context.Context, s Settings, log *slog.Logger) error {
	st, err := OpenStore(ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	eng, err := OpenEngine(s, "api", log)
	if err != nil {
		return err
	}
	defer eng.Close()
	handler, stop, err := NewHandler(s, st, eng, log) //nolint:contextcheck // each request brings its own
	if err != nil {
		return err
	}
	defer stop()
	return serve(ctx, s.HTTPAddr, handler, log)
}

// NewHandler puts pages, API and health together. Call stop when it is no longer
// used.
func NewHandler(s Settings, st *store.Store, eng *engine.Engine, log *slog.Logger) (handler http.Handler, stop func(), err error) {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // it ends with stop, and not with a request
	policy, version, err := OpenPolicy(ctx, st)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	watch := &policyWatch{store: st, enforcer: policy, log: log}
	watch.loaded.Store(int64(version))
	defer func() {
		if err != nil {
			cancel()
		}
	}()
	service, err := OpenCommands(s, st, eng, policy, log)
	if err != nil {
		return nil, nil, err
	}
	people, err := OpenIdentity(s, st)
	if err != nil {
		return nil, nil, err
	}
	provider, err := openOIDC(s)
	if err != nil {
		return nil, nil, err
	}
	e := newServer(log)
	registerHealth(e, s.MetricsPublic, check{name: "database", ready: st.Ready}, check{name: "temporal", ready: eng.Ready, bearable: true},
		check{name: "policy", ready: watch.ready, bearable: true})
	api.Register(e, api.Options{Commands: service, Identity: people, Log: log})
	document, err := api.OpenAPIHandler()
	if err != nil {
		return nil, nil, err
	}
	e.GET("/openapi.json", document, localOnly(s.MetricsPublic))
	hub := live.NewHub()
	sessions := postgresstore.New(st.DB())
	err = web.Register(e, web.Options{
		Commands: service, Identity: people, Sessions: web.NewSessions(sessions, s.SecureCookies),
		Log: log, Secure: s.SecureCookies, Version: s.Version, Decoder: eng.Decoder(), TemporalUI: s.TemporalUIOrigin,
		OIDC: provider, Live: hub,
	})
	if err != nil {
		sessions.StopCleanup()
		return nil, nil, err
	}
	var watching sync.WaitGroup
	watching.Go(func() { watch.run(ctx) })
	watching.Go(func() { st.FollowCases(ctx, hub.Tell) })
	return e, func() {
		hub.Close()
		cancel()
		watching.Wait()
		sessions.StopCleanup()
	}, nil
}
