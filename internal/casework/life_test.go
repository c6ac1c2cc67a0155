package casework_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/policies/rules"
)

// life drives one case through random commands and random waits, the way the
// workflow does, and holds it against what must always be true.
type life struct {
	rules  casework.Rules
	now    time.Time
	events []casework.Event
	state  casework.State
}

func newLife(t require.TestingT, known bool) *life {
	pack, err := rules.Default()
	require.NoError(t, err)
	return newLifeUnder(t, casework.Rules{Pack: pack}, time.Date(2026, 3, 2, 10, 0, 0, 0, casework.China()), known)
}

func newLifeUnder(t require.TestingT, r casework.Rules, at time.Time, known bool) *life {
	l := &life{rules: r, now: at}
	pack := r.Pack
	l.record(t, casework.By{}, casework.Opened{
		RegionCode: "410411200000", RegionLevel: casework.LevelTownship, DepartmentID: 1, Rating: casework.Dissatisfied,
		ReviewerKnown: known, PackID: pack.ID, PackVersion: pack.Version, Limit: pack.Verification,
		CalendarVersion: r.Calendar.Version,
	})
	return l
}

// does is a person of the department who does something that must succeed.
func (l *life) does(t require.TestingT, command casework.Command) {
	l.doesAs(t, casework.By{UserID: 1, OrganisationID: 1, Role: casework.RoleDepartmentLead}, command)
}

func (l *life) doesAs(t require.TestingT, by casework.By, command casework.Command) {
	bodies, err := casework.Decide(l.state, command, casework.Circumstances{Rules: l.rules, Now: l.now, By: by})
	require.NoError(t, err)
	l.record(t, by, bodies...)
}

// refuses gives the reason why a command is refused.
func (l *life) refuses(t require.TestingT, by casework.By, command casework.Command) string {
	_, err := casework.Decide(l.state, command, casework.Circumstances{Rules: l.rules, Now: l.now, By: by})
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%s is refused", command.Action())
	return domain.Reason
}

// adopt lets the case go over to a calendar, when it does.
func (l *life) adopt(t require.TestingT, c casework.Calendar) {
	if adopted, ok := casework.AdoptCalendar(l.state, l.rules, c, l.now); ok {
		l.record(t, casework.By{}, adopted)
		l.rules.Calendar = c
	}
}

func (l *life) lastDay(t require.TestingT) string {
	deadline, ok := l.state.Deadline(l.rules)
	require.True(t, ok)
	return deadline.LastDay.String()
}

func (l *life) record(t require.TestingT, by casework.By, bodies ...casework.EventBody) {
	for _, body := range bodies {
		e := casework.Event{Seq: l.state.Version + 1, At: l.now, By: by, Body: body}
		next, err := l.state.Apply(e)
		require.NoError(t, err)
		l.state, l.events = next, append(l.events, e)
	}
}

// wait lets time pass, with every alarm at its own instant.
func (l *life) wait(t require.TestingT, d time.Duration) {
	until := l.now.Add(d)
	for {
		alarm, ok := casework.NextAlarm(l.state, l.rules)
		if !ok || alarm.At.After(until) {
			break
		}
		if alarm.At.After(l.now) {
			l.now = alarm.At
		}
		due := casework.DecideClock(l.state, l.rules, l.now)
		require.NotEmpty(t, due, "an alarm that rings has something to say")
		l.record(t, casework.By{}, due...)
	}
	l.now = until
	if l.state.Stage == casework.StageClosed {
		l.record(t, casework.By{}, casework.DecideSpotCheck(l.state, casework.SpotCheckDraw{Month: "2026-03"})...)
	}
}

var texts = rapid.SampledFrom([]string{"属实", "", "  ", "已整改", "䶮𠮷", "<script>alert(1)</script>"})

