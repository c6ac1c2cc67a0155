package casework

import (
	"slices"
	"time"
)

// LimitOf gives the limit that a pack sets for a clock.
func (p RulePack) LimitOf(kind ClockKind) Limit {
	switch kind {
	case ClockVerification:
		return p.Verification
	case ClockExplanation:
		return p.Explanation
	case ClockAnswer:
		return p.AnswerWindow
	default:
		return p.Rectification
	}
}

// Move says what would become of the deadline of one open case if its days were
// counted by other rules. Day 0, pauses and extensions stay as they are.
type Move struct {
	Clock     ClockKind `json:"clock"`
	Before    Deadline  `json:"before"`
	After     Deadline  `json:"after"`
	Days      int       `json:"days"` // natural days that the last day would move, negative to an earlier one
	WasLate   bool      `json:"was_late"`
	WouldLate bool      `json:"would_be_late"`
}

// Simulate tells what a proposal would do to a case that runs under r. It gives
// false for a case whose clocks are frozen or that has none. A real case keeps the
// pack with which it began; this is what it would be like under the proposal.
func Simulate(s State, r, proposal Rules, now time.Time) (Move, bool) {
	before, running := s.Deadline(r)
	if !running || s.Stage.Closed() {
		return Move{}, false
	}
	limit := proposal.Pack.LimitOf(s.Clock.Kind)
	after := ComputeDeadline(proposal.Pack, proposal.Calendar, limit, s.Clock.Day0, s.Clock.Adjustments)
	return Move{
		Clock: s.Clock.Kind, Before: before, After: after, Days: before.LastDay.DaysUntil(after.LastDay),
		WasLate: !s.ClockPaused() && !now.Before(before.At), WouldLate: !s.ClockPaused() && !now.Before(after.At),
	}, true
}

// Simulation sums up what a proposal would do to many cases.
type Simulation struct {
	Looked    int `json:"looked"` // open cases with a clock
	Later     int `json:"later"`
	Earlier   int `json:"earlier"`
	Unmoved   int `json:"unmoved"`
	NewlyLate int `json:"newly_late"`
	NotLate   int `json:"no_longer_late"`
}

// Add counts one move.
func (s *Simulation) Add(m Move) {
	s.Looked++
	switch {
	case m.Days > 0:
		s.Later++
	case m.Days < 0:
		s.Earlier++
	default:
		s.Unmoved++
	}
	if m.WouldLate && !m.WasLate {
		s.NewlyLate++
	}
	if m.WasLate && !m.WouldLate {
		s.NotLate++
	}
}

// CompareMoves orders moves: the largest first, earlier ones before later ones of
// the same size.
func CompareMoves(a, b Move) int {
	size := func(days int) int { return max(days, -days) }
	if d := size(b.Days) - size(a.Days); d != 0 {
		return d
	}
	return slices.Compare([]int{a.Days}, []int{b.Days})
}
