package policies

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/casbin/casbin/v2/constant"
	"github.com/casbin/casbin/v2/model"

	"guiling/internal/casework"
)

// LintError says why a policy is refused. Line counts from 1 in the rules; 0 is
// the model, or the policy as a whole.
type LintError struct {
	Line    int
	Problem string
}

func (e *LintError) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

var errNilArgument = errors.New("an argument is nil")

// What model.conf has to say. The explanation of a decision reads rules in
// exactly this way, so a model that says anything else is refused.
var (
	modelSections = []string{"[matchers]", "[policy_definition]", "[policy_effect]", "[request_definition]"}
	modelRequest  = []string{"r_actor", "r_action", "r_object"}
	modelMatcher  = []string{
		"acts_at(p_actor_level,r_actor)",
		"applies(p_when,r_object)",
		"case_at(p_case_level,r_object)",
		"concerns(p_action,r_action)",
		"holds(p_role,r_actor)",
		"related(p_relation,r_actor,r_action,r_object)",
	}
)

func lintModel(text string) error {
	refuse := func(problem string) error { return &LintError{Problem: "model: " + problem} }

	var sections []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "[") {
			sections = append(sections, line)
		}
	}
	slices.Sort(sections)
	if !slices.Equal(sections, modelSections) {
		return refuse("the sections are not exactly " + strings.Join(modelSections, " "))
	}
	m, err := model.NewModelFromString(text)
	if err != nil {
		return refuse(err.Error())
	}
	for _, section := range []string{"r", "p", "e", "m"} {
		if keys := slices.Collect(maps.Keys(m[section])); !slices.Equal(keys, []string{section}) {
			return refuse("section " + section + " has more than one definition")
		}
	}
	if !slices.Equal(m["r"]["r"].Tokens, modelRequest) {
		return refuse("a request is not (actor, action, object)")
	}
	var tokens []string
	for _, c := range columns {
		tokens = append(tokens, "p_"+c)
	}
	if !slices.Equal(m["p"]["p"].Tokens, tokens) {
		return refuse("the columns are not " + strings.Join(columns, ", "))
	}
	if m["e"]["e"].Value != constant.AllowAndDenyEffect {
		return refuse("a deny does not override")
	}
	conditions := strings.Split(strings.Join(strings.Fields(m["m"]["m"].Value), ""), "&&")
	slices.Sort(conditions)
	if !slices.Equal(conditions, modelMatcher) {
		return refuse("the matcher does not ask every column, once")
	}
	return nil
}

var (
	ruleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	// articleName matches 第一条 to 第十五条, which is all the regulation has.
	articleName = regexp.MustCompile(`^第([一二三四五六七八九]|十[一二三四五]?)条$`)
)

func lintRules(t *terms, rules []*rule) error {
	if len(rules) == 0 {
		return &LintError{Problem: "the policy has no rules"}
	}
	names, contents := map[string]int{}, map[string]int{}
	for _, r := range rules {
		if problem := lintRule(t, r, rules); problem != "" {
			return &LintError{Line: r.line, Problem: problem}
		}
		if first, ok := names[r.name]; ok {
			return &LintError{Line: r.line, Problem: fmt.Sprintf("the name %s is taken by line %d", r.name, first)}
		}
		content := strings.Join(r.fields[1:len(r.fields)-1], ",")
		if first, ok := contents[content]; ok {
			return &LintError{Line: r.line, Problem: fmt.Sprintf("rule %s repeats line %d", r.name, first)}
		}
		names[r.name], contents[content] = r.line, r.line
	}
	for _, g := range guarantees() {
		if !g.kept(t, rules) {
			return &LintError{Problem: "no rule denies any more: " + g.what}
		}
	}
	return lintAdministration(t, rules)
}

// administratorOf says whose each act of administration is (三员分立).
func administratorOf(action casework.Action) []casework.Role {
	switch action {
	case casework.ActionManageOrganisations, casework.ActionManagePeople, casework.ActionResetSignIn:
		return []casework.Role{casework.RoleSysadmin}
	case casework.ActionAssignRoles, casework.ActionPublishPolicy, casework.ActionManageKeys:
		return []casework.Role{casework.RoleSecadmin}
	default:
		return []casework.Role{casework.RoleSysadmin, casework.RoleSecadmin}
	}
}

