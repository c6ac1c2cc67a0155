package casework

import "slices"

// ProposeInvalid asks to declare the review mistaken or malicious (第八条).
type ProposeInvalid struct {
	Ground   InvalidGround `json:"ground"`
	Evidence string        `json:"evidence"`
}

// Action implements Command.
func (ProposeInvalid) Action() Action { return ActionProposeInvalid }

// Check implements Command.
func (p ProposeInvalid) Check() error {
	return firstError(
		oneOf("ground", p.Ground, []InvalidGround{GroundMalicious, GroundMistaken}),
		checkText("evidence", p.Evidence, true),
	)
}

func (ProposeInvalid) ready(s State, _ Circumstances) error { return s.aloneInCase() }

// aloneInCase refuses an end that would take another review along: what was
// merged into this case is answered by it and by nothing else.
func (s State) aloneInCase() error {
	if len(s.MergedCases) > 0 {
		return Conflict("has_merged_cases", "another review of the service record was merged into this case and must be answered")
	}
	return nil
}

func (p ProposeInvalid) decide(State, Circumstances) ([]EventBody, error) {
	return []EventBody{InvalidProposed(p)}, nil
}

// DecideInvalid confirms or refuses the proposal of another person.
type DecideInvalid struct {
	Confirm bool   `json:"confirm"`
	Reason  string `json:"reason"`
}

// Action implements Command.
func (DecideInvalid) Action() Action { return ActionDecideInvalid }

// Check implements Command.
func (d DecideInvalid) Check() error { return checkText("reason", d.Reason, true) }

func (DecideInvalid) ready(s State, c Circumstances) error {
	if s.InvalidProposer.UserID == c.By.UserID {
		return Forbidden("proposer_confirms", "who proposed it cannot decide it")
	}
	return nil
}

func (d DecideInvalid) decide(State, Circumstances) ([]EventBody, error) {
	return []EventBody{InvalidDecided{Confirmed: d.Confirm, Reason: d.Reason}}, nil
}

// DecideExtension grants or refuses the extension that waits.
type DecideExtension struct {
	Grant  bool   `json:"grant"`
	Reason string `json:"reason"`
}

// Action implements Command.
func (DecideExtension) Action() Action { return ActionDecideExtension }

// Check implements Command.
func (d DecideExtension) Check() error { return checkText("reason", d.Reason, !d.Grant) }

func (DecideExtension) ready(s State, _ Circumstances) error {
	if s.PendingExtension == nil {
		return Conflict("no_extension_pending", "no extension waits for a decision")
	}
	return nil
}

func (d DecideExtension) decide(s State, c Circumstances) ([]EventBody, error) {
	pending := s.PendingExtension
	decided := ExtensionDecided{Ordinal: pending.Ordinal, Granted: d.Grant, Until: pending.Until, Reason: d.Reason}
	if !d.Grant {
		return []EventBody{decided}, nil
	}
	// A timer that already passed is never scheduled.
	if !c.Now.Before(pending.Until.End()) {
		return nil, Conflict("extension_already_past", "the day that was asked for has passed")
	}
	days, err := s.extensionDays(c.Rules, pending.Until)
	if err != nil {
		return nil, err
	}
	decided.Days = days
	return []EventBody{decided}, nil
}

// DecideReopening decides what follows a further unsatisfied answer.
type DecideReopening struct {
	Reopen bool   `json:"reopen"`
	Reason string `json:"reason"`
}

// Action implements Command.
func (DecideReopening) Action() Action { return ActionDecideReopening }

// Check implements Command.
func (d DecideReopening) Check() error { return checkText("reason", d.Reason, true) }

func (DecideReopening) ready(s State, _ Circumstances) error {
	if !s.DecisionAwaited {
		return Conflict("no_decision_awaited", "no answer waits for a decision")
	}
	return nil
}

func (d DecideReopening) decide(s State, c Circumstances) ([]EventBody, error) {
	decided := ReopeningDecided(d)
	if d.Reopen {
		return []EventBody{decided, s.reopened(ReopenUnsatisfied, c.Rules)}, nil
	}
	return []EventBody{decided, Closed{Cause: ClosedBySupervisor, OnTime: !s.EverLate()}}, nil
}

