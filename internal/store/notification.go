package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// NotificationChannel is where the database says whose notifications have changed:
// the payload is the number of the person.
const NotificationChannel = "guiling_notifications"

// Notification is something that a person is told about a case.
type Notification struct {
	ID         int64
	Kind       casework.NoticeKind
	Days       int // left, of a warning
	CreatedAt  time.Time
	ReadAt     *time.Time
	Number     string
	MatterName string
	Stage      casework.Stage
	DeadlineAt *time.Time
	PausedAt   *time.Time
	// ClockOffset is the case's own now, less the server's; zero outside the demo.
	ClockOffset time.Duration
}

// NewNotification is a notification to be made. Key and UserID together are made
// once.
type NewNotification struct {
	Key    string
	UserID int64
	Kind   casework.NoticeKind
	Number string
	Seq    int // of the event; 0: of none
	Days   int
	Mail   bool // a mail of its own goes with it
}

// Listeners are the people whom a notice about a case names, by the roles of now.
// Nobody who is disabled is among them.
func (s *Store) Listeners(ctx context.Context, number string, n casework.Notice) ([]User, error) {
	var c struct {
		RegionCode   string `db:"region_code"`
		DepartmentID int64  `db:"department_id"`
		HandlerID    int64  `db:"handler_id"`
	}
	err := s.db.GetContext(ctx, &c, `
		SELECT region_code, department_id, COALESCE(handler_id, 0) AS handler_id FROM cases WHERE number = $1`, number)
	if err != nil {
		return nil, notFound(err, "case")
	}
	if n.Unclaimed && c.HandlerID != 0 {
		return nil, nil
	}
	switch n.To {
	case casework.ListenPerson:
		return s.users(ctx, `u.id = $1`, n.UserID)
	case casework.ListenDepartment:
		return s.Colleagues(ctx, c.DepartmentID, casework.RoleHandler, casework.RoleDepartmentLead)
	case casework.ListenHandler:
		return s.handlerOrLeads(ctx, c.HandlerID, c.DepartmentID)
	case casework.ListenSupervisors:
		return s.nearestAbove(ctx, c.RegionCode, n, casework.RoleSupervisor)
	case casework.ListenAuditors:
		return s.nearestAbove(ctx, c.RegionCode, n, casework.RoleAuditor)
	}
	return nil, fmt.Errorf("nobody is meant by %q", n.To)
}

func (s *Store) handlerOrLeads(ctx context.Context, handlerID, departmentID int64) ([]User, error) {
	// A supervisor has a case that was taken over.
	users, err := s.users(ctx, `u.id = $1 AND (u.organisation_id = $2 OR o.kind = 'authority')`, handlerID, departmentID)
	for _, role := range []casework.Role{casework.RoleDepartmentLead, casework.RoleHandler} {
		if err == nil && len(users) == 0 {
			users, err = s.Colleagues(ctx, departmentID, role)
		}
	}
	return users, err
}

// nearestAbove finds who holds a role in the authority that a notice means, or in
// the first above it where anybody does.
func (s *Store) nearestAbove(ctx context.Context, regionCode string, n casework.Notice, role casework.Role) ([]User, error) {
	// The chain has a step for each level at most, and at its end gives the last again.
	for steps := n.StepsUp; steps < n.StepsUp+len(casework.AdminLevels()); steps++ {
		authority, err := authorityAbove(ctx, s.db, regionCode, steps, n.MinLevel)
		if err != nil {
			return nil, err
		}
		users, err := s.Colleagues(ctx, authority, role)
		if err != nil || len(users) > 0 {
			return users, err
		}
	}
	return nil, nil
}

// Sees reports whether a case lies in the scope.
func (s *Store) Sees(ctx context.Context, scope Scope, number string) (sees bool, err error) {
	inScope, args := scope.where(2)
	err = s.db.GetContext(ctx, &sees, `
		SELECT EXISTS (SELECT FROM cases c JOIN regions r ON r.code = c.region_code WHERE c.number = $1 AND `+inScope+`)`,
		append([]any{number}, args...)...)
	if err != nil {
		return false, fmt.Errorf("scope of case %s: %w", number, err)
	}
	return sees, nil
}

