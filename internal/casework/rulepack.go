package casework

import (
	"fmt"
	"slices"
)

// CountKind says which days a limit counts.
type CountKind string

// A limit counts every day (自然日) or only working days (工作日).
const (
	CountNatural CountKind = "natural"
	CountWorking CountKind = "working"
)

// RollKind says what happens when the last day is no working day.
type RollKind string

// A last day on a holiday stays, or moves to the next working day
// (民法典 第二百零三条).
const (
	RollNone    RollKind = "none"
	RollForward RollKind = "civil_code_203"
)

// RulePack is the dated set of numbers behind every clock and threshold. It is
// data: a running case keeps the pack with which it started.
type RulePack struct {
	ID            string `json:"id"`
	Version       int    `json:"version"`
	Name          string `json:"name"`
	Source        string `json:"source"` // the document number of the text behind it
	EffectiveFrom Date   `json:"effective_from"`

	Verification  Limit `json:"verification"`
	Rectification Limit `json:"rectification"`
	Explanation   Limit `json:"explanation"`
	AnswerWindow  Limit `json:"answer_window"`

	Extension   ExtensionRule    `json:"extension"`
	Warnings    WarningRule      `json:"warnings"`
	Escalations []EscalationStep `json:"escalations"`
	Callbacks   CallbackRule     `json:"callbacks"`
	Answers     AnswerRule       `json:"answers"`
	SpotCheck   SpotCheckRule    `json:"spot_check"`
}

// Limit is a number of days and how they are counted. The day on which the
// clock starts is not counted; the last day ends at 24:00 +08:00.
type Limit struct {
	Days      int       `json:"days"`
	Count     CountKind `json:"count"`
	Roll      RollKind  `json:"roll"`
	Article   string    `json:"article"`
	OwnChoice bool      `json:"own_choice"` // not in the text: the operator's setting, and marked so
}

// ExtensionRule bounds extensions (第九条: 说明理由和整改期限).
type ExtensionRule struct {
	MaxCount     int    `json:"max_count"`
	MaxTotalDays int    `json:"max_total_days"`
	Article      string `json:"article"`
}

// WarningRule says on which days before the last day a warning goes out, and
// at which time of day (+08:00).
type WarningRule struct {
	DaysBefore []int  `json:"days_before"`
	Hour       int    `json:"hour"`
	Minute     int    `json:"minute"`
	Article    string `json:"article"`
}

// EscalationStep tells the authority StepsUp above the case's own, AfterDays
// natural days after the deadline.
type EscalationStep struct {
	AfterDays int    `json:"after_days"`
	StepsUp   int    `json:"steps_up"`
	Article   string `json:"article"`
}

// CallbackRule says when a reviewer counts as unreachable.
type CallbackRule struct {
	UnreachedAttempts int    `json:"unreached_attempts"`
	DistinctDays      int    `json:"distinct_days"`
	Article           string `json:"article"`
}

// AnswerRule says which unsatisfied answer a supervisor decides, and from
// which on it escalates by itself.
type AnswerRule struct {
	SupervisorDecidesAt int    `json:"supervisor_decides_at"`
	EscalatesAt         int    `json:"escalates_at"`
	Article             string `json:"article"`
}

// SpotCheckRule is the share of closed cases drawn for a spot check (第十条).
type SpotCheckRule struct {
	RatePerMille int    `json:"rate_per_mille"`
	Article      string `json:"article"`
}

// Identity is the id of the pack.
func (p RulePack) Identity() string { return p.ID }

// Validate refuses a pack that could give a case no end or two.
func (p RulePack) Validate() error {
	if p.ID == "" || p.Version < 1 || p.Name == "" {
		return Invalid("id", "rule_pack_incomplete", "a rule pack needs id, version and name")
	}
	limits := []struct {
		field string
		limit Limit
	}{
		{"verification", p.Verification},
		{"rectification", p.Rectification},
		{"explanation", p.Explanation},
		{"answer_window", p.AnswerWindow},
	}
	for _, l := range limits {
		if err := l.limit.validate(l.field); err != nil {
			return err
		}
	}
	if p.Extension.MaxCount < 0 || p.Extension.MaxTotalDays < 0 {
		return Invalid("extension", "rule_pack_negative", "extension caps cannot be negative")
	}
	for _, d := range p.Warnings.DaysBefore {
		if d < 1 {
			return Invalid("warnings.days_before", "rule_pack_negative", "a warning comes at least one day before")
		}
	}
	for i, s := range p.Escalations {
		if s.AfterDays < 0 || s.StepsUp < 0 || (i > 0 && s.AfterDays <= p.Escalations[i-1].AfterDays) {
			return Invalid("escalations", "rule_pack_order", "escalation steps must rise in days")
		}
	}
	if p.Callbacks.UnreachedAttempts < 1 || p.Callbacks.DistinctDays < 1 {
		return Invalid("callbacks", "rule_pack_negative", "at least one attempt on one day")
	}
	if p.Answers.SupervisorDecidesAt < 1 || p.Answers.EscalatesAt < p.Answers.SupervisorDecidesAt {
		return Invalid("answers", "rule_pack_order", "the answer that escalates cannot come before the one that a supervisor decides")
	}
	if p.SpotCheck.RatePerMille < 0 || p.SpotCheck.RatePerMille > 1000 {
		return Invalid("spot_check.rate_per_mille", "rule_pack_range", "a share is between 0 and 1000 per mille")
	}
	return nil
}

func (l Limit) validate(field string) error {
	if l.Days < 1 || l.Days > 366 {
		return Invalid(field+".days", "rule_pack_range", fmt.Sprintf("%d days is not between 1 and 366", l.Days))
	}
	if !slices.Contains([]CountKind{CountNatural, CountWorking}, l.Count) {
		return Invalid(field+".count", "rule_pack_value", fmt.Sprintf("unknown way to count %q", l.Count))
	}
	if !slices.Contains([]RollKind{RollNone, RollForward}, l.Roll) {
		return Invalid(field+".roll", "rule_pack_value", fmt.Sprintf("unknown roll %q", l.Roll))
	}
	if l.Article == "" {
		return Invalid(field+".article", "rule_pack_incomplete", "each limit cites its article")
	}
	return nil
}

// NeedsCalendar reports whether any limit depends on holidays.
func (p RulePack) NeedsCalendar() bool {
	return slices.ContainsFunc(
		[]Limit{p.Verification, p.Rectification, p.Explanation, p.AnswerWindow},
		func(l Limit) bool { return l.Count == CountWorking || l.Roll == RollForward },
	)
}
