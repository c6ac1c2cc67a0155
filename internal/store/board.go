package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// What the board counts.
const (
	// SoonDays are the days before a deadline from which a case is due soon.
	SoonDays = 3
	// BoardDays are the days, back from now, in which closed cases are counted.
	BoardDays = 30
	// BoardWeeks are the weeks, the present one included, that are compared.
	BoardWeeks = 12
	// BoardDepartments is how many departments the board lists at most.
	BoardDepartments = 50
)

// Load is what somebody, or a department, or a region has to do. Each number is the
// length of the list of cases of its name.
type Load struct {
	Open      int `db:"open"` // the life of the case goes on
	Overdue   int `db:"overdue"`
	Soon      int `db:"soon"`      // due within SoonDays, today too, not overdue and not paused
	Unclaimed int `db:"unclaimed"` // open, and nobody has it
	Escalated int `db:"escalated"` // put before an authority, and still so
	Closed    int `db:"closed"`    // for the first time, within BoardDays
	OnTime    int `db:"on_time"`   // of these
}

// BoardRegion is a region in the tree of the board, with how much is overdue in it
// and below it.
type BoardRegion struct {
	Code       string              `db:"code"`
	Name       string              `db:"name"`
	Level      casework.AdminLevel `db:"level"`
	ParentCode string              `db:"parent_code"` // empty at the top
	Overdue    int                 `db:"overdue"`
}

// DepartmentLoad is what a department has to do.
type DepartmentLoad struct {
	ID         int64
	Name       string
	RegionName string
	Load
}

// StageCount is how many open cases stand at a stage.
type StageCount struct {
	Stage casework.Stage
	Count int
}

// WeekCount is what was opened and what was closed in a week.
type WeekCount struct {
	Monday         casework.Date
	Opened, Closed int
}

// Board is how a region stands.
type Board struct {
	Region BoardRegion
	Above  []BoardRegion // from the top of the scope down to right above the region
	// Below are the regions right below, then those below these.
	Below       []BoardRegion
	Load        Load
	Stages      []StageCount     // in the order of a life, those with open cases
	Departments []DepartmentLoad // what is overdue first, at most BoardDepartments
	More        int              // departments with work that are not listed
	Weeks       []WeekCount      // BoardWeeks of them, the present one last
}

// isOpen is the condition of the partial indexes on open cases, to the letter.
const isOpen = `c.stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived')`

// loads counts open cases; $1 is now and $2 the days until soon is over. A case that
// was fast-forwarded has its own now, and days end in China.
const loads = `
	count(*) AS open,
	count(*) FILTER (WHERE c.overdue_since IS NOT NULL) AS overdue,
	count(*) FILTER (WHERE c.overdue_since IS NULL AND c.paused_at IS NULL AND c.deadline_at <=
		(date_trunc('day', (CAST($1 AS timestamptz) + make_interval(secs => c.clock_offset_secs)) AT TIME ZONE INTERVAL '08:00')
			+ CAST($2 AS integer) * INTERVAL '1 day') AT TIME ZONE INTERVAL '08:00') AS soon,
	count(*) FILTER (WHERE c.handler_id IS NULL) AS unclaimed,
	count(*) FILTER (WHERE c.escalation_steps IS NOT NULL) AS escalated`

// closedSince is the condition on what was closed within BoardDays; $1 is when these
// began. The first half is there for the index; the second holds for cases with a now
// of their own, which is never earlier.
const closedSince = `
	WHERE c.closed_at >= CAST($1 AS timestamptz)
	  AND c.closed_at >= CAST($1 AS timestamptz) + make_interval(secs => c.clock_offset_secs) AND `

// counted are the tables of a count in scope. All of the installation needs no look at
// where each case lies, and that look is most of the work.
func (sc Scope) counted() string {
	if sc.Everything {
		return ` FROM cases c `
	}
	return ` FROM cases c JOIN regions r ON r.code = c.region_code `
}

// Board counts the cases in scope of a region of it and of all below. CodeNotFound
// for a region that lies outside. The number of queries does not depend on the
// number of regions, and all see the same moment.
func (s *Store) Board(ctx context.Context, scope Scope, regionCode string, now time.Time) (Board, error) {
	var b Board
	err := s.looking(ctx, func(tx *sqlx.Tx) error {
		if scope.RegionCode == "" && !scope.Everything {
			return notFound(sql.ErrNoRows, "region")
		}
		top := cmp.Or(scope.RegionCode, regionCode)
		var roots []string
		if err := tx.SelectContext(ctx, &roots, `SELECT code FROM regions WHERE parent_code IS NULL`); err != nil {
			return fmt.Errorf("topmost regions: %w", err)
		}
		below := func(code string) Scope {
			if scope.DepartmentID == 0 && slices.Equal(roots, []string{code}) {
				return Scope{Everything: true}
			}
			return Scope{RegionCode: code, DepartmentID: scope.DepartmentID}
		}
		if err := readTree(ctx, tx, &b, below(top), top, regionCode); err != nil {
			return err
		}
		within := below(regionCode)
		if err := countLoads(ctx, tx, &b, within, now); err != nil {
			return err
		}
		return countWeeks(ctx, tx, &b, within, now)
	})
	return b, err
}

