// Package testdb gives tests a real, migrated PostgreSQL database each.
//
// A test package says once
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
// and its tests call [New]. The first call starts a throw-away server of the
// test process and migrates a template; every further database is a copy of
// it, which takes milliseconds. Where the variable of [ServerEnv] is set, that
// server is used instead, and nothing but this package's own databases and
// login roles is made and dropped on it.
package testdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/lib/pq"

	"guiling/internal/localpg"
	"guiling/migrations"
)

// ServerEnv names the environment variable with the URL of a superuser on a
// server to use. Its sslmode must be given.
const ServerEnv = "GUILING_TEST_DATABASE_URL"

// appRole is made by the migrations; the application works as it.
const appRole = "guiling_app"

// tempPrefix begins the name of the temporary folder of a test process, and
// its process number follows.
const tempPrefix = "guiling-testdb-"

// DB is one database of one test.
type DB struct {
	// Name of the database.
	Name string
	// OwnerURL connects as the owner of all tables, as migrations do.
	OwnerURL string
	// AppURL connects as the application does: a login role that works as
	// guiling_app and has its privileges only.
	AppURL string
}

// cluster is the server of this test process.
type cluster struct {
	declared atomic.Bool // Main was called
	start    sync.Once
	startErr error

	server   *localpg.Server // nil with ServerEnv
	temp     string
	admin    string // superuser URL
	template string
	owner    localpg.Login
	login    localpg.Login
	count    atomic.Int64
}

// process is the one cluster of this process: that is the point of it, for
// starting a server for each test would take a second each.
var process = new(cluster)

// Main runs the tests of a package and then removes what [New] made. Call it
// from TestMain and do nothing after it. What else works on the server and
// must end before it goes into before.
func Main(m *testing.M, before ...func() error) {
	process.declared.Store(true)
	code := m.Run()
	var errs []error
	for _, end := range before {
		errs = append(errs, end())
	}
	if err := errors.Join(append(errs, process.stop())...); err != nil {
		fmt.Fprintln(os.Stderr, "testdb:", err)
		code = max(code, 1)
	}
	if code != 0 {
		os.Exit(code)
	}
}

// New makes a fresh migrated database for t and drops it when t has ended. It
// may be called from parallel tests. Without PostgreSQL on the machine the
// test fails: a skipped test proves nothing.
func New(t testing.TB) *DB {
	t.Helper()
	started(t)
	db, err := process.create(t.Context())
	if err != nil {
		t.Fatal("testdb:", err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if err := process.drop(context.WithoutCancel(t.Context()), db.Name); err != nil {
			t.Error("testdb:", err)
		}
	})
	return db
}

// AdminURL is a superuser of the server that the databases of this process
// are on, for tests of what sets up databases.
func AdminURL(t testing.TB) string {
	t.Helper()
	started(t)
	return process.admin
}

func started(t testing.TB) {
	t.Helper()
	if !process.declared.Load() {
		t.Fatal("testdb: the package's TestMain must call testdb.Main")
	}
	process.start.Do(func() {
		// The server serves all tests of the process, not only the first one.
		process.startErr = process.prepare(context.WithoutCancel(t.Context()))
	})
	if process.startErr != nil {
		t.Fatal("testdb:", process.startErr)
	}
}

// prepare starts the server, if it is ours, and makes the template.
func (c *cluster) prepare(ctx context.Context) error {
	c.admin = os.Getenv(ServerEnv)
	if c.admin == "" {
		if err := c.startServer(ctx); err != nil {
			return err
		}
	}
	// Several test processes may share one server.
	unique := strings.ToLower(rand.Text()[:8])
	c.template = "guiling_template_" + unique
	c.owner = localpg.Login{User: "guiling_test_owner_" + unique, Password: rand.Text(), Database: c.template}
	c.login = localpg.Login{User: "guiling_test_login_" + unique, Password: rand.Text(), Role: appRole}

	ownerURL, err := localpg.WithLogin(c.admin, c.owner)
	if err != nil {
		return err
	}
	return c.exclusive(ctx, func() error {
		if err := localpg.EnsureOwner(ctx, c.admin, c.owner.User, c.owner.Password); err != nil {
			return err
		}
		if err := localpg.EnsureDatabase(ctx, c.admin, c.template, c.owner.User); err != nil {
			return err
		}
		if err := localpg.EnsureLogin(ctx, c.admin, c.login.User, c.login.Password); err != nil {
			return err
		}
		if err := migrations.Up(ctx, ownerURL, slog.New(slog.DiscardHandler)); err != nil {
			return fmt.Errorf("migrate the template database: %w", err)
		}
		return localpg.GrantRole(ctx, c.admin, appRole, c.login.User)
	})
}

