package browser_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

// TestManyAtOnce: three cases are chosen in the inbox and claimed, one of which a
// colleague has taken meanwhile; a supervisor reminds of what is late.
//
//nolint:paralleltest // a world of its own: one at a time
func TestManyAtOnce(t *testing.T) {
	w := testworld.New(t)
	b := chromium(t)
	var numbers []string
	for i := range 6 {
		numbers = append(numbers, w.OpenCase(t, fmt.Sprintf("MANY-%d", i), "410411000000", "湛河区自然资源局"))
	}
	chen := signIn(t, b, w, "zhanhe.ziran.chen")
	chen.open("/tasks?view=unclaimed")
	bar := func(p *person) bool { return script[bool](p, "!document.getElementById('bulk').hidden") }
	count := func(p *person) string {
		return script[string](p, "document.querySelector('[data-bulk-count]').textContent")
	}
	require.False(t, bar(chen), "the bar comes when something is chosen")
	chen.picture("many-none")

	// x on the row that has the focus, then a range with Shift, then all of them.
	script[bool](chen, `document.querySelector("[data-row]").focus(); true`)
	chen.do(chromedp.KeyEvent("x"))
	require.True(t, bar(chen))
	require.Equal(t, "已选 1 件", count(chen))
	script[bool](chen, `(() => { const p = document.querySelectorAll("[data-bulk-pick]");
		p[2].dispatchEvent(new MouseEvent("click", {bubbles: true, shiftKey: true})); return true; })()`)
	require.Equal(t, "已选 3 件", count(chen))
	chen.do(chromedp.Click(chromedp.CSS("[data-bulk-all]")))
	require.Equal(t, "已选 6 件", count(chen))
	chen.do(chromedp.Click(chromedp.CSS("[data-bulk-clear]")))
	require.False(t, bar(chen))
	for i := range 3 {
		chen.do(chromedp.Click(chromedp.CSS(`[data-bulk-pick][value="` + numbers[i] + `"]`)))
	}
	require.Contains(t, chen.text("#bulk"), "将领取 3 件：由您承办，期限不变。", "what will happen to how many")
	chen.picture("many-chosen")

	w.Does(t, "zhanhe.ziran.lu", numbers[1], casework.Claim{})
	chen.press("#bulk [data-bulk-button]")
	results := chen.text("main")
	require.Contains(t, results, "2 件已领取，1 件未成")
	require.Contains(t, results, "案件已由陆")
	require.False(t, chen.exists("#bulk-again"), "trying again would change nothing")
	chen.picture("many-results")
	require.NotZero(t, w.Case(t, numbers[0]).HandlerID)
	require.NotEqual(t, w.Case(t, numbers[0]).HandlerID, w.Case(t, numbers[1]).HandlerID)
	chen.onPhone(func() {
		chen.open("/tasks?view=unclaimed")
		chen.do(chromedp.Click(chromedp.CSS(`[data-bulk-pick]`)))
		chen.picture("many-phone")
	})

	for _, number := range numbers {
		w.Pass(t, number, 5*24*time.Hour)
	}
	lin := signIn(t, b, w, "zhanhe.jiandu.lin")
	lin.open("/overdue")
	lin.do(chromedp.Click(chromedp.CSS("[data-bulk-all]")))
	lin.do(chromedp.SendKeys(chromedp.CSS("#bulk-note"), "请尽快核实"))
	lin.picture("many-remind")
	lin.press("#bulk [data-bulk-button]")
	require.Contains(t, lin.text("main"), "6 件已催办")
	lin.picture("many-reminded")
	lin.inEnglish(func() {
		lin.open("/overdue")
		lin.do(chromedp.Click(chromedp.CSS("[data-bulk-all]")))
		lin.do(chromedp.SetValue(chromedp.CSS("#bulk-action"), "transfer"))
		script[bool](lin, `document.getElementById("bulk-action").dispatchEvent(new Event("change")); true`)
		lin.picture("many-en")
		lin.press("#bulk [data-bulk-button]")
		require.Contains(t, lin.text("main"), "Cases to transfer: 6.", "what needs more is asked for on a page of its own")
		lin.picture("many-prepare-en")
	})
	chen.open("/cases/" + numbers[0])
	require.Contains(t, chen.text("main"), "催办，提醒", "the story tells")
	chen.picture("many-story")
}
