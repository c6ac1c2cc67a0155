package casework

import (
	"fmt"
	"slices"
	"time"
)

// Fold gives the state after the events, which must be in order and complete
// from the first on. Workflow, database and auditor all get the state this way.
func Fold(events []Event) (State, error) {
	var s State
	for _, e := range events {
		if err := s.apply(e); err != nil {
			return State{}, err
		}
	}
	return s, nil
}

// Apply gives the state after one more event.
func (s State) Apply(e Event) (State, error) {
	next := s.clone()
	if err := next.apply(e); err != nil {
		return s, err
	}
	return next, nil
}

func (s State) clone() State {
	c := s
	c.ActedUserIDs = slices.Clone(s.ActedUserIDs)
	c.Late = slices.Clone(s.Late)
	c.UnreachedDays = slices.Clone(s.UnreachedDays)
	c.ExtensionDeciders = slices.Clone(s.ExtensionDeciders)
	c.MergedCases = slices.Clone(s.MergedCases)
	c.RemindedBy = slices.Clone(s.RemindedBy)
	if s.Clock != nil {
		clock := *s.Clock
		clock.Adjustments = slices.Clone(s.Clock.Adjustments)
		clock.Fired = slices.Clone(s.Clock.Fired)
		c.Clock = &clock
	}
	if s.PendingExtension != nil {
		pending := *s.PendingExtension
		c.PendingExtension = &pending
	}
	return c
}

func (s *State) apply(e Event) error {
	if e.Seq != s.Version+1 {
		return fmt.Errorf("event %d cannot follow version %d", e.Seq, s.Version)
	}
	if _, first := e.Body.(Opened); first != (s.Version == 0) {
		return fmt.Errorf("event %d: a case begins with %q, once", e.Seq, Opened{}.Kind())
	}
	if s.Ended() && !afterEnd(e.Body) {
		return fmt.Errorf("event %d: %q cannot follow the end of a case", e.Seq, e.Body.Kind())
	}
	s.Version, s.ChangedAt = e.Seq, e.At
	if !leavesDecisions(e.Body) {
		s.DecisionVersion = e.Seq
	}
	if _, reminder := e.Body.(Reminded); !reminder && !e.By.System() && !s.Acted(e.By.UserID) {
		s.ActedUserIDs = append(s.ActedUserIDs, e.By.UserID)
	}
	return s.fold(e)
}

