package policies_test

import (
	"slices"

	"guiling/internal/casework"
)

// oracle answers from the prose of the product's section on who may act, and
// from the world of the tests. It shares nothing with the policy: it knows
// regions by their parents, not by paths, and reads no rule.
func oracle(s situation, action casework.Action) bool {
	has := func(r casework.Role) bool { return slices.Contains(s.roles, r) }
	acts := slices.Contains(casework.Actions(), action) || action == casework.ActionImport || action == casework.ActionManageTexts

	// Always denied, whatever the role.
	if !s.org.region.over(s.place) { // anything across the subtree
		return false
	}
	if slices.Contains(casework.AdministrativeActions(), action) {
		return administers(s, action)
	}
	switch {
	case has(casework.RoleSysadmin), has(casework.RoleSecadmin): // no case content
		return false
	case has(casework.RoleAuditor) && (acts || action == casework.ActionReveal): // can never act
		return false
	}

	// Whoever is of the rated side, or was when the service was given, judges nothing
	// of it, wherever they are now.
	hasCase := s.ownRating || s.org == s.place.department(1)
	hadCase := hasCase || s.hadBefore
	ofRatedSide := hadCase || s.cameFrom || s.cameAs
	ratedPerson := hadCase && s.rated || s.cameAs
	works := hasCase && s.org.kind == casework.KindDepartment && (has(casework.RoleHandler) || has(casework.RoleDepartmentLead))
	chain := s.place.authorities()
	step := slices.Index(chain, s.org) // 0 serves, 1 is the parent, more is further up
	supervises := has(casework.RoleSupervisor) && step >= 0
	serves := supervises && step == 0
	took := supervises && s.takenOver // handles the case in the department's place
	lowCase := s.place.Level == casework.LevelTownship || s.place.Level == casework.LevelVillage
	countyUp := s.org.region.Level == casework.LevelProvince || s.org.region.Level == casework.LevelCity ||
		s.org.region.Level == casework.LevelCounty
	another := s.decidedBefore != me

	// Second decisions belong to the parent, or to another person of the same
	// authority where there is none. The parent of a village's own authority is
	// below county level; then it is the county's.
	second := supervises && countyUp && (step == 1 || (step == 0 && len(chain) == 1 && another))
	if supervises && step > 1 && s.place.Level == casework.LevelVillage && s.org.region.Level == casework.LevelCounty {
		second = true
	}

	switch action {
	case casework.ActionRead:
		return works || supervises || has(casework.RoleAuditor)
	case casework.ActionReadHistory, casework.ActionListEvents, casework.ActionListReveals, casework.ActionDecode:
		return has(casework.RoleAuditor)
	case casework.ActionExport: // who answers for many cases, not who handles one
		return supervises || has(casework.RoleAuditor) || works && has(casework.RoleDepartmentLead)
	case casework.ActionListOverdue, casework.ActionImport, casework.ActionSimulate, casework.ActionManageTexts:
		return supervises
	case casework.ActionViewBoard: // of a region, or of one's own department
		return supervises || (works && has(casework.RoleDepartmentLead))
	case casework.ActionReveal: // the rated person never sees who rated
		return (works || serves || took) && !ratedPerson && !s.ended
	case casework.ActionClaim, casework.ActionRequestExtension, casework.ActionWithdrawExtension:
		return works
	case casework.ActionVerify, casework.ActionSubmitRectification, casework.ActionSendFeedback:
		return works || took
	case casework.ActionAssign:
		return works && has(casework.RoleDepartmentLead)
	case casework.ActionRecordCallback, casework.ActionRecordAnswer, casework.ActionAttachFile:
		return works || serves || took
	case casework.ActionProposeInvalid:
		return serves && !ofRatedSide
	case casework.ActionDecideInvalid: // two people, the confirmer at county level or above
		if !supervises || !countyUp || ofRatedSide || s.proposer == me || s.proposedForRated {
			return false
		}
		return step <= 1 || lowCase
	case casework.ActionDecideExtension:
		return (s.extension == 1 && serves) || (s.extension == 2 && second)
	case casework.ActionDecideReopening:
		return (s.steps == 0 && serves) || (s.steps == 1 && second)
	case casework.ActionRemind: // whoever supervises it, from however far above, and the head of the department
		return supervises || (works && has(casework.RoleDepartmentLead))
	case casework.ActionEscalate, casework.ActionTakeOver:
		return serves || (supervises && countyUp && s.escalated)
	case casework.ActionTransfer: // who took it over can give it back
		return serves || took || (supervises && countyUp && s.escalated)
	case casework.ActionPause, casework.ActionResume, casework.ActionWithdraw, casework.ActionMerge:
		return serves
	case casework.ActionRecordSpotCheck:
		return serves && !ofRatedSide && !s.acted
	default:
		return false
	}
}

// administers answers for the three administrators: one keeps organisations and
// people, one keeps roles, rules and keys, and one only looks, at both.
func administers(s situation, action casework.Action) bool {
	has := func(r casework.Role) bool { return slices.Contains(s.roles, r) }
	people, rights, looks := has(casework.RoleSysadmin), has(casework.RoleSecadmin), has(casework.RoleAuditor)
	// Supervisors may know by which rules they act.
	supervises := has(casework.RoleSupervisor) && slices.Contains(s.place.authorities(), s.org)
	may := map[casework.Action]bool{
		casework.ActionListPeople:          people || rights || looks,
		casework.ActionListAdminEvents:     rights || looks,
		casework.ActionReadPolicy:          people || rights || looks || supervises,
		casework.ActionManageOrganisations: people,
		casework.ActionManagePeople:        people && !s.oneself,
		casework.ActionResetSignIn:         people && !s.oneself && !s.ofAdministrator, // never a way into the account of one of the three
		casework.ActionEndSessions:         people || rights,
		casework.ActionAssignRoles:         rights && !s.oneself,
		casework.ActionPublishPolicy:       rights,
		casework.ActionManageKeys:          rights,
	}
	// Who looks after the others never does anything, administering included.
	changes := !slices.Contains([]casework.Action{casework.ActionListPeople, casework.ActionListAdminEvents, casework.ActionReadPolicy}, action)
	return may[action] && (!looks || !changes)
}
