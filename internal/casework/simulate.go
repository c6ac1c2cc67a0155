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
	Clock  ClockKind `json:"clock"`
	Before Deadline  `json:"before"`
	After  Deadline  `json:"after"`
	Days   int       `json:"days"` // natural days that the last day would move, negative to an earlier one
	// Paused: the clock stands still. Both deadlines are where it would end if it
	// were resumed on the day on which it was paused.
	Paused bool `json:"paused"`
	// A clock that stands still, or waits for the reviewer's answer, makes nobody late.
	WasLate   bool `json:"was_late"`
	WouldLate bool `json:"would_be_late"`
	// WindowPassed: the reviewer's time to answer would be over already, and the
	// case closed.
	WindowPassed bool `json:"answer_window_passed"`
}

// NewlyLate reports whether the proposal would make the case late.
func (m Move) NewlyLate() bool { return m.WouldLate && !m.WasLate }

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
	m := Move{
		Clock: s.Clock.Kind, Before: before, After: after, Days: before.LastDay.DaysUntil(after.LastDay), Paused: s.ClockPaused(),
	}
	passed, wouldPass := !now.Before(before.At), !now.Before(after.At)
	switch {
	case m.Paused:
	case m.Clock == ClockAnswer:
		m.WindowPassed = wouldPass && !passed
	default:
		m.WasLate, m.WouldLate = passed, wouldPass
	}
	return m, true
}

// Simulation sums up what a proposal would do to many cases.
type Simulation struct {
	Looked         int `json:"looked"` // open cases with a clock
	Later          int `json:"later"`
	Earlier        int `json:"earlier"`
	Unmoved        int `json:"unmoved"`
	LargestLater   int `json:"largest_later"`   // natural days
	LargestEarlier int `json:"largest_earlier"` // natural days, counted back
	NewlyLate      int `json:"newly_late"`
	NotLate        int `json:"no_longer_late"`
	WindowsPassed  int `json:"answer_windows_passed"`
	Paused         int `json:"paused"`
}

// Moved is the number of cases with another deadline.
func (s Simulation) Moved() int { return s.Later + s.Earlier }

// Add counts one move.
func (s *Simulation) Add(m Move) {
	s.Looked++
	switch {
	case m.Days > 0:
		s.Later++
		s.LargestLater = max(s.LargestLater, m.Days)
	case m.Days < 0:
		s.Earlier++
		s.LargestEarlier = max(s.LargestEarlier, -m.Days)
	default:
		s.Unmoved++
	}
	tally := func(counter *int, holds bool) {
		if holds {
			*counter++
		}
	}
	tally(&s.NewlyLate, m.NewlyLate())
	tally(&s.NotLate, m.WasLate && !m.WouldLate)
	tally(&s.WindowsPassed, m.WindowPassed)
	tally(&s.Paused, m.Paused)
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
