package web_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/identity"
	"guiling/internal/live"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/reference"
	"guiling/web"
)

// The real services must fit what the pages ask for.
var (
	_ web.Commands = (*commands.Service)(nil)
	_ web.Identity = (*identity.Service)(nil)
)

// now is 2026-11-25 10:00 in Beijing.
var now = time.Date(2026, 11, 25, 10, 0, 0, 0, casework.China())

// The people of the tests. Nobody of them exists.
var (
	chen = person(11, "chen", "陈禾溪", casework.RoleHandler, 1, "湛河区自然资源局", casework.KindDepartment)
	lu   = person(12, "lu", "陆一帆", casework.RoleHandler, 1, "湛河区自然资源局", casework.KindDepartment)
	tao  = person(13, "tao", "陶见山", casework.RoleDepartmentLead, 1, "湛河区自然资源局", casework.KindDepartment)
	lin  = person(21, "lin", "林致远", casework.RoleSupervisor, 2, "湛河区政务服务管理局（演示）", casework.KindAuthority)
	su   = person(22, "su", "苏景行", casework.RoleSupervisor, 2, "湛河区政务服务管理局（演示）", casework.KindAuthority)
	gu   = person(23, "gu", "顾鉴明", casework.RoleAuditor, 2, "湛河区政务服务管理局（演示）", casework.KindAuthority)
	ji   = person(24, "ji", "纪守拙", casework.RoleSysadmin, 2, "湛河区政务服务管理局（演示）", casework.KindAuthority)
	// Nothing to do here yet.
	gong    = person(25, "gong", "龚示之", casework.RolePublisher, 2, "湛河区政务服务管理局（演示）", casework.KindAuthority)
	persons = []store.User{chen, lu, tao, lin, su, gu, ji, gong}
)

func person(id int64, username, name string, role casework.Role, organisation int64, organisationName string, kind casework.OrganisationKind) store.User {
	return store.User{
		ID: id, Username: username, DisplayName: name, OrganisationName: organisationName, RegionName: "湛河区",
		Position: "窗口工作人员", Demo: true,
		Actor: casework.Actor{
			UserID: id, Roles: []casework.Role{role}, OrganisationID: organisation, OrganisationKind: kind,
			RegionCode: "410411000000", Level: casework.LevelCounty,
		},
	}
}

// people is an Identity with the persons above; their password is "sesame".
type people struct {
	web.Access // nil: one's own account is tested on a real database

	noDemo bool
}

func wrong() error {
	return &casework.Error{Code: casework.CodeUnauthorized, Reason: "wrong_credentials", Detail: "no"}
}

func (p people) Demo() bool { return !p.noDemo }

func (p people) DemoUsers(context.Context) ([]store.User, error) {
	if p.noDemo {
		return nil, nil
	}
	return persons, nil
}

func (people) SignIn(_ context.Context, username, password, _ string) (store.User, error) {
	i := slices.IndexFunc(persons, func(u store.User) bool { return u.Username == username })
	if i < 0 || password != "sesame" {
		return store.User{}, wrong()
	}
	return persons[i], nil
}

func (p people) SignInDemo(ctx context.Context, username, address string) (store.User, error) {
	if p.noDemo {
		return store.User{}, wrong()
	}
	return p.SignIn(ctx, username, "sesame", address)
}

// A session of the fake is named by the person.
func (people) BeginSession(_ context.Context, session store.Session) (string, error) {
	return strconv.FormatInt(session.UserID, 10), nil
}

func (people) UserOfSession(_ context.Context, id string) (store.User, error) {
	i := slices.IndexFunc(persons, func(u store.User) bool { return strconv.FormatInt(u.ID, 10) == id })
	if i < 0 {
		return store.User{}, &casework.Error{Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "gone"}
	}
	return persons[i], nil
}

func (p people) SessionStands(ctx context.Context, id string) (store.User, error) {
	return p.UserOfSession(ctx, id)
}

func (people) SignInOutside(context.Context, store.OutsideIdentity, string) (store.User, error) {
	return store.User{}, wrong()
}

