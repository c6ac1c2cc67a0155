package web

import (
	"encoding/base64"
	"net/http"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

const (
	organisationImportPath = organisationsPath + "/import"
	peopleImportPath       = peoplePath + "/import"
)

// importPage is the page of an import of a table, of organisations or of people.
type importPage struct {
	adminFrame

	Path, Back string // of the page itself, and of the list
	Columns    string // words for the columns of the table
	BackTitle  string
	Wrong      string
	Asked      bool
	Done       bool
	Refused    bool
	Counts     []rowCount
	Rows       []rowEntry
	Table      string // the file, for carrying out what was shown
	Consider   bool   // it can be carried out
}

type rowCount struct {
	Outcome store.RowOutcome
	Count   int
}

type rowEntry struct {
	store.RowResult

	Column, Why string
}

// showOrganisationImport answers GET /admin/organisations/import.
func showOrganisationImport(v *visit) error {
	return organisationImport().render(v, http.StatusOK, nil, "", "")
}

// importOrganisations answers POST /admin/organisations/import.
func importOrganisations(v *visit) error { return organisationImport().take(v) }

// showPeopleImport answers GET /admin/people/import.
func showPeopleImport(v *visit) error { return peopleImport().render(v, http.StatusOK, nil, "", "") }

// importPeople answers POST /admin/people/import.
func importPeople(v *visit) error { return peopleImport().take(v) }

// tableImport is one kind of import.
type tableImport struct {
	path, back, title, backTitle, columns string
	carry                                 func(*visit, []byte, bool) (commands.TableImported, error)
	// may gives the refusal of who imports nothing here.
	may func(*visit) error
}

func organisationImport() tableImport {
	return tableImport{
		path: organisationImportPath, back: organisationsPath, title: "organisations.import", backTitle: "organisations.title", columns: "import.columns",
		carry: func(v *visit, table []byte, dryRun bool) (commands.TableImported, error) {
			return v.site.Commands.ImportOrganisations(v.Request().Context(), v.user.Actor, table, dryRun)
		},
		may: func(v *visit) error {
			page, err := v.site.Commands.ListOrganisations(v.Request().Context(), v.user.Actor, store.OrganisationFilter{Limit: 1})
			if err == nil && !page.MayManage {
				err = casework.Forbidden("not_allowed", "your role keeps no organisations")
			}
			return err
		},
	}
}

func peopleImport() tableImport {
	return tableImport{
		path: peopleImportPath, back: peoplePath, title: "people.import", backTitle: "admin.people", columns: "people.import_columns",
		carry: func(v *visit, table []byte, dryRun bool) (commands.TableImported, error) {
			return v.site.Commands.ImportPeople(v.Request().Context(), v.user.Actor, table, dryRun)
		},
		may: func(v *visit) error {
			_, err := v.site.Commands.OrganisationsForPeople(v.Request().Context(), v.user.Actor, "")
			return err
		},
	}
}

// take first says what would become of each row, then, when that was seen, carries
// the import out.
func (im tableImport) take(v *visit) error {
	table, carryOut := v.file, false
	if kept := v.form.Get("table"); kept != "" && table == nil {
		data, err := base64.StdEncoding.DecodeString(kept)
		if err != nil {
			return casework.Invalid("table", "malformed_form", "the form could not be read")
		}
		table, carryOut = data, true
	}
	imported, err := im.carry(v, table, !carryOut)
	if err != nil {
		domain := v.domainError(err)
		if domain.Code != casework.CodeInvalid && domain.Code != casework.CodeUnavailable {
			return domain
		}
		return im.render(v, httpstatus.Of(domain), nil, "", v.wrong(domain))
	}
	status := http.StatusOK
	if imported.Refused() {
		status = http.StatusUnprocessableEntity
	}
	return im.render(v, status, &imported, base64.StdEncoding.EncodeToString(table), "")
}

func (im tableImport) render(v *visit, status int, imported *commands.TableImported, table, wrong string) error {
	if err := im.may(v); err != nil {
		return err
	}
	p := importPage{
		adminFrame: v.adminFrame(v.say.T(im.title), im.back), Path: im.path, Back: im.back, BackTitle: v.say.T(im.backTitle),
		Columns: v.say.T(im.columns), Wrong: wrong,
	}
	p.Here = im.path
	if imported != nil {
		p.Asked, p.Done, p.Refused = true, imported.Done, imported.Refused()
		changes := imported.Counts[store.RowCreated] + imported.Counts[store.RowChanged]
		if p.Consider = !p.Done && !p.Refused && changes > 0; p.Consider {
			p.Table = table
		}
		for _, outcome := range store.RowOutcomes() {
			p.Counts = append(p.Counts, rowCount{outcome, imported.Counts[outcome]})
		}
		for _, r := range imported.Rows {
			entry := rowEntry{RowResult: r}
			if r.Refused != nil {
				entry.Column, entry.Why = r.Refused.Field, v.wrong(r.Refused)
			}
			p.Rows = append(p.Rows, entry)
		}
	}
	return v.render(status, "admin_import", p)
}