// lintAdministration refuses rules that let somebody administer in the place of the
// administrator whose act it is, and rules by which nobody does it any more.
func lintAdministration(t *terms, rules []*rule) error {
	for _, action := range casework.AdministeringActions() {
		allowed := false
		for _, r := range rules {
			if r.effect != EffectAllow || !t.concern(r.actions, action) {
				continue
			}
			allowed = true
			for _, role := range pick(r.roles, casework.Roles()) {
				if !slices.Contains(administratorOf(action), role) {
					return &LintError{Line: r.line, Problem: fmt.Sprintf("%s is not for %s (三员分立)", action, role)}
				}
			}
		}
		if !allowed {
			return &LintError{Problem: fmt.Sprintf("nobody may %s any more", action)}
		}
	}
	return nil
}

// lintPublished refuses rules that let people read other cases than the shipped
// ones do. Lists, counts and searches are filtered by one scope in the program, and
// would go on to show what a single case no longer does.
func lintPublished(policy string) error {
	t := newTerms()
	reading := func(text string) (lines map[string]int, err error) {
		rules, err := readRules(t, text)
		if err != nil {
			return nil, err
		}
		lines = map[string]int{}
		for _, r := range rules {
			if t.concern(r.actions, casework.ActionRead) {
				// A rule about other actions as well may change in those.
				lines[fmt.Sprint(r.roles.bits, r.relation, r.actorLevel.bits, r.caseLevel.bits, r.when, r.effect)] = r.line
			}
		}
		return lines, nil
	}
	shipped, err := reading(embeddedPolicy)
	if err != nil {
		return err
	}
	published, err := reading(policy)
	if err != nil {
		return err
	}
	for content, line := range published {
		if _, ok := shipped[content]; !ok {
			return &LintError{Line: line, Problem: "who reads which cases is fixed by the program, for every list is filtered by it"}
		}
	}
	if len(published) != len(shipped) {
		return &LintError{Problem: "a rule is gone by which people read cases; every list is filtered by it"}
	}
	return nil
}

// lintRule says what is wrong with one rule, or "".
func lintRule(t *terms, r *rule, rules []*rule) string {
	switch {
	case !ruleName.MatchString(r.name):
		return fmt.Sprintf("the name %q is not in kebab-case", r.name)
	case r.name == DefaultDeny:
		return "the name " + DefaultDeny + " is reserved"
	case r.effect != EffectAllow && r.effect != EffectDeny:
		return fmt.Sprintf("unknown effect %q: allow or deny, in small letters", r.effect)
	case !articleName.MatchString(r.article):
		return fmt.Sprintf("%q is not an article of the regulation", r.article)
	}
	if _, ok := relations[r.relation]; !ok {
		return fmt.Sprintf("unknown relation %q", r.relation)
	}
	if _, ok := situations[r.when]; !ok {
		return fmt.Sprintf("unknown situation %q", r.when)
	}
	if r.effect == EffectAllow {
		if problem := lintAllow(r); problem != "" {
			return problem
		}
	}
	return lintReach(t, r, rules)
}

// lintAllow refuses what only a rule that denies may say: that a rule is for
// everybody, for everything or for everywhere. Whoever allows says whom and
// what, so that a new role or action starts with nothing.
func lintAllow(r *rule) string {
	switch {
	case r.roles.any:
		return "a rule that allows names its roles"
	case r.actions.any || namesGroup(r.fields[2]):
		return "a rule that allows names its actions"
	case r.relation == RelationAny:
		return "a rule that allows names a relation"
	case r.relation == RelationOutsideSubtree:
		return "the rule can never apply: what lies outside the subtree is always denied"
	default:
		return ""
	}
}

func namesGroup(actions string) bool {
	return slices.ContainsFunc(strings.Split(actions, "|"), func(part string) bool {
		_, group := groups()[strings.TrimSpace(part)]
		return group
	})
}