// Remind asks whoever handles the case to see to it (催办). It is said once a day
// by each person, and changes neither stage nor clock.
type Remind struct {
	Note string `json:"note"`
}

// Action implements Command.
func (Remind) Action() Action { return ActionRemind }

// Check implements Command.
func (r Remind) Check() error { return checkText("note", r.Note, false) }

func (Remind) ready(s State, c Circumstances) error {
	switch {
	case !s.FedBackAt.IsZero():
		return Conflict("nothing_to_remind", "the feedback was sent, and nothing waits for the department")
	case s.TakenOverBy != 0 && s.TakenOverBy != c.By.OrganisationID && c.By.Role != RoleSupervisor:
		return errTakenOver()
	case s.HandlerID != 0 && s.HandlerID == c.By.UserID:
		return Conflict("reminds_oneself", "you handle this case yourself")
	case s.RemindedOn == DateOf(c.Now) && slices.Contains(s.RemindedBy, c.By.UserID):
		return Conflict("reminded_today", "you have reminded of this case today")
	}
	return nil
}

func (r Remind) decide(s State, _ Circumstances) ([]EventBody, error) {
	body := Reminded{UserID: s.HandlerID, Note: r.Note}
	if s.HandlerID == 0 {
		body.DepartmentID = s.DepartmentID
	}
	return []EventBody{body}, nil
}

// maxStepsUp is the way from a village to the province.
const maxStepsUp = 4

// Escalate puts the case before the next supervising body (督办).
type Escalate struct {
	Reason string `json:"reason"`
}

// Action implements Command.
func (Escalate) Action() Action { return ActionEscalate }

// Check implements Command.
func (e Escalate) Check() error { return checkText("reason", e.Reason, true) }

func (Escalate) ready(s State, _ Circumstances) error {
	if s.nextStepsUp() > maxStepsUp {
		return Conflict("escalated_to_top", "there is no higher authority")
	}
	return nil
}

func (s State) nextStepsUp() int {
	if s.EscalationOpen {
		return s.EscalationSteps + 1
	}
	return 0
}

func (e Escalate) decide(s State, c Circumstances) ([]EventBody, error) {
	body := Escalated{StepsUp: s.nextStepsUp(), Manual: true, Reason: e.Reason}
	if deadline, ok := s.Deadline(c.Rules); ok {
		body.Clock, body.Deadline = s.Clock.Kind, deadline.At
	}
	return []EventBody{body}, nil
}

// Pause stops the clock for a stated reason.
type Pause struct {
	Category PauseCategory `json:"category"`
	Reason   string        `json:"reason"`
}

// Action implements Command.
func (Pause) Action() Action { return ActionPause }

// Check implements Command.
func (p Pause) Check() error {
	return firstError(oneOf("category", p.Category, PauseCategories()), checkText("reason", p.Reason, true))
}

func (Pause) ready(s State, _ Circumstances) error {
	if s.Overdue() {
		return Conflict("already_overdue", "a clock that has run out cannot be paused")
	}
	return nil
}

func (p Pause) decide(State, Circumstances) ([]EventBody, error) {
	return []EventBody{Paused(p)}, nil
}

// Resume starts a paused clock again.
type Resume struct {
	Reason string `json:"reason"`
}

// Action implements Command.
func (Resume) Action() Action { return ActionResume }

// Check implements Command.
func (r Resume) Check() error { return checkText("reason", r.Reason, false) }

func (Resume) ready(s State, _ Circumstances) error {
	if !s.ClockPaused() {
		return Conflict("not_paused", "the clock runs")
	}
	return nil
}

func (r Resume) decide(s State, c Circumstances) ([]EventBody, error) {
	return []EventBody{Resumed{From: DateOf(s.Clock.PausedAt), To: DateOf(c.Now), Reason: r.Reason}}, nil
}

