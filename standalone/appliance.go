package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"guiling/internal/app"
	"guiling/standalone/temporalserver"
)

const (
	readyLimit = 2 * time.Minute
	readyEvery = 100 * time.Millisecond
	askLimit   = 5 * time.Second
)

// serve runs the product until ctx is done or a part of it ends, and then
// stops its parts in the reverse order of their start.
func serve(ctx context.Context, opts options, say progress, terminal io.Writer) (err error) {
	say.linef("归零", "Guiling %s", version)
	st, err := openState(opts.folder)
	if err != nil {
		return err
	}
	defer closing(&err, st.close)
	written, err := st.openLogs(terminal)
	if err != nil {
		return err
	}
	defer closing(&err, written.file.Close)
	log := written.product
	settings, err := loadSettings(ctx, opts, st, log)
	if err != nil {
		return err
	}
	// Found now and not after everything else has started.
	if err := tryAddress(ctx, settings.HTTPAddr); err != nil && !opts.live {
		return fmt.Errorf("%s 无法使用，请另设 GUILING_HTTP_ADDR. The address cannot be used, set another GUILING_HTTP_ADDR: %w", settings.HTTPAddr, err)
	}

	db, err := openDatabase(ctx, opts, st, say, log)
	if err != nil {
		return stoppedEarly(ctx, err)
	}
	defer closing(&err, db.stop)
	temporal, err := startTemporal(ctx, opts, db, st, settings, say, written.temporal)
	if err != nil {
		return stoppedEarly(ctx, err)
	}
	defer closing(&err, temporal.Stop)
	settings.TemporalAddress, settings.TemporalNamespace = temporal.Address(), temporal.Namespace()

	if err := migrate(ctx, db, st, &settings, say, log); err != nil {
		return stoppedEarly(ctx, err)
	}
	if opts.live {
		return liveOneCase(ctx, settings, say, log)
	}
	running := st.path(filepath.Base(app.RunningEnvFile))
	if err := app.WriteRunningEnvFile(running, settings); err != nil {
		return err
	}
	defer closing(&err, func() error { return os.Remove(running) })
	return runProduct(ctx, db, st, settings, say, log)
}

// closing runs end and adds its error to err.
func closing(err *error, end func() error) { *err = errors.Join(*err, end()) }

// stoppedEarly is no error when it was the operator who ended the start.
func stoppedEarly(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func loadSettings(ctx context.Context, opts options, st *state, log *slog.Logger) (app.Settings, error) {
	st.dropStale(ctx, filepath.Base(app.RunningEnvFile), log)
	// The database of this process is set later. Its being set at all keeps
	// LoadSettings from taking over what another running process has left.
	for name, value := range map[string]string{"GUILING_DATABASE_URL": "standalone", "GUILING_DATABASE_URL_FILE": ""} {
		if err := os.Setenv(name, value); err != nil {
			return app.Settings{}, fmt.Errorf("load the settings: %w", err)
		}
	}
	settings, err := app.LoadSettings()
	if err != nil {
		return app.Settings{}, err
	}
	settings.Version = version
	settings.Demo = settings.Demo || opts.demo
	settings.TimeSkipping = settings.Demo // as startTemporal starts the engine
	if os.Getenv("GUILING_DATA_KEY_FILE") == "" {
		settings.DataKeyFile = st.path(filepath.Base(settings.DataKeyFile))
	}
	return settings, nil
}

func startTemporal(
	ctx context.Context, opts options, db database, st *state, settings app.Settings, say progress, log *slog.Logger,
) (*temporalserver.Server, error) {
	say.line("正在启动流程引擎…", "Starting Temporal …")
	server := temporalserver.Options{
		AdminURL: db.admin, Namespace: settings.TemporalNamespace, TimeSkipping: settings.TimeSkipping, Log: log,
	}
	if !opts.live {
		server.Port = usualPort(ctx, settings.TemporalAddress, log)
	}
	// On a server that is not ours, Temporal works as the login of the URL.
	if db.own != nil {
		password, err := st.password(temporalRole)
		if err != nil {
			return nil, err
		}
		server.User, server.Password = temporalRole, password
	}
	return temporalserver.Start(ctx, server)
}

// usualPort is the port of address, where tools look for Temporal, when it can
// be had, and else 0 for any.
func usualPort(ctx context.Context, address string, log *slog.Logger) int {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	if err := tryAddress(ctx, net.JoinHostPort("127.0.0.1", text)); err != nil {
		log.InfoContext(ctx, "the usual port of Temporal is taken; choosing another", "port", port)
		return 0
	}
	return port
}

func migrate(ctx context.Context, db database, st *state, settings *app.Settings, say progress, log *slog.Logger) error {
	say.line("正在准备数据表…", "Preparing the tables …")
	to, err := db.prepare(ctx, st)
	if err != nil {
		return err
	}
	settings.DatabaseURL, settings.MigrateDatabaseURL = to.app, to.owner
	if err := app.Migrate(ctx, *settings, log); err != nil {
		return err
	}
	return db.admit(ctx)
}

// runProduct runs worker and API, says when they are ready, and stops them.
func runProduct(ctx context.Context, db database, st *state, settings app.Settings, say progress, log *slog.Logger) error {
	say.line("正在启动网页和接口…", "Starting pages and API …")
	worker := startTask(ctx, func(ctx context.Context) error { return app.RunWorker(ctx, settings, log) })
	api := startTask(ctx, func(ctx context.Context) error { return app.RunAPI(ctx, settings, log) })

	address := pageAddress(settings.HTTPAddr)
	ready := startTask(ctx, func(ctx context.Context) error { return waitReady(ctx, address+"/readyz") })
	waiting := ready.done
	var why error
	for ended := false; !ended; {
		select {
		case <-waiting:
			waiting = nil
			if ready.err != nil {
				why, ended = ready.err, true
				break
			}
			say.linef("归零已就绪，请用浏览器打开", "Guiling is ready, open in a browser: %s", address)
			say.linef("按 Ctrl-C 停止，数据保留在", "Press Ctrl-C to stop; data and log stay in %s", st.dir)
		case <-ctx.Done():
			ended = true
		case <-api.done:
			why, ended = errors.New("the API ended"), true
		case <-worker.done:
			why, ended = errors.New("the worker ended"), true
		case <-db.gone:
			why, ended = fmt.Errorf("PostgreSQL ended, see %s", db.own.LogFile()), true
		}
	}
	ready.cancel()
	<-ready.done
	return errors.Join(why, api.stop(), worker.stop())
}

// waitReady asks until the answer is 200.
func waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	client := &http.Client{Timeout: askLimit}
	for {
		err := ask(ctx, client, url)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the product did not become ready: %w", err)
		case <-time.After(readyEvery):
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s: %s", url, response.Status)
	}
	return nil
}

// pageAddress is where a browser on this machine finds what is served on address.
func pageAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// tryAddress reports whether address can be listened on.
func tryAddress(ctx context.Context, address string) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return listener.Close()
}
