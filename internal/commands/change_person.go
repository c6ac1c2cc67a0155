package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// PersonFacts are what the system administrator writes down of somebody.
type PersonFacts struct {
	DisplayName    string
	Position       string
	StaffLabel     string // the window or name under which citizens rate them
	OrganisationID int64
}

// maxName bounds names, positions and labels, in characters.
const maxName = 60

func (f *PersonFacts) check() error {
	for field, text := range map[string]*string{"display_name": &f.DisplayName, "position": &f.Position, "staff_label": &f.StaffLabel} {
		*text = strings.TrimSpace(*text)
		switch {
		case !utf8.ValidString(*text) || strings.ContainsFunc(*text, func(r rune) bool { return r < ' ' }):
			return casework.Invalid(field, "invalid_text", "one line of plain text")
		case utf8.RuneCountInString(*text) > maxName:
			return casework.Invalid(field, "text_too_long", "at most 60 characters")
		}
	}
	if f.DisplayName == "" {
		return casework.Invalid("display_name", "required", "the name that colleagues see")
	}
	return nil
}

// CreatePerson makes somebody in an organisation of the actor's subtree: without
// roles, which the security administrator gives, and without a password, which
// they choose themselves. An organisation outside is CodeInvalid, like one that is
// not there.
func (s *Service) CreatePerson(ctx context.Context, actor casework.Actor, username string, facts PersonFacts) (int64, error) {
	organisation, err := s.organisationFor(ctx, actor, facts.OrganisationID)
	if err != nil {
		return 0, err
	}
	if err := facts.check(); err != nil {
		return 0, err
	}
	by, err := s.administer(ctx, actor, casework.ActionManagePeople, policies.Object{RegionPath: organisation.RegionPath})
	if err != nil {
		return 0, err
	}
	return s.store.CreateUser(ctx, store.NewUser{
		Username: strings.TrimSpace(username), DisplayName: facts.DisplayName, OrganisationID: organisation.ID,
		Position: facts.Position, StaffLabel: facts.StaffLabel, Roles: []casework.Role{}, By: by,
	})
}

// ChangePerson corrects what stands of somebody, or moves them to another
// organisation of the subtree. Who moves leaves their roles behind: they were
// given for the place. Version is that of the person as it was seen.
func (s *Service) ChangePerson(ctx context.Context, actor casework.Actor, id int64, version int, facts PersonFacts) (store.User, error) {
	person, object, err := s.loadPerson(ctx, actor, id)
	if err != nil {
		return store.User{}, err
	}
	by, err := s.administer(ctx, actor, casework.ActionManagePeople, object)
	if err != nil {
		return store.User{}, err
	}
	if err := facts.check(); err != nil {
		return store.User{}, err
	}
	kind := store.AdminPersonChanged
	moves := facts.OrganisationID != person.Actor.OrganisationID
	if moves {
		kind = store.AdminPersonMoved
		if _, err := s.organisationFor(ctx, actor, facts.OrganisationID); err != nil {
			return store.User{}, err
		}
	}
	return s.store.ChangePerson(ctx, store.PersonChange{ID: id, Version: version, By: by, Kind: kind, Change: func(u *store.User) error {
		u.DisplayName, u.Position, u.Actor.StaffLabel = facts.DisplayName, facts.Position, facts.StaffLabel
		if moves {
			u.Actor.OrganisationID, u.Actor.Roles = facts.OrganisationID, []casework.Role{}
		}
		return nil
	}})
}

// DisablePerson ends somebody's access at once, or gives it back. Sessions and
// tokens ask for the person on every request.
func (s *Service) DisablePerson(ctx context.Context, actor casework.Actor, id int64, version int, disabled bool) (store.User, error) {
	_, object, err := s.loadPerson(ctx, actor, id)
	if err != nil {
		return store.User{}, err
	}
	by, err := s.administer(ctx, actor, casework.ActionManagePeople, object)
	if err != nil {
		return store.User{}, err
	}
	kind := store.AdminPersonEnabled
	if disabled {
		kind = store.AdminPersonDisabled
	}
	return s.store.ChangePerson(ctx, store.PersonChange{ID: id, Version: version, By: by, Kind: kind, Change: func(u *store.User) error {
		u.Disabled = disabled
		return nil
	}})
}

// AssignRoles gives somebody exactly these roles. The three administrators are
// three people, and a role fits the organisation.
func (s *Service) AssignRoles(ctx context.Context, actor casework.Actor, id int64, version int, roles []casework.Role) (store.User, error) {
	person, object, err := s.loadPerson(ctx, actor, id)
	if err != nil {
		return store.User{}, err
	}
	object.SubjectRoles = append(slices.Clone(object.SubjectRoles), roles...)
	by, err := s.administer(ctx, actor, casework.ActionAssignRoles, object)
	if err != nil {
		return store.User{}, err
	}
	if err := casework.CheckRoles(roles); err != nil {
		return store.User{}, err
	}
	if err := casework.RolesFit(roles, person.Actor.OrganisationKind, person.Actor.Level); err != nil {
		return store.User{}, err
	}
	return s.store.ChangePerson(ctx, store.PersonChange{
		ID: id, Version: version, By: by, Kind: store.AdminRolesAssigned,
		Change: func(u *store.User) error {
			u.Actor.Roles = roles
			return nil
		},
	})
}

// organisationFor reads an organisation to which the actor may bring people.
func (s *Service) organisationFor(ctx context.Context, actor casework.Actor, id int64) (store.Organisation, error) {
	if !s.policy.MayEver(actor, casework.ActionManagePeople) {
		return store.Organisation{}, casework.Forbidden("not_allowed", "your role keeps no people")
	}
	organisation, err := s.store.OrganisationByID(ctx, id)
	if err != nil && !isNotFound(err) {
		return store.Organisation{}, err
	}
	if err != nil || organisation.Ended() || !s.policy.Decide(actor, casework.ActionManagePeople, policies.Object{RegionPath: organisation.RegionPath}).Allowed {
		return store.Organisation{}, casework.Invalid("organisation_id", "organisation_not_found", "there is no such organisation in your subtree")
	}
	return organisation, nil
}

// organisationsOffered bounds how many organisations a form offers.
const organisationsOffered = 500

// OrganisationsForPeople lists the organisations to which the actor may bring
// people, whose name holds a part.
func (s *Service) OrganisationsForPeople(ctx context.Context, actor casework.Actor, part string) ([]store.Organisation, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionManagePeople, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return nil, err
	}
	return s.store.OrganisationsBelow(ctx, actor.RegionCode, part, organisationsOffered)
}
