package app_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/workflows/contract"
)

// begin records the opening of a case, as its workflow would.
func (h *house) begin(t *testing.T, number string) {
	t.Helper()
	pack, err := rules.Default()
	require.NoError(t, err)
	_, err = h.store.DrainOutbox(t.Context(), 1000, func(_ context.Context, e store.OutboxEntry) error {
		var start store.StartCase
		if err := json.Unmarshal(e.Payload, &start); err != nil || start.Number != number {
			return err
		}
		start.Opened.PackID, start.Opened.PackVersion, start.Opened.Limit = pack.ID, pack.Version, pack.Verification
		event := casework.Event{Seq: 1, At: time.Now(), Body: start.Opened}
		state, err := casework.State{}.Apply(event)
		if err != nil {
			return err
		}
		_, err = h.store.RecordEvents(t.Context(), contract.RecordEventsInput{
			Number: number, Key: "opened", Events: []casework.Event{event}, State: state,
		}, "test")
		return err
	})
	require.NoError(t, err)
}

// TestAnAuthorityWritesItsTexts walks the pages as supervisors do, and looks on as
// those who use the texts, and those who may not.
func TestAnAuthorityWritesItsTexts(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.begin(t, h.number)
	const lin, su, chen, city = "zhanhe.jiandu.lin", "zhanhe.jiandu.su", "zhanhe.ziran.chen", "pingdingshan.jiandu.ye"
	list := h.ask(t, http.MethodGet, "/texts", lin, nil)
	require.Equal(t, http.StatusOK, list.status)
	require.Contains(t, list.body, "本机构还没有模板")
	require.Contains(t, list.body, "首次回访")
	require.Contains(t, list.body, `href="/texts/new?from=shipped-callback"`)

	copied := h.ask(t, http.MethodGet, "/texts/new?from=shipped-findings-true", lin, nil)
	require.Contains(t, copied.body, "评价反映的问题属实")
	require.Contains(t, copied.body, "办理“不动产转移登记”", "shown with the facts of an invented case")
	fields := func(change map[string]any) map[string]any {
		f := map[string]any{"name": "区核实口径", "kind": "callback_outcome", "body": "湛河区：经核实，【评价人】就【事项】的评价属实。", "version": float64(1)}
		maps.Copy(f, change)
		return f
	}
	preview := h.ask(t, http.MethodPost, "/texts", lin, fields(map[string]any{"deed": "preview"}))
	require.Equal(t, http.StatusOK, preview.status)
	require.Contains(t, preview.body, "张*就不动产转移登记的评价属实")
	require.NotContains(t, h.ask(t, http.MethodGet, "/texts", lin, nil).body, "区核实口径", "looking keeps nothing")

	for words, change := range map[string]map[string]any{
		"没有 【姓名】 【电话】 这样的变量": {"body": "【姓名】<b>，【电话】"},
		"有落单的":     {"body": "您好，【事项"},
		"没有这个事项编码": {"matter_code": "no-such-matter"},
	} {
		refused := h.ask(t, http.MethodPost, "/texts", lin, fields(change))
		require.Equal(t, http.StatusUnprocessableEntity, refused.status, words)
		require.Contains(t, refused.body, words)
		require.Contains(t, refused.body, "【截止日期】", "the variables that there are")
		require.Contains(t, refused.body, `value="区核实口径"`, "what was typed is kept")
		require.NotContains(t, refused.body, "<b>，")
	}
	made := h.ask(t, http.MethodPost, "/texts", lin, fields(nil))
	require.Equal(t, http.StatusSeeOther, made.status)
	require.Contains(t, h.ask(t, http.MethodPost, "/texts", su, fields(nil)).body, "已有同名的模板")
	list = h.ask(t, http.MethodGet, "/texts", lin, nil)
	require.Contains(t, list.body, "模板已保存")
	start := strings.Index(list.body, `<a href="/texts/`) + len(`<a href="`)
	path := list.body[start : start+strings.IndexByte(list.body[start:], '"')]

	// Two had it open: the second is told, sees what it is now, and loses nothing.
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path, su, fields(map[string]any{"body": "苏：【事项】属实。"})).status)
	late := h.ask(t, http.MethodPost, path, lin, fields(map[string]any{"body": "林：【事项】属实，【部门】。"}))
	require.Equal(t, http.StatusPreconditionFailed, late.status)
	require.Contains(t, late.body, "苏：【事项】属实。")
	require.Contains(t, late.body, "林：【事项】属实，【部门】。")
	require.Contains(t, late.body, `name="version" value="2"`)
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path, lin, fields(map[string]any{"body": "林：【事项】属实，【部门】。", "version": float64(2)})).status)

	// What the department is offered in the case.
	page := h.ask(t, http.MethodGet, "/cases/"+h.number, chen, nil)
	require.Contains(t, page.body, `data-text="林：不动产转移登记属实，湛河区自然资源局。"`)
	require.Contains(t, page.body, "回访话术：首次回访")
	require.NotContains(t, page.body, "赵某甲")
	require.Equal(t, http.StatusForbidden, h.ask(t, http.MethodGet, path, chen, nil).status)
	require.Equal(t, http.StatusNotFound, h.ask(t, http.MethodGet, path, city, nil).status)
	require.Equal(t, http.StatusNotFound, h.ask(t, http.MethodPost, path+"/retire", city, map[string]any{"version": float64(3)}).status)

	stale := h.ask(t, http.MethodPost, path+"/retire", su, map[string]any{"version": float64(2)})
	require.Equal(t, http.StatusPreconditionFailed, stale.status)
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path+"/retire", su, map[string]any{"version": float64(3)}).status)
	require.NotContains(t, h.ask(t, http.MethodGet, "/cases/"+h.number, chen, nil).body, "林：")
	text := h.ask(t, http.MethodGet, path, lin, nil)
	require.Contains(t, text.body, "已停用")
	require.NotContains(t, text.body, `name="body"`, "it is changed no more")
	require.Equal(t, http.StatusConflict, h.ask(t, http.MethodPost, path, lin, fields(map[string]any{"version": float64(4)})).status)
	for _, words := range []string{"新建模板", "修改模板", "停用模板", "苏：【事项】属实。", "supervisor-manages-texts"} {
		require.Contains(t, text.body, words, "its history")
	}
	record := h.ask(t, http.MethodGet, "/admin/events?kind=text_changed", "zhanhe.shenji.gu", nil)
	require.Contains(t, record.body, "区核实口径")
}