// looking runs do in a transaction that changes nothing and sees one moment.
func (s *Store) looking(ctx context.Context, do func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	return do(tx)
}

// bounded is looking for so long only. What takes longer is errTooWide: people narrow
// their lists as they like, and nobody's list may hold up everybody else's.
func (s *Store) bounded(ctx context.Context, patience time.Duration, do func(tx *sqlx.Tx) error) error {
	return s.looking(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`SET LOCAL statement_timeout = %d`, patience.Milliseconds()))
		if err == nil {
			err = do(tx)
		}
		if failed, ok := errors.AsType[*pq.Error](err); ok && failed.Code == queryCanceled && ctx.Err() == nil {
			return errTooWide()
		}
		return err
	})
}

const (
	listPatience  = 8 * time.Second // of a page of a list
	countPatience = 2 * time.Second // of counts beside it
	queryCanceled = "57014"         // what PostgreSQL calls a statement whose time is over
)

func errTooWide() *casework.Error {
	return casework.Invalid("", "list_too_wide", "the list could not be read in time; narrow it further")
}

// readTree reads the regions from the top of the scope down to the one that is looked
// at, and two levels below it. What is overdue is counted where it is, and added up
// along the explicit parents.
func readTree(ctx context.Context, tx *sqlx.Tx, b *Board, scope Scope, top, regionCode string) error {
	inScope, args := scope.where(3)
	var regions []BoardRegion
	err := tx.SelectContext(ctx, &regions, `
		WITH late AS (
			SELECT c.region_code, count(*) AS n`+scope.counted()+`
			WHERE c.overdue_since IS NOT NULL AND `+inScope+` GROUP BY c.region_code
		), rolled AS (
			SELECT above.code, sum(late.n) AS n
			FROM late JOIN regions r ON r.code = late.region_code CROSS JOIN LATERAL unnest(r.path) AS above (code)
			GROUP BY above.code
		), looked AS (
			SELECT r.code, r.path FROM regions r WHERE r.code = $1 AND r.path @> ARRAY[$2]
		), shown AS (
			SELECT unnest(looked.path) AS code FROM looked
			UNION SELECT child.code FROM looked JOIN regions child ON child.parent_code = looked.code
			UNION SELECT grandchild.code FROM looked JOIN regions child ON child.parent_code = looked.code
				JOIN regions grandchild ON grandchild.parent_code = child.code
		)
		SELECT r.code, r.name, r.level, COALESCE(r.parent_code, '') AS parent_code, COALESCE(rolled.n, 0) AS overdue
		FROM shown JOIN regions r ON r.code = shown.code LEFT JOIN rolled ON rolled.code = r.code
		WHERE r.path @> ARRAY[$2]
		ORDER BY cardinality(r.path), r.code`, append([]any{regionCode, top}, args...)...)
	if err != nil {
		return fmt.Errorf("tree below %s: %w", regionCode, err)
	}
	i := slices.IndexFunc(regions, func(r BoardRegion) bool { return r.Code == regionCode })
	if i < 0 {
		return notFound(sql.ErrNoRows, "region")
	}
	b.Above, b.Region, b.Below = regions[:i], regions[i], regions[i+1:]
	return nil
}

