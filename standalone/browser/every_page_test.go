package browser_test

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/strictyaml"
	"guiling/standalone/testworld"
)

// axe is axe-core, which finds what keeps people out (MPL 2.0; see scripts/assets.sh).
//
//go:embed testdata/axe.min.js
var axe string

// scene is a page as somebody sees it.
type scene struct {
	name string // of its picture
	who  string // a person of the demo; empty: nobody is signed in
	path string
	// then is what is done on the page before it is looked at.
	then func(p *person)
	// answer: what came of it has the focus at first, and the way of the keyboard
	// begins there.
	answer bool
	status int64 // 0: it is there
}

// notScenes are the GET routes that show no page of ours, each with the reason.
var notScenes = map[string]string{
	"GET /":                              "leads on to where the work begins",
	"GET /admin":                         "leads on to the first page of administration",
	"GET /sign-in/code":                  "asks for the second factor, which nobody of the demo has",
	"GET /sign-in/oidc":                  "leads to a provider",
	"GET /sign-in/oidc/callback":         "comes back from a provider",
	"GET /static/:hash/*":                "files",
	"GET /live":                          "a stream of changes, for the script of a page",
	"GET /cases/export":                  "a list as a file, as a download",
	"GET /events/export":                 "a list as a file, as a download",
	"GET /reveals/export":                "a list as a file, as a download",
	"GET /cases/:number/export":          "a case as a file, as a download",
	"GET /cases/:number/attachments/:id": "a file, as a download",
	"GET /healthz":                       "for machines",
	"GET /readyz":                        "for machines",
	"GET /metrics":                       "for machines",
	"GET /openapi.json":                  "for machines",
}