func (people) NeedsSecondFactor(store.User) bool { return false }

func (people) EndSession(context.Context, int64, string) error { return nil }

// oneCase is a case of the fake: its row and its events.
type oneCase struct {
	row    store.Case
	events []store.RecordedEvent
	state  casework.State
}

// office is a Commands that keeps cases in memory. The domain decides; only the
// engine, the database and the policy are missing.
type office struct {
	asked              store.Narrowing // by the last list
	views              []commands.CountedView
	web.Administration // nil: the pages of administration are tested on a real database
	told               // what people are told, in memory
	writing
	web.Board // nil: what a test of the board puts in

	mu      sync.Mutex
	looks   int
	rules   casework.Rules
	now     time.Time
	cases   []*oneCase
	sent    []commands.Request
	many    []commands.ManyRequest
	repairs []store.Repair
	kept    map[string]keptFile // by the id of the file
	answer  error               // given to the next Act in place of acting
}

func newOffice(t *testing.T) *office {
	t.Helper()
	pack, err := rules.Default()
	require.NoError(t, err)
	calendar, err := reference.Calendar()
	require.NoError(t, err)
	return &office{rules: casework.Rules{Pack: pack, Calendar: calendar}, now: now}
}

// open begins a case, opened on that day before now.
func (o *office) open(number string, daysAgo int, change func(*store.Case)) *oneCase {
	at := o.now.AddDate(0, 0, -daysAgo)
	c := &oneCase{row: store.Case{
		Number: number, RegionCode: "410411000000", RegionName: "湛河区", RegionLevel: casework.LevelCounty,
		DepartmentID: 1, DepartmentName: "湛河区自然资源局", MatterCode: "11410411005455678Q4000170102", MatterName: "不动产转移登记",
		StaffLabel: "窗口03", Rating: casework.VeryDissatisfied, Aspects: []casework.Aspect{casework.AspectEfficiency, casework.AspectTrips},
		Tags: []string{"110", "109"}, Channel: casework.ChannelWeChatMiniProgram,
		Words:   "跑了三趟才办成，每次都说缺一样材料，第一次为什么不一次说清楚？窗口排队两个小时，工作人员态度也不耐烦。",
		RatedAt: at.Add(-2 * time.Hour), ReviewerKnown: true, ReviewerNameMasked: "张*", PhoneMasked: "138****1234",
	}}
	if change != nil {
		change(&c.row)
	}
	o.cases = append(o.cases, c)
	o.record(c, at, casework.By{}, casework.Opened{
		RegionCode: c.row.RegionCode, RegionLevel: c.row.RegionLevel, DepartmentID: c.row.DepartmentID, MatterCode: c.row.MatterCode,
		Rating: c.row.Rating, Aspects: c.row.Aspects, Channel: c.row.Channel, RatedAt: c.row.RatedAt, ReviewerKnown: c.row.ReviewerKnown,
		PackID: o.rules.Pack.ID, PackVersion: o.rules.Pack.Version, CalendarVersion: o.calendarVersion(), Limit: o.rules.Pack.Verification,
	})
	return c
}

func (o *office) calendarVersion() string {
	if o.rules.Pack.NeedsCalendar() {
		return o.rules.Calendar.Version
	}
	return ""
}

// count lets the cases that are opened from now on run under another pack.
func (o *office) count(t *testing.T, pack string) {
	t.Helper()
	var err error
	o.rules.Pack, err = rules.Load(pack)
	require.NoError(t, err)
}

// adopt lets a case go over to a calendar, as its workflow does when one is published.
func (o *office) adopt(t *testing.T, c *oneCase, calendar casework.Calendar) {
	t.Helper()
	adopted, ok := casework.AdoptCalendar(c.state, o.rules, calendar, o.now)
	require.True(t, ok)
	o.rules.Calendar = calendar
	o.record(c, o.now, casework.By{}, adopted)
}

