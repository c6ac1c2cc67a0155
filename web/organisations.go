package web

import (
	"net/http"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

const organisationsPath = "/admin/organisations"

func organisationPath(id int64) string { return organisationsPath + "/" + strconv.FormatInt(id, 10) }

type organisationsPage struct {
	adminFrame

	Query       string
	Region      string
	Kind        casework.OrganisationKind
	Unconfirmed bool
	Ended       bool
	Waiting     int // for confirmation, in all of the subtree
	Rows        []organisationEntry
	MayManage   bool
	New         map[string]string // what was typed of a new one
	Wrong       string            // why it could not be created
	Next        string
	First       string
	Later       bool
}

// organisationEntry is an organisation with the address of its page.
type organisationEntry struct {
	store.Organisation

	Path string
}

// showOrganisations answers GET /admin/organisations: those of the subtree, by region.
func showOrganisations(v *visit) error { return v.listOrganisations(http.StatusOK, "") }

func (v *visit) listOrganisations(status int, wrong string) error {
	after, err := cursorOf[store.OrganisationCursor](v)
	if err != nil {
		return err
	}
	p := organisationsPage{
		adminFrame: v.adminFrame(v.say.T("organisations.title"), organisationsPath),
		Query:      v.QueryParam("name"), Region: v.QueryParam("region"), Kind: casework.OrganisationKind(v.QueryParam("kind")),
		Unconfirmed: v.QueryParam("unconfirmed") == "true", Ended: v.QueryParam("ended") == "true",
		New: map[string]string{}, Wrong: wrong, Later: after.ID != 0,
	}
	for _, name := range []string{"kind", "name", "region_code", "valid_from"} {
		p.New[name] = v.typed(name)
	}
	region := p.Region
	if code, ok := casework.NormalizeRegionCode(region); ok {
		region = code
	}
	page, err := v.site.Commands.ListOrganisations(v.Request().Context(), v.user.Actor, store.OrganisationFilter{
		Part: p.Query, RegionCode: region, Kind: p.Kind, Unconfirmed: p.Unconfirmed, Ended: p.Ended, After: after,
	})
	if err != nil {
		return err
	}
	p.Waiting, p.MayManage = page.Unconfirmed, page.MayManage
	for _, o := range page.Organisations {
		p.Rows = append(p.Rows, organisationEntry{Organisation: o, Path: organisationPath(o.ID)})
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(status, "admin_organisations", p)
}

// createOrganisation answers POST /admin/organisations.
func createOrganisation(v *visit) error {
	from, err := v.date("valid_from")
	var id int64
	if err == nil {
		id, err = v.site.Commands.CreateOrganisation(v.Request().Context(), v.user.Actor, commands.NewOrganisation{
			Kind: casework.OrganisationKind(v.form.Get("kind")), Name: v.form.Get("name"), RegionCode: normalRegion(v.form.Get("region_code")), ValidFrom: from,
		})
	}
	if err == nil {
		return v.redirect(organisationPath(id))
	}
	domain := v.domainError(err)
	if domain.Code != casework.CodeInvalid && domain.Code != casework.CodeConflict && domain.Code != casework.CodeUnavailable {
		return domain
	}
	return v.listOrganisations(httpstatus.Of(domain), v.wrong(domain))
}

// wrong says in words why something was refused.
func (v *visit) wrong(e *casework.Error) string { return v.say.T("error."+e.Reason, "Field", e.Field) }

// date reads a day from a form; the zero day where none was typed.
func (v *visit) date(field string) (casework.Date, error) {
	text := v.form.Get(field)
	if text == "" {
		return casework.Date{}, nil
	}
	day, err := casework.ParseDate(text)
	if err != nil {
		return casework.Date{}, casework.Invalid(field, "not_a_date", "a date of the form YYYY-MM-DD")
	}
	return day, nil
}

// normalRegion completes the code of a region that was typed short.
func normalRegion(code string) string {
	if full, ok := casework.NormalizeRegionCode(code); ok {
		return full
	}
	return code
}
