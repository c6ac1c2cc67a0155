package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// The regions of the tests. 济源 and 汝州 answer to the province, whatever their codes
// look like.
const (
	henan      = "410000000000"
	pingding   = "410400000000" // 平顶山市
	xinhua     = "410402000000" // of it
	zhanhe     = "410411000000" // of it
	ruzhou     = "410482000000" // a code like one of 平顶山, and not of it
	jiyuan     = "419001000000"
	zhengzhou  = "410100000000"
	townOfOurs = "410411200000" // 曹镇乡, of 湛河区
)

// boardNow is a Wednesday morning in China, before the last day of anything below.
var boardNow = time.Date(2026, 11, 25, 10, 0, 0, 0, casework.China())

// scattered is a store with the cases of the samples all over the province, in every
// stage, late and not, with people and without, some with a now of their own. The
// seed is fixed, so that a failure comes back.
func scattered(t *testing.T) bundle {
	t.Helper()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	b.importFile("gbt39046", "gbt39046-2026-11.gb18030.csv")
	cases, err := b.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: 200})
	require.NoError(t, err)
	require.Len(t, cases, 83)
	users, err := b.DemoUsers(t.Context())
	require.NoError(t, err)
	owner := b.owner()
	random := rand.New(rand.NewPCG(2026, 11)) //nolint:gosec // a fixed seed
	places := []string{henan, pingding, xinhua, zhanhe, zhanhe, townOfOurs, ruzhou, ruzhou, jiyuan, zhengzhou}
	chance := func(n int) bool { return random.IntN(n) == 0 }
	for _, c := range cases {
		stage := casework.Stages()[random.IntN(len(casework.Stages()))]
		var deadline, paused, overdue, closed *time.Time
		var handler, escalated *int64
		var onTime *bool
		offset := time.Duration(0)
		if chance(6) {
			offset = time.Duration(random.IntN(40*24)) * time.Hour
		}
		own := boardNow.Add(offset)
		if !stage.Closed() {
			at := casework.DateOf(own).AddDays(random.IntN(14) - 6).End()
			deadline = &at
			switch {
			case !at.After(own):
				overdue = &at
			case chance(5):
				paused = &own
			}
			if chance(4) {
				steps := int64(random.IntN(3))
				escalated = &steps
			}
		} else if stage == casework.StageClosed || stage == casework.StageSpotCheck || stage == casework.StageArchived {
			at, good := own.AddDate(0, 0, -random.IntN(110)).Add(-time.Minute), !chance(3)
			closed, onTime = &at, &good
		}
		if !chance(3) {
			handler = &users[random.IntN(len(users))].ID
		}
		_, err := owner.ExecContext(t.Context(), `
			UPDATE cases SET region_code = $2, stage = $3, deadline_at = $4, paused_at = $5, overdue_since = $6, handler_id = $7, escalation_steps = $8,
				closed_at = $9, closed_on_time = $10, clock_offset_secs = $11, opened_at = $12
			WHERE number = $1`,
			c.Number, places[random.IntN(len(places))], string(stage), deadline, paused, overdue, handler, escalated, closed, onTime,
			int64(offset/time.Second), own.AddDate(0, 0, -random.IntN(110)).Add(-time.Minute))
		require.NoError(t, err)
	}
	return b
}

// listed counts a list in a scope: what the store's own list shows of it, sorted out
// by hand.
func (b bundle) listed(scope store.Scope, f store.CaseFilter, keep func(store.Case) bool) int {
	b.t.Helper()
	f.Limit = 200
	cases, err := b.Cases(b.t.Context(), scope, f)
	require.NoError(b.t, err)
	n := 0
	for _, c := range cases {
		if keep == nil || keep(c) {
			n++
		}
	}
	return n
}

