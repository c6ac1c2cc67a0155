package app

import (
	"fmt"
	"time"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/reference"
)

// ruleBook holds all rule packs and the calendar of this build.
type ruleBook struct {
	packs    []casework.RulePack
	calendar casework.Calendar
}

func loadRuleBook() (ruleBook, error) {
	packs, err := rules.All()
	if err != nil {
		return ruleBook{}, fmt.Errorf("rule packs: %w", err)
	}
	calendar, err := reference.Calendar()
	if err != nil {
		return ruleBook{}, fmt.Errorf("calendar: %w", err)
	}
	return ruleBook{packs: packs, calendar: calendar}, nil
}

// of gives the rules of a running case.
func (b ruleBook) of(packID string) (casework.Rules, error) {
	for _, p := range b.packs {
		if p.ID == packID {
			return b.with(p), nil
		}
	}
	return casework.Rules{}, fmt.Errorf("no rule pack %q", packID)
}

// inForce gives the rules with which a case begins at an instant: the default
// pack, once it is in effect.
func (b ruleBook) inForce(at time.Time) (casework.Rules, error) {
	pack, err := rules.Default()
	if err != nil {
		return casework.Rules{}, fmt.Errorf("default rule pack: %w", err)
	}
	if casework.DateOf(at).Before(pack.EffectiveFrom) {
		return casework.Rules{}, fmt.Errorf("rule pack %s is in effect from %s on", pack.ID, pack.EffectiveFrom)
	}
	return b.with(pack), nil
}

// with adds the calendar only where a limit depends on it: it goes into the
// history of every case that needs it.
func (b ruleBook) with(p casework.RulePack) casework.Rules {
	r := casework.Rules{Pack: p}
	if p.NeedsCalendar() {
		r.Calendar = b.calendar
	}
	return r
}