// merges ends a case in favour of another, and tells that one.
func (o *office) merges(t *testing.T, c *oneCase, u store.User, into *oneCase) {
	t.Helper()
	o.does(t, c, u, 0, casework.Merge{Into: into.row.Number, Reason: "同一办件的两次差评"})
	o.record(into, o.now, casework.By{}, casework.CaseLinked{From: c.row.Number})
}

// related lists the other cases of a service record as one person sees them.
func (o *office) related(actor casework.Actor, c *oneCase) []commands.RelatedCase {
	var related []commands.RelatedCase
	own := slices.Index(o.cases, c)
	for i, other := range o.cases {
		mayRead := actor.OrganisationKind == casework.KindAuthority || other.row.DepartmentID == actor.OrganisationID
		if i == own || other.row.ServiceRecordID == 0 || other.row.ServiceRecordID != c.row.ServiceRecordID || !mayRead {
			continue
		}
		related = append(related, commands.RelatedCase{
			Number: other.row.Number, Stage: other.row.Stage, Rating: other.row.Rating, Words: other.row.Words, RatedAt: other.row.RatedAt,
			Merged: slices.Contains(c.state.MergedCases, other.row.Number), TakesMerge: i < own && !other.row.Stage.Closed(),
		})
	}
	return related
}

func (o *office) record(c *oneCase, at time.Time, by casework.By, bodies ...casework.EventBody) {
	for _, body := range bodies {
		e := casework.Event{Seq: c.state.Version + 1, At: at, By: by, Body: body}
		state, err := c.state.Apply(e)
		if err != nil {
			panic(err)
		}
		c.state = state
		recorded := store.RecordedEvent{Event: e, Number: c.row.Number, Article: body.Article(), Build: "dev", Rule: by.Rule}
		if !by.System() {
			u, _ := people{}.UserOfSession(context.Background(), strconv.FormatInt(by.UserID, 10))
			recorded.UserName, recorded.OrganisationName = u.DisplayName, u.OrganisationName
		}
		c.events = append(c.events, recorded)
	}
	o.project(c)
}

func (o *office) project(c *oneCase) {
	c.row.Stage, c.row.Version, c.row.HandlerID = c.state.Stage, c.state.Version, c.state.HandlerID
	c.row.ChangedAt, c.row.EverLate, c.row.Reopenings = c.state.ChangedAt, c.state.EverLate(), c.state.Reopenings
	c.row.HandlerName, c.row.DeadlineAt, c.row.PausedAt, c.row.ClockKind, c.row.EscalationSteps = "", nil, nil, "", nil
	if u, err := (people{}).UserOfSession(context.Background(), strconv.FormatInt(c.state.HandlerID, 10)); err == nil {
		c.row.HandlerName = u.DisplayName
	}
	if d, ok := c.state.Deadline(o.rules); ok {
		c.row.DeadlineAt, c.row.ClockKind = &d.At, c.state.Clock.Kind
	}
	if c.state.ClockPaused() {
		c.row.PausedAt = &c.state.Clock.PausedAt
	}
	if c.state.EscalationOpen {
		c.row.EscalationSteps = &c.state.EscalationSteps
	}
	if c.state.Overdue() {
		c.row.OverdueSince = &c.state.Late[len(c.state.Late)-1].Deadline
	} else {
		c.row.OverdueSince = nil
	}
	if !c.state.FirstClosedAt.IsZero() {
		c.row.ClosedAt, c.row.ClosedOnTime = &c.state.FirstClosedAt, &c.state.ClosedOnTime
	}
}

// does lets a person act, at a time before now, and lets the clock act before.
func (o *office) does(t *testing.T, c *oneCase, u store.User, daysAgo int, command casework.Command) {
	t.Helper()
	at := o.now.AddDate(0, 0, -daysAgo).Add(time.Hour)
	o.clock(c, at)
	by := byOf(u)
	bodies, err := casework.Decide(c.state, command, casework.Circumstances{Rules: o.rules, Now: at, By: by})
	require.NoError(t, err)
	o.record(c, at, by, bodies...)
}

