// Package policies decides who may do what. The rules stand in policy.csv, one
// a line, readable without knowing Go; model.conf says how they combine: an
// action is allowed when a rule allows it and no rule denies it.
//
// casbin gives the verdict. Beside it, every rule is evaluated again through the
// same predicates, so that each answer names the rule and the article that
// decided, also when the answer is no. Should the two ever differ, the answer
// is no.
//
// Files that are odd in any way do not load, and what is not loaded denies
// everything.
package policies

import (
	_ "embed"
	"fmt"
	"sync/atomic"

	"guiling/internal/casework"
)

//go:embed model.conf
var embeddedModel string

//go:embed policy.csv
var embeddedPolicy string

// Why a decision came out as it did, when no rule of the policy says it. The
// words are stable; the message catalogues translate them.
const (
	ReasonRuleAllows          = "rule_allows"          // Rule names it
	ReasonRuleDenies          = "rule_denies"          // Rule names it
	ReasonNothingAllows       = "nothing_allows"       // no rule allows it
	ReasonNotLoaded           = "policy_not_loaded"    // there is no policy to ask
	ReasonActorUnknown        = "actor_unknown"        // nobody, or at no level of government
	ReasonActionUnknown       = "action_unknown"       // not one of the actions of casework
	ReasonObjectIncomplete    = "object_incomplete"    // a fact is missing that a rule asks for
	ReasonObjectContradictory = "object_contradictory" // the chain of authorities says two things
	ReasonPolicyFailed        = "policy_failed"        // casbin gave an error
	ReasonPolicyDisagrees     = "policy_disagrees"     // casbin and the explanation differ
)

// DefaultDeny is the name in Decision.Rule when no rule allows what was asked.
// No rule of a policy can bear it.
const DefaultDeny = "default-deny"

// Decision is the answer to one request, with its ground.
type Decision struct {
	Allowed bool   `json:"allowed"`
	Rule    string `json:"rule"`    // the rule that decided; empty when the policy could not be asked
	Article string `json:"article"` // the article the rule serves; empty when no rule matched
	Reason  string `json:"reason"`  // one of the Reason constants
	// Role is the actor's role for which the rule allowed it; empty for a no.
	Role casework.Role `json:"role,omitempty"`
}

// Enforcer answers requests from the policy that was loaded last. It may be
// used by many goroutines. A nil Enforcer denies everything, and so does the
// zero value until a Replace succeeds.
type Enforcer struct {
	current atomic.Pointer[ruleset]
}

// New loads the policy that the product ships with.
func New() (*Enforcer, error) { return NewFrom(embeddedModel, embeddedPolicy) }

// NewFrom loads a policy from the text of a model and of its rules. The error
// is a *LintError when the text is at fault, and names the line.
func NewFrom(model, policy string) (*Enforcer, error) {
	e := &Enforcer{}
	if err := e.Replace(model, policy); err != nil {
		return nil, err
	}
	return e, nil
}

// Replace swaps the whole policy at once. When the new one does not load, the
// last good one stays in force and the error says why.
func (e *Enforcer) Replace(model, policy string) error {
	loaded, err := load(model, policy)
	if err != nil {
		return fmt.Errorf("load policy: %w", err)
	}
	e.current.Store(loaded)
	return nil
}

func (e *Enforcer) loaded() *ruleset {
	if e == nil {
		return nil
	}
	return e.current.Load()
}

// Decide answers whether the actor may do the action to the object. It asks the
// policy alone: whether the case is at a stage where the action is thinkable is
// asked of casework.Possible.
func (e *Enforcer) Decide(actor casework.Actor, action casework.Action, object Object) Decision {
	rules := e.loaded()
	if rules == nil {
		return Decision{Reason: ReasonNotLoaded}
	}
	return rules.decide(query{actor: &actor, action: action, object: &object})
}

// MayEver reports whether the actor's roles and level can allow the action on
// any object at all. It is asked before a row is loaded: false spares the
// look-up, true promises nothing.
func (e *Enforcer) MayEver(actor casework.Actor, action casework.Action) bool {
	rules := e.loaded()
	return rules != nil && rules.mayEver(&actor, action)
}

// Shipped gives the text of the rules that the product ships with.
func Shipped() string { return embeddedPolicy }

// Parse lints rules and gives an enforcer for them, without putting anything in
// force. The error is a *LintError that names the line. Beside what every policy has
// to keep, such rules let people read exactly the cases that the shipped ones let
// them read: every list is filtered by that.
func Parse(policy string) (*Enforcer, error) {
	if err := lintPublished(policy); err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	return NewFrom(embeddedModel, policy)
}

// ReplaceRules swaps the rules at once, under the model of the product; see Parse.
// When they do not load, the last good ones stay in force and the error says why.
func (e *Enforcer) ReplaceRules(policy string) error {
	if err := lintPublished(policy); err != nil {
		return fmt.Errorf("load policy: %w", err)
	}
	return e.Replace(embeddedModel, policy)
}

// Rules lists the rules in the order of the file, for pages and documents. The
// caller may change what it gets.
func (e *Enforcer) Rules() []Rule {
	rules := e.loaded()
	if rules == nil {
		return nil
	}
	list := make([]Rule, 0, len(rules.rules))
	for _, r := range rules.rules {
		list = append(list, r.describe())
	}
	return list
}
