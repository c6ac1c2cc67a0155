package workflows_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/reference"
	"guiling/workflows/contract"
)

var unsatisfied = casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "没有改"}

func TestExplanationWithoutRectification(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, casework.Verify{Outcome: casework.OutcomeNoLegalBasis, Findings: "所提要求无法律依据"}, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.Equal(t, casework.StageExplanation, r.Stage)
		require.True(t, r.Deadline.Equal(time.Date(2026, 3, 8, 0, 0, 0, 0, casework.China())), "five natural days")
	})
	c.at(3*time.Hour, chen, rectified, c.refused("only_explained"))
	c.at(1*day, chen, fedBack, c.ok)
	c.at(2*day, chen, unsatisfied, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.Equal(t, casework.StageVerification, r.Stage, "there is nothing to rectify: the claim is looked at again")
	})
	c.at(3*day, chen, complexIt, c.refused("callback_needed"))
	c.at(3*day+time.Hour, chen, reached, c.ok)
	c.at(4*day, chen, complexIt, c.ok)
	c.at(5*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "verified", "feedback_sent", "answer_recorded", "reopened",
		"callback_recorded", "warned 03-06 09:00", "verified", "withdrawn",
	}, story(c.run()))
}

// TestExtensionGrantedAfterTheDeadline: asked for in time, granted two days late.
func TestExtensionGrantedAfterTheDeadline(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	until := casework.Date{Year: 2026, Month: 3, Day: 27}
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, c.ok)
	c.at(10*day, chen, casework.RequestExtension{Until: until, Reason: "需协同"}, c.ok)
	c.at(17*day, super, casework.DecideExtension{Grant: true}, c.ok)
	c.at(40*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "verified", "warned 03-12 09:00", "extension_requested",
		"warned 03-14 09:00", "warned 03-16 09:00", "became_overdue 03-18 00:00", "escalated 03-18 00:00",
		"extension_decided", "warned 03-22 09:00", "warned 03-24 09:00", "warned 03-26 09:00",
		"became_overdue 03-28 00:00", "escalated 03-28 00:00", "escalated 03-31 00:00", "escalated 04-04 00:00", "withdrawn",
	}, story(c.run()))
	late := c.steps[len(c.steps)-1].State.Late
	require.Len(t, late, 2)
	require.WithinDuration(t, start.Add(17*day), late[0].Until, 0, "the overdue days of the first deadline are kept")
}

func TestTakenOverCase(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, super, casework.TakeOver{Reason: "部门推诿"}, c.ok)
	c.at(3*time.Hour, chen, complexIt, c.refused("taken_over"))
	c.at(4*time.Hour, super, complexIt, c.ok)
	c.at(1*day, super, casework.Transfer{DepartmentID: 1, Reason: "交回整改"}, c.ok)
	c.at(2*day, chen, rectified, c.ok)
	c.at(3*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "taken_over", "verified", "transferred", "claimed", "rectified", "withdrawn",
	}, story(c.run()))
	for _, s := range c.steps {
		for _, task := range s.Tasks {
			require.Equal(t, s.State.TakenOverBy, task.OrganisationID, "the task lies with who handles the case")
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	merge := casework.Merge{Into: "410411-20260301-000001", Reason: "同一办件"}
	c.at(time.Hour, super, merge, c.refused("does_not_go_on"))
	c.env.RegisterDelayedCallback(func() { c.goesOn = true }, 90*time.Minute)
	c.at(2*time.Hour, super, merge, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.Equal(t, casework.StageMerged, r.Stage)
	})
	require.Equal(t, []string{"opened 03-02 10:00", "merged"}, story(c.run()))
	ask := contract.LinkCaseInput{From: c.input.Number, Into: merge.Into}
	require.Equal(t, []contract.LinkCaseInput{ask, ask}, c.linked, "the other case is asked before this one ends")
}

