package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/web"
)

// boards is a web.Board that answers with what it was given, and keeps what it was
// asked.
type boards struct {
	board  commands.BoardView
	load   commands.WorkloadView
	checks commands.SpotCheckPage
	asked  []string
}

func (b *boards) ViewBoard(_ context.Context, actor casework.Actor, region string) (commands.BoardView, error) {
	b.asked = append(b.asked, region)
	if !actor.Has(casework.RoleSupervisor) {
		return commands.BoardView{}, casework.Forbidden("not_allowed", "no")
	}
	if region == "419001000000" {
		return commands.BoardView{}, &casework.Error{Code: casework.CodeNotFound, Reason: "region_not_found", Detail: "no"}
	}
	return b.board, nil
}

func (b *boards) ViewWorkload(context.Context, casework.Actor, int64) (commands.WorkloadView, error) {
	return b.load, nil
}

func (b *boards) ListSpotChecks(context.Context, casework.Actor, store.CaseCursor, int) (commands.SpotCheckPage, error) {
	return b.checks, nil
}

var _ web.Board = (*boards)(nil)

func weeksOf(opened, closed int) []store.WeekCount {
	weeks := make([]store.WeekCount, store.BoardWeeks)
	for i := range weeks {
		weeks[i].Monday = casework.DateOf(now).AddDays(7*(i-store.BoardWeeks) + 5)
	}
	weeks[3].Opened, weeks[5].Closed = opened, closed
	return weeks
}

// city is the board of a city, with names as long as they get and one that is markup.
func city() commands.BoardView {
	long := strings.Repeat("长", 200)
	return commands.BoardView{
		Board: store.Board{
			Region: store.BoardRegion{Code: "410400000000", Name: "平顶山市", ParentCode: "410000000000", Overdue: 6},
			Above:  []store.BoardRegion{{Code: "410000000000", Name: "河南省", Overdue: 9}},
			Below: []store.BoardRegion{
				{Code: "410402000000", Name: "新华区", ParentCode: "410400000000", Overdue: 3},
				{Code: "410411000000", Name: long, ParentCode: "410400000000", Overdue: 2},
				{Code: "410403000000", Name: "卫东区", ParentCode: "410400000000"},
				{Code: "410402001000", Name: "曙光街街道", ParentCode: "410402000000", Overdue: 1},
			},
			Load:   store.Load{Open: 12, Overdue: 6, Soon: 2, Unclaimed: 4, Escalated: 1, Closed: 8, OnTime: 7},
			Stages: []store.StageCount{{Stage: casework.StageVerification, Count: 5}, {Stage: casework.StageRectification, Count: 7}},
			Departments: []store.DepartmentLoad{
				{ID: 7, Name: long + "<script>alert(1)</script>", RegionName: "新华区", Load: store.Load{Open: 5, Overdue: 3, Closed: 1000, OnTime: 999}},
				{ID: 8, Name: "新华区公安分局", RegionName: "新华区", Load: store.Load{Open: 1}},
			},
			More: 3, Weeks: weeksOf(12, 8),
		},
		Waiting: []commands.Waiting{{Kind: casework.TaskDecideExtension, Count: 2}, {Kind: casework.TaskSupervise, Count: 1}},
	}
}

func hrefs(within *html.Node) map[string]string {
	found := map[string]string{}
	for n := range within.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" {
			href, _ := attribute(n, "href")
			found[href] = words(n)
		}
	}
	return found
}

