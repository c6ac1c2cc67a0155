package web

import (
	"encoding/base64"
	"net/http"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

const organisationImportPath = organisationsPath + "/import"

type organisationImportPage struct {
	adminFrame

	Wrong    string
	Asked    bool
	Done     bool
	Refused  bool
	Counts   []rowCount
	Rows     []rowEntry
	Table    string // the file, for carrying out what was shown
	Consider bool   // it can be carried out
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
	return v.renderOrganisationImport(http.StatusOK, nil, "", "")
}

// importOrganisations answers POST /admin/organisations/import: first what would
// become of each row, then, when that was seen, the import itself.
func importOrganisations(v *visit) error {
	table, carryOut := v.file, false
	if kept := v.form.Get("table"); kept != "" && table == nil {
		data, err := base64.StdEncoding.DecodeString(kept)
		if err != nil {
			return casework.Invalid("table", "malformed_form", "the form could not be read")
		}
		table, carryOut = data, true
	}
	imported, err := v.site.Commands.ImportOrganisations(v.Request().Context(), v.user.Actor, table, !carryOut)
	if err != nil {
		domain := v.domainError(err)
		if domain.Code != casework.CodeInvalid && domain.Code != casework.CodeUnavailable {
			return domain
		}
		return v.renderOrganisationImport(httpstatus.Of(domain), nil, "", v.wrong(domain))
	}
	status := http.StatusOK
	if imported.Refused() {
		status = http.StatusUnprocessableEntity
	}
	return v.renderOrganisationImport(status, &imported, base64.StdEncoding.EncodeToString(table), "")
}

func (v *visit) renderOrganisationImport(status int, imported *commands.OrganisationsImported, table, wrong string) error {
	page, err := v.site.Commands.ListOrganisations(v.Request().Context(), v.user.Actor, store.OrganisationFilter{Limit: 1})
	if err != nil {
		return err
	}
	if !page.MayManage {
		return casework.Forbidden("not_allowed", "your role keeps no organisations")
	}
	p := organisationImportPage{adminFrame: v.adminFrame(v.say.T("organisations.import"), organisationsPath), Wrong: wrong}
	p.Here = organisationImportPath
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
	return v.render(status, "admin_organisations_import", p)
}