// scenes are all pages that a person can open, by route. A route that stands in
// doors.yaml and not here fails the test.
func scenes(t *testing.T, w *testworld.World) map[string][]scene {
	t.Helper()
	const handler, lead, supervisor, auditor = "zhanhe.ziran.chen", "zhanhe.ziran.tao", "zhanhe.jiandu.lin", "zhanhe.shenji.gu"
	const sysadmin, secadmin, top = "zhanhe.xitong.ji", "zhanhe.anquan.yan", "henan.anquan.chu"
	fresh := w.OpenCase(t, "EVERY-1", "410411000000", "湛河区自然资源局")
	late := w.OpenCase(t, "EVERY-2", "410411000000", "湛河区自然资源局")
	w.Pass(t, late, 6*24*time.Hour)
	rectified := w.OpenCase(t, "EVERY-3", "410411000000", "湛河区自然资源局")
	w.Does(t, handler, rectified, casework.RecordCallback{Reached: true, Words: "材料要求反复变化"})
	w.Does(t, handler, rectified, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "窗口与指南要求不一致，属实"})
	_, people := w.Page(t, sysadmin, http.MethodGet, "/admin/people", nil)
	_, organisations := w.Page(t, sysadmin, http.MethodGet, "/admin/organisations", nil)
	onePerson := regexp.MustCompile(`/admin/people/\d+`).FindString(people)
	oneOrganisation := regexp.MustCompile(`/admin/organisations/\d+`).FindString(organisations)
	_, created := w.Page(t, sysadmin, http.MethodGet, "/admin/people/new", nil)
	organisation := regexp.MustCompile(`<option value="(\d+)"`).FindStringSubmatch(created)[1]
	_, made := w.Page(t, sysadmin, http.MethodPost, "/admin/people", url.Values{
		"username": {"zhanhe.ziran.every"}, "display_name": {"纪小满"}, "organisation_id": {organisation}, "position": {"承办人"}, "version": {"0"},
	})
	newPerson := regexp.MustCompile(`/admin/people/\d+/`).FindString(made)
	_, linked := w.Page(t, sysadmin, http.MethodPost, newPerson+"reset-sign-in", url.Values{})
	welcome := regexp.MustCompile(`/welcome/[A-Za-z0-9_-]+`).FindString(linked)
	_, written := w.Page(t, supervisor, http.MethodPost, "/texts", url.Values{
		"name": {"回访"}, "kind": {"callback_script"}, "body": {"您好，您对【事项】的评价已由我们核实。"}, "version": {"0"},
	})
	text := regexp.MustCompile(`/texts/\d+`).FindString(written)
	require.NotEmpty(t, text, "a template")
	require.NotEmpty(t, welcome, "a link for a first password")

	// A file of the case, and somebody who took the case out.
	file := w.Call(t, handler, http.MethodPost, "/api/v1/cases/"+rectified+"/attachments", "序号,材料",
		"Content-Type", "application/octet-stream", "Content-Disposition", attachments.Disposition("窗口收件清单（整改后）.csv"),
		"If-Match", "*", "Idempotency-Key", "every-page")
	require.Equal(t, http.StatusOK, file.Status, file.Body)
	status, _ := w.Page(t, auditor, http.MethodGet, "/cases/"+rectified+"/export", nil)
	require.Equal(t, http.StatusOK, status)

	openAll := func(p *person) {
		script[bool](p, "document.querySelectorAll('main details').forEach(d => d.open = true); true")
	}
	page := func(name, who, path string) scene { return scene{name: name, who: who, path: path} }
	opened := func(name, who, path string) scene {
		return scene{name: name, who: who, path: path, then: openAll}
	}
	// Many rows are chosen, for an action; sent is what comes of it.
	choose := func(p *person, action casework.Action) {
		script[bool](p, `document.querySelectorAll('[data-bulk-pick]').forEach(pick => pick.click());
			(choice => { choice.value = '`+string(action)+`'; choice.dispatchEvent(new Event('change')) })(document.getElementById('bulk-action')); true`)
		require.True(t, script[bool](p, `!document.getElementById('bulk').hidden`), "the bar is there")
	}
	chosen := func(action casework.Action) func(*person) { return func(p *person) { choose(p, action) } }
	sent := func(action casework.Action) func(*person) {
		return func(p *person) { choose(p, action); p.press("#bulk [data-bulk-button]") }
	}
	return map[string][]scene{
		"GET /sign-in":               {page("sign-in", "", "/sign-in")},
		"GET /welcome/:secret":       {page("welcome", "", welcome)},
		"GET /help":                  {page("help", "", "/help"), page("help-signed-in", handler, "/help")},
		"GET /help/:page":            {page("help-handler", handler, "/help/handler"), page("help-supervisor", supervisor, "/help/supervisor"), page("help-clocks", handler, "/help/clocks"), page("help-keys", handler, "/help/keys")},
		"GET /styleguide":            {page("styleguide", handler, "/styleguide")},
		"GET /account":               {page("account", handler, "/account")},
		"GET /account/second-factor": {page("second-factor", handler, "/account/second-factor")},
		"GET /tasks": {
			page("inbox", handler, "/tasks?view=all"), page("inbox-empty", "zhanhe.shichang.ren", "/tasks?view=mine"), page("inbox-supervisor", supervisor, "/tasks"),
			{name: "inbox-chosen", who: lead, path: "/tasks?view=unclaimed", then: chosen(casework.ActionAssign)},
		},
		"GET /cases": {page("cases", lead, "/cases"), page("cases-empty", supervisor, "/cases?stage=archived")},
		"GET /overdue": {
			page("overdue", supervisor, "/overdue"),
			{name: "bulk-prepare", who: supervisor, path: "/overdue", then: sent(casework.ActionTransfer)},
			{name: "bulk-results", who: supervisor, path: "/overdue", then: sent(casework.ActionRemind), answer: true},
		},
		"GET /simulate": {page("simulate-empty", supervisor, "/simulate"), opened("simulate", supervisor, "/simulate?pack=working-days-15")},
		"GET /events":   {page("events", auditor, "/events")},
		"GET /reveals":  {page("reveals", auditor, "/reveals")},
		"GET /exports":  {page("exports", auditor, "/exports")},
		"GET /cases/:number": {
			opened("case-verification", handler, "/cases/"+fresh), opened("case-overdue", supervisor, "/cases/"+late),
			page("case", handler, "/cases/"+rectified), opened("case-auditor", auditor, "/cases/"+rectified),
			{name: "case-error", who: handler, path: "/cases/" + rectified, then: func(p *person) { p.press("#form-submit-rectification button.btn") }, answer: true},
			{name: "not-found", who: "zhanhe.shichang.ren", path: "/cases/" + rectified, status: http.StatusNotFound},
		},
		"GET /cases/:number/audit":          {page("audit", auditor, "/cases/"+rectified+"/audit")},
		"GET /cases/:number/reviewer-cases": {page("reviewer-cases", supervisor, "/cases/"+rectified+"/reviewer-cases")},
		"GET /notifications":                {page("notifications", handler, "/notifications"), page("notifications-none", "zhanhe.shichang.ren", "/notifications?unread=true")},
		"GET /account/notifications":        {page("notification-settings", handler, "/account/notifications")},
		"GET /board":                        {page("board", supervisor, "/board")},
		"GET /workload":                     {page("workload", lead, "/workload")},
		"GET /spot-checks":                  {page("spot-checks", supervisor, "/spot-checks")},
		"GET /filter":                       {page("filter", lead, "/filter?list=cases"), page("filter-tasks", handler, "/filter?list=tasks&overdue=true")},
		"GET /texts":                        {page("texts", supervisor, "/texts")},
		"GET /texts/new":                    {page("text-new", supervisor, "/texts/new")},
		"GET /texts/:id":                    {page("text", supervisor, text)},
		"GET /admin/people":                 {page("admin-people", sysadmin, "/admin/people")},
		"GET /admin/people/new":             {page("admin-person-new", sysadmin, "/admin/people/new")},
		"GET /admin/people/import":          {page("admin-people-import", sysadmin, "/admin/people/import")},
		"GET /admin/people/:id":             {page("admin-person", sysadmin, onePerson), page("admin-person-roles", secadmin, onePerson), page("admin-person-auditor", auditor, onePerson)},
		"GET /admin/sessions":               {page("admin-sessions", sysadmin, "/admin/sessions")},
		"GET /admin/policy":                 {page("admin-policy", top, "/admin/policy?role=supervisor&circumstance=second")},
		"GET /admin/keys":                   {page("admin-keys", top, "/admin/keys")},
		"GET /admin/events":                 {page("admin-events", secadmin, "/admin/events")},
		"GET /admin/organisations":          {page("admin-organisations", sysadmin, "/admin/organisations")},
		"GET /admin/organisations/import":   {page("admin-organisations-import", sysadmin, "/admin/organisations/import")},
		"GET /admin/organisations/:id":      {page("admin-organisation", sysadmin, oneOrganisation)},
	}
}

