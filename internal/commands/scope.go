package commands

import (
	"guiling/internal/casework"
	"guiling/internal/store"
)

// scopeOf is what of all cases an actor may see. Every list is filtered by it;
// a test compares it with the policy's answer to "read" for single cases.
func scopeOf(actor casework.Actor) store.Scope {
	switch {
	case actor.Has(casework.RoleSysadmin), actor.Has(casework.RoleSecadmin):
		return store.Scope{}
	case actor.OrganisationKind == casework.KindAuthority && (actor.Has(casework.RoleSupervisor) || actor.Has(casework.RoleAuditor)):
		return store.Scope{RegionCode: actor.RegionCode, Depth: len(actor.RegionPath)}
	case actor.Has(casework.RoleAuditor):
		return store.Scope{RegionCode: actor.RegionCode, Depth: len(actor.RegionPath)}
	case actor.Has(casework.RoleHandler), actor.Has(casework.RoleDepartmentLead):
		return store.Scope{RegionCode: actor.RegionCode, Depth: len(actor.RegionPath), DepartmentID: actor.OrganisationID}
	default:
		return store.Scope{}
	}
}

// taskScopeOf says whose tasks an actor works on: those of the own department,
// or those of the own authority. Others have none.
func taskScopeOf(actor casework.Actor) (store.TaskScope, bool) {
	switch {
	case actor.OrganisationKind == casework.KindDepartment && (actor.Has(casework.RoleHandler) || actor.Has(casework.RoleDepartmentLead)):
		return store.TaskScope{Cases: scopeOf(actor), OrganisationID: actor.OrganisationID, Owner: casework.OwnerDepartment}, true
	case actor.OrganisationKind == casework.KindAuthority && actor.Has(casework.RoleSupervisor):
		return store.TaskScope{Cases: scopeOf(actor), OrganisationID: actor.OrganisationID, Owner: casework.OwnerAuthority}, true
	default:
		return store.TaskScope{}, false
	}
}
