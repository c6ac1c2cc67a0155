package policies

import (
	"fmt"

	"github.com/casbin/casbin/v2"

	"guiling/internal/casework"
)

// ruleset is one loaded policy. Nothing in it changes after load.
type ruleset struct {
	rules []*rule
	terms *terms
	// byAction holds the rules that can concern each action, and a casbin
	// enforcer with exactly those. A rule that names another action cannot
	// match, so leaving it out changes no verdict and saves most of the time.
	byAction map[casework.Action]actionRules
}

type actionRules struct {
	rules  []*rule
	casbin *casbin.Enforcer // uncached: a cache would still allow after a role was taken away
}

// load reads, lints and builds a policy. Anything odd is an error.
func load(modelText, policyText string) (*ruleset, error) {
	if err := lintModel(modelText); err != nil {
		return nil, err
	}
	t := newTerms()
	rules, err := readRules(t, policyText)
	if err != nil {
		return nil, err
	}
	if err := lintRules(t, rules); err != nil {
		return nil, err
	}
	s := &ruleset{rules: rules, terms: t, byAction: map[casework.Action]actionRules{}}
	for _, action := range casework.AllActions() {
		var concerned []*rule
		for _, r := range rules {
			if t.concern(r.actions, action) {
				concerned = append(concerned, r)
			}
		}
		enforcer, err := newCasbin(modelText, concerned, t)
		if err != nil {
			return nil, fmt.Errorf("rules for %s: %w", action, err)
		}
		s.byAction[action] = actionRules{rules: concerned, casbin: enforcer}
	}
	return s, nil
}

func (s *ruleset) decide(q query) Decision {
	if reason := s.flaw(q); reason != "" {
		return Decision{Reason: reason}
	}
	asked := s.byAction[q.action]
	verdict, err := asked.casbin.Enforce(q.actor, string(q.action), q.object)
	if err != nil {
		return Decision{Reason: ReasonPolicyFailed}
	}
	explained := explain(asked.rules, s.terms, q)
	if verdict != explained.Allowed {
		return Decision{Reason: ReasonPolicyDisagrees}
	}
	return explained
}

// flaw says why the request cannot be judged at all, or "".
func (s *ruleset) flaw(q query) string {
	if _, ok := s.byAction[q.action]; !ok {
		return ReasonActionUnknown
	}
	if q.actor.UserID == 0 || !q.actor.Level.Valid() {
		return ReasonActorUnknown
	}
	return q.object.flaw(q.action)
}

// explain finds the rule that decides: the first that denies, else the first
// that allows.
func explain(rules []*rule, t *terms, q query) Decision {
	var allowing *rule
	for _, r := range rules {
		if r.effect == EffectAllow && allowing != nil {
			continue
		}
		if !r.applies(t, q) {
			continue
		}
		if r.effect == EffectDeny {
			return Decision{Rule: r.name, Article: r.article, Reason: ReasonRuleDenies}
		}
		allowing = r
	}
	if allowing == nil {
		return Decision{Rule: DefaultDeny, Reason: ReasonNothingAllows}
	}
	d := Decision{Allowed: true, Rule: allowing.name, Article: allowing.article, Reason: ReasonRuleAllows}
	for _, role := range pick(allowing.roles, casework.Roles()) {
		if q.actor.Has(role) {
			d.Role = role
		}
	}
	return d
}

func (s *ruleset) mayEver(actor *casework.Actor, action casework.Action) bool {
	if actor.UserID == 0 || !actor.Level.Valid() {
		return false
	}
	allowed := false
	for _, r := range s.byAction[action].rules {
		if !s.terms.held(r.roles, actor) || !s.terms.at(r.actorLevel, actor.Level) {
			continue
		}
		if r.effect == EffectAllow {
			allowed = true
		} else if r.unconditional() && r.caseLevel.any {
			return false
		}
	}
	return allowed
}
