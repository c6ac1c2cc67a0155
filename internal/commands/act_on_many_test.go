package commands_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/workflows/contract"
)

// decider is an engine without Temporal: each case takes one request at a time, as a
// workflow does, and what it decides is recorded.
type decider struct {
	store *store.Store
	rules casework.Rules
	locks sync.Map // a mutex for each case

	mu             sync.Mutex
	fails          map[string]error // what it answers for a case instead
	silent         bool             // it answers nobody
	breaks         string           // a case at which it panics
	acts           int
	together, most int
}

func (d *decider) Act(
	ctx context.Context, number, key string, by casework.By, version int, command casework.Command,
) (contract.ActionResult, error) {
	d.mu.Lock()
	d.acts++
	d.together++
	d.most = max(d.most, d.together)
	fails, silent, breaks := d.fails[number], d.silent, d.breaks == number
	d.mu.Unlock()
	defer func() { d.mu.Lock(); d.together--; d.mu.Unlock() }()
	switch {
	case breaks:
		panic("a fault of ours")
	case silent:
		return contract.ActionResult{}, unanswered()
	case fails != nil:
		return contract.ActionResult{}, fails
	}
	lock, _ := d.locks.LoadOrStore(number, new(sync.Mutex))
	mutex, _ := lock.(*sync.Mutex)
	mutex.Lock()
	defer mutex.Unlock()
	recorded, err := d.store.EventsOf(ctx, number)
	if err != nil {
		return contract.ActionResult{}, err
	}
	var state casework.State
	for _, e := range recorded {
		if state, err = state.Apply(e.Event); err != nil {
			return contract.ActionResult{}, err
		}
	}
	bodies, err := casework.DecideFor(state, version, command, casework.Circumstances{Rules: d.rules, Now: viewedAt, By: by})
	if err != nil {
		return contract.ActionResult{}, err
	}
	step := contract.RecordEventsInput{Number: number, Key: key}
	for _, body := range bodies {
		e := casework.Event{Seq: state.Version + 1, At: viewedAt, By: by, Body: body}
		if state, err = state.Apply(e); err != nil {
			return contract.ActionResult{}, err
		}
		step.Events = append(step.Events, e)
	}
	step.State, step.Tasks = state, casework.Tasks(state, d.rules)
	_, err = d.store.RecordEvents(ctx, step, "test")
	return contract.ActionResult{Version: state.Version, Stage: state.Stage}, err
}

func unanswered() error {
	return &casework.Error{Code: casework.CodeUnavailable, Reason: "engine_unavailable", Detail: "no answer in time"}
}

// manyDesk is a desk with an engine that decides, and n cases of one department.
type manyDesk struct {
	desk

	engine  *decider
	numbers []string
}

func newManyDesk(t *testing.T, n int) manyDesk {
	t.Helper()
	d := manyDesk{desk: desk{bundle: setup(t)}}
	pack, err := rules.Default()
	require.NoError(t, err)
	d.engine = &decider{store: d.store, rules: casework.Rules{Pack: pack}, fails: map[string]error{}}
	d.service = commands.New(d.store, d.engine, d.policy, "test", func() time.Time { return viewedAt }, slog.New(slog.DiscardHandler))
	handler := d.person(t, "zhanhe.zhujian.fu")
	i := slices.IndexFunc(d.cases, func(c store.Case) bool { return c.DepartmentID == handler.OrganisationID })
	d.numbers = []string{d.cases[i].Number}
	for len(d.numbers) < n {
		d.numbers = append(d.numbers, d.db.SecondReview(t, d.cases[i].Number, "又跑了一趟"))
	}
	d.begin(t)
	return d
}

func items(version int, numbers ...string) []commands.ManyItem {
	list := make([]commands.ManyItem, 0, len(numbers))
	for _, number := range numbers {
		list = append(list, commands.ManyItem{Number: number, Version: version})
	}
	return list
}

