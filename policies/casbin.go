package policies

import (
	"fmt"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/casbin/govaluate"

	"guiling/internal/casework"
)

// newCasbin builds an uncached enforcer over the rules, with the functions that
// the matcher calls.
func newCasbin(modelText string, rules []*rule, t *terms) (*casbin.Enforcer, error) {
	m, err := model.NewModelFromString(modelText)
	if err != nil {
		return nil, fmt.Errorf("casbin model: %w", err)
	}
	for _, r := range rules {
		if err := m.AddPolicy("p", "p", r.fields); err != nil {
			return nil, fmt.Errorf("casbin rule %s: %w", r.name, err)
		}
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("casbin enforcer: %w", err)
	}
	e.EnableAutoSave(false)
	for name, f := range t.functions() {
		e.AddFunction(name, f)
	}
	return e, nil
}

// functions are the predicates under the names that model.conf uses. Given
// anything but what they expect they return an error, which denies; they never
// panic.
func (t *terms) functions() map[string]govaluate.ExpressionFunction {
	return map[string]govaluate.ExpressionFunction{
		"concerns": func(args ...any) (any, error) {
			text, action, err := two[string, string](args)
			if err != nil {
				return false, fmt.Errorf("concerns: %w", err)
			}
			w, err := known(t.actions, text)
			return err == nil && t.concern(w, casework.Action(action)), err
		},
		"holds": func(args ...any) (any, error) {
			text, actor, err := two[string, *casework.Actor](args)
			if err != nil || actor == nil {
				return false, fmt.Errorf("holds: %w", orNil(err))
			}
			w, err := known(t.roles, text)
			return err == nil && t.held(w, actor), err
		},
		"acts_at": func(args ...any) (any, error) {
			text, actor, err := two[string, *casework.Actor](args)
			if err != nil || actor == nil {
				return false, fmt.Errorf("acts_at: %w", orNil(err))
			}
			w, err := known(t.levels, text)
			return err == nil && t.at(w, actor.Level), err
		},
		"case_at": func(args ...any) (any, error) {
			text, object, err := two[string, *Object](args)
			if err != nil || object == nil {
				return false, fmt.Errorf("case_at: %w", orNil(err))
			}
			w, err := known(t.levels, text)
			return err == nil && t.at(w, object.Level), err
		},
		"applies": func(args ...any) (any, error) {
			text, object, err := two[string, *Object](args)
			if err != nil || object == nil {
				return false, fmt.Errorf("applies: %w", orNil(err))
			}
			spec, err := known(situations, Situation(text))
			return err == nil && spec.holds(object), err
		},
		"related": related,
	}
}

func related(args ...any) (any, error) {
	if len(args) != 4 {
		return false, fmt.Errorf("related: 4 arguments expected, not %d", len(args))
	}
	text, actor, err := two[string, *casework.Actor](args[:2])
	if err != nil || actor == nil {
		return false, fmt.Errorf("related: %w", orNil(err))
	}
	action, object, err := two[string, *Object](args[2:])
	if err != nil || object == nil {
		return false, fmt.Errorf("related: %w", orNil(err))
	}
	spec, err := known(relations, Relation(text))
	return err == nil && spec.holds(query{actor: actor, action: casework.Action(action), object: object}), err
}

// two takes exactly two arguments of the given types.
func two[A, B any](args []any) (A, B, error) {
	var a A
	var b B
	if len(args) != 2 {
		return a, b, fmt.Errorf("2 arguments expected, not %d", len(args))
	}
	a, ok := args[0].(A)
	if !ok {
		return a, b, fmt.Errorf("argument 1 is a %T", args[0])
	}
	b, ok = args[1].(B)
	if !ok {
		return a, b, fmt.Errorf("argument 2 is a %T", args[1])
	}
	return a, b, nil
}

func orNil(err error) error {
	if err == nil {
		return errNilArgument
	}
	return err
}

func known[K comparable, V any](m map[K]V, key K) (V, error) {
	v, ok := m[key]
	if !ok {
		return v, fmt.Errorf("unknown word %v", key)
	}
	return v, nil
}
