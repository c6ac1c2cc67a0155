package policies

import (
	"fmt"
	"slices"
	"time"

	"guiling/internal/casework"
)

// Position is where somebody stands before a case, for the matrix.
type Position string

// The positions, from the department of the case outward.
const (
	PositionDepartment Position = "department" // 本部门
	PositionAuthority  Position = "authority"  // 本级机构
	PositionParent     Position = "parent"     // 上级机构
	PositionHigher     Position = "higher"     // 再上级机构
	PositionOutside    Position = "outside"    // 辖区外
)

// Positions lists the positions.
func Positions() []Position {
	return []Position{PositionDepartment, PositionAuthority, PositionParent, PositionHigher, PositionOutside}
}

// Circumstance is what is true of the case, or of the person, beside the position.
type Circumstance string

// The circumstances of the matrix; plain is a case under way, with the first
// extension asked for.
const (
	CircumstancePlain     Circumstance = "plain"
	CircumstanceSecond    Circumstance = "second"     // the second extension, the third answer
	CircumstanceRated     Circumstance = "rated"      // the person was rated, or came from the rated side
	CircumstanceProposed  Circumstance = "proposed"   // the person proposed to declare the review invalid
	CircumstanceActed     Circumstance = "acted"      // the person did something in the case
	CircumstanceEscalated Circumstance = "escalated"  // the case was put before the person's authority
	CircumstanceTakenOver Circumstance = "taken_over" // the person's authority handles it
	CircumstanceEnded     Circumstance = "ended"
	CircumstanceOneself   Circumstance = "oneself"  // administration is done to the person who asks
	CircumstanceOfAdmin   Circumstance = "of_admin" // to one of the three administrators
)

// Circumstances lists the circumstances.
func Circumstances() []Circumstance {
	return []Circumstance{
		CircumstancePlain, CircumstanceSecond, CircumstanceRated, CircumstanceProposed, CircumstanceActed, CircumstanceEscalated,
		CircumstanceTakenOver, CircumstanceEnded, CircumstanceOneself, CircumstanceOfAdmin,
	}
}

// Cell is one answer of the matrix.
type Cell struct {
	Role         casework.Role       `json:"role"`
	Position     Position            `json:"position"`
	CaseLevel    casework.AdminLevel `json:"case_level"`
	ActorLevel   casework.AdminLevel `json:"actor_level"`
	Circumstance Circumstance        `json:"circumstance"`
	Action       casework.Action     `json:"action"`
	Decision     Decision            `json:"decision"`
}

func (c Cell) key() string {
	return fmt.Sprint(c.Role, c.Position, c.CaseLevel, c.Circumstance, c.Action)
}

// Matrix asks the policy for every role, before a case of every level, from every
// position, in the circumstances that are named, for every action. Numbers stand for
// people and organisations of a place that is not there.
func (e *Enforcer) Matrix(circumstances ...Circumstance) []Cell {
	var cells []Cell
	for _, role := range casework.Roles() {
		for i, caseLevel := range casework.AdminLevels() {
			for _, position := range Positions() {
				actor, object, ok := stand(role, position, i)
				if !ok {
					continue
				}
				for _, circumstance := range circumstances {
					a, o := arrange(actor, object, circumstance)
					for _, action := range casework.AllActions() {
						cells = append(cells, Cell{
							Role: role, Position: position, CaseLevel: caseLevel, ActorLevel: a.Level, Circumstance: circumstance,
							Action: action, Decision: e.Decide(a, action, o),
						})
					}
				}
			}
		}
	}
	return cells
}

// The people and organisations of the matrix.
const (
	matrixPerson, matrixOther      = 7, 8
	matrixDepartment, matrixAbroad = 100, 900
)

var matrixServed = time.Date(2026, 11, 1, 0, 0, 0, 0, casework.China())