// Notify makes notifications and deliveries in one transaction. What is there
// already stays as it is, and nobody is told again.
func (s *Store) Notify(ctx context.Context, notifications []NewNotification, deliveries []NewDelivery) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		for _, n := range notifications {
			var ids []int64
			err := tx.SelectContext(ctx, &ids, `
				INSERT INTO notifications (key, user_id, kind, case_number, seq, days) VALUES ($1, $2, $3, $4, NULLIF($5, 0), $6)
				ON CONFLICT ON CONSTRAINT notification_is_made_once_for_a_person DO NOTHING RETURNING id`,
				n.Key, n.UserID, string(n.Kind), n.Number, n.Seq, n.Days)
			if err != nil {
				return fmt.Errorf("notify of %s: %w", n.Key, err)
			}
			if len(ids) == 0 {
				continue
			}
			if err := sayNotifications(ctx, tx, n.UserID); err != nil {
				return err
			}
			if n.Mail {
				deliveries = append(deliveries, NewDelivery{
					Channel: DeliverMail, Kind: string(n.Kind), Key: n.Key + "/" + strconv.FormatInt(n.UserID, 10),
					UserID: n.UserID, Number: n.Number, Days: n.Days,
				})
			}
		}
		for _, d := range deliveries {
			if err := insertDelivery(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// sayNotifications tells whoever listens that a person's notifications changed.
func sayNotifications(ctx context.Context, q sqlx.ExecerContext, userID int64) error {
	_, err := q.ExecContext(ctx, `SELECT pg_notify($1, $2)`, NotificationChannel, strconv.FormatInt(userID, 10))
	if err != nil {
		return fmt.Errorf("say that notifications changed: %w", err)
	}
	return nil
}

// NotificationFilter narrows a person's notifications.
type NotificationFilter struct {
	Unread bool
	// ForDigest: only of these kinds, and none that a daily mail took up.
	ForDigest []casework.NoticeKind
	Before    NotificationCursor
	Limit     int // 1 to 200
}

// NotificationCursor is the place of a notification in the list.
type NotificationCursor struct {
	ID int64 `json:"id"`
}

type notificationRow struct {
	ID         int64      `db:"id"`
	Kind       string     `db:"kind"`
	Days       int        `db:"days"`
	CreatedAt  time.Time  `db:"created_at"`
	ReadAt     *time.Time `db:"read_at"`
	Number     string     `db:"case_number"`
	MatterName string     `db:"matter_name"`
	Stage      string     `db:"stage"`
	DeadlineAt *time.Time `db:"deadline_at"`
	PausedAt   *time.Time `db:"paused_at"`
	OffsetSecs int64      `db:"clock_offset_secs"`
}

// Notifications lists what a person was told about cases in scope, newest first.
func (s *Store) Notifications(ctx context.Context, scope Scope, userID int64, f NotificationFilter) ([]Notification, error) {
	inScope, scopeArgs := scope.where(2)
	conditions, args := []string{"n.user_id = $1", inScope}, append([]any{userID}, scopeArgs...)
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if f.Unread || f.ForDigest != nil {
		conditions = append(conditions, "n.read_at IS NULL")
	}
	if f.ForDigest != nil {
		conditions = append(conditions, "n.digested_at IS NULL")
		add("n.kind = ANY ($%d)", stringsOf(f.ForDigest))
	}
	if f.Before.ID != 0 {
		add("n.id < $%d", f.Before.ID)
	}
	args = append(args, f.Limit)
	var rows []notificationRow
	err := s.db.SelectContext(ctx, &rows, `
		SELECT n.id, n.kind, n.days, n.created_at, n.read_at, n.case_number, m.name AS matter_name, c.stage, c.deadline_at, c.paused_at, c.clock_offset_secs
		FROM notifications n
		JOIN cases c ON c.number = n.case_number
		JOIN regions r ON r.code = c.region_code
		JOIN matters m ON m.code = c.matter_code
		WHERE `+strings.Join(conditions, " AND ")+fmt.Sprintf(` ORDER BY n.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list notifications: %w", err)
	}
	notifications := make([]Notification, 0, len(rows))
	for _, r := range rows {
		notifications = append(notifications, Notification{
			ID: r.ID, Kind: casework.NoticeKind(r.Kind), Days: r.Days, CreatedAt: r.CreatedAt, ReadAt: r.ReadAt, Number: r.Number,
			MatterName: r.MatterName, Stage: casework.Stage(r.Stage), DeadlineAt: r.DeadlineAt, PausedAt: r.PausedAt,
			ClockOffset: time.Duration(r.OffsetSecs) * time.Second,
		})
	}
	return notifications, nil
}

// UnreadNotifications counts what a person has not read about cases in scope, and
// stops at most.
func (s *Store) UnreadNotifications(ctx context.Context, scope Scope, userID int64, most int) (n int, err error) {
	inScope, args := scope.where(3)
	err = s.db.GetContext(ctx, &n, `
		SELECT count(*) FROM (
			SELECT FROM notifications n JOIN cases c ON c.number = n.case_number JOIN regions r ON r.code = c.region_code
			WHERE n.user_id = $1 AND n.read_at IS NULL AND `+inScope+` LIMIT $2) AS unread`, append([]any{userID, most}, args...)...)
	if err != nil {
		return 0, fmt.Errorf("count notifications: %w", err)
	}
	return n, nil
}

// ReadNotification marks one of a person's notifications as read. One that is not
// theirs is CodeNotFound.
func (s *Store) ReadNotification(ctx context.Context, userID, id int64) error {
	var found int64
	err := s.db.GetContext(ctx, &found, `
		UPDATE notifications SET read_at = COALESCE(read_at, now()) WHERE id = $1 AND user_id = $2 RETURNING id`, id, userID)
	if err != nil {
		return notFound(err, "notification")
	}
	return sayNotifications(ctx, s.db, userID)
}

// ReadNotifications marks as read what a person was told up to one notification, or
// all about one case. What came later stays unread.
func (s *Store) ReadNotifications(ctx context.Context, userID, upTo int64, number string) error {
	result, err := s.db.ExecContext(ctx, `
		UPDATE notifications SET read_at = now()
		WHERE user_id = $1 AND read_at IS NULL AND ($2 = 0 OR id <= $2) AND ($3 = '' OR case_number = $3)`, userID, upTo, number)
	if err != nil {
		return fmt.Errorf("read notifications: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return sayNotifications(ctx, s.db, userID)
}

// NoteDigested remembers which notifications a daily mail took up.
func (s *Store) NoteDigested(ctx context.Context, ids []int64) error {
	_, err := s.db.ExecContext(ctx, `UPDATE notifications SET digested_at = now() WHERE id = ANY ($1)`, pq.Int64Array(ids))
	if err != nil {
		return fmt.Errorf("note the daily mail: %w", err)
	}
	return nil
}

// DueTask is a task that is due, as a daily mail names it.
type DueTask struct {
	Number     string         `db:"case_number"`
	MatterName string         `db:"matter_name"`
	Stage      casework.Stage `db:"stage"`
	DueAt      time.Time      `db:"due_at"`
}

// DueTasks lists the tasks of a person that are due until an instant, the earliest
// first: of cases that are with them, and all tasks of their authority.
func (s *Store) DueTasks(ctx context.Context, scope TaskScope, userID int64, until time.Time, limit int) ([]DueTask, error) {
	inScope, args := scope.Cases.where(6)
	var tasks []DueTask
	err := s.db.SelectContext(ctx, &tasks, `
		SELECT t.case_number, m.name AS matter_name, c.stage, t.due_at
		FROM tasks t JOIN cases c ON c.number = t.case_number JOIN regions r ON r.code = c.region_code JOIN matters m ON m.code = c.matter_code
		WHERE t.closed_at IS NULL AND t.organisation_id = $1 AND t.owner = $2 AND (t.owner = 'authority' OR t.assignee_id = $3)
		AND t.due_at <= $4 AND `+inScope+` ORDER BY t.due_at, t.id LIMIT $5`,
		append([]any{scope.OrganisationID, string(scope.Owner), userID, until, limit}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("list tasks that are due: %w", err)
	}
	return tasks, nil
}
