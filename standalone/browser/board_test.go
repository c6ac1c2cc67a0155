package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"guiling/standalone/testworld"
)

// supervisorsBoard: where most is overdue, what waits, who has how much; every number
// leads on, and the charts are drawn of the tables beside them.
func supervisorsBoard(t *testing.T, w *testworld.World, b browser) {
	places := []struct{ region, department string }{
		{"410402000000", "新华区自然资源局"}, {"410402000000", "新华区公安分局"}, {"410403000000", "卫东区医疗保障局"},
		{"410402000000", "新华区" + strings.Repeat("行政审批和政务信息管理", 5) + "局"}, {"410425000000", "郏县民政局"}, {"410402000000", "新华区自然资源局"},
	}
	var numbers []string
	for i := range 30 {
		place := places[i%len(places)]
		numbers = append(numbers, w.TakeReviewUnstarted(t, fmt.Sprintf("BOARD-%d", i), place.region, place.department))
	}
	for i, number := range numbers {
		// A third late, some soon, some closed in the last weeks, two to be spot-checked.
		switch {
		case i%3 == 0:
			w.Exec(t, `UPDATE cases SET stage = 'rectification', opened_at = now() - $2 * interval '1 day', deadline_at = now() - interval '2 days', overdue_since = now() - interval '2 days', ever_late = true WHERE number = $1`, number, 17+i)
		case i%3 == 1:
			w.Exec(t, `UPDATE cases SET stage = 'verification', opened_at = now() - $2 * interval '1 day', deadline_at = now() + $2 * interval '12 hours' WHERE number = $1`, number, i)
		case i%5 == 0:
			w.Exec(t, `UPDATE cases SET stage = 'spot_check', opened_at = now() - interval '40 days', closed_at = now() - interval '1 day', closed_on_time = true WHERE number = $1`, number)
		default:
			w.Exec(t, `UPDATE cases SET stage = 'archived', opened_at = now() - interval '70 days', closed_at = now() - $2 * interval '2 days', closed_on_time = $3 WHERE number = $1`, number, i, i%4 != 0)
		}
	}
	supervisor := signIn(t, b, w, "pingdingshan.jiandu.ye")
	require.Equal(t, "/board", script[string](supervisor, "location.pathname"), "the first page")
	require.Contains(t, supervisor.text("main"), "超期案件最多的是新华区")
	supervisor.do(chromedp.WaitVisible(chromedp.CSS(".g-chart-plot canvas")))
	drawn := `[...document.querySelectorAll('.g-chart-plot')].every(plot => { const c = plot.querySelector('canvas'); return c && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x > 0) })`
	require.True(t, script[bool](supervisor, drawn), "every chart shows something, under the policy that forbids scripts of pages")
	require.Equal(t, 3, script[int](supervisor, "document.querySelectorAll('.g-chart-plot canvas').length"))
	require.LessOrEqual(t, script[int](supervisor, "document.documentElement.scrollWidth"), deskWidth)
	supervisor.picture("board")

	supervisor.press(`.g-tree a[href="/board?region=410402000000"]`)
	require.Contains(t, supervisor.text("h1"), "新华区")
	supervisor.picture("board-county")
	supervisor.press(`.g-load a[href^="/workload?department="]`)
	require.Contains(t, supervisor.text("main"), "合计")
	supervisor.picture("workload")
	require.EqualValues(t, http.StatusNotFound, supervisor.open("/board?region=419001000000"))
	supervisor.open("/spot-checks")
	require.Contains(t, supervisor.text("main"), "由本案所在地区的政务服务管理机构抽查")
	supervisor.picture("spot-checks")
	supervisor.onPhone(func() {
		for name, path := range map[string]string{"board": "/board", "spot-checks": "/spot-checks"} {
			supervisor.open(path)
			supervisor.picture(name + "-phone")
		}
	})
	supervisor.inEnglish(func() {
		for name, path := range map[string]string{"board": "/board", "spot-checks": "/spot-checks"} {
			supervisor.open(path)
			supervisor.picture(name + "-en")
		}
	})
	lead := signIn(t, b, w, "zhanhe.ziran.tao")
	lead.open("/workload")
	require.Contains(t, lead.text("main"), "陈禾溪")
	lead.picture("workload-lead")
	lead.onPhone(func() { lead.open("/workload"); lead.picture("workload-phone") })
	require.EqualValues(t, http.StatusForbidden, lead.open("/board"))
}