// clock lets the clock of a case act up to an instant.
func (o *office) clock(c *oneCase, until time.Time) {
	for {
		alarm, ok := casework.NextAlarm(c.state, o.rules)
		if !ok || alarm.At.After(until) {
			return
		}
		o.record(c, alarm.At, casework.By{}, casework.DecideClock(c.state, o.rules, alarm.At)...)
	}
}

func byOf(u store.User) casework.By {
	return casework.By{UserID: u.ID, OrganisationID: u.Actor.OrganisationID, Role: u.Actor.Roles[0], Rule: "department-verifies"}
}

// may is a rough copy of the policy: enough for pages.
func may(u casework.Actor, action casework.Action, s casework.State) bool {
	department := []casework.Action{
		casework.ActionClaim, casework.ActionRecordCallback, casework.ActionAttachFile, casework.ActionVerify, casework.ActionRequestExtension,
		casework.ActionWithdrawExtension,
		casework.ActionSubmitRectification, casework.ActionSendFeedback, casework.ActionRecordAnswer,
	}
	switch {
	case u.Has(casework.RoleHandler):
		return slices.Contains(department, action)
	case u.Has(casework.RoleDepartmentLead):
		return slices.Contains(department, action) || action == casework.ActionAssign || action == casework.ActionRemind
	case u.Has(casework.RoleSupervisor) && s.TakenOverBy == u.OrganisationID && (action == casework.ActionVerify ||
		action == casework.ActionSubmitRectification || action == casework.ActionSendFeedback):
		return true
	case u.Has(casework.RoleSupervisor):
		return !slices.Contains(department, action) && action != casework.ActionAssign ||
			action == casework.ActionClaim || action == casework.ActionRecordCallback || action == casework.ActionAttachFile || action == casework.ActionRecordAnswer
	default:
		return false
	}
}

func (o *office) find(number string) (*oneCase, error) {
	i := slices.IndexFunc(o.cases, func(c *oneCase) bool { return c.row.Number == number })
	if i < 0 {
		return nil, &casework.Error{Code: casework.CodeNotFound, Reason: "case_not_found", Detail: "no"}
	}
	return o.cases[i], nil
}

func (o *office) Act(_ context.Context, actor casework.Actor, r commands.Request) (commands.Outcome, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, r)
	if o.answer != nil {
		err := o.answer
		o.answer = nil
		return commands.Outcome{}, err
	}
	c, err := o.find(r.Number)
	if err != nil {
		return commands.Outcome{}, err
	}
	done := slices.ContainsFunc(c.events, func(e store.RecordedEvent) bool { return e.Key == r.Key })
	if !done {
		if !may(actor, r.Command.Action(), c.state) {
			return commands.Outcome{}, casework.Forbidden("not_allowed", "no")
		}
		if c.state.Stale(r.Version) {
			return commands.Outcome{}, &casework.Error{Code: casework.CodeStale, Reason: "case_changed", Detail: "changed"}
		}
		by := casework.By{UserID: actor.UserID, OrganisationID: actor.OrganisationID, Role: actor.Roles[0], Rule: "department-verifies"}
		bodies, err := casework.Decide(c.state, r.Command, casework.Circumstances{Rules: o.rules, Now: o.now, By: by})
		if err != nil {
			return commands.Outcome{}, err
		}
		if merge, ok := r.Command.(casework.Merge); ok {
			into, err := o.find(merge.Into)
			if err != nil {
				return commands.Outcome{}, casework.Invalid("into", "not_of_the_same_record", "no")
			}
			o.record(into, o.now, casework.By{}, casework.CaseLinked{From: r.Number})
		}
		o.record(c, o.now, by, bodies...)
		c.events[len(c.events)-1].Key = r.Key
	}
	out := commands.Outcome{Number: r.Number, Version: c.row.Version, Stage: c.row.Stage}
	if c.row.DeadlineAt != nil {
		out.Deadline = *c.row.DeadlineAt
	}
	return out, nil
}

