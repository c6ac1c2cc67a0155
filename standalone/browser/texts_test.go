package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

// awaits waits until a line of JavaScript is true.
func (p *person) awaits(line, what string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return script[bool](p, line) }, 15*time.Second, 50*time.Millisecond, what)
}

// textsAndDrafts: who writes into a form, closes the page and comes back finds it as
// it was; a text is put in behind what was typed; what was sent is no draft.
func textsAndDrafts(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "TEXTS-1", "410411000000", "湛河区自然资源局")

	lin := signIn(t, b, w, "zhanhe.jiandu.lin")
	lin.open("/texts/new")
	lin.fill(map[string]string{"name": "区核实口径", "body": "经核实，【评价人】就“【事项】”的评价属实，【承办人】。"})
	lin.do(chromedp.SetValue(chromedp.CSS(`#kind`), "findings"))
	lin.load(chromedp.Click(chromedp.CSS(`button[value="preview"]`)))
	require.Contains(t, lin.text("main"), "经核实，张*就“不动产转移登记”的评价属实，陈禾溪。")
	lin.picture("text-preview")
	lin.press(`main form[action="/texts"] button.btn-primary`)
	require.Contains(t, lin.text("main"), "区核实口径")
	lin.picture("texts")
	lin.onPhone(func() { lin.open("/texts"); lin.picture("texts-phone") })
	lin.inEnglish(func() { lin.open("/texts"); lin.picture("texts-en") })

	lu := signIn(t, b, w, "zhanhe.ziran.lu")
	lu.done(number, casework.ActionRecordCallback, map[string]string{"reached": "true", "words": "材料要求反复变化"})
	lu.open("/cases/" + number)
	const field = `document.querySelector('#form-verify [name=findings]').value`
	lu.do(chromedp.Click(chromedp.CSS(`#form-verify [value="complex"]`)))
	lu.do(chromedp.SendKeys(chromedp.CSS(`#form-verify [name="findings"]`), "先写一句"))
	// Leaving does not ask for what is kept.
	lu.awaits(`document.querySelector('#form-verify').dataset.kept === "1"`, "the draft is kept")
	lu.awaits(`/^草稿已保存 \d\d:\d\d$/.test(document.querySelector('#form-verify .g-draft [role=status]').textContent)`, "the draft is kept")
	lu.picture("draft-kept")

	// The text comes behind what was typed.
	option := script[string](lu, `[...document.querySelectorAll('#verify-findings-text option')].find((o) => o.textContent.startsWith('区核实口径')).value`)
	lu.do(chromedp.SetValue(chromedp.CSS(`#verify-findings-text`), option))
	lu.do(chromedp.Click(chromedp.CSS(`[data-use="verify-findings"]`)))
	typed := script[string](lu, field)
	require.True(t, strings.HasPrefix(typed, "先写一句\n\n经核实，"), typed)
	require.Contains(t, typed, "的评价属实，陆一帆。")
	require.NotContains(t, typed, "赵某甲")
	// The last words are on their way when the page goes: the window is closed at once.
	lu.do(chromedp.SendKeys(chromedp.CSS(`#form-verify [name="findings"]`), "，最后一句"))
	script[bool](lu, `document.activeElement.blur(); true`)
	lu.picture("text-put-in")
	lu.awaits(`document.querySelector('#form-verify').dataset.kept === "1"`, "the last words are kept")
	require.NoError(t, chromedp.Cancel(lu.ctx))

	again := signIn(t, b, w, "zhanhe.ziran.lu")
	again.open("/cases/" + number)
	require.Contains(t, again.text("#form-verify .g-draft-note"), "草稿，保存于")
	require.Contains(t, script[string](again, field), "先写一句")
	require.Contains(t, script[string](again, field), "最后一句")
	require.True(t, script[bool](again, `document.querySelector('#form-verify [value="complex"]').checked`))
	again.unfold("#form-record-callback .g-script")
	again.picture("draft-back")
	again.onPhone(func() { again.open("/cases/" + number); again.picture("draft-phone") })
	again.inEnglish(func() { again.open("/cases/" + number); again.picture("draft-en") })

	// Signed out meanwhile: it says so, and keeps the words when somebody has signed in.
	again.open("/cases/" + number)
	w.Exec(t, `UPDATE user_sessions SET ended_at = now() WHERE user_id = (SELECT id FROM users WHERE username = 'zhanhe.ziran.lu')`)
	again.do(chromedp.SendKeys(chromedp.CSS(`#form-verify [name="findings"]`), "。登录结束以后写的"))
	again.awaits(`document.querySelector('#form-verify .g-draft [role=status]').textContent.startsWith('登录已结束')`, "it says that it was not kept")
	again.picture("draft-signed-out")
	require.Equal(t, int64(401), again.load(chromedp.Click(chromedp.CSS(`#form-verify button.btn`))))
	require.Contains(t, again.text("main"), "会回到案件的表单里")
	again.picture("draft-sign-in")
	again.load(chromedp.Click(chromedp.CSS(`button[value="zhanhe.ziran.lu"]`)))
	require.Contains(t, script[string](again, field), "登录结束以后写的")

	require.Less(t, again.load(chromedp.Click(chromedp.CSS(`#form-verify button.btn`))), int64(400))
	require.False(t, again.exists(`[role="alert"]`), again.text("main"))
	require.False(t, again.exists(".g-draft-note"), "what was sent is no draft")
	require.False(t, again.exists(".g-kept"))
	require.Equal(t, casework.StageRectification, w.Case(t, number).Stage)
}
