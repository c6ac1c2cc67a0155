// Package temporalserver runs a Temporal server inside this process: its four
// services on loopback ports, its data in two databases of a PostgreSQL
// server. Its settings are those of one node: one task queue partition, four
// history shards, six visibility indexes. Nobody signs in to it, so it
// listens on 127.0.0.1 only; it calls nobody outside.
package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowservicepb "go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"guiling/internal/localpg"
)

const (
	// DefaultDatabase is the name of the main database when none is given.
	DefaultDatabase = "temporal"
	// DefaultNamespace is the namespace of the product.
	DefaultNamespace = "guiling"
	// DefaultRetention is how long the history of an ended workflow stays.
	DefaultRetention = 30 * 24 * time.Hour

	loopback = "127.0.0.1"
	// readyLimit is how long the frontend may take to answer after its start.
	readyLimit = time.Minute
	readyEvery = 50 * time.Millisecond
)

// Options says how to start a server.
type Options struct {
	// AdminURL connects to the PostgreSQL server as a login that may make
	// databases. Its sslmode must be given.
	AdminURL string
	// User and Password, when set, are the login role that the server works
	// as; it is made when missing. Without them it works as that of AdminURL.
	User     string
	Password string
	// Database is the name of the main database, DefaultDatabase when empty.
	// The visibility database has the same name with “_visibility” after it.
	Database string
	// Port of the frontend on 127.0.0.1, 0 for any free one below 32768.
	Port int
	// Namespace is registered when it is absent, DefaultNamespace when empty.
	Namespace string
	// Retention of the namespace when it is registered, DefaultRetention when 0.
	Retention time.Duration
	// TimeSkipping lets clients move the clock of single workflows forward,
	// for demonstrations and tests.
	TimeSkipping bool
	// Log gets the server's warnings and errors. nil discards them.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Database == "" {
		o.Database = DefaultDatabase
	}
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Server is a running Temporal server.
type Server struct {
	internal  temporal.Server
	log       logger
	ports     ports
	namespace string

	stop    sync.Once
	stopErr error
}

// Start makes or upgrades the databases, starts the server, registers the
// namespace, and returns when the server answers requests for it. ctx bounds
// the start only; the server runs until [Server.Stop].
func Start(ctx context.Context, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	db, err := prepareDatabases(ctx, opts)
	if err != nil {
		return nil, err
	}
	log := newLogger(opts.Log)
	internal, chosen, err := setUp(ctx, opts, db, log)
	if err != nil {
		return nil, err
	}
	s := &Server{internal: internal, log: log, ports: chosen, namespace: opts.Namespace}
	if err := internal.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the Temporal server: %w", err), s.Stop())
	}
	if err := s.ensureNamespace(ctx, opts); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	opts.Log.InfoContext(ctx, "Temporal is ready", "address", s.Address(), "namespace", s.namespace)
	return s, nil
}

// setUpAttempts is how often other ports are tried when one was taken between
// being found free and being listened on.
const setUpAttempts = 3

func setUp(ctx context.Context, opts Options, db databases, log logger) (temporal.Server, ports, error) {
	var failed error
	for range setUpAttempts {
		chosen, err := choosePorts(ctx, opts.Port)
		if err != nil {
			return nil, ports{}, err
		}
		internal, err := newServer(serverOptions(opts.TimeSkipping, db, chosen, log))
		if err == nil {
			return internal, chosen, nil
		}
		failed = errors.Join(failed, err)
		opts.Port = 0
	}
	return nil, ports{}, fmt.Errorf("set up the Temporal server: %w", failed)
}

// newServer turns the panic with which the server meets a port that is taken
// into an error.
func newServer(options []temporal.ServerOption) (internal temporal.Server, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%v", reason)
		}
	}()
	return temporal.NewServer(options...)
}

// Address is the host and port of the frontend.
func (s *Server) Address() string { return address(s.ports.frontend) }

// Namespace is the namespace that Start made sure of.
func (s *Server) Namespace() string { return s.namespace }

// Stop ends all services and waits for them. More calls answer the same.
// Stop clients and workers first, for they would report errors.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		s.log.stopping.Store(true)
		if err := s.internal.Stop(); err != nil {
			s.stopErr = fmt.Errorf("stop the Temporal server: %w", err)
		}
	})
	return s.stopErr
}

// ports are the gRPC ports of the services. There are no others: the services
// find each other by a fixed list, and no metrics, HTTP or profiling port is open.
type ports struct {
	frontend, history, matching, worker int
}

func choosePorts(ctx context.Context, frontend int) (ports, error) {
	free, err := localpg.FreePorts(ctx, 4)
	if err != nil {
		return ports{}, err
	}
	chosen := ports{frontend: free[0], history: free[1], matching: free[2], worker: free[3]}
	if frontend == 0 {
		return chosen, nil
	}
	// The server itself ends the process when it cannot have its port.
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", address(frontend))
	if err != nil {
		return ports{}, fmt.Errorf("the port %d asked for Temporal is taken: %w", frontend, err)
	}
	if err := listener.Close(); err != nil {
		return ports{}, fmt.Errorf("try the port %d: %w", frontend, err)
	}
	chosen.frontend = frontend
	return chosen, nil
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// ensureNamespace registers the namespace when it is absent, and waits until
// workflows can be started in it.
func (s *Server) ensureNamespace(ctx context.Context, opts Options) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	c, err := client.NewLazyClient(client.Options{
		HostPort:  s.Address(),
		Namespace: opts.Namespace,
		Logger:    sdklog.NewStructuredLogger(opts.Log),
	})
	if err != nil {
		return fmt.Errorf("connect to the Temporal server: %w", err)
	}
	defer c.Close()

	// Asking for the namespace before it is registered would make the server
	// remember for a while that there is none. So register without asking.
	err = retry(ctx, func() error {
		_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservicepb.RegisterNamespaceRequest{
			Namespace:                        opts.Namespace,
			Description:                      "Guiling",
			WorkflowExecutionRetentionPeriod: durationpb.New(opts.Retention),
		})
		if _, present := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); present {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("register the Temporal namespace %s: %w", opts.Namespace, err)
	}
	err = retry(ctx, func() error {
		_, err := c.WorkflowService().ListTaskQueuePartitions(ctx, &workflowservicepb.ListTaskQueuePartitionsRequest{
			Namespace: opts.Namespace,
			TaskQueue: &taskqueuepb.TaskQueue{Name: "ready", Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for the Temporal namespace %s: %w", opts.Namespace, err)
	}
	return nil
}

// retry calls do until it answers no error or ctx has ended.
func retry(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		if pauseErr := pause(ctx, readyEvery); pauseErr != nil {
			return errors.Join(pauseErr, err)
		}
	}
}

// pause waits for d. It answers an error when ctx ended before or meanwhile.
func pause(ctx context.Context, d time.Duration) error {
	timed, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timed.Done()
	return ctx.Err()
}
