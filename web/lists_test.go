package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/web"
)

func number(i int) string { return fmt.Sprintf("410411-20261125-%06d", i) }

func TestInbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(chen)

	p := b.get("/tasks?view=mine")
	require.Contains(t, words(p.one(t, "div", "class", "g-empty")), "您手上没有待办")
	require.Contains(t, words(b.get("/tasks?view=unclaimed").one(t, "div", "class", "g-empty")), "没有等人领取")

	b.office.open(number(1), 0, nil) // 3 days left
	b.office.open(number(2), 3, nil) // today
	late := b.office.open(number(3), 5, func(c *store.Case) { c.Words = "<script>alert(1)</script>䶮𠮷" + strings.Repeat("长", 3000) })
	b.office.clock(late, now)
	mine := b.office.open(number(4), 1, nil)
	b.office.does(t, mine, chen, 1, casework.RecordCallback{Reached: true, Words: "说明"})

	p = b.get("/tasks")
	rows := p.all("tr")[1:]
	require.Len(t, rows, 4)
	require.Contains(t, words(rows[0]), "已超 2 天")
	require.Contains(t, words(rows[1]), "今天到期")
	require.Contains(t, words(rows[2]), "还剩 2 天")
	require.Contains(t, words(rows[2]), "我 ")
	require.Contains(t, words(rows[3]), "还剩 3 天")
	require.Contains(t, words(rows[3]), "核实")
	title, _ := attribute(p.all("span", "class", "g-due-over")[0], "title")
	require.Contains(t, title, "2026-11-23")
	require.NotContains(t, p.text, "<script>alert")
	require.Contains(t, words(rows[0]), "<script>alert(1)</script>䶮𠮷")
	views := words(p.one(t, "ul", "class", "g-views"))
	require.Equal(t, "我的 1 无人领取 3 全部 4", views)
	require.Len(t, claims(p), 3, "one claim for each case that nobody has")

	require.Equal(t, http.StatusUnprocessableEntity, b.get("/tasks?view=odd").StatusCode)
	p = b.get("/tasks?q=12000000001")
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, words(p.one(t, "main", "id", "main")), "不能按电话号码或证件号码查找")
	require.Equal(t, http.StatusBadRequest, b.get("/tasks?cursor=%25%25").StatusCode)
}

func TestInboxPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(chen)
	for i := range 60 {
		b.office.open(number(i), 0, nil)
	}
	p := b.get("/tasks?view=unclaimed")
	require.Len(t, p.all("tr"), 51)
	next, _ := attribute(p.one(t, "a", "rel", "next"), "href")
	require.Contains(t, next, "view=unclaimed")
	p = b.get(next)
	require.Len(t, p.all("tr"), 11)
	require.Empty(t, p.all("a", "rel", "next"))
	require.Len(t, p.all("a", "href", "/tasks?view=unclaimed"), 2, "the view and the first page")
}

func TestInboxClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(chen)
	b.office.open(number(1), 0, nil)
	form := claims(b.get("/tasks"))[0]
	path, _ := attribute(form, "action")
	sent := formOf(form)
	p := b.do(http.MethodPost, path, sent)
	require.Equal(t, http.StatusSeeOther, p.StatusCode)
	require.Contains(t, words(b.get(p.Header.Get("Location")).one(t, "div", "role", "status")), "已领取")

	b.newBrowser()
	b.signIn(lu)
	sent.Set("key", "another")
	sent.Set("version", "2")
	p = b.do(http.MethodPost, path, sent)
	require.Equal(t, http.StatusConflict, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "案件已由陈禾溪领取", "who comes second is told who has it")
	sent.Set("version", "1") // as the list showed it
	p = b.do(http.MethodPost, path, sent)
	require.Equal(t, http.StatusPreconditionFailed, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "案件已由陈禾溪领取", "and not only that it changed")
}

func TestInboxOfAnAuthority(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "extension")
	b.signIn(lin)
	p := b.get("/tasks")
	require.Len(t, p.all("tr"), 2)
	require.Contains(t, words(p.all("tr")[1]), "审批延期")
	require.Empty(t, p.all("ul", "class", "g-views"), "one view is no choice")
	require.Empty(t, claims(p), "nobody claims a decision")
}

func TestInboxOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(gu)
	require.Equal(t, http.StatusForbidden, b.get("/tasks").StatusCode)
	require.Equal(t, http.StatusForbidden, b.get("/overdue").StatusCode)
	b.signIn(ji)
	require.Equal(t, http.StatusForbidden, b.get("/cases").StatusCode)
	b.signIn(chen)
	p := b.get("/events")
	require.Equal(t, http.StatusForbidden, p.StatusCode)
	require.Len(t, p.all("main"), 1)
}

