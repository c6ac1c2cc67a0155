package web

import (
	"net/http"

	"guiling/internal/casework"
	"guiling/internal/commands"
)

type simulatePage struct {
	frame

	Packs     []casework.RulePack
	Calendars []string
	Pack      string
	Calendar  string
	Draft     string
	Error     string // why the proposal could not be counted
	Asked     bool
	Summary   string
	Aside     string // of those that take no part, or only in part
	Rows      []simulateRow
	Cut       bool
}

// simulateRow is a case whose last day would move.
type simulateRow struct {
	Number, Path, Matter, Department, Clock, Before, After string

	Days int

	NewlyLate, WindowPassed, Paused, Provisional bool
}

// showSimulation answers GET /simulate?pack=&calendar=: which open cases would move
// under rules that are published.
func showSimulation(v *visit) error {
	return v.simulate(v.QueryParam("pack"), v.QueryParam("calendar"), "")
}

// simulateDraft answers POST /simulate: the same for a draft, which is kept nowhere.
func simulateDraft(v *visit) error {
	return v.simulate(v.form.Get("pack"), v.form.Get("calendar"), v.form.Get("draft"))
}

func (v *visit) simulate(pack, calendar, draft string) error {
	choices, err := v.site.Commands.SimulationChoices(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	p := simulatePage{
		frame: v.frame(v.say.T("simulate.title"), "/simulate"), Packs: choices.Packs, Calendars: choices.Calendars,
		Pack: pack, Calendar: calendar, Draft: draft, Asked: pack != "" || draft != "",
	}
	p.Here = "/simulate" // where one comes back to from a draft that was sent
	if v.Request().Method == http.MethodGet {
		p.Here = v.here()
	}
	if !p.Asked {
		return v.render(http.StatusOK, "simulate", p)
	}
	result, err := v.site.Commands.SimulateRules(v.Request().Context(), v.user.Actor, commands.Proposal{
		PackID: pack, Calendar: calendar, Draft: []byte(draft),
	})
	if wrong, ok := casework.AsError(err); ok && wrong.Code == casework.CodeInvalid {
		p.Asked, p.Error = false, v.say.T("error."+wrong.Reason, "Field", wrong.Field)
		if draft != "" {
			p.Error += " " + wrong.Field + ": " + wrong.Detail
		}
		return v.render(http.StatusUnprocessableEntity, "simulate", p)
	}
	if err != nil {
		return err
	}
	sum := result.Summary
	p.Cut = result.Cut
	p.Summary = v.say.T("simulate.summary", "Looked", sum.Looked, "Later", sum.Later, "Earlier", sum.Earlier,
		"Unmoved", sum.Unmoved, "NewlyLate", sum.NewlyLate, "NotLate", sum.NotLate,
		"LargestLater", sum.LargestLater, "LargestEarlier", sum.LargestEarlier)
	if without := result.Open - sum.Looked; without+sum.Paused+sum.WindowsPassed > 0 {
		p.Aside = v.say.T("simulate.aside", "Without", without, "Paused", sum.Paused, "Closed", sum.WindowsPassed)
	}
	for _, m := range result.Moves {
		p.Rows = append(p.Rows, simulateRow{
			Number: m.Case.Number, Path: casePath(m.Case.Number), Matter: m.Case.MatterName, Department: m.Case.DepartmentName,
			Clock: v.say.T("clock." + string(m.Clock)), Before: m.Before.LastDay.String(), After: m.After.LastDay.String(),
			Days: m.Days, NewlyLate: m.NewlyLate(), WindowPassed: m.WindowPassed, Paused: m.Paused, Provisional: m.After.Provisional,
		})
	}
	return v.render(http.StatusOK, "simulate", p)
}
