package policies_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies"
)

// place finds a region of the world by name.
func (m *matrix) place(t *testing.T, name string) *region {
	t.Helper()
	for _, r := range m.World {
		if r.Name == name {
			return r
		}
	}
	require.Failf(t, "no such place", "%s", name)
	return nil
}

func newEnforcer(tb testing.TB) *policies.Enforcer {
	tb.Helper()
	e, err := policies.New()
	require.NoError(tb, err)
	return e
}

func supervisorOf(r *region, place *region, circumstance string) situation {
	return in(circumstance, []casework.Role{casework.RoleSupervisor}, r.authority(), place)
}

func TestExplicitParentsDecide(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	e := newEnforcer(t)
	province, pingdingshan := m.place(t, "河南省"), m.place(t, "平顶山市")
	zhanhe, caozhen := m.place(t, "湛河区"), m.place(t, "曹镇乡")

	tests := []struct {
		name    string
		who     situation
		action  casework.Action
		allowed bool
		rule    string
	}{
		{
			"汝州 looks like 平顶山市 by its code, and is not under it",
			supervisorOf(pingdingshan, m.place(t, "汝州市"), "first"), casework.ActionRead, false, "outside-subtree",
		},
		{
			"not even when somebody put the case before it",
			supervisorOf(pingdingshan, m.place(t, "汝州市"), "escalated"), casework.ActionEscalate, false, "outside-subtree",
		},
		{
			"the province is the parent of 汝州",
			supervisorOf(province, m.place(t, "汝州市"), "second"), casework.ActionDecideExtension, true, "parent-decides-second-extension",
		},
		{
			"汝州 decides the first itself",
			supervisorOf(m.place(t, "汝州市"), m.place(t, "汝州市"), "first"), casework.ActionDecideExtension, true, "supervisor-decides-first-extension",
		},
		{
			"the province is the parent of 济源, though no prefix says so",
			supervisorOf(province, m.place(t, "济源市"), "second"), casework.ActionDecideExtension, true, "parent-decides-second-extension",
		},
		{
			"济源 serves its townships and villages that have no authority",
			supervisorOf(m.place(t, "济源市"), m.place(t, "沁园街道某社区"), "first"), casework.ActionDecideInvalid, true, "supervisor-confirms-invalid",
		},
		{
			"a township serves its village and may propose",
			supervisorOf(caozhen, m.place(t, "曹镇乡乙村"), "first"), casework.ActionProposeInvalid, true, "supervisor-proposes-invalid",
		},
		{
			"but not confirm",
			supervisorOf(caozhen, m.place(t, "曹镇乡乙村"), "first"), casework.ActionDecideInvalid, false, "below-county-never-confirms",
		},
		{
			"the county above confirms",
			supervisorOf(zhanhe, m.place(t, "曹镇乡乙村"), "first"), casework.ActionDecideInvalid, true, "parent-confirms-invalid",
		},
		{
			"also where the village has an authority of its own",
			supervisorOf(zhanhe, m.place(t, "曹镇乡甲村"), "first"), casework.ActionDecideInvalid, true, "above-confirms-invalid",
		},
		{
			"and decides what its township may not",
			supervisorOf(zhanhe, m.place(t, "曹镇乡甲村"), "second"), casework.ActionDecideExtension, true, "county-decides-second-extension",
		},
		{
			"at the province another person decides the second extension",
			supervisorOf(province, province, "second"), casework.ActionDecideExtension, true, "parent-decides-second-extension",
		},
		{
			"and not the one who decided the first",
			supervisorOf(province, province, "second-by-actor"), casework.ActionDecideExtension, false, policies.DefaultDeny,
		},
		{
			"the same for the third answer",
			supervisorOf(province, province, "second-by-actor"), casework.ActionDecideReopening, false, policies.DefaultDeny,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := e.Decide(tt.who.actor(), tt.action, tt.who.object(tt.action))
			require.Equal(t, tt.allowed, got.Allowed, "%+v", got)
			require.Equal(t, tt.rule, got.Rule)
		})
	}
}

