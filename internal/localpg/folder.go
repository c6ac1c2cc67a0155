package localpg

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// sharedRoot holds the data that cannot stay where it was asked for.
const sharedRoot = "/var/lib/guiling"

// The files of a folder. Only data belongs to the account of the server.
const (
	dataName     = "data"
	passwordName = "superuser-password"
	portName     = "port"
	logName      = "postgres.log"
	lockName     = "lock"
)

// logLimit is the size in bytes from which the server's log is set aside at
// the next start. One older log is kept.
const logLimit = 16 << 20

// folder is a prepared place for one server.
type folder struct {
	dir     string // absolute, without symbolic links
	account *account
}

func (f folder) data() string     { return filepath.Join(f.dir, dataName) }
func (f folder) log() string      { return filepath.Join(f.dir, logName) }
func (f folder) password() string { return filepath.Join(f.dir, passwordName) }
func (f folder) port() string     { return filepath.Join(f.dir, portName) }

// prepareFolder makes asked usable for the account and answers where it
// really is. Where the account cannot get at it (a checkout below /root), the
// folder moves to sharedRoot and a symbolic link stays.
func prepareFolder(ctx context.Context, asked string, acc *account, program string, log *slog.Logger) (folder, error) {
	abs, err := filepath.Abs(asked)
	if err != nil {
		return folder{}, fmt.Errorf("prepare the database folder: %w", err)
	}
	if err := dropOwnDanglingLink(abs); err != nil {
		return folder{}, err
	}
	// 0711: the server's account passes through, and reads nothing of ours.
	if err := os.MkdirAll(abs, 0o711); err != nil { //nolint:gosec // G301: see above
		return folder{}, fmt.Errorf("prepare the database folder: %w", err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return folder{}, fmt.Errorf("prepare the database folder: %w", err)
	}
	if acc == nil {
		return folder{dir: real}, nil
	}
	if err := os.Chmod(real, 0o711); err != nil { //nolint:gosec // G302: see above
		return folder{}, fmt.Errorf("prepare the database folder: %w", err)
	}
	ok, err := acc.canEnter(ctx, program, real)
	if err != nil {
		return folder{}, err
	}
	if !ok {
		if real, err = relocate(ctx, real, log); err != nil {
			return folder{}, err
		}
		if ok, err = acc.canEnter(ctx, program, real); err != nil {
			return folder{}, err
		}
		if !ok {
			return folder{}, fmt.Errorf("the system user %s can reach neither %s nor %s", serverUser, abs, real)
		}
	}
	return folder{dir: real, account: acc}, nil
}

// dropOwnDanglingLink removes a link that relocate once made when the data it
// pointed at was deleted. A link that somebody else made is never removed:
// its disk may only not be mounted.
func dropOwnDanglingLink(abs string) error {
	target, err := os.Readlink(abs)
	if err != nil {
		return nil //nolint:nilerr // not a link or not there: nothing to do
	}
	if _, err := os.Stat(abs); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if filepath.Dir(target) != sharedRoot {
		return fmt.Errorf("the database folder %s is a link to %s, which is not there", abs, target)
	}
	if err := os.Remove(abs); err != nil {
		return fmt.Errorf("remove the link to deleted data: %w", err)
	}
	return nil
}

// relocate moves dir below sharedRoot, leaves a link and answers the new
// place. It never takes over a folder that is already there: that one belongs
// to an earlier checkout whose keys are not ours.
func relocate(ctx context.Context, dir string, log *slog.Logger) (string, error) {
	if err := os.MkdirAll(sharedRoot, 0o711); err != nil { //nolint:gosec // G301: the server's account passes through
		return "", fmt.Errorf("move the database folder: %w", err)
	}
	sum := sha256.Sum256([]byte(dir))
	base := filepath.Join(sharedRoot, hex.EncodeToString(sum[:4]))
	target := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
			break
		}
		target = fmt.Sprintf("%s-%d", base, n)
	}
	err := os.Rename(dir, target)
	if errors.Is(err, syscall.EXDEV) {
		// Another disk. Remove works on an empty folder only, so data is never lost here.
		if err = os.Remove(dir); err == nil {
			err = os.Mkdir(target, 0o711) //nolint:gosec // G301: the server's account passes through
		}
	}
	if err != nil {
		return "", fmt.Errorf("move the database folder %s to %s, because the system user %s cannot reach it: %w",
			dir, target, serverUser, err)
	}
	if err := os.Symlink(target, dir); err != nil {
		return "", fmt.Errorf("link the moved database folder: %w", err)
	}
	log.InfoContext(ctx, "database folder moved, because the system user of PostgreSQL cannot reach it; a link was left",
		"asked", dir, "folder", target, "system_user", serverUser)
	return target, nil
}

