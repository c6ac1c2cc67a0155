package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// BinariesEnv names the environment variable that points at one folder with
// initdb and postgres. When it is set, no other place is looked at.
const BinariesEnv = "GUILING_POSTGRES_BIN"

// ErrNoPostgres says that no usable PostgreSQL installation was found. Its
// text tells an administrator what to install; [InstallWithApt] does it where
// apt is there.
var ErrNoPostgres = errors.New("no PostgreSQL server found: install version 15 or newer " +
	"(Debian, Ubuntu, Kylin: apt-get install postgresql; RHEL, openEuler: dnf install postgresql-server), " +
	"or set " + BinariesEnv + " to the folder that holds initdb and postgres")

// binaries is one PostgreSQL installation.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// findBinaries lists the installations of this machine, the preferred first.
// It answers ErrNoPostgres when there is none.
func findBinaries(ctx context.Context) ([]binaries, error) {
	dirs, err := candidateDirs()
	if err != nil {
		return nil, err
	}
	var found []binaries
	for _, dir := range dirs {
		if !executable(filepath.Join(dir, "initdb")) || !executable(filepath.Join(dir, "postgres")) {
			continue
		}
		major, err := majorVersion(ctx, filepath.Join(dir, "postgres"))
		if err != nil {
			return nil, err
		}
		found = append(found, binaries{dir: dir, major: major})
	}
	if len(found) == 0 {
		return nil, ErrNoPostgres
	}
	// Stable: among equal versions the order of candidateDirs decides.
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(b.major, a.major) })
	return found, nil
}

func candidateDirs() ([]string, error) {
	if dir := os.Getenv(BinariesEnv); dir != "" {
		return []string{dir}, nil
	}
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("look for PostgreSQL in %s: %w", pattern, err)
		}
		dirs = append(dirs, matches...)
	}
	if found, err := exec.LookPath("initdb"); err == nil {
		// Distributions link initdb into /usr/bin; its siblings are where the link points.
		if real, err := filepath.EvalSymlinks(found); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs, nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func majorVersion(ctx context.Context, postgres string) (int, error) {
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", postgres, err)
	}
	match := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("ask %s for its version: cannot read %q", postgres, out)
	}
	major, err := strconv.Atoi(string(match[1]))
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", postgres, err)
	}
	return major, nil
}

// pick chooses the installation for a data folder: the newest for a new one,
// the one of the same major version for an existing one, because PostgreSQL
// does not open data of another major version.
func pick(found []binaries, dataMajor int) (binaries, error) {
	if dataMajor == 0 {
		return found[0], nil
	}
	for _, b := range found {
		if b.major == dataMajor {
			return b, nil
		}
	}
	return binaries{}, fmt.Errorf("the data was made by PostgreSQL %d and only version %d is installed: "+
		"install version %d too, or upgrade the data with pg_upgrade", dataMajor, found[0].major, dataMajor)
}
