package browser_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/standalone/testworld"
)

// administratorsAtWork: the three administrators, each in their own pages: one makes
// somebody, one says what they are, one sees both; and none of the first two a case.
func administratorsAtWork(t *testing.T, w *testworld.World, b browser) {
	system := signIn(t, b, w, "zhanhe.xitong.ji")
	require.Contains(t, system.text("main"), "陈禾溪")
	require.False(t, system.exists(".g-find"), "who sees no case is offered no search for one")
	system.picture("admin-people")
	system.open("/admin/people/new")
	system.fill(map[string]string{"username": "zhanhe.ziran.feng", "display_name": "冯知远", "position": "承办人"})
	script[bool](system, `[...document.querySelectorAll('#organisation_id option')].some(o => o.text === '湛河区自然资源局' && (o.selected = true))`)
	system.press(`form[action="/admin/people"] .btn-primary`)
	require.Contains(t, system.text("main"), "人员已建立")
	system.picture("admin-person")
	path := script[string](system, "location.pathname")
	require.EqualValues(t, http.StatusNotFound, system.open("/cases/410411-20261101-000001"))
	for name, page := range map[string]string{
		"admin-organisations": "/admin/organisations", "admin-sessions": "/admin/sessions", "admin-people-import": "/admin/people/import", "account": "/account",
	} {
		require.EqualValues(t, http.StatusOK, system.open(page), page)
		system.picture(name)
	}
	system.onPhone(func() { system.open("/admin/people"); system.picture("admin-people-phone") })

	security := signIn(t, b, w, "zhanhe.anquan.yan")
	security.open(path)
	script[bool](security, `document.querySelector('[name=role_handler]').checked = true`)
	security.press(`form[action$="/roles"] .btn-primary`)
	require.Contains(t, security.text("main"), "角色已保存")
	require.Contains(t, security.text("main"), "secadmin-assigns-roles")
	security.picture("admin-person-roles")
	security.open("/admin/events")
	require.Contains(t, security.text("main"), "冯知远")
	security.picture("admin-events")

	top := signIn(t, b, w, "henan.anquan.chu")
	top.open("/admin/policy?role=supervisor&circumstance=second")
	require.Contains(t, top.text("main"), "supervisor-decides-first-extension")
	require.LessOrEqual(t, script[int](top, "document.documentElement.scrollWidth"), deskWidth, "the matrix scrolls, not the page")
	top.picture("admin-policy")
	top.inEnglish(func() { top.open("/admin/policy"); top.picture("admin-policy-en") })
	top.open("/admin/keys")
	top.picture("admin-keys")

	auditor := signIn(t, b, w, "zhanhe.shenji.gu")
	auditor.open(path)
	require.Contains(t, auditor.text("main"), "冯知远")
	require.False(t, auditor.exists(`main form[method="post"]`), "who only looks is offered nothing")
	auditor.open("/reveals")
	auditor.picture("reveals")
}