// dueSoon says it in the words of the page: not late, not paused, and at most SoonDays
// left by the case's own today.
func dueSoon(c store.Case) bool {
	if c.DeadlineAt == nil || c.PausedAt != nil || c.OverdueSince != nil {
		return false
	}
	last := casework.DateOf(c.DeadlineAt.Add(-time.Nanosecond))
	return casework.DateOf(boardNow.Add(c.ClockOffset)).DaysUntil(last) <= store.SoonDays
}

func closedLately(c store.Case) bool {
	own := boardNow.Add(c.ClockOffset)
	return c.ClosedAt != nil && !c.ClosedAt.Before(own.AddDate(0, 0, -store.BoardDays))
}

// loadOf counts by the lists what the board counts by itself.
func (b bundle) loadOf(scope store.Scope, keep func(store.Case) bool) store.Load {
	b.t.Helper()
	and := func(more func(store.Case) bool) func(store.Case) bool {
		return func(c store.Case) bool { return (keep == nil || keep(c)) && (more == nil || more(c)) }
	}
	open := store.CaseFilter{Narrowing: store.Narrowing{Open: true}}
	return store.Load{
		Open:      b.listed(scope, open, and(nil)),
		Overdue:   b.listed(scope, store.CaseFilter{Narrowing: store.Narrowing{Overdue: true}}, and(nil)),
		Soon:      b.listed(scope, open, and(dueSoon)),
		Unclaimed: b.listed(scope, open, and(func(c store.Case) bool { return c.HandlerID == 0 })),
		Escalated: b.listed(scope, open, and(func(c store.Case) bool { return c.EscalationSteps != nil })),
		Closed:    b.listed(scope, store.CaseFilter{}, and(closedLately)),
		OnTime:    b.listed(scope, store.CaseFilter{}, and(func(c store.Case) bool { return closedLately(c) && *c.ClosedOnTime })),
	}
}

// TestBoardCountsWhatIsListed: each number, in each region of each scope, is the
// length of the list of its name.
func TestBoardCountsWhatIsListed(t *testing.T) {
	t.Parallel()
	b := scattered(t)
	all := b.loadOf(store.Scope{RegionCode: henan}, nil)
	for _, n := range []int{all.Open, all.Overdue, all.Soon, all.Unclaimed, all.Escalated, all.Closed, all.OnTime} {
		require.GreaterOrEqual(t, n, 4, "the scattered cases say something about each number: %+v", all)
	}
	require.Less(t, all.OnTime, all.Closed)
	for _, top := range []string{henan, pingding, zhanhe, jiyuan} {
		for _, region := range []string{henan, pingding, xinhua, zhanhe, townOfOurs, ruzhou, jiyuan, zhengzhou} {
			board, err := b.Board(t.Context(), store.Scope{RegionCode: top}, region, boardNow)
			_, path, regionErr := b.RegionByCode(t.Context(), region)
			require.NoError(t, regionErr)
			if !slices.Contains(path, top) {
				requireNotFound(t, err)
				continue
			}
			require.NoError(t, err)
			scope := store.Scope{RegionCode: region}
			require.Equal(t, b.loadOf(scope, nil), board.Load, "%s seen from %s", region, top)
			require.Equal(t, b.listed(scope, store.CaseFilter{Narrowing: store.Narrowing{Overdue: true}}, nil), board.Region.Overdue)
			// The lists behind the links, by their own conditions.
			for count, n := range map[*int]store.Narrowing{
				&board.Load.Soon: {Open: true, Due: store.DueSoon}, &board.Load.Unclaimed: {Open: true, Unclaimed: true},
				&board.Load.Escalated: {Open: true, Escalated: true}, &board.Load.Overdue: {Overdue: true},
			} {
				require.Equal(t, b.listed(scope, store.CaseFilter{Narrowing: n, Now: boardNow}, nil), *count, "%+v", n)
			}
			for _, s := range board.Stages {
				require.Equal(t, b.listed(scope, store.CaseFilter{Narrowing: store.Narrowing{Stages: []casework.Stage{s.Stage}}}, nil), s.Count, s.Stage)
			}
			for _, d := range board.Departments {
				require.Equal(t, b.loadOf(store.Scope{RegionCode: region, DepartmentID: d.ID}, nil), d.Load, d.Name)
				require.NotEmpty(t, d.Name)
			}
			requireAddsUp(t, board)
		}
	}
}