// lock takes the folder for this process; the kernel gives it back when the
// process ends, however it ends.
func (f folder) lock() (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(f.dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the database folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the database folder %s: %w: %w", f.dir, ErrInUse, err), file.Close())
	}
	return file, nil
}

// dataMajor is the PostgreSQL version that made the data, 0 for none yet.
func (f folder) dataMajor() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the data: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the version of the data: %w", err)
	}
	return major, nil
}

// initialise makes the data with initdb. It works in a folder beside and
// renames it at the end, so that a half-made one is never taken for data.
func (f folder) initialise(ctx context.Context, bin binaries, ephemeral bool) error {
	fresh := filepath.Join(f.dir, dataName+".new")
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := f.account.own(fresh); err != nil {
		return err
	}
	password := rand.Text()
	if err := os.WriteFile(f.password(), []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	// initdb reads the password as the server's account, which must not read ours.
	pwfile := filepath.Join(f.dir, passwordName+".new")
	if err := os.WriteFile(pwfile, []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	defer os.Remove(pwfile)
	if err := f.account.own(pwfile); err != nil {
		return err
	}

	args := []string{
		"--pgdata=" + fresh, "--username=" + Superuser, "--pwfile=" + pwfile, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
	}
	if ephemeral {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, bin.path("initdb"), args...) //nolint:gosec // G204: a binary that findBinaries looked up
	f.account.apply(cmd)
	cmd.Dir = f.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the database with %s: %w\n%s", cmd.Path, err, out)
	}
	if err := os.Rename(fresh, f.data()); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

func (f folder) readPassword() (string, error) {
	text, err := os.ReadFile(f.password())
	if err != nil {
		return "", fmt.Errorf("read the password of the database's superuser: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// rememberedPort is the port of the last start, 0 when there is none.
func (f folder) rememberedPort() int {
	text, err := os.ReadFile(f.port())
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || port <= 0 || port > maxPort {
		return 0
	}
	return port
}

func (f folder) rememberPort(port int) error {
	if err := os.WriteFile(f.port(), []byte(strconv.Itoa(port)+"\n"), 0o600); err != nil {
		return fmt.Errorf("remember the database port: %w", err)
	}
	return nil
}

// openLog opens the server's log for appending.
func (f folder) openLog() (*os.File, error) {
	if info, err := os.Stat(f.log()); err == nil && info.Size() > logLimit {
		if err := os.Rename(f.log(), f.log()+".1"); err != nil {
			return nil, fmt.Errorf("set the old database log aside: %w", err)
		}
	}
	file, err := os.OpenFile(f.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database log: %w", err)
	}
	return file, nil
}

// logTail is the end of the server's log from offset on, for an error message.
func (f folder) logTail(offset int64) string {
	const enough = 2000
	text, err := os.ReadFile(f.log())
	if err != nil || offset > int64(len(text)) {
		return ""
	}
	text = text[offset:]
	if len(text) > enough {
		text = text[len(text)-enough:]
	}
	return strings.TrimSpace(string(text))
}
