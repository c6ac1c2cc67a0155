package browser_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

const (
	zhanhe    = "410411000000"
	resources = "湛河区自然资源局"
)

// TestLive has one world, in which much happens at once on purpose: whatever a page
// shows, it shows while others work.
//
//nolint:paralleltest // one part counts the rows of an inbox, the last stops the server
func TestLive(t *testing.T) {
	w := testworld.New(t)
	b := chromium(t)
	t.Run("a day with the keyboard", func(t *testing.T) { dayWithTheKeyboard(t, w, b) })
	t.Run("what others do shows in the inbox", func(t *testing.T) { inboxFollows(t, w, b) })
	t.Run("the supervisor and the auditor look on", func(t *testing.T) { supervisorAndAuditorFollow(t, w, b) })
	t.Run("two people on one case", func(t *testing.T) { twoOnOneCase(t, w, b) })
	t.Run("back, twice, and odd", func(t *testing.T) { backTwiceAndOdd(t, w, b) })
	t.Run("the session ends in the middle of a form", func(t *testing.T) { sessionEndsMidForm(t, w, b) })
	t.Run("the server is away for a while", func(t *testing.T) { serverAway(t, w, b) })
}

// sees waits until a line of JavaScript is true on the page as it is: nobody
// reloads it.
func (p *person) sees(line, what string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return script[bool](p, line) }, time.Minute, 100*time.Millisecond, what)
	require.True(p.t, script[bool](p, `window.here === true`), "it is the page that was there")
}

// stays marks the page, so that one that was loaded anew is known.
func (p *person) stays() {
	p.t.Helper()
	script[bool](p, `window.here = true`)
}

// follows waits until the page hears of what happens.
func (p *person) follows(w *testworld.World, number string) {
	p.t.Helper()
	p.stays()
	// Whoever has just opened a page is told to read anew, once: after that, it hears.
	script[bool](p, `window.refreshed = 0; document.addEventListener('guiling:refreshed', () => window.refreshed++); true`)
	require.Eventually(p.t, func() bool {
		w.Exec(p.t, `UPDATE cases SET changed_at = changed_at WHERE number = $1`, number)
		return script[int](p, `window.refreshed`) > 0
	}, time.Minute, 500*time.Millisecond)
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	data, err := json.Marshal(text)
	require.NoError(t, err)
	return string(data)
}

// put fills a text in as if it had been pasted.
func (p *person) put(selector, text string) {
	p.t.Helper()
	p.unfold(selector)
	require.True(p.t, script[bool](p, `(() => { const f = document.querySelector("`+selector+`"); f.focus(); f.value = `+quoted(p.t, text)+
		`; f.dispatchEvent(new Event('input', {bubbles: true})); return true })()`))
}

func (p *person) valueOf(selector string) string {
	p.t.Helper()
	return script[string](p, `document.querySelector("`+selector+`").value`)
}

