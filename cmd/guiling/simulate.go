package main

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// simulateCmd says which open cases would move if their days were counted by other
// rules, before these are published.
type simulateCmd struct {
	Pack     string `required:"" help:"A published rule pack, or a YAML file with a draft."`
	Calendar string `help:"A published calendar, or a CSV file with a draft. Default: the newest."`
	JSON     bool   `name:"json" help:"Print the result as JSON."`
}

func (c simulateCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		sim := commands.Simulator{Store: st, Now: app.SystemClock}
		proposal, draft := commands.Proposal{PackID: c.Pack, Calendar: c.Calendar}, casework.Calendar{}
		if isPath(c.Pack) {
			var err error
			if proposal.Draft, err = os.ReadFile(c.Pack); err != nil {
				return fmt.Errorf("rule pack: %w", err)
			}
		}
		if isPath(c.Calendar) {
			var err error
			if draft, err = readCalendar(c.Calendar); err != nil {
				return err
			}
			proposal.Calendar = ""
		}
		rules, err := sim.Rules(r.ctx, proposal)
		if err != nil {
			return err
		}
		if draft.Version != "" {
			rules.Calendar = draft
		}
		result, err := sim.Simulate(r.ctx, store.Scope{Everything: true}, rules)
		if err != nil {
			return err
		}
		return c.print(result)
	})
}

type moveJSON struct {
	Number string `json:"number"`
	casework.Move
}

func (c simulateCmd) print(result commands.Simulated) error {
	if c.JSON {
		moves := make([]moveJSON, 0, len(result.Moves))
		for _, m := range result.Moves {
			moves = append(moves, moveJSON{Number: m.Case.Number, Move: m.Move})
		}
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"summary": result.Summary, "moves": moves, "cut": result.Cut})
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range result.Moves {
		late := ""
		if m.WouldLate && !m.WasLate {
			late = "would be late"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%+d days\t%s\n", m.Case.Number, m.Clock, m.Before.LastDay, m.After.LastDay, m.Days, late)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	s := result.Summary
	more := ""
	if result.Cut {
		more = fmt.Sprintf(" (the %d largest moves are listed)", len(result.Moves))
	}
	_, err := fmt.Fprintf(os.Stdout, "%d open cases with a clock: %d later, %d earlier, %d unmoved; %d would become late, %d would no longer be%s\n"+
		"Running cases keep the pack with which they began; this is what it would be like.\n",
		s.Looked, s.Later, s.Earlier, s.Unmoved, s.NewlyLate, s.NotLate, more)
	return err
}
