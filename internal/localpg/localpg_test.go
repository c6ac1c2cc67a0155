package localpg_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/stretchr/testify/require"

	"guiling/internal/localpg"
)

// reachable is a temporary folder that the system user of PostgreSQL can
// enter, other than that of t.TempDir.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "guiling-localpg-") //nolint:usetesting // t.TempDir is closed to other users
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // G302: the server's user passes through
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "postgres")
}

func start(t *testing.T, opts localpg.Options) *localpg.Server {
	t.Helper()
	server, err := localpg.Start(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { server.Stop() }) //nolint:errcheck // tests that care have stopped it before
	return server
}

func connect(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func queryText(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var text string
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&text))
	return text
}

func TestRestartKeepsDataAndPort(t *testing.T) {
	t.Parallel()
	dir := reachable(t)

	first := start(t, localpg.Options{DataDir: dir})
	require.Less(t, first.Port(), 32768)
	db := connect(t, first.URL(localpg.Superuser, "postgres"))
	require.Equal(t, "on", queryText(t, db, "SHOW fsync"))
	require.Equal(t, "127.0.0.1", queryText(t, db, "SHOW listen_addresses"))
	require.Equal(t, "200", queryText(t, db, "SHOW max_connections"))
	require.NoError(t, first.EnsureLogin(t.Context(), "owner", "it's secret"))
	require.NoError(t, first.EnsureDatabase(t.Context(), "gl", "owner"))
	ownerURL, err := localpg.WithLogin(first.URL(localpg.Superuser, ""), localpg.Login{User: "owner", Password: "it's secret", Database: "gl"})
	require.NoError(t, err)
	gl := connect(t, ownerURL)
	require.Equal(t, "UTF8", queryText(t, gl, "SHOW server_encoding"))
	require.Equal(t, "C.UTF-8", queryText(t, gl, "SELECT datctype FROM pg_database WHERE datname = 'gl'"))
	_, err = gl.ExecContext(t.Context(), "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('归零')")
	require.NoError(t, err)

	_, err = localpg.Start(t.Context(), localpg.Options{DataDir: dir})
	require.ErrorIs(t, err, localpg.ErrInUse)

	require.NoError(t, first.Stop())
	require.NoError(t, first.Stop(), "stopping twice is stopping once")

	second := start(t, localpg.Options{DataDir: dir})
	require.Equal(t, first.Port(), second.Port())
	require.Equal(t, "归零", queryText(t, connect(t, ownerURL), "SELECT word FROM kept"))
	require.NoError(t, second.EnsureLogin(t.Context(), "owner", "another"))
	require.NoError(t, second.EnsureDatabase(t.Context(), "gl", "owner"))
	require.NoError(t, second.Stop())
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	first := start(t, localpg.Options{DataDir: dir, Ephemeral: true})
	require.NoError(t, first.Stop())
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(first.Port())))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })

	_, err = localpg.Start(t.Context(), localpg.Options{DataDir: dir, Port: first.Port(), Ephemeral: true})
	require.ErrorContains(t, err, "is taken")

	second := start(t, localpg.Options{DataDir: dir, Ephemeral: true})
	require.NotEqual(t, first.Port(), second.Port())
	require.NoError(t, second.Stop())
}

// The server is started by this test binary in a process of its own, which is
// then killed: the database goes on without its starter.
func TestOrphanIsStopped(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	starter, orphan := startInProcess(t, dir, "")
	require.NoError(t, starter.Process.Kill())
	starter.Wait() //nolint:errcheck // it was killed
	require.NoError(t, syscall.Kill(orphan, 0), "the database outlives its starter")

	server := start(t, localpg.Options{DataDir: dir})
	db := connect(t, server.URL(localpg.Superuser, "postgres"))
	require.Equal(t, "1", queryText(t, db, "SELECT count(*) FROM kept"))
	require.NotEqual(t, orphan, postmaster(t, server.Dir()))
	require.NoError(t, server.Stop())
}

// An ephemeral server does not outlive its starter.
func TestEphemeralEndsWithItsStarter(t *testing.T) {
	t.Parallel()
	starter, orphan := startInProcess(t, reachable(t), "ephemeral")
	require.NoError(t, starter.Process.Kill())
	starter.Wait() //nolint:errcheck // it was killed
	require.Eventually(t, func() bool { return errors.Is(syscall.Kill(orphan, 0), syscall.ESRCH) || zombie(orphan) },
		20*time.Second, 20*time.Millisecond)
}

func TestKilledServerRecovers(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	first := start(t, localpg.Options{DataDir: dir})
	db := connect(t, first.URL(localpg.Superuser, "postgres"))
	_, err := db.ExecContext(t.Context(), "CREATE TABLE kept AS SELECT 1")
	require.NoError(t, err)
	// A backend in the middle of work holds on to the shared memory for a while.
	go db.ExecContext(context.WithoutCancel(t.Context()), "SELECT pg_sleep(60)") //nolint:errcheck // it is killed
	require.NoError(t, syscall.Kill(postmaster(t, first.Dir()), syscall.SIGKILL))
	<-first.Done()
	require.Error(t, first.Stop(), "it did not end cleanly")

	second := start(t, localpg.Options{DataDir: dir})
	require.Equal(t, "1", queryText(t, connect(t, second.URL(localpg.Superuser, "postgres")), "SELECT count(*) FROM kept"))
	require.NoError(t, second.Stop())
}