// TestADraftIsThereAfterTheSessionEnded: kept while writing, and what was sent too
// late is back in the form when the person has signed in again; somebody else who
// signs in there, and may not act on the case, gets nothing of it.
func TestADraftIsThereAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.begin(t, h.number)
	path := "/cases/" + h.number
	b := h.browser()
	signIn := func(who string) {
		t.Helper()
		require.Equal(t, http.StatusSeeOther, b.ask(t, http.MethodPost, "/sign-in/demo", map[string]string{"username": who, "next": path}).Code)
	}
	signIn("zhanhe.ziran.chen")
	form := map[string]string{"outcome": "写到一半", "key": "k-1", "version": "1"}
	kept := b.ask(t, http.MethodPost, path+"/drafts/record-callback", form)
	require.Equal(t, http.StatusSeeOther, kept.Code)
	require.Equal(t, path+"#form-record-callback", kept.Header().Get("Location"))
	require.Contains(t, b.ask(t, http.MethodGet, path, nil).Body.String(), "写到一半")

	_, err := h.owner.ExecContext(t.Context(), `UPDATE user_sessions SET ended_at = now()`)
	require.NoError(t, err)
	form["outcome"], form["words"] = "写完了，电话12000000001", "等了太久"
	ended := b.ask(t, http.MethodPost, path+"/actions/record-callback", form)
	require.Equal(t, http.StatusUnauthorized, ended.Code)
	require.Contains(t, ended.Body.String(), "会回到案件的表单里")
	var sessions []byte
	require.NoError(t, h.owner.QueryRowContext(t.Context(), `SELECT string_agg(data, '') FROM sessions`).Scan(&sessions))
	require.NotContains(t, string(sessions), "12000000001", "it is sealed")

	signIn("zhanhe.ziran.chen")
	page := b.ask(t, http.MethodGet, path, nil).Body.String()
	require.Contains(t, page, "写完了，电话12000000001")
	require.Contains(t, page, "等了太久")
	require.Contains(t, page, "草稿，保存于")
	require.NotContains(t, h.ask(t, http.MethodGet, path, "zhanhe.ziran.tao", nil).body, "写完了")

	// Of an action that is not theirs nothing is kept.
	refused := b.ask(t, http.MethodPost, path+"/drafts/escalate", map[string]string{"reason": "请督办", "key": "k", "version": "1"})
	require.Equal(t, http.StatusForbidden, refused.Code)
	require.Contains(t, refused.Body.String(), "请督办", "and nothing is lost")

	gone := b.ask(t, http.MethodPost, path+"/drafts/record-callback", map[string]string{"deed": "discard", "key": "k-2", "version": "1"})
	require.Equal(t, http.StatusSeeOther, gone.Code)
	require.NotContains(t, b.ask(t, http.MethodGet, path, nil).Body.String(), "写完了")

	auditor := h.browser()
	require.Equal(t, http.StatusUnauthorized, auditor.ask(t, http.MethodPost, path+"/actions/record-callback", form).Code)
	require.Equal(t, http.StatusSeeOther, auditor.ask(t, http.MethodPost, "/sign-in/demo", map[string]string{"username": "zhanhe.shenji.gu"}).Code)
	var drafts int
	require.NoError(t, h.owner.QueryRowContext(t.Context(), `SELECT count(*) FROM drafts WHERE fields_sealed IS NOT NULL`).Scan(&drafts))
	require.Zero(t, drafts)
}
