package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/workflows"
	"guiling/workflows/contract"
)

// start is the instant at which every case of these tests begins: a Monday
// morning in China.
var start = time.Date(2026, 3, 2, 10, 0, 0, 0, casework.China())

// The people of the tests.
var (
	chen  = casework.By{UserID: 11, OrganisationID: 1, Role: casework.RoleHandler}
	liu   = casework.By{UserID: 12, OrganisationID: 1, Role: casework.RoleHandler}
	super = casework.By{UserID: 21, OrganisationID: 2, Role: casework.RoleSupervisor}
	other = casework.By{UserID: 22, OrganisationID: 2, Role: casework.RoleSupervisor}
)

// testingT is a test, or one run of a property.
type testingT interface {
	require.TestingT
	Helper()
}

// caseTest is one case in a test environment that skips time.
type caseTest struct {
	t     testingT
	env   *testsuite.TestWorkflowEnvironment
	input contract.CaseInput

	mu    sync.Mutex // activities run beside the test
	steps []contract.RecordEventsInput
	drawn bool
	// failRecording makes the recording fail this many times.
	failRecording int
	// goesOn is what the case into which this one is merged says.
	goesOn   bool
	linked   []contract.LinkCaseInput
	updates  int
	deadline time.Time // of the last answer
}

func newCaseTest(t testingT) *caseTest {
	t.Helper()
	pack, err := rules.Default()
	require.NoError(t, err)
	suite := new(testsuite.WorkflowTestSuite)
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	c := &caseTest{t: t, env: suite.NewTestWorkflowEnvironment()}
	c.env.SetStartTime(start)
	c.env.SetTestTimeout(20 * time.Second)
	c.env.RegisterWorkflowWithOptions(workflows.Case, workflow.RegisterOptions{Name: contract.WorkflowCase})
	c.env.RegisterActivityWithOptions(c.recordEvents, activity.RegisterOptions{Name: contract.ActivityRecordEvents})
	c.env.RegisterActivityWithOptions(c.drawSpotCheck, activity.RegisterOptions{Name: contract.ActivityDrawSpotCheck})
	c.env.RegisterActivityWithOptions(c.linkCase, activity.RegisterOptions{Name: contract.ActivityLinkCase})
	c.input = contract.CaseInput{
		Number: "410411-20260302-000001",
		Rules:  casework.Rules{Pack: pack},
		Opened: casework.Opened{
			RegionCode: "410411000000", RegionLevel: casework.LevelCounty, DepartmentID: 1, MatterCode: "410100101001",
			Rating: casework.Dissatisfied, Aspects: []casework.Aspect{casework.AspectTrips}, Channel: casework.ChannelQRCode,
			RatedAt: start.Add(-time.Hour), ReviewerKnown: true, PackID: pack.ID, PackVersion: pack.Version, Limit: pack.Verification,
		},
	}
	return c
}

func (c *caseTest) recordEvents(_ context.Context, in contract.RecordEventsInput) (contract.RecordEventsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failRecording > 0 {
		c.failRecording--
		return contract.RecordEventsOutput{}, errors.New("the database is away")
	}
	c.steps = append(c.steps, in)
	return contract.RecordEventsOutput{}, nil
}

func (c *caseTest) drawSpotCheck(_ context.Context, in contract.DrawSpotCheckInput) (contract.DrawSpotCheckOutput, error) {
	return contract.DrawSpotCheckOutput{Draw: casework.SpotCheckDraw{
		Month: in.ClosedAt.In(casework.China()).Format("2006-01"), SeedHash: "h", Drawn: c.drawn,
	}}, nil
}

func (c *caseTest) linkCase(_ context.Context, in contract.LinkCaseInput) (contract.LinkCaseOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linked = append(c.linked, in)
	return contract.LinkCaseOutput{Linked: c.goesOn}, nil
}

// asks lets the product itself ask something of the case.
func (c *caseTest) asks(after time.Duration, name string, request any, check func(contract.ActionResult, error)) {
	c.updates++
	id := fmt.Sprintf("update-%d", c.updates)
	c.env.RegisterDelayedCallback(func() { c.env.UpdateWorkflow(name, id, &callback{check: check}, request) }, after)
}

// at makes a person do something at a time after the start.
func (c *caseTest) at(after time.Duration, by casework.By, command casework.Command, check func(contract.ActionResult, error)) {
	c.updates++
	c.atWithKey(after, fmt.Sprintf("key-%d", c.updates), by, 0, command, check)
}