func TestDenialNamesItsRule(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	e := newEnforcer(t)
	place := m.place(t, "湛河区")
	roles := func(r ...casework.Role) []casework.Role { return r }
	// An authority can be the rated department itself: one organisation, two hats.
	rated := place.department(1)
	rated.kind = casework.KindAuthority
	proposedForRated := in("first", roles(casework.RoleSupervisor), place.authority(), place)
	proposedForRated.proposedForRated = true

	tests := []struct {
		rule, article string
		who           situation
		action        casework.Action
	}{
		{"outside-subtree", "第十条", supervisorOf(m.place(t, "新华区"), place, "first"), casework.ActionRead},
		{"administrators-see-no-case", "第六条", in("first", roles(casework.RoleSysadmin), place.authority(), place), casework.ActionRead},
		{"administrators-see-no-case", "第六条", in("first", roles(casework.RoleSecadmin, casework.RoleHandler), place.department(1), place), casework.ActionReveal},
		{"auditor-never-acts", "第十条", in("first", roles(casework.RoleAuditor, casework.RoleSupervisor), place.authority(), place), casework.ActionEscalate},
		{"auditor-never-acts", "第十条", in("first", roles(casework.RoleAuditor, casework.RoleSupervisor), place.authority(), place), casework.ActionImport},
		{"rated-department-never-judges", "第八条", in("first", roles(casework.RoleSupervisor), rated, place), casework.ActionProposeInvalid},
		{"rated-person-never-judges", "第八条", in("rated", roles(casework.RoleSupervisor), rated, place), casework.ActionDecideInvalid},
		{"rated-department-never-judges", "第八条", in("first", roles(casework.RoleSupervisor), rated, place), casework.ActionRecordSpotCheck},
		{"rated-side-proposal-never-decided", "第八条", proposedForRated, casework.ActionDecideInvalid},
		{"proposer-never-confirms", "第八条", supervisorOf(place, place, "proposed"), casework.ActionDecideInvalid},
		{"below-county-never-confirms", "第八条", supervisorOf(m.place(t, "曹镇乡"), m.place(t, "曹镇乡"), "first"), casework.ActionDecideInvalid},
		{"who-acted-never-spot-checks", "第十条", supervisorOf(place, place, "acted"), casework.ActionRecordSpotCheck},
		{"rated-person-never-reveals", "第六条", in("rated", roles(casework.RoleHandler), place.department(1), place), casework.ActionReveal},
		{"ended-case-reveals-nobody", "第六条", in("ended", roles(casework.RoleHandler), place.department(1), place), casework.ActionReveal},
		{"auditor-never-acts", "第十条", in("first", roles(casework.RoleAuditor), place.authority(), place), casework.ActionAssignRoles},
		{"nobody-administers-themselves", "第六条", in("self", roles(casework.RoleSecadmin), place.authority(), place), casework.ActionAssignRoles},
		{"administrators-never-reset-each-other", "第六条", in("of-administrator", roles(casework.RoleSysadmin), place.authority(), place), casework.ActionResetSignIn},
	}
	named := map[string]bool{}
	for _, tt := range tests {
		named[tt.rule] = true
		got := e.Decide(tt.who.actor(), tt.action, tt.who.object(tt.action))
		require.Equal(t, policies.Decision{Rule: tt.rule, Article: tt.article, Reason: policies.ReasonRuleDenies}, got)
	}
	for _, r := range e.Rules() {
		require.Equal(t, r.Effect == policies.EffectDeny, named[r.Name], "%s has no example here", r.Name)
	}
}

func TestNothingLoadedDeniesEverything(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	s := supervisorOf(m.place(t, "湛河区"), m.place(t, "湛河区"), "first")
	failed, err := policies.NewFrom("", "")
	require.Error(t, err)
	for _, e := range []*policies.Enforcer{nil, failed, {}} {
		require.Equal(t, policies.Decision{Reason: policies.ReasonNotLoaded}, e.Decide(s.actor(), casework.ActionRead, s.object(casework.ActionRead)))
		require.False(t, e.MayEver(s.actor(), casework.ActionRead))
		require.Empty(t, e.Rules())
	}
}