func (o *office) ActOnMany(ctx context.Context, actor casework.Actor, r commands.ManyRequest) ([]commands.RowResult, error) {
	o.many = append(o.many, r)
	var results []commands.RowResult
	for _, item := range r.Items {
		row := commands.RowResult{Number: item.Number, Status: commands.RowDone}
		_, err := o.Act(ctx, actor, commands.Request{Number: item.Number, Command: r.Command, Key: r.Key, Version: item.Version})
		if domain, ok := casework.AsError(err); ok {
			row.Status, row.Refusal = commands.RowRefused, domain
			switch domain.Code {
			case casework.CodeUnavailable:
				row.Status = commands.RowAway
			case casework.CodeNotFound:
				row.Status = commands.RowNotFound
			default:
			}
		}
		if c, err := o.find(item.Number); err == nil {
			row.Case = c.row
		}
		results = append(results, row)
	}
	return results, nil
}

func (o *office) ChoicesForMany(_ context.Context, actor casework.Actor) (commands.ManyChoices, error) {
	var choices commands.ManyChoices
	for _, action := range commands.ManyActions() {
		ofDepartment := actor.OrganisationKind == casework.KindDepartment
		if may(actor, action, casework.State{}) && (ofDepartment || action != casework.ActionClaim) {
			choices.Actions = append(choices.Actions, action)
		}
	}
	if actor.Has(casework.RoleDepartmentLead) {
		choices.Colleagues = []store.User{chen, lu, tao}
	}
	return choices, nil
}

func (o *office) ViewMany(_ context.Context, _ casework.Actor, numbers []string) (commands.ManyView, error) {
	view := commands.ManyView{Departments: []store.Organisation{{ID: 5, Name: "湛河区医疗保障局"}, {ID: 6, Name: "湛河区公安局"}}}
	for _, number := range numbers {
		if c, err := o.find(number); err == nil {
			view.Cases = append(view.Cases, c.row)
		}
	}
	return view, nil
}

func (o *office) ViewCase(_ context.Context, actor casework.Actor, number string) (commands.CaseView, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, err := o.find(number)
	if err != nil {
		return commands.CaseView{}, err
	}
	view := commands.CaseView{
		Case: c.row, State: c.state, Now: o.now, Events: slices.Clone(c.events),
		CanReveal:      c.row.ReviewerKnown && !actor.Has(casework.RoleAuditor),
		CanReadHistory: actor.Has(casework.RoleAuditor),
	}
	if d, ok := c.state.Deadline(o.rules); ok {
		view.Deadline, view.MadeUp = &d, commands.MadeUpDays(d, o.rules.Calendar)
	}
	view.Files = o.files(c)
	view.SameRecord = o.related(actor, c)
	for i, e := range view.Events {
		if _, ok := e.Body.(casework.TakenOver); ok && c.state.TakenOverBy != 0 {
			view.TakenOver = &view.Events[i]
		}
	}
	by := casework.By{UserID: actor.UserID, OrganisationID: actor.OrganisationID, Role: actor.Roles[0]}
	for _, action := range casework.Actions() {
		if ok, _ := casework.Possible(c.state.Stage, action); !ok || !may(actor, action, c.state) {
			continue
		}
		if action == casework.ActionMerge && !slices.ContainsFunc(view.SameRecord, func(r commands.RelatedCase) bool { return r.TakesMerge }) {
			continue
		}
		a := commands.AvailableAction{Action: action}
		if domain, blocked := casework.AsError(casework.Available(c.state, action, casework.Circumstances{Rules: o.rules, Now: o.now, By: by})); blocked {
			a.Blocked = domain
		}
		view.Actions = append(view.Actions, a)
	}
	if view.CanReadHistory {
		view.Repairs = o.repairs
	}
	return view, nil
}

