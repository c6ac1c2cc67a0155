package casework

import "slices"

// Stage is where a case stands.
type Stage string

// The stages, in the order of the life of a case.
const (
	StageOpened        Stage = "opened"        // taken in; its workflow has not yet begun
	StageVerification  Stage = "verification"  // 核实
	StageInvalidation  Stage = "invalidation"  // 无效认定: proposed, not yet confirmed
	StageExplanation   Stage = "explanation"   // 解释说明: true in fact, no legal basis
	StageRectification Stage = "rectification" // 整改
	StageFeedback      Stage = "feedback"      // 反馈: to be sent, then waiting for the answer
	StageClosed        Stage = "closed"        // 办结: about to be drawn for a spot check or archived
	StageSpotCheck     Stage = "spot_check"    // 抽查
	StageInvalid       Stage = "invalid"       // 无效评价, the end
	StageWithdrawn     Stage = "withdrawn"     // 撤回, the end
	StageArchived      Stage = "archived"      // 归档, the end
)

// Stages lists every stage.
func Stages() []Stage {
	return []Stage{
		StageOpened, StageVerification, StageInvalidation, StageExplanation, StageRectification,
		StageFeedback, StageClosed, StageSpotCheck, StageInvalid, StageWithdrawn, StageArchived,
	}
}

// Valid reports whether s is a known stage.
func (s Stage) Valid() bool { return slices.Contains(Stages(), s) }

// Ended reports whether nothing more can happen to the case.
func (s Stage) Ended() bool {
	return s == StageInvalid || s == StageWithdrawn || s == StageArchived
}

// stageTable says at which stages an action is thinkable at all. What else must
// hold is asked by the action's own Decide.
//
// An action that is missing here is refused everywhere.
var stageTable = map[Action][]Stage{
	ActionClaim:               {StageVerification, StageExplanation, StageRectification, StageFeedback},
	ActionAssign:              {StageVerification, StageInvalidation, StageExplanation, StageRectification, StageFeedback},
	ActionRecordCallback:      {StageVerification, StageExplanation, StageRectification, StageFeedback},
	ActionVerify:              {StageVerification},
	ActionProposeInvalid:      {StageVerification},
	ActionDecideInvalid:       {StageInvalidation},
	ActionRequestExtension:    {StageRectification},
	ActionWithdrawExtension:   {StageRectification},
	ActionDecideExtension:     {StageRectification},
	ActionSubmitRectification: {StageRectification},
	ActionSendFeedback:        {StageExplanation, StageFeedback},
	ActionRecordAnswer:        {StageFeedback},
	ActionDecideReopening:     {StageFeedback},
	ActionEscalate:            {StageVerification, StageInvalidation, StageExplanation, StageRectification, StageFeedback},
	ActionPause:               {StageVerification, StageExplanation, StageRectification},
	ActionResume:              {StageVerification, StageExplanation, StageRectification},
	ActionTransfer:            {StageVerification, StageExplanation, StageRectification},
	ActionWithdraw:            {StageVerification, StageInvalidation, StageExplanation, StageRectification, StageFeedback},
	ActionRecordSpotCheck:     {StageSpotCheck},
}

// Possible reports whether the action is thinkable at the stage. When it is not,
// reason says why in a word that the message catalogues translate.
func Possible(stage Stage, action Action) (ok bool, reason string) {
	switch {
	case slices.Contains(stageTable[action], stage):
		return true, ""
	case stage == StageOpened:
		return false, "not_started_yet"
	case stage.Ended():
		return false, "case_ended"
	case stage == StageClosed || stage == StageSpotCheck:
		return false, "case_closed"
	default:
		return false, "not_at_this_stage"
	}
}
