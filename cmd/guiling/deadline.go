package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/reference"
)

// deadlineCmd asks the one function that knows when something is due. It needs
// no database.
type deadlineCmd struct {
	Pack     string   `default:"henan-2019" help:"The rule pack: its id, or a YAML file."`
	From     string   `required:"" help:"Day 0, YYYY-MM-DD: the day itself is not counted."`
	Pause    []string `help:"A pause, FROM..TO; may be given again." placeholder:"FROM..TO"`
	ExtendTo string   `name:"extend-to" help:"An extension to this last day, after the pauses."`
	JSON     bool     `name:"json" help:"Print the deadline with its explanation as JSON."`
}

func (d deadlineCmd) Run() error {
	load := rules.Load
	if isPath(d.Pack) {
		load = readPack
	}
	pack, err := load(d.Pack)
	if err != nil {
		return err
	}
	calendar, err := reference.Calendar()
	if err != nil {
		return err
	}
	day0, err := dateOf("from", d.From)
	if err != nil {
		return err
	}
	adjustments, err := d.adjustments()
	if err != nil {
		return err
	}
	deadline := casework.ComputeDeadline(pack, calendar, pack.Rectification, day0, adjustments)
	if d.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(deadline)
	}
	_, err = os.Stdout.WriteString(explain(pack, deadline))
	return err
}

func (d deadlineCmd) adjustments() ([]casework.Adjustment, error) {
	var adjustments []casework.Adjustment
	for _, pause := range d.Pause {
		from, to, ok := strings.Cut(pause, "..")
		if !ok {
			return nil, casework.Invalid("pause", "not_a_period", "write FROM..TO, for example 2026-03-01..2026-03-04")
		}
		start, err := dateOf("pause", from)
		if err != nil {
			return nil, err
		}
		end, err := dateOf("pause", to)
		if err != nil {
			return nil, err
		}
		if end.Before(start) {
			return nil, casework.Invalid("pause", "not_a_period", "a pause ends after it begins")
		}
		adjustments = append(adjustments, casework.Adjustment{PausedFrom: start, PausedTo: end})
	}
	if d.ExtendTo != "" {
		until, err := dateOf("extend-to", d.ExtendTo)
		if err != nil {
			return nil, err
		}
		adjustments = append(adjustments, casework.Adjustment{ExtendTo: until})
	}
	return adjustments, nil
}

func dateOf(flag, text string) (casework.Date, error) {
	date, err := casework.ParseDate(text)
	if domain, ok := casework.AsError(err); ok {
		return date, casework.Invalid(flag, domain.Reason, domain.Detail)
	}
	return date, err
}

// explain writes a deadline for people at a terminal.
func explain(pack casework.RulePack, d casework.Deadline) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s 24:00 +08:00\n", d.LastDay)
	fmt.Fprintf(&out, "  day 0          %s, not counted\n", d.Day0)
	fmt.Fprintf(&out, "  rule           %s version %d, %s, %s\n", d.PackID, d.PackVersion, d.Limit.Article, pack.Name)
	for _, step := range d.Steps {
		fmt.Fprintf(&out, "  %-14s %+d days, to %s\n", step.Kind, step.Days, step.To)
	}
	for _, day := range d.Skipped {
		fmt.Fprintf(&out, "  not counted    %s %s\n", day.Date, day.Name)
	}
	if d.CalendarVersion != "" {
		fmt.Fprintf(&out, "  calendar       %s\n", d.CalendarVersion)
	}
	if d.Provisional {
		out.WriteString("  provisional    a day beyond the published calendar was used\n")
	}
	return out.String()
}