// countLoads counts what is open, in all and by stage and department, and what was
// closed.
func countLoads(ctx context.Context, tx *sqlx.Tx, b *Board, scope Scope, now time.Time) error {
	var open []struct {
		DepartmentID int64  `db:"department_id"`
		Stage        string `db:"stage"`
		Load
	}
	inScope, args := scope.where(3)
	err := tx.SelectContext(ctx, &open, `
		SELECT COALESCE(c.department_id, 0) AS department_id, COALESCE(c.stage, '') AS stage,`+loads+scope.counted()+`
		WHERE `+isOpen+` AND `+inScope+`
		GROUP BY GROUPING SETS ((c.department_id), (c.stage), ())`, append([]any{now, SoonDays + 1}, args...)...)
	if err != nil {
		return fmt.Errorf("count open cases: %w", err)
	}
	of, stages := map[int64]*Load{}, map[casework.Stage]int{}
	for _, row := range open {
		switch {
		case row.DepartmentID != 0:
			of[row.DepartmentID] = &row.Load
		case row.Stage != "":
			stages[casework.Stage(row.Stage)] = row.Open
		default:
			b.Load = row.Load
		}
	}
	for _, stage := range casework.Stages() {
		if stages[stage] > 0 {
			b.Stages = append(b.Stages, StageCount{Stage: stage, Count: stages[stage]})
		}
	}
	var closed []struct {
		DepartmentID int64 `db:"department_id"`
		Load
	}
	inScope, args = scope.where(2)
	err = tx.SelectContext(ctx, &closed, `
		SELECT c.department_id, count(*) AS closed, count(*) FILTER (WHERE c.closed_on_time) AS on_time`+
		scope.counted()+closedSince+inScope+` GROUP BY c.department_id`, append([]any{now.AddDate(0, 0, -BoardDays)}, args...)...)
	if err != nil {
		return fmt.Errorf("count closed cases: %w", err)
	}
	for _, row := range closed {
		if of[row.DepartmentID] == nil {
			of[row.DepartmentID] = &Load{}
		}
		of[row.DepartmentID].Closed, of[row.DepartmentID].OnTime = row.Closed, row.OnTime
		b.Load.Closed, b.Load.OnTime = b.Load.Closed+row.Closed, b.Load.OnTime+row.OnTime
	}
	return nameDepartments(ctx, tx, b, of)
}

// nameDepartments lists those with the most to look at first, with their names.
func nameDepartments(ctx context.Context, tx *sqlx.Tx, b *Board, of map[int64]*Load) error {
	for id, load := range of {
		b.Departments = append(b.Departments, DepartmentLoad{ID: id, Load: *load})
	}
	slices.SortFunc(b.Departments, func(x, y DepartmentLoad) int {
		return cmp.Or(y.Overdue-x.Overdue, y.Soon-x.Soon, y.Open-x.Open, y.Closed-x.Closed, cmp.Compare(x.ID, y.ID))
	})
	if b.More = len(b.Departments) - BoardDepartments; b.More > 0 {
		b.Departments = b.Departments[:BoardDepartments]
	}
	b.More = max(0, b.More)
	ids := make(pq.Int64Array, 0, len(b.Departments))
	for _, d := range b.Departments {
		ids = append(ids, d.ID)
	}
	var names []struct {
		ID         int64  `db:"id"`
		Name       string `db:"name"`
		RegionName string `db:"region_name"`
	}
	err := tx.SelectContext(ctx, &names, `
		SELECT o.id, o.name, r.name AS region_name FROM organisations o JOIN regions r ON r.code = o.region_code WHERE o.id = ANY ($1)`, ids)
	if err != nil {
		return fmt.Errorf("names of departments: %w", err)
	}
	for _, n := range names {
		i := slices.Index(ids, n.ID)
		b.Departments[i].Name, b.Departments[i].RegionName = n.Name, n.RegionName
	}
	return nil
}

// countWeeks counts what was opened and closed in each of the weeks, which begin on
// Monday in China. A case with a now of its own counts as long ago as it is by that.
func countWeeks(ctx context.Context, tx *sqlx.Tx, b *Board, scope Scope, now time.Time) error {
	today := casework.DateOf(now)
	monday := today.AddDays(-(int(today.Start().Weekday()) + 6) % 7)
	for i := range BoardWeeks {
		b.Weeks = append(b.Weeks, WeekCount{Monday: monday.AddDays(7 * (i + 1 - BoardWeeks))})
	}
	inScope, args := scope.where(2)
	counted := func(column string) string {
		return `
		SELECT CAST(date_trunc('week', (c.` + column + ` - make_interval(secs => c.clock_offset_secs)) AT TIME ZONE INTERVAL '08:00') AS date) AS week, count(*) AS n` + scope.counted() + `
		WHERE c.` + column + ` >= $1 AND ` + inScope + ` GROUP BY week`
	}
	var rows []struct {
		Week   string `db:"week"`
		Opened int    `db:"opened"`
		Closed int    `db:"closed"`
	}
	err := tx.SelectContext(ctx, &rows, `
		WITH opened AS (`+counted("opened_at")+`), closed AS (`+counted("closed_at")+`)
		SELECT CAST(week AS text) AS week, COALESCE(opened.n, 0) AS opened, COALESCE(closed.n, 0) AS closed
		FROM opened FULL JOIN closed USING (week)`, append([]any{b.Weeks[0].Monday.Start()}, args...)...)
	if err != nil {
		return fmt.Errorf("count weeks: %w", err)
	}
	for _, row := range rows {
		if i := slices.IndexFunc(b.Weeks, func(w WeekCount) bool { return w.Monday.String() == row.Week }); i >= 0 {
			b.Weeks[i].Opened, b.Weeks[i].Closed = row.Opened, row.Closed
		}
	}
	return nil
}

