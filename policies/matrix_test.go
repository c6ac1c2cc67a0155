package policies_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies"
)

// people lists every single role and the combinations, by name.
func (m *matrix) people() map[string][]casework.Role {
	people := map[string][]casework.Role{}
	for _, r := range casework.Roles() {
		people[string(r)] = []casework.Role{r}
	}
	for _, roles := range m.Combinations {
		var names []string
		for _, r := range roles {
			names = append(names, string(r))
		}
		people[strings.Join(names, "+")] = roles
	}
	return people
}

// find gives the one block that answers a cell.
func (m *matrix) find(t *testing.T, role, position, circumstance string, o organisation, place *region) *block {
	t.Helper()
	var found *block
	for _, b := range m.Expected {
		if !b.Role.has(role) || !b.Position.has(position) || !b.Level.has(string(o.region.Level)) ||
			!b.Case.has(string(place.Level)) || !b.Circumstances.has(circumstance) {
			continue
		}
		if found != nil {
			require.Failf(t, "two blocks", "%s at %s level, %s of a %s case, %s", role, o.region.Level, position, place.Level, circumstance)
		}
		found = b
	}
	if found == nil {
		require.Failf(t, "missing cell", "%s at %s level, %s of a %s case, %s", role, o.region.Level, position, place.Level, circumstance)
		return nil
	}
	found.used = true
	if found.SameAs != "" {
		require.Empty(t, found.Allowed)
		return m.find(t, found.SameAs, position, circumstance, o, place)
	}
	return found
}

// cell is one person before one case in one circumstance, and what is expected.
type cell struct {
	role, position, circumstance string
	situation                    situation
	expected                     map[casework.Action]bool
}

// cells finds the block of every cell, by the name of the case's region.
func (m *matrix) cells(t *testing.T) map[string][]cell {
	t.Helper()
	cells := map[string][]cell{}
	people := m.people()
	for _, place := range m.World {
		for _, org := range m.organisations() {
			where := position(org, place)
			for role, roles := range people {
				for _, c := range circumstances() {
					cells[place.Name] = append(cells[place.Name], cell{
						role: role, position: where, circumstance: c, situation: in(c, roles, org, place),
						expected: m.find(t, role, where, c, org, place).actions,
					})
				}
			}
		}
	}
	return cells
}

// telling reports whether a cell is worth asking for every action: outside the
// subtree, and for whoever may do nothing, the circumstances are all alike, and
// the one that should tempt most stands for them. TestOracleOnMixedFacts draws
// from the others.
func (c cell) telling() bool {
	outside := c.position == "below" || c.position == "sibling" || c.position == "elsewhere"
	return c.circumstance == "escalated" || c.circumstance == "taken-over" || (!outside && len(c.expected) > 0)
}

// TestMatrix asks the policy for every action in every telling cell, and
// compares the answer with the matrix and with the oracle.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	enforcer, err := policies.New()
	require.NoError(t, err)
	actions := casework.AllActions()

	var decided sync.Map // rule name
	t.Cleanup(func() {
		for _, r := range enforcer.Rules() {
			if _, ok := decided.Load(r.Name); !ok && !t.Failed() {
				t.Errorf("%s decided nothing", r.Name)
			}
		}
	})
	total := 0
	for name, cells := range m.cells(t) {
		cells = slices.DeleteFunc(cells, func(c cell) bool { return !c.telling() })
		total += len(cells) * len(actions)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range cells {
				actor := c.situation.actor()
				for _, action := range actions {
					got := enforcer.Decide(actor, action, c.situation.object(action))
					if got.Allowed != c.expected[action] || got.Allowed != oracle(c.situation, action) {
						require.Failf(t, "wrong answer", "%s of %s (%s) on %s, %s, %s: got %+v, matrix %t, oracle %t",
							c.role, actor.RegionCode, actor.OrganisationKind, action, c.position, c.circumstance,
							got, c.expected[action], oracle(c.situation, action))
					}
					requireGround(t, got)
					decided.LoadOrStore(got.Rule, true)
					if got.Allowed && !enforcer.MayEver(actor, action) {
						require.Failf(t, "MayEver says never", "%s of %s may %s", c.role, actor.RegionCode, action)
					}
				}
			}
		})
	}
	t.Logf("%d decisions", total)
	require.Greater(t, total, 300_000)
}