func (d manyDesk) acts(ctx context.Context, t *testing.T, actor casework.Actor, r commands.ManyRequest) []commands.RowResult {
	t.Helper()
	results, err := d.service.ActOnMany(ctx, actor, r)
	require.NoError(t, err)
	return results
}

func statuses(results []commands.RowResult) map[commands.RowStatus]int {
	counts := map[commands.RowStatus]int{}
	for _, r := range results {
		counts[r.Status]++
	}
	return counts
}

// TestTwoPeopleClaimTheSameCases: of two who claim the same twenty at once, each
// case has exactly one owner, and each row of who came second names them.
func TestTwoPeopleClaimTheSameCases(t *testing.T) {
	t.Parallel()
	d := newManyDesk(t, 20)
	people := []casework.Actor{d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.zhujian.shi")}
	results := make([][]commands.RowResult, len(people))
	errs := make([]error, len(people))
	var both sync.WaitGroup
	begin := make(chan struct{})
	for i, actor := range people {
		both.Go(func() {
			<-begin
			numbers := slices.Clone(d.numbers)
			if i == 1 {
				slices.Reverse(numbers) // they meet in the middle
			}
			results[i], errs[i] = d.service.ActOnMany(t.Context(), actor, commands.ManyRequest{
				Items: items(1, numbers...), Command: casework.Claim{}, Key: "the same key",
			})
		})
	}
	close(begin)
	both.Wait()
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
	slices.Reverse(results[1])
	for n, number := range d.numbers {
		row, err := d.store.CaseByNumber(t.Context(), number)
		require.NoError(t, err)
		events, err := d.store.EventsOf(t.Context(), number)
		require.NoError(t, err)
		require.Len(t, events, 2, "opened, and claimed once")
		won, lost := 0, 1
		if row.HandlerID == people[1].UserID {
			won, lost = 1, 0
		}
		require.Equal(t, people[won].UserID, row.HandlerID)
		require.Equal(t, commands.RowDone, results[won][n].Status, number)
		loser := results[lost][n]
		require.Equal(t, commands.RowRefused, loser.Status, number)
		require.Equal(t, "claimed_by_other", loser.Refusal.Reason, "and not only that it changed")
		require.Equal(t, row.HandlerName, loser.Case.HandlerName)
		require.False(t, loser.WorthTrying())
	}
	require.LessOrEqual(t, d.engine.most, 8, "four at a time for each of them")
}

// TestMixedOutcomes: whatever becomes of the others, each case gets what Act would
// give it; and the same request again does only what is missing.
func TestMixedOutcomes(t *testing.T) {
	t.Parallel()
	d := newManyDesk(t, 14)
	fu, lin := d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.jiandu.lin")
	other := d.person(t, "zhanhe.zhujian.shi")
	ctx := t.Context()
	act := func(actor casework.Actor, number string, command casework.Command) {
		_, err := d.service.Act(ctx, actor, commands.Request{Number: number, Command: command})
		require.NoError(t, err)
	}
	n := d.numbers
	act(other, n[1], casework.Claim{})
	act(fu, n[2], casework.Claim{})
	act(lin, n[3], casework.Withdraw{Reason: "评价人撤回"})
	act(lin, n[4], casework.TakeOver{Reason: "部门推诿"})
	act(lin, n[5], casework.Pause{Category: casework.PauseOther, Reason: "评价人外出"})
	d.engine.fails[n[6]] = unanswered()
	d.engine.fails[n[7]] = context.DeadlineExceeded // not of the domain
	d.engine.breaks = n[8]
	outside := ""
	for _, c := range d.cases {
		if c.DepartmentID != fu.OrganisationID {
			outside = c.Number
		}
	}
	request := commands.ManyRequest{
		Items:   append(items(0, n...), items(0, outside, nowhere, "\xff", "a\x00b", n[0])...),
		Command: casework.Claim{}, Key: "k",
	}
	results := d.acts(ctx, t, fu, request)
	require.Len(t, results, len(n)+4, "each number once")
	want := []struct {
		status commands.RowStatus
		reason string
	}{
		{commands.RowDone, ""},
		{commands.RowRefused, "claimed_by_other"},
		{commands.RowAlready, "already_yours"},
		{commands.RowRefused, "case_ended"},
		{commands.RowRefused, "taken_over"},
		{commands.RowDone, ""},
		{commands.RowAway, "not_done_yet"},
		{commands.RowAway, "not_done_yet"},
		{commands.RowAway, "not_done_yet"},
	}
	for i, w := range want {
		require.Equal(t, n[i], results[i].Number)
		require.Equal(t, w.status, results[i].Status, "%d", i)
		require.Equal(t, w.reason == "", results[i].Refusal == nil, "%d", i)
		if w.reason != "" {
			require.Equal(t, w.reason, results[i].Refusal.Reason, "%d", i)
		}
		if i != 8 { // after a panic nothing is known of it
			require.Equal(t, n[i], results[i].Case.Number)
		}
	}
	for _, r := range results[len(want):len(n)] {
		require.Equal(t, commands.RowDone, r.Status, "what one refuses stops no other")
	}
	for _, r := range results[len(n):] {
		require.Equal(t, commands.RowNotFound, r.Status)
		require.Equal(t, results[len(n)].Refusal, r.Refusal, "outside is nowhere")
		require.Empty(t, r.Case.Number)
	}

	d.engine.fails, d.engine.breaks = map[string]error{}, ""
	before := d.engine.acts
	again := d.acts(ctx, t, fu, request)
	for i := range n {
		switch results[i].Status {
		case commands.RowDone, commands.RowAlready:
			require.Equal(t, commands.RowAlready, again[i].Status, "%d", i)
		case commands.RowAway:
			require.Equal(t, commands.RowDone, again[i].Status, "%d", i)
		default:
			require.Equal(t, results[i].Status, again[i].Status, "%d", i)
		}
	}
	// The three that were missing, and those that the engine refuses.
	require.Equal(t, before+3+3, d.engine.acts)
}

// TestRemindMany: whoever may remind, the outbox tells staff once for each, and the
// second time on a day it stood so.
func TestRemindMany(t *testing.T) {
	t.Parallel()
	d := newManyDesk(t, 5)
	ctx := t.Context()
	fu, lead := d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.zhujian.shi")
	d.acts(ctx, t, fu, commands.ManyRequest{Items: items(0, d.numbers[0]), Command: casework.Claim{}})
	for _, name := range []string{"zhanhe.jiandu.lin", "pingdingshan.jiandu.ye", "henan.jiandu.shen", "zhanhe.zhujian.shi"} {
		actor := d.person(t, name)
		request := commands.ManyRequest{Items: items(1, d.numbers...), Command: casework.Remind{Note: "请联系12000007919"}}
		if name != "zhanhe.jiandu.lin" {
			request.Items = items(2, d.numbers...) // as it stood after the first
		}
		results := d.acts(ctx, t, actor, request)
		if name == "zhanhe.jiandu.lin" {
			require.Equal(t, "case_changed", results[0].Refusal.Reason, "it was claimed since")
			request.Items[0].Version = 2
			results = d.acts(ctx, t, actor, request)
			require.Equal(t, map[commands.RowStatus]int{commands.RowDone: 1, commands.RowAlready: 4}, statuses(results), name)
		} else {
			require.Equal(t, map[commands.RowStatus]int{commands.RowDone: 5}, statuses(results), name)
		}
		request.Key = "another"
		require.Equal(t, map[commands.RowStatus]int{commands.RowAlready: 5}, statuses(d.acts(ctx, t, actor, request)), name)
	}
	events, err := d.store.EventsOf(ctx, d.numbers[0])
	require.NoError(t, err)
	last := events[len(events)-1]
	require.Equal(t, casework.Reminded{UserID: fu.UserID, Note: "请联系120****7919"}, last.Body)
	require.Equal(t, lead.UserID, last.By.UserID)
	told := 0
	_, err = d.store.DrainOutbox(ctx, 1000, func(_ context.Context, e store.OutboxEntry) error {
		var m store.Message
		if e.Kind != store.OutboxTellStaff {
			return nil
		}
		if err := json.Unmarshal(e.Payload, &m); err != nil {
			return err
		}
		if m.Event == (casework.Reminded{}).Kind() {
			told++
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 4*5, told, "once for each reminder")

	for _, name := range []string{"zhanhe.zhujian.fu", "zhanhe.shenji.gu", "zhanhe.xitong.ji"} {
		_, err := d.service.ActOnMany(ctx, d.person(t, name), commands.ManyRequest{Items: items(0, d.numbers...), Command: casework.Remind{}})
		refused, ok := casework.AsError(err)
		require.True(t, ok, name)
		require.Equal(t, casework.CodeForbidden, refused.Code, name)
	}
}

// TestAnEngineThatIsAway: each row says so, and not a hundred cases wait for it.
func TestAnEngineThatIsAway(t *testing.T) {
	t.Parallel()
	d := newManyDesk(t, 30)
	fu := d.person(t, "zhanhe.zhujian.fu")
	request := commands.ManyRequest{Items: items(1, d.numbers...), Command: casework.Claim{}, Key: "k"}
	d.engine.silent = true
	results := d.acts(t.Context(), t, fu, request)
	require.Equal(t, map[commands.RowStatus]int{commands.RowAway: 30}, statuses(results))
	require.Less(t, d.engine.acts, 12, "the rest is not tried")
	for _, r := range results {
		require.True(t, r.WorthTrying())
	}
	d.engine.silent = false
	require.Equal(t, map[commands.RowStatus]int{commands.RowDone: 30}, statuses(d.acts(t.Context(), t, fu, request)))
	require.Equal(t, map[commands.RowStatus]int{commands.RowAlready: 30}, statuses(d.acts(t.Context(), t, fu, request)))
}

func TestChoicesForMany(t *testing.T) {
	t.Parallel()
	d := newManyDesk(t, 2)
	ctx := t.Context()
	for name, want := range map[string][]casework.Action{
		"zhanhe.zhujian.fu":      {casework.ActionClaim},
		"zhanhe.zhujian.shi":     {casework.ActionClaim, casework.ActionAssign, casework.ActionRemind},
		"zhanhe.jiandu.lin":      {casework.ActionRemind, casework.ActionEscalate, casework.ActionTakeOver, casework.ActionTransfer},
		"pingdingshan.jiandu.ye": {casework.ActionRemind, casework.ActionEscalate, casework.ActionTakeOver, casework.ActionTransfer},
		"zhanhe.shenji.gu":       nil,
		"zhanhe.xitong.ji":       nil,
	} {
		actor := d.person(t, name)
		choices, err := d.service.ChoicesForMany(ctx, actor)
		require.NoError(t, err)
		require.Equal(t, want, choices.Actions, name)
		require.Equal(t, slices.Contains(want, casework.ActionAssign), len(choices.Colleagues) > 0, name)
		for _, u := range choices.Colleagues {
			require.Equal(t, actor.OrganisationID, u.Actor.OrganisationID)
		}
	}
	view, err := d.service.ViewMany(ctx, d.person(t, "zhanhe.jiandu.lin"), append([]string{nowhere, "\xff"}, d.numbers...))
	require.NoError(t, err)
	require.Len(t, view.Cases, 2)
	require.NotEmpty(t, view.Departments)
	for _, o := range view.Departments {
		require.Equal(t, view.Cases[0].RegionCode, o.RegionCode)
	}
	_, err = d.service.ViewMany(ctx, d.person(t, "zhanhe.jiandu.lin"), make([]string, commands.MaxMany+1))
	require.Error(t, err)
}