// pageRoutes are the GET routes that doors.yaml lists, those of the API aside.
func pageRoutes(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "internal", "app", "testdata", "doors.yaml"))
	require.NoError(t, err)
	var listed struct {
		Groups, Doors, Actions map[string][]string
		Public                 []string
	}
	require.NoError(t, strictyaml.Decode(source, &listed))
	routes := listed.Public
	for door := range listed.Doors {
		routes = append(routes, door)
	}
	return slices.DeleteFunc(routes, func(route string) bool {
		return !strings.HasPrefix(route, "GET /") || strings.HasPrefix(route, "GET /api/")
	})
}

// TestEveryPageIsForEverybody opens every page there is, in both languages, at a
// desk and on a phone: axe finds nothing wrong (WCAG 2.1 A and AA), nothing is
// wider than the window, at twice the size neither, the keyboard reaches all of
// it, and what is printed is the page and not what is round it.
//
//nolint:paralleltest,tparallel // a world of its own: one at a time
func TestEveryPageIsForEverybody(t *testing.T) {
	w := testworld.New(t)
	w.ImportSample(t, "platform", "platform-2026-11.csv")
	all := scenes(t, w)
	for _, route := range pageRoutes(t) {
		if notScenes[route] == "" {
			require.NotEmpty(t, all[route], "%s is a page that nobody looks at: give it a scene, or a reason in notScenes", route)
		}
	}
	b := chromium(t)
	people := map[string][]scene{}
	for route, list := range all {
		require.Contains(t, pageRoutes(t), route, "a scene is of no route")
		for _, s := range list {
			people[s.who] = append(people[s.who], s)
		}
	}
	for who, list := range people {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			p := visitor(t, b, w, 20*time.Minute)
			p.open("/sign-in")
			if who != "" {
				p.load(chromedp.Click(chromedp.CSS(`button[value="` + who + `"]`)))
				require.True(t, p.exists(`form[action="/sign-out"]`), "signed in")
			}
			slices.SortFunc(list, func(a, b scene) int { return strings.Compare(a.name, b.name) })
			var wrong []string
			for _, s := range list {
				wrong = append(wrong, p.look(s, "")...)
				wrong = append(wrong, p.keyboard(s), p.onPaper(s))
			}
			p.inEnglish(func() {
				for _, s := range list {
					wrong = append(wrong, p.look(s, "-en")...)
				}
			})
			wrong = slices.DeleteFunc(wrong, func(fault string) bool { return fault == "" })
			require.Empty(t, strings.Join(wrong, "\n"))
		})
	}
}

