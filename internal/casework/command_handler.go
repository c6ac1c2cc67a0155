package casework

import "fmt"

// Claim takes a case that nobody has.
type Claim struct{}

// Action implements Command.
func (Claim) Action() Action { return ActionClaim }

// Check implements Command.
func (Claim) Check() error { return nil }

func (Claim) ready(s State, c Circumstances) error {
	switch {
	case s.TakenOverBy != 0 && s.TakenOverBy != c.By.OrganisationID:
		return errTakenOver()
	case s.HandlerID == 0:
		return nil
	case s.HandlerID == c.By.UserID:
		return Conflict("already_yours", "you have this case already")
	default:
		return Conflict("claimed_by_other", "another person has this case")
	}
}

func (Claim) decide(_ State, c Circumstances) ([]EventBody, error) {
	return []EventBody{Claimed{UserID: c.By.UserID}}, nil
}

// Assign gives a case to a person of its department.
type Assign struct {
	UserID int64  `json:"user_id"`
	Note   string `json:"note"`
}

// Action implements Command.
func (Assign) Action() Action { return ActionAssign }

// Check implements Command.
func (a Assign) Check() error {
	if a.UserID <= 0 {
		return Invalid("user_id", "required", "a person is needed")
	}
	return checkText("note", a.Note, false)
}

func (Assign) ready(s State, _ Circumstances) error {
	if s.TakenOverBy != 0 {
		return errTakenOver()
	}
	return nil
}

func (a Assign) decide(s State, _ Circumstances) ([]EventBody, error) {
	if s.HandlerID == a.UserID {
		return nil, Conflict("already_assigned", "this person has the case already")
	}
	return []EventBody{Assigned(a)}, nil
}

// RecordCallback records one attempt to reach the reviewer.
type RecordCallback struct {
	Reached bool   `json:"reached"`
	Words   string `json:"words"`   // what the reviewer said
	Outcome string `json:"outcome"` // what came of it
}

// Action implements Command.
func (RecordCallback) Action() Action { return ActionRecordCallback }

// Check implements Command.
func (r RecordCallback) Check() error {
	return firstError(
		checkText("words", r.Words, r.Reached),
		checkText("outcome", r.Outcome, false),
	)
}

func (RecordCallback) ready(s State, c Circumstances) error {
	if err := mayHandle(s, c.By); err != nil {
		return err
	}
	if !s.ReviewerKnown {
		return Conflict("reviewer_unknown", "the rating carries no identity, there is nobody to call")
	}
	return nil
}

func (r RecordCallback) decide(s State, c Circumstances) ([]EventBody, error) {
	return handled(s, c.By, CallbackRecorded{
		Attempt: s.Callbacks + 1, Reached: r.Reached, Words: r.Words, Outcome: r.Outcome,
	}), nil
}

// Verify records what the verification found. The finding that a review is
// mistaken or malicious is not among the outcomes: the rated side cannot make it.
type Verify struct {
	Outcome  VerificationOutcome `json:"outcome"`
	Findings string              `json:"findings"`
	// For fixed_at_once: what was put right.
	Done         string        `json:"done"`
	Cause        CauseCategory `json:"cause"`
	Evidence     string        `json:"evidence"`
	GuideChanged bool          `json:"guide_changed"`
}

// Action implements Command.
func (Verify) Action() Action { return ActionVerify }

// Check implements Command.
func (v Verify) Check() error {
	err := firstError(
		oneOf("outcome", v.Outcome, []VerificationOutcome{OutcomeFixedAtOnce, OutcomeComplex, OutcomeNoLegalBasis}),
		checkText("findings", v.Findings, true),
	)
	if err != nil || v.Outcome != OutcomeFixedAtOnce {
		return err
	}
	return v.rectification().Check()
}

func (v Verify) rectification() SubmitRectification {
	return SubmitRectification{Done: v.Done, Cause: v.Cause, Evidence: v.Evidence, GuideChanged: v.GuideChanged}
}

func (Verify) ready(s State, c Circumstances) error {
	if err := mayHandle(s, c.By); err != nil {
		return err
	}
	if s.ReviewerKnown && !s.Reached && !s.unreachable(c.Rules.Pack.Callbacks) {
		rule := c.Rules.Pack.Callbacks
		return Conflict("callback_needed", fmt.Sprintf(
			"verification needs one callback that reached the reviewer, or %d that did not on %d different days",
			rule.UnreachedAttempts, rule.DistinctDays))
	}
	return nil
}