func (s *State) fold(e Event) error {
	switch b := e.Body.(type) {
	case Opened:
		s.open(e.At, b)
	case Claimed:
		s.HandlerID = b.UserID
	case Assigned:
		s.HandlerID = b.UserID
	case Transferred:
		s.DepartmentID, s.HandlerID, s.TakenOverBy = b.ToDepartmentID, 0, 0
	case TakenOver:
		s.HandlerID, s.TakenOverBy = e.By.UserID, e.By.OrganisationID
	case CaseLinked:
		s.MergedCases = append(s.MergedCases, b.From)
	case Merged:
		s.MergedInto = b.Into
		s.end(e.At, StageMerged)
	case CalendarAdopted:
		s.calendarAdopted(e.At, b)
	case LateAnswerRecorded:
		// It is in the story of the case and changes nothing.
	case CallbackRecorded:
		s.callback(e.At, b)
	case FileAttached:
		s.Attachments++
	case Verified:
		s.verified(e.At, b)
	case InvalidProposed:
		s.Stage, s.InvalidProposer = StageInvalidation, e.By
	case InvalidDecided:
		s.invalidDecided(e.At, b)
	case ExtensionRequested:
		s.ExtensionRequests++
		s.PendingExtension = &ExtensionRequest{Ordinal: b.Ordinal, Number: s.ExtensionRequests, Until: b.Until, Reason: b.Reason}
	case ExtensionWithdrawn:
		s.PendingExtension = nil
	case ExtensionDecided:
		if s.Clock == nil {
			return errNoClock(e)
		}
		s.extensionDecided(e, b)
	case Rectified:
		s.Stage, s.RectifiedAt, s.PendingExtension = StageFeedback, e.At, nil
	case FeedbackSent:
		s.fedBack(e.At, b)
	case AnswerRecorded:
		s.answered(e.At, b)
	case AnswerWindowPassed:
		s.stopClock(e.At)
	case ReopeningDecided:
		s.DecisionAwaited, s.DecisionStepsUp = false, 0
		s.closeEscalation()
	case Reopened:
		s.reopen(e.At, b)
	case Warned:
		s.fired(warningKey(b.DaysBefore, b.Deadline))
	case BecameOverdue:
		s.fired(overdueKey(b.Deadline))
		s.Late = append(s.Late, Late{Clock: b.Clock, Deadline: b.Deadline})
	case Reminded:
		s.reminded(e)
	case Escalated:
		s.escalated(b)
	case Paused:
		if s.Clock == nil {
			return errNoClock(e)
		}
		s.Clock.PausedAt = e.At
	case Resumed:
		if s.Clock == nil {
			return errNoClock(e)
		}
		s.Clock.PausedAt, s.Clock.SetAt = time.Time{}, e.At
		s.Clock.Adjustments = append(s.Clock.Adjustments, Adjustment{PausedFrom: b.From, PausedTo: b.To})
	case Withdrawn:
		s.end(e.At, StageWithdrawn)
	case Closed:
		s.end(e.At, StageClosed)
		s.ClosedOnTime = b.OnTime
		if s.FirstClosedAt.IsZero() {
			s.FirstClosedAt = e.At
		}
	case SpotCheckDrawn:
		s.Stage, s.SpotCheckReasons = StageSpotCheck, b.Reasons
	case SpotCheckRecorded:
		// What follows, archiving or reopening, is an event of its own.
	case Archived:
		s.Stage = StageArchived
	default:
		return fmt.Errorf("event %d: the fold does not know %q", e.Seq, e.Body.Kind())
	}
	return nil
}

func (s *State) open(at time.Time, b Opened) {
	s.Stage, s.OpenedAt, s.Round = StageVerification, at, 1
	s.RegionCode, s.RegionLevel, s.DepartmentID = b.RegionCode, b.RegionLevel, b.DepartmentID
	s.ReviewerKnown = b.ReviewerKnown
	s.Integrity = slices.Contains(b.Aspects, AspectIntegrity)
	s.PackID, s.PackVersion, s.CalendarVersion = b.PackID, b.PackVersion, b.CalendarVersion
	s.startClock(at, ClockVerification, b.Limit)
}

func (s *State) callback(at time.Time, b CallbackRecorded) {
	s.Callbacks++
	if b.Reached {
		s.Reached = true
		return
	}
	s.Unreached++
	if day := DateOf(at); !slices.Contains(s.UnreachedDays, day) {
		s.UnreachedDays = append(s.UnreachedDays, day)
	}
}

func (s *State) verified(at time.Time, b Verified) {
	s.Outcome = b.Outcome
	s.stopClock(at)
	if b.Outcome == OutcomeNoLegalBasis {
		s.Stage = StageExplanation
		s.startClock(at, ClockExplanation, b.Limit)
		return
	}
	if s.VerifiedAt.IsZero() {
		s.VerifiedAt = at
	}
	s.Stage = StageRectification
	s.startClock(at, ClockRectification, b.Limit)
}

func (s *State) invalidDecided(at time.Time, b InvalidDecided) {
	if b.Confirmed {
		s.end(at, StageInvalid)
		return
	}
	s.Stage, s.InvalidProposer = StageVerification, By{}
	s.Round++
}

func (s *State) extensionDecided(e Event, b ExtensionDecided) {
	s.PendingExtension = nil
	if !b.Granted {
		return
	}
	s.ExtensionsGranted++
	s.ExtensionDays += b.Days
	s.ExtensionDeciders = append(s.ExtensionDeciders, e.By.UserID)
	s.lateUntil(e.At)
	s.closeEscalation()
	s.Clock.SetAt = e.At
	s.Clock.Adjustments = append(s.Clock.Adjustments, Adjustment{ExtendTo: b.Until})
}

