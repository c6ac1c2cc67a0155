package web

import (
	"slices"
	"strconv"

	"guiling/internal/store"
)

// chart is one question with its answer: a title that says it, a table with the
// numbers, and a picture of the table, which a script draws.
type chart struct {
	ID      string
	Kind    string // bars, or lines over time; the word that the script knows
	Answer  string
	Note    string // how it was counted; empty where the title says all
	Columns []string
	Rows    []chartRow
	// Alarming: the numbers are of what is overdue, and red.
	Alarming bool
}

// chartRow is one line of the table: what is counted, and its numbers.
type chartRow struct {
	Name  string
	Path  string // the list behind it; empty for none
	Cells []int
}

// chartsOf answers three questions: where most is overdue, whether as much is closed
// as is opened, and at which stage the open cases stand.
func (v *visit) chartsOf(b store.Board) []chart {
	var charts []chart
	if overdue := v.overdueChart(b); len(overdue.Rows) > 0 {
		charts = append(charts, overdue)
	}
	charts = append(charts, v.weekChart(b))
	if len(b.Stages) > 0 {
		charts = append(charts, v.stageChart(b))
	}
	return charts
}

// overdueChart compares the regions right below, the most first. What lies in the
// region itself and in none of them has a line of its own, so that the lines add up.
func (v *visit) overdueChart(b store.Board) chart {
	c := chart{
		ID: "overdue", Kind: "bars", Alarming: true, Note: v.say.T("chart.overdue_note"),
		Columns: []string{v.say.T("chart.region"), v.say.T("chart.overdue")},
	}
	own := b.Region.Overdue
	for _, r := range b.Below {
		if r.ParentCode == b.Region.Code && r.Overdue > 0 {
			own -= r.Overdue
			c.Rows = append(c.Rows, chartRow{Name: r.Name, Path: listOf(r.Code)("/overdue"), Cells: []int{r.Overdue}})
		}
	}
	slices.SortStableFunc(c.Rows, func(x, y chartRow) int { return y.Cells[0] - x.Cells[0] })
	if len(c.Rows) == 0 {
		return c
	}
	first := c.Rows[0]
	most := first.Cells[0]
	key := "chart.overdue_most"
	switch even := len(c.Rows) > 1 && c.Rows[1].Cells[0] == most; {
	case own > most:
		key, most, first.Name = "chart.overdue_own", own, b.Region.Name
	case even || own == most:
		key = "chart.overdue_even"
	}
	c.Answer = v.say.T(key, "Region", first.Name, "Count", most)
	if own > 0 {
		c.Rows = append(c.Rows, chartRow{Name: v.say.T("chart.own_level", "Region", b.Region.Name), Cells: []int{own}})
	}
	return c
}

func (v *visit) weekChart(b store.Board) chart {
	c := chart{
		ID: "weeks", Kind: "lines", Note: v.say.T("chart.weeks_note"),
		Columns: []string{v.say.T("chart.week"), v.say.T("chart.opened"), v.say.T("chart.closed")},
	}
	opened, closed := 0, 0
	for _, w := range b.Weeks {
		opened, closed = opened+w.Opened, closed+w.Closed
		c.Rows = append(c.Rows, chartRow{Name: w.Monday.String()[len("2006-"):], Cells: []int{w.Opened, w.Closed}})
	}
	key := "chart.weeks_even"
	switch {
	case opened == 0 && closed == 0:
		key = "chart.weeks_none"
	case opened > closed:
		key = "chart.weeks_more_opened"
	case opened < closed:
		key = "chart.weeks_more_closed"
	}
	c.Answer = v.say.T(key, "Weeks", store.BoardWeeks, "Opened", opened, "Closed", closed, "Difference", max(opened-closed, closed-opened))
	return c
}

func (v *visit) stageChart(b store.Board) chart {
	c := chart{ID: "stages", Kind: "bars", Columns: []string{v.say.T("column.stage"), v.say.T("board.open")}}
	most := store.StageCount{}
	for _, s := range b.Stages {
		if s.Count > most.Count {
			most = s
		}
		c.Rows = append(c.Rows, chartRow{
			Name: v.say.T("stage." + string(s.Stage)), Path: listOf(b.Region.Code, "stage", string(s.Stage))("/cases"), Cells: []int{s.Count},
		})
	}
	c.Answer = v.say.T("chart.stages_most", "Stage", v.say.T("stage."+string(most.Stage)), "Count", most.Count, "Open", strconv.Itoa(b.Load.Open))
	return c
}
