package browser_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

// auditorsLook: an auditor narrows the events, opens one case in columns, on a desk,
// on a phone, in English and on paper, and sees who took what out.
func auditorsLook(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "BROWSER-AUDIT", "410411000000", "湛河区自然资源局")
	other := w.OpenCase(t, "BROWSER-AUDIT-2", "410411000000", "湛河区市场监督管理局")
	handler := signIn(t, b, w, "zhanhe.ziran.chen")
	handler.done(number, casework.ActionRecordCallback, map[string]string{"reached": "true", "words": "材料要求反复变化，窗口说法不一", "outcome": "约定周五回复"})
	handler.done(number, casework.ActionVerify, map[string]string{"outcome": "complex", "findings": "窗口与指南要求不一致，属实"})
	handler.open("/cases/" + number)
	handler.unfold("#reveal-purpose")
	handler.do(chromedp.SendKeys(chromedp.CSS("#reveal-purpose"), "电话回访，核实排队时间"))
	handler.do(chromedp.Click(chromedp.CSS(".g-reviewer button")), chromedp.WaitVisible(chromedp.CSS(".g-reviewer strong")))

	supervisor := signIn(t, b, w, "zhanhe.jiandu.lin")
	supervisor.open("/cases/" + number)
	require.True(t, supervisor.exists(`a[href="/cases/`+number+`/reviewer-cases"]`))
	supervisor.picture("audit-linked")
	supervisor.press(`a[href="/cases/` + number + `/reviewer-cases"]`)
	require.Contains(t, supervisor.text("main"), other)
	require.NotContains(t, supervisor.text("main"), "12000000001")
	supervisor.picture("audit-reviewer-cases")
	supervisor.onPhone(func() {
		supervisor.open("/cases/" + number + "/reviewer-cases")
		supervisor.picture("audit-reviewer-cases-phone")
	})

	auditor := signIn(t, b, w, "zhanhe.shenji.gu")
	auditor.fill(map[string]string{"person": "禾溪", "number": number})
	auditor.press(".g-filter button.btn")
	require.Contains(t, auditor.text("main"), "核实")
	require.NotContains(t, auditor.text("main table"), "收到差评", "by the clock")
	auditor.picture("audit-events")
	auditor.inEnglish(func() { auditor.open("/events?number=" + number); auditor.picture("audit-events-en") })
	auditor.onPhone(func() { auditor.open("/events?number=" + number); auditor.picture("audit-events-phone") })
	require.True(t, auditor.exists(`a[href*="/events/export?format=xlsx"]`))

	path := "/cases/" + number + "/audit"
	auditor.open(path)
	require.Contains(t, auditor.text("main"), "department-verifies")
	require.Contains(t, auditor.text("main"), "电话回访，核实排队时间")
	require.False(t, auditor.exists("main form, main button, main input"), "nothing to press")
	require.LessOrEqual(t, script[int](auditor, "document.documentElement.scrollWidth"), deskWidth)
	auditor.picture("audit-case")
	auditor.onPhone(func() { auditor.open(path); auditor.picture("audit-case-phone") })
	auditor.inEnglish(func() {
		auditor.open(path)
		require.Contains(t, auditor.text("main"), "Allowed by rule")
		auditor.picture("audit-case-en")
	})

	auditor.open(path)
	auditor.do(media("print"))
	require.Equal(t, "none", script[string](auditor, "getComputedStyle(document.querySelector('.g-nav')).display"), "only the case is printed")
	require.Positive(t, script[int](auditor, "document.querySelector('.g-record dl').offsetHeight"), "what is folded on the screen stands open on paper")
	auditor.picture("audit-case-print")
	auditor.do(media(""))
	for _, file := range []string{path[:len(path)-len("/audit")] + "/export", "/events/export?format=xlsx&number=" + number} {
		status := script[int](auditor, "(r => { r.open('GET', '"+file+"', false); r.send(); return r.status })(new XMLHttpRequest())")
		require.Equal(t, http.StatusOK, status, file)
	}
	auditor.open("/exports")
	require.Contains(t, auditor.text("main"), "案件全卷")
	auditor.onPhone(func() { auditor.open("/exports"); auditor.picture("audit-exports-phone") })
	auditor.picture("audit-exports")
}

// media shows pages as they are on a medium; empty is the screen again.
func media(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name})
		return err
	})
}
