package casework_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/reference"
)

// TestWhoIsToldOfWhat: every kind of event, by hand.
func TestWhoIsToldOfWhat(t *testing.T) {
	t.Parallel()
	const handler, proposer, actor = 7, 8, 9
	before := casework.State{HandlerID: handler, InvalidProposer: casework.By{UserID: proposer}}
	cases := []struct {
		body casework.EventBody
		told []string
	}{
		{casework.Opened{}, []string{"new_case to department unclaimed"}},
		{casework.Claimed{UserID: handler}, nil},
		{casework.Assigned{UserID: handler}, []string{"assigned to person 7"}},
		{casework.Assigned{UserID: actor}, nil},
		{casework.TakenOver{}, []string{"taken_over to person 7"}},
		{casework.CallbackRecorded{}, nil},
		{casework.Verified{}, nil},
		{casework.InvalidProposed{}, []string{"invalid_proposed to supervisors 0 county"}},
		{casework.InvalidDecided{Confirmed: true}, []string{"invalid_confirmed to handler", "invalid_confirmed to person 8"}},
		{casework.InvalidDecided{}, []string{"invalid_refused to handler", "invalid_refused to person 8"}},
		{casework.ExtensionRequested{Ordinal: 1}, []string{"extension_requested to supervisors 0"}},
		{casework.ExtensionRequested{Ordinal: 2}, []string{"extension_requested to supervisors 1 county"}},
		{casework.ExtensionWithdrawn{}, nil},
		{casework.ExtensionDecided{Granted: true}, []string{"extension_granted to handler"}},
		{casework.ExtensionDecided{}, []string{"extension_refused to handler"}},
		{casework.Rectified{}, nil},
		{casework.FeedbackSent{}, nil},
		{casework.AnswerRecorded{}, nil},
		{casework.AnswerRecorded{Nth: 2, NeedsDecision: true}, []string{"unsatisfied to supervisors 0"}},
		{casework.AnswerRecorded{Nth: 3, NeedsDecision: true, DecidedStepsUp: 1}, []string{"unsatisfied to supervisors 1 county"}},
		{casework.AnswerWindowPassed{}, nil},
		{casework.LateAnswerRecorded{}, nil},
		{casework.ReopeningDecided{}, nil},
		{casework.Reopened{}, []string{"reopened to handler"}},
		{casework.Warned{DaysBefore: 3}, []string{"warning to handler in 3"}},
		{casework.Warned{}, []string{"last_day to handler"}},
		{casework.BecameOverdue{}, []string{"overdue to handler", "overdue to supervisors 0"}},
		{casework.Reminded{}, []string{"reminded to handler"}},
		{casework.Escalated{StepsUp: 2}, []string{"escalated to handler", "escalated to supervisors 2"}},
		{casework.Paused{}, []string{"paused to handler"}},
		{casework.Resumed{}, []string{"resumed to handler"}},
		{casework.CalendarAdopted{}, nil},
		{casework.CalendarAdopted{DeadlineAfter: time.Unix(1, 0)}, []string{"deadline_moved to handler"}},
		{casework.Transferred{}, []string{"transferred to department unclaimed"}},
		{casework.Merged{}, []string{"merged to handler"}},
		{casework.CaseLinked{}, []string{"linked to handler"}},
		{casework.Withdrawn{}, []string{"withdrawn to handler"}},
		{casework.Closed{}, nil},
		{casework.SpotCheckDrawn{}, []string{"spot_check to supervisors 0"}},
		{casework.SpotCheckRecorded{}, nil},
		{casework.Archived{}, nil},
		{casework.FileAttached{}, nil},
	}
	seen := map[casework.EventKind]bool{}
	said := map[casework.NoticeKind]bool{casework.NoticeManyLooks: true}
	for _, c := range cases {
		seen[c.body.Kind()] = true
		var told []string
		for _, n := range casework.NoticesOf(before, casework.Event{By: casework.By{UserID: actor}, Body: c.body}) {
			told = append(told, describe(n))
			said[n.Kind] = true
			require.True(t, casework.Tells(c.body), "%T would never reach the outbox", c.body)
		}
		require.Equal(t, c.told, told, "%T", c.body)
	}
	require.Len(t, seen, len(casework.EventKinds()), "a kind of event that nobody thought about")
	require.Len(t, said, len(casework.NoticeKinds()), "a kind of notice that nobody ever gets")
	require.Equal(t, "many_looks to auditors", describe(casework.NoticesOfLooksAlarm()[0]))

	nobody := casework.NoticesOf(casework.State{}, casework.Event{Body: casework.TakenOver{}})
	require.Equal(t, "taken_over to department", describe(nobody[0]), "where nobody had it, the department is told")
	for _, kind := range casework.NoticeKinds() {
		require.Contains(t, casework.NoticeGroups(), kind.Group())
	}
	require.Empty(t, casework.NoticeKind("x").Group())
}

