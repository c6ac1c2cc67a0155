package policies

import "guiling/internal/casework"

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
)

// situationSpec is what the linter and the decision know about a situation.
type situationSpec struct {
	holds func(*Object) bool
	only  []casework.Action // on which it has a meaning; nil is every action on a case
}

var situations = map[Situation]situationSpec{
	WhenAny: {holds: func(*Object) bool { return true }},
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
}