// look opens a page at a desk, at twice the size, and on a phone, and tells what is
// wrong there.
func (p *person) look(s scene, suffix string) (wrong []string) {
	p.t.Helper()
	for _, window := range []struct {
		name          string
		width, height int64
	}{{"", deskWidth, deskHeight}, {"-phone", phoneWidth, phoneHeight}, {"-twice", deskWidth / 2, deskHeight / 2}} {
		p.do(chromedp.EmulateViewport(window.width, window.height))
		if status := p.open(s.path); status != max(s.status, http.StatusOK) {
			wrong = append(wrong, fmt.Sprintf("%s is answered with %d", s.name, status))
		}
		if s.then != nil {
			s.then(p)
		}
		name := s.name + suffix + window.name
		if script[int64](p, "document.documentElement.scrollWidth") > window.width {
			wrong = append(wrong, name+" is wider than its window: "+p.widest())
		}
		if window.name == "-twice" {
			continue // the same page as on the phone, a little wider
		}
		if found := p.wrong(); found != "" {
			wrong = append(wrong, name+": "+found)
		}
		p.picture("page-" + name)
	}
	p.do(chromedp.EmulateViewport(deskWidth, deskHeight))
	return wrong
}

// widest names what sticks out of the window, for whoever has to mend it.
func (p *person) widest() string {
	p.t.Helper()
	return script[string](p, `[...document.querySelectorAll('main *, header *, footer *')]
		.filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.g-scroll'))
		.slice(0, 5).map(e => e.tagName + '.' + e.className).join(', ')`)
}

// wrong lists what axe finds wrong on the page, with the place.
func (p *person) wrong() string {
	p.t.Helper()
	script[bool](p, axe+"\n;true")
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`
		axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}, resultTypes: ['violations']})
			.then(r => r.violations.map(v => v.id + ': ' + v.help + '\n' +
				v.nodes.slice(0, 4).map(n => '  ' + n.target.join(' ') + ' — ' + n.html.slice(0, 160) + '\n    ' + n.failureSummary.split('\n').slice(1, 3).join('; ')).join('\n')).join('\n'))`,
		chromedp.EvalAwaitPromise))
	require.NoError(p.t, err)
	return found
}

// keyboard goes through a page with Tab alone: the way to the content comes first,
// each stop can be seen and is marked, nothing is in another order than on the
// page, and nothing is left out. It tells the first thing that is wrong.
func (p *person) keyboard(s scene) string {
	p.t.Helper()
	p.open(s.path)
	if s.then != nil {
		s.then(p)
	}
	reachable := script[int](p, `(() => {
		document.activeElement?.blur(); window.scrollTo(0, 0);
		const groups = new Set();
		return window.stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')].filter(e => {
			if (e.disabled || !e.checkVisibility() || e.tabIndex < 0) return false;
			if (e.type !== 'radio') return true;
			const group = (e.form?.id ?? '') + e.name; // one stop for each group
			return !groups.has(group) && groups.add(group);
		}).length;
	})()`)
	if script[bool](p, `[...document.querySelectorAll('[tabindex]')].some(e => e.tabIndex > 0)`) {
		return s.name + ": the order is not that of the page"
	}
	for i := range min(reachable, 60) {
		p.do(chromedp.KeyEvent(kb.Tab))
		stop := script[string](p, `(() => {
			const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
			const before = window.lastStop;
			window.lastStop = e;
			if (e === document.body) return 'nothing has the focus';
			if (before && before !== e && !(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) return 'goes back to ' + e.outerHTML.slice(0, 120);
			if (before === e) return ['date', 'time'].includes(e.type) ? '' : 'stays on ' + e.outerHTML.slice(0, 120); // a part of a date or a time, which the browser itself marks
			if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return 'the focus is not to be seen on ' + e.outerHTML.slice(0, 120);
			if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth) return 'the focus is outside the window on ' + e.outerHTML.slice(0, 120);
			return '';
		})()`)
		if s.answer {
			continue
		}
		if stop != "" {
			return fmt.Sprintf("%s, stop %d of %d: %s", s.name, i+1, reachable, stop)
		}
		if i == 0 && !script[bool](p, `document.activeElement.matches('.g-skip')`) {
			return s.name + ": the first stop does not lead to the content"
		}
	}
	return ""
}