func TestRequestThatCannotBeJudgedIsDenied(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	e := newEnforcer(t)
	place := m.place(t, "湛河区")
	s := supervisorOf(place, place, "first")

	tests := []struct {
		name   string
		action casework.Action
		change func(*casework.Actor, *policies.Object)
		reason string
	}{
		{"nobody", casework.ActionRead, func(a *casework.Actor, _ *policies.Object) { a.UserID = 0 }, policies.ReasonActorUnknown},
		{"no level", casework.ActionRead, func(a *casework.Actor, _ *policies.Object) { a.Level = "" }, policies.ReasonActorUnknown},
		{"unknown action", "delete", func(*casework.Actor, *policies.Object) {}, policies.ReasonActionUnknown},
		{"no action", "", func(*casework.Actor, *policies.Object) {}, policies.ReasonActionUnknown},
		{"an object that is no case", casework.ActionRead, func(_ *casework.Actor, o *policies.Object) { *o = policies.Object{} }, policies.ReasonObjectIncomplete},
		{"no level of the case", casework.ActionDecideInvalid, func(_ *casework.Actor, o *policies.Object) { o.Level = "" }, policies.ReasonObjectIncomplete},
		{"no region of the case", casework.ActionRead, func(_ *casework.Actor, o *policies.Object) { o.RegionPath = nil }, policies.ReasonObjectIncomplete},
		{"no rated department", casework.ActionProposeInvalid, func(_ *casework.Actor, o *policies.Object) { o.DepartmentID = 0 }, policies.ReasonObjectIncomplete},
		{"no rated department to spot-check", casework.ActionRecordSpotCheck, func(_ *casework.Actor, o *policies.Object) { o.DepartmentID = 0 }, policies.ReasonObjectIncomplete},
		{"no stage to reveal at", casework.ActionReveal, func(_ *casework.Actor, o *policies.Object) { o.Stage = "" }, policies.ReasonObjectIncomplete},
		{"a forgotten parent", casework.ActionDecideExtension, func(_ *casework.Actor, o *policies.Object) { o.AuthorityParentID = 0 }, policies.ReasonObjectContradictory},
		{"a chain that begins elsewhere", casework.ActionRead, func(_ *casework.Actor, o *policies.Object) { o.AuthorityID++ }, policies.ReasonObjectContradictory},
		{"a parent that the chain lacks", casework.ActionRead, func(_ *casework.Actor, o *policies.Object) { o.AuthorityChain = o.AuthorityChain[:1] }, policies.ReasonObjectContradictory},
		{"a person without a region", casework.ActionRead, func(a *casework.Actor, _ *policies.Object) { a.RegionPath = nil }, policies.ReasonRuleDenies},
		{"an empty step on both sides", casework.ActionListOverdue, func(a *casework.Actor, o *policies.Object) {
			a.RegionPath, o.RegionPath = []string{""}, []string{""}
		}, policies.ReasonRuleDenies},
		{"an unknown role", casework.ActionRead, func(a *casework.Actor, _ *policies.Object) { a.Roles = []casework.Role{"root"} }, policies.ReasonNothingAllows},
		{"no role", casework.ActionRead, func(a *casework.Actor, _ *policies.Object) { a.Roles = nil }, policies.ReasonNothingAllows},
		{"no organisation on either side", casework.ActionClaim, func(a *casework.Actor, o *policies.Object) {
			a.OrganisationID, o.AuthorityID, o.AuthorityParentID, o.AuthorityChain = 0, 0, 0, nil
		}, policies.ReasonNothingAllows},
		{"a third extension", casework.ActionDecideExtension, func(_ *casework.Actor, o *policies.Object) { o.ExtensionOrdinal = 3 }, policies.ReasonNothingAllows},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			actor, object := s.actor(), s.object(tt.action)
			tt.change(&actor, &object)
			got := e.Decide(actor, tt.action, object)
			require.False(t, got.Allowed)
			require.Equal(t, tt.reason, got.Reason)
		})
	}
}

func TestMayEver(t *testing.T) {
	t.Parallel()
	e := newEnforcer(t)
	may := func(level casework.AdminLevel, action casework.Action, roles ...casework.Role) bool {
		return e.MayEver(casework.Actor{UserID: me, Level: level, Roles: roles}, action)
	}
	require.True(t, may(casework.LevelVillage, casework.ActionVerify, casework.RoleHandler))
	require.False(t, may(casework.LevelVillage, casework.ActionAssign, casework.RoleHandler))
	require.True(t, may(casework.LevelCounty, casework.ActionDecideInvalid, casework.RoleSupervisor))
	require.False(t, may(casework.LevelTownship, casework.ActionDecideInvalid, casework.RoleSupervisor))
	require.False(t, may(casework.LevelCounty, casework.ActionEscalate, casework.RoleSupervisor, casework.RoleAuditor))
	require.True(t, may(casework.LevelCounty, casework.ActionRead, casework.RoleSupervisor, casework.RoleAuditor))
	require.False(t, may(casework.LevelCounty, casework.ActionRead, casework.RoleSupervisor, casework.RoleSysadmin))
	require.False(t, may(casework.LevelCounty, casework.ActionRead, casework.RolePublisher))
	require.False(t, may(casework.LevelCounty, "delete", casework.RoleSupervisor))
	require.False(t, may("", casework.ActionRead, casework.RoleSupervisor))
	require.False(t, e.MayEver(casework.Actor{Level: casework.LevelCounty, Roles: []casework.Role{casework.RoleSupervisor}}, casework.ActionRead))
}

