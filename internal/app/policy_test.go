package app_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/policies"
)

// soon is how long the tests wait for another process to follow; it follows within
// a second, and the time that it took is logged.
const soon = 10 * time.Second

// lockedLog is a log that many goroutines write.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// handlersAssign lets handlers assign, which the shipped rules leave to the lead.
func handlersAssign() string {
	return strings.Replace(policies.Shipped(), "p, department-lead-assigns, department_lead,", "p, department-lead-assigns, handler|department_lead,", 1)
}

// TestRulesAreLiveOnEveryProcess: what is published on one process decides on
// another, also after the line between them was cut; rules that do not load leave
// the last good ones in force and raise an alarm; and nobody starts under such.
func TestRulesAreLiveOnEveryProcess(t *testing.T) {
	t.Parallel()
	h := build(t)
	log := &lockedLog{}
	second := h.another(t, slog.New(slog.NewTextHandler(log, nil)))
	const chu, chen = "henan.anquan.chu", "zhanhe.ziran.chen"
	mayAssign := func() bool {
		return second.ask(t, http.MethodPost, "/api/v1/cases/"+h.number+"/actions/assign", chen, h.examples["assign"]).status != http.StatusForbidden
	}
	publish := func(version int, body string) reply {
		return h.ask(t, http.MethodPost, "/admin/policy", chu, map[string]any{"version": float64(version), "body": body, "note": "试行", "publish": "yes"})
	}
	follows := func(what string, done func() bool) {
		began := time.Now()
		require.Eventually(t, done, soon, 10*time.Millisecond, what)
		t.Logf("%s: after %s", what, time.Since(began).Round(time.Millisecond))
	}

	require.False(t, mayAssign())
	checked := h.ask(t, http.MethodPost, "/admin/policy", chu, map[string]any{"version": float64(0), "body": handlersAssign()})
	require.Equal(t, http.StatusOK, checked.status)
	require.Contains(t, checked.body, "department-lead-assigns")
	require.Contains(t, checked.body, "不可以 → 可以")
	require.False(t, mayAssign(), "a check puts nothing in force")
	require.Equal(t, http.StatusSeeOther, publish(0, handlersAssign()).status)
	follows("published rules", mayAssign)
	require.Equal(t, http.StatusPreconditionFailed, publish(0, policies.Shipped()).status, "who saw older rules is told")

	wrong := publish(1, policies.Shipped()+"p, odd, handler, claim, own_department, any, any, any, Deny, 第九条\n")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, "unknown effect")
	locked := publish(1, strings.Replace(policies.Shipped(), "p, secadmin-publishes-policy, secadmin, publish-policy, in_subtree, any,", "p, secadmin-publishes-policy, secadmin, publish-policy, in_subtree, city,", 1))
	require.Equal(t, http.StatusUnprocessableEntity, locked.status)
	require.Contains(t, locked.body, "您自己就不能再发布")

	// What is said while the line is cut is found all the same.
	require.Positive(t, h.cutListeners(t))
	require.Equal(t, http.StatusSeeOther, publish(1, policies.Shipped()).status)
	follows("rules published while the line was cut", func() bool { return !mayAssign() })

	_, err := h.owner.ExecContext(t.Context(), `INSERT INTO policies (version, body, note) VALUES (3, 'p, broken', '手工插入')`)
	require.NoError(t, err)
	follows("the alarm", func() bool { return strings.Contains(log.String(), "ALARM") })
	require.False(t, mayAssign(), "the last good rules decide")
	require.Equal(t, http.StatusOK, second.ask(t, http.MethodGet, "/api/v1/cases", chen, nil).status)
	require.Contains(t, second.ask(t, http.MethodGet, "/readyz", "", nil).body, `"policy":"missing"`)
	require.Equal(t, 1, strings.Count(log.String(), "ALARM"), "once")
	page := second.ask(t, http.MethodGet, "/admin/policy", chu, nil).body
	require.Contains(t, page, "第 3 版规则有误")
	require.Contains(t, page, "现在生效的是第 2 版")
	_, _, err = app.OpenPolicy(t.Context(), h.store)
	require.ErrorContains(t, err, "version 3")

	_, err = h.owner.ExecContext(t.Context(), `INSERT INTO policies (version, body, note) VALUES (4, $1, '恢复')`, handlersAssign())
	require.NoError(t, err)
	follows("rules after the alarm", mayAssign)
	require.Contains(t, second.ask(t, http.MethodGet, "/readyz", "", nil).body, `"policy":"ok"`)

	record := h.ask(t, http.MethodGet, "/admin/events?kind=policy_published", chu, nil)
	require.Contains(t, record.body, "handler|department_lead", "what came and what went is recorded")
}

// TestThePageOfRules: everybody whom it concerns reads the rules; who sees a case
// is told why somebody may do something to it, and nobody else.
func TestThePageOfRules(t *testing.T) {
	t.Parallel()
	h := build(t)
	for _, who := range []string{"zhanhe.xitong.ji", "zhanhe.anquan.yan", "zhanhe.shenji.gu", "zhanhe.jiandu.lin"} {
		page := h.ask(t, http.MethodGet, "/admin/policy?role=supervisor&circumstance=second", who, nil)
		require.Equal(t, http.StatusOK, page.status, who)
		require.Contains(t, page.body, "supervisor-decides-first-extension")
		require.Contains(t, page.body, "谁可以做什么")
		require.NotContains(t, page.body, `name="body"`, "who cannot publish is offered nothing")
	}
	require.Contains(t, h.ask(t, http.MethodGet, "/admin/policy", "henan.anquan.chu", nil).body, `name="body"`)
	ask := "/admin/policy?user=zhanhe.ziran.chen&action=decide-extension&case=" + h.number
	told := h.ask(t, http.MethodGet, ask, "zhanhe.jiandu.lin", nil)
	require.Contains(t, told.body, "没有规则允许")
	require.Contains(t, told.body, "角色不符")
	require.NotContains(t, h.ask(t, http.MethodGet, ask, "zhanhe.anquan.yan", nil).body, "没有规则允许")
	require.Contains(t, h.ask(t, http.MethodGet, strings.Replace(ask, h.number, h.elsewhere, 1), "zhanhe.jiandu.lin", nil).body, `role="alert"`)
	// Whoever stands elsewhere is nobody here.
	stranger := strings.Replace(ask, "zhanhe.ziran.chen", "henan.jiandu.shen", 1)
	nobody := strings.Replace(ask, "zhanhe.ziran.chen", "no.such.person", 1)
	answer := func(path, name string) string {
		return strings.ReplaceAll(h.ask(t, http.MethodGet, path, "zhanhe.jiandu.lin", nil).body, name, "")
	}
	require.Equal(t, answer(nobody, "no.such.person"), answer(stranger, "henan.jiandu.shen"))
	require.Equal(t, http.StatusUnprocessableEntity, h.ask(t, http.MethodGet, "/admin/policy?role=king", "zhanhe.jiandu.lin", nil).status)
}