func (c *caseTest) atWithKey(
	after time.Duration, key string, by casework.By, version int, command casework.Command, check func(contract.ActionResult, error),
) {
	c.updates++
	id := fmt.Sprintf("update-%d", c.updates) // the server's own dedupe is not what is tested here
	c.env.RegisterDelayedCallback(func() {
		request := contract.ActionRequest[casework.Command]{Key: key, By: by, Version: version, Command: command}
		c.env.UpdateWorkflow(string(command.Action()), id, &callback{check: check}, request)
	}, after)
}

func (c *caseTest) ok(result contract.ActionResult, err error) {
	require.NoError(c.t, err)
	c.deadline = result.Deadline
}

// refused expects a refusal for a reason.
func (c *caseTest) refused(reason string) func(contract.ActionResult, error) {
	return func(_ contract.ActionResult, err error) {
		refusal := refusalIn(c.t, err)
		require.Equal(c.t, reason, refusal.Reason)
	}
}

func refusalIn(t testingT, err error) contract.Refusal {
	t.Helper()
	application, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "a refusal is expected, not %v", err)
	require.Equal(t, contract.FailureType, application.Type())
	var refusal contract.Refusal
	require.NoError(t, application.Details(&refusal))
	return refusal
}

// run lives the case to its end and gives what was recorded.
func (c *caseTest) run() []casework.Event {
	c.t.Helper()
	c.env.ExecuteWorkflow(contract.WorkflowCase, c.input)
	require.True(c.t, c.env.IsWorkflowCompleted())
	require.NoError(c.t, c.env.GetWorkflowError())
	return c.events()
}

func (c *caseTest) events() []casework.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var events []casework.Event
	for _, s := range c.steps {
		events = append(events, s.Events...)
	}
	return events
}

// story writes events as "kind at" lines, for reading and comparing.
func story(events []casework.Event) []string {
	lines := make([]string, 0, len(events))
	for _, e := range events {
		line := string(e.Body.Kind())
		if e.By.System() {
			line += " " + e.At.In(casework.China()).Format("01-02 15:04")
		}
		lines = append(lines, line)
	}
	return lines
}

type callback struct {
	check func(contract.ActionResult, error)
}

func (*callback) Accept() {}

func (u *callback) Reject(err error) {
	if u.check != nil {
		u.check(contract.ActionResult{}, err)
	}
}

func (u *callback) Complete(result any, err error) {
	if u.check == nil {
		return
	}
	var answer contract.ActionResult
	if err == nil {
		data, marshalErr := json.Marshal(result)
		if marshalErr == nil {
			marshalErr = json.Unmarshal(data, &answer)
		}
		err = marshalErr
	}
	u.check(answer, err)
}

const day = 24 * time.Hour

var (
	reached  = casework.RecordCallback{Reached: true, Words: "跑了四趟"}
	attached = casework.AttachFile{
		AttachmentID: "5a0d0f5e-5c2b-8d56-9a55-6f0e1d3c2b1a", Name: "办事指南.pdf", SHA256: strings.Repeat("0f", 32), Size: 7, MediaType: "application/pdf",
	}
	complexIt = casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"}
	rectified = casework.SubmitRectification{Done: "取消了多余的材料", Cause: casework.CauseProcess}
	fedBack   = casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已整改"}
	satisfied = casework.RecordAnswer{Answer: casework.AnswerSatisfied}
)

func TestPlainCase(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		// 2026-03-02 and 15 natural days: 2026-03-17 24:00 +08:00 exactly.
		require.True(t, r.Deadline.Equal(time.Date(2026, 3, 18, 0, 0, 0, 0, casework.China())))
	})
	c.at(3*day, chen, rectified, c.ok)
	c.at(4*day, chen, fedBack, c.ok)
	c.at(5*day, chen, satisfied, c.ok)
	events := c.run()
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "verified", "rectified", "feedback_sent",
		"answer_recorded", "closed", "archived " + start.Add(5*day).Format("01-02 15:04"),
	}, story(events))
	require.Equal(t, casework.Closed{Cause: casework.ClosedSatisfied, OnTime: true}, events[7].Body)
}

func TestClockOfARectificationThatNobodyTouches(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, c.ok)
	c.at(30*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "verified",
		"warned 03-12 09:00", "warned 03-14 09:00", "warned 03-16 09:00",
		"became_overdue 03-18 00:00", "escalated 03-18 00:00", "escalated 03-21 00:00", "escalated 03-25 00:00",
		"withdrawn",
	}, story(c.run()))
}