// lintReach refuses a rule with a role or an action to which it can never
// apply.
func lintReach(t *terms, r *rule, rules []*rule) string {
	for _, action := range pick(r.actions, casework.AllActions()) {
		// A rule for all actions means each where it has a meaning.
		if !r.actions.any && !meaningful(r, action) {
			return fmt.Sprintf("the rule can never apply to %s", action)
		}
		for _, role := range pick(r.roles, casework.Roles()) {
			if problem := unreachable(t, r, role, action, rules); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// meaningful reports whether the relation, the situation and the case level of
// the rule can hold for the action at all.
func meaningful(r *rule, action casework.Action) bool {
	relation, situation := relations[r.relation], situations[r.when]
	if relation.only != nil && !slices.Contains(relation.only, action) {
		return false
	}
	if situation.only != nil && !slices.Contains(situation.only, action) {
		return false
	}
	return concernsCase(action) || (relation.regionOnly && situation.regionOnly && r.caseLevel.any)
}

// unreachable says why no pair of levels is left for the rule, or "". Whoever
// stands below the case's level stands outside its region, and a rule that
// allows has no use where another denies without condition.
func unreachable(t *terms, r *rule, role casework.Role, action casework.Action, rules []*rule) string {
	by := ""
	for _, actor := range pick(r.actorLevel, casework.AdminLevels()) {
		for _, level := range pick(r.caseLevel, casework.AdminLevels()) {
			if r.relation != RelationOutsideSubtree && !actor.AtLeast(level) {
				continue
			}
			if r.effect == EffectDeny {
				return ""
			}
			denying := slices.IndexFunc(rules, func(d *rule) bool {
				return d.effect == EffectDeny && d.unconditional() && t.concern(d.actions, action) &&
					t.held(d.roles, &casework.Actor{Roles: []casework.Role{role}}) && t.at(d.actorLevel, actor) && t.at(d.caseLevel, level)
			})
			if denying < 0 {
				return ""
			}
			by = rules[denying].name
		}
	}
	if by != "" {
		return fmt.Sprintf("the rule can never allow %s to %s: %s always denies it", action, role, by)
	}
	return "the rule can never apply: nobody at the actor's level stands above a case of that level"
}

// guarantee is something that must stay denied whatever a policy says.
type guarantee struct {
	what       string
	roles      []casework.Role // nil: whatever the role
	actions    []casework.Action
	relation   Relation
	actorLevel []casework.AdminLevel // nil: at any level
	caseLevel  []casework.AdminLevel
}

// guarantees lists what is always denied. A policy can deny more, never less.
func guarantees() []guarantee {
	judging := []casework.Action{casework.ActionProposeInvalid, casework.ActionDecideInvalid, casework.ActionRecordSpotCheck}
	below := []casework.AdminLevel{casework.LevelTownship, casework.LevelVillage}
	return []guarantee{
		{what: "anything outside the subtree (第十条)", actions: casework.AllActions(), relation: RelationOutsideSubtree},
		{
			what: "an auditor who acts (第十条)", roles: []casework.Role{casework.RoleAuditor},
			actions: append(actingActions(), casework.AdministeringActions()...), relation: RelationAny,
		},
		{
			what:    "a role that somebody gives to themselves (三员分立)",
			actions: []casework.Action{casework.ActionAssignRoles}, relation: RelationOneself,
		},
		{
			what: "case content to administrators (第六条)", roles: []casework.Role{casework.RoleSysadmin, casework.RoleSecadmin},
			actions: caseContentActions(), relation: RelationAny,
		},
		{what: "a judgement by the rated department (第八条)", actions: judging, relation: RelationRatedDepartment},
		{
			what:    "a confirmation by the proposer (第八条)",
			actions: []casework.Action{casework.ActionDecideInvalid}, relation: RelationProposedIt,
		},
		{
			what:    "a confirmation below county level (第八条)",
			actions: []casework.Action{casework.ActionDecideInvalid}, relation: RelationAny, actorLevel: below, caseLevel: below,
		},
		{
			what:    "a spot check by somebody who acted (第十条)",
			actions: []casework.Action{casework.ActionRecordSpotCheck}, relation: RelationActedBefore,
		},
		{
			what:    "the reviewer's phone to the rated person (第六条)",
			actions: []casework.Action{casework.ActionReveal}, relation: RelationRatedPerson,
		},
	}
}

// kept reports whether each part of the guarantee is denied by some rule.
func (g guarantee) kept(t *terms, rules []*rule) bool {
	for _, action := range g.actions {
		if !slices.ContainsFunc(rules, func(r *rule) bool { return g.covered(t, r, action) }) {
			return false
		}
	}
	return true
}

// covered reports whether the one rule denies the action for everybody whom the
// guarantee speaks of.
func (g guarantee) covered(t *terms, r *rule, action casework.Action) bool {
	if r.effect != EffectDeny || r.when != WhenAny || !t.concern(r.actions, action) {
		return false
	}
	if r.relation != g.relation && r.relation != RelationAny {
		return false
	}
	return coversAll(r.roles, g.roles, func(role casework.Role) bool {
		return t.held(r.roles, &casework.Actor{Roles: []casework.Role{role}})
	}) && coversAll(r.actorLevel, g.actorLevel, func(l casework.AdminLevel) bool { return t.at(r.actorLevel, l) }) &&
		coversAll(r.caseLevel, g.caseLevel, func(l casework.AdminLevel) bool { return t.at(r.caseLevel, l) })
}

func coversAll[T any](w words, list []T, has func(T) bool) bool {
	if w.any {
		return true
	}
	return list != nil && !slices.ContainsFunc(list, func(v T) bool { return !has(v) })
}