func drawCommand(t *rapid.T, l *life) casework.Command {
	text := func() string { return texts.Draw(t, "text") }
	flag := func() bool { return rapid.Bool().Draw(t, "flag") }
	switch rapid.SampledFrom(casework.Actions()).Draw(t, "action") {
	case casework.ActionClaim:
		return casework.Claim{}
	case casework.ActionAssign:
		return casework.Assign{UserID: rapid.Int64Range(0, 4).Draw(t, "user")}
	case casework.ActionTakeOver:
		return casework.TakeOver{Reason: text()}
	case casework.ActionMerge:
		if rapid.IntRange(0, 9).Draw(t, "merge") > 0 { // rare, as below
			return casework.TakeOver{Reason: text()}
		}
		return casework.Merge{Into: text(), Reason: text()}
	case casework.ActionRecordCallback:
		return casework.RecordCallback{Reached: flag(), Words: text()}
	case casework.ActionAttachFile:
		return casework.AttachFile{
			AttachmentID: fmt.Sprintf("5a0d0f5e-5c2b-8d56-9a55-%012d", len(l.events)), Name: text(), SHA256: strings.Repeat("0f", 32),
			Size: rapid.Int64Range(0, 2).Draw(t, "size"), MediaType: "application/pdf",
		}
	case casework.ActionVerify:
		return casework.Verify{
			Outcome: rapid.SampledFrom([]casework.VerificationOutcome{
				casework.OutcomeFixedAtOnce, casework.OutcomeComplex, casework.OutcomeNoLegalBasis, "malicious",
			}).Draw(t, "outcome"),
			Findings: text(), Done: text(), Cause: casework.CauseProcess,
		}
	case casework.ActionProposeInvalid:
		return casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: text()}
	case casework.ActionDecideInvalid:
		return casework.DecideInvalid{Confirm: flag(), Reason: text()}
	case casework.ActionRequestExtension:
		days := rapid.IntRange(-3, 40).Draw(t, "days")
		return casework.RequestExtension{Until: casework.DateOf(l.now).AddDays(days), Reason: text()}
	case casework.ActionWithdrawExtension:
		return casework.WithdrawExtension{Reason: text()}
	case casework.ActionDecideExtension:
		return casework.DecideExtension{Grant: flag(), Reason: text()}
	case casework.ActionSubmitRectification:
		return casework.SubmitRectification{Done: text(), Cause: casework.CauseSkill}
	case casework.ActionSendFeedback:
		return casework.SendFeedback{Channel: rapid.SampledFrom(casework.FeedbackChannels()).Draw(t, "channel"), Words: text()}
	case casework.ActionRecordAnswer:
		return casework.RecordAnswer{Answer: rapid.SampledFrom([]casework.Answer{casework.AnswerSatisfied, casework.AnswerUnsatisfied}).Draw(t, "answer"), Words: text()}
	case casework.ActionDecideReopening:
		return casework.DecideReopening{Reopen: flag(), Reason: text()}
	case casework.ActionRemind:
		return casework.Remind{Note: text()}
	case casework.ActionEscalate:
		return casework.Escalate{Reason: text()}
	case casework.ActionPause:
		return casework.Pause{Category: casework.PauseOther, Reason: text()}
	case casework.ActionResume:
		return casework.Resume{}
	case casework.ActionTransfer:
		return casework.Transfer{DepartmentID: rapid.Int64Range(0, 3).Draw(t, "department"), Reason: text()}
	case casework.ActionWithdraw:
		// Rare, or no life would be long.
		if rapid.IntRange(0, 9).Draw(t, "withdraw") > 0 {
			return casework.Claim{}
		}
		return casework.Withdraw{Reason: text()}
	default:
		return casework.RecordSpotCheck{Method: casework.MethodFile, Passed: flag(), Findings: text()}
	}
}

func TestEveryLifeKeepsItsPromises(t *testing.T) {
	t.Parallel()
	calendars := []casework.Calendar{calendar(t)}
	for version, day := range map[string]string{"later": "2026-03-10", "much later": "2026-03-16"} {
		calendars = append(calendars, with(calendars[0], version, day, casework.DayHoliday))
	}
	calendars = append(calendars, with(calendars[0], "earlier", "2026-03-07", casework.DayWorkday))
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, rapid.Bool().Draw(t, "known"))
		if rapid.Bool().Draw(t, "in working days") {
			l = newLifeUnder(t, casework.Rules{Pack: workingPack(t), Calendar: calendars[0]}, l.now, rapid.Bool().Draw(t, "known"))
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.adopt(t, rapid.SampledFrom(calendars).Draw(t, "calendar"))
			before := l.state
			by := casework.By{
				UserID: rapid.Int64Range(1, 4).Draw(t, "by"), OrganisationID: rapid.Int64Range(1, 2).Draw(t, "of"),
				Role: rapid.SampledFrom([]casework.Role{casework.RoleHandler, casework.RoleDepartmentLead, casework.RoleSupervisor}).Draw(t, "role"),
			}
			command := drawCommand(t, l)
			c := casework.Circumstances{Rules: l.rules, Now: l.now, By: by}
			bodies, err := casework.Decide(l.state, command, c)
			if err != nil {
				domain, ok := casework.AsError(err)
				require.True(t, ok, "a refusal says why: %v", err)
				require.NotEmpty(t, domain.Reason)
				require.Equal(t, before, l.state, "a refusal changes nothing")
			} else {
				possible, _ := casework.Possible(before.Stage, command.Action())
				require.True(t, possible, "%s at %s", command.Action(), before.Stage)
				require.NoError(t, casework.Available(before, command.Action(), c), "what can be done is offered")
				l.record(t, by, bodies...)
			}
			l.wait(t, time.Duration(rapid.IntRange(0, 20*24).Draw(t, "hours"))*time.Hour)
			l.check(t)
			if l.state.Ended() {
				l.checkEnd(t)
				break
			}
		}
	})
}

