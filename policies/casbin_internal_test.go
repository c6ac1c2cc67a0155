package policies

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

func loadEmbedded(t *testing.T) *ruleset {
	t.Helper()
	s, err := load(embeddedModel, embeddedPolicy)
	require.NoError(t, err)
	return s
}

// TestFunctionsNeverPanic gives each function of the matcher what it does not
// expect.
func TestFunctionsNeverPanic(t *testing.T) {
	t.Parallel()
	actor, object := &casework.Actor{UserID: 1}, &Object{}
	values := []any{
		nil, "", "any", "no such word", 7, 7.0, true,
		[]any{"any"},
		actor, object, (*casework.Actor)(nil), (*Object)(nil),
		casework.Actor{},
		Object{},
		casework.ActionRead,
		struct{}{},
	}
	good := map[string][]any{
		"concerns": {"read", "read"},
		"holds":    {"any", actor},
		"acts_at":  {"any", actor},
		"case_at":  {"any", object},
		"applies":  {"any", object},
		"related":  {"any", actor, "read", object},
	}
	functions := loadEmbedded(t).terms.functions()
	require.Len(t, functions, len(good))
	for name, f := range functions {
		args := good[name]
		got, err := f(args...)
		require.NoError(t, err, name)
		require.Equal(t, true, got, name)

		_, err = f()
		require.Error(t, err, name)
		_, err = f(append(slices.Clip(args), "more")...)
		require.Error(t, err, name)
		for i := range args {
			for _, v := range values {
				changed := append([]any(nil), args...)
				changed[i] = v
				require.NotPanics(t, func() { got, err = f(changed...) }, "%s(%v)", name, changed)
				if err != nil {
					require.Equal(t, false, got, "%s(%v)", name, changed)
				}
			}
		}
	}
}

// TestDisagreementDenies breaks the explanation on purpose, then the casbin
// side: the answer must be no both times.
func TestDisagreementDenies(t *testing.T) {
	t.Parallel()
	path := []string{"410000000000"}
	actor := &casework.Actor{
		UserID: 1, Roles: []casework.Role{casework.RoleSupervisor}, OrganisationID: 5, OrganisationKind: casework.KindAuthority,
		RegionPath: path, Level: casework.LevelProvince,
	}
	ask := query{actor: actor, action: casework.ActionRead, object: &Object{
		Level: casework.LevelProvince, RegionPath: path, DepartmentID: 6, AuthorityID: 5,
	}}
	s := loadEmbedded(t)
	require.True(t, s.decide(ask).Allowed)

	read := s.byAction[casework.ActionRead]
	s.byAction[casework.ActionRead] = actionRules{casbin: read.casbin}
	require.Equal(t, Decision{Reason: ReasonPolicyDisagrees}, s.decide(ask))

	empty, err := newCasbin(embeddedModel, read.rules[:1], s.terms)
	require.NoError(t, err)
	s.byAction[casework.ActionRead] = actionRules{rules: read.rules, casbin: empty}
	require.Equal(t, Decision{Reason: ReasonPolicyDisagrees}, s.decide(ask))

	unknown := *read.rules[0]
	unknown.fields = append([]string(nil), unknown.fields...)
	unknown.fields[1] = "no such role"
	failing, err := newCasbin(embeddedModel, []*rule{&unknown}, s.terms)
	require.NoError(t, err)
	s.byAction[casework.ActionRead] = actionRules{rules: read.rules, casbin: failing}
	require.Equal(t, Decision{Reason: ReasonPolicyFailed}, s.decide(ask))
}

// TestLeavingOutOtherActionsChangesNothing compares the enforcers by action with
// one that holds all rules.
func TestLeavingOutOtherActionsChangesNothing(t *testing.T) {
	t.Parallel()
	s := loadEmbedded(t)
	whole, err := newCasbin(embeddedModel, s.rules, s.terms)
	require.NoError(t, err)
	path := []string{"410000000000", "410400000000"}
	for _, role := range casework.Roles() {
		for _, kind := range []casework.OrganisationKind{casework.KindAuthority, casework.KindDepartment} {
			for organisation := range int64(4) {
				for _, action := range casework.AllActions() {
					actor := &casework.Actor{
						UserID: 1, Roles: []casework.Role{role}, OrganisationID: organisation, OrganisationKind: kind,
						RegionPath: path[:1], Level: casework.LevelProvince,
					}
					object := &Object{
						Level: casework.LevelCity, RegionPath: path, DepartmentID: 1, AuthorityID: 2, AuthorityParentID: 3,
						AuthorityChain: []int64{2, 3}, Stage: casework.StageFeedback, ExtensionOrdinal: 1,
					}
					want, err := whole.Enforce(actor, string(action), object)
					require.NoError(t, err)
					got := s.decide(query{actor: actor, action: action, object: object})
					require.Equal(t, want, got.Allowed, "%s %s %d %s: %+v", role, kind, organisation, action, got)
				}
			}
		}
	}
}