func describe(n casework.Notice) string {
	words := fmt.Sprintf("%s to %s", n.Kind, n.To)
	if n.To == casework.ListenPerson {
		words += fmt.Sprint(" ", n.UserID)
	}
	if n.To == casework.ListenSupervisors {
		words += fmt.Sprint(" ", n.StepsUp)
	}
	if n.MinLevel != "" {
		words += " " + string(n.MinLevel)
	}
	if n.Unclaimed {
		words += " unclaimed"
	}
	if n.Days != 0 {
		words += fmt.Sprint(" in ", n.Days)
	}
	return words
}

func TestGroupsOfRoles(t *testing.T) {
	t.Parallel()
	of := func(roles ...casework.Role) []casework.NoticeGroup {
		return casework.NoticeGroupsFor(casework.Actor{Roles: roles})
	}
	require.Equal(t, []casework.NoticeGroup{
		casework.NoticesOfNewCases, casework.NoticesOfWork, casework.NoticesOfDeadlines, casework.NoticesOfAnswers,
	}, of(casework.RoleHandler))
	require.Contains(t, of(casework.RoleSupervisor), casework.NoticesToDecide)
	require.NotContains(t, of(casework.RoleSupervisor), casework.NoticesOfNewCases)
	require.Equal(t, []casework.NoticeGroup{casework.NoticesOfLooks}, of(casework.RoleAuditor))
	require.Empty(t, of(casework.RoleSysadmin))
}

// TestWorkingHours: nights, weekends, the holidays of 2026, and the Saturdays and
// Sundays on which people work.
func TestWorkingHours(t *testing.T) {
	t.Parallel()
	calendar, err := reference.Calendar()
	require.NoError(t, err)
	at := func(text string) time.Time {
		parsed, err := time.ParseInLocation("2006-01-02 15:04", text, casework.China())
		require.NoError(t, err)
		return parsed
	}
	for text, want := range map[string]string{
		"2026-11-25 08:59": "2026-11-25 09:00", // a Wednesday
		"2026-11-25 09:00": "2026-11-25 09:00",
		"2026-11-25 17:59": "2026-11-25 17:59",
		"2026-11-25 18:00": "2026-11-26 09:00",
		"2026-11-27 23:00": "2026-11-30 09:00", // Friday night
		"2026-11-28 10:00": "2026-11-30 09:00", // a Saturday
		"2026-10-01 10:00": "2026-10-08 09:00", // 国庆节
		"2026-10-10 10:00": "2026-10-10 10:00", // a Saturday that is worked
		"2026-09-20 00:00": "2026-09-20 09:00", // a Sunday that is worked
		"2026-02-14 12:00": "2026-02-14 12:00", // a Saturday that is worked
		"2026-02-14 18:00": "2026-02-24 09:00", // 春节 begins
		"2027-11-27 10:00": "2027-11-29 09:00", // beyond the published calendar the week decides
	} {
		require.Equal(t, at(want), casework.OfficeHours().Next(calendar, at(text)), text)
	}
	quiet := casework.OfficeHours()
	quiet.QuietFrom, quiet.QuietTo = 12*60, 14*60+30
	for text, want := range map[string]string{
		"2026-11-25 11:59": "2026-11-25 11:59",
		"2026-11-25 12:00": "2026-11-25 14:30",
		"2026-11-25 14:30": "2026-11-25 14:30",
	} {
		require.Equal(t, at(want), quiet.Next(calendar, at(text)), text)
	}
	quiet.QuietTo = 20 * 60
	require.Equal(t, at("2026-11-26 09:00"), quiet.Next(calendar, at("2026-11-25 13:00")), "a break until the evening leads to the next morning")
}