// checkEnd: when a case has ended, a late answer is recorded if there was anything
// to answer, and nothing else can happen.
func (l *life) checkEnd(t require.TestingT) {
	before := l.state
	by := casework.By{UserID: 1, OrganisationID: 1, Role: casework.RoleDepartmentLead}
	for _, action := range casework.Actions() {
		err := casework.Available(l.state, action, casework.Circumstances{Rules: l.rules, Now: l.now, By: by})
		late := action == casework.ActionRecordAnswer && l.state.Stage == casework.StageArchived && l.state.ReviewerKnown
		require.Equal(t, late, err == nil, "%s at %s", action, l.state.Stage)
	}
	if l.state.Stage != casework.StageArchived || !l.state.ReviewerKnown {
		return
	}
	l.does(t, casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "想起来了，还是不行"})
	after := l.state
	require.Equal(t, casework.LateAnswerRecorded{}.Kind(), l.events[len(l.events)-1].Body.Kind())
	after.Version, after.DecisionVersion, after.ChangedAt, after.ActedUserIDs = before.Version, before.DecisionVersion, before.ChangedAt, before.ActedUserIDs
	require.Equal(t, before, after, "it changes nothing")
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	l := newLife(t, true)
	lead := casework.By{UserID: 1, OrganisationID: 1, Role: casework.RoleDepartmentLead}
	lin := casework.By{UserID: 21, OrganisationID: 2, Role: casework.RoleSupervisor}
	su := casework.By{UserID: 22, OrganisationID: 2, Role: casework.RoleSupervisor}
	ye := casework.By{UserID: 31, OrganisationID: 3, Role: casework.RoleSupervisor}
	reached := casework.RecordCallback{Reached: true, Words: "问过"}
	l.does(t, reached)
	l.doesAs(t, lin, casework.TakeOver{Reason: "部门三次退回"})
	require.Equal(t, "already_taken_over", l.refuses(t, su, casework.TakeOver{Reason: "再接"}))
	require.Equal(t, "taken_over", l.refuses(t, lead, reached))
	require.Equal(t, "taken_over", l.refuses(t, lead, casework.Assign{UserID: 5}))
	require.Equal(t, "taken_over", l.refuses(t, lead, casework.Claim{}))
	tasks := casework.Tasks(l.state, l.rules)
	require.Len(t, tasks, 1)
	require.Equal(t, casework.OwnerAuthority, tasks[0].Owner)
	require.Equal(t, int64(2), tasks[0].OrganisationID)
	require.Equal(t, int64(21), tasks[0].AssigneeID)

	due := l.lastDay(t)
	l.doesAs(t, ye, casework.TakeOver{Reason: "上级直接办理"})
	require.Equal(t, due, l.lastDay(t), "the clock goes on unchanged")
	require.Equal(t, "taken_over", l.refuses(t, lin, reached))
	l.doesAs(t, ye, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"})
	l.doesAs(t, ye, casework.Transfer{DepartmentID: 1, Reason: "交回部门整改"})
	require.Zero(t, l.state.TakenOverBy)
	l.does(t, casework.SubmitRectification{Done: "已改", Cause: casework.CauseSkill})
	require.Equal(t, casework.OwnerDepartment, casework.Tasks(l.state, l.rules)[0].Owner)
}

