package casework

import "slices"

// Action is something a person may do to a case. The names are the paths of the
// API and the Updates of the workflow.
type Action string

// The actions, in the order of the life of a case.
const (
	ActionClaim               Action = "claim"
	ActionAssign              Action = "assign"
	ActionTakeOver            Action = "take-over"
	ActionRecordCallback      Action = "record-callback"
	ActionAttachFile          Action = "attach-file"
	ActionVerify              Action = "verify"
	ActionProposeInvalid      Action = "propose-invalid"
	ActionDecideInvalid       Action = "decide-invalid"
	ActionRequestExtension    Action = "request-extension"
	ActionWithdrawExtension   Action = "withdraw-extension"
	ActionDecideExtension     Action = "decide-extension"
	ActionSubmitRectification Action = "submit-rectification"
	ActionSendFeedback        Action = "send-feedback"
	ActionRecordAnswer        Action = "record-answer"
	ActionDecideReopening     Action = "decide-reopening"
	ActionRemind              Action = "remind"
	ActionEscalate            Action = "escalate"
	ActionPause               Action = "pause"
	ActionResume              Action = "resume"
	ActionTransfer            Action = "transfer"
	ActionMerge               Action = "merge"
	ActionWithdraw            Action = "withdraw"
	ActionRecordSpotCheck     Action = "record-spot-check"
)

// Actions lists every action.
func Actions() []Action {
	return []Action{
		ActionClaim, ActionAssign, ActionTakeOver, ActionRecordCallback, ActionAttachFile, ActionVerify, ActionProposeInvalid,
		ActionDecideInvalid, ActionRequestExtension, ActionWithdrawExtension, ActionDecideExtension, ActionSubmitRectification,
		ActionSendFeedback, ActionRecordAnswer, ActionDecideReopening, ActionRemind, ActionEscalate, ActionPause,
		ActionResume, ActionTransfer, ActionMerge, ActionWithdraw, ActionRecordSpotCheck,
	}
}

// What a person may do that changes no case. The policy decides these as well.
const (
	ActionRead        Action = "read"            // see a case
	ActionReadHistory Action = "read-history"    // see every event of a case with its rule
	ActionReveal      Action = "reveal"          // see the reviewer's phone in clear, with a purpose (第六条)
	ActionListOverdue Action = "list-overdue"    // what is late in the supervisor's subtree
	ActionViewBoard   Action = "view-board"      // the counts of a region, or of one department of it
	ActionListEvents  Action = "list-events"     // the auditor's list
	ActionImport      Action = "import-reviews"  // bring in a file of reviews
	ActionSimulate    Action = "simulate-rules"  // see which deadlines other rules would move
	ActionListReveals Action = "list-reveals"    // see who looked at reviewers, and why (第六条)
	ActionDecode      Action = "decode-payloads" // read what the engine keeps of cases, in the engine's own pages
	ActionManageTexts Action = "manage-texts"    // write the texts that people use in cases, for one's own authority
)

// LookingActions lists the actions that change no case: they show some of it, or
// prepare what is done to it.
func LookingActions() []Action {
	return []Action{
		ActionRead, ActionReadHistory, ActionReveal, ActionListOverdue, ActionViewBoard, ActionListEvents, ActionImport, ActionSimulate,
		ActionListReveals, ActionDecode, ActionManageTexts,
	}
}

// AllActions lists everything that the policy decides: on cases, beside them, and
// in administration.
func AllActions() []Action {
	return slices.Concat(Actions(), LookingActions(), AdministrativeActions())
}
