package web

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/export"
	"guiling/internal/store"
)

// exportCase answers GET /cases/:number/export: one case with all that happened, as
// a workbook for people and as canonical JSON for programs, in a ZIP.
func exportCase(v *visit) error {
	if err := v.fromOurPages(); err != nil {
		return err
	}
	audit, err := v.site.Commands.ExportCase(v.Request().Context(), v.user.Actor, v.Param("number"))
	if err != nil {
		return err
	}
	number := audit.Case.Number
	file := download{Title: v.say.T("export.list.case") + "-" + number, Plain: "case-" + number, Extension: "zip", MediaType: "application/zip"}
	return v.giveAway(file, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		workbook, err := archive.Create("case-" + number + ".xlsx")
		if err == nil {
			err = v.writeCaseBook(workbook, audit)
		}
		if err != nil {
			return err
		}
		evidence, err := audit.Evidence()
		if err != nil {
			return err
		}
		events, err := archive.Create("events-" + number + ".json")
		if err == nil {
			_, err = events.Write(evidence)
		}
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		return archive.Close()
	})
}

// sheet is one sheet of the workbook of a case.
type sheet struct {
	name    string
	columns []export.Column
	rows    [][]export.Cell
}

func (v *visit) writeCaseBook(w io.Writer, audit commands.CaseAudit) error {
	book, err := export.NewBook(w, casework.China())
	if err != nil {
		return err
	}
	for _, s := range []sheet{v.factsSheet(audit), v.eventsSheet(audit), v.looksSheet(audit), v.repairsSheet(audit), v.exportsSheet(audit)} {
		err = book.Sheet(s.name, s.columns)
		for _, row := range s.rows {
			if err == nil {
				err = book.Write(row)
			}
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, book.Close())
}

// factsSheet is the case as it stands, with why its deadline is the day that it is.
func (v *visit) factsSheet(audit commands.CaseAudit) sheet {
	s := sheet{name: v.say.T("export.sheet.facts"), columns: []export.Column{
		v.column("export.fact", 24), v.column("export.value", 70),
	}}
	cells := v.caseCells(audit.Case)
	for i, column := range v.caseTable() {
		s.rows = append(s.rows, []export.Cell{column.Header, cells[i]})
	}
	s.rows = append(s.rows,
		[]export.Cell{v.say.T("export.tags"), strings.Join(v.tagLabels(audit.Case.Tags), v.say.T("list.comma"))},
		[]export.Cell{v.say.T("audit.merged_into"), audit.State.MergedInto},
		[]export.Cell{v.say.T("audit.merged_cases"), strings.Join(audit.State.MergedCases, v.say.T("list.comma"))},
	)
	for _, line := range v.clockLines(v.clockOf(audit.CaseView)) {
		s.rows = append(s.rows, []export.Cell{line[0], line[1]})
	}
	s.rows = append(s.rows,
		[]export.Cell{v.say.T("export.by"), v.user.DisplayName + " · " + v.user.OrganisationName},
		[]export.Cell{v.say.T("export.at"), v.site.Commands.Now(store.Case{})},
		[]export.Cell{v.say.T("export.masked"), v.say.T("export.masked_words")},
	)
	return s
}

func (v *visit) eventsSheet(audit commands.CaseAudit) sheet {
	s := sheet{name: v.say.T("export.list.events"), columns: append(v.eventTable(), v.column("export.recorded", 80))}
	for _, e := range audit.Events {
		var facts []string
		for _, f := range factsOf(e.Body) {
			facts = append(facts, f.Name+": "+f.Value)
		}
		s.rows = append(s.rows, append(v.eventCells(e), strings.Join(facts, "\n")))
	}
	return s
}

func (v *visit) looksSheet(audit commands.CaseAudit) sheet {
	s := sheet{name: v.say.T("export.list.reveals"), columns: v.revealTable()}
	for _, r := range audit.Reveals {
		s.rows = append(s.rows, v.revealCells(r))
	}
	return s
}

func (v *visit) repairsSheet(audit commands.CaseAudit) sheet {
	s := sheet{name: v.say.T("export.sheet.repairs"), columns: []export.Column{
		v.column("column.time", 20), v.column("column.what", 40), v.column("export.recorded", 80), v.column("story.build", 14),
	}}
	for _, r := range audit.Repairs {
		s.rows = append(s.rows, []export.Cell{r.At, v.say.T("repair." + string(r.Kind)), string(r.Detail), r.Build})
	}
	return s
}

func (v *visit) exportsSheet(audit commands.CaseAudit) sheet {
	s := sheet{name: v.say.T("export.sheet.exports"), columns: []export.Column{
		v.column("column.time", 20), v.column("column.who", 12), v.column("export.organisation", 28), v.column("export.format", 8), v.column("export.rows", 8),
	}}
	for _, x := range audit.Exports {
		s.rows = append(s.rows, []export.Cell{x.At, x.UserName, x.OrganisationName, x.Format, x.Rows})
	}
	return s
}
