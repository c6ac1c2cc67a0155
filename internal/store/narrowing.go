package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// DueBucket says how much time there is still.
type DueBucket string

// The buckets, by the last day of a deadline. Soon and week hold what is due
// today as well; nothing but overdue holds what is late.
const (
	DueOverdue DueBucket = "overdue"
	DueToday   DueBucket = "today"
	DueSoon    DueBucket = "soon" // within three days
	DueWeek    DueBucket = "week" // within seven days
	DueLater   DueBucket = "later"
	DueNone    DueBucket = "none" // no clock runs, or it is paused
)

// DueBuckets lists the buckets, the most pressing first.
func DueBuckets() []DueBucket {
	return []DueBucket{DueOverdue, DueToday, DueSoon, DueWeek, DueLater, DueNone}
}

// daysOf is the number of days behind today on which a bucket ends.
var daysOf = map[DueBucket]int{DueToday: 0, DueSoon: 3, DueWeek: 7}

// Narrowing chooses among the cases in scope. Its zero value chooses all; what it
// names is asked together.
type Narrowing struct {
	Stages       []casework.Stage    // any of these
	Kinds        []casework.TaskKind // of an open task; any of these
	Due          DueBucket
	Levels       []casework.AdminLevel // of the region of the case; any of these
	RegionCode   string                // and what lies below it
	DepartmentID int64
	MatterCode   string
	Channels     []casework.Channel // any of these
	Aspects      []casework.Aspect  // any of these
	HandlerID    int64
	Unclaimed    bool // nobody has the case
	Open         bool // its life goes on
	Overdue      bool
	Escalated    bool
	Reopened     bool
	// Words must each be part of the number, the matter, the department or what the
	// citizen said; see SearchWords.
	Words []string
}

// The tables that conditions may need beside cases c.
const (
	joinRegions  = "JOIN regions r ON r.code = c.region_code"
	joinReviews  = "JOIN reviews v ON v.id = c.review_id"
	joinMatters  = "JOIN matters m ON m.code = c.matter_code"
	joinOwners   = "JOIN organisations d ON d.id = c.department_id"
	joinedSearch = "JOIN case_search s ON s.case_number = c.number"
)

// narrow adds what a narrowing asks. The deadline of what is listed is due; each
// case is held against its own now.
func (s *Store) narrow(ctx context.Context, q *listing, scope Scope, n Narrowing, due string, now time.Time) error {
	if len(n.Stages) > 0 {
		q.add("c.stage = ANY ($%d)", stringsOf(n.Stages))
	}
	if len(n.Kinds) > 0 {
		if q.of == ViewedTasks {
			q.add("t.kind = ANY ($%d)", stringsOf(n.Kinds))
		} else {
			q.add("EXISTS (SELECT FROM tasks k WHERE k.case_number = c.number AND k.closed_at IS NULL AND k.kind = ANY ($%d))", stringsOf(n.Kinds))
		}
	}
	if n.Due != "" {
		q.narrowDue(n.Due, due, now)
	}
	if len(n.Levels) > 0 {
		q.need(joinRegions)
		q.add("r.level = ANY ($%d)", stringsOf(n.Levels))
	}
	if n.RegionCode != "" {
		depth, err := s.depthOf(ctx, n.RegionCode)
		if err != nil {
			return err
		}
		q.within(Scope{RegionCode: n.RegionCode, Depth: depth})
	}
	if n.DepartmentID != 0 {
		q.add("c.department_id = $%d", n.DepartmentID)
	}
	if n.MatterCode != "" {
		q.add("c.matter_code = $%d", n.MatterCode)
	}
	if len(n.Channels) > 0 {
		q.need(joinReviews)
		q.add("v.channel = ANY ($%d)", stringsOf(n.Channels))
	}
	if len(n.Aspects) > 0 {
		q.need(joinReviews)
		q.add("v.aspects && $%d", stringsOf(n.Aspects))
	}
	if n.HandlerID != 0 {
		q.add("c.handler_id = $%d", n.HandlerID)
	}
	for _, flag := range []struct {
		set       bool
		condition string
	}{
		{n.Unclaimed, "c.handler_id IS NULL"},
		{n.Open, "c.due_order < 'infinity'"},
		{n.Overdue, "c.overdue_since IS NOT NULL"},
		{n.Escalated, "c.escalation_steps IS NOT NULL"},
		{n.Reopened, "c.reopenings > 0"},
	} {
		if flag.set {
			q.add(flag.condition)
		}
	}
	q.search(scope, n)
	return nil
}

