package commands

import (
	"context"
	"slices"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// InboxPage is one page of a person's tasks.
type InboxPage struct {
	View  store.TaskView
	Tasks []store.Task
	// Counts are of the views that mean something to the person, and Quick of the
	// most asked narrowings of the view; neither counts past store.MostCounted.
	Counts map[store.TaskView]int
	Quick  []QuickCount
	Saved  []CountedView
	Next   *store.TaskCursor
}

// QuickCount is how many tasks of a view one narrowing leaves.
type QuickCount struct {
	Name, Value string // as in the address of the list
	Count       int
}

// quickNarrowings are what people ask for first thing in the morning.
var quickNarrowings = []struct {
	name, value string
	narrowing   store.Narrowing
}{
	{narrowDue, string(store.DueOverdue), store.Narrowing{Due: store.DueOverdue}},
	{narrowDue, string(store.DueToday), store.Narrowing{Due: store.DueToday}},
	{narrowDue, string(store.DueSoon), store.Narrowing{Due: store.DueSoon}},
	{narrowEscalated, "true", store.Narrowing{Escalated: true}},
	{narrowReopened, "true", store.Narrowing{Reopened: true}},
}

// HasInbox reports whether the actor works on tasks at all.
func HasInbox(actor casework.Actor) bool {
	_, ok := taskScopeOf(actor)
	return ok
}

// Inbox lists a page of the actor's open tasks, what is due first first. An empty
// view is what the actor most likely wants: tasks of a department are claimed,
// those of an authority are anybody's there.
func (s *Service) Inbox(ctx context.Context, actor casework.Actor, filter store.TaskFilter) (InboxPage, error) {
	scope, ok := taskScopeOf(actor)
	if !ok {
		return InboxPage{}, casework.Forbidden("no_inbox", "your role has no tasks")
	}
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return InboxPage{}, err
	}
	if filter.View == "" {
		filter.View = store.TasksAll
	}
	if !slices.Contains(store.TaskViews(), filter.View) {
		return InboxPage{}, casework.Invalid("view", "unknown_value", "mine, unclaimed or all")
	}
	filter.Limit, filter.Now = limit+1, s.now()
	tasks, err := s.store.Tasks(ctx, scope, actor.UserID, filter)
	if err != nil {
		return InboxPage{}, err
	}
	for i := range tasks {
		tasks[i].Case.Words = casework.MaskText(tasks[i].Case.Words)
	}
	page := InboxPage{View: filter.View, Tasks: tasks}
	if len(tasks) > limit {
		page.Tasks = tasks[:limit]
		last := page.Tasks[limit-1]
		page.Next = &store.TaskCursor{ID: last.ID}
		if last.DueAt != nil {
			page.Next.DueAt = *last.DueAt
		}
	}
	return page, s.countInbox(ctx, actor, scope, &page, filter.Now)
}

// countInbox counts the views of the inbox, in one statement.
func (s *Service) countInbox(ctx context.Context, actor casework.Actor, scope store.TaskScope, page *InboxPage, now time.Time) error {
	views := store.TaskViews()
	if scope.Owner == casework.OwnerAuthority {
		// Nobody claims a decision: whoever comes first decides it.
		views = []store.TaskView{store.TasksAll}
	}
	saved, err := s.savedViews(ctx, actor, store.ViewedTasks)
	if err != nil {
		return err
	}
	var lists []store.TaskList
	for _, view := range views {
		lists = append(lists, store.TaskList{View: view})
	}
	for _, quick := range quickNarrowings {
		lists = append(lists, store.TaskList{View: page.View, Narrowing: quick.narrowing})
	}
	for _, view := range saved {
		lists = append(lists, store.TaskList{View: view.View, Narrowing: view.Narrowing})
	}
	counts, err := s.store.CountTasks(ctx, scope, actor.UserID, lists, now)
	if err != nil {
		return err
	}
	page.Counts = map[store.TaskView]int{}
	for i, view := range views {
		page.Counts[view] = counts[i]
	}
	counts = counts[len(views):]
	for i, quick := range quickNarrowings {
		page.Quick = append(page.Quick, QuickCount{Name: quick.name, Value: quick.value, Count: counts[i]})
	}
	for i := range saved {
		saved[i].Count = counts[len(quickNarrowings)+i]
	}
	page.Saved = saved
	return nil
}

// Now is the time that countdowns of a case are shown against.
func (s *Service) Now(c store.Case) time.Time { return s.nowOf(c) }
