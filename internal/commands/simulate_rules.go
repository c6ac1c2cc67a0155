package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
	"guiling/policies/rules"
)

// maxMoves bounds the moves that are told one by one; the summary counts them all.
const maxMoves = 500

// maxDraft bounds the draft of a rule pack, in bytes.
const maxDraft = 32 << 10

// Simulated is what a proposal of rules would do to open cases.
type Simulated struct {
	Summary casework.Simulation `json:"summary"`
	Open    int                 `json:"open"` // open cases that have begun; those without a clock take no part
	// Moves are the cases whose last day would change, the largest change first.
	// Cut says that there are more than are listed.
	Moves []SimulatedMove `json:"moves"`
	Cut   bool            `json:"cut"`
}

// SimulatedMove is one case whose deadline would move.
type SimulatedMove struct {
	casework.Move

	Case store.Case `json:"-"`
}

// Simulator tells what other rules would do to open cases. It reads only.
type Simulator struct {
	Store *store.Store
	Now   func() time.Time
}

// Simulate counts every open case in scope by the proposal.
func (sim Simulator) Simulate(ctx context.Context, scope store.Scope, proposal casework.Rules) (Simulated, error) {
	out := Simulated{Moves: []SimulatedMove{}}
	err := sim.Store.EachOpenCase(ctx, scope, func(c store.Case, recorded []store.RecordedEvent) error {
		state, err := fold(recorded)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.Number, err)
		}
		if state.Version == 0 {
			return nil
		}
		own, err := sim.Store.RulesOf(ctx, state.PackID, state.PackVersion, state.CalendarVersion)
		if err != nil {
			return fmt.Errorf("rules of case %s: %w", c.Number, err)
		}
		out.Open++
		move, ok := casework.Simulate(state, own, proposal, sim.Now().Add(c.ClockOffset))
		if !ok {
			return nil
		}
		out.Summary.Add(move)
		if move.Days != 0 {
			out.Moves = append(out.Moves, SimulatedMove{Move: move, Case: c})
		}
		return nil
	})
	if err != nil {
		return Simulated{}, err
	}
	slices.SortStableFunc(out.Moves, func(a, b SimulatedMove) int { return casework.CompareMoves(a.Move, b.Move) })
	if len(out.Moves) > maxMoves {
		out.Moves, out.Cut = out.Moves[:maxMoves], true
	}
	return out, nil
}

// Proposal names rules that are published, or brings a draft of a pack along.
type Proposal struct {
	PackID   string // its newest version: of those published, and of the one in this program
	Draft    []byte // a pack as YAML, in place of PackID; it is kept nowhere
	Calendar string // a published version; empty: the newest
}

// Rules finds the rules of a proposal. What is not published is CodeNotFound with
// the field.
func (sim Simulator) Rules(ctx context.Context, p Proposal) (casework.Rules, error) {
	var proposed casework.Rules
	var err error
	if proposed.Pack, err = sim.pack(ctx, p); err != nil {
		return proposed, err
	}
	if p.Calendar == "" {
		proposed.Calendar, err = sim.Store.NewestCalendar(ctx)
		return proposed, err
	}
	proposed.Calendar, err = sim.Store.Calendar(ctx, p.Calendar)
	if isNotFound(err) {
		return proposed, casework.Invalid("calendar", "calendar_unknown", fmt.Sprintf("there is no published calendar %q", p.Calendar))
	}
	return proposed, err
}

func (sim Simulator) pack(ctx context.Context, p Proposal) (casework.RulePack, error) {
	if len(p.Draft) > maxDraft {
		return casework.RulePack{}, casework.Invalid("draft", "rule_pack_too_long", fmt.Sprintf("a draft has at most %d bytes", maxDraft))
	}
	if len(p.Draft) > 0 {
		return rules.Parse(p.Draft)
	}
	packs, err := sim.Store.RulePacks(ctx)
	if err != nil {
		return casework.RulePack{}, err
	}
	var newest casework.RulePack
	if i := slices.IndexFunc(packs, func(pack casework.RulePack) bool { return pack.ID == p.PackID }); i >= 0 {
		newest = packs[i]
	}
	// What this program brings along is published by the next migrate.
	kept, err := rules.Load(p.PackID)
	switch {
	case err == nil && kept.Version > newest.Version:
		newest = kept
	case err != nil && !isNotFound(err):
		return casework.RulePack{}, err
	}
	if newest.Version == 0 {
		return casework.RulePack{}, casework.Invalid("pack", "rule_pack_unknown", fmt.Sprintf("there is no rule pack %q", p.PackID))
	}
	return newest, nil
}

// SimulationChoices are the published packs and calendars.
type SimulationChoices struct {
	Packs     []casework.RulePack
	Calendars []string
}

// SimulationChoices reads what a simulation can be made of.
func (s *Service) SimulationChoices(ctx context.Context, actor casework.Actor) (SimulationChoices, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionSimulate, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return SimulationChoices{}, err
	}
	packs, err := s.store.RulePacks(ctx)
	if err != nil {
		return SimulationChoices{}, err
	}
	calendars, err := s.store.CalendarVersions(ctx)
	return SimulationChoices{Packs: packs, Calendars: calendars}, err
}

// SimulateRules tells a supervisor what a proposal would do to the open cases of
// the subtree.
func (s *Service) SimulateRules(ctx context.Context, actor casework.Actor, p Proposal) (Simulated, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionSimulate, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return Simulated{}, err
	}
	sim := Simulator{Store: s.store, Now: s.now}
	proposed, err := sim.Rules(ctx, p)
	if err != nil {
		return Simulated{}, err
	}
	return sim.Simulate(ctx, scopeOf(actor), proposed)
}
