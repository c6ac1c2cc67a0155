package web_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

func TestSimulatePage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(chen)
	require.Equal(t, http.StatusForbidden, b.get("/simulate").StatusCode)
	b.signIn(lin)
	b.office.open("410411-20261125-000001", 0, nil)
	p := b.get("/simulate")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Empty(t, p.all("tbody"), "nothing was asked yet")

	p = b.get("/simulate?pack=" + b.office.rules.Pack.ID)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "class", "g-empty")), "没有案件的期限会变动")

	p = b.get("/simulate?pack=nothing")
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, words(p.one(t, "p", "role", "alert")), "没有这个规则")

	draft, err := os.ReadFile(filepath.Join("..", "policies", "rules", "henan-2019.yaml"))
	require.NoError(t, err)
	longer := strings.Replace(string(draft), "days: 3\n", "days: 10\n", 1)
	p = b.do(http.MethodPost, "/simulate", url.Values{"draft": {longer}})
	require.Equal(t, http.StatusOK, p.StatusCode)
	rows := p.all("tbody")
	require.Len(t, rows, 1)
	require.Contains(t, words(rows[0]), "410411-20261125-000001")
	require.Contains(t, words(rows[0]), "+7")

	p = b.do(http.MethodPost, "/simulate", url.Values{"draft": {"days: <script>"}})
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, words(p.one(t, "p", "id", "draft-wrong")), "不是有效的规则文件")
	require.Contains(t, words(p.one(t, "textarea", "id", "draft")), "days: <script>", "what was typed is kept")
}

func TestSimulatePageSaysWhatElseThereIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := caseAt(t, b, 1, "answer")
	paused := b.office.open(number(2), 1, nil)
	b.office.does(t, paused, lin, 0, casework.Pause{Category: casework.PauseOther, Reason: "评价人请求延后"})
	closed := b.office.open(number(3), 1, nil)
	b.office.does(t, closed, lin, 0, casework.Withdraw{Reason: "撤回"})
	b.signIn(lin)

	draft, err := os.ReadFile(filepath.Join("..", "policies", "rules", "henan-2019.yaml"))
	require.NoError(t, err)
	shorter := strings.NewReplacer("days: 3\n", "days: 1\n", "days: 5\n", "days: 1\n").Replace(string(draft))
	b.office.now = answer.state.Clock.Day0.AddDays(3).At(10, 0)
	p := b.do(http.MethodPost, "/simulate", url.Values{"draft": {shorter}})
	require.Equal(t, http.StatusOK, p.StatusCode)
	table := words(p.one(t, "table"))
	require.Contains(t, table, number(1))
	require.Contains(t, table, "答复期限届满")
	require.Contains(t, table, "计时暂停")
	require.Empty(t, p.all("strong", "class", "g-mark-late"), "neither an answer nor a pause makes anybody late")
	require.Contains(t, words(p.one(t, "main")), "不参与模拟（没有计时）的在办案件 1 件")
	next, _ := attribute(p.one(t, "input", "name", "next"), "value")
	require.Equal(t, "/simulate", next, "another language comes back here")

	// A draft that was sent after the session had ended is not lost.
	b.newBrowser()
	p = b.do(http.MethodPost, "/simulate", url.Values{"draft": {shorter}})
	require.Equal(t, http.StatusUnauthorized, p.StatusCode)
	require.Contains(t, words(p.one(t, "section", "class", "g-kept")), "id: henan-2019")
}
