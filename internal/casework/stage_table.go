package casework

import "slices"

// reason says why an action is refused at a stage, in a word that the message
// catalogues translate (error.<reason>). The empty reason allows.
type reason = string

// The cells of the stage table, five letters each so that its columns stand in
// line.
const (
	allow reason = ""
	early reason = "not_started_yet"      // its workflow is about to begin
	unver reason = "not_verified_yet"     // 未核实: first it must be known whether the complaint is true
	known reason = "already_verified"     // 已核实
	doubt reason = "invalidation_pending" // 无效认定中: everything else waits for the decision
	nopro reason = "nothing_proposed"     // nobody proposed to declare the review invalid
	basis reason = "only_explained"       // 无依据的诉求: it is explained, there is nothing to rectify
	unrec reason = "not_rectified_yet"    // 未整改
	fixed reason = "already_rectified"    // 已整改: only the reviewer's answer is missing
	unfed reason = "feedback_not_sent"    // 未反馈: there is nothing to answer yet
	quiet reason = "no_decision_awaited"  // no answer waits for a supervisor
	still reason = "no_clock_of_ours"     // the window of the reviewer cannot be held
	going reason = "not_selected"         // only a closed case that was selected is checked
	final reason = "case_closed"          // 已办结: its clocks are frozen
	ended reason = "case_ended"
)

// stageTable says for every action and every stage whether the action is
// thinkable there, and why not. What else must hold (a callback before the
// verification, a request before its decision) is asked by the action's own
// command. The columns are Stages(), in their order.
//
// Where a row allows at a closed or an archived stage, the act is recorded and
// changes nothing.
var stageTable = map[Action][stageCount]reason{
	//                          opened verif. invali explan rectif feedba closed spot_c invali withdr merged archiv
	ActionClaim:               {early, allow, doubt, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionAssign:              {early, allow, allow, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionTakeOver:            {early, allow, doubt, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionRecordCallback:      {early, allow, doubt, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionAttachFile:          {early, allow, allow, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionVerify:              {early, allow, doubt, known, known, known, final, final, ended, ended, ended, ended},
	ActionProposeInvalid:      {early, allow, doubt, known, known, known, final, final, ended, ended, ended, ended},
	ActionDecideInvalid:       {early, nopro, allow, nopro, nopro, nopro, final, final, ended, ended, ended, ended},
	ActionRequestExtension:    {early, unver, doubt, basis, allow, fixed, final, final, ended, ended, ended, ended},
	ActionWithdrawExtension:   {early, unver, doubt, basis, allow, fixed, final, final, ended, ended, ended, ended},
	ActionDecideExtension:     {early, unver, doubt, basis, allow, fixed, final, final, ended, ended, ended, ended},
	ActionSubmitRectification: {early, unver, doubt, basis, allow, fixed, final, final, ended, ended, ended, ended},
	ActionSendFeedback:        {early, unver, doubt, allow, unrec, allow, final, final, ended, ended, ended, ended},
	ActionRecordAnswer:        {early, unfed, unfed, unfed, unfed, allow, allow, allow, ended, ended, ended, allow},
	ActionDecideReopening:     {early, quiet, quiet, quiet, quiet, allow, final, final, ended, ended, ended, ended},
	ActionRemind:              {early, allow, doubt, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionEscalate:            {early, allow, allow, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionPause:               {early, allow, doubt, allow, allow, still, final, final, ended, ended, ended, ended},
	ActionResume:              {early, allow, doubt, allow, allow, still, final, final, ended, ended, ended, ended},
	ActionTransfer:            {early, allow, doubt, allow, allow, fixed, final, final, ended, ended, ended, ended},
	ActionMerge:               {early, allow, doubt, allow, allow, fixed, final, final, ended, ended, ended, ended},
	ActionWithdraw:            {early, allow, allow, allow, allow, allow, final, final, ended, ended, ended, ended},
	ActionRecordSpotCheck:     {early, going, going, going, going, going, going, allow, ended, ended, ended, ended},
}

const stageCount = 12

// Possible reports whether the action is thinkable at the stage. When it is not,
// why says so in a word that the message catalogues translate.
func Possible(stage Stage, action Action) (ok bool, why string) {
	row, ok := stageTable[action]
	if !ok {
		return false, "unknown_action"
	}
	i := slices.Index(Stages(), stage)
	if i < 0 {
		return false, early
	}
	return row[i] == allow, row[i]
}
