package commands_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/workflows/contract"
)

var viewedAt = time.Date(2026, 12, 1, 9, 0, 0, 0, casework.China())

// away is an engine that nobody asks.
type away struct{}

func (away) Act(context.Context, string, string, casework.By, int, casework.Command) (contract.ActionResult, error) {
	return contract.ActionResult{}, errors.New("nobody asks it here")
}

// desk is a bundle with a service over it, and two cases of one service record.
type desk struct {
	bundle

	service        *commands.Service
	earlier, later store.Case
}

func newDesk(t *testing.T) desk {
	t.Helper()
	d := desk{bundle: setup(t)}
	d.service = commands.New(d.store, away{}, d.policy, "test", func() time.Time { return viewedAt }, slog.New(slog.DiscardHandler))
	handler := d.person(t, "zhanhe.zhujian.fu")
	i := slices.IndexFunc(d.cases, func(c store.Case) bool { return c.DepartmentID == handler.OrganisationID })
	later := d.db.SecondReview(t, d.cases[i].Number, "又跑了一趟")
	d.begin(t)
	var err error
	d.earlier, err = d.store.CaseByNumber(t.Context(), d.cases[i].Number)
	require.NoError(t, err)
	d.later, err = d.store.CaseByNumber(t.Context(), later)
	require.NoError(t, err)
	return d
}

func (d desk) person(t *testing.T, username string) casework.Actor {
	t.Helper()
	i := slices.IndexFunc(d.users, func(u store.User) bool { return u.Username == username })
	require.GreaterOrEqual(t, i, 0, username)
	return d.users[i].Actor
}

// begin records the opening of all cases, as their workflows would.
func (d desk) begin(t *testing.T) {
	t.Helper()
	pack, err := rules.Default()
	require.NoError(t, err)
	_, err = d.store.DrainOutbox(t.Context(), 1000, func(_ context.Context, e store.OutboxEntry) error {
		if e.Kind != store.OutboxStartCase {
			return nil // people are told of what this began
		}
		var start store.StartCase
		if err := json.Unmarshal(e.Payload, &start); err != nil {
			return err
		}
		start.Opened.PackID, start.Opened.PackVersion, start.Opened.Limit = pack.ID, pack.Version, pack.Verification
		d.record(t, start.Number, casework.By{}, start.Opened)
		return nil
	})
	require.NoError(t, err)
}

// record adds events to a case, as its workflow would.
func (d desk) record(t *testing.T, number string, by casework.By, bodies ...casework.EventBody) {
	t.Helper()
	recorded, err := d.store.EventsOf(t.Context(), number)
	require.NoError(t, err)
	var state casework.State
	for _, e := range recorded {
		state, err = state.Apply(e.Event)
		require.NoError(t, err)
	}
	step := contract.RecordEventsInput{Number: number, Key: string(bodies[0].Kind())}
	for _, body := range bodies {
		e := casework.Event{Seq: state.Version + 1, At: viewedAt, By: by, Body: body}
		state, err = state.Apply(e)
		require.NoError(t, err)
		step.Events = append(step.Events, e)
	}
	step.State = state
	_, err = d.store.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
}

func (d desk) view(t *testing.T, actor casework.Actor, number string) (commands.CaseView, commands.CaseChoices) {
	t.Helper()
	view, err := d.service.ViewCase(t.Context(), actor, number)
	require.NoError(t, err)
	choices, err := d.service.ChoicesFor(t.Context(), view)
	require.NoError(t, err)
	return view, choices
}

func actionsIn(view commands.CaseView) []casework.Action {
	actions := make([]casework.Action, 0, len(view.Actions))
	for _, a := range view.Actions {
		actions = append(actions, a.Action)
	}
	return actions
}

func TestACaseKnowsTheOthersOfItsRecord(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	supervisor := d.person(t, "zhanhe.jiandu.lin")
	for _, actor := range []casework.Actor{supervisor, d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.shenji.gu"), d.person(t, "henan.jiandu.shen")} {
		view, _ := d.view(t, actor, d.later.Number)
		require.Equal(t, []commands.RelatedCase{{
			Number: d.earlier.Number, Stage: casework.StageVerification, Rating: d.earlier.Rating, Words: d.earlier.Words,
			RatedAt: view.SameRecord[0].RatedAt, TakesMerge: true,
		}}, view.SameRecord)
		require.True(t, d.earlier.RatedAt.Equal(view.SameRecord[0].RatedAt))
		view, _ = d.view(t, actor, d.earlier.Number)
		require.Len(t, view.SameRecord, 1)
		require.False(t, view.SameRecord[0].TakesMerge, "never into a later one")
	}

	view, choices := d.view(t, supervisor, d.later.Number)
	require.Contains(t, actionsIn(view), casework.ActionMerge)
	require.Equal(t, view.SameRecord, choices.MergeInto)
	view, choices = d.view(t, supervisor, d.earlier.Number)
	require.NotContains(t, actionsIn(view), casework.ActionMerge)
	require.Empty(t, choices.MergeInto)
	for _, alone := range d.cases {
		if alone.Number == d.earlier.Number || alone.RegionCode != d.earlier.RegionCode {
			continue
		}
		view, choices = d.view(t, supervisor, alone.Number)
		require.Empty(t, view.SameRecord)
		require.NotContains(t, actionsIn(view), casework.ActionMerge, "a record with one case has nothing to merge")
		require.Empty(t, choices.MergeInto)
	}
}