// TestMatrixIsComplete asks that every cell has its block, every block a cell,
// and that every position and every role at every level occurs.
func TestMatrixIsComplete(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	seen := map[string]bool{}
	total := 0
	for _, cells := range m.cells(t) {
		total += len(cells)
		for _, c := range cells {
			seen[c.role+" "+string(c.situation.org.region.Level)] = true
			seen[c.position] = true
		}
	}
	t.Logf("%d cells", total)
	for _, b := range m.Expected {
		require.True(t, b.used, "no cell is like this: %+v", b)
	}
	for _, l := range casework.AdminLevels() {
		for _, r := range casework.Roles() {
			require.True(t, seen[string(r)+" "+string(l)], "%s at %s", r, l)
		}
	}
	for _, p := range []string{
		"own-department", "department-beside", "department-above", "own-authority", "top-authority",
		"parent-authority", "higher-authority", "below", "sibling", "elsewhere",
	} {
		require.True(t, seen[p], p)
	}
}

// TestMatrixNamesEveryRoleAndAction fails when casework gains a role or an
// action that the matrix does not speak of.
func TestMatrixNamesEveryRoleAndAction(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	for _, r := range casework.Roles() {
		require.True(t, slices.ContainsFunc(m.Expected, func(b *block) bool { return slices.Contains(b.Role, string(r)) }), "role %s", r)
	}
	for _, a := range casework.AllActions() {
		require.True(t, slices.ContainsFunc(m.Expected, func(b *block) bool { return b.actions[a] }), "action %s", a)
	}
}

// requireGround asks that every answer says which rule decided.
func requireGround(t *testing.T, d policies.Decision) {
	t.Helper()
	var good bool
	switch d.Reason {
	case policies.ReasonRuleAllows:
		good = d.Allowed && d.Rule != "" && d.Article != ""
	case policies.ReasonRuleDenies:
		good = !d.Allowed && d.Rule != "" && d.Article != ""
	case policies.ReasonNothingAllows:
		good = !d.Allowed && d.Rule == policies.DefaultDeny
	}
	if !good {
		require.Failf(t, "no ground", "%+v", d)
	}
}

// TestOracleOnMixedFacts compares policy and oracle where several
// circumstances hold at once and people hold any set of roles.
func TestOracleOnMixedFacts(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	enforcer, err := policies.New()
	require.NoError(t, err)

	actions := casework.AllActions()
	orgs := m.organisations()
	allowed := 0
	random := rand.New(rand.NewPCG(2019, 5)) //nolint:gosec // a fixed seed, so that a failure comes back
	flip := func() bool { return random.IntN(2) == 0 }
	for range 60_000 {
		place := m.World[random.IntN(len(m.World))]
		near := orgs
		if random.IntN(4) > 0 { // where rules can allow at all
			near = append(place.authorities(), place.department(1))
		}
		s := situation{
			org: near[random.IntN(len(near))], place: place,
			extension: random.IntN(4), steps: random.IntN(3), decidedBefore: int64(random.IntN(2) + me),
			proposer: int64(random.IntN(2) + me), proposedForRated: random.IntN(4) == 0,
			ownRating: random.IntN(8) == 0, rated: flip(), acted: flip(), escalated: flip(), takenOver: flip(), ended: flip(),
			oneself: flip(), ofAdministrator: flip(),
			cameFrom: random.IntN(4) == 0, cameAs: random.IntN(4) == 0, leftBefore: flip(), hadBefore: random.IntN(4) == 0,
		}
		for _, r := range casework.Roles() {
			if random.IntN(4) == 0 {
				s.roles = append(s.roles, r)
			}
		}
		action := actions[random.IntN(len(actions))]
		got := enforcer.Decide(s.actor(), action, s.object(action))
		require.Equal(t, oracle(s, action), got.Allowed, "%v of %s (%s) on %s in %s: %+v, facts %+v",
			s.roles, s.org.region.Name, s.org.kind, action, s.place.Name, got, s)
		requireGround(t, got)
		if got.Allowed {
			allowed++
		}
	}
	require.Greater(t, allowed, 2_000, "too few of the drawn requests are allowed to say much")
}