func requireNotFound(t *testing.T, err error) {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, casework.CodeNotFound, domain.Code)
}

// requireAddsUp: stages and departments are the whole, in their own way.
func requireAddsUp(t *testing.T, board store.Board) {
	t.Helper()
	stages := 0
	for _, s := range board.Stages {
		stages += s.Count
	}
	require.Equal(t, board.Load.Open, stages)
	var sum store.Load
	for _, d := range board.Departments {
		sum.Open, sum.Overdue, sum.Closed = sum.Open+d.Open, sum.Overdue+d.Overdue, sum.Closed+d.Closed
	}
	require.Zero(t, board.More)
	require.Equal(t, []int{board.Load.Open, board.Load.Overdue, board.Load.Closed}, []int{sum.Open, sum.Overdue, sum.Closed})
}

// TestBoardRollsUpByParents: what is overdue in a region is what lies in it and what
// is overdue in the regions that name it as their parent.
func TestBoardRollsUpByParents(t *testing.T) {
	t.Parallel()
	b := scattered(t)
	board, err := b.Board(t.Context(), store.Scope{RegionCode: henan}, henan, boardNow)
	require.NoError(t, err)
	require.Empty(t, board.Above)
	overdue, below := map[string]int{henan: board.Region.Overdue}, map[string]int{}
	for _, r := range board.Below {
		overdue[r.Code] = r.Overdue
		below[r.ParentCode] += r.Overdue
	}
	inItself := func(code string) int {
		return b.count(`SELECT count(*) FROM cases WHERE overdue_since IS NOT NULL AND region_code = $1`, code)
	}
	require.Equal(t, overdue[henan], inItself(henan)+below[henan])
	require.Equal(t, overdue[pingding], inItself(pingding)+below[pingding])
	require.Equal(t, overdue[zhanhe], inItself(zhanhe)+inItself(townOfOurs))
	require.Equal(t, overdue[ruzhou], inItself(ruzhou))
	require.Positive(t, overdue[ruzhou])
	require.Positive(t, overdue[jiyuan])

	parents := map[string]string{}
	for _, r := range board.Below {
		parents[r.Code] = r.ParentCode
	}
	require.Equal(t, henan, parents[jiyuan])
	require.Equal(t, henan, parents[ruzhou])
	require.Equal(t, pingding, parents[zhanhe])
	require.NotContains(t, parents, townOfOurs, "two levels and no more")

	board, err = b.Board(t.Context(), store.Scope{RegionCode: pingding}, zhanhe, boardNow)
	require.NoError(t, err)
	require.Len(t, board.Above, 1, "not above the top of the scope")
	require.Equal(t, pingding, board.Above[0].Code)
	require.Equal(t, overdue[pingding], board.Above[0].Overdue)
	require.True(t, slices.ContainsFunc(board.Below, func(r store.BoardRegion) bool { return r.Code == townOfOurs }))
	for _, r := range board.Below {
		require.NotEqual(t, ruzhou, r.Code)
	}
}