func (v Verify) decide(s State, c Circumstances) ([]EventBody, error) {
	limit := c.Rules.Pack.Rectification
	if v.Outcome == OutcomeNoLegalBasis {
		limit = c.Rules.Pack.Explanation
	}
	bodies := []EventBody{Verified{Outcome: v.Outcome, Findings: v.Findings, Limit: limit}}
	if v.Outcome == OutcomeFixedAtOnce {
		bodies = append(bodies, Rectified(v.rectification()))
	}
	return handled(s, c.By, bodies...), nil
}

func (s State) unreachable(rule CallbackRule) bool {
	return s.Unreached >= rule.UnreachedAttempts && len(s.UnreachedDays) >= rule.DistinctDays
}

// RequestExtension asks for a later last day, before the deadline (第九条).
type RequestExtension struct {
	Until  Date   `json:"until"`
	Reason string `json:"reason"`
}

// Action implements Command.
func (RequestExtension) Action() Action { return ActionRequestExtension }

// Check implements Command.
func (r RequestExtension) Check() error {
	if r.Until.IsZero() {
		return Invalid("until", "required", "the new last day is needed")
	}
	return checkText("reason", r.Reason, true)
}

func (RequestExtension) ready(s State, c Circumstances) error {
	if err := mayHandle(s, c.By); err != nil {
		return err
	}
	deadline, _ := s.Deadline(c.Rules)
	switch {
	case s.PendingExtension != nil:
		return Conflict("extension_pending", "an extension waits for its decision already")
	case !c.Now.Before(deadline.At):
		return Conflict("deadline_passed", "an extension is requested before the deadline")
	case s.ExtensionsGranted >= c.Rules.Pack.Extension.MaxCount:
		return Conflict("extension_count", fmt.Sprintf("at most %d extensions", c.Rules.Pack.Extension.MaxCount))
	}
	return nil
}

func (r RequestExtension) decide(s State, c Circumstances) ([]EventBody, error) {
	if _, err := s.extensionDays(c.Rules, r.Until); err != nil {
		return nil, err
	}
	return handled(s, c.By, ExtensionRequested{Ordinal: s.ExtensionsGranted + 1, Until: r.Until, Reason: r.Reason}), nil
}

// extensionDays is how many days an extension to until would add, unless the
// caps of the pack do not allow them.
func (s State) extensionDays(r Rules, until Date) (int, error) {
	deadline, _ := s.Deadline(r)
	days := deadline.LastDay.DaysUntil(until)
	switch {
	case days <= 0:
		return 0, Invalid("until", "extension_not_later", fmt.Sprintf("the new last day must be after %s", deadline.LastDay))
	case s.ExtensionDays+days > r.Pack.Extension.MaxTotalDays:
		return 0, Invalid("until", "extension_days", fmt.Sprintf(
			"at most %d days in all, %d are used", r.Pack.Extension.MaxTotalDays, s.ExtensionDays))
	}
	return days, nil
}

// WithdrawExtension takes back a request that nobody has decided yet.
type WithdrawExtension struct {
	Reason string `json:"reason"`
}

// Action implements Command.
func (WithdrawExtension) Action() Action { return ActionWithdrawExtension }

// Check implements Command.
func (w WithdrawExtension) Check() error { return checkText("reason", w.Reason, true) }

func (WithdrawExtension) ready(s State, c Circumstances) error {
	if err := mayHandle(s, c.By); err != nil {
		return err
	}
	if s.PendingExtension == nil {
		return Conflict("no_extension_pending", "no extension waits for a decision")
	}
	return nil
}

func (w WithdrawExtension) decide(s State, c Circumstances) ([]EventBody, error) {
	return handled(s, c.By, ExtensionWithdrawn{Ordinal: s.PendingExtension.Ordinal, Reason: w.Reason}), nil
}

// SubmitRectification records what was put right.
type SubmitRectification struct {
	Done         string        `json:"done"`
	Cause        CauseCategory `json:"cause"`
	Evidence     string        `json:"evidence"`
	GuideChanged bool          `json:"guide_changed"`
}

// Action implements Command.
func (SubmitRectification) Action() Action { return ActionSubmitRectification }

// Check implements Command.
func (r SubmitRectification) Check() error {
	return firstError(
		checkText("done", r.Done, true),
		oneOf("cause", r.Cause, CauseCategories()),
		checkText("evidence", r.Evidence, false),
	)
}