func TestDecisionAtTheDeadlineHasOneEnd(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"a second before": -time.Second, "at the very instant": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCaseTest(t)
			c.at(time.Hour, chen, reached, c.ok)
			c.at(2*time.Hour, chen, complexIt, c.ok)
			c.at(10*day, chen, rectified, c.ok)
			deadline := time.Date(2026, 3, 18, 0, 0, 0, 0, casework.China())
			c.at(deadline.Sub(start)+offset, chen, fedBack, c.ok)
			c.at(20*day, chen, satisfied, c.ok)
			if offset == 0 { // it was escalated, and so it is always checked
				c.at(21*day, super, casework.RecordSpotCheck{Method: casework.MethodFile, Passed: true, Findings: "已整改"}, c.ok)
			}
			late, closed := 0, 0
			for _, e := range c.run() {
				switch b := e.Body.(type) {
				case casework.BecameOverdue:
					late++
				case casework.Closed:
					closed++
					require.Equal(t, offset < 0, b.OnTime)
				}
			}
			require.Equal(t, 1, closed)
			require.Equal(t, offset == 0, late == 1)
		})
	}
}

func TestExtensionMovesTheTimer(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	until := casework.Date{Year: 2026, Month: 3, Day: 27}
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, c.ok)
	c.at(5*day, chen, casework.RequestExtension{Until: until, Reason: "需要上级部门配合"}, c.ok)
	c.at(6*day, super, casework.DecideExtension{Grant: true}, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.True(t, r.Deadline.Equal(until.End()))
	})
	c.at(40*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "verified", "extension_requested", "extension_decided",
		"warned 03-22 09:00", "warned 03-24 09:00", "warned 03-26 09:00",
		"became_overdue 03-28 00:00", "escalated 03-28 00:00", "escalated 03-31 00:00", "escalated 04-04 00:00", "withdrawn",
	}, story(c.run()))
}

func TestWithdrawnExtensionMovesNothing(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	until := casework.Date{Year: 2026, Month: 3, Day: 27}
	withdraw := casework.WithdrawExtension{Reason: "可以按期完成"}
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, c.ok)
	c.at(3*day, chen, withdraw, c.refused("no_extension_pending"))
	c.at(4*day, chen, casework.RequestExtension{Until: until, Reason: "需要上级部门配合"}, c.ok)
	c.at(5*day, liu, withdraw, c.refused("claimed_by_other"))
	c.at(6*day, chen, withdraw, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.True(t, r.Deadline.Equal(time.Date(2026, 3, 18, 0, 0, 0, 0, casework.China())))
	})
	c.at(7*day, super, casework.DecideExtension{Grant: true}, c.refused("no_extension_pending"))
	c.at(8*day, chen, casework.RequestExtension{Until: until, Reason: "还是需要"}, c.ok)
	c.at(9*day, super, casework.DecideExtension{Grant: true}, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.True(t, r.Deadline.Equal(until.End()))
	})
	c.at(10*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	c.run()
}

func TestRepeatedKeyActsOnce(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	var first, second contract.ActionResult
	c.atWithKey(time.Hour, "same", chen, 0, reached, func(r contract.ActionResult, err error) { c.ok(r, err); first = r })
	c.atWithKey(2*time.Hour, "same", chen, 0, reached, func(r contract.ActionResult, err error) { c.ok(r, err); second = r })
	c.at(3*time.Hour, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{"opened 03-02 10:00", "claimed", "callback_recorded", "withdrawn"}, story(c.run()))
	require.Equal(t, first, second)
}

func TestSecondPersonIsRefused(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.at(time.Hour, chen, casework.Claim{}, c.ok)
	c.at(time.Hour, liu, casework.Claim{}, c.refused("claimed_by_other"))
	c.at(2*time.Hour, liu, reached, c.refused("claimed_by_other"))
	c.at(3*time.Hour, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{"opened 03-02 10:00", "claimed", "withdrawn"}, story(c.run()))
}

