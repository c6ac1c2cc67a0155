package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/workflows/contract"
)

// TestWorkflowAndFoldNeverDisagree drives the real workflow with random actions
// of random people at random times, legal and illegal, and holds every answer
// against what the domain says of the events recorded until then.
func TestWorkflowAndFoldNeverDisagree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCaseTest(t)
		c.input.Opened.ReviewerKnown = rapid.Bool().Draw(t, "known")
		c.drawn = rapid.Bool().Draw(t, "drawn")
		answers := 0
		// Never at the instant of an alarm: what comes first then is another test's.
		after := 30 * time.Minute
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for i := range steps {
			after += time.Duration(rapid.IntRange(1, 120).Draw(t, "hours")) * time.Hour
			c.env.RegisterDelayedCallback(func() {
				if c.env.IsWorkflowCompleted() {
					return
				}
				by, command := c.randomRequest(t)
				_, expected := c.model(command, by)
				request := contract.ActionRequest[casework.Command]{Key: fmt.Sprintf("key-%d", i), By: by, Command: command}
				c.env.UpdateWorkflow(string(command.Action()), fmt.Sprintf("update-%d", i), &callback{check: func(_ contract.ActionResult, err error) {
					answers++
					if expected == nil {
						require.NoError(t, err, "%s is allowed", command.Action())
						return
					}
					require.Equal(t, expected.Reason, refusalIn(t, err).Reason, "%s", command.Action())
				}}, request)
			}, after)
		}
		c.env.ExecuteWorkflow(contract.WorkflowCase, c.input)

		state, err := casework.Fold(c.events())
		require.NoError(t, err, "what was recorded is a whole story")
		require.Equal(t, state, c.steps[len(c.steps)-1].State, "the workflow's state is the fold of its events")
		require.Equal(t, state.Ended(), c.env.GetWorkflowError() == nil, "it ends when the case does")
		if state.Ended() {
			require.Nil(t, state.Clock)
			require.Empty(t, c.steps[len(c.steps)-1].Tasks)
		} else {
			require.Equal(t, steps, answers, "everybody got an answer")
		}
	})
}

// model is what the domain says now of the events recorded until now: the events
// that would follow, or why not.
func (c *caseTest) model(command casework.Command, by casework.By) ([]casework.EventBody, *casework.Error) {
	state, err := casework.Fold(c.events())
	require.NoError(c.t, err)
	bodies, err := casework.Decide(state, command, casework.Circumstances{Rules: c.input.Rules, Now: c.env.Now(), By: by})
	domain, ok := casework.AsError(err)
	require.Equal(c.t, err != nil, ok)
	return bodies, domain
}

// randomRequest is mostly something that is allowed now, or no life would get
// beyond its beginning, and sometimes anything.
func (c *caseTest) randomRequest(t *rapid.T) (casework.By, casework.Command) {
	by := rapid.SampledFrom([]casework.By{
		chen, liu, super, other,
		{UserID: 13, OrganisationID: 1, Role: casework.RoleDepartmentLead},
		{UserID: 23, OrganisationID: 2, Role: casework.RoleSupervisor},
	}).Draw(t, "by")
	all := commandsAt(casework.DateOf(c.env.Now()))
	if rapid.IntRange(0, 9).Draw(t, "anything") > 1 {
		var allowed []casework.Command
		for _, command := range all {
			if _, refused := c.model(command, by); refused == nil {
				allowed = append(allowed, command)
			}
		}
		if len(allowed) > 0 {
			return by, rapid.SampledFrom(allowed).Draw(t, "allowed")
		}
	}
	return by, rapid.SampledFrom(all).Draw(t, "command")
}

// commandsAt lists commands of every action, with the answers that lead to
// different places.
func commandsAt(today casework.Date) []casework.Command {
	commands := []casework.Command{
		casework.Claim{},
		casework.Assign{UserID: 12},
		casework.RecordCallback{Reached: true, Words: "问过了"},
		casework.RecordCallback{},
		attached,
		complexIt, complexIt, // most are complex
		casework.Verify{Outcome: casework.OutcomeNoLegalBasis, Findings: "无依据"},
		casework.Verify{Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "当场改正", Cause: casework.CauseConduct},
		casework.ProposeInvalid{Ground: casework.GroundMalicious, Evidence: "同一人十次"},
		rectified,
		fedBack,
		casework.SendFeedback{Channel: casework.FeedbackNone, Words: "无联系方式"},
		casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "没有改"},
		satisfied,
		casework.WithdrawExtension{Reason: "可按期完成"},
		casework.Escalate{Reason: "督办"}, casework.Remind{Note: "催办"},
		casework.Pause{Category: casework.PauseLegal, Reason: "诉讼中"},
		casework.Resume{},
		casework.TakeOver{Reason: "部门拖延"},
		casework.Transfer{DepartmentID: 1, Reason: "职责划转"},
		casework.Transfer{DepartmentID: 2, Reason: "职责划转"},
	}
	for _, days := range []int{-1, 12, 20, 40} {
		commands = append(commands, casework.RequestExtension{Until: today.AddDays(days), Reason: "需协同"})
	}
	for _, yes := range []bool{true, false} {
		commands = append(commands,
			casework.DecideInvalid{Confirm: yes, Reason: "已核"},
			casework.DecideExtension{Grant: yes, Reason: "已阅"},
			casework.DecideReopening{Reopen: yes, Reason: "已阅"},
			casework.RecordSpotCheck{Method: casework.MethodSite, Passed: yes, Findings: "看过"},
		)
	}
	return commands
}
