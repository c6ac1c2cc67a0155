package casework

import "time"

// Opened begins a case: one negative review (第九条).
type Opened struct {
	RegionCode    string      `json:"region_code"`
	RegionLevel   AdminLevel  `json:"region_level"`
	DepartmentID  int64       `json:"department_id"`
	MatterCode    string      `json:"matter_code"`
	Rating        RatingLevel `json:"rating"`
	Aspects       []Aspect    `json:"aspects"`
	Channel       Channel     `json:"channel"`
	RatedAt       time.Time   `json:"rated_at"`
	ReviewerKnown bool        `json:"reviewer_known"`
	PackID        string      `json:"pack_id"`
	PackVersion   int         `json:"pack_version"`
	// CalendarVersion is empty for a pack that asks no calendar.
	CalendarVersion string `json:"calendar_version,omitempty"`
	Limit           Limit  `json:"limit"` // of the verification
}

// Kind implements EventBody.
func (Opened) Kind() EventKind { return "opened" }

// Article implements EventBody.
func (Opened) Article() string { return "第九条" }

// Claimed says that a handler took the case.
type Claimed struct {
	UserID int64 `json:"user_id"`
}

// Kind implements EventBody.
func (Claimed) Kind() EventKind { return "claimed" }

// Article implements EventBody.
func (Claimed) Article() string { return "第九条" }

// Assigned says that a case was given to a person of the department.
type Assigned struct {
	UserID int64  `json:"user_id"`
	Note   string `json:"note,omitempty"`
}

// Kind implements EventBody.
func (Assigned) Kind() EventKind { return "assigned" }

// Article implements EventBody.
func (Assigned) Article() string { return "第九条" }

// TakenOver says that the authority of the person who acted handles the case in
// the place of its department.
type TakenOver struct {
	Reason string `json:"reason"`
}

// Kind implements EventBody.
func (TakenOver) Kind() EventKind { return "taken_over" }

// Article implements EventBody.
func (TakenOver) Article() string { return "第十条" }

// CallbackRecorded is one attempt to reach the reviewer (第六条: 核实确认或回访).
type CallbackRecorded struct {
	Attempt int    `json:"attempt"` // 1, 2, 3… within the case
	Reached bool   `json:"reached"`
	Words   string `json:"words,omitempty"`
	Outcome string `json:"outcome,omitempty"`
}

// Kind implements EventBody.
func (CallbackRecorded) Kind() EventKind { return "callback_recorded" }

// Article implements EventBody.
func (CallbackRecorded) Article() string { return "第六条" }

// FileAttached says that a file came to the case, and which: who has the file can
// prove by its hash that it is this one. The file itself is kept beside the events,
// and is destroyed with the data of the reviewer when the retention period ends.
type FileAttached struct {
	AttachmentID string `json:"attachment_id"`
	Name         string `json:"name"`
	SHA256       string `json:"sha256"` // of the content, in hexadecimal
	Size         int64  `json:"size"`   // in bytes
	MediaType    string `json:"media_type"`
}

// Kind implements EventBody.
func (FileAttached) Kind() EventKind { return "file_attached" }

// Article implements EventBody.
func (FileAttached) Article() string { return "第九条" }

// Verified ends the verification. When the outcome is true, the day of this
// event is day 0 of the rectification (第九条: 经查实的，应在15个自然日内进行整改).
type Verified struct {
	Outcome  VerificationOutcome `json:"outcome"`
	Findings string              `json:"findings"`
	Limit    Limit               `json:"limit"` // of what follows: rectification or explanation
}

// Kind implements EventBody.
func (Verified) Kind() EventKind { return "verified" }

// Article implements EventBody.
func (Verified) Article() string { return "第九条" }

// InvalidProposed asks to declare the review invalid (第八条).
type InvalidProposed struct {
	Ground   InvalidGround `json:"ground"`
	Evidence string        `json:"evidence"`
}

// Kind implements EventBody.
func (InvalidProposed) Kind() EventKind { return "invalid_proposed" }

// Article implements EventBody.
func (InvalidProposed) Article() string { return "第八条" }

