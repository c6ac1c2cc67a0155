package policies

import (
	"slices"

	"guiling/internal/casework"
)

// Situation is what must be true of the case itself for a rule to apply.
type Situation string

// The situations that rules can name.
const (
	WhenAny                       Situation = "any"
	WhenFirstExtension            Situation = "first_extension"              // 首次延期申请待决定
	WhenSecondExtension           Situation = "second_extension"             // 第二次延期申请待决定
	WhenSameLevelReopening        Situation = "same_level_reopening"         // 第二次不满意: decided by the serving authority
	WhenParentLevelReopening      Situation = "parent_level_reopening"       // 第三次不满意: decided by its parent
	WhenProposedByRatedDepartment Situation = "proposed_by_rated_department" // 无效认定由被评价部门提出
	WhenEnded                     Situation = "ended"                        // 案件已终结: invalid, withdrawn or archived
	WhenSubjectAdministers        Situation = "subject_administers"          // 对方是系统管理员、安全管理员或审计员
)

// situationSpec is what the linter and the decision know about a situation.
type situationSpec struct {
	holds func(*Object) bool
	only  []casework.Action // on which it has a meaning; nil is every action on a case
	// regionOnly: it can be told without a case.
	regionOnly bool
}

var situations = map[Situation]situationSpec{
	WhenAny: {holds: func(*Object) bool { return true }, regionOnly: true},
	WhenFirstExtension: {
		holds: func(o *Object) bool { return o.ExtensionOrdinal == 1 },
		only:  []casework.Action{casework.ActionDecideExtension},
	},
	WhenSecondExtension: {
		holds: func(o *Object) bool { return o.ExtensionOrdinal == 2 },
		only:  []casework.Action{casework.ActionDecideExtension},
	},
	WhenSameLevelReopening: {
		holds: func(o *Object) bool { return o.ReopeningDecidedBySteps == 0 },
		only:  []casework.Action{casework.ActionDecideReopening},
	},
	WhenParentLevelReopening: {
		holds: func(o *Object) bool { return o.ReopeningDecidedBySteps == 1 },
		only:  []casework.Action{casework.ActionDecideReopening},
	},
	WhenProposedByRatedDepartment: {
		holds: func(o *Object) bool { return o.InvalidProposerOrg != 0 && o.InvalidProposerOrg == o.DepartmentID },
		only:  []casework.Action{casework.ActionDecideInvalid},
	},
	WhenEnded: {holds: func(o *Object) bool { return o.Stage.Ended() }},
	WhenSubjectAdministers: {
		holds: func(o *Object) bool {
			return slices.ContainsFunc(casework.AdministratorRoles(), func(r casework.Role) bool { return slices.Contains(o.SubjectRoles, r) })
		},
		only: personActions, regionOnly: true,
	},
}
