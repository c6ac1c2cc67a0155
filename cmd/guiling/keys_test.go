package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// guiling runs a command line and gives what it printed.
func guiling(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	var command cli
	parser, err := kong.New(&command, kong.Name("guiling"))
	require.NoError(t, err)
	parsed, err := parser.Parse(arguments)
	require.NoError(t, err)
	out, err := os.CreateTemp(t.TempDir(), "out")
	require.NoError(t, err)
	stdout := os.Stdout
	os.Stdout = out
	err = parsed.Run(run{ctx: t.Context(), log: slog.New(slog.DiscardHandler)})
	os.Stdout = stdout
	require.NoError(t, out.Close())
	printed, readErr := os.ReadFile(out.Name())
	require.NoError(t, readErr)
	return string(printed), err
}

// TestKeysOnTheCommandLine lives through a rotation as an operator would. It sets
// the environment and the standard output, and so runs alone.
func TestKeysOnTheCommandLine(t *testing.T) {
	db := testdb.New(t)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	t.Setenv("GUILING_DATABASE_URL", db.AppURL)
	t.Setenv("GUILING_DATA_KEY_FILE", filepath.Join(t.TempDir(), "key.json"))
	t.Setenv("GUILING_RETENTION", "6")
	_, err := guiling(t, "import", "--codebook", "platform", filepath.Join("..", "..", "samples", "platform-2026-11.csv"))
	require.NoError(t, err)

	before, err := guiling(t, "keys", "list")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(before, "\n"), before)
	require.Contains(t, before, "primary")
	old := strings.Fields(strings.Split(before, "\n")[1])[0]

	t.Setenv("GUILING_CIPHER", "sm4")
	told, err := guiling(t, "keys", "rotate")
	require.NoError(t, err)
	require.Contains(t, told, "(SM4-GCM) seals and wraps everything new")
	require.Contains(t, told, "200 data keys wrapped anew")
	require.Contains(t, told, " 0 left")
	after, err := guiling(t, "keys", "list")
	require.NoError(t, err)
	require.Contains(t, after, "SM4-GCM")
	require.Regexp(t, old+` +AES256-GCM .* reads only +0`, after)
	told, err = guiling(t, "keys", "rotate", "--rewrap-only")
	require.NoError(t, err)
	require.Contains(t, told, "done: 0 rows brought over, 0 data keys wrapped anew")

	_, err = guiling(t, "keys", "destroy", old)
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "key_in_use", domain.Reason, "cases began under it")

	told, err = guiling(t, "keys", "shred", "--dry-run")
	require.NoError(t, err)
	require.Contains(t, told, "the data of 0 reviewers and 0 rows in quarantine would be destroyed")

	settings, err := app.LoadSettings()
	require.NoError(t, err)
	st, err := app.OpenStore(t.Context(), settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	cases, err := st.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: 200})
	require.NoError(t, err)
	user, err := st.UserByName(t.Context(), "zhanhe.shichang.ren")
	require.NoError(t, err)
	for _, c := range cases {
		if !c.Revealable {
			continue
		}
		revealed, err := st.RevealReviewer(t.Context(), store.Reveal{
			Number: c.Number, Purpose: "回访", At: time.Now(), By: casework.By{UserID: user.ID, OrganisationID: user.Actor.OrganisationID, Rule: "r"},
		})
		require.NoError(t, err)
		require.Regexp(t, `^120[0-9]{8}$`, revealed.Reviewer.Phone)
		break
	}
}

func TestWhatIsSaidOfKeys(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, casework.China())
	var out bytes.Buffer
	require.NoError(t, tellKeys(&out, []store.KeyState{
		{ID: 7, Algorithm: "SM4-GCM", Primary: true, InFile: true, FirstUsed: at, Wraps: 3},
		{ID: 6, Algorithm: "AES256-GCM", FirstUsed: at, RetiredAt: &at, DestroyedAt: &at},
		{ID: 5, Algorithm: "AES256-GCM", FirstUsed: at, RetiredAt: &at},
	}))
	for _, line := range []string{"7    SM4-GCM     2026-12-01 09:00  primary", "6    AES256-GCM  2026-12-01 09:00  destroyed", "not in the key file"} {
		require.Contains(t, out.String(), line)
	}
}