func TestMergedCases(t *testing.T) {
	t.Parallel()
	super := casework.By{UserID: 21, OrganisationID: 2, Role: casework.RoleSupervisor}
	goesOn, ends := newLife(t, true), newLife(t, true)
	ends.doesAs(t, super, casework.Merge{Into: "410411-20260302-000001", Reason: "同一办件两次评价"})
	require.Equal(t, casework.StageMerged, ends.state.Stage)
	require.Equal(t, "410411-20260302-000001", ends.state.MergedInto)
	require.Empty(t, casework.Tasks(ends.state, ends.rules))
	require.Empty(t, casework.Alarms(ends.state, ends.rules), "no timer is left")

	goesOn.record(t, casework.By{}, casework.CaseLinked{From: "410411-20260302-000002"})
	for _, command := range []casework.Command{
		casework.Withdraw{Reason: "群众撤回"},
		casework.ProposeInvalid{Ground: casework.GroundMistaken, Evidence: "误评"},
		casework.Merge{Into: "410411-20260301-000009", Reason: "再并"},
	} {
		require.Equal(t, "has_merged_cases", goesOn.refuses(t, super, command), "the other review would be lost")
	}
}

func TestExtensionGrantedLateKeepsTheOverdueDays(t *testing.T) {
	t.Parallel()
	l := newLife(t, true)
	l.does(t, casework.RecordCallback{Reached: true, Words: "问过"})
	l.does(t, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"}) // due 03-17
	l.wait(t, 10*24*time.Hour)
	l.does(t, casework.RequestExtension{Until: date(t, "2026-03-27"), Reason: "需协同"})
	l.wait(t, 7*24*time.Hour) // 03-19, 10:00
	require.True(t, l.state.Overdue())
	l.doesAs(t, casework.By{UserID: 21, OrganisationID: 2, Role: casework.RoleSupervisor}, casework.DecideExtension{Grant: true, Reason: "同意"})
	require.False(t, l.state.Overdue())
	require.Equal(t, "2026-03-27", l.lastDay(t))
	require.Equal(t, []casework.Late{{
		Clock: casework.ClockRectification, Deadline: date(t, "2026-03-17").End(), Until: l.now,
	}}, l.state.Late, "the days from the 18th to the 19th stay late")
	l.does(t, casework.SubmitRectification{Done: "已改", Cause: casework.CauseSkill})
	l.does(t, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "已改"})
	l.does(t, casework.RecordAnswer{Answer: casework.AnswerSatisfied})
	require.True(t, l.state.EverLate())
	require.False(t, l.state.ClosedOnTime)
}

// TestRestartsRepeatNoAlarm: a worker that restarts knows only the events. Asked a
// thousand times from nothing but them, the clock never says anything twice.
func TestRestartsRepeatNoAlarm(t *testing.T) {
	t.Parallel()
	l := newLife(t, true)
	l.does(t, casework.RecordCallback{Reached: true, Words: "问过"})
	l.does(t, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"})
	for range 1000 {
		folded, err := casework.Fold(l.events)
		require.NoError(t, err)
		l.state = folded
		l.wait(t, 40*time.Minute) // 27 days in all
	}
	counts := map[casework.EventKind]int{}
	for _, e := range l.events {
		counts[e.Body.Kind()]++
	}
	require.Equal(t, 3, counts["warned"], "5, 3 and 1 days before")
	require.Equal(t, 1, counts["became_overdue"])
	require.Equal(t, 3, counts["escalated"], "at once, after 3 and after 7 days")
	l.check(t)
}

// check holds the life against what must always be true.
func (l *life) check(t require.TestingT) {
	folded, err := casework.Fold(l.events)
	require.NoError(t, err)
	require.Equal(t, l.state, folded, "fold and step agree")

	fired := map[string]int{}
	var lateBefore, closedBefore int
	for _, e := range l.events {
		key := ""
		switch b := e.Body.(type) {
		case casework.Warned:
			key = fmt.Sprintf("warned %s %d %s", b.Clock, b.DaysBefore, b.Deadline)
		case casework.BecameOverdue:
			key = fmt.Sprintf("overdue %s %s", b.Clock, b.Deadline)
			lateBefore++
			require.WithinDuration(t, b.Deadline, e.At, 0, "overdue at the very instant")
		case casework.Escalated:
			if !b.Manual {
				key = fmt.Sprintf("escalated %s %d %s", b.Clock, b.StepsUp, b.Deadline)
			}
		case casework.Closed:
			closedBefore++
		}
		if key != "" {
			fired[key]++
			require.Equal(t, 1, fired[key], key)
		}
	}
	require.Len(t, l.state.Late, lateBefore, "lateness is never erased")
	require.Equal(t, closedBefore > 0, !l.state.FirstClosedAt.IsZero(), "nor is the first closing")

	if l.state.Ended() || l.state.Stage == casework.StageSpotCheck {
		require.Nil(t, l.state.Clock, "closing leaves no timer")
		require.Empty(t, casework.Alarms(l.state, l.rules))
		require.False(t, l.state.Overdue())
	}
	if l.state.Ended() {
		require.Empty(t, casework.Tasks(l.state, l.rules))
	} else if l.state.Stage != casework.StageFeedback || l.state.FedBackAt.IsZero() {
		require.NotEmpty(t, casework.Tasks(l.state, l.rules), "somebody has to do something at %s", l.state.Stage)
	}
	keys := map[string]bool{}
	for _, task := range casework.Tasks(l.state, l.rules) {
		require.False(t, keys[task.Key], "one task of a key")
		keys[task.Key] = true
	}
}

func TestEventsComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, true)
		for range 20 {
			by := casework.By{UserID: 1, OrganisationID: 1, Role: casework.RoleDepartmentLead}
			if bodies, err := casework.Decide(l.state, drawCommand(t, l), casework.Circumstances{Rules: l.rules, Now: l.now, By: by}); err == nil {
				l.record(t, by, bodies...)
			}
			l.wait(t, 36*time.Hour)
		}
		data, err := json.Marshal(l.events)
		require.NoError(t, err)
		var back []casework.Event
		require.NoError(t, json.Unmarshal(data, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.JSONEq(t, string(data), string(again))
		state, err := casework.Fold(back)
		require.NoError(t, err)
		first, err := json.Marshal(l.state)
		require.NoError(t, err)
		second, err := json.Marshal(state)
		require.NoError(t, err)
		require.JSONEq(t, string(first), string(second))
	})
}

func TestFoldRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	opened := casework.Event{Seq: 1, Body: casework.Opened{Limit: casework.Limit{Days: 3, Count: casework.CountNatural}}}
	for name, events := range map[string][]casework.Event{
		"a gap":                 {opened, {Seq: 3, Body: casework.Claimed{UserID: 1}}},
		"no opening":            {{Seq: 1, Body: casework.Claimed{UserID: 1}}},
		"two openings":          {opened, {Seq: 2, Body: opened.Body}},
		"a pause after the end": {opened, {Seq: 2, Body: casework.Withdrawn{}}, {Seq: 3, Body: casework.Paused{}}},
	} {
		_, err := casework.Fold(events)
		require.Error(t, err, name)
	}
}

func TestEveryActionHasOneCommand(t *testing.T) {
	t.Parallel()
	for _, action := range casework.Actions() {
		_, err := casework.DecodeCommand(action, []byte(`{"no_such_field": 1}`))
		domain, ok := casework.AsError(err)
		require.True(t, ok)
		require.Equal(t, "unknown_field", domain.Reason, action)
		require.Equal(t, "no_such_field", domain.Field, action)
		for _, stage := range casework.Stages() {
			possible, reason := casework.Possible(stage, action)
			require.Equal(t, possible, reason == "", "%s at %s", action, stage)
		}
	}
	_, err := casework.DecodeCommand("delete", nil)
	domain, _ := casework.AsError(err)
	require.Equal(t, casework.CodeNotFound, domain.Code)
}

func TestDecodeCommandIsStrict(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct{ reason, field string }{
		`{"user_id": "seven"}`:               {"wrong_type", "user_id"},
		`{"user_id": 7} {"user_id": 8}`:      {"malformed_json", "body"},
		`[1]`:                                {"wrong_type", ""},
		`{"user_id": 7`:                      {"malformed_json", "body"},
		`{}`:                                 {"required", "user_id"},
		`{"user_id": 7, "note": "a\u0000b"}`: {"invalid_text", "note"},
	} {
		_, err := casework.DecodeCommand(casework.ActionAssign, []byte(body))
		domain, ok := casework.AsError(err)
		require.True(t, ok, body)
		require.Equal(t, want.reason, domain.Reason, body)
		require.Equal(t, want.field, domain.Field, body)
	}
	_, err := casework.DecodeCommand(casework.ActionRequestExtension, []byte(`{"until": "2026-02-30", "reason": "x"}`))
	domain, ok := casework.AsError(err)
	require.True(t, ok)
	require.Equal(t, "not_a_date", domain.Reason)
	require.Equal(t, "until", domain.Field)
}

func TestDrawnCasesAreAboutTheRate(t *testing.T) {
	t.Parallel()
	seed := []byte("0123456789abcdef0123456789abcdef")
	const n = 20000
	for _, rate := range []int{0, 50, 500, 1000} {
		drawn := 0
		for i := range n {
			if casework.Drawn(seed, fmt.Sprintf("410411-20260302-%06d", i), rate) {
				drawn++
			}
		}
		require.InDelta(t, float64(rate)/1000, float64(drawn)/n, 0.01)
	}
}