func (s *State) calendarAdopted(at time.Time, b CalendarAdopted) {
	s.CalendarVersion = b.Version
	if s.Clock != nil && !b.DeadlineAfter.Equal(b.DeadlineBefore) {
		s.Clock.SetAt = at
	}
}

func (s *State) fedBack(at time.Time, b FeedbackSent) {
	s.stopClock(at)
	s.Stage, s.FedBackAt = StageFeedback, at
	if s.ReviewerKnown {
		s.startClock(at, ClockAnswer, b.Limit)
	}
}

func (s *State) answered(at time.Time, b AnswerRecorded) {
	s.stopClock(at)
	if s.FirstAnswer == "" {
		s.FirstAnswer, s.FirstAnswerAt = b.Answer, at
	}
	if b.Answer == AnswerUnsatisfied {
		s.Unsatisfied++
	}
	s.DecisionAwaited, s.DecisionStepsUp = b.NeedsDecision, b.DecidedStepsUp
}

func (s *State) reopen(at time.Time, b Reopened) {
	s.Stage = b.To
	s.Round++
	s.Reopenings++
	s.RectifiedAt, s.FedBackAt = time.Time{}, time.Time{}
	s.ExtensionsGranted, s.ExtensionDays, s.ExtensionDeciders = 0, 0, nil
	s.SpotCheckReasons = nil
	kind := ClockRectification
	if b.To == StageVerification {
		kind, s.Outcome = ClockVerification, ""
		s.Reached, s.Unreached, s.UnreachedDays = false, 0, nil
	}
	s.startClock(at, kind, b.Limit)
}

// reminded keeps who reminded on the last day on which anybody did.
func (s *State) reminded(e Event) {
	if day := DateOf(e.At); day != s.RemindedOn {
		s.RemindedOn, s.RemindedBy = day, nil
	}
	s.RemindedBy = append(s.RemindedBy, e.By.UserID)
}

func (s *State) escalated(b Escalated) {
	if !b.Manual {
		s.fired(escalationKey(b.StepsUp, b.Deadline))
	}
	if !s.EscalationOpen || b.StepsUp > s.EscalationSteps {
		s.EscalationSteps = b.StepsUp
	}
	s.EverEscalated, s.EscalationOpen = true, true
}

func (s *State) startClock(at time.Time, kind ClockKind, limit Limit) {
	s.Clock = &Clock{Kind: kind, Day0: DateOf(at), Limit: limit, StartedAt: at, SetAt: at}
}

// stopClock ends the clock that runs and keeps what it counted as late.
func (s *State) stopClock(at time.Time) {
	s.lateUntil(at)
	s.closeEscalation()
	s.Clock = nil
}

func (s *State) closeEscalation() { s.EscalationOpen, s.EscalationSteps = false, 0 }

func (s *State) end(at time.Time, stage Stage) {
	s.stopClock(at)
	s.Stage, s.PendingExtension, s.DecisionAwaited = stage, nil, false
}

func (s *State) lateUntil(at time.Time) {
	if s.Overdue() {
		s.Late[len(s.Late)-1].Until = at
	}
}

func (s *State) fired(key string) {
	if s.Clock != nil {
		s.Clock.Fired = append(s.Clock.Fired, key)
	}
}

// afterEnd reports whether an event may still be recorded when the case has
// ended, because it changes nothing.
func afterEnd(body EventBody) bool {
	_, late := body.(LateAnswerRecorded)
	return late
}

func errNoClock(e Event) error {
	return fmt.Errorf("event %d: %q needs a clock that runs", e.Seq, e.Body.Kind())
}

// leavesDecisions reports whether an event only says that time passed, or that
// somebody reminded of it, so that a form which a person has open stays good.
func leavesDecisions(body EventBody) bool {
	switch b := body.(type) {
	case Warned, BecameOverdue, CalendarAdopted, Reminded:
		return true
	case Escalated:
		return !b.Manual
	default:
		return false
	}
}
