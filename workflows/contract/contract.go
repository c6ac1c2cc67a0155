// Package contract holds every name and every payload that crosses the border
// of a workflow. What is here is stored in histories for years: names never
// change, and structs only gain optional fields.
//
// No payload holds personal data of a citizen (第六条). People who act appear by
// number, never by name.
package contract

import (
	"time"

	"guiling/internal/casework"
)

// Names on the wire, kebab-case.
const (
	// TaskQueue is where the workers of cases listen.
	TaskQueue = "cases"
	// WorkflowCase is the life of one case, from the review to the archive.
	WorkflowCase = "case"
	// ActivityRecordEvents writes events and projection in one transaction.
	ActivityRecordEvents = "record-events"
	// ActivityDrawSpotCheck asks the plan of the month about one case.
	ActivityDrawSpotCheck = "draw-spot-check"
	// ActivityLinkCase lets another case know that this one is merged into it.
	ActivityLinkCase = "link-case"
	// QueryDescribeCase shows an operator the state; no page reads it.
	QueryDescribeCase = "describe-case"
	// The Updates of people are the casework.Action names; these are the product's own.

	// UpdateAdoptCalendar lets a running case go over to a newer calendar.
	UpdateAdoptCalendar = "adopt-calendar"
	// UpdateLinkCase tells a case that another was merged into it.
	UpdateLinkCase = "link-case"

	// MemoInstallation is where a workflow says to which database its case belongs.
	MemoInstallation = "installation"

	// FailureType marks a refusal of the domain among the failures of an Update.
	// Its detail is a Refusal.
	FailureType = "casework-refusal"
)

// CaseWorkflowID is the id of the workflow of a case, one for ever.
func CaseWorkflowID(number string) string { return "case/" + number }

// CaseInput starts the workflow of a case.
type CaseInput struct {
	Number string          `json:"number"`
	Opened casework.Opened `json:"opened"`
	Rules  casework.Rules  `json:"rules"` // a running case keeps the rules with which it began
	// Installation is the database to which the case belongs.
	Installation string `json:"installation,omitempty"`
	// HistoryLimit is the number of history events after which an idle case
	// continues as new; 0 leaves it to the server's own suggestion.
	HistoryLimit int `json:"history_limit,omitempty"`
	// Carried is set when a case continues as new.
	Carried *CarriedCase `json:"carried,omitempty"`
}

// CarriedCase is what a case takes along when it continues as new.
type CarriedCase struct {
	State casework.State `json:"state"`
	// Answered are the last requests and their answers, oldest first: the server
	// knows repeated requests only within one run.
	Answered []AnsweredRequest `json:"answered,omitempty"`
}

// AnsweredKept bounds the requests that a case remembers across continue-as-new. A
// repeated click comes within minutes; no case sees 100 requests in that time.
const AnsweredKept = 100

// AnsweredRequest is a request that was carried out.
type AnsweredRequest struct {
	Key    string       `json:"key"`
	Result ActionResult `json:"result"`
}

// CaseResult is how a case ended.
type CaseResult struct {
	Stage   casework.Stage `json:"stage"`
	Version int            `json:"version"`
}

// ActionRequest is the argument of every Update. C is the command of the action.
type ActionRequest[C any] struct {
	Key     string      `json:"key"` // the idempotency key, and the id of the Update
	By      casework.By `json:"by"`
	Version int         `json:"version"` // of the case that the person saw; 0: not said
	Command C           `json:"command"`
}

// ActionResult answers every Update.
type ActionResult struct {
	Version  int            `json:"version"`
	Stage    casework.Stage `json:"stage"`
	Deadline time.Time      `json:"deadline,omitzero"` // zero when no clock runs
}

// AdoptCalendarRequest asks a case to go over to a newer calendar.
type AdoptCalendarRequest struct {
	Calendar casework.Calendar `json:"calendar"`
}

// LinkCaseRequest tells a case that another was merged into it.
type LinkCaseRequest struct {
	From string `json:"from"` // the number of the case that ended
}

// Refusal is a casework.Error on its way through the engine.
type Refusal struct {
	Code   casework.Code `json:"code"`
	Reason string        `json:"reason"`
	Field  string        `json:"field,omitempty"`
	Detail string        `json:"detail"`
}

// RecordEventsInput is one step of a case: the events, and the projection after
// them. It is idempotent on the case and the Seq of its events.
type RecordEventsInput struct {
	Number   string           `json:"number"`
	Key      string           `json:"key"`
	Events   []casework.Event `json:"events"`
	State    casework.State   `json:"state"`    // after the events
	Deadline time.Time        `json:"deadline"` // in force after them; zero when no clock runs
	Tasks    []casework.Task  `json:"tasks"`    // exactly those open after them
}

// RecordEventsOutput answers RecordEvents.
type RecordEventsOutput struct {
	Repeated bool `json:"repeated"` // the events were there already
}

// LinkCaseInput asks a case to go on for another.
type LinkCaseInput struct {
	From string `json:"from"`
	Into string `json:"into"`
}

// LinkCaseOutput answers LinkCase.
type LinkCaseOutput struct {
	Linked bool `json:"linked"` // false: the case does not go on, and takes no other along
}

// DrawSpotCheckInput asks whether the lot of the month falls on a case.
type DrawSpotCheckInput struct {
	Number       string    `json:"number"`
	ClosedAt     time.Time `json:"closed_at"`
	RatePerMille int       `json:"rate_per_mille"` // for a month that has no plan yet
}

// DrawSpotCheckOutput answers DrawSpotCheck. It does not hold the seed.
type DrawSpotCheckOutput struct {
	Draw casework.SpotCheckDraw `json:"draw"`
}