func (o *office) ChoicesFor(_ context.Context, view commands.CaseView) (commands.CaseChoices, error) {
	choices := commands.CaseChoices{
		Colleagues:  []store.User{chen, lu, tao},
		Departments: []store.Organisation{{ID: 5, Name: "湛河区医疗保障局"}, {ID: 6, Name: "湛河区公安局"}},
	}
	if view.State.TakenOverBy != 0 {
		choices.Departments = append(choices.Departments, store.Organisation{ID: 1, Name: "湛河区自然资源局"})
	}
	for _, r := range view.SameRecord {
		if r.TakesMerge {
			choices.MergeInto = append(choices.MergeInto, r)
		}
	}
	return choices, nil
}

func (o *office) RevealReviewer(_ context.Context, _ casework.Actor, look commands.Look) (store.Reviewer, error) {
	if strings.TrimSpace(look.Purpose) == "" {
		return store.Reviewer{}, casework.Invalid("purpose", "required", "say why")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.looks++; o.looks > 20 {
		return store.Reviewer{}, &casework.Error{Code: casework.CodeTooMany, Reason: "reveals_an_hour", Detail: "no"}
	}
	return store.Reviewer{Name: "张演示", Phone: "13800001234", Words: "我的电话13800001234"}, nil
}

func (o *office) Inbox(_ context.Context, actor casework.Actor, filter store.TaskFilter) (commands.InboxPage, error) {
	o.mu.Lock()
	view, after, limit := filter.View, filter.After, filter.Limit
	o.asked = filter.Narrowing
	o.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !commands.HasInbox(actor) {
		return commands.InboxPage{}, casework.Forbidden("no_inbox", "no")
	}
	view = cmp.Or(view, store.TasksAll)
	if !slices.Contains(store.TaskViews(), view) {
		return commands.InboxPage{}, casework.Invalid("view", "unknown_value", "no")
	}
	limit = cmp.Or(limit, 50)
	page := commands.InboxPage{View: view, Counts: map[store.TaskView]int{}}
	var all []store.Task
	for i, c := range o.cases {
		for _, task := range casework.Tasks(c.state, o.rules) {
			owner := casework.OwnerDepartment
			if actor.OrganisationKind == casework.KindAuthority {
				owner = casework.OwnerAuthority
			}
			if task.Owner != owner || task.OrganisationID != 0 && task.OrganisationID != actor.OrganisationID {
				continue
			}
			t := store.Task{ID: int64(i + 1), Kind: task.Kind, AssigneeID: task.AssigneeID, Case: c.row}
			if !task.Due.IsZero() {
				t.DueAt = &task.Due
			}
			page.Counts[store.TasksAll]++
			if task.AssigneeID == actor.UserID {
				page.Counts[store.TasksMine]++
			}
			if task.AssigneeID == 0 {
				page.Counts[store.TasksUnclaimed]++
			}
			if view == store.TasksAll || (view == store.TasksMine) == (task.AssigneeID == actor.UserID) && (view == store.TasksUnclaimed) == (task.AssigneeID == 0) {
				all = append(all, t)
			}
		}
	}
	if actor.OrganisationKind == casework.KindAuthority {
		page.Counts = map[store.TaskView]int{store.TasksAll: page.Counts[store.TasksAll]}
	}
	slices.SortStableFunc(all, func(a, b store.Task) int {
		far := now.AddDate(100, 0, 0)
		return cmp.Or(a.DueAt, &far).Compare(*cmp.Or(b.DueAt, &far))
	})
	if i := slices.IndexFunc(all, func(t store.Task) bool { return t.ID == after.ID }); i >= 0 {
		all = all[i+1:]
	}
	page.Tasks = all
	if len(all) > limit {
		page.Tasks = all[:limit]
		page.Next = &store.TaskCursor{ID: all[limit-1].ID}
	}
	return page, nil
}

func (o *office) ListCases(_ context.Context, actor casework.Actor, f store.CaseFilter) (commands.CasePage, error) {
	if actor.Has(casework.RoleSysadmin) {
		return commands.CasePage{}, casework.Forbidden("not_allowed", "no")
	}
	o.asked = f.Narrowing
	var page commands.CasePage
	for _, c := range o.cases {
		if len(f.Stages) > 0 && !slices.Contains(f.Stages, c.row.Stage) || f.Overdue && c.row.OverdueSince == nil || f.Open && c.row.Stage.Ended() {
			continue
		}
		page.Cases = append(page.Cases, c.row)
	}
	return page, nil
}

func (o *office) ListOverdue(ctx context.Context, actor casework.Actor, f store.CaseFilter) (commands.CasePage, error) {
	if !actor.Has(casework.RoleSupervisor) {
		return commands.CasePage{}, casework.Forbidden("not_allowed", "no")
	}
	f.Overdue = true
	return o.ListCases(ctx, actor, f)
}

func (o *office) ListEvents(_ context.Context, actor casework.Actor, f store.EventFilter) (commands.EventPage, error) {
	if !actor.Has(casework.RoleAuditor) {
		return commands.EventPage{}, casework.Forbidden("not_allowed", "no")
	}
	var page commands.EventPage
	for _, c := range o.cases {
		for _, e := range c.events {
			if f.Kind == "" || f.Kind == e.Body.Kind() {
				page.Events = append(page.Events, e)
			}
		}
	}
	slices.SortStableFunc(page.Events, func(a, b store.RecordedEvent) int { return b.At.Compare(a.At) })
	return page, nil
}

func (o *office) ListViews(context.Context, casework.Actor) ([]commands.CountedView, error) {
	return o.views, nil
}

func (o *office) SaveView(_ context.Context, _ casework.Actor, view commands.NewView) (int64, error) {
	if view.Name == "" {
		return 0, casework.Invalid("name", "required", "a view has a name")
	}
	o.views = append(o.views, commands.CountedView{
		SavedView: store.SavedView{ID: 7, List: view.List, Name: view.Name, Query: view.Query.Encode(), Shared: view.Shared, OwnerName: "陈禾溪"},
		Count:     12_345, MayDrop: true,
	})
	return 7, nil
}

func (o *office) DropView(_ context.Context, _ casework.Actor, id int64) error {
	if id != 7 {
		return &casework.Error{Code: casework.CodeNotFound, Reason: "view_not_found", Detail: "no"}
	}
	o.views = nil
	return nil
}

func (o *office) NarrowingChoices(context.Context, casework.Actor) (store.NarrowingChoices, error) {
	return store.NarrowingChoices{
		Matters: []store.Named{{Value: "M-1", Name: "不动产登记"}}, Departments: []store.Named{{Value: "1", Name: "湛河区自然资源局"}},
		Regions: []store.Named{{Value: "410411001000", Name: "某街道"}}, Handlers: []store.User{chen, lu},
	}, nil
}

func (o *office) NarrowedTo(_ context.Context, n store.Narrowing) (region, department, matter string, err error) {
	if n.MatterCode == "M-1" {
		matter = "不动产登记"
	}
	return "", "", matter, nil
}

func (o *office) SimulationChoices(_ context.Context, actor casework.Actor) (commands.SimulationChoices, error) {
	if !actor.Has(casework.RoleSupervisor) {
		return commands.SimulationChoices{}, casework.Forbidden("not_allowed", "only supervisors")
	}
	return commands.SimulationChoices{Packs: []casework.RulePack{o.rules.Pack}, Calendars: []string{o.calendarVersion()}}, nil
}

func (o *office) SimulateRules(_ context.Context, _ casework.Actor, p commands.Proposal) (commands.Simulated, error) {
	proposed := o.rules
	if len(p.Draft) > 0 {
		var err error
		if proposed.Pack, err = rules.Parse(p.Draft); err != nil {
			return commands.Simulated{}, err
		}
	} else if p.PackID != o.rules.Pack.ID {
		return commands.Simulated{}, casework.Invalid("pack", "rule_pack_unknown", "there is no such pack")
	}
	var out commands.Simulated
	for _, c := range o.cases {
		out.Open++
		if move, ok := casework.Simulate(c.state, o.rules, proposed, o.now); ok {
			out.Summary.Add(move)
			if move.Days != 0 {
				out.Moves = append(out.Moves, commands.SimulatedMove{Move: move, Case: c.row})
			}
		}
	}
	return out, nil
}

func (o *office) Now(store.Case) time.Time { return o.now }

// bundle is a running site with somebody's browser.
type bundle struct {
	t      *testing.T
	office *office
	echo   *echo.Echo
	hub    *live.Hub
	server *httptest.Server
	client *http.Client
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupWith(t, people{})
}

func setupWith(t *testing.T, id web.Identity) *bundle {
	t.Helper()
	b := &bundle{t: t, office: newOffice(t), echo: echo.New(), hub: live.NewHub()}
	require.NoError(t, web.Register(b.echo, web.Options{
		Commands: b.office, Identity: id, Sessions: testSessions(), Log: slog.New(slog.DiscardHandler), Version: "0.1.0", Live: b.hub,
	}))
	b.server = httptest.NewServer(b.echo)
	t.Cleanup(b.server.Close)
	b.newBrowser()
	return b
}

func testSessions() *scs.SessionManager {
	return web.NewSessions(memstore.NewWithCleanupInterval(0), false)
}

func (b *bundle) newBrowser() {
	jar, err := cookiejar.New(nil)
	require.NoError(b.t, err)
	b.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// page is an answer, read as HTML.
type page struct {
	*http.Response

	text string
	root *html.Node
}

func (b *bundle) do(method, path string, form url.Values, headers ...string) page {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, body)
	require.NoError(b.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.answer(r)
}

// answer sends a request and reads the answer.
func (b *bundle) answer(r *http.Request) page {
	b.t.Helper()
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	root, err := html.Parse(strings.NewReader(string(data)))
	require.NoError(b.t, err)
	return page{Response: answer, text: string(data), root: root}
}

func (b *bundle) get(path string) page { b.t.Helper(); return b.do(http.MethodGet, path, nil) }

func (b *bundle) signIn(u store.User) {
	b.t.Helper()
	p := b.do(http.MethodPost, "/sign-in", url.Values{"username": {u.Username}, "password": {"sesame"}})
	require.Equal(b.t, http.StatusSeeOther, p.StatusCode)
}

// all finds the elements that match: a tag, and attributes with their values,
// where an empty value means that the attribute is there.
func (p page) all(tag string, attributes ...string) []*html.Node {
	var found []*html.Node
	for n := range p.root.Descendants() {
		if n.Type != html.ElementNode || (tag != "" && n.Data != tag) {
			continue
		}
		matches := true
		for i := 0; i+1 < len(attributes); i += 2 {
			value, ok := attribute(n, attributes[i])
			isClass := attributes[i] == "class" && slices.Contains(strings.Fields(value), attributes[i+1])
			if !ok || (attributes[i+1] != "" && value != attributes[i+1] && !isClass) {
				matches = false
			}
		}
		if matches {
			found = append(found, n)
		}
	}
	return found
}

func (p page) one(t *testing.T, tag string, attributes ...string) *html.Node {
	t.Helper()
	found := p.all(tag, attributes...)
	require.Len(t, found, 1, "%s %v", tag, attributes)
	return found[0]
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func words(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// formOf reads a form as a browser would send it.
func formOf(form *html.Node) url.Values {
	values := make(url.Values)
	for n := range form.Descendants() {
		name, named := attribute(n, "name")
		if n.Type != html.ElementNode || !named {
			continue
		}
		value, _ := attribute(n, "value")
		switch n.Data {
		case "textarea":
			values.Set(name, rawText(n))
		case "select":
			values.Set(name, "")
			for o := range n.Descendants() {
				if _, selected := attribute(o, "selected"); selected && o.Data == "option" {
					chosen, _ := attribute(o, "value")
					values.Set(name, chosen)
				}
			}
		case "input":
			kind, _ := attribute(n, "type")
			_, checked := attribute(n, "checked")
			if (kind != "radio" && kind != "checkbox") || checked {
				values.Set(name, value)
			}
		}
	}
	return values
}

func rawText(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return text.String()
}