// TestBoardWeeks: weeks begin on Monday in China, twelve of them, the present one last.
func TestBoardWeeks(t *testing.T) {
	t.Parallel()
	b := scattered(t)
	board, err := b.Board(t.Context(), store.Scope{RegionCode: henan}, henan, boardNow)
	require.NoError(t, err)
	require.Len(t, board.Weeks, store.BoardWeeks)
	require.Equal(t, "2026-11-23", board.Weeks[store.BoardWeeks-1].Monday.String())
	require.Equal(t, "2026-09-07", board.Weeks[0].Monday.String())
	for _, w := range board.Weeks {
		within := func(at *time.Time, offset time.Duration) bool {
			return at != nil && !at.Add(-offset).Before(w.Monday.Start()) && at.Add(-offset).Before(w.Monday.AddDays(7).Start())
		}
		scope := store.Scope{RegionCode: henan}
		require.Equal(t, b.listed(scope, store.CaseFilter{}, func(c store.Case) bool { return within(c.OpenedAt, c.ClockOffset) }), w.Opened, w.Monday)
		require.Equal(t, b.listed(scope, store.CaseFilter{}, func(c store.Case) bool { return within(c.ClosedAt, c.ClockOffset) }), w.Closed, w.Monday)
	}
	// On a Sunday the week has not ended, on a Monday a new one has begun.
	for day, monday := range map[int]string{29: "2026-11-23", 30: "2026-11-30"} {
		board, err = b.Board(t.Context(), store.Scope{RegionCode: henan}, henan, time.Date(2026, 11, day, 0, 30, 0, 0, casework.China()))
		require.NoError(t, err)
		require.Equal(t, monday, board.Weeks[store.BoardWeeks-1].Monday.String())
	}
}

// TestBoardOfNobody: the zero scope sees nothing, and there is no region elsewhere.
func TestBoardOfNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Board(t.Context(), store.Scope{}, henan, boardNow)
	requireNotFound(t, err)
	_, err = b.Board(t.Context(), store.Scope{RegionCode: henan}, "990000000000", boardNow)
	requireNotFound(t, err)
	empty, err := b.Board(t.Context(), store.Scope{RegionCode: henan}, jiyuan, boardNow)
	require.NoError(t, err)
	require.Zero(t, empty.Load)
	require.Empty(t, empty.Departments)
	require.Empty(t, empty.Stages)
}

// TestWorkloadOfADepartment: the people of the department, idle ones too, whoever
// else has a case of it, and nobody; together all of it.
func TestWorkloadOfADepartment(t *testing.T) {
	t.Parallel()
	b := scattered(t)
	department := int64(b.count(`SELECT organisation_id FROM users WHERE username = 'zhanhe.ziran.chen'`))
	idle := int64(b.count(`SELECT id FROM users WHERE username = 'zhanhe.ziran.mi'`))
	owner := b.owner()
	_, err := owner.ExecContext(t.Context(), `UPDATE cases SET region_code = $2, department_id = $1 WHERE region_code = ANY ($3)`,
		department, zhanhe, pq.StringArray{zhanhe, xinhua, ruzhou})
	require.NoError(t, err)
	_, err = owner.ExecContext(t.Context(), `UPDATE cases SET handler_id = NULL WHERE handler_id = $1`, idle)
	require.NoError(t, err)
	scope := store.Scope{RegionCode: zhanhe, DepartmentID: department}
	sum, handlers, err := b.Workload(t.Context(), store.Scope{RegionCode: henan}, department, boardNow)
	require.NoError(t, err)
	require.Equal(t, b.loadOf(scope, nil), sum)
	require.Positive(t, sum.Overdue)
	found := map[int64]bool{}
	for _, h := range handlers {
		require.Equal(t, b.loadOf(scope, func(c store.Case) bool { return c.HandlerID == h.UserID }), h.Load, h.Name)
		require.Equal(t, h.UserID == 0, h.Name == "")
		found[h.UserID] = true
	}
	require.True(t, found[0] && found[idle], "nobody, and somebody with nothing to do")
	require.True(t, slices.IsSortedFunc(handlers, func(x, y store.HandlerLoad) int { return y.Overdue - x.Overdue }))

	none, handlers, err := b.Workload(t.Context(), store.Scope{RegionCode: jiyuan}, department, boardNow)
	require.NoError(t, err)
	require.Zero(t, none, "cases outside the scope are counted for nobody")
	require.NotEmpty(t, handlers)
}

