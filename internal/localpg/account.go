package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// serverUser is the operating system user that PostgreSQL runs as when we are
// root, for PostgreSQL refuses to run as root.
const serverUser = "postgres"

// account is the operating system user of the server process. The nil
// account is ourselves.
type account struct {
	credential *syscall.Credential
}

// serverAccount finds the account: ourselves, or serverUser when we are root.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // the nil account is ourselves and all its methods work
	}
	u, err := user.Lookup(serverUser)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and needs the system user %s "+
			"(useradd --system %s): %w", serverUser, serverUser, err)
	}
	uid, err := parseID(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := parseID(u.Gid)
	if err != nil {
		return nil, err
	}
	names, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("find the groups of the system user %s: %w", serverUser, err)
	}
	groups := make([]uint32, 0, len(names))
	for _, name := range names {
		group, err := parseID(name)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	return &account{credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}, nil
}

func parseID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("read the ids of the system user %s: %w", serverUser, err)
	}
	return uint32(id), nil
}

// own gives a file or folder to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(path, int(a.credential.Uid), int(a.credential.Gid)); err != nil {
		return fmt.Errorf("give %s to the system user %s: %w", path, serverUser, err)
	}
	return nil
}

// apply makes cmd run as the account, in a process group of its own so that a
// Ctrl-C in the terminal reaches us and not the database below us. The
// environment is a short fixed one: our settings hold secrets that are none
// of the database's business, and the locale must not depend on the caller.
func (a *account) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		cmd.SysProcAttr.Credential = a.credential
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}

// canEnter reports whether the account can reach dir. It tries instead of
// reading mode bits: access lists and mounts count too. The kernel changes
// the user before it changes the folder of a new process.
func (a *account) canEnter(ctx context.Context, program, dir string) (bool, error) {
	cmd := exec.CommandContext(ctx, program, "--version")
	a.apply(cmd)
	cmd.Dir = dir
	err := cmd.Run()
	if errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("try %s in %s: %w", program, dir, err)
	}
	return true, nil
}
