package policies_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/policies"
)

// embedded gives the text of the shipped files.
func embedded(t *testing.T) (model, policy string) {
	t.Helper()
	m, err := os.ReadFile("model.conf")
	require.NoError(t, err)
	p, err := os.ReadFile("policy.csv")
	require.NoError(t, err)
	return string(m), string(p)
}

// without takes one rule out of a policy.
func without(t *testing.T, policy, rule string) string {
	t.Helper()
	var kept strings.Builder
	for line := range strings.Lines(policy) {
		if !strings.HasPrefix(line, "p, "+rule+",") {
			kept.WriteString(line)
		}
	}
	require.NotEqual(t, policy, kept.String(), "no rule %s", rule)
	return kept.String()
}

func TestLinterRefusesOddRules(t *testing.T) {
	t.Parallel()
	model, policy := embedded(t)
	const good = "p, extra, supervisor, assign, own_region, any, any, any, allow, 第十条"
	_, err := policies.NewFrom(model, policy+good+"\n")
	require.NoError(t, err, "the rule that the cases below change must itself load")

	tests := []struct{ name, rule, problem string }{
		{"Deny", strings.Replace(good, "allow", "Deny", 1), `unknown effect "Deny"`},
		{"ALLOW", strings.Replace(good, "allow", "ALLOW", 1), `unknown effect "ALLOW"`},
		{"unknown role", strings.Replace(good, "supervisor", "overseer", 1), `unknown role "overseer"`},
		{"star role", strings.Replace(good, "supervisor", "*", 1), `unknown role "*"`},
		{"unknown action", strings.Replace(good, "assign", "assing", 1), `unknown action "assing"`},
		{"unknown relation", strings.Replace(good, "own_region", "own_city", 1), `unknown relation "own_city"`},
		{"unknown actor level", "p, extra, supervisor, assign, own_region, town, any, any, allow, 第十条", `actor_level: unknown level "town"`},
		{"unknown case level", "p, extra, supervisor, assign, own_region, any, 县, any, allow, 第十条", `case_level: unknown level "县"`},
		{"unknown situation", "p, extra, supervisor, assign, own_region, any, any, often, allow, 第十条", `unknown situation "often"`},
		{"empty relation", strings.Replace(good, "own_region", "", 1), "column relation is empty"},
		{"empty role", strings.Replace(good, "supervisor", " ", 1), "column role is empty"},
		{"empty part", strings.Replace(good, "supervisor", "supervisor|", 1), `unknown role ""`},
		{"named twice", strings.Replace(good, "assign", "assign|assign", 1), `action "assign" is named twice`},
		{"acting and one of it", "p, extra, auditor, acting|claim, any, any, any, any, deny, 第十条", `action "claim" is named twice`},
		{"missing article", strings.Replace(good, ", 第十条", "", 1), "9 columns after p, not 8"},
		{"empty article", strings.Replace(good, "第十条", "", 1), "column article is empty"},
		{"not an article", strings.Replace(good, "第十条", "article 10", 1), "is not an article"},
		{"an article that is not there", strings.Replace(good, "第十条", "第十六条", 1), "is not an article"},
		{"a column too many", good + ", more", "9 columns after p, not 10"},
		{"full-width comma", strings.ReplaceAll(good, ", ", "，"), "a rule begins with p"},
		{"not a rule", "g, alice, supervisor", "a rule begins with p"},
		{"a comment behind a rule", good + " # why", "is not an article"},
		{"name not in kebab-case", strings.Replace(good, "extra", "Extra Rule", 1), "not in kebab-case"},
		{"reserved name", strings.Replace(good, "extra", policies.DefaultDeny, 1), "reserved"},
		{"duplicate name", strings.Replace(good, "extra", "outside-subtree", 1), "the name outside-subtree is taken"},
		{"repeated rule", "p, extra, supervisor, escalate, own_region, any, any, any, allow, 第九条", "rule extra repeats line"},
		{"allow to everybody", strings.Replace(good, "supervisor", "any", 1), "names its roles"},
		{"allow everything", strings.Replace(good, "assign", "all", 1), "names its actions"},
		{"allow to act", strings.Replace(good, "assign", "acting", 1), "names its actions"},
		{"allow everywhere", strings.Replace(good, "own_region", "any", 1), "names a relation"},
		{"allow outside", strings.Replace(good, "own_region", "outside_subtree", 1), "can never apply"},
		{"village above a province", "p, extra, supervisor, assign, own_region, village, province, any, allow, 第十条", "can never apply"},
		{"proposer of what nobody proposes", "p, extra, supervisor, assign, proposed_it, any, any, any, deny, 第十条", "can never apply to assign"},
		{"extension of what is no extension", "p, extra, supervisor, assign, own_region, any, any, first_extension, allow, 第十条", "can never apply to assign"},
		{"a list is no case", "p, extra, supervisor, list-overdue, own_region, any, any, any, allow, 第十条", "can never apply to list-overdue"},
		{"a list has no level", "p, extra, supervisor, list-overdue, in_subtree, any, county, any, allow, 第十条", "can never apply to list-overdue"},
		{"auditor who acts", "p, extra, auditor, assign, own_region, any, any, any, allow, 第十条", "auditor-never-acts always denies it"},
		{"administrator who reads", "p, extra, supervisor|sysadmin, read, own_region, any, any, any, allow, 第十条", "administrators-see-no-case always denies it"},
		{
			"confirming below county", "p, extra, supervisor, decide-invalid, own_region, township, township|village, any, allow, 第八条",
			"can never allow",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := policies.NewFrom(model, policy+tt.rule+"\n")
			require.Nil(t, e)
			var lint *policies.LintError
			require.ErrorAs(t, err, &lint)
			require.Contains(t, lint.Problem, tt.problem)
			require.Equal(t, strings.Count(policy, "\n")+1, lint.Line)
		})
	}
}

