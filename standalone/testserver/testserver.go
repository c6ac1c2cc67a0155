// Package testserver gives end-to-end tests a real Temporal server on a real
// PostgreSQL, once for each test process. A test package says once
//
//	func TestMain(m *testing.M) { testserver.Main(m) }
//
// and its tests call [Shared]. The databases of the application come from
// [testdb.New], on the same PostgreSQL.
package testserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	workflowservicepb "go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"guiling/internal/testdb"
	"guiling/standalone/temporalserver"
)

// Server is the Temporal server of a test process.
type Server struct {
	// Address is the host and port of the frontend.
	Address string
	// Namespace is there and empty at the start of the process. Tests share
	// it: workflow ids and task queues must be their own.
	Namespace string
}

type shared struct {
	start    sync.Once
	startErr error

	admin    string
	database string
	server   *temporalserver.Server
}

// process is the one server of this process: that is the point of it, for a
// start takes seconds.
var process = new(shared)

// Main runs the tests of a package and then stops the servers. Call it from
// TestMain and do nothing after it.
func Main(m *testing.M) { testdb.Main(m, process.stop) }

// Shared is the server of this process, started by the first call. Its clock
// can be moved for single workflows with [FastForward].
func Shared(t testing.TB) *Server {
	t.Helper()
	process.start.Do(func() {
		process.admin = testdb.AdminURL(t)
		process.database = "temporal_test_" + strings.ToLower(rand.Text()[:8])
		// The server serves all tests of the process, not only the first one.
		process.server, process.startErr = temporalserver.Start(context.WithoutCancel(t.Context()), temporalserver.Options{
			AdminURL: process.admin, Database: process.database, TimeSkipping: true,
			Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		})
	})
	if process.startErr != nil {
		t.Fatal("testserver:", process.startErr)
	}
	if process.server == nil {
		t.Fatal("testserver: the first test could not start the server")
	}
	return &Server{Address: process.server.Address(), Namespace: process.server.Namespace()}
}

// Dial gives t a client that is closed when t has ended.
func (s *Server) Dial(t testing.TB) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: s.Address, Namespace: s.Namespace,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatal("testserver:", err)
	}
	t.Cleanup(c.Close)
	return c
}

// FastForward moves the clock of the running workflow forward by d, with all
// timers on the way firing at their own instants, and waits until it is
// there, or until the workflow has ended on the way. A worker of the workflow
// must be running.
func FastForward(t testing.TB, c client.Client, workflowID string, d time.Duration) {
	t.Helper()
	if err := fastForward(t.Context(), c, workflowID, d); err != nil {
		t.Fatal("testserver:", err)
	}
}

func fastForward(ctx context.Context, c client.Client, workflowID string, d time.Duration) error {
	execution := &commonpb.WorkflowExecution{WorkflowId: workflowID}
	namespace := temporalserver.DefaultNamespace
	id := rand.Text()
	_, err := c.WorkflowService().UpdateWorkflowExecutionOptions(ctx, &workflowservicepb.UpdateWorkflowExecutionOptionsRequest{
		Namespace:         namespace,
		WorkflowExecution: execution,
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{TimeSkippingConfig: &commonpb.TimeSkippingConfig{
			Enabled:           true,
			FastForwardConfig: &commonpb.FastForwardConfig{Id: id, Duration: durationpb.New(d)},
		}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"time_skipping_config"}},
	})
	if err != nil {
		return fmt.Errorf("move the clock of %s: %w", workflowID, err)
	}
	for {
		polled, err := c.WorkflowService().PollWorkflowExecutionTimeSkipping(ctx, &workflowservicepb.PollWorkflowExecutionTimeSkippingRequest{
			Namespace: namespace, WorkflowExecution: execution, FastForwardId: id,
		})
		if err != nil {
			return fmt.Errorf("wait for the clock of %s: %w", workflowID, err)
		}
		switch polled.GetFastForwardPollingResult() {
		case enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED:
			return nil
		case enumspb.FAST_FORWARD_POLLING_RESULT_POLL_TIMEOUT:
		case enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_FAILED:
			described, err := c.DescribeWorkflow(ctx, workflowID, "")
			if err == nil && described.Status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
				return nil
			}
			return fmt.Errorf("move the clock of %s: %s", workflowID, polled.GetFailedReason())
		default:
			return fmt.Errorf("move the clock of %s: unexpected answer %s", workflowID, polled.GetFastForwardPollingResult())
		}
	}
}

// stop ends the server and drops its databases, for the PostgreSQL may not be ours.
func (s *shared) stop() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Stop()
	db, openErr := sql.Open("postgres", s.admin)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	ctx := context.Background() //nolint:forbidigo // the tests and their contexts have ended
	for _, name := range []string{s.database, s.database + "_visibility"} {
		_, dropErr := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)+" WITH (FORCE)")
		err = errors.Join(err, dropErr)
	}
	return errors.Join(err, db.Close())
}
