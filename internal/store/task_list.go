package store

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	Kind           casework.TaskKind // only these; all when empty
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

// assigneeCondition narrows the tasks to a view; $3 is the person.
var assigneeCondition = map[TaskView]string{
	TasksMine:      "t.assignee_id = $3",
	TasksUnclaimed: "t.assignee_id IS NULL AND $3 > 0",
	TasksAll:       "$3 > 0",
}

// Tasks lists the open tasks in scope, what is due first first.
func (s *Store) Tasks(ctx context.Context, scope TaskScope, view TaskView, userID int64, after TaskCursor, limit int) ([]Task, error) {
	args := []any{scope.OrganisationID, string(scope.Owner), userID, limit}
	conditions := []string{"t.closed_at IS NULL", "t.organisation_id = $1", "t.owner = $2", assigneeCondition[view]}
	if scope.Kind != "" {
		args = append(args, string(scope.Kind))
		conditions = append(conditions, fmt.Sprintf("t.kind = $%d", len(args)))
	}
	inScope, scopeArgs := scope.Cases.where(len(args) + 1)
	conditions, args = append(conditions, inScope), append(args, scopeArgs...)
	if after.ID != 0 {
		args = append(args, unlessZero(after.DueAt), after.ID)
		conditions = append(conditions, fmt.Sprintf(
			"(COALESCE(t.due_at, %[1]s), t.id) > (COALESCE(CAST($%[2]d AS timestamptz), %[1]s), $%[3]d)", farAhead, len(args)-1, len(args)))
	}
	var rows []taskRow
	err := s.db.SelectContext(ctx, &rows, `
		SELECT t.id AS task_id, t.kind AS task_kind, COALESCE(t.assignee_id, 0) AS task_assignee_id,
		       t.due_at AS task_due_at, t.opened_at AS task_opened_at,`+caseColumns+caseJoins+`
		JOIN tasks t ON t.case_number = c.number
		WHERE `+strings.Join(conditions, " AND ")+`
		ORDER BY COALESCE(t.due_at, `+farAhead+`), t.id LIMIT $4`, args...)
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

// TaskCounts counts the open tasks in scope for each view.
func (s *Store) TaskCounts(ctx context.Context, scope TaskScope, userID int64) (map[TaskView]int, error) {
	var row struct {
		Mine      int `db:"mine"`
		Unclaimed int `db:"unclaimed"`
		Total     int `db:"total"`
	}
	inScope, args := scope.Cases.where(5)
	err := s.db.GetContext(ctx, &row, `
		SELECT count(*) FILTER (WHERE t.assignee_id = $3) AS mine,
		       count(*) FILTER (WHERE t.assignee_id IS NULL) AS unclaimed, count(*) AS total
		FROM tasks t JOIN cases c ON c.number = t.case_number JOIN regions r ON r.code = c.region_code
		WHERE t.closed_at IS NULL AND t.organisation_id = $1 AND t.owner = $2 AND ($4 = '' OR t.kind = $4) AND `+inScope,
		append([]any{scope.OrganisationID, string(scope.Owner), userID, string(scope.Kind)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	return map[TaskView]int{TasksMine: row.Mine, TasksUnclaimed: row.Unclaimed, TasksAll: row.Total}, nil
}
