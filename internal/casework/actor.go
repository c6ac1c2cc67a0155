package casework

import (
	"slices"
	"time"
)

// Role is what a person may be in an organisation. The rules in policies/ say
// what each may do.
type Role string

// The roles of the policy.
const (
	RoleHandler        Role = "handler"         // 承办人
	RoleDepartmentLead Role = "department_lead" // 部门负责人
	RoleSupervisor     Role = "supervisor"      // 监督员
	RolePublisher      Role = "publisher"       // 公示员
	RoleAuditor        Role = "auditor"         // 审计员
	RoleSysadmin       Role = "sysadmin"        // 系统管理员
	RoleSecadmin       Role = "secadmin"        // 安全管理员
	RoleClient         Role = "client"          // 接入系统
)

// Roles lists the roles.
func Roles() []Role {
	return []Role{
		RoleHandler, RoleDepartmentLead, RoleSupervisor, RolePublisher,
		RoleAuditor, RoleSysadmin, RoleSecadmin, RoleClient,
	}
}

// Valid reports whether r is a known role.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// OrganisationKind tells an authority from a department.
type OrganisationKind string

// An authority supervises one region (政务服务管理机构); a department handles
// matters.
const (
	KindAuthority  OrganisationKind = "authority"
	KindDepartment OrganisationKind = "department"
)

// Actor is who acts, as the policy sees them: identifiers and facts, no names.
type Actor struct {
	UserID           int64            `json:"user_id"`
	Roles            []Role           `json:"roles"`
	OrganisationID   int64            `json:"organisation_id"`
	OrganisationKind OrganisationKind `json:"organisation_kind"`
	RegionCode       string           `json:"region_code"`
	RegionPath       []string         `json:"region_path"` // province first, own region last, by explicit parents
	Level            AdminLevel       `json:"level"`
	StaffLabel       string           `json:"staff_label"` // the window or name under which citizens rate this person; empty for most
	Past             []Membership     `json:"past"`        // where the person worked before, in any order
}

// Membership is a place in an organisation that somebody has left. A conflict of
// interest goes with the person, not with the position.
type Membership struct {
	OrganisationID int64     `json:"organisation_id"`
	StaffLabel     string    `json:"staff_label"`
	Until          time.Time `json:"until"`
}

// Has reports whether the actor holds the role.
func (a Actor) Has(r Role) bool { return slices.Contains(a.Roles, r) }

// By is the mark an actor leaves on an event: who, for which organisation, in
// which role. The zero value is the clock itself.
type By struct {
	UserID         int64  `json:"user_id,omitempty"`
	OrganisationID int64  `json:"organisation_id,omitempty"`
	Role           Role   `json:"role,omitempty"`
	Rule           string `json:"rule,omitempty"` // the policy rule that allowed it
}

// System reports whether no person acted, but a clock or the product.
func (b By) System() bool { return b.UserID == 0 }
