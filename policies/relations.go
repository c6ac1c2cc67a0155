package policies

import (
	"maps"
	"slices"

	"guiling/internal/casework"
)

// Relation is how the actor stands to the object. Each is a predicate over
// explicit facts; the prefix of a region code decides nothing.
//
// What allows is narrow: it asks for the kind of the organisation as well. What
// denies is broad: the identifier alone is enough. Zero never equals zero.
type Relation string

// The relations that rules can name.
const (
	RelationAny             Relation = "any"
	RelationOwnDepartment   Relation = "own_department"    // 本部门: a person of the department that handles the case
	RelationOwnRegion       Relation = "own_region"        // 本级机构: a person of the authority that serves the case's region
	RelationParentAuthority Relation = "parent_authority"  // 上级机构: of its parent; without one, another person of the same authority
	RelationAuthorityAbove  Relation = "authority_above"   // 任一上级机构: of any authority above the serving one
	RelationInSubtree       Relation = "in_subtree"        // 辖区内: the case lies in or below the actor's region
	RelationSupervised      Relation = "supervised_region" // 监督辖区内: the same, and the actor's organisation is an authority
	RelationOutsideSubtree  Relation = "outside_subtree"   // 辖区外
	RelationRatedDepartment Relation = "rated_department"  // 被评价部门: belongs to it, or did when the service was given or later
	RelationRatedPerson     Relation = "rated_person"      // 被评价人: the same, under the label that was rated
	RelationProposedIt      Relation = "proposed_it"       // 提出人: proposed to declare the review invalid
	RelationActedBefore     Relation = "acted_before"      // 办理过: did something in the case
	RelationEscalatedTo     Relation = "escalated_to"      // 督办机构: the case was put before the actor's authority
	RelationTookOver        Relation = "took_over"         // 接管机构: the actor's authority handles the case in the department's place
	RelationOneself         Relation = "oneself"           // 本人: the person to whom it is done
)

// Relations lists the relations.
func Relations() []Relation { return slices.Sorted(maps.Keys(relations)) }

// query is one request while it is being decided.
type query struct {
	actor  *casework.Actor
	action casework.Action
	object *Object
}

// relationSpec is what the linter and the decision know about a relation.
type relationSpec struct {
	holds func(query) bool
	// regionOnly: a region is enough to tell; the others need a case.
	regionOnly bool
	// only lists the actions on which the relation has a meaning; nil is all.
	only []casework.Action
}

var relations = map[Relation]relationSpec{
	RelationAny:             {holds: func(query) bool { return true }, regionOnly: true},
	RelationOwnDepartment:   {holds: ownDepartment},
	RelationOwnRegion:       {holds: ownRegion},
	RelationParentAuthority: {holds: parentAuthority},
	RelationAuthorityAbove:  {holds: authorityAbove},
	RelationInSubtree:       {holds: inSubtree, regionOnly: true},
	RelationSupervised:      {holds: supervised, regionOnly: true},
	RelationOutsideSubtree:  {holds: func(q query) bool { return !inSubtree(q) }, regionOnly: true},
	RelationRatedDepartment: {holds: ratedDepartment},
	RelationRatedPerson:     {holds: ratedPerson},
	RelationProposedIt:      {holds: proposedIt, only: []casework.Action{casework.ActionDecideInvalid}},
	RelationActedBefore:     {holds: actedBefore},
	RelationEscalatedTo:     {holds: escalatedTo},
	RelationTookOver:        {holds: tookOver},
	RelationOneself:         {holds: oneself, regionOnly: true, only: personActions},
}

// in reports whether the actor belongs to the organisation and it is of that kind.
func (q query) in(organisation int64, kind casework.OrganisationKind) bool {
	return organisation != 0 && q.actor.OrganisationID == organisation && q.actor.OrganisationKind == kind
}

func ownDepartment(q query) bool { return q.in(q.object.DepartmentID, casework.KindDepartment) }