// After a reboot the number in postmaster.pid may belong to anything; here to
// this test. It must survive, and the server must start.
func TestReusedProcessNumber(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	first := start(t, localpg.Options{DataDir: dir, Ephemeral: true})
	require.NoError(t, first.Stop())
	stale := strconv.Itoa(os.Getpid()) + "\n" + filepath.Join(dir, "data") + "\n1\n5432\n\n127.0.0.1\n  0 0\nready\n"
	require.NoError(t, os.WriteFile(filepath.Join(first.Dir(), "data", "postmaster.pid"), []byte(stale), 0o600))

	second := start(t, localpg.Options{DataDir: dir, Ephemeral: true})
	require.NoError(t, second.Stop())
}

// A checkout in /root is closed to the system user of PostgreSQL.
func TestFolderThatTheServerCannotReach(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		// Somebody else's folder does not come up: the server is ourselves.
		server := start(t, localpg.Options{DataDir: filepath.Join(t.TempDir(), "postgres"), Ephemeral: true})
		require.NoError(t, server.Stop())
		return
	}
	dir := filepath.Join(t.TempDir(), "var", "postgres") // below a folder of mode 0700
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	first := start(t, localpg.Options{DataDir: dir, Ephemeral: true, Log: log})
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(first.Dir())) })
	require.Equal(t, "/var/lib/guiling", filepath.Dir(first.Dir()))
	require.Contains(t, said.String(), first.Dir())
	target, err := os.Readlink(dir)
	require.NoError(t, err)
	require.Equal(t, first.Dir(), target)
	require.NoError(t, first.Stop())

	second := start(t, localpg.Options{DataDir: dir, Ephemeral: true})
	require.Equal(t, first.Dir(), second.Dir())
	require.NoError(t, second.Stop())

	// The link is lost with its checkout: the new checkout gets a new database.
	require.NoError(t, os.Remove(dir))
	third := start(t, localpg.Options{DataDir: dir, Ephemeral: true})
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(third.Dir())) })
	require.Equal(t, first.Dir()+"-2", third.Dir())
	require.NoError(t, third.Stop())
}

func TestNoPostgres(t *testing.T) {
	t.Setenv(localpg.BinariesEnv, t.TempDir())
	_, err := localpg.Start(t.Context(), localpg.Options{DataDir: filepath.Join(t.TempDir(), "pg")})
	require.ErrorIs(t, err, localpg.ErrNoPostgres)
	require.ErrorContains(t, err, "apt-get install postgresql")
}

func TestWorkingAsARole(t *testing.T) {
	t.Parallel()
	server := start(t, localpg.Options{DataDir: reachable(t), Ephemeral: true})
	admin := server.URL(localpg.Superuser, "postgres")
	require.NoError(t, localpg.EnsureOwner(t.Context(), admin, "owner", "o"))
	require.NoError(t, server.EnsureDatabase(t.Context(), "gl", "owner"))
	require.NoError(t, server.EnsureLogin(t.Context(), "login", "pass word+"))
	_, err := connect(t, admin).ExecContext(t.Context(), "CREATE ROLE app NOLOGIN")
	require.NoError(t, err)
	require.NoError(t, localpg.GrantRole(t.Context(), admin, "app", "login"))
	require.NoError(t, localpg.GrantRole(t.Context(), admin, "app", "login"), "granting twice is granting once")

	address, err := localpg.WithLogin(admin, localpg.Login{User: "login", Password: "pass word+", Database: "gl", Role: "app"})
	require.NoError(t, err)
	require.Contains(t, address, "sslmode=disable")
	require.Equal(t, "login app", queryText(t, connect(t, address), "SELECT session_user || ' ' || current_user"))

	wrong, err := localpg.WithLogin(admin, localpg.Login{User: "login", Password: "wrong", Database: "gl"})
	require.NoError(t, err)
	pqErr, ok := errors.AsType[*pq.Error](connect(t, wrong).PingContext(t.Context()))
	require.True(t, ok)
	require.Equal(t, pqerror.Code("28P01"), pqErr.Code)
}

func TestFreePorts(t *testing.T) {
	t.Parallel()
	ports, err := localpg.FreePorts(t.Context(), 20)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, port := range ports {
		require.Less(t, port, 32768)
		require.False(t, seen[port])
		seen[port] = true
	}
	require.Len(t, seen, 20)
}

// Environment of the process that startInProcess starts.
const (
	envDir  = "LOCALPG_TEST_DIR"
	envMode = "LOCALPG_TEST_MODE"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		startAndHang(dir, os.Getenv(envMode) == "ephemeral")
	}
	m.Run()
}

// startAndHang is the other process: it starts a server, says the process
// number of it, and waits to be killed.
func startAndHang(dir string, ephemeral bool) {
	server, err := localpg.Start(context.Background(), localpg.Options{DataDir: dir, Ephemeral: ephemeral})
	if err != nil {
		panic(err)
	}
	db, err := sql.Open("postgres", server.URL(localpg.Superuser, "postgres"))
	if err != nil {
		panic(err)
	}
	if _, err := db.Exec("CREATE TABLE kept AS SELECT 1"); err != nil { //nolint:noctx // nobody is there to cancel it
		panic(err)
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

func startInProcess(t *testing.T, dir, mode string) (*exec.Cmd, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // G204: this test binary
	cmd.Env = append(os.Environ(), envDir+"="+dir, envMode+"="+mode)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, 6)
	_, err = out.Read(line)
	require.NoError(t, err)
	require.Equal(t, "ready\n", string(line))
	return cmd, postmaster(t, dir)
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err)
	return pid
}

// zombie: the first process of a container may not collect its orphans.
func zombie(pid int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(text), ") Z ")
}
