package policies_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies"
)

// TestTheMatrixThatPeopleSee holds it against what the prose says, for a few cells
// of each kind, and asks that every rule decides somewhere in it.
func TestTheMatrixThatPeopleSee(t *testing.T) {
	t.Parallel()
	e, err := policies.New()
	require.NoError(t, err)
	cells := e.Matrix(policies.Circumstances()...)
	require.Greater(t, len(cells), 50_000)
	find := func(role casework.Role, position policies.Position, level casework.AdminLevel, circumstance policies.Circumstance, action casework.Action) policies.Decision {
		i := slices.IndexFunc(cells, func(c policies.Cell) bool {
			return c.Role == role && c.Position == position && c.CaseLevel == level && c.Circumstance == circumstance && c.Action == action
		})
		require.GreaterOrEqual(t, i, 0)
		return cells[i].Decision
	}
	county, township := casework.LevelCounty, casework.LevelTownship
	require.True(t, find(casework.RoleHandler, policies.PositionDepartment, county, policies.CircumstancePlain, casework.ActionVerify).Allowed)
	require.Equal(t, casework.RoleHandler, find(casework.RoleHandler, policies.PositionDepartment, county, policies.CircumstancePlain, casework.ActionVerify).Role)
	require.Equal(t, "below-county-never-confirms", find(casework.RoleSupervisor, policies.PositionAuthority, township, policies.CircumstancePlain, casework.ActionDecideInvalid).Rule)
	require.True(t, find(casework.RoleSupervisor, policies.PositionParent, township, policies.CircumstancePlain, casework.ActionDecideInvalid).Allowed)
	require.False(t, find(casework.RoleSupervisor, policies.PositionAuthority, county, policies.CircumstanceSecond, casework.ActionDecideExtension).Allowed)
	require.Equal(t, "nobody-administers-themselves", find(casework.RoleSecadmin, policies.PositionAuthority, county, policies.CircumstanceOneself, casework.ActionAssignRoles).Rule)
	for _, c := range cells {
		if c.Position == policies.PositionOutside {
			require.Equal(t, "outside-subtree", c.Decision.Rule, "%+v", c)
		}
	}
	decided := map[string]bool{}
	for _, c := range cells {
		decided[c.Decision.Rule] = true
	}
	// What stands in the way of two that the matrix has no person for.
	elsewhere := map[string]bool{"rated-side-proposal-never-decided": true, "county-decides-second-extension": true, "county-decides-third-answer": true}
	for _, r := range e.Rules() {
		require.True(t, decided[r.Name] || elsewhere[r.Name], "%s decides nothing that people see", r.Name)
	}
}

func TestCompareAndExplain(t *testing.T) {
	t.Parallel()
	e, err := policies.New()
	require.NoError(t, err)
	require.Empty(t, e.Compare(e))
	other, err := policies.Parse(strings.Replace(policies.Shipped(), "p, department-lead-assigns, department_lead,", "p, department-lead-assigns, handler|department_lead,", 1))
	require.NoError(t, err)
	differences := e.Compare(other)
	require.NotEmpty(t, differences)
	for _, d := range differences {
		require.Equal(t, casework.RoleHandler, d.Role)
		require.Equal(t, casework.ActionAssign, d.Action)
		require.False(t, d.Decision.Allowed)
		require.Equal(t, "department-lead-assigns", d.Now.Rule)
	}

	m := readMatrix(t)
	place := m.place(t, "湛河区")
	s := supervisorOf(place, place, "proposed")
	decision, checks := e.Explain(s.actor(), casework.ActionDecideInvalid, s.object(casework.ActionDecideInvalid))
	require.Equal(t, "proposer-never-confirms", decision.Rule)
	require.Greater(t, len(checks), 8)
	for _, c := range checks {
		require.Equal(t, c.Applies, len(c.Misses) == 0, c.Rule.Name)
		switch c.Rule.Name {
		case "proposer-never-confirms", "supervisor-confirms-invalid":
			require.True(t, c.Applies, c.Rule.Name)
		case "parent-confirms-invalid":
			require.Equal(t, []string{"relation"}, c.Misses)
		}
	}
	var none *policies.Enforcer
	decision, checks = none.Explain(s.actor(), casework.ActionRead, s.object(casework.ActionRead))
	require.False(t, decision.Allowed)
	require.Empty(t, checks)
}

// TestEveryRelationOccurs: each holds somewhere in the world of the tests, and
// fails somewhere.
func TestEveryRelationOccurs(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	e, err := policies.New()
	require.NoError(t, err)
	holds, fails := map[policies.Relation]bool{}, map[policies.Relation]bool{}
	for _, cells := range m.cells(t) {
		for _, c := range cells[:len(cells)/4] {
			for _, action := range []casework.Action{
				casework.ActionDecideInvalid, casework.ActionRecordSpotCheck, casework.ActionTakeOver, casework.ActionVerify, casework.ActionAssignRoles, casework.ActionListOverdue,
			} {
				_, checks := e.Explain(c.situation.actor(), action, c.situation.object(action))
				for _, check := range checks {
					if slices.Contains(check.Misses, "relation") {
						fails[check.Rule.Relation] = true
					} else {
						holds[check.Rule.Relation] = true
					}
				}
			}
		}
	}
	for _, r := range e.Rules() {
		require.True(t, holds[r.Relation], "%s holds nowhere", r.Relation)
		require.True(t, fails[r.Relation] || r.Relation == policies.RelationAny, "%s holds everywhere", r.Relation)
	}
}

// TestWhatNobodyPublishes: who reads which cases, because every list is filtered by
// it, and administration in the place of the administrator whose it is.
func TestWhatNobodyPublishes(t *testing.T) {
	t.Parallel()
	for change, problem := range map[[2]string]string{
		{"p, department-reads, handler|department_lead, read,", "p, department-reads, handler, read,"}:                                              "fixed by the program",
		{"p, supervisor-reads, supervisor, read, supervised_region, any, any,", "p, supervisor-reads, supervisor, read, own_region, any, any,"}:     "fixed by the program",
		{"p, supervisor-reads, ", "# p, supervisor-reads, "}:                                                                                        "a rule is gone",
		{"p, supervisor-escalates, supervisor, escalate, own_region,", "p, supervisor-escalates, supervisor, escalate|read, own_region,"}:           "fixed by the program",
		{"p, secadmin-assigns-roles, secadmin, list-people|assign-roles", "p, secadmin-assigns-roles, secadmin|sysadmin, list-people|assign-roles"}: "assign-roles is not for sysadmin",
		{"p, sysadmin-manages-people, sysadmin, list-people|manage-people", "p, sysadmin-manages-people, supervisor, list-people|manage-people"}:    "manage-people is not for supervisor",
		{"p, secadmin-publishes-policy, ", "# p, secadmin-publishes-policy, "}:                                                                      "nobody may publish-policy",
	} {
		changed := strings.Replace(policies.Shipped(), change[0], change[1], 1)
		require.NotEqual(t, policies.Shipped(), changed, change)
		e, err := policies.Parse(changed)
		require.Nil(t, e)
		require.ErrorContains(t, err, problem, change)
		var lint *policies.LintError
		require.ErrorAs(t, err, &lint)
		inForce, err := policies.New()
		require.NoError(t, err)
		require.ErrorContains(t, inForce.ReplaceRules(changed), problem)
	}
	// What else a rule says beside reading may change.
	_, err := policies.Parse(strings.Replace(policies.Shipped(), "read|read-history|list-events|list-reveals,", "read|read-history|list-events,", 1))
	require.NoError(t, err)
}