// stand puts somebody before a case at a level; false where there is no such place:
// nobody stands above the province.
func stand(role casework.Role, position Position, caseLevel int) (casework.Actor, Object, bool) {
	levels := casework.AdminLevels()
	path := func(depth int, last string) []string {
		var steps []string
		for i := range depth {
			steps = append(steps, fmt.Sprint("r", i))
		}
		return append(steps, last)
	}
	region := func(depth int) []string { return path(depth, fmt.Sprint("r", depth)) }
	authority := func(depth int) int64 { return int64(200 + depth) }
	object := Object{
		Level: levels[caseLevel], RegionPath: region(caseLevel), DepartmentID: matrixDepartment, RatedDepartmentIDs: []int64{matrixDepartment},
		Stage: casework.StageRectification, RatedStaffLabel: "window", ActedUserIDs: []int64{matrixOther}, ServedAt: matrixServed,
		InvalidProposedBy: matrixOther, InvalidProposerOrg: authority(caseLevel), ExtensionOrdinal: 1,
		SubjectUserID: matrixOther, SubjectRoles: []casework.Role{casework.RoleHandler},
	}
	for depth := caseLevel; depth >= 0; depth-- {
		object.AuthorityChain = append(object.AuthorityChain, authority(depth))
	}
	object.AuthorityID = object.AuthorityChain[0]
	if caseLevel > 0 {
		object.AuthorityParentID = object.AuthorityChain[1]
	}
	up := 0
	switch position {
	case PositionParent:
		up = 1
	case PositionHigher:
		up = 2
	case PositionDepartment, PositionAuthority, PositionOutside:
	}
	if up > caseLevel {
		return casework.Actor{}, Object{}, false
	}
	actor := casework.Actor{
		UserID: matrixPerson, Roles: []casework.Role{role}, OrganisationID: authority(caseLevel - up), OrganisationKind: casework.KindAuthority,
		RegionPath: region(caseLevel - up), Level: levels[caseLevel-up],
	}
	switch position {
	case PositionDepartment:
		actor.OrganisationID, actor.OrganisationKind = matrixDepartment, casework.KindDepartment
	case PositionOutside:
		actor.OrganisationID, actor.RegionPath = matrixAbroad, path(caseLevel, "abroad")
	case PositionAuthority, PositionParent, PositionHigher:
	}
	return actor, object, true
}

func arrange(a casework.Actor, o Object, circumstance Circumstance) (casework.Actor, Object) {
	switch circumstance {
	case CircumstanceSecond:
		o.ExtensionOrdinal, o.ReopeningDecidedBySteps = 2, 1
		o.ExtensionDecidedBy, o.ReopeningDecidedBy = []int64{matrixOther}, []int64{matrixOther}
	case CircumstanceRated:
		a.StaffLabel = o.RatedStaffLabel
		a.Past = []casework.Membership{{OrganisationID: matrixDepartment, StaffLabel: o.RatedStaffLabel, Until: matrixServed}}
	case CircumstanceProposed:
		o.InvalidProposedBy = a.UserID
	case CircumstanceActed:
		o.ActedUserIDs = append(slices.Clone(o.ActedUserIDs), a.UserID)
	case CircumstanceEscalated:
		o.EscalatedTo = []int64{a.OrganisationID}
	case CircumstanceTakenOver:
		o.TakenOverBy = a.OrganisationID
	case CircumstanceEnded:
		o.Stage = casework.StageArchived
	case CircumstanceOneself:
		o.SubjectUserID = a.UserID
	case CircumstanceOfAdmin:
		o.SubjectRoles = []casework.Role{casework.RoleSecadmin}
	case CircumstancePlain:
	}
	return a, o
}

// Difference is a cell that another policy answers otherwise.
type Difference struct {
	Cell

	Now Decision `json:"now"` // by the other policy; Cell.Decision is by the one in force
}

// Compare lists the cells of the whole matrix that the other policy answers
// otherwise: allowed and not, or the other way round.
func (e *Enforcer) Compare(other *Enforcer) []Difference {
	theirs := map[string]Decision{}
	for _, c := range other.Matrix(Circumstances()...) {
		theirs[c.key()] = c.Decision
	}
	var differences []Difference
	for _, c := range e.Matrix(Circumstances()...) {
		if now := theirs[c.key()]; now.Allowed != c.Decision.Allowed {
			differences = append(differences, Difference{Cell: c, Now: now})
		}
	}
	return differences
}
