// Package localpg runs a PostgreSQL server of our own: for the one-process
// form of the product, and for tests. It looks for the binaries of the
// machine, makes the data with initdb, starts the server on 127.0.0.1 as a
// user without privileges, recovers what an earlier run left, and stops
// cleanly. It works on Linux.
package localpg

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/lib/pq"
)

const (
	// Superuser is the name of the server's superuser.
	Superuser = "postgres"

	loopback       = "127.0.0.1"
	maxConnections = 200
	// startLimit leaves room for crash recovery of a large database.
	startLimit = 10 * time.Minute
	// stopLimit is how long a fast shutdown may take before an immediate one,
	// which loses nothing that was committed but makes the next start longer.
	stopLimit = 90 * time.Second
	// portTries is how often another port is chosen when somebody took the
	// chosen one between our look and the server's start.
	portTries = 5
)

// ErrInUse says that another living process has started a server on the folder.
var ErrInUse = errors.New("another process uses it")

// Options says how to start a server.
type Options struct {
	// DataDir is the folder of this server: its data, log, password and port
	// live inside. It is made when missing.
	DataDir string
	// Port on 127.0.0.1. 0 means the one of the last start when that is free,
	// or else any free one below 32768.
	Port int
	// Ephemeral trades durability for speed and ends the server when this
	// process ends in any way. For tests only: a power cut destroys the data.
	Ephemeral bool
	// Log gets what an administrator should know. nil discards it.
	Log *slog.Logger
}

// Server is a running PostgreSQL. Its methods may be called from any goroutine.
type Server struct {
	folder   folder
	port     int
	password string
	lock     *os.File

	process *os.Process
	done    chan struct{} // closed when the process has ended
	waitErr error         // to be read after done

	stop    sync.Once
	stopErr error
}

// Start starts a server and returns when it accepts connections. ctx bounds
// the start only; the server runs until [Server.Stop].
//
// Errors: [ErrNoPostgres], [ErrInUse], or what went wrong with the end of the
// server's log.
func Start(ctx context.Context, opts Options) (*Server, error) {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	found, err := findBinaries(ctx)
	if err != nil {
		return nil, err
	}
	acc, err := serverAccount()
	if err != nil {
		return nil, err
	}
	f, err := prepareFolder(ctx, opts.DataDir, acc, found[0].path("postgres"), log)
	if err != nil {
		return nil, err
	}
	lock, err := f.lock()
	if err != nil {
		return nil, err
	}
	s, err := startLocked(ctx, f, found, opts, log)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.lock = lock
	return s, nil
}

func startLocked(ctx context.Context, f folder, found []binaries, opts Options, log *slog.Logger) (*Server, error) {
	major, err := f.dataMajor()
	if err != nil {
		return nil, err
	}
	bin, err := pick(found, major)
	if err != nil {
		return nil, err
	}
	if major == 0 {
		log.InfoContext(ctx, "making a new PostgreSQL database", "folder", f.dir, "version", bin.major)
		if err := f.initialise(ctx, bin, opts.Ephemeral); err != nil {
			return nil, err
		}
	} else if err := f.stopOrphan(ctx, log); err != nil {
		return nil, err
	}
	password, err := f.readPassword()
	if err != nil {
		return nil, err
	}

	for try := 1; ; try++ {
		port, err := f.choosePort(ctx, opts.Port, log)
		if err != nil {
			return nil, err
		}
		s := &Server{folder: f, port: port, password: password, done: make(chan struct{})}
		err = s.launch(ctx, bin, opts.Ephemeral)
		if err == nil {
			if err := f.rememberPort(port); err != nil {
				return nil, errors.Join(err, s.Stop())
			}
			log.InfoContext(ctx, "PostgreSQL is ready", "port", port, "version", bin.major, "folder", f.dir)
			return s, nil
		}
		if opts.Port != 0 || portFree(ctx, port) || try == portTries || ctx.Err() != nil {
			return nil, err
		}
		log.InfoContext(ctx, "somebody else took the chosen port; trying another", "port", port)
	}
}

