package policies

import (
	"fmt"
	"slices"
	"strings"

	"guiling/internal/casework"
)

// Effect is what a rule does when it applies.
type Effect string

// A rule allows or denies. casbin ignores any other word, so the linter does not.
const (
	EffectAllow Effect = "allow"
	EffectDeny  Effect = "deny"
)

// Rule is one rule of the policy, for people. Words such as any and all are
// spelled out.
type Rule struct {
	Name        string                `json:"name"`
	Heading     string                `json:"heading"` // the comment above its group, in Chinese
	Roles       []casework.Role       `json:"roles"`
	Actions     []casework.Action     `json:"actions"`
	Relation    Relation              `json:"relation"`
	ActorLevels []casework.AdminLevel `json:"actor_levels"`
	CaseLevels  []casework.AdminLevel `json:"case_levels"`
	When        Situation             `json:"when"`
	Effect      Effect                `json:"effect"`
	Article     string                `json:"article"`
	Line        int                   `json:"line"` // in the file
}

// columns of a rule, after the leading p. The model must define them so.
var columns = []string{"name", "role", "action", "relation", "actor_level", "case_level", "when", "eft", "article"}

// rule is a rule as it is decided by.
type rule struct {
	fields  []string // the columns as text, for casbin
	line    int
	heading string

	name       string
	roles      words
	actions    words
	relation   Relation
	actorLevel words
	caseLevel  words
	when       Situation
	effect     Effect
	article    string
}

// applies evaluates the rule for one request, through the predicates that
// casbin's matcher calls.
func (r *rule) applies(t *terms, q query) bool {
	return t.concern(r.actions, q.action) &&
		t.held(r.roles, q.actor) &&
		t.at(r.actorLevel, q.actor.Level) &&
		t.at(r.caseLevel, q.object.Level) &&
		situations[r.when].holds(q.object) &&
		relations[r.relation].holds(q)
}

// unconditional reports whether the rule asks for nothing but role, action and
// level.
func (r *rule) unconditional() bool { return r.relation == RelationAny && r.when == WhenAny }

func (r *rule) describe() Rule {
	return Rule{
		Name: r.name, Heading: r.heading,
		Roles: pick(r.roles, casework.Roles()), Actions: pick(r.actions, casework.AllActions()),
		Relation:    r.relation,
		ActorLevels: pick(r.actorLevel, casework.AdminLevels()), CaseLevels: pick(r.caseLevel, casework.AdminLevels()),
		When: r.when, Effect: r.effect, Article: r.article, Line: r.line,
	}
}

// readRules reads the text of a policy. Every line is empty, a comment, or one
// rule with all its columns.
func readRules(t *terms, policy string) ([]*rule, error) {
	var rules []*rule
	var heading []string
	number := 0
	for text := range strings.Lines(policy) {
		number++
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			heading = nil
		case strings.HasPrefix(text, "#"):
			if len(rules) > 0 && rules[len(rules)-1].line == number-1 {
				heading = nil
			}
			heading = append(heading, strings.TrimSpace(strings.TrimLeft(text, "#")))
		default:
			r, err := readRule(t, text)
			if err != nil {
				return nil, &LintError{Line: number, Problem: err.Error()}
			}
			r.line, r.heading = number, strings.Join(heading, " ")
			rules = append(rules, r)
		}
	}
	return rules, nil
}

func readRule(t *terms, text string) (*rule, error) {
	fields := strings.Split(text, ",")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if fields[0] != "p" {
		return nil, fmt.Errorf("a rule begins with p, not with %q", fields[0])
	}
	fields = fields[1:]
	if len(fields) != len(columns) {
		return nil, fmt.Errorf("a rule has %d columns after p, not %d", len(columns), len(fields))
	}
	if i := slices.Index(fields, ""); i >= 0 {
		return nil, fmt.Errorf("column %s is empty", columns[i])
	}
	r := &rule{
		fields: fields, name: fields[0], relation: Relation(fields[3]),
		when: Situation(fields[6]), effect: Effect(fields[7]), article: fields[8],
	}
	var err error
	if r.roles, err = t.readRoles(fields[1]); err != nil {
		return nil, err
	}
	if r.actions, err = t.readActions(fields[2]); err != nil {
		return nil, err
	}
	if r.actorLevel, err = t.readLevels(fields[4]); err != nil {
		return nil, fmt.Errorf("actor_level: %w", err)
	}
	if r.caseLevel, err = t.readLevels(fields[5]); err != nil {
		return nil, fmt.Errorf("case_level: %w", err)
	}
	return r, nil
}
