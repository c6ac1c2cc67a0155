package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"

	"guiling/internal/localpg"
)

const (
	databaseName = "guiling"
	// ownerRole owns the database and runs its migrations.
	ownerRole = "guiling_owner"
	// loginRole is what the application signs in as, to work as appRole.
	loginRole = "guiling_login"
	// appRole is made by the migrations and has the privileges of the application.
	appRole = "guiling_app"
	// temporalRole owns the databases of Temporal.
	temporalRole = "guiling_temporal"
)

// database is the PostgreSQL server that everything is stored on.
type database struct {
	admin string          // URL of a login that may make roles and databases
	own   *localpg.Server // nil for the operator's own server
	gone  <-chan struct{} // closed when our server has ended; nil never is
}

// openDatabase starts our server, installing PostgreSQL if need be, or takes
// that of the options.
func openDatabase(ctx context.Context, opts options, st *state, say progress, log *slog.Logger) (database, error) {
	if opts.databaseURL != "" {
		u, err := url.Parse(opts.databaseURL)
		if err != nil || u.Query().Get("sslmode") == "" {
			// The error of Parse repeats the address, and with it the password.
			return database{}, errors.New("GUILING_DATABASE_URL must be a URL (postgres://…) and state its sslmode")
		}
		return database{admin: opts.databaseURL}, nil
	}
	say.line("正在启动数据库…", "Starting PostgreSQL …")
	start := localpg.Options{DataDir: st.path("postgres"), Log: log}
	server, err := localpg.Start(ctx, start)
	if errors.Is(err, localpg.ErrNoPostgres) && localpg.CanInstallWithApt() {
		say.line("未找到 PostgreSQL，正在用 apt-get 安装，约需一两分钟…", "PostgreSQL was not found; installing it with apt-get, a minute or two …")
		if err := localpg.InstallWithApt(ctx, log); err != nil {
			return database{}, err
		}
		server, err = localpg.Start(ctx, start)
	}
	if err != nil {
		return database{}, err
	}
	return database{admin: server.URL(localpg.Superuser, "postgres"), own: server, gone: server.Done()}, nil
}

func (d database) stop() error {
	if d.own == nil {
		return nil
	}
	return d.own.Stop()
}

// urls are how the product reaches its database.
type urls struct {
	owner, app string
}

// prepare makes what migrations cannot make themselves: the database, its
// owner, and the role that the application signs in as.
func (d database) prepare(ctx context.Context, st *state) (urls, error) {
	ownerPassword, err := st.password(ownerRole)
	if err != nil {
		return urls{}, err
	}
	loginPassword, err := st.password(loginRole)
	if err != nil {
		return urls{}, err
	}
	if err := localpg.EnsureOwner(ctx, d.admin, ownerRole, ownerPassword); err != nil {
		return urls{}, err
	}
	if err := localpg.EnsureDatabase(ctx, d.admin, databaseName, ownerRole); err != nil {
		return urls{}, err
	}
	if err := localpg.EnsureLogin(ctx, d.admin, loginRole, loginPassword); err != nil {
		return urls{}, err
	}
	owner, err := localpg.WithLogin(d.admin, localpg.Login{User: ownerRole, Password: ownerPassword, Database: databaseName})
	if err != nil {
		return urls{}, err
	}
	app, err := localpg.WithLogin(d.admin, localpg.Login{
		User: loginRole, Password: loginPassword, Database: databaseName, Role: appRole,
	})
	if err != nil {
		return urls{}, err
	}
	return urls{owner: owner, app: app}, nil
}

// admit lets the application's login work as the role that the migrations have made.
func (d database) admit(ctx context.Context) error {
	return localpg.GrantRole(ctx, d.admin, appRole, loginRole)
}
