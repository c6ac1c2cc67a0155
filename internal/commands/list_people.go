package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// PeoplePage is one page of the people of a subtree.
type PeoplePage struct {
	People []store.User
	Next   *store.PersonCursor // nil on the last page
}

// ListPeople lists the people in the actor's subtree, with their roles.
func (s *Service) ListPeople(ctx context.Context, actor casework.Actor, filter store.PeopleFilter) (PeoplePage, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionListPeople, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return PeoplePage{}, err
	}
	if filter.Role != "" && !filter.Role.Valid() {
		return PeoplePage{}, casework.Invalid("role", "unknown_value", "there is no such role")
	}
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return PeoplePage{}, err
	}
	filter.Limit = limit + 1
	people, err := s.store.People(ctx, actor.RegionCode, filter)
	if err != nil {
		return PeoplePage{}, err
	}
	page := PeoplePage{People: people}
	if len(people) > limit {
		page.People = people[:limit]
		page.Next = &store.PersonCursor{ID: page.People[limit-1].ID}
	}
	return page, nil
}

// PersonView is a person as administration sees them.
type PersonView struct {
	Person store.User
	// OpenCases counts the cases that are with them; their number, and nothing of them.
	OpenCases int
	Events    []store.AdminEvent // what administration did to them, newest first; only for who sees that
	// What the one who looks may do.
	MayManage, MayAssign, MayReset, MayEndSessions bool
}

// eventsShown bounds the history on a person's page.
const eventsShown = 50

// ViewPerson reads somebody in the actor's subtree; CodeNotFound outside.
func (s *Service) ViewPerson(ctx context.Context, actor casework.Actor, id int64) (PersonView, error) {
	person, object, err := s.loadPerson(ctx, actor, id)
	if err != nil {
		return PersonView{}, err
	}
	view := PersonView{
		Person:    person,
		MayManage: s.policy.Decide(actor, casework.ActionManagePeople, object).Allowed,
		MayAssign: s.policy.Decide(actor, casework.ActionAssignRoles, object).Allowed,
		MayReset:  s.policy.Decide(actor, casework.ActionResetSignIn, object).Allowed && !person.Demo,

		MayEndSessions: s.policy.Decide(actor, casework.ActionEndSessions, object).Allowed && person.ID != actor.UserID,
	}
	if view.OpenCases, err = s.store.OpenCasesWith(ctx, id); err != nil {
		return PersonView{}, err
	}
	if s.policy.Decide(actor, casework.ActionListAdminEvents, object).Allowed {
		view.Events, err = s.store.AdminEvents(ctx, actor.RegionCode, store.AdminEventFilter{
			Subject: store.SubjectPerson, SubjectID: idText(id), Limit: eventsShown,
		})
	}
	return view, err
}

// loadPerson reads somebody whom the actor may see, with what the policy asks of
// them. Nobody and somebody outside the subtree are the same CodeNotFound; who may
// see nobody at all is CodeForbidden, whoever is asked for.
func (s *Service) loadPerson(ctx context.Context, actor casework.Actor, id int64) (store.User, policies.Object, error) {
	if !s.policy.MayEver(actor, casework.ActionListPeople) {
		return store.User{}, policies.Object{}, casework.Forbidden("not_allowed", "your role sees no people")
	}
	person, err := s.store.Person(ctx, id)
	if err != nil {
		return store.User{}, policies.Object{}, err
	}
	object := policies.Object{RegionPath: person.Actor.RegionPath, SubjectUserID: person.ID, SubjectRoles: person.Actor.Roles}
	if !s.policy.Decide(actor, casework.ActionListPeople, object).Allowed {
		return store.User{}, policies.Object{}, &casework.Error{Code: casework.CodeNotFound, Reason: "user_not_found", Detail: "there is no such user"}
	}
	return person, object, nil
}
