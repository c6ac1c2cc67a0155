package web_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
