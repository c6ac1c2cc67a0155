package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/policies"
)

// TestPeopleAndRulesOnTheCommandLine does what an operator does on the server: the
// first administrators, organisations and people from tables, links, roles, and the
// rules in force. It sets the environment and the standard output, and so runs alone.
func TestPeopleAndRulesOnTheCommandLine(t *testing.T) {
	db := testdb.New(t)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	t.Setenv("GUILING_DATABASE_URL", db.AppURL)
	t.Setenv("GUILING_DATA_KEY_FILE", filepath.Join(t.TempDir(), "key.json"))
	samples := filepath.Join("..", "..", "samples")
	does := func(arguments ...string) string {
		t.Helper()
		told, err := guiling(t, arguments...)
		require.NoError(t, err, arguments)
		return told
	}
	refuses := func(reason string, arguments ...string) {
		t.Helper()
		_, err := guiling(t, arguments...)
		require.ErrorContains(t, err, reason, arguments)
	}

	require.Contains(t, does("user", "import", "--dry-run", filepath.Join(samples, "people-2026-11.csv")), "nothing was imported")
	refuses("user_not_found", "user", "roles", "--user", "zhanhe.ziran.qu", "--role", "handler")
	require.Equal(t, 2, strings.Count(does("user", "import", filepath.Join(samples, "people-2026-11.csv")), "created"))
	require.Contains(t, does("user", "roles", "--user", "zhanhe.ziran.qu", "--role", "handler"), "roles [handler]")
	refuses("role_of_an_authority", "user", "roles", "--user", "zhanhe.ziran.qu", "--role", "supervisor")
	require.Regexp(t, `^/welcome/guiling-link_[\w-]{43}\n$`, does("user", "reset", "--user", "zhanhe.ziran.qu"))
	refuses("invented_person", "user", "reset", "--user", "zhanhe.ziran.chen")
	does("user", "link", "--user", "zhanhe.ziran.qu", "--issuer", "https://id.example", "--subject", "u1")
	refuses("identity_linked", "user", "link", "--user", "zhanhe.yibao.yin", "--issuer", "https://id.example", "--subject", "u1")
	does("user", "unlink", "--user", "zhanhe.ziran.qu", "--issuer", "https://id.example", "--subject", "u1")
	require.Contains(t, does("user", "disable", "--user", "zhanhe.ziran.qu"), "disabled true")
	require.Contains(t, does("user", "enable", "--user", "zhanhe.ziran.qu"), "disabled false")
	refuses("token_life", "token", "create", "--user", "zhanhe.ziran.qu", "--ttl", "20000h")
	require.Regexp(t, `^guiling_`, does("token", "create", "--user", "zhanhe.ziran.qu", "--scope", "read"))

	does("import", "--codebook", "platform", filepath.Join(samples, "platform-2026-11.csv"))
	settings, err := app.LoadSettings()
	require.NoError(t, err)
	st, err := app.OpenStore(t.Context(), settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	cases, err := st.Cases(t.Context(), store.Scope{RegionCode: "410411000000"}, store.CaseFilter{Limit: 1})
	require.NoError(t, err)
	explained := does("policy", "explain", "--user", "zhanhe.jiandu.lin", "--action", "assign", "--case", cases[0].Number)
	require.Contains(t, explained, "assign: no (nothing_allows) by default-deny")
	require.Contains(t, explained, "allow  department-lead-assigns: does not hold: role, relation")
	refuses("there is no such case", "policy", "explain", "--user", "zhanhe.jiandu.lin", "--action", "assign", "--case", "410411-20261101-999999")

	matrix := does("policy", "matrix", "--role", "supervisor", "--circumstance", "second")
	require.Regexp(t, `supervisor +parent +county +city +decide-extension +yes +parent-decides-second-extension +第九条`, matrix)
	require.NotContains(t, matrix, " no ")
	require.Regexp(t, `handler +outside +county +county +read +no +outside-subtree`, does("policy", "matrix", "--role", "handler", "--all"))

	draft := filepath.Join(t.TempDir(), "rules.csv")
	text := strings.Replace(policies.Shipped(), "p, department-lead-assigns, department_lead,", "p, department-lead-assigns, handler|department_lead,", 1)
	require.NoError(t, os.WriteFile(draft, []byte(text), 0o600))
	require.Contains(t, does("policy", "lint", draft), "rules load")
	simulated := does("policy", "simulate", draft)
	require.Contains(t, simulated, "handler department of a county case (plain): assign no -> yes by department-lead-assigns")
	require.Regexp(t, `\n\d+ answers change\n$`, simulated)
	require.Contains(t, does("policy", "publish", draft, "--note", "试行"), "version 1 is in force")
	require.Contains(t, does("policy", "show"), "# version 1, published")
	require.Contains(t, does("policy", "simulate", draft), "\n0 answers change\n"[1:])
	require.Contains(t, does("policy", "reset"), "version 2 is in force")
	odd := filepath.Join(t.TempDir(), "odd.csv")
	require.NoError(t, os.WriteFile(odd, []byte("p, broken\n"), 0o600))
	refuses("line 1", "policy", "publish", odd, "--note", "x")

	events, err := st.AdminEvents(t.Context(), "410000000000", store.AdminEventFilter{Kind: store.AdminPolicyPublished, Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Zero(t, events[0].ByUserID, "the command line")
	require.Contains(t, string(events[0].Before), "handler|department_lead")
	person, err := st.PersonByName(t.Context(), "zhanhe.ziran.qu")
	require.NoError(t, err)
	require.Equal(t, []casework.Role{casework.RoleHandler}, person.Actor.Roles)
}
