package web

import (
	"net/http"
	"slices"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

const peoplePath = "/admin/people"

func personPath(id int64) string { return peoplePath + "/" + strconv.FormatInt(id, 10) }

// personRow is somebody in the list.
type personRow struct {
	person

	Path, Username, Position string
	Disabled                 bool
}

type peoplePage struct {
	adminFrame

	Part  string
	Role  casework.Role
	Roles []casework.Role
	Rows  []personRow
	Next  string
	First string // the first page
	Later bool   // this is not it
	// MayCreate: the one who looks keeps people.
	MayCreate bool
}

// showPeople answers GET /admin/people?part=&role=: the people of the subtree.
func showPeople(v *visit) error {
	after, err := cursorOf[store.PersonCursor](v)
	if err != nil {
		return err
	}
	filter := store.PeopleFilter{Part: v.QueryParam("part"), Role: casework.Role(v.QueryParam("role")), After: after}
	page, err := v.site.Commands.ListPeople(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := peoplePage{
		adminFrame: v.adminFrame(v.say.T("admin.people"), peoplePath), Part: filter.Part, Role: filter.Role, Roles: casework.Roles(),
		Later: after.ID != 0, MayCreate: v.user.Actor.Has(casework.RoleSysadmin),
	}
	for _, u := range page.People {
		p.Rows = append(p.Rows, v.personRow(u))
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "people", p)
}

func (v *visit) personRow(u store.User) personRow {
	return personRow{person: v.describe(u), Path: personPath(u.ID), Username: u.Username, Position: u.Position, Disabled: u.Disabled}
}

// personForm is what the system administrator writes down of somebody.
type personForm struct {
	Action, Button                                           string
	New                                                      bool
	Username, DisplayName, Position, StaffLabel, Consequence string
	Version                                                  int
	OrganisationID                                           int64
	Organisations                                            []store.Organisation
	ErrorField, Error                                        string
}

type newPersonPage struct {
	adminFrame

	Form personForm
}

// showNewPerson answers GET /admin/people/new.
func showNewPerson(v *visit) error { return v.renderNewPerson(http.StatusOK, personForm{}) }

func (v *visit) renderNewPerson(status int, form personForm) error {
	organisations, err := v.site.Commands.OrganisationsForPeople(v.Request().Context(), v.user.Actor, "")
	if err != nil {
		return err
	}
	form.New, form.Action, form.Button, form.Consequence = true, peoplePath, "people.create", "people.create_consequence"
	form.Organisations = organisations
	return v.render(status, "person_new", newPersonPage{adminFrame: v.adminFrame(v.say.T("people.new"), peoplePath), Form: form})
}

// typedPerson is the form as it was sent.
func (v *visit) typedPerson() (personForm, commands.PersonFacts) {
	organisation, _ := strconv.ParseInt(v.form.Get("organisation_id"), 10, 64) // none is refused by the command
	version, _ := strconv.Atoi(v.form.Get("version"))                          // as is version 0
	facts := commands.PersonFacts{
		DisplayName: v.form.Get("display_name"), Position: v.form.Get("position"), StaffLabel: v.form.Get("staff_label"), OrganisationID: organisation,
	}
	return personForm{
		Username: v.typed("username"), DisplayName: v.typed("display_name"), Position: v.typed("position"),
		StaffLabel: v.typed("staff_label"), OrganisationID: organisation, Version: version,
	}, facts
}

// createPerson answers POST /admin/people.
func createPerson(v *visit) error {
	form, facts := v.typedPerson()
	id, err := v.site.Commands.CreatePerson(v.Request().Context(), v.user.Actor, v.form.Get("username"), facts)
	if refused, ok := mend(err); ok {
		form.ErrorField, form.Error = refused.Field, v.say.T("error."+refused.Reason)
		if refused.Reason == "username_taken" {
			form.ErrorField = "username"
		}
		return v.renderNewPerson(httpstatus.Of(refused), form)
	}
	if err != nil {
		return err
	}
	return v.done(personPath(id), "created")
}

// mend gives an error that the sender can put right in the form.
func mend(err error) (*casework.Error, bool) {
	refused, ok := casework.AsError(err)
	if !ok {
		return nil, false
	}
	switch refused.Code {
	case casework.CodeInvalid, casework.CodeConflict, casework.CodeStale:
		return refused, true
	default:
		return nil, false
	}
}

// sessionDone keeps what was done in administration for the page that follows.
const sessionDone = "admin_done"

// done leads on, to a page that says what was done.
func (v *visit) done(path, what string) error {
	v.site.Sessions.Put(v.Request().Context(), sessionDone, what)
	return v.redirect(path)
}

// takeDone gives what was done, once.
func (v *visit) takeDone() string {
	if v.Request().Method != http.MethodGet {
		return ""
	}
	return v.site.Sessions.PopString(v.Request().Context(), sessionDone)
}

type personPage struct {
	adminFrame

	Row       personRow
	Form      personForm
	Seen      int // the version of the person
	OpenCases int
	MayManage bool
	MayAssign bool
	MayReset  bool
	MayEnd    bool // their sessions
	Roles     []roleChoice
	Events    []adminEntry
	Done      string // what was just done
	personExtra
}

// personExtra is what a page about somebody says besides.
type personExtra struct {
	Error string // of what was refused, outside the form
	Link  string // for a first password, shown once
}

type roleChoice struct {
	Role casework.Role
	Held bool
}

// showPerson answers GET /admin/people/:id.
func showPerson(v *visit) error {
	id, err := v.personID()
	if err != nil {
		return err
	}
	return v.renderPerson(http.StatusOK, id, nil, "")
}

func (v *visit) personID() (int64, error) {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, errNoPage()
	}
	return id, nil
}

// renderPerson shows somebody; with a form that was refused, or another refusal.
func (v *visit) renderPerson(status int, id int64, form *personForm, refusal string) error {
	return v.renderPersonWith(status, id, form, personExtra{Error: refusal})
}

func (v *visit) renderPersonWith(status int, id int64, form *personForm, extra personExtra) error {
	view, err := v.site.Commands.ViewPerson(v.Request().Context(), v.user.Actor, id)
	if err != nil {
		return err
	}
	u := view.Person
	p := personPage{
		adminFrame: v.adminFrame(u.DisplayName, peoplePath), Row: v.personRow(u), Seen: u.Version, OpenCases: view.OpenCases,
		MayManage: view.MayManage, MayAssign: view.MayAssign, MayReset: view.MayReset, MayEnd: view.MayEndSessions,
		Done: v.takeDone(), personExtra: extra,
	}
	for _, r := range casework.Roles() {
		p.Roles = append(p.Roles, roleChoice{Role: r, Held: u.Actor.Has(r)})
	}
	for _, e := range view.Events {
		p.Events = append(p.Events, adminEntry{AdminEvent: e, Changes: v.say.changesOf(e.Before, e.After)})
	}
	if view.MayManage {
		if p.Form, err = v.personFormOf(u, form); err != nil {
			return err
		}
	}
	return v.render(status, "person", p)
}

func (v *visit) personFormOf(u store.User, typed *personForm) (personForm, error) {
	form := personForm{
		DisplayName: u.DisplayName, Position: u.Position, StaffLabel: u.Actor.StaffLabel, OrganisationID: u.Actor.OrganisationID,
	}
	if typed != nil {
		form = *typed
	}
	form.Action, form.Button, form.Version, form.Consequence = personPath(u.ID), "people.change", u.Version, "people.change_consequence"
	var err error
	form.Organisations, err = v.site.Commands.OrganisationsForPeople(v.Request().Context(), v.user.Actor, "")
	// Not all that there are may be offered, but always the person's own: a name must
	// be corrected without a move.
	if own := u.Actor.OrganisationID; !slices.ContainsFunc(form.Organisations, func(o store.Organisation) bool { return o.ID == own }) {
		form.Organisations = append(form.Organisations, store.Organisation{ID: own, Name: u.OrganisationName})
	}
	return form, err
}

// changePerson answers POST /admin/people/:id: corrections, and a move.
func changePerson(v *visit) error {
	id, err := v.personID()
	if err != nil {
		return err
	}
	form, facts := v.typedPerson()
	_, err = v.site.Commands.ChangePerson(v.Request().Context(), v.user.Actor, id, form.Version, facts)
	if refused, ok := mend(err); ok {
		form.ErrorField, form.Error = refused.Field, v.say.T("error."+refused.Reason)
		if refused.Field == "" {
			return v.renderPerson(httpstatus.Of(refused), id, &form, form.Error)
		}
		return v.renderPerson(httpstatus.Of(refused), id, &form, "")
	}
	if err != nil {
		return err
	}
	return v.done(personPath(id), "changed")
}

// assignRoles answers POST /admin/people/:id/roles: exactly the roles that are ticked.
func assignRoles(v *visit) error {
	roles := []casework.Role{}
	for _, r := range casework.Roles() {
		if v.form.Get("role_"+string(r)) != "" {
			roles = append(roles, r)
		}
	}
	return v.changeOf("roles", func(id int64, version int) error {
		_, err := v.site.Commands.AssignRoles(v.Request().Context(), v.user.Actor, id, version, roles)
		return err
	})
}

// disablePerson answers POST /admin/people/:id/disable, enablePerson …/enable.
func disablePerson(v *visit) error { return v.setDisabled("disabled", true) }
func enablePerson(v *visit) error  { return v.setDisabled("enabled", false) }

func (v *visit) setDisabled(done string, disabled bool) error {
	return v.changeOf(done, func(id int64, version int) error {
		_, err := v.site.Commands.DisablePerson(v.Request().Context(), v.user.Actor, id, version, disabled)
		return err
	})
}

func (v *visit) changeOf(done string, change func(id int64, version int) error) error {
	id, err := v.personID()
	if err != nil {
		return err
	}
	version, _ := strconv.Atoi(v.form.Get("version")) // version 0 is nobody's
	err = change(id, version)
	if refused, ok := mend(err); ok {
		return v.renderPerson(httpstatus.Of(refused), id, nil, v.say.T("error."+refused.Reason))
	}
	if err != nil {
		return err
	}
	return v.done(personPath(id), done)
}