// narrowDue compares a deadline with each case's own now, which is the server's
// but for cases that were fast-forwarded in a demo.
func (q *listing) narrowDue(bucket DueBucket, due string, now time.Time) {
	own := "(" + due + " - make_interval(secs => c.clock_offset_secs))"
	if bucket == DueNone {
		q.add("(" + due + " IS NULL OR c.paused_at IS NOT NULL)")
		return
	}
	q.add("c.paused_at IS NULL")
	switch bucket {
	case DueOverdue:
		q.add(own+" <= $%d", now)
	case DueLater:
		q.add(own+" > $%d", endOfDay(now, daysOf[DueWeek]))
	default:
		q.add(own+" > $%d AND "+own+" <= $%d", now, endOfDay(now, daysOf[bucket]))
	}
}

// endOfDay is 24:00 in China so many days behind today.
func endOfDay(now time.Time, days int) time.Time {
	y, m, d := now.In(casework.China()).Date()
	return time.Date(y, m, d+days+1, 0, 0, 0, 0, casework.China())
}

// search adds that every word is found. The tokens find the cases that may have
// it; a word that is a token itself is found by that, and of any other what stands in
// them decides. The tokens of scope and filters make the index look at nothing else.
func (q *listing) search(scope Scope, n Narrowing) {
	if len(n.Words) == 0 {
		return
	}
	q.need(joinedSearch)
	var tokens pq.StringArray
	for _, word := range n.Words {
		tokens = append(tokens, searchTokens(word)...)
	}
	for _, code := range []string{scope.RegionCode, n.RegionCode} {
		if code != "" {
			tokens = append(tokens, "@"+code)
		}
	}
	for _, id := range []int64{scope.DepartmentID, n.DepartmentID} {
		if id != 0 {
			tokens = append(tokens, fmt.Sprintf("#%d", id))
		}
	}
	q.add("s.tokens @> $%d", tokens)
	for _, word := range n.Words {
		if isToken(word) {
			continue
		}
		q.need(joinReviews, joinMatters, joinOwners)
		q.add(`(strpos(search_fold(v.words), $%[1]d) > 0 OR strpos(search_fold(m.name), $%[1]d) > 0
			OR strpos(search_fold(d.name), $%[1]d) > 0 OR strpos(search_fold(c.number), $%[1]d) > 0)`, word)
	}
}

// depthOf is how far below the top a region stands; 0 when there is no such
// region.
func (s *Store) depthOf(ctx context.Context, code string) (int, error) {
	var depth int
	err := s.db.GetContext(ctx, &depth, `SELECT cardinality(path) FROM regions WHERE code = $1`, code)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("region %s: %w", code, err)
	}
	return depth, nil
}

// MostCounted is where counting ends: a list that is longer is said to have more
// than that.
const MostCounted = 10_000

// Uncounted stands for a count that could not be had in time: lists are good without.
const Uncounted = -1

// count counts each of several lists in one statement, to MostCounted + 1 at most. It
// takes little time, or leaves all of them Uncounted.
func (s *Store) count(ctx context.Context, queries []*listing) ([]int, error) {
	if len(queries) == 0 {
		return nil, nil
	}
	var parts []string
	var args []any
	for i, q := range queries {
		// The places of each begin where those of the one before end.
		tail := shiftPlaces(q.tail(), len(args))
		parts = append(parts, fmt.Sprintf("SELECT %d AS place, count(*) AS found FROM (SELECT 1%s LIMIT %d) AS part", i, tail, MostCounted+1))
		args = append(args, q.args...)
	}
	var counted []int
	err := s.bounded(ctx, countPatience, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &counted, `SELECT found FROM (`+strings.Join(parts, " UNION ALL ")+`) AS counts ORDER BY place`, args...)
	})
	if _, late := casework.AsError(err); late {
		return slices.Repeat([]int{Uncounted}, len(queries)), nil
	}
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	return counted, nil
}