func TestLinterRefusesAWeakerPolicy(t *testing.T) {
	t.Parallel()
	model, policy := embedded(t)
	for _, rule := range []string{
		"outside-subtree", "administrators-see-no-case", "auditor-never-acts", "rated-department-never-judges",
		"proposer-never-confirms", "below-county-never-confirms", "who-acted-never-spot-checks", "rated-person-never-reveals",
		"nobody-administers-themselves",
	} {
		_, err := policies.NewFrom(model, without(t, policy, rule))
		require.ErrorContains(t, err, "no rule denies any more", rule)
	}
	// A guarantee that was only narrowed is gone as well.
	for name, change := range map[string][2]string{
		"for one role":      {"outside-subtree, any,", "outside-subtree, handler,"},
		"for some actions":  {"auditor, acting|reveal|administering,", "auditor, claim|reveal|administering,"},
		"for some levels":   {"decide-invalid, any, township|village, township|village,", "decide-invalid, any, township|village, village,"},
		"for one of two":    {"sysadmin|secadmin, case-content,", "sysadmin, case-content,"},
		"in some situation": {"reveal, rated_person, any, any, any,", "reveal, rated_person, any, any, ended,"},
	} {
		weaker := strings.Replace(policy, change[0], change[1], 1)
		require.NotEqual(t, policy, weaker, name)
		_, err := policies.NewFrom(model, weaker)
		require.ErrorContains(t, err, "no rule denies any more", name)
	}
	_, err := policies.NewFrom(model, "# 空\n")
	require.ErrorContains(t, err, "no rules")
}

func TestLinterRefusesAnotherModel(t *testing.T) {
	t.Parallel()
	model, policy := embedded(t)
	tests := []struct{ name, old, new, problem string }{
		{"allow overrides", " && !some(where (p.eft == deny))", "", "a deny does not override"},
		{"a condition less", " && applies(p.when, r.object)", "", "does not ask every column"},
		{"a condition twice", "holds(p.role, r.actor)", "holds(p.role, r.actor) && holds(p.role, r.actor)", "does not ask every column"},
		{"an or", "&& related(", "|| related(", "does not ask every column"},
		{"another column", "when, eft", "eft", "the columns are not"},
		{"another request", "r = actor, action, object", "r = actor, object, action", "a request is not"},
		{"a second matcher", "[matchers]", "[matchers]\nm2 = true", "more than one definition"},
		{"role definitions", "[matchers]", "[role_definition]\ng = _, _\n[matchers]", "the sections are not"},
		{"no effect", "[policy_effect]", "", "the sections are not"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(model, tt.old, tt.new, 1)
			require.NotEqual(t, model, changed)
			_, err := policies.NewFrom(changed, policy)
			require.ErrorContains(t, err, tt.problem)
		})
	}
	for _, text := range []string{"", "nonsense", "[matchers]\n[policy_definition]\n[policy_effect]\n[request_definition]\n"} {
		_, err := policies.NewFrom(text, policy)
		require.Error(t, err)
	}
}
