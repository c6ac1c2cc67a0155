package app_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// TestPeopleArePutToWork walks the pages as the two administrators do: one makes
// somebody and sends them away again, the other gives the roles; the auditor sees
// both.
func TestPeopleArePutToWork(t *testing.T) {
	t.Parallel()
	h := build(t)
	const ji, yan, gu = "zhanhe.xitong.ji", "zhanhe.anquan.yan", "zhanhe.shenji.gu"
	department := strconv.FormatInt(h.organisationOf(t, "zhanhe.ziran.chen"), 10)
	ask := func(who, method, path string, fields map[string]any) reply {
		return h.ask(t, method, path, who, fields)
	}

	form := ask(ji, http.MethodGet, "/admin/people/new", nil)
	require.Equal(t, http.StatusOK, form.status)
	require.Contains(t, form.body, "湛河区自然资源局")
	require.NotContains(t, form.body, "河南省自然资源厅", "an organisation outside the subtree is not offered")

	wrong := ask(ji, http.MethodPost, "/admin/people", map[string]any{"username": "冯", "display_name": "冯知远", "organisation_id": department})
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, "用户名只能用")
	require.Contains(t, wrong.body, `value="冯知远"`, "what was typed is kept")
	made := ask(ji, http.MethodPost, "/admin/people", map[string]any{
		"username": "zhanhe.ziran.feng", "display_name": "冯<b>知远", "organisation_id": department,
	})
	require.Equal(t, http.StatusSeeOther, made.status)
	page := ask(ji, http.MethodGet, made.location, nil)
	require.Contains(t, page.body, "人员已建立")
	require.Contains(t, page.body, "冯&lt;b&gt;知远")
	require.NotContains(t, page.body, "<b>知远")
	require.NotContains(t, page.body, `name="role_handler"`, "roles are another administrator's")
	require.NotContains(t, ask(ji, http.MethodGet, made.location, nil).body, "人员已建立", "said once")

	require.Equal(t, http.StatusForbidden, ask(ji, http.MethodPost, made.location+"/roles", map[string]any{"role_handler": "true"}).status)
	refused := ask(yan, http.MethodPost, made.location+"/roles", map[string]any{"role_supervisor": "true"})
	require.Equal(t, http.StatusUnprocessableEntity, refused.status)
	require.Contains(t, refused.body, "只能属于政务服务管理机构")
	require.Equal(t, http.StatusSeeOther, ask(yan, http.MethodPost, made.location+"/roles", map[string]any{"role_handler": "true"}).status)
	late := ask(yan, http.MethodPost, made.location+"/roles", map[string]any{"role_department_lead": "true"})
	require.Equal(t, http.StatusPreconditionFailed, late.status, "the form was of before")
	require.Contains(t, late.body, "刚刚被别人修改过")

	list := ask(gu, http.MethodGet, "/admin/people?role=handler&part="+url.QueryEscape("冯"), nil)
	require.Contains(t, list.body, "zhanhe.ziran.feng")
	story := ask(gu, http.MethodGet, made.location, nil)
	require.NotContains(t, story.body, `method="post" data-once`, "who only looks is offered nothing")
	require.Contains(t, story.body, "secadmin-assigns-roles")
	require.Contains(t, ask(yan, http.MethodGet, "/admin/events?kind=roles_assigned", nil).body, "承办人")

	// Who is disabled is gone on the next request.
	id, err := strconv.ParseInt(strings.TrimPrefix(made.location, "/admin/people/"), 10, 64)
	require.NoError(t, err)
	_, err = h.store.UserByID(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, http.StatusSeeOther, ask(ji, http.MethodPost, made.location+"/disable", map[string]any{"version": float64(2)}).status)
	_, err = h.store.UserByID(t.Context(), id)
	gone, ok := casework.AsError(err)
	require.True(t, ok)
	require.Equal(t, casework.CodeNotFound, gone.Code)
	require.Contains(t, ask(ji, http.MethodGet, made.location, nil).body, "恢复")

	// Another region's people are not there.
	elsewhere := "/admin/people/" + strconv.FormatInt(h.users[len(h.users)-1].ID, 10)
	require.Equal(t, http.StatusNotFound, ask(ji, http.MethodGet, elsewhere, nil).status)
	require.Equal(t, http.StatusNotFound, ask(ji, http.MethodGet, "/admin/people/0x1", nil).status)
}
