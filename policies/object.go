package policies

import (
	"slices"
	"time"

	"guiling/internal/casework"
)

// Object is what somebody wants to act on, as the policy sees it: explicit
// facts about one case, no names and no personal data.
//
// For what concerns no single case (lists, imports, all of administration) only
// RegionPath is set, to the region that is asked for, and for what is done to a
// person the Subject beside it. What holds for the whole installation lies in its
// topmost region.
type Object struct {
	Level        casework.AdminLevel // of the case's region
	RegionPath   []string            // by explicit parents, province first, the case's region last
	DepartmentID int64               // the department that was rated and handles the case
	// RatedDepartmentIDs are those that the review was about or that had the case
	// before it was transferred; DepartmentID counts without being among them.
	RatedDepartmentIDs []int64
	// ServedAt is when the service began that was rated. Who left a department before
	// has no part in it; zero is not known, and then nobody is taken to have left before.
	ServedAt time.Time

	// AuthorityID is the authority that serves the case's region: its own, or
	// that of the nearest ancestor that has one. AuthorityParentID is the one
	// above it, 0 when there is none. AuthorityChain is AuthorityID, then its
	// parents upward.
	AuthorityID       int64
	AuthorityParentID int64
	AuthorityChain    []int64

	Stage           casework.Stage
	RatedStaffLabel string  // the window or name that was rated; empty when only the department was
	ActedUserIDs    []int64 // who did something in the case

	InvalidProposedBy  int64 // who proposed to declare the review invalid, 0 when nobody did
	InvalidProposerOrg int64 // for which organisation

	ExtensionOrdinal   int     // of the request that waits: 1 first, 2 second, 0 none
	ExtensionDecidedBy []int64 // who decided earlier requests

	// ReopeningDecidedBySteps is how many steps above the serving authority the
	// answer is decided: 0 for the second unsatisfied answer, 1 for the third.
	ReopeningDecidedBySteps int
	ReopeningDecidedBy      []int64 // who decided earlier answers

	EscalatedTo []int64 // the authorities that the case was put before (督办)
	TakenOverBy int64   // the authority that handles the case in the department's place (接管), 0 when none does

	SubjectUserID int64           // the person to whom administration does something
	SubjectRoles  []casework.Role // and what roles they hold, or are to hold
}

// concernsCase reports whether the action needs a case, and not only a region.
func concernsCase(action casework.Action) bool {
	switch action {
	case casework.ActionListOverdue, casework.ActionListEvents, casework.ActionImport, casework.ActionSimulate,
		casework.ActionListReveals, casework.ActionDecode, casework.ActionManageTexts:
		return false
	default:
		return !slices.Contains(casework.AdministrativeActions(), action)
	}
}

// personActions are what administration does to somebody.
var personActions = []casework.Action{
	casework.ActionManagePeople, casework.ActionResetSignIn, casework.ActionEndSessions, casework.ActionAssignRoles,
}

// flaw says what keeps the object from being judged at all, or "". A rule that
// denies cannot see a fact that is missing, so a missing fact denies.
func (o *Object) flaw(action casework.Action) string {
	if !concernsCase(action) {
		return ""
	}
	if !o.Level.Valid() || !wellFormed(o.RegionPath) {
		return ReasonObjectIncomplete
	}
	switch action {
	case casework.ActionProposeInvalid, casework.ActionDecideInvalid, casework.ActionRecordSpotCheck:
		if o.DepartmentID == 0 {
			return ReasonObjectIncomplete
		}
	case casework.ActionReveal:
		if !o.Stage.Valid() {
			return ReasonObjectIncomplete
		}
	default:
	}
	return o.contradiction()
}

// contradiction compares the chain of authorities with the two that are named
// beside it. A parent that was forgotten would let the same authority decide
// what its parent has to.
func (o *Object) contradiction() string {
	var own, parent int64
	switch chain := o.AuthorityChain; len(chain) {
	case 0:
		return ""
	case 1:
		own = chain[0]
	default:
		own, parent = chain[0], chain[1]
	}
	if own != o.AuthorityID || parent != o.AuthorityParentID {
		return ReasonObjectContradictory
	}
	return ""
}