func TestStaleVersionIsRefusedAndWarningsDoNotMakeStale(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.at(time.Hour, chen, reached, c.ok)                                               // version 3
	c.atWithKey(2*time.Hour, "stale", chen, 1, complexIt, c.refused("case_changed"))   // saw version 1
	c.atWithKey(2*time.Hour, "future", chen, 99, complexIt, c.refused("case_changed")) // never was
	c.atWithKey(3*time.Hour, "fresh", chen, 3, complexIt, c.ok)                        // version 4
	c.atWithKey(11*day, "after a warning", chen, 4, rectified, c.ok)                   // the warning of 03-12 made 5
	c.at(12*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	c.run()
}

// TestRemindersDoNotMakeStale: a form that somebody has open stays good while others
// remind, and each of them reminds once a day.
func TestRemindersDoNotMakeStale(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	remind := casework.Remind{Note: "请尽快办理"}
	c.at(time.Hour, chen, reached, c.ok) // version 3
	c.at(2*time.Hour, super, remind, c.ok)
	c.at(3*time.Hour, super, casework.Remind{}, c.refused("reminded_today"))
	c.at(3*time.Hour, chen, remind, c.refused("reminds_oneself"))
	c.at(4*time.Hour, other, remind, c.ok)
	c.atWithKey(5*time.Hour, "seen before", chen, 3, complexIt, c.ok)
	c.at(1*day, super, remind, c.ok)
	c.at(2*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "reminded", "reminded", "verified", "reminded", "withdrawn",
	}, story(c.run()))
}

func TestVerificationNeedsACallback(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	missed := casework.RecordCallback{Reached: false}
	c.at(time.Hour, chen, complexIt, c.refused("callback_needed"))
	c.at(2*time.Hour, chen, missed, c.ok)
	c.at(3*time.Hour, chen, missed, c.ok)
	c.at(4*time.Hour, chen, missed, c.ok)
	c.at(5*time.Hour, chen, complexIt, c.refused("callback_needed")) // three, on one day
	c.at(30*time.Hour, chen, missed, c.ok)
	c.at(31*time.Hour, chen, complexIt, c.ok)
	c.at(32*time.Hour, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	c.run()
}

func TestUnknownReviewerGoesOnWithoutCallbackAndAnswer(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.input.Opened.ReviewerKnown = false
	c.at(time.Hour, chen, reached, c.refused("reviewer_unknown"))
	c.at(2*time.Hour, chen, casework.Verify{
		Outcome: casework.OutcomeFixedAtOnce, Findings: "属实", Done: "当场补齐", Cause: casework.CauseConduct,
	}, c.ok)
	c.at(3*time.Hour, chen, fedBack, c.refused("feedback_channel"))
	c.at(4*time.Hour, chen, casework.SendFeedback{Channel: casework.FeedbackNone, Words: "无联系方式"}, c.ok)
	events := c.run()
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "verified", "rectified", "feedback_sent", "closed", "archived 03-02 14:00",
	}, story(events))
}

func TestInvalidNeedsTwoPeople(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	propose := casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: "评错了事项"}
	c.at(time.Hour, super, propose, c.ok)
	c.at(2*time.Hour, super, casework.DecideInvalid{Confirm: true, Reason: "同意"}, c.refused("proposer_confirms"))
	c.at(3*time.Hour, other, casework.DecideInvalid{Confirm: false, Reason: "证据不足"}, c.ok)
	c.at(4*time.Hour, super, propose, c.ok)
	c.at(5*time.Hour, other, casework.DecideInvalid{Confirm: true, Reason: "属误评"}, c.ok)
	require.Equal(t, []string{
		"opened 03-02 10:00", "invalid_proposed", "invalid_decided", "invalid_proposed", "invalid_decided",
	}, story(c.run()))
	require.Equal(t, casework.StageInvalid, c.steps[len(c.steps)-1].State.Stage)
}