func (SubmitRectification) ready(s State, c Circumstances) error { return mayHandle(s, c.By) }

func (r SubmitRectification) decide(s State, c Circumstances) ([]EventBody, error) {
	return handled(s, c.By, Rectified(r)), nil
}

// SendFeedback tells the reviewer the result, or the explanation when the
// review has no legal basis.
type SendFeedback struct {
	Channel FeedbackChannel `json:"channel"`
	Words   string          `json:"words"`
}

// Action implements Command.
func (SendFeedback) Action() Action { return ActionSendFeedback }

// Check implements Command.
func (f SendFeedback) Check() error {
	return firstError(oneOf("channel", f.Channel, FeedbackChannels()), checkText("words", f.Words, true))
}

func (SendFeedback) ready(s State, c Circumstances) error {
	if err := mayHandle(s, c.By); err != nil {
		return err
	}
	if !s.FedBackAt.IsZero() {
		return Conflict("feedback_already_sent", "the feedback of this round was sent already")
	}
	return nil
}

func (f SendFeedback) decide(s State, c Circumstances) ([]EventBody, error) {
	if s.ReviewerKnown == (f.Channel == FeedbackNone) {
		return nil, Invalid("channel", "feedback_channel", "a known reviewer is told; an unknown one cannot be")
	}
	bodies := []EventBody{FeedbackSent{Channel: f.Channel, Words: f.Words, Limit: c.Rules.Pack.AnswerWindow}}
	if !s.ReviewerKnown {
		bodies = append(bodies, Closed{Cause: ClosedReviewerUnknown, OnTime: !s.EverLate()})
	}
	return handled(s, c.By, bodies...), nil
}

// RecordAnswer records what the reviewer answered to the feedback. An answer that
// comes after the case was closed is recorded and changes nothing.
type RecordAnswer struct {
	Answer Answer `json:"answer"`
	Words  string `json:"words"`
}

// Action implements Command.
func (RecordAnswer) Action() Action { return ActionRecordAnswer }

// Check implements Command.
func (r RecordAnswer) Check() error {
	return firstError(
		oneOf("answer", r.Answer, []Answer{AnswerSatisfied, AnswerUnsatisfied}),
		checkText("words", r.Words, r.Answer == AnswerUnsatisfied),
	)
}

func (RecordAnswer) ready(s State, _ Circumstances) error {
	switch {
	case s.FedBackAt.IsZero():
		return Conflict("feedback_not_sent", "there is no feedback to answer yet")
	case !s.ReviewerKnown:
		return Conflict("reviewer_unknown", "the rating carries no identity, nobody was told and nobody can answer")
	case s.DecisionAwaited:
		return Conflict("answer_already_recorded", "the answer of this round was recorded already")
	}
	return nil
}

func (r RecordAnswer) decide(s State, c Circumstances) ([]EventBody, error) {
	if s.Stage.Closed() {
		return []EventBody{LateAnswerRecorded(r)}, nil
	}
	if r.Answer == AnswerSatisfied {
		return []EventBody{
			AnswerRecorded{Answer: r.Answer, Words: r.Words},
			Closed{Cause: ClosedSatisfied, OnTime: !s.EverLate()},
		}, nil
	}
	nth, rule := s.Unsatisfied+1, c.Rules.Pack.Answers
	answered := AnswerRecorded{Answer: r.Answer, Words: r.Words, Nth: nth}
	switch {
	case nth >= rule.EscalatesAt:
		answered.NeedsDecision, answered.DecidedStepsUp = true, 1
		return []EventBody{answered, Escalated{StepsUp: 1, Manual: true, Clock: ClockAnswer, Reason: string(ReopenUnsatisfied)}}, nil
	case nth >= rule.SupervisorDecidesAt:
		answered.NeedsDecision = true
		return []EventBody{answered}, nil
	default:
		return []EventBody{answered, s.reopened(ReopenUnsatisfied, c.Rules)}, nil
	}
}

// reopened starts the work again. What had only been explained is verified
// again; everything else is rectified again.
func (s State) reopened(cause ReopenCause, r Rules) Reopened {
	if s.Outcome == OutcomeNoLegalBasis {
		return Reopened{Cause: cause, To: StageVerification, Limit: r.Pack.Verification}
	}
	return Reopened{Cause: cause, To: StageRectification, Limit: r.Pack.Rectification}
}