func (f folder) choosePort(ctx context.Context, asked int, log *slog.Logger) (int, error) {
	if asked != 0 {
		if !portFree(ctx, asked) {
			return 0, fmt.Errorf("the port %d asked for the database is taken", asked)
		}
		return asked, nil
	}
	if port := f.rememberedPort(); port != 0 {
		if portFree(ctx, port) {
			return port, nil
		}
		log.InfoContext(ctx, "the database port of the last start is taken; choosing another", "port", port)
	}
	ports, err := FreePorts(ctx, 1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// launch starts the process and waits until it accepts connections. After an
// error no process is left.
func (s *Server) launch(ctx context.Context, bin binaries, ephemeral bool) error {
	logFile, err := s.folder.openLog()
	if err != nil {
		return err
	}
	defer logFile.Close()
	info, err := logFile.Stat()
	if err != nil {
		return fmt.Errorf("open the database log: %w", err)
	}

	// The server outlives ctx, which bounds the start only.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), bin.path("postgres"), s.arguments(ephemeral)...) //nolint:gosec // G204: a binary that findBinaries looked up
	s.folder.account.apply(cmd)
	cmd.Dir = s.folder.dir
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if ephemeral {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	}
	if err := s.run(cmd, ephemeral); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := s.awaitReady(ctx); err != nil {
		s.Stop() //nolint:errcheck // the reason why it did not start says more
		return fmt.Errorf("start PostgreSQL on port %d: %w\n%s", s.port, err, s.folder.logTail(info.Size()))
	}
	return nil
}

func (s *Server) arguments(ephemeral bool) []string {
	args := []string{"-D", s.folder.data()}
	set := func(name, value string) { args = append(args, "-c", name+"="+value) }
	set("listen_addresses", loopback)
	set("port", strconv.Itoa(s.port))
	// No socket file: its path has a length limit, and loopback is enough.
	set("unix_socket_directories", "")
	set("max_connections", strconv.Itoa(maxConnections))
	set("timezone", "UTC")
	set("logging_collector", "off")
	set("log_line_prefix", "%m [%p] %u@%d ")
	if ephemeral {
		set("fsync", "off")
		set("synchronous_commit", "off")
		set("full_page_writes", "off")
	}
	return args
}

// run starts cmd and closes s.done when it has ended.
//
// The signal on the death of the parent follows the operating system's
// thread, not the process: so the goroutine that starts the server keeps its
// thread until the server has ended.
func (s *Server) run(cmd *exec.Cmd, holdThread bool) error {
	started := make(chan error)
	go func() {
		if holdThread {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		if err := cmd.Start(); err != nil {
			close(s.done)
			started <- err
			return
		}
		s.process = cmd.Process
		started <- nil
		s.waitErr = cmd.Wait()
		close(s.done)
	}()
	return <-started
}

func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	db, err := sql.Open("postgres", s.URL(Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("open a connection: %w", err)
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("the server ended at once: %w", cmp.Or(s.waitErr, errors.New("without an error")))
		default:
		}
		// 28: the password is wrong, waiting does not help.
		if pqErr, ok := errors.AsType[*pq.Error](err); ok && pqErr.Code.Class() == "28" {
			return fmt.Errorf("sign in as %s: %w", Superuser, err)
		}
		if ctxErr := pause(ctx, pollEvery); ctxErr != nil {
			return fmt.Errorf("wait for the server: %w", errors.Join(ctxErr, err))
		}
	}
}

// Stop ends the server: open transactions are rolled back, everything
// committed is on disk. It waits for the end of the process; more calls
// answer the same. An error means that the server did not end cleanly.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		s.stopErr = s.shutDown()
		if s.lock != nil {
			s.stopErr = errors.Join(s.stopErr, s.lock.Close())
		}
	})
	return s.stopErr
}

func (s *Server) shutDown() error {
	select {
	case <-s.done:
		return fmt.Errorf("PostgreSQL had ended before it was stopped, see %s: %w",
			s.folder.log(), cmp.Or(s.waitErr, errors.New("without an error")))
	default:
	}
	if err := s.process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	harder := time.AfterFunc(stopLimit, func() {
		s.process.Signal(syscall.SIGQUIT) //nolint:errcheck // it fails only when the process has ended, as wished
	})
	defer harder.Stop()
	<-s.done
	if s.waitErr != nil {
		return fmt.Errorf("stop PostgreSQL, see %s: %w", s.folder.log(), s.waitErr)
	}
	return nil
}

// Done is closed when the server process has ended, wanted or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Port is the TCP port on 127.0.0.1, always below 32768 unless another was asked for.
func (s *Server) Port() int { return s.port }

// Dir is where the folder of the server really is, without symbolic links.
func (s *Server) Dir() string { return s.folder.dir }

// LogFile is the path of the server's own log.
func (s *Server) LogFile() string { return filepath.Join(s.folder.dir, logName) }

// Password is the superuser's password.
func (s *Server) Password() string { return s.password }

// URL is the address of a database on this server. For [Superuser] it holds
// the password; for others use [WithLogin] on it.
func (s *Server) URL(user, database string) string {
	who := url.User(user)
	if user == Superuser {
		who = url.UserPassword(user, s.password)
	}
	u := url.URL{
		Scheme: "postgres", User: who, Host: net.JoinHostPort(loopback, strconv.Itoa(s.port)),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// EnsureDatabase is [EnsureDatabase] on this server.
func (s *Server) EnsureDatabase(ctx context.Context, name, owner string) error {
	return EnsureDatabase(ctx, s.URL(Superuser, "postgres"), name, owner)
}

// EnsureLogin is [EnsureLogin] on this server.
func (s *Server) EnsureLogin(ctx context.Context, role, password string) error {
	return EnsureLogin(ctx, s.URL(Superuser, "postgres"), role, password)
}