// HandlerLoad is what one person has to do.
type HandlerLoad struct {
	UserID int64  `db:"user_id"` // 0: nobody has these
	Name   string `db:"name"`
	Load
}

// Workload counts the cases in scope of one department, and those of each of its
// people, idle ones too, and of whoever else has one. What is overdue comes first.
func (s *Store) Workload(ctx context.Context, scope Scope, departmentID int64, now time.Time) (Load, []HandlerLoad, error) {
	var handlers []HandlerLoad
	inScope, args := scope.where(6)
	err := s.db.SelectContext(ctx, &handlers, `
		WITH open AS (
			SELECT c.handler_id,`+loads+`
			FROM cases c JOIN regions r ON r.code = c.region_code
			WHERE `+isOpen+` AND c.department_id = $3 AND `+inScope+` GROUP BY c.handler_id
		), ended AS (
			SELECT c.handler_id, count(*) AS closed, count(*) FILTER (WHERE c.closed_on_time) AS on_time
			FROM cases c JOIN regions r ON r.code = c.region_code
			WHERE c.closed_at >= $4 AND c.closed_at >= $4 + make_interval(secs => c.clock_offset_secs) AND c.department_id = $3 AND `+inScope+`
			GROUP BY c.handler_id
		), people AS (
			SELECT u.id FROM users u WHERE u.organisation_id = $3 AND u.roles && $5 AND u.disabled_at IS NULL
			UNION SELECT COALESCE(handler_id, 0) FROM open
			UNION SELECT COALESCE(handler_id, 0) FROM ended
		)
		SELECT people.id AS user_id, COALESCE(u.display_name, '') AS name,
			COALESCE(open.open, 0) AS open, COALESCE(open.overdue, 0) AS overdue, COALESCE(open.soon, 0) AS soon,
			COALESCE(open.unclaimed, 0) AS unclaimed, COALESCE(open.escalated, 0) AS escalated,
			COALESCE(ended.closed, 0) AS closed, COALESCE(ended.on_time, 0) AS on_time
		FROM people LEFT JOIN users u ON u.id = people.id
		LEFT JOIN open ON COALESCE(open.handler_id, 0) = people.id LEFT JOIN ended ON COALESCE(ended.handler_id, 0) = people.id
		ORDER BY overdue DESC, soon DESC, open DESC, people.id`,
		append([]any{now, SoonDays + 1, departmentID, now.AddDate(0, 0, -BoardDays), stringsOf([]casework.Role{casework.RoleHandler, casework.RoleDepartmentLead})}, args...)...)
	if err != nil {
		return Load{}, nil, fmt.Errorf("workload of organisation %d: %w", departmentID, err)
	}
	var sum Load
	for _, h := range handlers {
		sum.Open, sum.Overdue, sum.Soon, sum.Unclaimed = sum.Open+h.Open, sum.Overdue+h.Overdue, sum.Soon+h.Soon, sum.Unclaimed+h.Unclaimed
		sum.Escalated, sum.Closed, sum.OnTime = sum.Escalated+h.Escalated, sum.Closed+h.Closed, sum.OnTime+h.OnTime
	}
	return sum, handlers, nil
}

// TaskKinds counts the open tasks in scope by what is to be done; each is as many as
// Tasks lists of that kind.
func (s *Store) TaskKinds(ctx context.Context, scope TaskScope) (map[casework.TaskKind]int, error) {
	var rows []struct {
		Kind  casework.TaskKind `db:"kind"`
		Count int               `db:"n"`
	}
	inScope, args := scope.Cases.where(3)
	err := s.db.SelectContext(ctx, &rows, `
		SELECT t.kind, count(*) AS n
		FROM tasks t JOIN cases c ON c.number = t.case_number JOIN regions r ON r.code = c.region_code
		WHERE t.closed_at IS NULL AND t.organisation_id = $1 AND t.owner = $2 AND `+inScope+` GROUP BY t.kind`,
		append([]any{scope.OrganisationID, string(scope.Owner)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("count kinds of tasks: %w", err)
	}
	counts := make(map[casework.TaskKind]int, len(rows))
	for _, row := range rows {
		counts[row.Kind] = row.Count
	}
	return counts, nil
}