func TestBoard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fake := &boards{board: city()}
	b.office.Board = fake
	b.signIn(lin)
	p := b.get("/board?region=410400000000")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, []string{"410400000000"}, fake.asked)
	require.NotContains(t, p.text, "<script>alert")
	require.Equal(t, "督办 · 平顶山市", words(p.one(t, "h1")))
	require.Equal(t, "督办", words(p.one(t, "nav", "class", "g-nav").FirstChild.NextSibling.FirstChild.NextSibling), "it is the first place")

	links := hrefs(p.one(t, "main"))
	for href, label := range map[string]string{
		"/tasks?kind=decide_extension":                         "2 延期待审批",
		"/tasks?kind=supervise":                                "1 督办到本机构",
		"/overdue?region=410400000000":                         "6 超期",
		"/cases?due=soon&open=true&region=410400000000":        "2 3 天内到期",
		"/cases?escalated=true&open=true&region=410400000000":  "1 督办中",
		"/cases?handler=none&open=true&region=410400000000":    "4 无人领取",
		"/cases?open=true&region=410400000000":                 "12 在办",
		"/cases?region=410400000000&stage=rectification":       "7",
		"/cases?department=7&overdue=true&region=410400000000": "3",
		"/cases?department=8&open=true&region=410400000000":    "1",
		"/board?region=410402000000":                           "新华区",
		"/board?region=410402001000":                           "曙光街街道",
		"/board?region=410000000000":                           "河南省",
		"/workload?department=8":                               "新华区公安分局",
	} {
		require.Equal(t, label, links[href], href)
	}
	require.Len(t, p.all("details"), 1, "what is below the next level is folded")
	require.Contains(t, words(p.one(t, "main")), "近 30 天办结 8 件，按期 7 件，按期率 87%")
	rows := p.one(t, "table", "class", "g-load")
	require.Contains(t, words(rows), "1,000 99%", "what is not all is not shown as all")
	require.Contains(t, words(p.one(t, "main")), "还有 3 个部门没有列出")

	var answers []string
	for _, caption := range p.all("figcaption") {
		answers = append(answers, words(caption))
	}
	require.Equal(t, []string{
		"超期案件最多的是新华区：3 件", "近 12 周立案 12 件，办结 8 件，少办结 4 件", "在办案件最多的在整改环节：12 件中的 7 件",
	}, answers)
	overdue := words(p.one(t, "table", "id", "table-overdue"))
	require.Contains(t, overdue, "新华区3")
	require.Contains(t, overdue, "平顶山市（本级）1", "the lines add up")
	require.NotContains(t, overdue, "卫东区")
	for _, plot := range p.all("div", "class", "g-chart-plot") {
		hidden, _ := attribute(plot, "aria-hidden")
		require.Equal(t, "true", hidden, "the table is its text")
		table, _ := attribute(plot, "data-table")
		require.NotEmpty(t, p.all("table", "id", table))
	}
	require.Contains(t, p.text, "/vendor/echarts.simple.min.js")
	require.Equal(t, http.StatusNotFound, b.get("/board?region=419001000000").StatusCode)
	require.NotContains(t, b.get("/tasks").text, "echarts", "no other page loads it")

	en := b.do(http.MethodGet, "/board", nil, "Accept-Language", "en")
	require.Len(t, en.all(""), len(p.all("")), "the same in English")
	require.Contains(t, words(en.one(t, "main")), "Most overdue cases are in 新华区: 3")
	b.signIn(chen)
	require.Equal(t, http.StatusForbidden, b.get("/board").StatusCode)
}

func TestBoardAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fake := &boards{}
	b.office.Board = fake
	b.signIn(lin)
	below := func(counts ...int) (regions []store.BoardRegion) {
		for i, n := range counts {
			regions = append(regions, store.BoardRegion{Code: "41040" + string(rune('1'+i)), Name: string(rune('A' + i)), ParentCode: "410400", Overdue: n})
		}
		return regions
	}
	for _, c := range []struct {
		overdue        int
		below          []store.BoardRegion
		opened, closed int
		answers        []string
	}{
		{overdue: 4, below: below(2, 2), opened: 3, closed: 3, answers: []string{"超期案件最多的不止一个地区，各 2 件", "近 12 周立案和办结一样多，都是 3 件"}},
		{overdue: 6, below: below(1, 2), opened: 1, closed: 3, answers: []string{"超期案件最多的在市本级：3 件", "近 12 周立案 1 件，办结 3 件，多办结 2 件"}},
		{overdue: 4, below: below(2, 0), answers: []string{"超期案件最多的不止一个地区，各 2 件", "近 12 周没有立案，也没有办结"}},
		{overdue: 2, answers: []string{"近 12 周没有立案，也没有办结"}},
	} {
		fake.board = commands.BoardView{Board: store.Board{
			Region: store.BoardRegion{Code: "410400", Name: "市", Overdue: c.overdue}, Below: c.below, Weeks: weeksOf(c.opened, c.closed),
		}}
		var answers []string
		for _, caption := range b.get("/board").all("figcaption") {
			answers = append(answers, words(caption))
		}
		require.Equal(t, c.answers, answers)
	}
}

func TestBoardOfNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.Board = &boards{board: commands.BoardView{Board: store.Board{Region: store.BoardRegion{Code: "1", Name: "甲村"}, Weeks: weeksOf(0, 0)}}}
	b.signIn(lin)
	p := b.get("/board")
	require.Equal(t, http.StatusOK, p.StatusCode)
	text := words(p.one(t, "main"))
	for _, part := range []string{"没有等本机构决定或办理的事项", "没有下级地区", "这个地区没有在办的案件", "近 30 天没有办结的案件"} {
		require.Contains(t, text, part)
	}
	require.Len(t, p.all("figure"), 1)
}

func TestWorkload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.Board = &boards{load: commands.WorkloadView{
		Department: store.Organisation{ID: 1, Name: "湛河区自然资源局", RegionName: "湛河区", RegionCode: "410411000000"},
		Load:       store.Load{Open: 5, Overdue: 2, Unclaimed: 1, Closed: 4, OnTime: 4},
		Handlers:   []store.HandlerLoad{{UserID: 11, Name: "陈禾溪", Load: store.Load{Open: 4, Overdue: 2, Closed: 4, OnTime: 4}}, {Load: store.Load{Open: 1, Unclaimed: 1}}},
	}}
	b.signIn(tao)
	p := b.get("/workload")
	require.Equal(t, http.StatusOK, p.StatusCode)
	links := hrefs(p.one(t, "main"))
	require.Equal(t, "4", links["/cases?department=1&handler=11&open=true"])
	require.Equal(t, "2", links["/cases?department=1&handler=11&overdue=true"])
	require.Equal(t, "1", links["/cases?department=1&handler=none&open=true"])
	require.Equal(t, "5", links["/cases?department=1&open=true"])
	require.Contains(t, words(p.one(t, "main")), "无人领取")
	require.Contains(t, words(p.one(t, "tfoot")), "100%")
	require.NotContains(t, links, "/board?region=410411000000", "a head of a department has no board")
	require.Contains(t, words(p.one(t, "nav", "class", "g-nav")), "工作量")
	require.Equal(t, http.StatusNotFound, b.get("/workload?department=x").StatusCode)
	b.signIn(chen)
	require.NotContains(t, words(b.get("/tasks").one(t, "nav", "class", "g-nav")), "工作量")
}

func TestSpotChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fake := &boards{}
	b.office.Board = fake
	b.signIn(lin)
	require.Contains(t, words(b.get("/spot-checks").one(t, "div", "class", "g-empty")), "没有等待抽查的案件")
	drawn := store.RecordedEvent{Event: casework.Event{At: now}}
	fake.checks = commands.SpotCheckPage{
		Checks: []commands.SpotCheck{
			{
				Case: store.Case{Number: number(1), MatterName: "不动产转移登记", DepartmentName: "湛河区自然资源局"}, Drawn: &drawn,
				Reasons: []casework.SpotCheckReason{casework.CheckIntegrity, casework.CheckEscalated}, Barred: []string{"苏景行", "温如是"},
			},
			{Case: store.Case{Number: number(2)}, Blocked: casework.Forbidden("acted_before", "no")},
		},
		Next: &store.CaseCursor{Number: number(2)},
	}
	p := b.get("/spot-checks")
	rows := p.all("tr")[1:]
	require.Len(t, rows, 2)
	require.Contains(t, words(rows[0]), "涉及勤政廉洁、曾被督办")
	require.Contains(t, words(rows[0]), "苏景行、温如是")
	require.Contains(t, words(rows[0]), "2026-11-25 10:00")
	require.Equal(t, "登记抽查 "+number(1), hrefs(rows[0])["/cases/"+number(1)+"#form-record-spot-check"])
	require.Contains(t, words(rows[1]), "您办理过本案，不得抽查（第十条）")
	require.NotContains(t, hrefs(rows[1]), "/cases/"+number(2)+"#form-record-spot-check")
	require.Len(t, p.all("a", "rel", "next"), 1)
}

func TestTasksOfOneKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(lin)
	p := b.get("/tasks?kind=decide_extension")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, []casework.TaskKind{casework.TaskDecideExtension}, b.office.asked.Kinds)
}
