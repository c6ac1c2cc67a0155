package web

import (
	"net/http"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

type organisationPage struct {
	adminFrame

	Path       string
	Parent     string // the address of the organisation above; empty at the top or outside the subtree
	Successor  string
	View       commands.OrganisationView
	Department bool
	Open       bool // who looks keeps it, and it is in being
	Today      string
	Events     []adminEntry
	Candidates []store.Organisation // into which a department could be merged, or windows given
	Form       string               // the form that was refused
	Wrong      string               // and why
	Typed      map[string]string
}

// organisationOf reads the number of an organisation from the address.
func organisationOf(v *visit) (int64, error) {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil {
		return 0, &casework.Error{Code: casework.CodeNotFound, Reason: "organisation_not_found", Detail: "no organisation has such a number"}
	}
	return id, nil
}

// showOrganisation answers GET /admin/organisations/:id: facts, halls and windows,
// history, and what can be done to it.
func showOrganisation(v *visit) error {
	id, err := organisationOf(v)
	if err != nil {
		return err
	}
	return v.renderOrganisation(http.StatusOK, id, "", "")
}

// candidatesOffered bounds how many departments a form offers by name; any other
// can be named by its number.
const candidatesOffered = 200

func (v *visit) renderOrganisation(status int, id int64, form, wrong string) error {
	ctx := v.Request().Context()
	view, err := v.site.Commands.ViewOrganisation(ctx, v.user.Actor, id)
	if err != nil {
		return err
	}
	o := view.Organisation
	p := organisationPage{
		adminFrame: v.adminFrame(o.Name, organisationsPath), Path: organisationPath(id), View: view,
		Department: o.Kind == casework.KindDepartment, Today: casework.DateOf(v.site.Commands.Now(store.Case{})).String(),
		Open: view.MayManage && !o.Ended(), Form: form, Wrong: wrong, Typed: map[string]string{},
	}
	p.Here = p.Path
	// What stands above an authority of the own region lies outside the subtree.
	inside := p.Department || o.RegionCode != v.user.Actor.RegionCode
	if o.ParentID != 0 && inside && v.user.Actor.OrganisationKind == casework.KindAuthority {
		p.Parent = organisationPath(o.ParentID)
	}
	if o.SuccessorID != 0 {
		p.Successor = organisationPath(o.SuccessorID)
	}
	for name := range v.form {
		p.Typed[name] = v.typed(name)
	}
	for _, e := range view.Events {
		p.Events = append(p.Events, adminEntry{AdminEvent: e, Changes: v.say.changesOf(e.Before, e.After)})
	}
	if p.Open {
		page, err := v.site.Commands.ListOrganisations(ctx, v.user.Actor, store.OrganisationFilter{
			Kind: casework.KindDepartment, RegionCode: o.RegionCode, Limit: candidatesOffered,
		})
		if err != nil {
			return err
		}
		for _, candidate := range page.Organisations {
			if candidate.ID != id {
				p.Candidates = append(p.Candidates, candidate)
			}
		}
	}
	return v.render(status, "admin_organisation", p)
}

// changing carries a form of an organisation's page out and comes back to it, with
// the words of the refusal beside the form if there is one.
func changing(form string, act func(v *visit, id int64) error) func(*visit) error {
	return func(v *visit) error {
		id, err := organisationOf(v)
		if err != nil {
			return err
		}
		// Who may not is told so before anything is said about what they typed.
		view, err := v.site.Commands.ViewOrganisation(v.Request().Context(), v.user.Actor, id)
		if err != nil {
			return err
		}
		if !view.MayManage {
			return casework.Forbidden("not_allowed", "your role keeps no organisations")
		}
		if err = act(v, id); err == nil {
			return v.redirect(organisationPath(id))
		}
		domain := v.domainError(err)
		switch domain.Code {
		case casework.CodeInvalid, casework.CodeConflict, casework.CodeUnavailable:
			return v.renderOrganisation(httpstatus.Of(domain), id, form, v.wrong(domain))
		default:
			return domain
		}
	}
}

// renameOrganisation answers POST /admin/organisations/:id/rename, which confirms as well.
func renameOrganisation(v *visit, id int64) error {
	return v.site.Commands.ChangeOrganisation(v.Request().Context(), v.user.Actor, id, v.form.Get("name"))
}

// moveDepartment answers POST /admin/organisations/:id/move.
func moveDepartment(v *visit, id int64) error {
	on, err := v.date("on")
	if err != nil {
		return err
	}
	return v.site.Commands.MoveDepartment(v.Request().Context(), v.user.Actor, id, normalRegion(v.form.Get("region_code")), on)
}

// mergeDepartment answers POST /admin/organisations/:id/merge.
func mergeDepartment(v *visit, id int64) error {
	on, err := v.date("on")
	if err != nil {
		return err
	}
	into, err := v.number("into", true)
	if err != nil {
		return err
	}
	return v.site.Commands.MergeDepartment(v.Request().Context(), v.user.Actor, id, into, on)
}

// closeOrganisation answers POST /admin/organisations/:id/close.
func closeOrganisation(v *visit, id int64) error {
	on, err := v.date("on")
	if err != nil {
		return err
	}
	successor, err := v.number("successor_id", false)
	if err != nil {
		return err
	}
	return v.site.Commands.CloseOrganisation(v.Request().Context(), v.user.Actor, id, successor, on)
}

// keepHall answers POST /admin/organisations/:id/halls: a new hall, or what is
// changed of one, or its end.
func keepHall(v *visit, id int64) error {
	ctx := v.Request().Context()
	hall, err := v.number("hall", false)
	if err != nil {
		return err
	}
	facts := commands.HallFacts{Name: v.form.Get("name"), Address: v.form.Get("address"), RegionCode: normalRegion(v.form.Get("region_code"))}
	switch {
	case hall == 0:
		_, err = v.site.Commands.CreateHall(ctx, v.user.Actor, id, facts)
		return err
	case v.form.Get("deed") == "close":
		return v.site.Commands.CloseHall(ctx, v.user.Actor, hall)
	default:
		return v.site.Commands.ChangeHall(ctx, v.user.Actor, hall, facts)
	}
}

// keepWindow answers POST /admin/organisations/:id/windows: a new window of a hall,
// or what is changed of one, or its end.
func keepWindow(v *visit, _ int64) error {
	ctx := v.Request().Context()
	window, err := v.number("window", false)
	if err != nil {
		return err
	}
	department, err := v.number("department_id", false)
	if err != nil {
		return err
	}
	facts := commands.WindowFacts{Label: v.form.Get("label"), Name: v.form.Get("name"), DepartmentID: department}
	switch {
	case window == 0:
		hall, err := v.number("hall", true)
		if err == nil {
			_, err = v.site.Commands.CreateWindow(ctx, v.user.Actor, hall, facts)
		}
		return err
	case v.form.Get("deed") == "close":
		return v.site.Commands.CloseWindow(ctx, v.user.Actor, window)
	default:
		return v.site.Commands.ChangeWindow(ctx, v.user.Actor, window, facts)
	}
}

// number reads the number of something from a form; 0 where none was typed.
func (v *visit) number(field string, needed bool) (int64, error) {
	text := v.form.Get(field)
	if text == "" && !needed {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, casework.Invalid(field, "not_a_number", "the number of an organisation, as its page shows it")
	}
	return n, nil
}
