package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/localpg"
)

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// running is one process that serves, in this one.
type running struct {
	cancel   context.CancelFunc
	ended    chan error
	terminal *syncBuffer
}

func startServing(t *testing.T, opts options) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := running{cancel: cancel, ended: make(chan error, 1), terminal: new(syncBuffer)}
	say := new(syncBuffer)
	go func() { r.ended <- serve(ctx, opts, progress{out: say}, r.terminal) }()
	begin := time.Now()
	require.Eventually(t, func() bool { return strings.Contains(say.String(), "is ready") || len(r.ended) > 0 },
		2*time.Minute, 20*time.Millisecond)
	if len(r.ended) > 0 {
		require.NoError(t, <-r.ended)
	}
	t.Logf("ready after %v", time.Since(begin))
	return r
}

// The life of an appliance: first start, a second process that is refused,
// stop, restart, and the death of its database.
func TestLifeOfAnAppliance(t *testing.T) {
	ports, err := localpg.FreePorts(t.Context(), 1)
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	t.Setenv("GUILING_HTTP_ADDR", address)
	t.Setenv("GUILING_DATABASE_URL", "")
	t.Setenv("GUILING_DATABASE_URL_FILE", "")
	t.Setenv("GUILING_DATA_KEY_FILE", "")
	t.Setenv("GUILING_DEMO", "")
	dir, err := os.MkdirTemp("", "guiling-standalone-") //nolint:usetesting // t.TempDir is closed to the user of PostgreSQL
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // G302: the server's user passes through
	opts := options{folder: filepath.Join(dir, "var"), demo: true}
	environment := filepath.Join(opts.folder, "guiling.env")

	first := startServing(t, opts)
	client := &http.Client{Timeout: 5 * time.Second}
	require.NoError(t, ask(t.Context(), client, "http://"+address+"/healthz"))
	text, err := os.ReadFile(environment)
	require.NoError(t, err)
	require.Contains(t, string(text), "GUILING_HTTP_ADDR="+address)
	require.Contains(t, string(text), filepath.Join(opts.folder, "data-key.json"))
	require.Contains(t, string(text), "role%3Dguiling_app")
	require.ErrorContains(t, serve(t.Context(), opts, progress{out: new(syncBuffer)}, first.terminal), "already running")
	first.cancel()
	require.NoError(t, <-first.ended)
	require.NoFileExists(t, environment)
	require.Empty(t, first.terminal.String(), "nothing to warn of")

	second := startServing(t, opts)
	second.cancel()
	require.NoError(t, <-second.ended)

	third := startServing(t, opts)
	pidFile, err := os.ReadFile(filepath.Join(opts.folder, "postgres", "data", "postmaster.pid"))
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(pidFile), "\n")
	pid, err := strconv.Atoi(line)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.ErrorContains(t, <-third.ended, "PostgreSQL ended")
}

// Ended while it starts, it leaves no error and no database running.
func TestStoppedWhileStarting(t *testing.T) {
	ports, err := localpg.FreePorts(t.Context(), 1)
	require.NoError(t, err)
	t.Setenv("GUILING_HTTP_ADDR", fmt.Sprintf("127.0.0.1:%d", ports[0]))
	t.Setenv("GUILING_DATABASE_URL", "")
	dir, err := os.MkdirTemp("", "guiling-standalone-") //nolint:usetesting // t.TempDir is closed to the user of PostgreSQL
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // G302: the server's user passes through

	ctx, cancel := context.WithCancel(t.Context())
	say := new(syncBuffer)
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, options{folder: filepath.Join(dir, "var")}, progress{out: say}, new(syncBuffer))
	}()
	require.Eventually(t, func() bool { return strings.Contains(say.String(), "Starting Temporal") }, time.Minute, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	require.NoFileExists(t, filepath.Join(dir, "var", "postgres", "data", "postmaster.pid"))
}

func TestTakenAddress(t *testing.T) {
	t.Setenv("GUILING_DATABASE_URL", "")
	t.Setenv("GUILING_HTTP_ADDR", "192.0.2.1:80") // of no machine
	err := serve(t.Context(), options{folder: t.TempDir()}, progress{out: new(syncBuffer)}, new(syncBuffer))
	require.ErrorContains(t, err, "GUILING_HTTP_ADDR")
}

func TestPageAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":8080": "http://127.0.0.1:8080", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:81": "http://127.0.0.1:81",
		"10.0.0.1:8080": "http://10.0.0.1:8080", "localhost:1": "http://localhost:1",
	} {
		require.Equal(t, want, pageAddress(address), address)
	}
}

func TestArguments(t *testing.T) {
	t.Setenv("GUILING_VAR", "/data")
	t.Setenv("GUILING_DATABASE_URL", "")
	secret := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(secret, []byte("postgres://x@y/z?sslmode=disable\n"), 0o600))
	t.Setenv("GUILING_DATABASE_URL_FILE", secret)
	var out syncBuffer
	opts, err := parseArguments([]string{"--demo"}, &out, &out)
	require.NoError(t, err)
	require.Equal(t, options{folder: "/data", demo: true, databaseURL: "postgres://x@y/z?sslmode=disable"}, opts)

	require.Equal(t, exitUsage, run([]string{"nonsense"}, &out, &out))
	require.Zero(t, run([]string{"--version"}, &out, &out))
	require.Contains(t, out.String(), version)
}

func TestDatabaseURLNeedsItsSSLMode(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"postgres://u:secret@h/d", "postgres://u:secret@h:x/d?sslmode=disable", "host=h password=secret"} {
		_, err := openDatabase(t.Context(), options{databaseURL: address}, nil, progress{}, nil)
		require.ErrorContains(t, err, "sslmode")
		require.NotContains(t, err.Error(), "secret")
	}
}
