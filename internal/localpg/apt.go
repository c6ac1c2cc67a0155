package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
)

// clusterDropIn keeps Debian from making and starting a cluster of its own
// when the package is installed.
const clusterDropIn = "/etc/postgresql-common/createcluster.d/guiling.conf"

// CanInstallWithApt reports whether [InstallWithApt] has a chance here.
func CanInstallWithApt() bool {
	if os.Geteuid() != 0 {
		return false
	}
	_, err := exec.LookPath("apt-get")
	return err == nil
}

// InstallWithApt installs PostgreSQL from the distribution's archive. It asks
// nothing, makes no database cluster and starts no service. It needs root and
// takes a minute or two; log says what happens.
func InstallWithApt(ctx context.Context, log *slog.Logger) (err error) {
	if err := os.MkdirAll(filepath.Dir(clusterDropIn), 0o755); err != nil { //nolint:gosec // G301: a folder of /etc, as its package makes it
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	if err := os.WriteFile(clusterDropIn, []byte("create_main_cluster = false\n"), 0o600); err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	// The file is for this one installation; the administrator's later ones behave as usual.
	defer func() {
		if rmErr := os.Remove(clusterDropIn); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}()

	log.InfoContext(ctx, "reading the package lists", "command", "apt-get update")
	if err := aptGet(ctx, "update"); err != nil {
		return err
	}
	log.InfoContext(ctx, "installing PostgreSQL", "command", "apt-get install postgresql")
	return aptGet(ctx, "install", "--yes", "--no-install-recommends", "postgresql")
}

func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"--quiet"}, args...)...) //nolint:gosec // G204: constant arguments of InstallWithApt
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}