func (p *person) key(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// rowOf is a line of JavaScript that finds the row of a case.
func rowOf(number string) string {
	return `[...document.querySelectorAll('[data-rows] tr')].find(r => r.textContent.includes('` + number + `'))`
}

// dayWithTheKeyboard: a handler finds a case, takes it and does what is next,
// without touching the mouse.
func dayWithTheKeyboard(t *testing.T, w *testworld.World, b browser) {
	first := w.OpenCase(t, "LIVE-KEY-1", zhanhe, resources)
	second := w.OpenCase(t, "LIVE-KEY-2", zhanhe, resources)
	chen := signIn(t, b, w, "zhanhe.ziran.chen")
	chen.open("/tasks")
	for _, number := range []string{first, second} {
		chen.key("j")
		require.Equal(t, number, script[string](chen, `document.activeElement.textContent`))
	}
	chen.key("k")
	chen.load(chromedp.KeyEvent(kb.Enter))
	require.Equal(t, "/cases/"+first, script[string](chen, "location.pathname"))
	chen.put("#form-record-callback [name=words]", "材料要求反复变化")
	script[bool](chen, `document.querySelector('#form-record-callback [name=reached][value=true]').focus(); true`)
	chen.key(" ")
	chen.load(chromedp.KeyEvent(kb.Enter))
	require.Len(t, w.Events(t, first), 3, "acting claims it, and the call is recorded")
	chen.key("/")
	require.Equal(t, "find", script[string](chen, `document.activeElement.id`))
	chen.put("#find", second) // a key that is only pretended reaches the field as well
	chen.key(kb.End)
	chen.load(chromedp.KeyEvent(kb.Enter))
	require.Equal(t, "/cases/"+second, script[string](chen, "location.pathname"))
}

// inboxFollows: what colleagues take, and what comes in, shows by itself; where the
// person is on the page stays.
func inboxFollows(t *testing.T, w *testworld.World, b browser) {
	var numbers []string
	for _, record := range []string{"LIVE-IN-1", "LIVE-IN-2", "LIVE-IN-3"} {
		numbers = append(numbers, w.OpenCase(t, record, zhanhe, resources))
	}
	chen := signIn(t, b, w, "zhanhe.ziran.chen")
	chen.open("/tasks")
	chen.follows(w, numbers[0])
	script[bool](chen, rowOf(numbers[1])+`.querySelector('[data-row]').focus(); true`)
	focused := `document.activeElement.textContent === '` + numbers[1] + `'`

	// A colleague takes it: the row says so at once, and the focus is where it was.
	w.Does(t, "zhanhe.ziran.lu", numbers[1], casework.Claim{})
	chen.sees(rowOf(numbers[1])+`.querySelector('.g-c-handler').textContent.includes('陆')`, "who has it now")
	require.True(t, script[bool](chen, focused))
	require.Zero(t, script[int](chen, rowOf(numbers[1])+`.querySelectorAll('form').length`), "it can be taken no more")

	// The button that has the focus goes away: the focus stays in its row.
	script[bool](chen, rowOf(numbers[0])+`.querySelector('form button').focus(); true`)
	w.Does(t, "zhanhe.ziran.lu", numbers[0], casework.Claim{})
	chen.sees(rowOf(numbers[0])+`.querySelector('.g-c-handler').textContent.includes('陆')`, "who has it now")
	require.Equal(t, numbers[0], script[string](chen, `document.activeElement.textContent`))

	// Another comes in: it is announced, counted, and moves nothing that is read.
	script[bool](chen, rowOf(numbers[2])+`.querySelector('[data-bulk-pick]').click(); true`)
	script[bool](chen, rowOf(numbers[1])+`.querySelector('[data-row]').focus(); true`)
	counted := script[string](chen, `document.querySelector('.g-views [data-live-count*="view=all"]').textContent`)
	fresh := w.OpenCase(t, "LIVE-IN-4", zhanhe, resources)
	chen.sees(rowOf(fresh)+` !== undefined`, "the new row")
	require.Regexp(t, `新到 \d 件`, chen.text("#live"))
	require.NotEqual(t, counted, script[string](chen, `document.querySelector('.g-views [data-live-count*="view=all"]').textContent`))
	require.True(t, script[bool](chen, focused))

	// What was chosen stays chosen, also when its row changes; a new row can be chosen
	// as well, and what is said stands clear of the bar.
	chosen := `document.querySelector('[data-bulk-count]').textContent`
	require.Equal(t, "已选 1 件", script[string](chen, chosen))
	w.Does(t, "zhanhe.ziran.lu", numbers[2], casework.Claim{})
	chen.sees(rowOf(numbers[2])+`.querySelector('.g-c-handler').textContent.includes('陆')`, "who has it now")
	script[bool](chen, rowOf(fresh)+`.querySelector('[data-bulk-pick]').click(); true`)
	require.Equal(t, "已选 2 件", script[string](chen, chosen))
	require.True(t, script[bool](chen, `document.getElementById('live').getBoundingClientRect().bottom < document.getElementById('bulk').getBoundingClientRect().top`))
	chen.picture("live-inbox")
	chen.onPhone(func() { chen.picture("live-inbox-phone") })
	script[bool](chen, `document.querySelector('[data-bulk-clear]').click(); true`)
	require.True(t, script[bool](chen, `document.getElementById('bulk').hidden`))

	// What is no longer the department's leaves by itself.
	w.Does(t, "zhanhe.jiandu.lin", fresh, casework.TakeOver{Reason: "由本机构办理"})
	chen.sees(rowOf(fresh)+` === undefined`, "it has gone")
	chen.inEnglish(func() { chen.picture("live-inbox-en") })
}

// supervisorAndAuditorFollow: a decision that is asked for arrives in the inbox of
// the supervisor, and the page of an auditor goes on telling.
func supervisorAndAuditorFollow(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "LIVE-SUP-1", zhanhe, resources)
	lin := signIn(t, b, w, "zhanhe.jiandu.lin")
	lin.open("/tasks")
	lin.follows(w, number)
	gu := signIn(t, b, w, "zhanhe.shenji.gu")
	gu.open("/cases/" + number)
	gu.stays()

	w.Does(t, "zhanhe.ziran.chen", number, casework.RecordCallback{Reached: true, Words: "材料要求反复变化"})
	w.Does(t, "zhanhe.ziran.chen", number, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实"})
	until := w.LastDayAfter(t, number, 15).AddDays(3)
	w.Does(t, "zhanhe.ziran.chen", number, casework.RequestExtension{Until: until, Reason: "需省级系统改造"})
	lin.sees(rowOf(number)+` !== undefined`, "the request waits")
	gu.sees(`document.querySelector('.g-case-story').textContent.includes('需省级系统改造')`, "the story goes on")
	require.Contains(t, gu.text("#live"), "陈禾溪")

	lin.load(chromedp.Click(chromedp.CSS(`[data-row][href="/cases/` + number + `"]`)))
	lin.submit(number, casework.ActionDecideExtension, map[string]string{"grant": "true", "reason": "同意"})
	require.False(t, lin.exists(`[role="alert"]`), lin.text("main"))
	gu.sees(`document.querySelector('.g-case-story').textContent.includes('同意')`, "and on")
}

// twoOnOneCase: who looks sees the other's step by itself; who types is told, keeps
// what is typed, and is told again when it is sent.
func twoOnOneCase(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "LIVE-TWO-1", zhanhe, resources)
	chen, lu := signIn(t, b, w, "zhanhe.ziran.chen"), signIn(t, b, w, "zhanhe.ziran.lu")
	for _, p := range []*person{chen, lu} {
		p.open("/cases/" + number)
		p.stays()
	}
	const text = "群众说材料已经交齐，窗口仍要旧材料"
	field := "#form-record-callback [name=words]"
	lu.put(field, text)

	chen.done(number, casework.ActionClaim, nil)
	lu.sees(`document.querySelector('#live').textContent.includes('陈禾溪')`, "who and what")
	require.Contains(t, lu.text("#live"), "已办理")
	require.Equal(t, text, lu.valueOf(field))
	require.Equal(t, "words", script[string](lu, `document.activeElement.name`), "nobody took the focus away")
	lu.picture("live-case-typing")
	lu.onPhone(func() { lu.picture("live-case-typing-phone") })
	require.NotContains(t, lu.text(".g-case-story"), "陈禾溪")
	lu.do(chromedp.Click(chromedp.CSS("#live button")))
	require.Contains(t, lu.text(".g-case-story"), "陈禾溪")
	require.Equal(t, text, lu.valueOf(field))
	require.True(t, script[bool](lu, `window.here === true`))

	// Both send: the second one sees who was first and what they did, with all that
	// was typed.
	chen.done(number, casework.ActionRecordCallback, map[string]string{"reached": "true", "words": "先到的记录"})
	chen.open("/cases/" + number)
	chen.stays()
	script[bool](lu, `document.querySelector('#form-record-callback [name=reached][value=true]').checked = true`)
	lu.load(chromedp.Click(chromedp.CSS("#form-record-callback button.btn")))
	require.True(t, lu.exists(`[role="alert"]`), "the case has changed meanwhile")
	require.Contains(t, lu.text("main"), "先到的记录")
	require.Equal(t, text, lu.valueOf(".g-kept textarea, "+field), "kept, though the form is no longer theirs")
	lu.picture("live-case-second")

	// Who types nothing sees it happen.
	w.Does(t, "zhanhe.ziran.tao", number, casework.RecordCallback{Reached: true, Words: text})
	chen.sees(`document.querySelector('.g-case-story').textContent.includes('`+text+`')`, "the story goes on by itself")
	require.Contains(t, chen.text("#live"), "陶见山")
}

