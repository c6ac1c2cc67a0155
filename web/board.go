package web

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// Board is what the pages of supervision ask.
type Board interface {
	ViewBoard(ctx context.Context, actor casework.Actor, regionCode string) (commands.BoardView, error)
	ViewWorkload(ctx context.Context, actor casework.Actor, departmentID int64) (commands.WorkloadView, error)
	ListSpotChecks(ctx context.Context, actor casework.Actor, after store.CaseCursor, limit int) (commands.SpotCheckPage, error)
}

const (
	boardPath      = "/board"
	workloadPath   = "/workload"
	spotChecksPath = "/spot-checks"
)

type boardPage struct {
	frame

	Region      string
	Above       []treeRegion
	Below       []treeRegion
	Waiting     []boardNumber
	Numbers     []boardNumber
	Departments []loadRow
	More        int // departments that are not listed
	Closed      string
	Charts      []chart

	loadColumns
}

// treeRegion is a region of the tree, with those right below it.
type treeRegion struct {
	Name, Path, Link string
	Overdue          int
	Below            []treeRegion
}

// boardNumber is a number with the list behind it.
type boardNumber struct {
	Label, Path string
	Count       int
	Alarming    bool // more than none is bad
}

// loadColumns are the heads of a table of workload.
type loadColumns struct {
	ByDepartment bool // or by person, where nobody has a line of its own
	SoonDays     int
	Days         int // in which closed cases are counted
}

// loadRow is a department, or a person, with what they have to do.
type loadRow struct {
	Name, Region, Path  string
	Open, Overdue, Soon boardNumber
	Unclaimed           *boardNumber // nil for a person
	Closed              int
	OnTime              string
}

// showBoard answers GET /board?region=.
func showBoard(v *visit) error {
	view, err := v.site.Commands.ViewBoard(v.Request().Context(), v.user.Actor, v.QueryParam("region"))
	if err != nil {
		return err
	}
	p := boardPage{
		frame: v.frame(v.say.T("board.title"), boardPath), Region: view.Region.Name, More: view.More,
		Closed: v.closedWords(view.Load), loadColumns: loadColumns{ByDepartment: true, SoonDays: store.SoonDays, Days: store.BoardDays},
	}
	for _, r := range view.Above {
		p.Above = append(p.Above, treeRegionOf(r))
	}
	p.Below = treeBelow(view.Below, view.Region.Code)
	for _, w := range view.Waiting {
		p.Waiting = append(p.Waiting, boardNumber{Label: v.say.T("waiting." + string(w.Kind)), Path: "/tasks?kind=" + string(w.Kind), Count: w.Count})
	}
	in := listOf(view.Region.Code)
	p.Numbers = []boardNumber{
		{Label: v.say.T("board.overdue"), Path: in("/overdue"), Count: view.Load.Overdue, Alarming: true},
		{Label: v.say.T("board.soon", "Count", store.SoonDays), Path: in("/cases", "open", "true", "due", "soon"), Count: view.Load.Soon},
		{Label: v.say.T("board.escalated"), Path: in("/cases", "open", "true", "escalated", "true"), Count: view.Load.Escalated},
		{Label: v.say.T("board.unclaimed"), Path: in("/cases", "open", "true", "handler", "none"), Count: view.Load.Unclaimed},
		{Label: v.say.T("board.open"), Path: in("/cases", "open", "true"), Count: view.Load.Open},
	}
	for _, d := range view.Departments {
		of := listOf(view.Region.Code, "department", strconv.FormatInt(d.ID, 10))
		row := v.loadRow(d.Load, of)
		row.Name, row.Region, row.Path = d.Name, d.RegionName, workloadOf(d.ID)
		row.Unclaimed = &boardNumber{Path: of("/cases", "open", "true", "handler", "none"), Count: d.Unclaimed}
		p.Departments = append(p.Departments, row)
	}
	p.Charts = v.chartsOf(view.Board)
	return v.render(http.StatusOK, "board", p)
}

type workloadPage struct {
	frame

	Department string
	Region     string
	Board      string // the board to go back to; empty for who has none
	Rows       []loadRow
	Sum        loadRow

	loadColumns
}

