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
	StageMerged        Stage = "merged"        // 并案: another case of the same service record goes on for it, the end
	StageArchived      Stage = "archived"      // 归档, the end
)

// Stages lists every stage.
func Stages() []Stage {
	return []Stage{
		StageOpened, StageVerification, StageInvalidation, StageExplanation, StageRectification,
		StageFeedback, StageClosed, StageSpotCheck, StageInvalid, StageWithdrawn, StageMerged, StageArchived,
	}
}

// Valid reports whether s is a known stage.
func (s Stage) Valid() bool { return slices.Contains(Stages(), s) }

// Ended reports whether the life of the case is over: its workflow has completed,
// and what comes in still (a late answer) is recorded and changes nothing.
func (s Stage) Ended() bool {
	return s == StageInvalid || s == StageWithdrawn || s == StageMerged || s == StageArchived
}

// Closed reports whether the work is done and no clock may run any more.
func (s Stage) Closed() bool { return s == StageClosed || s == StageSpotCheck || s.Ended() }
