// Command guiling runs the parts of the product and does the operator's work on
// the command line. Settings come from the environment; see docs/operation.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/store"
)

// version is set when the program is built.
var version = "dev"

// cli is the command line.
type cli struct {
	API          apiCmd          `cmd:"" name:"api" help:"Serve pages and API."`
	Worker       workerCmd       `cmd:"" help:"Run the workflows of cases and empty the outbox."`
	Migrate      migrateCmd      `cmd:"" help:"Bring the database to the shape of this program, with regions and authorities."`
	Import       importCmd       `cmd:"" help:"Take a file of reviews in; negative ones open cases."`
	Token        tokenCmd        `cmd:"" help:"Personal tokens for the API."`
	User         userCmd         `cmd:"" help:"People who work with the system."`
	Organisation organisationCmd `cmd:"" help:"Authorities and departments."`
	Policy       policyCmd       `cmd:"" help:"The rules of who may do what."`
	Deadline     deadlineCmd     `cmd:"" help:"Say when something is due by a rule pack, and why."`
	Simulate     simulateCmd     `cmd:"" help:"Say which open cases would move under other rules, before they are published."`
	Calendar     calendarCmd     `cmd:"" help:"The calendars of holidays by which working days are counted."`
	Reconcile    reconcileCmd    `cmd:"" help:"Compare database and engine, and repair what is at odds."`
	Keys         keysCmd         `cmd:"" help:"The keys of personal data."`
	Healthcheck  healthcheckCmd  `cmd:"" help:"Ask a URL and fail unless it answers 200."`
	Version      versionCmd      `cmd:"" help:"Print the version."`
}

// run is what every command gets.
type run struct {
	ctx context.Context //nolint:containedctx // kong passes one value to its commands
	log *slog.Logger
}

func (r run) settings() (app.Settings, error) {
	settings, err := app.LoadSettings()
	settings.Version = version
	return settings, err
}

// withStore runs do on the database of the settings.
func (r run) withStore(do func(app.Settings, *store.Store) error) error {
	settings, err := r.settings()
	if err != nil {
		return err
	}
	st, err := app.OpenStore(r.ctx, settings)
	if err != nil {
		return err
	}
	return errors.Join(do(settings, st), st.Close())
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	var command cli
	parsed := kong.Parse(&command, kong.Name("guiling"), kong.UsageOnError(),
		kong.Description("Guiling (归零): the case manager behind the government-service rating system."))
	if err := parsed.Run(run{ctx: ctx, log: log}); err != nil {
		fmt.Fprintln(os.Stderr, "guiling:", describe(err))
		stop()
		os.Exit(1)
	}
}

// describe names the field of a refusal, for people at a terminal.
func describe(err error) string {
	if domain, ok := casework.AsError(err); ok && domain.Field != "" {
		return fmt.Sprintf("%s: %s (%s)", domain.Field, domain.Detail, domain.Reason)
	}
	return err.Error()
}
