package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// logLimit is the size in bytes from which the log is set aside at the next
// start. One older log is kept.
const logLimit = 64 << 20

// state is the folder that holds everything this form of the product stores.
type state struct {
	dir  string // absolute
	lock *os.File
}

// openState makes the folder and takes it for this process; the kernel gives
// it back when the process ends, however it ends.
func openState(dir string) (*state, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the data folder: %w", err)
	}
	// 0711: the system user of PostgreSQL passes through to its own folder.
	if err := os.MkdirAll(abs, 0o711); err != nil { //nolint:gosec // G301: see above
		return nil, fmt.Errorf("open the data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(abs, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: the operator's folder
	if err != nil {
		return nil, fmt.Errorf("open the data folder: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("归零已在使用此目录运行 Guiling is already running with the folder %s", abs), lock.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the data folder: %w", err), lock.Close())
	}
	return &state{dir: abs, lock: lock}, nil
}

func (s *state) close() error { return s.lock.Close() }

func (s *state) path(name string) string { return filepath.Join(s.dir, name) }

// password reads the password of a database role, or makes one.
func (s *state) password(role string) (string, error) {
	dir := s.path("passwords")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("keep the passwords: %w", err)
	}
	path := filepath.Join(dir, role)
	text, err := os.ReadFile(path) //nolint:gosec // G304: the operator's folder
	if password := strings.TrimSpace(string(text)); err == nil && password != "" {
		return password, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the password of %s: %w", role, err)
	}
	password := rand.Text()
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the password of %s: %w", role, err)
	}
	return password, nil
}

// logs are where the parts of the product write to.
type logs struct {
	// product goes to the file as a whole and to the terminal from warnings on.
	product *slog.Logger
	// temporal goes to the file only: its warnings are about its inner life,
	// and what matters of them the product notices itself.
	temporal *slog.Logger
	file     *os.File
}

func (s *state) openLogs(terminal io.Writer) (logs, error) {
	path := s.path("guiling.log")
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil {
			return logs{}, fmt.Errorf("set the old log aside: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // G304: the operator's folder
	if err != nil {
		return logs{}, fmt.Errorf("open the log: %w", err)
	}
	whole := slog.NewJSONHandler(file, nil)
	warnings := slog.NewTextHandler(terminal, &slog.HandlerOptions{Level: slog.LevelWarn})
	return logs{
		product:  slog.New(slog.NewMultiHandler(whole, warnings)),
		temporal: slog.New(whole),
		file:     file,
	}, nil
}

// dropStale removes what a process that was killed has left for other shells.
func (s *state) dropStale(ctx context.Context, name string, log *slog.Logger) {
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.WarnContext(ctx, "cannot remove a file of the last run", "file", s.path(name), "error", err)
	}
}

// settingOrFile is the setting name, or the content of the file that name_FILE points at.
func settingOrFile(name string) (string, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	if path == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("both %s and %s_FILE are set", name, name)
	}
	content, err := os.ReadFile(path) //nolint:gosec // G304,G703: the path is a setting of the operator
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}
