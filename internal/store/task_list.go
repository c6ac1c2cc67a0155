package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// Task is one thing to do, with the case it belongs to.
type Task struct {
	ID         int64
	Kind       casework.TaskKind
	AssigneeID int64
	DueAt      *time.Time
	OpenedAt   time.Time
	Case       Case
}

// TaskScope says whose tasks a person may see: those of the own organisation,
// and which of the two kinds of owner, as far as they may see the cases at all.
type TaskScope struct {
	Cases          Scope
	OrganisationID int64
	Owner          casework.TaskOwner
}

// TaskView chooses among the tasks in scope.
type TaskView string

// The views of the inbox.
const (
	TasksMine      TaskView = "mine"      // of a case that is with me
	TasksUnclaimed TaskView = "unclaimed" // of a case that nobody has
	TasksAll       TaskView = "all"
)

// TaskViews lists the views.
func TaskViews() []TaskView { return []TaskView{TasksMine, TasksUnclaimed, TasksAll} }

// TaskCursor is the place of a task in the list.
type TaskCursor struct {
	DueAt time.Time `json:"due_at"` // zero for a task without a deadline
	ID    int64     `json:"id"`
}

type taskRow struct {
	TaskID         int64      `db:"task_id"`
	TaskKind       string     `db:"task_kind"`
	TaskAssigneeID int64      `db:"task_assignee_id"`
	TaskDueAt      *time.Time `db:"task_due_at"`
	TaskOpenedAt   time.Time  `db:"task_opened_at"`
	caseRow
}

// TaskFilter chooses a page of tasks.
type TaskFilter struct {
	Narrowing

	View  TaskView
	After TaskCursor
	Limit int       // 1 to 200
	Now   time.Time // that Due is held against
}

// TaskList is one way to look at the tasks, to be counted.
type TaskList struct {
	Narrowing

	View TaskView
}

// tasksAndCases leads from each task to its case, and never the other way round: an
// organisation has few open tasks, and more cases with every year. OFFSET 0 keeps the
// server from turning it about.
const tasksAndCases = " FROM tasks t CROSS JOIN LATERAL (SELECT * FROM cases WHERE cases.number = t.case_number OFFSET 0) AS c"

// tasksOf chooses the open tasks of a scope and a view.
func (s *Store) tasksOf(ctx context.Context, scope TaskScope, list TaskList, userID int64, now time.Time) (*listing, error) {
	q := &listing{of: ViewedTasks, from: tasksAndCases}
	q.add("t.closed_at IS NULL")
	q.add("t.organisation_id = $%d", scope.OrganisationID)
	q.add("t.owner = $%d", string(scope.Owner))
	switch list.View {
	case TasksMine:
		q.add("t.assignee_id = $%d", userID)
	case TasksUnclaimed:
		q.add("t.assignee_id IS NULL")
	case TasksAll:
	}
	q.within(scope.Cases)
	return q, s.narrow(ctx, q, scope.Cases, list.Narrowing, "t.due_at", now)
}

// Tasks lists the open tasks in scope, what is due first first.
func (s *Store) Tasks(ctx context.Context, scope TaskScope, userID int64, f TaskFilter) ([]Task, error) {
	q, err := s.tasksOf(ctx, scope, TaskList{View: f.View, Narrowing: f.Narrowing}, userID, f.Now)
	if err != nil {
		return nil, err
	}
	if f.After.ID != 0 {
		q.add("(t.due_order, t.id) > (COALESCE(CAST($%d AS timestamptz), "+farAhead+"), $%d)", unlessZero(f.After.DueAt), f.After.ID)
	}
	var rows []taskRow
	err = s.bounded(ctx, listPatience, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, fmt.Sprintf(`
			WITH page AS MATERIALIZED (SELECT t.id%s ORDER BY t.due_order, t.id LIMIT %d)
			SELECT t.id AS task_id, t.kind AS task_kind, COALESCE(t.assignee_id, 0) AS task_assignee_id,
			       t.due_at AS task_due_at, t.opened_at AS task_opened_at,`+caseColumns+`
			FROM page JOIN tasks t ON t.id = page.id JOIN cases c ON c.number = t.case_number`+caseTables+`
			ORDER BY t.due_order, t.id`, q.tail(), f.Limit), q.args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	tasks := make([]Task, 0, len(rows))
	for _, r := range rows {
		tasks = append(tasks, Task{
			ID: r.TaskID, Kind: casework.TaskKind(r.TaskKind), AssigneeID: r.TaskAssigneeID,
			DueAt: r.TaskDueAt, OpenedAt: r.TaskOpenedAt, Case: r.toCase(),
		})
	}
	return tasks, nil
}

// CountTasks counts several lists of the tasks in scope, in their order; see
// MostCounted.
func (s *Store) CountTasks(ctx context.Context, scope TaskScope, userID int64, lists []TaskList, now time.Time) ([]int, error) {
	queries := make([]*listing, 0, len(lists))
	for _, list := range lists {
		q, err := s.tasksOf(ctx, scope, list, userID, now)
		if err != nil {
			return nil, err
		}
		queries = append(queries, q)
	}
	return s.count(ctx, queries)
}
