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
	View   store.TaskView
	Tasks  []store.Task
	Counts map[store.TaskView]int // of the views that mean something to the person
	Next   *store.TaskCursor
}

// HasInbox reports whether the actor works on tasks at all.
func HasInbox(actor casework.Actor) bool {
	_, ok := taskScopeOf(actor)
	return ok
}

// Inbox lists the actor's open tasks, what is due first first. An empty view is
// what the actor most likely wants: tasks of a department are claimed, those of
// an authority are anybody's there.
func (s *Service) Inbox(ctx context.Context, actor casework.Actor, view store.TaskView, after store.TaskCursor, limit int) (InboxPage, error) {
	scope, ok := taskScopeOf(actor)
	if !ok {
		return InboxPage{}, casework.Forbidden("no_inbox", "your role has no tasks")
	}
	if view == "" {
		view = store.TasksAll
	}
	if !slices.Contains(store.TaskViews(), view) {
		return InboxPage{}, casework.Invalid("view", "unknown_value", "mine, unclaimed or all")
	}
	return s.inbox(ctx, actor, scope, view, after, limit)
}

func (s *Service) inbox(ctx context.Context, actor casework.Actor, scope store.TaskScope, view store.TaskView, after store.TaskCursor, limit int) (InboxPage, error) {
	limit, err := pageSize(limit)
	if err != nil {
		return InboxPage{}, err
	}
	tasks, err := s.store.Tasks(ctx, scope, view, actor.UserID, after, limit+1)
	if err != nil {
		return InboxPage{}, err
	}
	counts, err := s.store.TaskCounts(ctx, scope, actor.UserID)
	if err != nil {
		return InboxPage{}, err
	}
	if scope.Owner == casework.OwnerAuthority {
		// Nobody claims a decision: whoever comes first decides it.
		counts = map[store.TaskView]int{store.TasksAll: counts[store.TasksAll]}
	}
	for i := range tasks {
		tasks[i].Case.Words = casework.MaskText(tasks[i].Case.Words)
	}
	page := InboxPage{View: view, Tasks: tasks, Counts: counts}
	if len(tasks) > limit {
		page.Tasks = tasks[:limit]
		last := page.Tasks[limit-1]
		page.Next = &store.TaskCursor{ID: last.ID}
		if last.DueAt != nil {
			page.Next.DueAt = *last.DueAt
		}
	}
	return page, nil
}

// Now is the time that countdowns of a case are shown against.
func (s *Service) Now(c store.Case) time.Time { return s.nowOf(c) }