// InvalidDecided confirms or refuses the proposal.
type InvalidDecided struct {
	Confirmed bool   `json:"confirmed"`
	Reason    string `json:"reason"`
}

// Kind implements EventBody.
func (InvalidDecided) Kind() EventKind { return "invalid_decided" }

// Article implements EventBody.
func (InvalidDecided) Article() string { return "第八条" }

// ExtensionRequested asks for a later last day (第九条: 应说明理由和整改期限).
type ExtensionRequested struct {
	Ordinal int    `json:"ordinal"` // 1 first, 2 second…
	Until   Date   `json:"until"`
	Reason  string `json:"reason"`
}

// Kind implements EventBody.
func (ExtensionRequested) Kind() EventKind { return "extension_requested" }

// Article implements EventBody.
func (ExtensionRequested) Article() string { return "第九条" }

// ExtensionWithdrawn takes a request back before it was decided. The deadline had
// not moved, and does not.
type ExtensionWithdrawn struct {
	Ordinal int    `json:"ordinal"`
	Reason  string `json:"reason"`
}

// Kind implements EventBody.
func (ExtensionWithdrawn) Kind() EventKind { return "extension_withdrawn" }

// Article implements EventBody.
func (ExtensionWithdrawn) Article() string { return "第九条" }

// ExtensionDecided grants or refuses an extension.
type ExtensionDecided struct {
	Ordinal int    `json:"ordinal"`
	Granted bool   `json:"granted"`
	Until   Date   `json:"until"`
	Days    int    `json:"days"` // natural days that the grant added
	Reason  string `json:"reason"`
}

// Kind implements EventBody.
func (ExtensionDecided) Kind() EventKind { return "extension_decided" }

// Article implements EventBody.
func (ExtensionDecided) Article() string { return "第九条" }

// Rectified says what was put right.
type Rectified struct {
	Done         string        `json:"done"`
	Cause        CauseCategory `json:"cause"`
	Evidence     string        `json:"evidence,omitempty"`
	GuideChanged bool          `json:"guide_changed"` // 动态调整办事指南 (第十一条)
}

// Kind implements EventBody.
func (Rectified) Kind() EventKind { return "rectified" }

// Article implements EventBody.
func (Rectified) Article() string { return "第九条" }

// FeedbackSent tells the reviewer the result.
type FeedbackSent struct {
	Channel FeedbackChannel `json:"channel"`
	Words   string          `json:"words"`
	Limit   Limit           `json:"limit"` // of the answer window
}

// Kind implements EventBody.
func (FeedbackSent) Kind() EventKind { return "feedback_sent" }

// Article implements EventBody.
func (FeedbackSent) Article() string { return "第九条" }

// AnswerRecorded is the reviewer's answer. Nth counts unsatisfied answers.
type AnswerRecorded struct {
	Answer Answer `json:"answer"`
	Words  string `json:"words,omitempty"`
	Nth    int    `json:"nth,omitempty"`
	// DecidedStepsUp is set when a supervisor must decide what follows: 0 the
	// authority of the case, 1 its parent.
	NeedsDecision  bool `json:"needs_decision,omitempty"`
	DecidedStepsUp int  `json:"decided_steps_up,omitempty"`
}

// Kind implements EventBody.
func (AnswerRecorded) Kind() EventKind { return "answer_recorded" }

// Article implements EventBody.
func (AnswerRecorded) Article() string { return "第九条" }

// AnswerWindowPassed says that the reviewer gave no answer in time.
type AnswerWindowPassed struct {
	Deadline time.Time `json:"deadline"`
}

// Kind implements EventBody.
func (AnswerWindowPassed) Kind() EventKind { return "answer_window_passed" }

// Article implements EventBody.
func (AnswerWindowPassed) Article() string { return "第九条" }

// LateAnswerRecorded is an answer that came after the case was closed. It is kept
// and changes nothing: neither the first answer nor the closing.
type LateAnswerRecorded struct {
	Answer Answer `json:"answer"`
	Words  string `json:"words,omitempty"`
}

// Kind implements EventBody.
func (LateAnswerRecorded) Kind() EventKind { return "late_answer_recorded" }

