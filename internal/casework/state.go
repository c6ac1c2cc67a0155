package casework

import (
	"slices"
	"time"
)

// Rules are what every clock and threshold of a case is computed from.
type Rules struct {
	Pack     RulePack `json:"pack"`
	Calendar Calendar `json:"calendar"`
}

// Clock is the limit that runs on a case now.
type Clock struct {
	Kind        ClockKind    `json:"kind"`
	Day0        Date         `json:"day0"`
	Limit       Limit        `json:"limit"`
	Adjustments []Adjustment `json:"adjustments,omitempty"`
	StartedAt   time.Time    `json:"started_at"`
	SetAt       time.Time    `json:"set_at"`             // when the deadline last moved
	PausedAt    time.Time    `json:"paused_at,omitzero"` // zero while it runs
	Fired       []string     `json:"fired,omitempty"`    // keys of the alarms that went off
}

// Late is one deadline that was missed. Nothing that happens later removes it.
type Late struct {
	Clock    ClockKind `json:"clock"`
	Deadline time.Time `json:"deadline"`
	Until    time.Time `json:"until,omitzero"` // zero while it is still late
}

// ExtensionRequest is a request that waits for its decision.
type ExtensionRequest struct {
	Ordinal int    `json:"ordinal"`
	Number  int    `json:"number"` // of all requests in the case, refused ones too
	Until   Date   `json:"until"`
	Reason  string `json:"reason"`
}

// State is a case as its events made it. It is small, so that a workflow can
// carry it on, and holds no personal data.
type State struct {
	Version int `json:"version"` // the Seq of the last event folded
	// DecisionVersion is the Seq of the last event that could make a decision
	// wrong that was prepared before it. Warnings and reminders do not count.
	DecisionVersion int        `json:"decision_version"`
	Stage           Stage      `json:"stage"`
	OpenedAt        time.Time  `json:"opened_at"`
	ChangedAt       time.Time  `json:"changed_at"`
	RegionCode      string     `json:"region_code"`
	RegionLevel     AdminLevel `json:"region_level"`
	DepartmentID    int64      `json:"department_id"`
	ReviewerKnown   bool       `json:"reviewer_known"`
	Integrity       bool       `json:"integrity"`
	PackID          string     `json:"pack_id"`
	PackVersion     int        `json:"pack_version"`
	Round           int        `json:"round"` // 1, and one more each time the work starts again
	// CalendarVersion is empty for a pack that asks no calendar.
	CalendarVersion string `json:"calendar_version,omitempty"`
	HandlerID       int64  `json:"handler_id,omitempty"`
	// TakenOverBy is the authority that handles the case in the place of its
	// department, 0 when none does.
	TakenOverBy int64 `json:"taken_over_by,omitempty"`
	// MergedCases are those for which this one goes on; MergedInto is the one that
	// goes on for this one.
	MergedCases []string `json:"merged_cases,omitempty"`
	MergedInto  string   `json:"merged_into,omitempty"`
	// RemindedBy are those who reminded on RemindedOn, the last day on which anybody
	// did.
	RemindedOn Date    `json:"reminded_on,omitzero"`
	RemindedBy []int64 `json:"reminded_by,omitempty"`
	// ActedUserIDs are the people who did something in the case. To remind is not to
	// act: it decides nothing.
	ActedUserIDs []int64 `json:"acted_user_ids,omitempty"`
	Clock        *Clock  `json:"clock,omitempty"`
	Late         []Late  `json:"late,omitempty"`

	Attachments int `json:"attachments,omitempty"` // files, none of which ever goes away

	Callbacks     int    `json:"callbacks,omitempty"`
	Reached       bool   `json:"reached,omitempty"`
	UnreachedDays []Date `json:"unreached_days,omitempty"`
	Unreached     int    `json:"unreached,omitempty"`

	Outcome         VerificationOutcome `json:"outcome,omitempty"`
	VerifiedAt      time.Time           `json:"verified_at,omitzero"` // first verified true
	InvalidProposer By                  `json:"invalid_proposer,omitzero"`

	ExtensionRequests int               `json:"extension_requests,omitempty"`
	PendingExtension  *ExtensionRequest `json:"pending_extension,omitempty"`
	ExtensionsGranted int               `json:"extensions_granted,omitempty"` // in this round
	ExtensionDays     int               `json:"extension_days,omitempty"`     // in this round
	ExtensionDeciders []int64           `json:"extension_deciders,omitempty"`

	RectifiedAt      time.Time         `json:"rectified_at,omitzero"` // in this round
	FedBackAt        time.Time         `json:"fed_back_at,omitzero"`  // in this round
	FirstAnswer      Answer            `json:"first_answer,omitempty"`
	FirstAnswerAt    time.Time         `json:"first_answer_at,omitzero"`
	Unsatisfied      int               `json:"unsatisfied,omitempty"`
	DecisionStepsUp  int               `json:"decision_steps_up,omitempty"`
	DecisionAwaited  bool              `json:"decision_awaited,omitempty"`
	Reopenings       int               `json:"reopenings,omitempty"`
	EverEscalated    bool              `json:"ever_escalated,omitempty"`
	EscalationOpen   bool              `json:"escalation_open,omitempty"`
	EscalationSteps  int               `json:"escalation_steps,omitempty"` // the highest open one
	FirstClosedAt    time.Time         `json:"first_closed_at,omitzero"`
	ClosedOnTime     bool              `json:"closed_on_time,omitempty"`
	SpotCheckReasons []SpotCheckReason `json:"spot_check_reasons,omitempty"`
}

// Ended reports whether the life of the case is over.
func (s State) Ended() bool { return s.Stage.Ended() }

// Stale reports whether a decision prepared at that version of the case could be
// wrong now. Version 0 means that the person did not say which they saw.
func (s State) Stale(version int) bool {
	return version != 0 && (version < s.DecisionVersion || version > s.Version)
}

// Acted reports whether the person did something in the case.
func (s State) Acted(userID int64) bool { return slices.Contains(s.ActedUserIDs, userID) }

// Overdue reports whether the case is late now.
func (s State) Overdue() bool {
	return len(s.Late) > 0 && s.Late[len(s.Late)-1].Until.IsZero()
}

// EverLate reports whether a rectification of the case missed a deadline.
func (s State) EverLate() bool {
	return slices.ContainsFunc(s.Late, func(l Late) bool { return l.Clock == ClockRectification })
}

// ClockPaused reports whether the clock stands still.
func (s State) ClockPaused() bool { return s.Clock != nil && !s.Clock.PausedAt.IsZero() }

// Deadline is the deadline in force, with its explanation; false when no clock
// runs. A paused clock still says where it would end if it were resumed today.
func (s State) Deadline(r Rules) (Deadline, bool) {
	if s.Clock == nil {
		return Deadline{}, false
	}
	deadline := ComputeDeadline(r.Pack, r.Calendar, s.Clock.Limit, s.Clock.Day0, s.Clock.Adjustments)
	// The case keeps the pack with which it started, whatever this build has.
	deadline.PackID, deadline.PackVersion = s.PackID, s.PackVersion
	return deadline, true
}
