package commands_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/policies"
)

// bundle is a store with the people of the demo and the cases of the sample.
type bundle struct {
	db     *testdb.DB
	store  *store.Store
	policy *policies.Enforcer
	users  []store.User
	cases  []store.Case
}

func setup(t *testing.T) bundle {
	t.Helper()
	db := testdb.New(t)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	sealer, err := sealing.Open(filepath.Join(t.TempDir(), "key.json"), true)
	require.NoError(t, err)
	b := bundle{db: db}
	b.store, err = store.Open(t.Context(), db.AppURL, sealer)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.store.Close()) })
	b.policy, err = policies.New()
	require.NoError(t, err)

	sample, err := os.ReadFile(filepath.Join("..", "..", "samples", "platform-2026-11.csv"))
	require.NoError(t, err)
	im := commands.Importer{Store: b.store, Now: func() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, casework.China()) }}
	_, err = im.ImportReviews(t.Context(), "platform", "sample.csv", bytes.NewReader(sample))
	require.NoError(t, err)
	b.users, err = b.store.DemoUsers(t.Context())
	require.NoError(t, err)
	b.cases, err = b.store.Cases(t.Context(), store.Scope{RegionCode: "410000000000"}, store.CaseFilter{Limit: 200})
	require.NoError(t, err)
	require.Len(t, b.cases, 62)
	whole(t, b.store, b.cases)
	return b
}

// whole reads listed cases one by one, for the policy asks more than lists show.
func whole(t *testing.T, st *store.Store, cases []store.Case) {
	t.Helper()
	for i := range cases {
		var err error
		cases[i], err = st.CaseByNumber(t.Context(), cases[i].Number)
		require.NoError(t, err)
	}
}

// mayRead lists the cases that the policy lets an actor read, one by one.
func (b bundle) mayRead(actor casework.Actor) []string {
	var numbers []string
	for _, c := range b.cases {
		if b.policy.Decide(actor, casework.ActionRead, commands.ObjectOf(c)).Allowed {
			numbers = append(numbers, c.Number)
		}
	}
	return numbers
}

// inScope lists the cases of a scope, without asking the database.
func (b bundle) inScope(scope store.Scope) []string {
	var numbers []string
	for _, c := range b.cases {
		if slices.Contains(c.RegionPath, scope.RegionCode) && (scope.DepartmentID == 0 || scope.DepartmentID == c.DepartmentID) {
			numbers = append(numbers, c.Number)
		}
	}
	return numbers
}

// TestListsShowWhatThePolicyAllows: everybody of the demo, every case.
func TestListsShowWhatThePolicyAllows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := map[int]bool{}
	for _, user := range b.users {
		allowed := b.mayRead(user.Actor)
		listed, err := b.store.Cases(t.Context(), commands.ScopeOf(user.Actor), store.CaseFilter{Limit: 200})
		require.NoError(t, err)
		numbers := make([]string, 0, len(listed))
		for _, c := range listed {
			numbers = append(numbers, c.Number)
		}
		require.ElementsMatch(t, allowed, numbers, user.Username)
		require.ElementsMatch(t, b.inScope(commands.ScopeOf(user.Actor)), numbers, user.Username)
		seen[len(allowed)] = true
	}
	require.True(t, seen[0] && seen[62], "somebody sees nothing and somebody everything")
	require.Greater(t, len(seen), 4)
}

// TestScopeAgreesWithThePolicy goes on to people that the demo does not have:
// any roles together, in any organisation that there is.
func TestScopeAgreesWithThePolicy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var places []casework.Actor
	for _, u := range b.users {
		places = append(places, u.Actor)
	}
	for _, c := range b.cases {
		places = append(places, casework.Actor{
			OrganisationID: c.DepartmentID, OrganisationKind: casework.KindDepartment,
			RegionCode: c.RegionCode, RegionPath: c.RegionPath, Level: c.RegionLevel,
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		actor := rapid.SampledFrom(places).Draw(t, "place")
		actor.UserID = 4711
		actor.Roles = rapid.SliceOfDistinct(rapid.SampledFrom(casework.Roles()), rapid.ID).Draw(t, "roles")
		require.ElementsMatch(t, b.mayRead(actor), b.inScope(commands.ScopeOf(actor)), "%+v", actor)
	})
}

func TestTaskScopeOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  casework.OrganisationKind
		roles []casework.Role
		owner casework.TaskOwner // empty: no inbox
	}{
		{casework.KindDepartment, []casework.Role{casework.RoleHandler}, casework.OwnerDepartment},
		{casework.KindDepartment, []casework.Role{casework.RoleDepartmentLead}, casework.OwnerDepartment},
		{casework.KindDepartment, []casework.Role{casework.RoleDepartmentLead, casework.RoleHandler}, casework.OwnerDepartment},
		{casework.KindDepartment, []casework.Role{casework.RoleSupervisor}, ""},
		{casework.KindDepartment, []casework.Role{casework.RoleAuditor}, ""},
		{casework.KindAuthority, []casework.Role{casework.RoleSupervisor}, casework.OwnerAuthority},
		{casework.KindAuthority, []casework.Role{casework.RoleHandler}, ""},
		{casework.KindAuthority, []casework.Role{casework.RoleAuditor}, ""},
		{casework.KindAuthority, []casework.Role{casework.RoleSysadmin}, ""},
		{casework.KindAuthority, nil, ""},
		{"", casework.Roles(), ""},
	} {
		actor := casework.Actor{UserID: 1, OrganisationID: 7, OrganisationKind: c.kind, Roles: c.roles}
		scope, ok := commands.TaskScopeOf(actor)
		require.Equal(t, c.owner != "", ok, "%+v", actor)
		require.Equal(t, ok, commands.HasInbox(actor))
		if ok {
			require.Equal(t, store.TaskScope{Cases: commands.ScopeOf(actor), OrganisationID: 7, Owner: c.owner}, scope)
		} else {
			require.Zero(t, scope)
		}
	}
}
