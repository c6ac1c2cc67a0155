package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// adminPath is where administration begins.
const adminPath = "/admin"

// adminPlaces lists the pages of administration that an actor may use. It only
// spares people doors that are closed to them: each page asks the policy again.
func adminPlaces(actor casework.Actor, current string) []place {
	var places []place
	add := func(path, key, icon string, roles ...casework.Role) {
		if slices.ContainsFunc(roles, actor.Has) {
			places = append(places, place{Path: path, Key: key, Icon: icon, Current: path == current})
		}
	}
	add(peoplePath, "admin.people", "users", casework.AdministratorRoles()...)
	add(sessionsPath, "admin.sessions", "lock", casework.RoleSysadmin, casework.RoleSecadmin)
	add(policyPath, "admin.policy", "shield", append(casework.AdministratorRoles(), casework.RoleSupervisor)...)
	add("/admin/events", "admin.events", "history", casework.RoleSecadmin, casework.RoleAuditor)
	add("/admin/organisations", "organisations.title", "building", casework.RoleSysadmin, casework.RoleSecadmin, casework.RoleAuditor)
	if len(actor.RegionPath) == 1 { // keys hold for all of the installation
		add(adminKeysPath, "admin.keys", "lock", casework.RoleSecadmin)
	}
	return places
}

// showAdmin answers GET /admin: the first page that somebody may use there.
func showAdmin(v *visit) error {
	places := adminPlaces(v.user.Actor, "")
	if len(places) == 0 {
		return casework.Forbidden("not_allowed", "your role administers nothing")
	}
	return v.redirect(places[0].Path)
}

// adminFrame is the frame of a page of administration, with its tabs.
type adminFrame struct {
	frame

	Tabs []place
}

func (v *visit) adminFrame(title, path string) adminFrame {
	return adminFrame{frame: v.frame(title, adminPath), Tabs: adminPlaces(v.user.Actor, path)}
}

type adminEventsPage struct {
	adminFrame

	Kinds []store.AdminKind
	Kind  store.AdminKind
	Rows  []adminEntry
	Next  string
	First string // the first page
	Later bool   // this is not it
}

// adminEntry is one change, with what was there before and after.
type adminEntry struct {
	store.AdminEvent

	Changes []adminChange
}

// adminChange is one field that changed, as it was written down.
type adminChange struct{ Field, Before, After string }

// showAdminEvents answers GET /admin/events?kind=: what administrators did,
// newest first.
func showAdminEvents(v *visit) error {
	before, err := cursorOf[store.AdminEventCursor](v)
	if err != nil {
		return err
	}
	kind := store.AdminKind(v.QueryParam("kind"))
	page, err := v.site.Commands.ListAdminEvents(v.Request().Context(), v.user.Actor, store.AdminEventFilter{Kind: kind, Before: before})
	if err != nil {
		return err
	}
	p := adminEventsPage{
		adminFrame: v.adminFrame(v.say.T("admin.events"), "/admin/events"), Kinds: store.AdminKinds(), Kind: kind, Later: before.ID != 0,
	}
	for _, e := range page.Events {
		p.Rows = append(p.Rows, adminEntry{AdminEvent: e, Changes: v.say.changesOf(e.Before, e.After)})
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "admin_events", p)
}

// changesOf lists the fields that differ between two JSON objects, in the order
// of their names.
func (l localizer) changesOf(before, after json.RawMessage) []adminChange {
	was, is := fieldsOf(before), fieldsOf(after)
	var changes []adminChange
	for _, field := range fieldNames(was, is) {
		if bytes.Equal(was[field], is[field]) {
			continue
		}
		change := adminChange{Field: field, Before: l.plain(field, was[field]), After: l.plain(field, is[field])}
		if key := "admin_field." + field; l.has(key) {
			change.Field = l.T(key)
		}
		if change.Before != change.After {
			changes = append(changes, change)
		}
	}
	return changes
}

// familiesOf are the keys of the words that stand for a field's values.
var familiesOf = map[string][]string{"kind": {"text_kind.", "organisation_kind."}, "stage": {"stage."}, "aspect": {"aspect."}}

// plain shows a value without the signs of JSON, what has words in words, and nothing for
// nothing.
func (l localizer) plain(field string, value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		for _, family := range familiesOf[field] {
			if key := family + text; l.has(key) {
				return l.T(key)
			}
		}
		return text
	}
	var list []string
	if json.Unmarshal(value, &list) != nil {
		return string(value)
	}
	if field == "roles" {
		for i, role := range list {
			list[i] = l.T("role." + role)
		}
	}
	return strings.Join(list, l.T("list.comma"))
}

func fieldNames(objects ...map[string]json.RawMessage) []string {
	names := map[string]bool{}
	for _, fields := range objects {
		for name := range fields {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func fieldsOf(object json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(object, &fields) // null is nothing; the store writes nothing but objects
	return fields
}
