package policies

import "guiling/internal/casework"

// RuleCheck says how one rule stood to a request: it applied, or which of its
// columns did not hold.
type RuleCheck struct {
	Rule    Rule     `json:"rule"`
	Applies bool     `json:"applies"`
	Misses  []string `json:"misses"` // names of columns: role, actor_level, case_level, when, relation
}

// Explain decides and tells, for every rule about the action, why it applied or did
// not. It is for people; Decide alone is asked before anything is done.
func (e *Enforcer) Explain(actor casework.Actor, action casework.Action, object Object) (Decision, []RuleCheck) {
	decision := e.Decide(actor, action, object)
	rules := e.loaded()
	if rules == nil {
		return decision, nil
	}
	q := query{actor: &actor, action: action, object: &object}
	asked := rules.byAction[action].rules
	checks := make([]RuleCheck, 0, len(asked))
	for _, r := range asked {
		check := RuleCheck{Rule: r.describe(), Applies: r.applies(rules.terms, q)}
		for _, column := range []struct {
			name  string
			holds bool
		}{
			{"role", rules.terms.held(r.roles, &actor)},
			{"actor_level", rules.terms.at(r.actorLevel, actor.Level)},
			{"case_level", rules.terms.at(r.caseLevel, object.Level)},
			{"when", situations[r.when].holds(&object)},
			{"relation", relations[r.relation].holds(q)},
		} {
			if !column.holds {
				check.Misses = append(check.Misses, column.name)
			}
		}
		checks = append(checks, check)
	}
	return decision, checks
}
