// Package browser_test looks at the pages in a real Chromium, as the people who
// work with them do.
package browser_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

// browser is a Chromium that runs.
type browser struct {
	ctx context.Context //nolint:containedctx // chromedp keeps a browser in a context
}

// chromium starts one browser for a test. Offline, it must not try to reach
// anybody; as root, it runs without its sandbox.
func chromium(t *testing.T) browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	require.NoError(t, err, "make setup-test installs chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("lang", "zh-CN"),
		chromedp.Flag("accept-lang", "zh-CN"),
		chromedp.WindowSize(deskWidth, deskHeight),
		chromedp.UserDataDir(t.TempDir()),
	)
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	require.NoError(t, chromedp.Do(ctx))
	return browser{ctx}
}

// person is somebody signed in, in a browser window of their own.
type person struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps a window in a context
	url string
}

// signIn chooses somebody of the demo on the sign-in page.
func signIn(t *testing.T, b browser, w *testworld.World, username string) *person {
	t.Helper()
	p := visitor(t, b, w, 2*time.Minute)
	p.open("/")
	require.True(t, p.exists(`input[type="password"]`))
	p.picture("sign-in")
	p.load(chromedp.Click(chromedp.CSS(`button[value="` + username + `"]`)))
	require.True(t, p.exists(`form[action="/sign-out"]`), "signed in")
	return p
}

// visitor is somebody who is not signed in, and stays no longer than that.
func visitor(t *testing.T, b browser, w *testworld.World, patience time.Duration) *person {
	t.Helper()
	window, closeWindow := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(closeWindow)
	bounded, cancel := context.WithTimeout(window, patience)
	t.Cleanup(cancel)
	return &person{t: t, ctx: bounded, url: w.URL}
}

func (p *person) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, actions...))
}

// load does what brings up another page, and gives its status.
func (p *person) load(actions ...chromedp.Action[chromedp.Void]) int64 {
	p.t.Helper()
	response, err := chromedp.RunResponse(p.ctx, actions...)
	require.NoError(p.t, err)
	return response.Status
}

// open goes to a page, and gives its status.
func (p *person) open(path string) int64 {
	p.t.Helper()
	return p.load(chromedp.Navigate(p.url + path))
}

// script runs a line of JavaScript.
func script[T any](p *person, line string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](line))
	require.NoError(p.t, err)
	return value
}

// unfold opens what is folded round an element, as a click on its title does.
func (p *person) unfold(selector string) {
	p.t.Helper()
	script[bool](p, "for (let e = document.querySelector(`"+selector+"`); e; e = e.parentElement) if (e.tagName == 'DETAILS') e.open = true; true")
}

// text is what stands in the first element of a selector, or on the whole page.
func (p *person) text(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Text(chromedp.CSS(selector)))
	require.NoError(p.t, err)
	return text
}

// submit fills in the form of an action and sends it. Values of choices and
// ticks are chosen, texts are typed.
func (p *person) submit(number string, action casework.Action, values map[string]string) {
	p.t.Helper()
	p.open("/cases/" + number)
	form := "#form-" + string(action)
	require.True(p.t, p.exists(form), "%s is offered: %s", action, p.text("main"))
	p.unfold(form)
	for name, value := range values {
		field := form + ` [name="` + name + `"]`
		switch {
		case p.exists(field + `[type="radio"]`):
			p.do(chromedp.Click(chromedp.CSS(field + `[value="` + value + `"]`)))
		case p.exists(field + `[type="checkbox"]`):
			p.do(chromedp.Click(chromedp.CSS(field)))
		case p.exists(field + `[type="date"]`), p.exists(form + ` select[name="` + name + `"]`):
			p.do(chromedp.SetValue(chromedp.CSS(field), value))
		default:
			p.do(chromedp.SendKeys(chromedp.CSS(field), value))
		}
	}
	p.load(chromedp.Click(chromedp.CSS(form + ` button.btn`)))
}

// fill types into fields by their names.
func (p *person) fill(values map[string]string) {
	p.t.Helper()
	for name, value := range values {
		p.do(chromedp.SendKeys(chromedp.CSS(`main [name="`+name+`"]`), value))
	}
}

// press clicks on what brings up another page.
func (p *person) press(selector string) {
	p.t.Helper()
	p.load(chromedp.Click(chromedp.CSS(selector)))
}

func (p *person) exists(selector string) bool {
	p.t.Helper()
	return script[bool](p, "document.querySelector(`"+selector+"`) !== null")
}

// done is submit that must succeed.
func (p *person) done(number string, action casework.Action, values map[string]string) {
	p.t.Helper()
	p.submit(number, action, values)
	require.False(p.t, p.exists(`[role="alert"]`), "%s: %s", action, p.text("main"))
}

// inEnglish does something with the pages in English, and goes back.
func (p *person) inEnglish(do func()) {
	p.t.Helper()
	p.load(chromedp.Click(chromedp.CSS(`form[action="/language"] button`)))
	require.Equal(p.t, "en", script[string](p, "document.documentElement.lang"))
	do()
	p.load(chromedp.Click(chromedp.CSS(`form[action="/language"] button`)))
	require.Equal(p.t, "zh-CN", script[string](p, "document.documentElement.lang"))
}

// The window of a desk and that of a phone, in CSS pixels.
const (
	deskWidth, deskHeight   = 1280, 900
	phoneWidth, phoneHeight = 390, 844
)

// onPhone does something on a phone, where nothing may be wider than the screen.
func (p *person) onPhone(do func()) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(phoneWidth, phoneHeight))
	do()
	require.LessOrEqual(p.t, script[int](p, "document.documentElement.scrollWidth"), phoneWidth)
	p.do(chromedp.EmulateViewport(deskWidth, deskHeight))
}

// picture keeps what the person sees, when GUILING_SCREENSHOTS names a folder.
func (p *person) picture(name string) {
	p.t.Helper()
	folder := os.Getenv("GUILING_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	require.NoError(p.t, err)
	require.NoError(p.t, os.MkdirAll(folder, 0o750))
	require.NoError(p.t, os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600))
}
