package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	orphanPolite = 30 * time.Second
	orphanHard   = 60 * time.Second
	pollEvery    = 50 * time.Millisecond
)

// stopOrphan ends a server that still runs on our data although the process
// that started it is gone. The caller holds the folder's lock, so that the
// starter cannot be alive. A process is only signalled when it is a postgres
// whose working folder is our data: a number in postmaster.pid proves nothing
// after a reboot.
func (f folder) stopOrphan(ctx context.Context, log *slog.Logger) error {
	pids, err := postgresIn(f.data())
	if err != nil {
		return err
	}
	recorded := f.recordedPID()
	if len(pids) == 0 {
		return f.dropReusedPID(recorded)
	}
	log.WarnContext(ctx, "a PostgreSQL of an earlier run still works on the data; stopping it", "folder", f.dir, "pids", pids)

	if slices.Contains(pids, recorded) {
		err = signal(recorded, syscall.SIGINT) // fast shutdown, the postmaster ends its children
	} else {
		// The postmaster itself was killed and these are its children.
		err = signalAll(pids, syscall.SIGTERM)
	}
	if err != nil {
		return err
	}
	if gone, err := f.waitGone(ctx, orphanPolite); gone || err != nil {
		return err
	}
	if pids, err = postgresIn(f.data()); err != nil {
		return err
	}
	if err := signalAll(pids, syscall.SIGQUIT); err != nil {
		return err
	}
	gone, err := f.waitGone(ctx, orphanHard)
	if err != nil {
		return err
	}
	if !gone {
		return fmt.Errorf("stop the PostgreSQL of an earlier run on %s: processes %v do not end", f.dir, pids)
	}
	return nil
}

func (f folder) waitGone(ctx context.Context, limit time.Duration) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		pids, err := postgresIn(f.data())
		if err != nil || len(pids) == 0 {
			return err == nil, err
		}
		if pause(limited, pollEvery) != nil {
			return false, ctx.Err() // nil when only our own limit has passed
		}
	}
}

func (f folder) pidFile() string { return filepath.Join(f.data(), "postmaster.pid") }

// recordedPID is the process of postmaster.pid, 0 when there is none.
func (f folder) recordedPID() int {
	text, err := os.ReadFile(f.pidFile())
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 0
	}
	return pid
}

// dropReusedPID removes a stale postmaster.pid whose number another process
// has got since, for PostgreSQL would refuse to start then. Every other stale
// file is left to PostgreSQL, which knows more about it than we.
func (f folder) dropReusedPID(pid int) error {
	if pid <= 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil
	}
	if err := os.Remove(f.pidFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a stale postmaster.pid: %w", err)
	}
	return nil
}

// postgresIn lists the postgres processes whose working folder is data. Each
// process of a server changes into its data folder when it starts.
func postgresIn(data string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// Unreadable: the process ended meanwhile, or belongs to somebody else and so cannot be ours.
		cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		if err != nil || cwd != data {
			continue
		}
		exe, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe"))
		// After an upgrade the name reads “postgres (deleted)”.
		if err != nil || !strings.HasPrefix(filepath.Base(exe), "postgres") {
			continue
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

func signalAll(pids []int, sig syscall.Signal) error {
	var errs []error
	for _, pid := range pids {
		errs = append(errs, signal(pid, sig))
	}
	return errors.Join(errs...)
}

func signal(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to the PostgreSQL process %d: %w", sig, pid, err)
	}
	return nil
}

// pause waits for d. It answers an error when ctx ended before or meanwhile.
func pause(ctx context.Context, d time.Duration) error {
	timed, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timed.Done()
	return ctx.Err()
}