// exclusive runs do while no other test process on the same server does:
// roles belong to the whole server, and two processes must not make one at
// the same moment.
func (c *cluster) exclusive(ctx context.Context, do func() error) error {
	return c.asAdmin(func(db *sql.DB) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connect to the server: %w", err)
		}
		defer conn.Close()     // the lock ends with it
		const key = 0x67756c74 // “gult”
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
			return fmt.Errorf("wait for other test processes: %w", err)
		}
		return do()
	})
}

func (c *cluster) startServer(ctx context.Context) error {
	if err := sweep(); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", tempPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return fmt.Errorf("make the folder of the test server: %w", err)
	}
	c.temp = temp
	// The server runs as another user when we are root, and must pass through.
	if err := os.Chmod(temp, 0o711); err != nil { //nolint:gosec // G302: see above
		return fmt.Errorf("open the folder of the test server: %w", err)
	}
	c.server, err = localpg.Start(ctx, localpg.Options{DataDir: filepath.Join(temp, "postgres"), Ephemeral: true})
	if err != nil {
		return fmt.Errorf("start the test server: %w", err)
	}
	c.admin = c.server.URL(localpg.Superuser, "postgres")
	return nil
}

// sweep removes the folders of test processes that ended without a chance to
// do it, by a panic or a time-out. Their servers end with them.
func sweep() error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for folders of earlier test servers: %w", err)
	}
	for _, dir := range dirs {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), tempPrefix), "-")
		pid, err := strconv.Atoi(number)
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		// Another process may sweep too, or the folder belong to another user.
		_ = os.RemoveAll(dir)
	}
	return nil
}

func (c *cluster) create(ctx context.Context) (*DB, error) {
	name := fmt.Sprintf("%s_%d", strings.Replace(c.template, "template", "test", 1), c.count.Add(1))
	err := c.asAdmin(func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER %s",
			pq.QuoteIdentifier(name), pq.QuoteIdentifier(c.template), pq.QuoteIdentifier(c.owner.User)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("copy the template database: %w", err)
	}
	owner, login := c.owner, c.login
	owner.Database, login.Database = name, name
	ownerURL, err := localpg.WithLogin(c.admin, owner)
	if err != nil {
		return nil, err
	}
	appURL, err := localpg.WithLogin(c.admin, login)
	if err != nil {
		return nil, err
	}
	return &DB{Name: name, OwnerURL: ownerURL, AppURL: appURL}, nil
}

func (c *cluster) drop(ctx context.Context, name string) error {
	return c.asAdmin(func(db *sql.DB) error {
		// FORCE: a test that forgot a connection must not leave its database.
		if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop the database %s: %w", name, err)
		}
		return nil
	})
}

// stop removes what prepare made. The whole server goes when it is ours.
func (c *cluster) stop() error {
	var errs []error
	switch {
	case c.server != nil:
		errs = append(errs, c.server.Stop(), os.RemoveAll(c.server.Dir()))
	case c.template != "":
		errs = append(errs, c.removeFromShared())
	}
	if c.temp != "" {
		errs = append(errs, os.RemoveAll(c.temp))
	}
	return errors.Join(errs...)
}

func (c *cluster) removeFromShared() error {
	ctx := context.Background() //nolint:forbidigo // the tests and their contexts have ended
	if err := c.drop(ctx, c.template); err != nil {
		return err
	}
	return c.asAdmin(func(db *sql.DB) error {
		for _, role := range []string{c.login.User, c.owner.User} {
			if _, err := db.ExecContext(ctx, "DROP ROLE IF EXISTS "+pq.QuoteIdentifier(role)); err != nil {
				return fmt.Errorf("drop the role %s: %w", role, err)
			}
		}
		return nil
	})
}

func (c *cluster) asAdmin(do func(*sql.DB) error) error {
	db, err := sql.Open("postgres", c.admin)
	if err != nil {
		return fmt.Errorf("open the server: %w", err)
	}
	return errors.Join(do(db), db.Close())
}
