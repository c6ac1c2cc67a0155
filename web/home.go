package web

import (
	"net/http"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// place is one entry of the navigation.
type place struct {
	Path, Key, Icon string
	Current         bool
}

// placesOf lists where somebody works. It only spares people doors that are
// closed to them: each page asks the policy again.
func placesOf(actor casework.Actor, current string) []place {
	var places []place
	add := func(show bool, path, key, icon string) {
		if show {
			places = append(places, place{Path: path, Key: key, Icon: icon, Current: path == current})
		}
	}
	supervises := actor.Has(casework.RoleSupervisor) && actor.OrganisationKind == casework.KindAuthority
	audits := actor.Has(casework.RoleAuditor)
	tasks := commands.HasInbox(actor)
	add(supervises, boardPath, "nav.board", "chart-bar")
	add(tasks, "/tasks", "nav.tasks", "inbox")
	add(tasks && !supervises, "/cases", "nav.cases_department", "file-text")
	leads := actor.Has(casework.RoleDepartmentLead) && actor.OrganisationKind == casework.KindDepartment
	add(tasks && leads, workloadPath, "nav.workload", "chart-bar")
	add(supervises, spotChecksPath, "nav.spot_checks", "clipboard-check")
	add(audits, "/events", "nav.events", "history")
	add(audits, "/reveals", "nav.reveals", "eye")
	add(supervises || audits, "/cases", "nav.cases_region", "file-text")
	add(supervises, textsPath, "nav.texts", "message")
	add(supervises, "/simulate", "nav.simulate", "clock")
	add(len(adminPlaces(actor, "")) > 0, adminPath, "nav.admin", "settings")
	return places
}

// firstPlace is where somebody's work begins; empty for who has none here.
func firstPlace(actor casework.Actor) string {
	switch places := placesOf(actor, ""); {
	case len(places) == 0:
		return ""
	case actor.Has(casework.RoleAuditor):
		return "/events"
	default:
		return places[0].Path
	}
}

// showHome leads people to what they work with, and tells those who have no
// work here yet why.
func showHome(v *visit) error {
	if first := firstPlace(v.user.Actor); first != "" {
		return v.redirect(first)
	}
	return v.render(http.StatusOK, "home", struct{ frame }{v.frame(v.say.T("home.title"), "/")})
}

// describe says who somebody is, in words.
func (v *visit) describe(u store.User) person {
	var roles []string
	for _, role := range u.Actor.Roles {
		roles = append(roles, v.say.T("role."+string(role)))
	}
	return person{
		Name: u.DisplayName, Organisation: u.OrganisationName, Region: u.RegionName,
		Role: strings.Join(roles, v.say.T("list.comma")), Level: v.say.T("level." + string(u.Actor.Level)),
	}
}
