// Command guiling-standalone is the whole product in one process: it starts a
// PostgreSQL server, a Temporal server inside itself, the workers, and serves
// pages and API. It is made for one machine, with or without a network; what
// it stores is in one folder and survives a restart.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// version is set when the program is built.
var version = "dev"

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	opts, err := parseArguments(args, stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "guiling-standalone:", err)
		return exitUsage
	}

	say := progress{out: stdout}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		say.line("正在停止，再按一次 Ctrl-C 立即退出。", "Stopping; press Ctrl-C again to leave at once.")
		cancel()
		<-signals
		// PostgreSQL goes on alone; the next start finds it and stops it first.
		os.Exit(exitInterrupted)
	}()

	if err := serve(ctx, opts, say, stderr); err != nil {
		fmt.Fprintln(stderr, "guiling-standalone:", err)
		return exitFailed
	}
	return 0
}

// options are what the command line and the environment say about this form
// of the product; the rest are the settings of the product itself.
type options struct {
	// folder holds everything that is stored.
	folder string
	demo   bool
	// live lives one case in seconds, prints it, and ends.
	live bool
	// databaseURL is a server to use instead of our own, as a login that may
	// make roles and databases. Empty: our own.
	databaseURL string
}

const usage = `usage: guiling-standalone [--demo]
       guiling-standalone demo

Starts Guiling with its own PostgreSQL and Temporal in one process.

  demo       live one case from review to archive in seconds and print it, in a
             folder of its own (var/demo)
  --demo     offer invented people at sign-in (or GUILING_DEMO=1); never for real data
  --version  print the version

Settings in the environment:
  GUILING_VAR           folder for data and log (default ./var)
  GUILING_HTTP_ADDR     where pages and API are served (default 127.0.0.1:8080)
  GUILING_DATABASE_URL  a PostgreSQL server to use instead of an own one, with
                        a login that may make roles and databases
  GUILING_POSTGRES_BIN  folder that holds initdb and postgres
`

func parseArguments(args []string, stdout, stderr io.Writer) (options, error) {
	flags := flag.NewFlagSet("guiling-standalone", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stdout, usage) }
	demo := flags.Bool("demo", false, "")
	showVersion := flags.Bool("version", false, "")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if *showVersion {
		fmt.Fprintln(stdout, version)
		return options{}, flag.ErrHelp
	}
	live := flags.NArg() == 1 && flags.Arg(0) == "demo"
	if flags.NArg() > 0 && !live {
		return options{}, fmt.Errorf("unknown argument %q; --help lists what there is", flags.Arg(0))
	}
	address, err := settingOrFile("GUILING_DATABASE_URL")
	if err != nil {
		return options{}, err
	}
	folder := os.Getenv("GUILING_VAR")
	if folder == "" {
		folder = "var"
	}
	if live {
		// Beside what make run keeps, which may be running.
		folder = filepath.Join(folder, "demo")
	}
	return options{folder: folder, demo: *demo || live, live: live, databaseURL: address}, nil
}
