package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// OrganisationPage is one page of the organisations of a subtree.
type OrganisationPage struct {
	Organisations []store.Organisation
	Next          *store.OrganisationCursor // nil on the last page
	Unconfirmed   int                       // how many of the subtree wait for confirmation
	MayManage     bool
}

// ListOrganisations lists the organisations in the actor's subtree.
func (s *Service) ListOrganisations(ctx context.Context, actor casework.Actor, filter store.OrganisationFilter) (OrganisationPage, error) {
	object := policies.Object{RegionPath: actor.RegionPath}
	if _, err := s.authorize(ctx, actor, casework.ActionListPeople, object); err != nil {
		return OrganisationPage{}, err
	}
	if filter.Kind != "" && filter.Kind != casework.KindAuthority && filter.Kind != casework.KindDepartment {
		return OrganisationPage{}, casework.Invalid("kind", "unknown_value", "authority or department")
	}
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return OrganisationPage{}, err
	}
	filter.Limit = limit + 1
	page := OrganisationPage{MayManage: s.policy.Decide(actor, casework.ActionManageOrganisations, object).Allowed}
	if page.Organisations, err = s.store.Organisations(ctx, actor.RegionCode, filter); err != nil {
		return OrganisationPage{}, err
	}
	if len(page.Organisations) > limit {
		page.Organisations = page.Organisations[:limit]
		last := page.Organisations[limit-1]
		page.Next = &store.OrganisationCursor{RegionCode: last.RegionCode, Kind: last.Kind, ID: last.ID}
	}
	page.Unconfirmed, err = s.store.UnconfirmedBelow(ctx, actor.RegionCode)
	return page, err
}

// OrganisationView is an organisation as its page shows it.
type OrganisationView struct {
	Organisation store.Organisation
	FormerNames  []string
	Depends      store.Dependants // counted, and not named
	Halls        []store.Hall
	Events       []store.AdminEvent // what administration did to it, newest first
	MayManage    bool
}

// ViewOrganisation reads an organisation in the actor's subtree; CodeNotFound
// outside.
func (s *Service) ViewOrganisation(ctx context.Context, actor casework.Actor, id int64) (OrganisationView, error) {
	organisation, object, err := s.loadOrganisation(ctx, actor, casework.ActionListPeople, id)
	if err != nil {
		return OrganisationView{}, err
	}
	view := OrganisationView{
		Organisation: organisation,
		MayManage:    s.policy.Decide(actor, casework.ActionManageOrganisations, object).Allowed,
	}
	if view.Depends, err = s.store.DependantsOf(ctx, id); err != nil {
		return OrganisationView{}, err
	}
	if view.FormerNames, err = s.store.FormerNames(ctx, id); err != nil {
		return OrganisationView{}, err
	}
	if view.Halls, err = s.store.HallsOf(ctx, id); err != nil {
		return OrganisationView{}, err
	}
	view.Events, err = s.store.AdminEvents(ctx, actor.RegionCode, store.AdminEventFilter{
		Subject: store.SubjectOrganisation, SubjectID: idText(id), Limit: eventsShown,
	})
	return view, err
}

// loadOrganisation reads an organisation that the actor may see for an action. One
// outside the subtree and one that is not there are the same CodeNotFound; who
// never may is CodeForbidden, whichever is asked for.
func (s *Service) loadOrganisation(
	ctx context.Context, actor casework.Actor, action casework.Action, id int64,
) (store.Organisation, policies.Object, error) {
	if !s.policy.MayEver(actor, action) {
		return store.Organisation{}, policies.Object{}, casework.Forbidden("not_allowed", "your role never allows "+string(action))
	}
	organisation, err := s.store.OrganisationByID(ctx, id)
	if err != nil {
		return store.Organisation{}, policies.Object{}, err
	}
	object := policies.Object{RegionPath: organisation.RegionPath}
	if !s.policy.Decide(actor, action, object).Allowed {
		s.log.WarnContext(ctx, "refused", "user_id", actor.UserID, "action", action, "organisation", id)
		return store.Organisation{}, policies.Object{}, &casework.Error{
			Code: casework.CodeNotFound, Reason: "organisation_not_found", Detail: "there is no such organisation",
		}
	}
	return organisation, object, nil
}

// administerOrganisation reads an organisation that the actor keeps, with the mark
// that they leave.
func (s *Service) administerOrganisation(ctx context.Context, actor casework.Actor, id int64) (store.Organisation, casework.By, error) {
	organisation, object, err := s.loadOrganisation(ctx, actor, casework.ActionManageOrganisations, id)
	if err != nil {
		return store.Organisation{}, casework.By{}, err
	}
	by, err := s.administer(ctx, actor, casework.ActionManageOrganisations, object)
	return organisation, by, err
}
