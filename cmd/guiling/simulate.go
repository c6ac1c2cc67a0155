package main

import (
	"encoding/json"
	"fmt"
	"io"
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
		return c.tell(os.Stdout, rules, result)
	})
}

// simulationJSON is the answer with --json.
type simulationJSON struct {
	Pack            string              `json:"pack"`
	PackVersion     int                 `json:"pack_version"`
	CalendarVersion string              `json:"calendar_version"`
	Open            int                 `json:"open"`
	Summary         casework.Simulation `json:"summary"`
	Moves           []moveJSON          `json:"moves"`
	Cut             bool                `json:"cut"` // there are more moves than are listed
}

type moveJSON struct {
	Number string         `json:"number"`
	Stage  casework.Stage `json:"stage"`
	casework.Move
}

func (c simulateCmd) tell(out io.Writer, proposal casework.Rules, result commands.Simulated) error {
	if c.JSON {
		answer := simulationJSON{
			Pack: proposal.Pack.ID, PackVersion: proposal.Pack.Version, CalendarVersion: proposal.Calendar.Version,
			Open: result.Open, Summary: result.Summary, Moves: make([]moveJSON, 0, len(result.Moves)), Cut: result.Cut,
		}
		for _, m := range result.Moves {
			answer.Moves = append(answer.Moves, moveJSON{Number: m.Case.Number, Stage: m.Case.Stage, Move: m.Move})
		}
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(answer)
	}
	if len(result.Moves) > 0 {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "NUMBER\tSTAGE\tCLOCK\tNOW\tTHEN\tDAYS\t") // the writer keeps its error for Flush
		for _, m := range result.Moves {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%+d\t%s\n",
				m.Case.Number, m.Case.Stage, m.Clock, m.Before.LastDay, m.After.LastDay, m.Days, remark(m.Move))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	s := result.Summary
	_, err := fmt.Fprintf(out, `by %s version %d and calendar %s
%d open cases with a clock, %d without take no part
%d later (by %d days at most), %d earlier (by %d days at most), %d unmoved
%d would become late, %d would no longer be; %d would be closed, their time to answer over; %d are paused
`,
		proposal.Pack.ID, proposal.Pack.Version, proposal.Calendar.Version, s.Looked, result.Open-s.Looked,
		s.Later, s.LargestLater, s.Earlier, s.LargestEarlier, s.Unmoved, s.NewlyLate, s.NotLate, s.WindowsPassed, s.Paused)
	if err != nil {
		return err
	}
	if result.Cut {
		if _, err := fmt.Fprintf(out, "the %d largest of %d moves are listed\n", len(result.Moves), s.Moved()); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, "Running cases keep the pack with which they began; this is what it would be like.")
	return err
}

// remark says what else there is to know of a move.
func remark(m casework.Move) string {
	switch {
	case m.NewlyLate():
		return "would be late"
	case m.WindowPassed:
		return "would be closed"
	case m.Paused:
		return "paused"
	case m.After.Provisional:
		return "provisional"
	default:
		return ""
	}
}