// Article implements EventBody.
func (LateAnswerRecorded) Article() string { return "第九条" }

// ReopeningDecided is a supervisor's decision after a further unsatisfied answer.
type ReopeningDecided struct {
	Reopen bool   `json:"reopen"`
	Reason string `json:"reason"`
}

// Kind implements EventBody.
func (ReopeningDecided) Kind() EventKind { return "reopening_decided" }

// Article implements EventBody.
func (ReopeningDecided) Article() string { return "第十条" }

// ReopenCause says why a case is worked on again.
type ReopenCause string

// The causes of a reopening.
const (
	ReopenUnsatisfied     ReopenCause = "unsatisfied"
	ReopenSpotCheckFailed ReopenCause = "spot_check_failed"
)

// Reopened starts the work again with a new full limit, counted from the day of
// this event. What was late before stays late.
type Reopened struct {
	Cause ReopenCause `json:"cause"`
	To    Stage       `json:"to"` // rectification, or verification when the review had only been explained
	Limit Limit       `json:"limit"`
}

// Kind implements EventBody.
func (Reopened) Kind() EventKind { return "reopened" }

// Article implements EventBody.
func (Reopened) Article() string { return "第九条" }

// Warned says that a deadline is near.
type Warned struct {
	Clock      ClockKind `json:"clock"`
	DaysBefore int       `json:"days_before"`
	Deadline   time.Time `json:"deadline"`
}

// Kind implements EventBody.
func (Warned) Kind() EventKind { return "warned" }

// Article implements EventBody.
func (Warned) Article() string { return "第九条" }

// BecameOverdue says that a deadline passed with the work not done.
type BecameOverdue struct {
	Clock    ClockKind `json:"clock"`
	Deadline time.Time `json:"deadline"`
}

// Kind implements EventBody.
func (BecameOverdue) Kind() EventKind { return "became_overdue" }

// Article implements EventBody.
func (BecameOverdue) Article() string { return "第九条" }

// Reminded asks whoever handles the case to see to it (催办): the person who has it,
// or the department when nobody does. It moves neither stage nor clock.
type Reminded struct {
	UserID       int64  `json:"user_id,omitempty"`
	DepartmentID int64  `json:"department_id,omitempty"` // when nobody has the case
	Note         string `json:"note,omitempty"`
}

// Kind implements EventBody.
func (Reminded) Kind() EventKind { return "reminded" }

// Article implements EventBody.
func (Reminded) Article() string { return "第十条" }

// Escalated puts a case before a supervising body (督办, 第十条).
type Escalated struct {
	StepsUp   int       `json:"steps_up"` // 0 the authority of the case, 1 its parent, 2…
	AfterDays int       `json:"after_days"`
	Manual    bool      `json:"manual,omitempty"` // a supervisor did it, not the clock
	Clock     ClockKind `json:"clock,omitempty"`  // empty when no clock runs
	Deadline  time.Time `json:"deadline,omitzero"`
	Reason    string    `json:"reason,omitempty"`
}

// Kind implements EventBody.
func (Escalated) Kind() EventKind { return "escalated" }

// Article implements EventBody.
func (Escalated) Article() string { return "第十条" }

// Paused stops the clock.
type Paused struct {
	Category PauseCategory `json:"category"`
	Reason   string        `json:"reason"`
}

// Kind implements EventBody.
func (Paused) Kind() EventKind { return "paused" }

// Article implements EventBody.
func (Paused) Article() string { return "第九条" }

// Resumed starts the clock again; the deadline moves by exactly the paused days.
type Resumed struct {
	From   Date   `json:"from"`
	To     Date   `json:"to"`
	Reason string `json:"reason,omitempty"`
}

// Kind implements EventBody.
func (Resumed) Kind() EventKind { return "resumed" }

// Article implements EventBody.
func (Resumed) Article() string { return "第九条" }

// CalendarAdopted says that the case counts its days by a newer calendar of
// holidays from now on, and what became of its deadline.
type CalendarAdopted struct {
	Version        string    `json:"version"`
	Previous       string    `json:"previous"`
	DeadlineBefore time.Time `json:"deadline_before,omitzero"` // zero when no clock runs
	DeadlineAfter  time.Time `json:"deadline_after,omitzero"`
}