func TestCasesAndOverdue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(lin)
	require.Contains(t, words(b.get("/overdue").one(t, "div", "class", "g-empty")), "没有超期案件")
	b.office.open(number(1), 0, nil)
	late := b.office.open(number(2), 8, nil)
	b.office.clock(late, now)

	p := b.get("/overdue")
	require.Len(t, p.all("tr"), 2)
	require.Contains(t, words(p.all("tr")[1]), "已超 5 天")
	require.Contains(t, words(p.all("tr")[1]), "上一级机构")

	require.Len(t, b.get("/cases").all("tr"), 3)
	require.Len(t, b.get("/cases?overdue=true&open=true").all("tr"), 2)
	p = b.get("/cases?stage=verification")
	require.Equal(t, "核实 去掉条件：核实", words(p.one(t, "li", "class", "g-chip")))
	require.Len(t, b.get("/cases?stage=archived").all("div", "class", "g-empty"), 1)
	require.Equal(t, "/cases/"+number(2), b.get("/cases?q=%20"+number(2)).Header.Get("Location"))
	require.Equal(t, http.StatusOK, b.get("/cases?q=../../x").StatusCode, "not a number: words")
}

func TestEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(gu)
	c := b.office.open(number(1), 1, nil)
	b.office.does(t, c, chen, 1, casework.RecordCallback{Reached: true, Words: "说明"})
	p := b.get("/events")
	require.Len(t, p.all("tr"), 4)
	require.Contains(t, words(p.one(t, "table")), "department-verifies")
	require.Contains(t, words(p.one(t, "table")), "陈禾溪")
	require.Len(t, b.get("/events?kind=claimed").all("tr"), 2)
	require.Len(t, b.get("/events?kind=archived").all("div", "class", "g-empty"), 1)
}

func TestStoredTextIsInertInLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	odd := `"><script>alert(1)</script><img src=x onerror=alert(1)>' {{.}} 䶮𠮷 `
	long := odd + strings.Repeat("长", 2000)
	c := b.office.open(number(1), 8, func(r *store.Case) {
		r.Words, r.MatterName, r.DepartmentName, r.RegionName = long, odd, odd, odd
	})
	b.office.clock(c, now)
	for i := range c.events {
		c.events[i].UserName, c.events[i].OrganisationName, c.events[i].Rule = odd, odd, odd
	}
	for _, list := range []struct {
		who  store.User
		path string
	}{{chen, "/tasks"}, {chen, "/cases"}, {lin, "/overdue"}, {lin, "/tasks"}, {gu, "/events"}} {
		b.signIn(list.who)
		p := b.get(list.path)
		require.Equal(t, http.StatusOK, p.StatusCode, list.path)
		for _, script := range p.all("script") {
			src, _ := attribute(script, "src")
			require.True(t, strings.HasPrefix(src, "/static/"), "%s: our own", list.path)
		}
		require.Len(t, p.all("img"), 1, "%s: our own", list.path)
		require.Contains(t, words(p.one(t, "table")), `<script>alert(1)</script><img src=x onerror=alert(1)>' {{.}} 䶮𠮷`, list.path)
		for n := range p.root.Descendants() {
			_, handler := attribute(n, "onerror")
			require.False(t, handler, list.path)
		}
	}
}

func TestAuditorsHaveNothingToSend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "rectification")
	b.signIn(gu)
	for _, path := range []string{"/events", "/cases", "/cases/" + number(1)} {
		main := page{root: b.get(path).one(t, "main")}
		for _, form := range main.all("form") {
			method, _ := attribute(form, "method")
			require.Equal(t, "get", method, "%s: a filter at most", path)
		}
		require.Empty(t, main.all("textarea"), path)
		require.Empty(t, main.all("input", "name", "key"), path)
	}
	for _, path := range []string{"claim", "escalate", "withdraw"} {
		p := b.do(http.MethodPost, "/cases/"+number(1)+"/actions/"+path, url.Values{"reason": {"x"}, "key": {"k"}, "version": {"4"}})
		require.Equal(t, http.StatusForbidden, p.StatusCode, path)
	}
}

func TestNarratorsTellEventsAsThePagesDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := caseAt(t, b, 1, "answer")
	narrators, err := web.NewNarrators()
	require.NoError(t, err)
	require.Len(t, narrators, 2)
	b.signIn(gu)
	for i, tag := range []string{"zh-CN", "en"} {
		told := narrators[i].Tell(c.events)
		shown := b.do(http.MethodGet, "/cases/"+number(1), nil, "Accept-Language", tag).all("p", "class", "g-event-what")
		require.Len(t, shown, len(told))
		for n, headline := range told {
			require.Equal(t, headline, words(shown[n]))
		}
	}
}