// onPaper looks at a page as it is printed, and tells what should not be there.
func (p *person) onPaper(s scene) (wrong string) {
	p.t.Helper()
	p.do(told(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	shown := script[string](p, `[...document.querySelectorAll('.g-head, .g-nav, .g-tabs, .g-foot, .g-pager, .g-hint, .g-training-box, .g-help-nav, .g-narrowing, .g-bulk, .g-live, .g-export, .g-tree')]
		.filter(e => e.checkVisibility()).map(e => e.className).join(' ')`)
	links := script[string](p, `[...document.querySelectorAll('main a')].filter(e => e.checkVisibility() && !e.matches('.btn') && getComputedStyle(e).textDecorationLine !== 'none')
		.map(e => e.textContent).slice(0, 3).join(', ')`)
	if shown != "" {
		wrong = s.name + " is printed with what is round it: " + shown
	} else if links != "" {
		wrong = s.name + ": on paper a link is a word: " + links
	}
	p.do(told(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
	return wrong
}

// TestWorkWithoutScripts: signing in, claiming and recording need no JavaScript.
//
//nolint:paralleltest // a world of its own: one at a time
func TestWorkWithoutScripts(t *testing.T) {
	w := testworld.New(t)
	number := w.OpenCase(t, "PLAIN-1", "410411000000", "湛河区自然资源局")
	p := visitor(t, chromium(t), w, 3*time.Minute)
	p.do(told(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	p.open("/")
	require.Equal(t, "undefined", script[string](p, "typeof htmx"), "no script has run")
	p.press(`button[value="zhanhe.ziran.chen"]`)
	p.open("/tasks?view=unclaimed")
	require.Contains(t, p.text("main"), number)
	p.press(`form[action="/cases/` + number + `/actions/claim"] button`)
	require.Contains(t, p.text("main"), "已领取")
	form := "#form-" + string(casework.ActionRecordCallback)
	p.do(chromedp.Click(chromedp.CSS(form + ` [name="reached"][value="true"]`)))
	p.do(chromedp.SendKeys(chromedp.CSS(form+` [name="words"]`), "材料要求反复变化"))
	p.press(form + " button.btn")
	require.Contains(t, p.text("main"), "已记录回访")
	p.press(`form[action="/hints"] button`)
	require.False(t, p.exists(`form[action="/hints"]`), "what was put away stays away")
	require.Equal(t, "/cases/"+number, script[string](p, "location.pathname"))
	require.Len(t, w.Events(t, number), 3)
}

// TestTrainingMovesOneCaseAhead: from the page of a case to what its clock does
// next, to warnings, to overdue and up, and all of it is told.
//
//nolint:paralleltest // a world of its own: one at a time
func TestTrainingMovesOneCaseAhead(t *testing.T) {
	w := testworld.New(t)
	number := w.OpenCase(t, "TRAINING-1", "410411000000", "湛河区自然资源局")
	other := w.OpenCase(t, "TRAINING-2", "410411000000", "湛河区自然资源局")
	p := signIn(t, chromium(t), w, "zhanhe.ziran.chen")
	require.Contains(t, p.text(".g-training"), "培训模式", "on every page")
	p.done(number, casework.ActionRecordCallback, map[string]string{"reached": "true", "words": "材料要求反复变化"})
	p.done(number, casework.ActionVerify, map[string]string{"outcome": "complex", "findings": "窗口与指南要求不一致，属实"})
	jump := func(by string) {
		t.Helper()
		p.open("/cases/" + number)
		p.press(`#training button[value="` + by + `"]`)
		require.False(t, p.exists(`[role="alert"]`), p.text("main"))
	}
	require.Contains(t, p.text(".g-clock-due"), "还剩 15 天")
	p.picture("training")
	jump("next")
	require.Contains(t, p.text(".g-clock-due"), "还剩 5 天")
	require.Contains(t, p.text(".g-timeline"), "提醒：")
	jump("3")
	require.Contains(t, p.text(".g-clock-due"), "还剩 2 天")
	p.picture("training-warned")
	jump("5")
	require.Contains(t, p.text(".g-clock-due"), "已超")
	require.Contains(t, p.text(".g-timeline"), "超期")
	require.Contains(t, p.text(".g-timeline"), "督办")
	p.picture("training-overdue")
	p.inEnglish(func() { p.open("/cases/" + number); p.picture("training-overdue-en") })
	p.onPhone(func() { p.open("/cases/" + number); p.picture("training-overdue-phone") })
	p.open("/tasks?view=mine")
	require.Contains(t, p.text("main"), "已超", "lists go by the case's own now")
	require.Equal(t, casework.StageVerification, w.Case(t, other).Stage)
	require.Zero(t, w.Case(t, other).ClockOffset, "no other case moves")

	// A case that is not of the demo ends it.
	w.Exec(t, `UPDATE cases SET created_at = '2001-01-01' WHERE number = $1`, other)
	events := len(w.Events(t, number))
	p.open("/cases/" + number)
	require.EqualValues(t, http.StatusForbidden, p.load(chromedp.Click(chromedp.CSS(`#training button[value="1"]`))))
	require.Contains(t, p.text("main"), "真实的案件")
	require.Len(t, w.Events(t, number), events)
}

// told makes an action of a command to the browser.
func told[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}