// backTwiceAndOdd: the back button, a double click, and texts that try everything.
func backTwiceAndOdd(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "LIVE-ODD-1", zhanhe, resources)
	chen := signIn(t, b, w, "zhanhe.ziran.chen")
	chen.open("/cases/" + number)
	field := "#form-record-callback [name=words]"
	odd := "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>{{.Person}}${7*7}\u202eמה קרה\u202c👩‍👩‍👧‍👦\u200b\u200d零宽 ' \" & \\ %00"
	long := odd + strings.Repeat("长", 4000-len([]rune(odd)))
	chen.put(field, long)
	script[bool](chen, `document.querySelector('#form-record-callback [name=reached][value=true]').checked = true`)
	chen.load(chromedp.Click(chromedp.CSS("#form-record-callback button.btn")))
	require.Contains(t, chen.text(`[role="alert"]`), "太长")
	require.Equal(t, long, chen.valueOf(field), "all of it is there to be shortened")
	chen.open("/cases/" + number)
	chen.put(field, string([]rune(long)[:casework.MaxText]))
	script[bool](chen, `document.querySelector('#form-record-callback [name=reached][value=true]').checked = true`)
	// Twice, as quickly as a hand can.
	chen.load(chromedp.DoubleClick(chromedp.CSS("#form-record-callback button.btn")))
	require.False(t, chen.exists(`[role="alert"]`), chen.text("main"))
	require.Len(t, w.Events(t, number), 3, "opened, claimed, and one call")
	require.False(t, script[bool](chen, `'hacked' in window`))
	require.Contains(t, script[string](chen, `document.querySelector('.g-case-story').textContent`), odd[:40])
	require.LessOrEqual(t, script[int](chen, "document.documentElement.scrollWidth"), deskWidth)
	chen.onPhone(func() { chen.picture("live-odd-phone") })

	// Back is the page of the case as it stands now, and nothing is sent again.
	chen.do(chromedp.NavigateBack())
	require.Equal(t, "/cases/"+number, script[string](chen, "location.pathname"))
	require.Contains(t, script[string](chen, `document.querySelector('.g-case-story').textContent`), odd[:40])
	require.Len(t, w.Events(t, number), 3)
}

