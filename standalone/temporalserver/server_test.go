package temporalserver_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowservicepb "go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"guiling/internal/localpg"
	"guiling/standalone/temporalserver"
	"guiling/standalone/testserver"
)

const (
	queue = "sleepers"
	// awkward is full of letters that mean something in a URL.
	awkward = "p/ss w#rd+%40"
)

// postgres starts one for a test.
func postgres(t *testing.T) *localpg.Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "guiling-temporal-") //nolint:usetesting // t.TempDir is closed to the user of PostgreSQL
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // G302: the server's user passes through
	pg, err := localpg.Start(t.Context(), localpg.Options{DataDir: filepath.Join(dir, "postgres"), Ephemeral: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, pg.Stop())
		require.NoError(t, os.RemoveAll(dir))
	})
	return pg
}

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

func start(t *testing.T, pg *localpg.Server, log *slog.Logger) *temporalserver.Server {
	t.Helper()
	begin := time.Now()
	server, err := temporalserver.Start(t.Context(), temporalserver.Options{
		AdminURL: pg.URL(localpg.Superuser, "postgres"), TimeSkipping: true, Log: log,
		User: "guiling_temporal", Password: awkward,
	})
	require.NoError(t, err)
	t.Logf("started in %v", time.Since(begin))
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

func stop(t *testing.T, server *temporalserver.Server) {
	t.Helper()
	begin := time.Now()
	require.NoError(t, server.Stop())
	t.Logf("stopped in %v", time.Since(begin))
}

func dial(t *testing.T, server *temporalserver.Server) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: server.Address(), Namespace: server.Namespace(),
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	return c
}

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func indexes(t *testing.T, db *sql.DB) []string {
	t.Helper()
	const query = `SELECT array_agg(indexname::text ORDER BY indexname) FROM pg_indexes WHERE tablename = 'executions_visibility'`
	var names []string
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(pq.Array(&names)))
	return names
}

// sleeper ends after a while, or at once when it is told.
func sleeper(ctx workflow.Context, d time.Duration) (time.Duration, error) {
	begin := workflow.Now(ctx)
	told := workflow.GetSignalChannel(ctx, "wake")
	_, _ = told.ReceiveWithTimeout(ctx, d, nil)
	return workflow.Now(ctx).Sub(begin), nil
}

func work(t *testing.T, c client.Client) worker.Worker {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(sleeper, workflow.RegisterOptions{Name: "sleeper"})
	require.NoError(t, w.Start())
	return w
}

var kept = []string{
	"by_status", "by_task_queue", "by_temporal_change_version", "by_workflow_id", "default_idx", "executions_visibility_pkey",
}

// The life of one installation: a first start, work, a restart, an upgrade of
// the schema. In one test, for a start is a matter of seconds.
func TestLifeOfAnInstallation(t *testing.T) {
	t.Parallel()
	pg := postgres(t)
	log := new(syncBuffer)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))

	first := start(t, pg, logger)
	require.Equal(t, "guiling", first.Namespace())
	_, port, err := net.SplitHostPort(first.Address())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	require.Less(t, number, 32768)
	for _, n := range listening(t) {
		require.Less(t, n.Port, 32768)
		require.True(t, n.IP.IsLoopback(), "listens on %s", n)
	}

	visibility := open(t, pg.URL(localpg.Superuser, "temporal_visibility"))
	require.Equal(t, kept, indexes(t, visibility))
	var owner string
	require.NoError(t, visibility.QueryRowContext(t.Context(),
		"SELECT tableowner FROM pg_tables WHERE tablename = 'executions_visibility'").Scan(&owner))
	require.Equal(t, "guiling_temporal", owner)

	c := dial(t, first)
	described, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservicepb.DescribeNamespaceRequest{Namespace: "guiling"})
	require.NoError(t, err)
	require.Equal(t, 30*24*time.Hour, described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())

	w := work(t, c)
	begin := time.Now()
	long, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "long", TaskQueue: queue}, "sleeper", 90*24*time.Hour)
	require.NoError(t, err)
	t.Logf("first workflow started in %v", time.Since(begin))
	partitions, err := c.WorkflowService().ListTaskQueuePartitions(t.Context(), &workflowservicepb.ListTaskQueuePartitionsRequest{
		Namespace: "guiling", TaskQueue: &taskqueuepb.TaskQueue{Name: queue, Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
	})
	require.NoError(t, err)
	require.Len(t, partitions.GetWorkflowTaskQueuePartitions(), 1)
	w.Stop()
	c.Close()
	stop(t, first)
	stop(t, first)

	// An older schema: the restored indexes are all there again and then go.
	_, err = visibility.ExecContext(t.Context(), "UPDATE schema_version SET curr_version = '1.13'")
	require.NoError(t, err)
	second := start(t, pg, logger)
	require.Equal(t, kept, indexes(t, visibility))
	var version string
	require.NoError(t, visibility.QueryRowContext(t.Context(), "SELECT curr_version FROM schema_version").Scan(&version))
	require.Equal(t, "1.14", version)

	c = dial(t, second)
	w = work(t, c)
	require.NoError(t, c.SignalWorkflow(t.Context(), "long", long.GetRunID(), "wake", nil))
	var slept time.Duration
	require.NoError(t, c.GetWorkflow(t.Context(), "long", long.GetRunID()).Get(t.Context(), &slept))
	require.Less(t, slept, time.Hour)
	w.Stop()
	c.Close()
	stop(t, second)
	require.LessOrEqual(t, strings.Count(log.String(), "\n"), 5, "a quiet log: %s", log)
}