func TestRulesAreForPeople(t *testing.T) {
	t.Parallel()
	e := newEnforcer(t)
	rules := e.Rules()
	require.NotEmpty(t, rules)
	for _, r := range rules {
		require.NotEmpty(t, r.Heading, r.Name)
		require.NotEmpty(t, r.Roles, r.Name)
		require.NotEmpty(t, r.Actions, r.Name)
		require.NotEmpty(t, r.ActorLevels, r.Name)
		require.NotEmpty(t, r.CaseLevels, r.Name)
		require.Positive(t, r.Line, r.Name)
	}
	// What the caller does to the list stays with the caller.
	rules[0].Roles[0], rules[0].Name = "root", "changed"
	require.NotEqual(t, rules[0].Name, e.Rules()[0].Name)
	require.NotEqual(t, rules[0].Roles[0], e.Rules()[0].Roles[0])
}

func TestEveryRuleIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/policies.md")
	require.NoError(t, err)
	for _, r := range newEnforcer(t).Rules() {
		require.Contains(t, string(text), "`"+string(r.Relation)+"`", "the relation of %s", r.Name)
		require.Contains(t, string(text), "`"+string(r.When)+"`", "the situation of %s", r.Name)
	}
}

func TestReplaceKeepsTheLastGood(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	place := m.place(t, "湛河区")
	s := supervisorOf(place, place, "first")
	model, policy := embedded(t)
	e := newEnforcer(t)
	escalate := func() policies.Decision {
		return e.Decide(s.actor(), casework.ActionEscalate, s.object(casework.ActionEscalate))
	}
	require.True(t, escalate().Allowed)

	err := e.Replace(model, strings.ReplaceAll(policy, " deny,", " Deny,"))
	var lint *policies.LintError
	require.ErrorAs(t, err, &lint)
	require.Positive(t, lint.Line)
	require.True(t, escalate().Allowed)

	require.NoError(t, e.Replace(model, without(t, policy, "supervisor-escalates")))
	require.Equal(t, policies.Decision{Rule: policies.DefaultDeny, Reason: policies.ReasonNothingAllows}, escalate())
	require.NoError(t, e.Replace(model, policy))
	require.True(t, escalate().Allowed)
}

// TestDecideWhileReplaced runs decisions beside reloads; the race detector
// watches. What both policies say is always said.
func TestDecideWhileReplaced(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	place := m.place(t, "湛河区")
	s := supervisorOf(place, place, "first")
	model, policy := embedded(t)
	other := without(t, policy, "supervisor-escalates")
	e := newEnforcer(t)

	var deciders sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		deciders.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if d := e.Decide(s.actor(), casework.ActionTransfer, s.object(casework.ActionTransfer)); !d.Allowed {
					t.Errorf("transfer: %+v", d)
					return
				}
				if d := e.Decide(s.actor(), casework.ActionAssign, s.object(casework.ActionAssign)); d.Allowed {
					t.Errorf("assign: %+v", d)
					return
				}
				e.MayEver(s.actor(), casework.ActionEscalate)
				e.Decide(s.actor(), casework.ActionEscalate, s.object(casework.ActionEscalate))
			}
		})
	}
	for i := range 20 {
		switch i % 3 {
		case 0:
			require.NoError(t, e.Replace(model, other))
		case 1:
			require.NoError(t, e.Replace(model, policy))
		default:
			require.Error(t, e.Replace(model, "broken"))
		}
	}
	close(done)
	deciders.Wait()
}

func BenchmarkDecide(b *testing.B) {
	e := newEnforcer(b)
	path := []string{"410000000000", "410400000000", "410411000000"}
	actor := casework.Actor{
		UserID: me, Roles: []casework.Role{casework.RoleSupervisor}, OrganisationID: 101, OrganisationKind: casework.KindAuthority,
		RegionPath: path, Level: casework.LevelCounty,
	}
	object := policies.Object{
		Level: casework.LevelCounty, RegionPath: path, DepartmentID: 201, Stage: casework.StageInvalidation,
		AuthorityID: 101, AuthorityParentID: 102, AuthorityChain: []int64{101, 102, 103},
		ActedUserIDs: []int64{1, 2, 3}, InvalidProposedBy: 8,
	}
	for _, action := range []casework.Action{casework.ActionRead, casework.ActionDecideInvalid, casework.ActionAssign} {
		b.Run(string(action), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Decide(actor, action, object)
			}
		})
	}
}
