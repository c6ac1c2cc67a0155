package app

import (
	"context"
	"log/slog"

	"github.com/alexedwards/scs/postgresstore"

	"guiling/api"
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
	service, err := OpenCommands(st, eng, log)
	if err != nil {
		return err
	}
	people, err := OpenIdentity(s, st)
	if err != nil {
		return err
	}
	sessions := postgresstore.New(st.DB())
	defer sessions.StopCleanup()

	e := newServer(log)
	registerHealth(e, s.MetricsPublic, check{"database", st.Ready}, check{"temporal", eng.Ready})
	api.Register(e, api.Options{Commands: service, Identity: people, Log: log})
	err = web.Register(e, web.Options{
		Commands: service, Identity: people, Sessions: web.NewSessions(sessions, s.SecureCookies),
		Log: log, Secure: s.SecureCookies, Version: s.Version,
	})
	if err != nil {
		return err
	}
	return serve(ctx, s.HTTPAddr, e, log)
}
