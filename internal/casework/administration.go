package casework

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What administrators do (三员分立): none of it shows a case or a citizen. System
// administrators keep organisations and people, security administrators roles,
// rules and keys; auditors see what both did.
const (
	ActionManageOrganisations Action = "manage-organisations" // create, change, move, merge, import
	ActionManagePeople        Action = "manage-people"        // create, change, move, disable, import
	ActionResetSignIn         Action = "reset-sign-in"        // a new first password or second factor for somebody
	ActionEndSessions         Action = "end-sessions"         // sign somebody else out, everywhere
	ActionAssignRoles         Action = "assign-roles"         // give and take roles
	ActionPublishPolicy       Action = "publish-policy"       // put other rules in force, for the whole installation
	ActionManageKeys          Action = "manage-keys"          // rotate the keys of personal data, for the whole installation
	ActionListPeople          Action = "list-people"          // see organisations, people and their roles
	ActionListAdminEvents     Action = "list-admin-events"    // see what administrators did, before and after
	ActionReadPolicy          Action = "read-policy"          // see the rules, the matrix, and why a request is decided so
)

// AdministeringActions lists what changes something in administration.
func AdministeringActions() []Action {
	return []Action{
		ActionManageOrganisations, ActionManagePeople, ActionResetSignIn, ActionEndSessions,
		ActionAssignRoles, ActionPublishPolicy, ActionManageKeys,
	}
}

// AdministrativeActions lists what is done in administration, looking included.
func AdministrativeActions() []Action {
	return append(AdministeringActions(), ActionListPeople, ActionListAdminEvents, ActionReadPolicy)
}

// AdministratorRoles lists the three roles that one person never holds two of
// (三员分立): who keeps people, who keeps rights, and who looks after both.
func AdministratorRoles() []Role { return []Role{RoleSysadmin, RoleSecadmin, RoleAuditor} }

// CheckRoles refuses roles that nobody may hold together: an unknown one, one
// named twice, two of the three administrators, a client system that is a person.
func CheckRoles(roles []Role) error {
	administrators := 0
	for i, r := range roles {
		switch {
		case !r.Valid():
			return Invalid("roles", "unknown_value", "there is no role "+string(r))
		case slices.Contains(roles[:i], r):
			return Invalid("roles", "role_twice", "a role is named twice")
		case r == RoleClient && len(roles) > 1:
			return Invalid("roles", "client_is_no_person", "a client system has no other role")
		}
		if slices.Contains(AdministratorRoles(), r) {
			administrators++
		}
	}
	if administrators > 1 {
		return Invalid("roles", "administrators_apart", "system administrator, security administrator and auditor are three people (三员分立)")
	}
	return nil
}

// RolesFit refuses roles that nobody can hold in an organisation of that kind and
// level: departments handle, authorities supervise and, from the county upward,
// publish. What would never be allowed anything is not given.
func RolesFit(roles []Role, kind OrganisationKind, level AdminLevel) error {
	for _, r := range roles {
		handles, supervises := r == RoleHandler || r == RoleDepartmentLead, r == RoleSupervisor || r == RolePublisher
		switch {
		case handles && kind != KindDepartment:
			return Invalid("roles", "role_of_a_department", "only a department handles cases")
		case supervises && kind != KindAuthority:
			return Invalid("roles", "role_of_an_authority", "only an authority supervises and publishes")
		case r == RolePublisher && !level.AtLeast(LevelCounty):
			return Invalid("roles", "publisher_below_county", "who publishes belongs to an authority of county level or above")
		}
	}
	return nil
}

// MaxOrganisationName bounds names of organisations, halls and windows, in
// characters.
const MaxOrganisationName = 100

// CheckName gives a name of one line without spaces around it, or refuses it.
func CheckName(field, name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", Invalid(field, "required", "a name is needed")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "", Invalid(field, "invalid_text", "one line of plain text")
	case utf8.RuneCountInString(name) > MaxOrganisationName:
		return "", Invalid(field, "text_too_long", "at most 100 characters")
	}
	return name, nil
}