// Kind implements EventBody.
func (CalendarAdopted) Kind() EventKind { return "calendar_adopted" }

// Article implements EventBody.
func (CalendarAdopted) Article() string { return "第九条" }

// Transferred gives the case to another department. The clock goes on unchanged.
type Transferred struct {
	FromDepartmentID int64  `json:"from_department_id"`
	ToDepartmentID   int64  `json:"to_department_id"`
	Reason           string `json:"reason"`
}

// Kind implements EventBody.
func (Transferred) Kind() EventKind { return "transferred" }

// Article implements EventBody.
func (Transferred) Article() string { return "第九条" }

// Merged ends a case in favour of another of the same service record.
type Merged struct {
	Into   string `json:"into"`
	Reason string `json:"reason"`
}

// Kind implements EventBody.
func (Merged) Kind() EventKind { return "merged" }

// Article implements EventBody.
func (Merged) Article() string { return "第九条" }

// CaseLinked says that this case goes on for another that was merged into it.
type CaseLinked struct {
	From string `json:"from"`
}

// Kind implements EventBody.
func (CaseLinked) Kind() EventKind { return "case_linked" }

// Article implements EventBody.
func (CaseLinked) Article() string { return "第九条" }

// LinkKey names the step that records a link: one for each case that was merged.
func LinkKey(from string) string { return "link/" + from }

// Withdrawn ends a case whose review was taken back.
type Withdrawn struct {
	Reason string `json:"reason"`
}

// Kind implements EventBody.
func (Withdrawn) Kind() EventKind { return "withdrawn" }

// Article implements EventBody.
func (Withdrawn) Article() string { return "第七条" }

// CloseCause says what closed a case.
type CloseCause string

// The causes of closing.
const (
	ClosedSatisfied       CloseCause = "satisfied"        // the reviewer is satisfied
	ClosedNoAnswer        CloseCause = "no_answer"        // the answer window passed
	ClosedReviewerUnknown CloseCause = "reviewer_unknown" // nobody could be told
	ClosedBySupervisor    CloseCause = "supervisor"       // not reopened, by decision
)

// Closed ends the work on a case and freezes its clocks.
type Closed struct {
	Cause  CloseCause `json:"cause"`
	OnTime bool       `json:"on_time"` // rectified and fed back by the deadline in force, in this round and all before
}

// Kind implements EventBody.
func (Closed) Kind() EventKind { return "closed" }

// Article implements EventBody.
func (Closed) Article() string { return "第九条" }

// SpotCheckReason says why a closed case is checked.
type SpotCheckReason string

// Drawn by lot, or one of the cases that are always checked.
const (
	CheckDrawn     SpotCheckReason = "drawn"
	CheckIntegrity SpotCheckReason = "integrity"
	CheckReopened  SpotCheckReason = "reopened"
	CheckEscalated SpotCheckReason = "escalated"
)

// SpotCheckDrawn sends a closed case to a spot check (第十条).
type SpotCheckDrawn struct {
	Month    string            `json:"month"` // YYYY-MM whose plan drew it
	SeedHash string            `json:"seed_hash"`
	Reasons  []SpotCheckReason `json:"reasons"`
}

// Kind implements EventBody.
func (SpotCheckDrawn) Kind() EventKind { return "spot_check_drawn" }

// Article implements EventBody.
func (SpotCheckDrawn) Article() string { return "第十条" }

// SpotCheckRecorded is the finding of a spot check.
type SpotCheckRecorded struct {
	Method   SpotCheckMethod `json:"method"`
	Passed   bool            `json:"passed"`
	Findings string          `json:"findings"`
}

// Kind implements EventBody.
func (SpotCheckRecorded) Kind() EventKind { return "spot_check_recorded" }

// Article implements EventBody.
func (SpotCheckRecorded) Article() string { return "第十条" }

// Archived ends the life of a closed case.
type Archived struct{}

// Kind implements EventBody.
func (Archived) Kind() EventKind { return "archived" }

// Article implements EventBody.
func (Archived) Article() string { return "第十条" }