// Two sleeps of one workflow, forwarded over the first and into the second.
func TestFastForward(t *testing.T) {
	t.Parallel()
	server := testserver.Shared(t)
	c := server.Dial(t)
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(twoSleeps, workflow.RegisterOptions{Name: "two-sleeps"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "forwarded", TaskQueue: queue}, "two-sleeps")
	require.NoError(t, err)
	begin := time.Now()
	testserver.FastForward(t, c, "forwarded", 11*24*time.Hour)
	require.Less(t, time.Since(begin), 30*time.Second)
	t.Logf("11 days took %v", time.Since(begin))

	value, err := c.QueryWorkflow(t.Context(), "forwarded", "", "slept")
	require.NoError(t, err)
	var slept []time.Duration
	require.NoError(t, value.Get(&slept))
	require.Len(t, slept, 1, "the second sleep has not ended")
	require.InDelta(t, 10*24*time.Hour, slept[0], float64(time.Minute))

	testserver.FastForward(t, c, "forwarded", 10*24*time.Hour)
	require.NoError(t, run.Get(t.Context(), &slept))
	require.InDelta(t, 20*24*time.Hour, slept[1], float64(time.Minute))

	history := c.GetWorkflowHistory(t.Context(), "forwarded", "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var skipped bool
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		skipped = skipped || event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED
	}
	require.True(t, skipped)
}

func twoSleeps(ctx workflow.Context) ([]time.Duration, error) {
	begin := workflow.Now(ctx)
	var slept []time.Duration
	err := workflow.SetQueryHandler(ctx, "slept", func() ([]time.Duration, error) { return slept, nil })
	if err != nil {
		return nil, err
	}
	for range 2 {
		if err := workflow.Sleep(ctx, 10*24*time.Hour); err != nil {
			return nil, err
		}
		slept = append(slept, workflow.Now(ctx).Sub(begin))
	}
	return slept, nil
}

// listening lists the TCP sockets that this process listens on.
func listening(t *testing.T) []net.TCPAddr {
	t.Helper()
	mine := map[string]bool{}
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, fd := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			mine[target] = true
		}
	}
	var found []net.TCPAddr
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		require.NoError(t, err)
		for line := range bytes.Lines(text) {
			fields := bytes.Fields(line)
			const listen = "0A"
			if len(fields) < 10 || string(fields[3]) != listen || !mine["socket:["+string(fields[9])+"]"] {
				continue
			}
			found = append(found, hexAddress(t, string(fields[1])))
		}
	}
	require.NotEmpty(t, found)
	return found
}

// hexAddress reads an address of /proc/net/tcp: words of four bytes, the last
// byte first as on most machines, and the port.
func hexAddress(t *testing.T, text string) net.TCPAddr {
	t.Helper()
	host, port, ok := bytes.Cut([]byte(text), []byte(":"))
	require.True(t, ok)
	number, err := strconv.ParseUint(string(port), 16, 16)
	require.NoError(t, err)
	ip, err := hex.DecodeString(string(host))
	require.NoError(t, err)
	for word := range slices.Chunk(ip, 4) {
		slices.Reverse(word)
	}
	return net.TCPAddr{IP: ip, Port: int(number)}
}

func TestMain(m *testing.M) { testserver.Main(m) }
