package browser_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/standalone/testworld"
)

// notifications: what a handler is told, in the head of each page and in the list,
// and how they choose to be told.
func notifications(t *testing.T, w *testworld.World, b browser) {
	number := w.OpenCase(t, "BROWSER-TOLD", "410411000000", "湛河区自然资源局")
	handler := signIn(t, b, w, "zhanhe.ziran.mi")
	require.Eventually(t, func() bool {
		handler.open("/notifications")
		return handler.exists(`a[href="/cases/` + number + `"]`)
	}, 30*time.Second, 300*time.Millisecond)
	require.True(t, handler.exists(".g-bell .g-badge"))
	require.Contains(t, handler.text("main"), "收到新的差评，尚无人领取")
	require.NotContains(t, handler.text("main"), "跑了四趟", "nobody's words")
	require.LessOrEqual(t, script[int](handler, "document.documentElement.scrollWidth"), deskWidth)
	handler.picture("notifications")
	handler.onPhone(func() { handler.open("/notifications"); handler.picture("notifications-phone") })
	handler.inEnglish(func() { handler.open("/notifications"); handler.picture("notifications-en") })

	handler.open("/cases/" + number)
	handler.open("/notifications?unread=true")
	require.False(t, handler.exists(`a[href="/cases/`+number+`"]`), "the case was before them")
	handler.open("/notifications")
	if handler.exists(`form[action="/notifications/read-all"]`) {
		handler.press(`form[action="/notifications/read-all"] button`)
	}
	handler.open("/notifications?unread=true")
	require.Contains(t, handler.text("main"), "没有未读消息")
	require.False(t, handler.exists(".g-bell .g-badge"))
	handler.picture("notifications-none")

	require.EqualValues(t, http.StatusOK, handler.open("/account/notifications"))
	handler.fill(map[string]string{"email": "mi@example.gov.cn"})
	handler.press(`form[action="/account/notifications/email"] .btn`)
	require.Contains(t, handler.text("main"), "验证码已发往这个邮箱")
	handler.fill(map[string]string{"code": "1"})
	handler.press(`form[action="/account/notifications/confirm"] .btn`)
	require.Contains(t, handler.text("main"), "验证码不对")
	handler.picture("notification-settings")
	handler.onPhone(func() { handler.open("/account/notifications"); handler.picture("notification-settings-phone") })
	handler.inEnglish(func() { handler.open("/account/notifications"); handler.picture("notification-settings-en") })
}