func TestCaseThatGoesOnForAnother(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	link := contract.LinkCaseRequest{From: "410411-20260303-000009"}
	c.asks(time.Hour, contract.UpdateLinkCase, link, c.ok)
	c.asks(2*time.Hour, contract.UpdateLinkCase, link, c.ok)
	c.at(3*time.Hour, super, casework.Withdraw{Reason: "群众撤回"}, c.refused("has_merged_cases"))
	c.at(4*time.Hour, chen, reached, c.ok)
	c.at(5*time.Hour, chen, complexIt, c.ok)
	c.at(6*time.Hour, chen, rectified, c.ok)
	c.at(7*time.Hour, chen, fedBack, c.ok)
	c.drawn = true
	c.at(1*day, chen, satisfied, c.ok)
	c.asks(2*day, contract.UpdateLinkCase, contract.LinkCaseRequest{From: "another"}, c.refused("does_not_go_on"))
	c.at(3*day, super, casework.RecordSpotCheck{Method: casework.MethodFile, Passed: true, Findings: "好"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "case_linked 03-02 11:00", "claimed", "callback_recorded", "verified", "rectified", "feedback_sent",
		"answer_recorded", "closed", "spot_check_drawn 03-03 10:00", "spot_check_recorded", "archived",
	}, story(c.run()))
}

func TestAnswerAfterTheClosingChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.drawn = true
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, c.ok)
	c.at(3*time.Hour, chen, rectified, c.ok)
	c.at(4*time.Hour, chen, fedBack, c.ok)
	c.at(9*day, chen, unsatisfied, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.Equal(t, casework.StageSpotCheck, r.Stage)
	})
	c.at(10*day, super, casework.RecordSpotCheck{Method: casework.MethodFile, Passed: true, Findings: "好"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "verified", "rectified", "feedback_sent",
		"answer_window_passed 03-08 00:00", "closed 03-08 00:00", "spot_check_drawn 03-08 00:00",
		"late_answer_recorded", "spot_check_recorded", "archived",
	}, story(c.run()))
	last := c.steps[len(c.steps)-1].State
	require.Empty(t, last.FirstAnswer)
	require.Zero(t, last.Reopenings)
}

// TestNewerCalendarMovesTheTimer: five working days from Friday 2026-09-18 end on
// Thursday 09-24. A holiday that is announced for the 23rd moves them past 中秋 to
// Monday 09-28.
func TestNewerCalendarMovesTheTimer(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	pack, err := rules.Load("working-days-5")
	require.NoError(t, err)
	calendar, err := reference.Calendar()
	require.NoError(t, err)
	begin := time.Date(2026, 9, 18, 9, 0, 0, 0, casework.China())
	c.env.SetStartTime(begin)
	c.input.Rules = casework.Rules{Pack: pack, Calendar: calendar}
	c.input.Opened.PackID, c.input.Opened.PackVersion = pack.ID, pack.Version
	c.input.Opened.CalendarVersion, c.input.Opened.Limit = calendar.Version, pack.Verification
	newer := calendar
	newer.Version, newer.Days = "newer", maps.Clone(calendar.Days)
	newer.Days["2026-09-23"] = casework.DayHoliday

	adopt := contract.AdoptCalendarRequest{Calendar: newer}
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.Equal(t, "2026-09-24", casework.DateOf(r.Deadline.Add(-time.Second)).String())
	})
	c.asks(day, contract.UpdateAdoptCalendar, adopt, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.Equal(t, "2026-09-28", casework.DateOf(r.Deadline.Add(-time.Second)).String())
	})
	c.asks(day+time.Hour, contract.UpdateAdoptCalendar, adopt, c.refused("calendar_not_adopted"))
	c.at(20*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	events := c.run()
	late := 0
	for _, e := range events {
		switch b := e.Body.(type) {
		case casework.CalendarAdopted:
			require.Equal(t, calendar.Version, b.Previous)
			require.WithinDuration(t, begin.Add(day), e.At, 0)
		case casework.BecameOverdue:
			late++
			require.Equal(t, "2026-09-29 00:00", e.At.In(casework.China()).Format("2006-01-02 15:04"))
		}
	}
	require.Equal(t, 1, late, "%v", story(events))
}