func TestACaseThatIsClosedTakesNoMerge(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	supervisor := d.person(t, "zhanhe.jiandu.lin")
	d.record(t, d.earlier.Number, casework.By{UserID: supervisor.UserID, OrganisationID: supervisor.OrganisationID, Role: casework.RoleSupervisor},
		casework.Withdrawn{Reason: "评价人撤回"})
	view, choices := d.view(t, supervisor, d.later.Number)
	require.Len(t, view.SameRecord, 1)
	require.False(t, view.SameRecord[0].TakesMerge)
	require.NotContains(t, actionsIn(view), casework.ActionMerge)
	require.Empty(t, choices.MergeInto)
}

func TestAMergedCaseIsMarkedInTheOneThatGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	supervisor := d.person(t, "zhanhe.jiandu.lin")
	by := casework.By{UserID: supervisor.UserID, OrganisationID: supervisor.OrganisationID, Role: casework.RoleSupervisor}
	d.record(t, d.earlier.Number, casework.By{}, casework.CaseLinked{From: d.later.Number})
	d.record(t, d.later.Number, by, casework.Merged{Into: d.earlier.Number, Reason: "同一办件"})
	view, _ := d.view(t, d.person(t, "zhanhe.zhujian.fu"), d.earlier.Number)
	require.True(t, view.SameRecord[0].Merged)
	require.Equal(t, "又跑了一趟", view.SameRecord[0].Words, "the handler answers this one too")
	ended, _ := d.view(t, supervisor, d.later.Number)
	require.False(t, ended.SameRecord[0].Merged)
	require.Equal(t, d.earlier.Number, ended.State.MergedInto)
	require.Empty(t, ended.Actions)
}

// TestNobodyLearnsOfACaseOutsideTheirScope: the earlier case of the record goes to
// another department, whose people see it, and those of the first no longer do.
func TestNobodyLearnsOfACaseOutsideTheirScope(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	supervisor, handler, other := d.person(t, "zhanhe.jiandu.lin"), d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.shichang.ren")
	d.record(t, d.earlier.Number, casework.By{UserID: supervisor.UserID, OrganisationID: supervisor.OrganisationID, Role: casework.RoleSupervisor},
		casework.Transferred{FromDepartmentID: handler.OrganisationID, ToDepartmentID: other.OrganisationID, Reason: "职责调整"})

	view, _ := d.view(t, handler, d.later.Number)
	require.Empty(t, view.SameRecord)
	view, _ = d.view(t, other, d.earlier.Number)
	require.Empty(t, view.SameRecord, "the same the other way round")
	_, err := d.service.ViewCase(t.Context(), other, d.later.Number)
	require.Error(t, err)
	view, choices := d.view(t, supervisor, d.later.Number)
	require.Len(t, view.SameRecord, 1, "the supervisor of both sees both")
	require.Len(t, choices.MergeInto, 1)

	// Everybody, every pair: what is listed is what the policy lets them read.
	for _, user := range d.users {
		for _, pair := range [][2]store.Case{{d.earlier, d.later}, {d.later, d.earlier}} {
			view, err := d.service.ViewCase(t.Context(), user.Actor, pair[0].Number)
			if err != nil {
				continue
			}
			_, err = d.service.ViewCase(t.Context(), user.Actor, pair[1].Number)
			require.Equal(t, err == nil, len(view.SameRecord) == 1, user.Username)
		}
	}
}

func TestATakenOverCaseCanGoBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	supervisor := d.person(t, "zhanhe.jiandu.lin")
	own := func(choices commands.CaseChoices) bool {
		return slices.ContainsFunc(choices.Departments, func(o store.Organisation) bool { return o.ID == d.earlier.DepartmentID })
	}
	view, choices := d.view(t, supervisor, d.earlier.Number)
	require.NotEmpty(t, choices.Departments)
	require.False(t, own(choices), "the case is there already")
	require.Nil(t, view.TakenOver)

	d.record(t, d.earlier.Number, casework.By{UserID: supervisor.UserID, OrganisationID: supervisor.OrganisationID, Role: casework.RoleSupervisor},
		casework.TakenOver{Reason: "部门逾期未核实"})
	view, choices = d.view(t, supervisor, d.earlier.Number)
	require.True(t, own(choices))
	require.NotNil(t, view.TakenOver)
	require.Equal(t, supervisor.OrganisationID, view.TakenOver.By.OrganisationID)
	require.Contains(t, view.TakenOver.OrganisationName, "湛河区政务")
	require.Contains(t, actionsIn(view), casework.ActionVerify, "its people act in the place of the department")

	view, _ = d.view(t, d.person(t, "zhanhe.zhujian.fu"), d.earlier.Number)
	for _, a := range view.Actions {
		require.NotNil(t, a.Blocked, a.Action)
		require.Equal(t, "taken_over", a.Blocked.Reason, a.Action)
	}
}

func TestMadeUpDays(t *testing.T) {
	t.Parallel()
	date := func(month time.Month, day int) casework.Date {
		return casework.Date{Year: 2026, Month: month, Day: day}
	}
	calendar := casework.Calendar{
		Days:  map[string]casework.DayKind{"2026-09-20": casework.DayWorkday, "2026-09-25": casework.DayHoliday, "2026-10-10": casework.DayWorkday},
		Names: map[string]string{"2026-09-20": "国庆节"},
	}
	working := casework.Deadline{Day0: date(time.September, 18), LastDay: date(time.September, 24), Limit: casework.Limit{Count: casework.CountWorking}}
	require.Equal(t, []casework.SkippedDay{{Date: date(time.September, 20), Name: "国庆节"}}, commands.MadeUpDays(working, calendar))
	working.Day0 = date(time.September, 20)
	require.Empty(t, commands.MadeUpDays(working, calendar), "day 0 is not counted")
	working.LastDay = date(time.October, 10)
	require.Len(t, commands.MadeUpDays(working, calendar), 1, "the last day is")
	working.Limit.Count = casework.CountNatural
	require.Empty(t, commands.MadeUpDays(working, calendar), "every day counts")
}
