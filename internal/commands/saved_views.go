package commands

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// What people may keep of a list: enough for each habit, few enough to be counted
// on every page.
const (
	maxOwnViews    = 12
	maxViewName    = 30 // characters
	maxViewQuery   = 2000
	maxSharedViews = 12
)

// CountedView is a saved view with how many it finds now.
type CountedView struct {
	store.SavedView

	View      store.TaskView // of tasks
	Narrowing store.Narrowing
	Count     int
	MayDrop   bool
}

// NewView is a view to be kept.
type NewView struct {
	List   store.ViewedList
	Name   string
	Query  url.Values // of the list's address
	Shared bool       // with everybody of the organisation
}

// SaveView keeps how a list is narrowed, under a name: for the actor, or for all
// of the organisation. It holds a question and no answer, so nobody sees more by
// it than their own lists show.
func (s *Service) SaveView(ctx context.Context, actor casework.Actor, v NewView) (int64, error) {
	if err := s.mayView(actor, v.List); err != nil {
		return 0, err
	}
	name := strings.TrimSpace(v.Name)
	switch {
	case name == "":
		return 0, casework.Invalid("name", "required", "a view has a name")
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return 0, casework.Invalid("name", "invalid_text", "a name is one line of text")
	case utf8.RuneCountInString(name) > maxViewName:
		return 0, casework.Invalid("name", "view_name_too_long", "at most 30 characters")
	case casework.MaskText(name) != name:
		return 0, casework.Invalid("name", "personal_data", "a name holds no phone and no identity number")
	}
	query := OnlyNarrowing(v.Query)
	if _, err := ParseNarrowing(actor, query); err != nil {
		return 0, err
	}
	if view := store.TaskView(query.Get(narrowView)); view != "" && !slices.Contains(store.TaskViews(), view) {
		return 0, casework.Invalid(narrowView, "unknown_value", "mine, unclaimed or all")
	}
	kept := query.Encode()
	if len(kept) > maxViewQuery {
		return 0, casework.Invalid("query", "view_too_large", "too much is chosen")
	}
	most := maxOwnViews
	if v.Shared {
		most = maxSharedViews
	}
	return s.store.SaveView(ctx, store.SavedView{
		List: v.List, Name: name, Query: kept, OwnerID: actor.UserID, OrganisationID: actor.OrganisationID, Shared: v.Shared,
	}, most)
}

// DropView forgets a view: one's own, or, for who leads the organisation's work,
// any that is shared there.
func (s *Service) DropView(ctx context.Context, actor casework.Actor, id int64) error {
	return s.store.DropView(ctx, id, actor.UserID, actor.OrganisationID, leads(actor))
}

// leads reports whether somebody keeps order among what the organisation shares.
func leads(actor casework.Actor) bool {
	return actor.Has(casework.RoleDepartmentLead) || actor.Has(casework.RoleSupervisor)
}

// mayView asks that the actor has the list at all.
func (s *Service) mayView(actor casework.Actor, list store.ViewedList) error {
	switch {
	case !s.policy.MayEver(actor, casework.ActionRead), list == store.ViewedTasks && !HasInbox(actor):
		return casework.Forbidden("not_allowed", "your role has no such list")
	case list != store.ViewedTasks && list != store.ViewedCases:
		return casework.Invalid("list", "unknown_value", "tasks or cases")
	}
	return nil
}

// savedViews reads the views of a list. A view that no longer means anything is
// left out: what it named is gone.
func (s *Service) savedViews(ctx context.Context, actor casework.Actor, list store.ViewedList) ([]CountedView, error) {
	kept, err := s.store.SavedViews(ctx, actor.UserID, actor.OrganisationID, list)
	if err != nil {
		return nil, err
	}
	var views []CountedView
	for _, k := range kept {
		query, err := url.ParseQuery(k.Query)
		if err != nil {
			continue
		}
		narrowing, err := ParseNarrowing(actor, query)
		if err != nil {
			continue
		}
		view := CountedView{SavedView: k, View: store.TaskView(query.Get(narrowView)), Narrowing: narrowing}
		view.MayDrop = k.OwnerID == actor.UserID || k.Shared && leads(actor)
		views = append(views, view)
	}
	return views, nil
}

// ListViews lists the saved views of the list of cases, counted.
func (s *Service) ListViews(ctx context.Context, actor casework.Actor) ([]CountedView, error) {
	if err := s.mayView(actor, store.ViewedCases); err != nil {
		return nil, err
	}
	views, err := s.savedViews(ctx, actor, store.ViewedCases)
	if err != nil {
		return nil, err
	}
	var lists []store.Narrowing
	for _, view := range views {
		lists = append(lists, view.Narrowing)
	}
	counts, err := s.store.CountCases(ctx, scopeOf(actor), lists, s.now())
	if err != nil {
		return nil, err
	}
	for i := range views {
		views[i].Count = counts[i]
	}
	return views, nil
}
