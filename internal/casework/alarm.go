package casework

import (
	"fmt"
	"slices"
	"time"
)

// Alarm is an instant at which a clock makes something happen. Each key goes
// off once: it names the kind, the level and the deadline.
type Alarm struct {
	Key  string
	At   time.Time
	Body EventBody
}

func warningKey(daysBefore int, deadline time.Time) string {
	return fmt.Sprintf("warned/%d/%s", daysBefore, dayKey(deadline))
}

func overdueKey(deadline time.Time) string { return "overdue/" + dayKey(deadline) }

func escalationKey(stepsUp int, deadline time.Time) string {
	return fmt.Sprintf("escalated/%d/%s", stepsUp, dayKey(deadline))
}

// dayKey names a deadline by its last day: it ends at the first instant of the next.
func dayKey(deadline time.Time) string { return DateOf(deadline.Add(-time.Nanosecond)).String() }

// Alarms lists what the clock of the case still has to do, in the order of
// time. A paused clock has nothing to do, and neither has a case that ended.
func Alarms(s State, r Rules) []Alarm {
	if s.Clock == nil || s.ClockPaused() {
		return nil
	}
	deadline, _ := s.Deadline(r)
	if s.Clock.Kind == ClockAnswer {
		return []Alarm{{Key: "answer/" + dayKey(deadline.At), At: deadline.At, Body: AnswerWindowPassed{Deadline: deadline.At}}}
	}
	var alarms []Alarm
	for _, days := range r.Pack.Warnings.DaysBefore {
		alarms = append(alarms, Alarm{
			Key:  warningKey(days, deadline.At),
			At:   deadline.LastDay.AddDays(-days).At(r.Pack.Warnings.Hour, r.Pack.Warnings.Minute),
			Body: Warned{Clock: s.Clock.Kind, DaysBefore: days, Deadline: deadline.At},
		})
	}
	// A warning whose hour had passed before the deadline was set warns of nothing.
	alarms = slices.DeleteFunc(alarms, func(a Alarm) bool { return !a.At.After(s.Clock.SetAt) })
	alarms = append(alarms, Alarm{
		Key: overdueKey(deadline.At), At: deadline.At,
		Body: BecameOverdue{Clock: s.Clock.Kind, Deadline: deadline.At},
	})
	for _, step := range r.Pack.Escalations {
		alarms = append(alarms, Alarm{
			Key: escalationKey(step.StepsUp, deadline.At),
			At:  deadline.LastDay.AddDays(step.AfterDays).End(),
			Body: Escalated{
				StepsUp: step.StepsUp, AfterDays: step.AfterDays, Clock: s.Clock.Kind, Deadline: deadline.At,
			},
		})
	}
	alarms = slices.DeleteFunc(alarms, func(a Alarm) bool { return slices.Contains(s.Clock.Fired, a.Key) })
	slices.SortStableFunc(alarms, func(a, b Alarm) int { return a.At.Compare(b.At) })
	return alarms
}

// NextAlarm is the first of the alarms; false when there is none.
func NextAlarm(s State, r Rules) (Alarm, bool) {
	alarms := Alarms(s, r)
	if len(alarms) == 0 {
		return Alarm{}, false
	}
	return alarms[0], true
}

// DecideClock gives what the clock makes happen at the instant now: every alarm
// that is due and has not gone off, oldest first. It gives nothing when a
// decision made the alarm void, which is why the workflow asks again under its
// lock.
func DecideClock(s State, r Rules, now time.Time) []EventBody {
	var bodies []EventBody
	for _, a := range Alarms(s, r) {
		if a.At.After(now) {
			break
		}
		bodies = append(bodies, a.Body)
		if _, passed := a.Body.(AnswerWindowPassed); passed {
			bodies = append(bodies, Closed{Cause: ClosedNoAnswer, OnTime: !s.EverLate()})
		}
	}
	return bodies
}