func ownRegion(q query) bool { return q.in(q.object.AuthorityID, casework.KindAuthority) }

// parentAuthority holds for the authority above the serving one. At the top
// there is none, and another person of the same authority takes its place.
func parentAuthority(q query) bool {
	if parent := q.object.AuthorityParentID; parent != 0 {
		return q.in(parent, casework.KindAuthority)
	}
	return len(q.object.AuthorityChain) <= 1 && ownRegion(q) && !tookEarlierDecision(q)
}

// tookEarlierDecision reports whether the actor took the decision that this one
// comes after.
func tookEarlierDecision(q query) bool {
	switch q.action {
	case casework.ActionDecideExtension:
		return slices.Contains(q.object.ExtensionDecidedBy, q.actor.UserID)
	case casework.ActionDecideReopening:
		return slices.Contains(q.object.ReopeningDecidedBy, q.actor.UserID)
	case casework.ActionDecideInvalid:
		return proposedIt(q)
	default:
		return false
	}
}

func authorityAbove(q query) bool {
	chain := q.object.AuthorityChain
	return len(chain) > 1 && q.actor.OrganisationKind == casework.KindAuthority &&
		q.actor.OrganisationID != 0 && slices.Contains(chain[1:], q.actor.OrganisationID)
}

// inSubtree holds when the actor's own region is the object's region or one of
// its explicit ancestors.
func inSubtree(q query) bool {
	above, below := q.actor.RegionPath, q.object.RegionPath
	return wellFormed(above) && len(above) <= len(below) && slices.Equal(above, below[:len(above)])
}

// wellFormed reports whether a region path says something: an empty path, or an
// empty step, would be the ancestor of everything.
func wellFormed(path []string) bool { return len(path) > 0 && !slices.Contains(path, "") }

func supervised(q query) bool {
	return q.actor.OrganisationKind == casework.KindAuthority && inSubtree(q)
}

// ratedDepartment holds for whoever belongs to a department that had the case, or
// belonged to one when the service was given or later: a position that was handed
// over takes the conflict of interest along.
func ratedDepartment(q query) bool {
	return q.object.rated(q.actor.OrganisationID) ||
		slices.ContainsFunc(q.actor.Past, func(m casework.Membership) bool { return q.object.ratedWhile(m) })
}

// ratedPerson is the same for whoever works or worked there under the rated label.
func ratedPerson(q query) bool {
	label := q.object.RatedStaffLabel
	if label == "" {
		return false
	}
	return q.object.rated(q.actor.OrganisationID) && q.actor.StaffLabel == label ||
		slices.ContainsFunc(q.actor.Past, func(m casework.Membership) bool { return m.StaffLabel == label && q.object.ratedWhile(m) })
}

// rated reports whether an organisation is on the rated side.
func (o *Object) rated(organisation int64) bool {
	return organisation != 0 && (organisation == o.DepartmentID || slices.Contains(o.RatedDepartmentIDs, organisation))
}

// ratedWhile reports whether somebody with that membership was on the rated side
// when the service began, or came to it later.
func (o *Object) ratedWhile(m casework.Membership) bool {
	return o.rated(m.OrganisationID) && (o.ServedAt.IsZero() || !m.Until.Before(o.ServedAt))
}

func proposedIt(q query) bool {
	return q.object.InvalidProposedBy != 0 && q.actor.UserID == q.object.InvalidProposedBy
}

func actedBefore(q query) bool { return slices.Contains(q.object.ActedUserIDs, q.actor.UserID) }

func escalatedTo(q query) bool {
	return q.actor.OrganisationKind == casework.KindAuthority && q.actor.OrganisationID != 0 &&
		slices.Contains(q.object.EscalatedTo, q.actor.OrganisationID)
}

func tookOver(q query) bool { return q.in(q.object.TakenOverBy, casework.KindAuthority) }

func oneself(q query) bool {
	return q.object.SubjectUserID != 0 && q.actor.UserID == q.object.SubjectUserID
}
