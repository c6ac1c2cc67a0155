package casework_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

var (
	reminded = casework.Remind{Note: "请尽快核实"}
	handler  = casework.By{UserID: 2, OrganisationID: 1, Role: casework.RoleHandler}
	lead     = casework.By{UserID: 1, OrganisationID: 1, Role: casework.RoleDepartmentLead}
	lin      = casework.By{UserID: 21, OrganisationID: 2, Role: casework.RoleSupervisor}
	su       = casework.By{UserID: 22, OrganisationID: 2, Role: casework.RoleSupervisor}
)

func (l *life) last() casework.EventBody { return l.events[len(l.events)-1].Body }

func TestRemind(t *testing.T) {
	t.Parallel()
	l := newLife(t, true)
	l.doesAs(t, lin, reminded)
	require.Equal(t, casework.Reminded{DepartmentID: 1, Note: "请尽快核实"}, l.last(), "nobody has the case: the department is reminded")
	require.Equal(t, "reminded_today", l.refuses(t, lin, reminded))
	l.doesAs(t, handler, casework.Claim{})
	l.doesAs(t, su, casework.Remind{})
	require.Equal(t, casework.Reminded{UserID: 2}, l.last(), "who has the case is reminded")
	l.doesAs(t, lead, casework.Remind{})
	require.Equal(t, "reminded_today", l.refuses(t, lin, reminded), "also after others have")
	require.Equal(t, "reminds_oneself", l.refuses(t, handler, reminded))

	// A day is a day in China, not 24 hours.
	l.wait(t, 13*time.Hour+59*time.Minute)
	require.Equal(t, "reminded_today", l.refuses(t, lin, reminded))
	l.wait(t, time.Minute)
	l.doesAs(t, lin, reminded)
	require.Equal(t, "reminded_today", l.refuses(t, lin, reminded))
	require.Len(t, l.state.RemindedBy, 1, "only the last day is kept")
	l.check(t)
}

// A reminder moves nothing: neither stage nor clock nor tasks, and no decision that
// somebody has under way; and who reminds has not acted in the case.
func TestRemindingMovesNothing(t *testing.T) {
	t.Parallel()
	l := newLife(t, true)
	l.doesAs(t, handler, casework.RecordCallback{Reached: true, Words: "问过"})
	before, tasks := l.state, casework.Tasks(l.state, l.rules)
	l.doesAs(t, lin, reminded)
	after := l.state
	require.False(t, after.Stale(before.Version), "what was prepared before still holds")
	require.False(t, after.Acted(lin.UserID), "and lin may check the case later")
	require.Equal(t, tasks, casework.Tasks(after, l.rules))
	after.Version, after.ChangedAt, after.RemindedOn, after.RemindedBy = before.Version, before.ChangedAt, before.RemindedOn, before.RemindedBy
	require.Equal(t, before, after)

	c := casework.Circumstances{Rules: l.rules, Now: l.now, By: handler}
	verify := casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"}
	_, err := casework.DecideFor(l.state, before.Version, verify, c)
	require.NoError(t, err)
}

func TestRemindWhereSomethingWaitsForTheDepartment(t *testing.T) {
	t.Parallel()
	l := newLife(t, true)
	l.doesAs(t, handler, casework.RecordCallback{Reached: true, Words: "问过"})
	l.doesAs(t, handler, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"})
	l.doesAs(t, lin, casework.Pause{Category: casework.PauseOther, Reason: "评价人外出"})
	require.Equal(t, "paused", l.refuses(t, lin, reminded))
	l.doesAs(t, lin, casework.Resume{})
	l.doesAs(t, lin, reminded)
	l.doesAs(t, handler, casework.SubmitRectification{Done: "已改", Cause: casework.CauseSkill})
	l.doesAs(t, su, reminded) // the feedback is missing
	l.doesAs(t, handler, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已改"})
	require.Equal(t, "nothing_to_remind", l.refuses(t, lead, reminded))
	l.doesAs(t, handler, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
	require.Equal(t, "case_closed", l.refuses(t, lead, reminded))

	taken := newLife(t, true)
	taken.doesAs(t, lin, casework.TakeOver{Reason: "部门推诿"})
	require.Equal(t, "taken_over", taken.refuses(t, lead, reminded), "the department has nothing to do, nor its head")
	require.Equal(t, "reminds_oneself", taken.refuses(t, lin, reminded))
	taken.doesAs(t, su, reminded)
	require.Equal(t, casework.Reminded{UserID: lin.UserID, Note: "请尽快核实"}, taken.last())
}
