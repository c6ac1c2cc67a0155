package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/reference"
)

// deadlineCmd asks the one function that knows when something is due. It needs
// no database.
type deadlineCmd struct {
	Pack     string   `default:"henan-2019" help:"The rule pack: its id, or a YAML file."`
	Calendar string   `type:"existingfile" help:"A CSV file of holidays. Default: those of this program."`
	Clock    string   `enum:"verification,rectification,explanation,answer" default:"rectification" help:"Which limit: ${enum}."`
	From     string   `required:"" help:"Day 0, YYYY-MM-DD: the day itself is not counted."`
	Pause    []string `sep:"none" help:"A pause. May be given again; pauses and extensions count in the order in which they are given." placeholder:"FROM..TO"`
	ExtendTo []string `name:"extend-to" sep:"none" help:"An extension to this last day; may be given again." placeholder:"DATE"`
	JSON     bool     `name:"json" help:"Print the deadline with its explanation as JSON."`

	given []given
}

// given is a pause or an extension, as it stands on the command line.
type given struct{ flag, text string }

// AfterApply notes the order of pauses and extensions, which the fields have lost:
// a pause after an extension moves the extended day.
func (d *deadlineCmd) AfterApply(line *kong.Context) error { //nolint:unparam // the form of a hook
	left := map[string][]string{"pause": d.Pause, "extend-to": d.ExtendTo}
	for _, element := range line.Path {
		if element.Flag == nil || len(left[element.Flag.Name]) == 0 {
			continue
		}
		name := element.Flag.Name
		d.given = append(d.given, given{name, left[name][0]})
		left[name] = left[name][1:]
	}
	return nil
}

func (d *deadlineCmd) Run() error {
	pack, deadline, err := d.compute()
	if err != nil {
		return err
	}
	if d.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(deadline)
	}
	_, err = os.Stdout.WriteString(explain(pack, deadline))
	return err
}

func (d *deadlineCmd) compute() (casework.RulePack, casework.Deadline, error) {
	load := rules.Load
	if isPath(d.Pack) {
		load = readPack
	}
	pack, err := load(d.Pack)
	if err != nil {
		return pack, casework.Deadline{}, err
	}
	calendar, err := d.calendar()
	if err != nil {
		return pack, casework.Deadline{}, err
	}
	day0, err := dateOf("from", d.From)
	if err != nil {
		return pack, casework.Deadline{}, err
	}
	adjustments, err := d.adjustments()
	if err != nil {
		return pack, casework.Deadline{}, err
	}
	limit := pack.LimitOf(casework.ClockKind(d.Clock))
	return pack, casework.ComputeDeadline(pack, calendar, limit, day0, adjustments), nil
}

func (d *deadlineCmd) calendar() (casework.Calendar, error) {
	if d.Calendar == "" {
		return reference.Calendar()
	}
	return readCalendar(d.Calendar)
}

func (d *deadlineCmd) adjustments() ([]casework.Adjustment, error) {
	adjustments := make([]casework.Adjustment, 0, len(d.given))
	for _, g := range d.given {
		adjust := pauseOf
		if g.flag == "extend-to" {
			adjust = extensionOf
		}
		a, err := adjust(g.text)
		if err != nil {
			return nil, err
		}
		adjustments = append(adjustments, a)
	}
	return adjustments, nil
}

func extensionOf(text string) (casework.Adjustment, error) {
	until, err := dateOf("extend-to", text)
	return casework.Adjustment{ExtendTo: until}, err
}

func pauseOf(text string) (casework.Adjustment, error) {
	from, to, ok := strings.Cut(text, "..")
	if !ok {
		return casework.Adjustment{}, casework.Invalid("pause", "not_a_period", "write FROM..TO, for example 2026-03-01..2026-03-04")
	}
	start, err := dateOf("pause", from)
	if err != nil {
		return casework.Adjustment{}, err
	}
	end, err := dateOf("pause", to)
	if err != nil {
		return casework.Adjustment{}, err
	}
	if end.Before(start) {
		return casework.Adjustment{}, casework.Invalid("pause", "not_a_period", "a pause ends after it begins")
	}
	return casework.Adjustment{PausedFrom: start, PausedTo: end}, nil
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