func TestPauseAddsExactlyThePausedDays(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, c.ok)
	c.at(3*day, super, casework.Pause{Category: casework.PauseReviewerAsked, Reason: "评价人外出"}, c.ok)
	c.at(4*day, chen, rectified, c.refused("paused"))
	c.at(10*day, super, casework.Resume{}, func(r contract.ActionResult, err error) {
		c.ok(r, err)
		require.True(t, r.Deadline.Equal(time.Date(2026, 3, 25, 0, 0, 0, 0, casework.China())))
	})
	c.at(11*day, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	for _, e := range c.run() {
		require.NotEqual(t, casework.EventKind("warned"), e.Body.Kind(), "a paused clock warns of nothing")
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	unsatisfied := casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "没有改"}
	c.drawn = true
	c.at(time.Hour, chen, reached, c.ok)
	c.at(2*time.Hour, chen, complexIt, c.ok)
	c.at(1*day, chen, rectified, c.ok)
	c.at(2*day, chen, satisfied, c.refused("feedback_not_sent"))
	c.at(2*day, chen, fedBack, c.ok)
	c.at(3*day, chen, unsatisfied, c.ok) // first: reopened
	c.at(4*day, chen, rectified, c.ok)
	c.at(5*day, chen, fedBack, c.ok)
	c.at(6*day, chen, unsatisfied, c.ok) // second: the supervisor decides
	c.at(7*day, chen, unsatisfied, c.refused("answer_already_recorded"))
	c.at(7*day, super, casework.DecideReopening{Reopen: true, Reason: "整改不到位"}, c.ok)
	c.at(8*day, chen, rectified, c.ok)
	c.at(9*day, chen, fedBack, c.ok)
	c.at(10*day, chen, unsatisfied, c.ok) // third: escalates by itself
	c.at(11*day, other, casework.DecideReopening{Reopen: false, Reason: "诉求超出职权，已解释"}, c.ok)
	c.at(12*day, super, casework.RecordSpotCheck{Method: casework.MethodPhone, Passed: true, Findings: "属实"}, c.refused("checker_acted"))
	checker := casework.By{UserID: 23, OrganisationID: 2, Role: casework.RoleSupervisor}
	c.at(13*day, checker, casework.RecordSpotCheck{Method: casework.MethodPhone, Passed: false, Findings: "未整改"}, c.ok)
	c.at(14*day, chen, rectified, c.ok)
	c.at(15*day, chen, fedBack, c.ok)
	c.at(25*day, casework.By{UserID: 24, OrganisationID: 2, Role: casework.RoleSupervisor},
		casework.RecordSpotCheck{Method: casework.MethodFile, Passed: true, Findings: "已整改"}, c.ok)
	events := c.run()
	require.Equal(t, []string{
		"opened 03-02 10:00", "claimed", "callback_recorded", "verified", "rectified", "feedback_sent",
		"answer_recorded", "reopened", "rectified", "feedback_sent",
		"answer_recorded", "reopening_decided", "reopened", "rectified", "feedback_sent",
		"answer_recorded", "escalated", "reopening_decided", "closed", "spot_check_drawn 03-13 10:00",
		"spot_check_recorded", "reopened", "rectified", "feedback_sent",
		// Fed back on 03-17, five natural days for an answer.
		"answer_window_passed 03-23 00:00", "closed 03-23 00:00", "spot_check_drawn 03-23 00:00",
		"spot_check_recorded", "archived",
	}, story(events))
	last := c.steps[len(c.steps)-1].State
	require.Equal(t, casework.AnswerUnsatisfied, last.FirstAnswer)
	require.WithinDuration(t, start.Add(3*day), last.FirstAnswerAt, 0)
	require.WithinDuration(t, start.Add(11*day), last.FirstClosedAt, 0, "the first closing time is never erased")
}

// The test environment gives an activity ten attempts; the real engine gives it
// as many as it needs.
func TestRecordingThatFailsAtFirstLosesNothing(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.failRecording = 8
	c.at(12*time.Hour, super, casework.Withdraw{Reason: "群众撤回"}, c.ok)
	events := c.run()
	require.Equal(t, "opened 03-02 10:00", story(events)[0], "the time is that of the decision, not of the writing")
	require.Equal(t, "withdrawn", story(events)[len(events)-1])
}

func TestContinueAsNewKeepsStateAndSeenKeys(t *testing.T) {
	t.Parallel()
	c := newCaseTest(t)
	c.atWithKey(time.Hour, "same", chen, 0, reached, c.ok)
	c.env.RegisterDelayedCallback(func() { c.env.SetContinueAsNewSuggested(true) }, 2*time.Hour)
	c.at(3*time.Hour, chen, complexIt, c.ok) // wakes the case, and is carried along
	c.env.ExecuteWorkflow(contract.WorkflowCase, c.input)
	again, ok := errors.AsType[*workflow.ContinueAsNewError](c.env.GetWorkflowError())
	require.True(t, ok, "%v", c.env.GetWorkflowError())

	next := newCaseTest(t)
	decodeInput(t, again, &next.input)
	require.Equal(t, c.steps[len(c.steps)-1].State, next.input.Carried.State)
	next.env.SetStartTime(start.Add(4 * time.Hour))
	next.atWithKey(time.Hour, "same", chen, 0, reached, next.ok) // seen in the run before
	next.at(2*time.Hour, super, casework.Withdraw{Reason: "群众撤回"}, next.ok)
	require.Equal(t, []string{"withdrawn"}, story(next.run()))
}