// sessionEndsMidForm: the page says that the session has ended before anything is
// sent; and sent all the same, what was typed is shown beside the sign-in.
func sessionEndsMidForm(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "LIVE-END-1", zhanhe, resources)
	mi := signIn(t, b, w, "zhanhe.ziran.mi")
	mi.open("/cases/" + number)
	mi.stays()
	const text = "写到一半，登录失效了"
	field := "#form-record-callback [name=words]"
	mi.put(field, text)
	w.Exec(t, `UPDATE user_sessions SET ended_at = now() WHERE user_id = (SELECT id FROM users WHERE username = 'zhanhe.ziran.mi')`)
	w.Does(t, "zhanhe.ziran.chen", number, casework.Claim{})
	mi.sees(`document.querySelector('#live').textContent.includes('登录已失效')`, "the session has ended")
	require.Equal(t, text, mi.valueOf(field))
	mi.picture("live-ended")
	mi.load(chromedp.Click(chromedp.CSS("#form-record-callback button.btn")))
	require.True(t, mi.exists(`input[type="password"]`))
	require.Equal(t, text, mi.valueOf("textarea"))
}

// serverAway: what happens while the server is away is there when it is back, and
// nobody reloads.
func serverAway(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "LIVE-AWAY-1", zhanhe, resources)
	chen := signIn(t, b, w, "zhanhe.ziran.chen")
	chen.open("/tasks")
	chen.follows(w, number)
	w.StopPages()
	fresh := w.OpenCase(t, "LIVE-AWAY-2", zhanhe, resources)
	w.ServePages(t)
	chen.sees(rowOf(fresh)+` !== undefined`, "it has caught up")
	w.Does(t, "zhanhe.ziran.lu", fresh, casework.Claim{})
	chen.sees(rowOf(fresh)+`.querySelector('.g-c-handler').textContent.includes('陆')`, "and follows again")
}