// showWorkload answers GET /workload?department=; without a department, the person's
// own.
func showWorkload(v *visit) error {
	var id int64
	if word := v.QueryParam("department"); word != "" {
		var err error
		if id, err = strconv.ParseInt(word, 10, 64); err != nil {
			return &casework.Error{Code: casework.CodeNotFound, Reason: "organisation_not_found", Detail: "there is no such department"}
		}
	}
	view, err := v.site.Commands.ViewWorkload(v.Request().Context(), v.user.Actor, id)
	if err != nil {
		return err
	}
	place := workloadPath
	if view.OnBoard {
		place = boardPath
	}
	department := strconv.FormatInt(view.Department.ID, 10)
	p := workloadPage{
		frame: v.frame(v.say.T("workload.title"), place), Department: view.Department.Name, Region: view.Department.RegionName,
		loadColumns: loadColumns{SoonDays: store.SoonDays, Days: store.BoardDays}, Sum: v.loadRow(view.Load, listOf("", "department", department)),
	}
	if view.OnBoard {
		p.Board = listOf(view.Department.RegionCode)(boardPath)
	}
	for _, h := range view.Handlers {
		handler := "none"
		if h.UserID != 0 {
			handler = strconv.FormatInt(h.UserID, 10)
		}
		row := v.loadRow(h.Load, listOf("", "department", department, "handler", handler))
		if row.Name = h.Name; h.UserID == 0 {
			row.Name = v.say.T("row.nobody")
		}
		p.Rows = append(p.Rows, row)
	}
	return v.render(http.StatusOK, "workload", p)
}

// loadRow gives the numbers of somebody with the lists behind them.
func (v *visit) loadRow(l store.Load, in func(path string, query ...string) string) loadRow {
	return loadRow{
		Open:    boardNumber{Path: in("/cases", "open", "true"), Count: l.Open},
		Overdue: boardNumber{Path: in("/cases", "overdue", "true"), Count: l.Overdue, Alarming: true},
		Soon:    boardNumber{Path: in("/cases", "open", "true", "due", "soon"), Count: l.Soon},
		Closed:  l.Closed, OnTime: v.onTime(l),
	}
}

// onTime is the share that was closed on time, as a percentage rounded down: what is
// not all is never shown as all.
func (v *visit) onTime(l store.Load) string {
	if l.Closed == 0 {
		return v.say.T("board.no_rate")
	}
	return strconv.Itoa(int(math.Floor(100*float64(l.OnTime)/float64(l.Closed)))) + "%"
}

func (v *visit) closedWords(l store.Load) string {
	if l.Closed == 0 {
		return v.say.T("board.closed_none", "Days", store.BoardDays)
	}
	return v.say.T("board.closed", "Days", store.BoardDays, "Closed", l.Closed, "OnTime", l.OnTime, "Rate", v.onTime(l))
}

// listOf gives the addresses of lists that are narrowed to a region, and as the query
// says; an empty region narrows nothing.
func listOf(region string, query ...string) func(path string, more ...string) string {
	return func(path string, more ...string) string {
		values := url.Values{}
		if region != "" {
			values.Set("region", region)
		}
		for _, pairs := range [][]string{query, more} {
			for i := 0; i+1 < len(pairs); i += 2 {
				values.Set(pairs[i], pairs[i+1])
			}
		}
		return path + "?" + values.Encode()
	}
}

func workloadOf(department int64) string {
	return workloadPath + "?department=" + strconv.FormatInt(department, 10)
}

func treeRegionOf(r store.BoardRegion) treeRegion {
	in := listOf(r.Code)
	return treeRegion{Name: r.Name, Path: in(boardPath), Link: in("/overdue"), Overdue: r.Overdue}
}

// treeBelow hangs regions under their parents.
func treeBelow(all []store.BoardRegion, parent string) []treeRegion {
	var below []treeRegion
	for _, r := range all {
		if r.ParentCode == parent {
			child := treeRegionOf(r)
			child.Below = treeBelow(all, r.Code)
			below = append(below, child)
		}
	}
	return below
}