// TakeOver puts the case into the hands of a supervising authority: from now on
// its people handle it, in the place of the department, until it is transferred
// (第十条).
type TakeOver struct {
	Reason string `json:"reason"`
}

// Action implements Command.
func (TakeOver) Action() Action { return ActionTakeOver }

// Check implements Command.
func (t TakeOver) Check() error { return checkText("reason", t.Reason, true) }

func (TakeOver) ready(s State, c Circumstances) error {
	if s.TakenOverBy != 0 && s.TakenOverBy == c.By.OrganisationID {
		return Conflict("already_taken_over", "your authority has this case already")
	}
	return nil
}

func (t TakeOver) decide(State, Circumstances) ([]EventBody, error) {
	return []EventBody{TakenOver(t)}, nil
}

// Transfer gives the case to another department, or back to the own one when it
// was taken over; the clock goes on unchanged.
type Transfer struct {
	DepartmentID int64  `json:"department_id"`
	Reason       string `json:"reason"`
}

// Action implements Command.
func (Transfer) Action() Action { return ActionTransfer }

// Check implements Command.
func (t Transfer) Check() error {
	if t.DepartmentID <= 0 {
		return Invalid("department_id", "required", "a department is needed")
	}
	return checkText("reason", t.Reason, true)
}

func (Transfer) ready(State, Circumstances) error { return nil }

func (t Transfer) decide(s State, _ Circumstances) ([]EventBody, error) {
	if t.DepartmentID == s.DepartmentID && s.TakenOverBy == 0 {
		return nil, Invalid("department_id", "same_department", "the case is with this department already")
	}
	return []EventBody{Transferred{
		FromDepartmentID: s.DepartmentID, ToDepartmentID: t.DepartmentID, Reason: t.Reason,
	}}, nil
}

// Merge ends this case in favour of another of the same service record, which
// goes on for both (并案). Both owners are told, and nothing of either is lost.
type Merge struct {
	Into   string `json:"into"` // the number of the case that goes on
	Reason string `json:"reason"`
}

// Action implements Command.
func (Merge) Action() Action { return ActionMerge }

// Check implements Command.
func (m Merge) Check() error {
	return firstError(checkText("into", m.Into, true), checkText("reason", m.Reason, true))
}

func (Merge) ready(s State, _ Circumstances) error { return s.aloneInCase() }

func (m Merge) decide(State, Circumstances) ([]EventBody, error) {
	return []EventBody{Merged(m)}, nil
}

// Withdraw ends a case whose review was taken back.
type Withdraw struct {
	Reason string `json:"reason"`
}

// Action implements Command.
func (Withdraw) Action() Action { return ActionWithdraw }

// Check implements Command.
func (w Withdraw) Check() error { return checkText("reason", w.Reason, true) }

func (Withdraw) ready(s State, _ Circumstances) error { return s.aloneInCase() }

func (w Withdraw) decide(State, Circumstances) ([]EventBody, error) {
	return []EventBody{Withdrawn(w)}, nil
}

// RecordSpotCheck records the finding of a spot check (第十条).
type RecordSpotCheck struct {
	Method   SpotCheckMethod `json:"method"`
	Passed   bool            `json:"passed"`
	Findings string          `json:"findings"`
}

// Action implements Command.
func (RecordSpotCheck) Action() Action { return ActionRecordSpotCheck }

// Check implements Command.
func (r RecordSpotCheck) Check() error {
	return firstError(oneOf("method", r.Method, SpotCheckMethods()), checkText("findings", r.Findings, true))
}

func (RecordSpotCheck) ready(s State, c Circumstances) error {
	if s.Acted(c.By.UserID) {
		return Forbidden("checker_acted", "who acted in a case cannot check it")
	}
	return nil
}

func (r RecordSpotCheck) decide(s State, c Circumstances) ([]EventBody, error) {
	recorded := SpotCheckRecorded(r)
	if r.Passed {
		return []EventBody{recorded, Archived{}}, nil
	}
	return []EventBody{recorded, s.reopened(ReopenSpotCheckFailed, c.Rules)}, nil
}