// TestManyDepartments: the board lists the worst and says how many it does not list.
func TestManyDepartments(t *testing.T) {
	t.Parallel()
	b := scattered(t)
	owner := b.owner()
	_, err := owner.ExecContext(t.Context(), `
		WITH made AS (
			INSERT INTO organisations (kind, name, region_code, parent_id)
			SELECT 'department', 'department ' || n, a.region_code, a.id
			FROM generate_series(1, 60) n, organisations a WHERE a.kind = 'authority' AND a.region_code = $1
			RETURNING id
		), numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM made),
		chosen AS (SELECT number, row_number() OVER (ORDER BY number) AS n FROM cases LIMIT 60)
		UPDATE cases SET department_id = numbered.id, region_code = $1, stage = 'verification', closed_at = NULL, closed_on_time = NULL
		FROM numbered, chosen WHERE chosen.n = numbered.n AND cases.number = chosen.number`, jiyuan)
	require.NoError(t, err)
	board, err := b.Board(t.Context(), store.Scope{RegionCode: henan}, jiyuan, boardNow)
	require.NoError(t, err)
	require.Len(t, board.Departments, store.BoardDepartments)
	busy := map[int64]bool{}
	b.listed(store.Scope{RegionCode: jiyuan}, store.CaseFilter{}, func(c store.Case) bool {
		busy[c.DepartmentID] = busy[c.DepartmentID] || !c.Stage.Ended() || closedLately(c)
		return true
	})
	working := 0
	for _, works := range busy {
		if works {
			working++
		}
	}
	require.GreaterOrEqual(t, working, 60)
	require.Equal(t, working-store.BoardDepartments, board.More)
	require.True(t, slices.IsSortedFunc(board.Departments, func(x, y store.DepartmentLoad) int { return y.Overdue - x.Overdue }))
}

// TestTasksOfAKind: a number of what waits is the length of its list.
func TestTasksOfAKind(t *testing.T) {
	t.Parallel()
	b := scattered(t)
	authority := int64(b.count(`SELECT id FROM organisations WHERE kind = 'authority' AND region_code = $1`, zhanhe))
	owner := b.owner()
	kinds := []casework.TaskKind{casework.TaskDecideExtension, casework.TaskSupervise, casework.TaskSpotCheck}
	for i, kind := range kinds {
		_, err := owner.ExecContext(t.Context(), `
			INSERT INTO tasks (case_number, key, kind, owner, organisation_id, opened_at, closed_at)
			SELECT number, $1, $1, 'authority', $2, now(), CASE WHEN number LIKE '%3' THEN now() END FROM cases WHERE CAST(right(number, 6) AS integer) % 5 <= $3`,
			string(kind), authority, i)
		require.NoError(t, err)
	}
	scope := store.TaskScope{Cases: store.Scope{RegionCode: zhanhe}, OrganisationID: authority, Owner: casework.OwnerAuthority}
	counts, err := b.TaskKinds(t.Context(), scope)
	require.NoError(t, err)
	require.Len(t, counts, len(kinds))
	for kind, n := range counts {
		ofKind := store.Narrowing{Kinds: []casework.TaskKind{kind}}
		tasks, err := b.Tasks(t.Context(), scope, 1, store.TaskFilter{Narrowing: ofKind, View: store.TasksAll, Limit: 200})
		require.NoError(t, err)
		require.Len(t, tasks, n, kind)
		for _, task := range tasks {
			require.Equal(t, kind, task.Kind)
			require.Contains(t, task.Case.RegionPath, zhanhe)
		}
		counted, err := b.CountTasks(t.Context(), scope, 1, []store.TaskList{{Narrowing: ofKind, View: store.TasksAll}}, time.Now())
		require.NoError(t, err)
		require.Equal(t, []int{n}, counted, kind)
	}
}
