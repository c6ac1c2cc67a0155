package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)

	p := b.do(http.MethodPost, "/sign-in", url.Values{"username": {"chen<b>"}, "password": {"wrong"}, "next": {"/tasks"}})
	require.Equal(t, http.StatusUnauthorized, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "用户名或密码不对")
	typed, _ := attribute(p.one(t, "input", "id", "username"), "value")
	require.Equal(t, "chen<b>", typed)
	next, _ := attribute(p.all("input", "name", "next")[1], "value")
	require.Equal(t, "/tasks", next)

	p = b.do(http.MethodPost, "/sign-in", url.Values{"username": {"chen"}, "password": {"sesame"}, "next": {"/cases?stage=feedback"}})
	require.Equal(t, http.StatusSeeOther, p.StatusCode)
	require.Equal(t, "/cases?stage=feedback", p.Header.Get("Location"))
	require.Equal(t, http.StatusOK, b.get("/tasks").StatusCode)
	require.Equal(t, http.StatusSeeOther, b.get("/sign-in").StatusCode, "who is signed in is not asked again")
}

func TestWhoIsThereIsNotTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refusal := func(username, password string) string {
		p := b.do(http.MethodPost, "/sign-in", url.Values{"username": {username}, "password": {password}})
		require.Equal(t, http.StatusUnauthorized, p.StatusCode)
		_, filled := attribute(p.one(t, "input", "name", "password"), "value")
		require.False(t, filled, "a password is never shown again")
		return words(p.one(t, "div", "role", "alert"))
	}
	known := refusal("chen", "wrong")
	require.NotEmpty(t, known)
	require.Equal(t, known, refusal("nobody", "wrong"))
	require.Equal(t, known, refusal("", ""))
	require.Equal(t, known, refusal("chen", strings.Repeat("x", 2000)))
	p := b.do(http.MethodPost, "/sign-in/demo", url.Values{"username": {"nobody"}})
	require.Equal(t, http.StatusUnauthorized, p.StatusCode)
}

func TestSessionIsNewAtSignInAndGoneAtSignOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cookie := func() string {
		u, err := url.Parse(b.server.URL)
		require.NoError(t, err)
		for _, c := range b.client.Jar.Cookies(u) {
			if c.Name == "guiling_session" {
				return c.Value
			}
		}
		return ""
	}
	b.signIn(chen)
	first := cookie()
	require.NotEmpty(t, first)
	b.signIn(lin)
	require.NotEqual(t, first, cookie())
	stolen := cookie()
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, "/sign-out", url.Values{}).StatusCode)
	p := b.do(http.MethodGet, "/tasks", nil, "Cookie", "guiling_session="+stolen)
	require.Equal(t, http.StatusSeeOther, p.StatusCode, "the token is worth nothing after sign-out")
}

func TestNextLeadsToOwnPathsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for next, want := range map[string]string{
		"/tasks?view=all": "/tasks?view=all", "": "/", "https://elsewhere.example/": "/", "//elsewhere.example/": "/",
		`/\elsewhere.example`: "/", "javascript:alert(1)": "/", "tasks": "/", "/a\r\nSet-Cookie: x=1": "/", "/\t/elsewhere.example": "/",
	} {
		p := b.do(http.MethodPost, "/sign-in", url.Values{"username": {"chen"}, "password": {"sesame"}, "next": {next}})
		require.Equal(t, http.StatusSeeOther, p.StatusCode)
		require.Equal(t, want, p.Header.Get("Location"), "%q", next)
	}
}

func TestDemoPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.get("/sign-in")
	require.Len(t, p.all("button", "name", "username"), len(persons))
	require.Len(t, p.all("h3"), 2, "grouped by organisation")
	require.Contains(t, words(p.one(t, "button", "value", "tao")), "部门负责人 · 县级")
	p = b.do(http.MethodPost, "/sign-in/demo", url.Values{"username": {"gu"}, "next": {"/"}})
	require.Equal(t, http.StatusSeeOther, p.StatusCode)
	require.Equal(t, "/events", b.get("/").Header.Get("Location"))
}

func TestWithoutDemo(t *testing.T) {
	t.Parallel()
	b := setupWith(t, people{noDemo: true})
	require.Empty(t, b.get("/sign-in").all("button", "name", "username"))
	p := b.do(http.MethodPost, "/sign-in/demo", url.Values{"username": {"gu"}})
	require.Equal(t, http.StatusUnauthorized, p.StatusCode)
}

func TestManyPasswordsAreSlowedDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status := 0
	for range 12 {
		status = b.do(http.MethodPost, "/sign-in", url.Values{"username": {"CHEN "}, "password": {"wrong"}}).StatusCode
	}
	require.Equal(t, http.StatusTooManyRequests, status)
	p := b.do(http.MethodPost, "/sign-in", url.Values{"username": {"lu"}, "password": {"sesame"}})
	require.Equal(t, http.StatusSeeOther, p.StatusCode, "another person is not held up")
}

func TestHomeLeadsToTheWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for u, want := range map[string]string{"chen": "/tasks", "tao": "/tasks", "lin": "/board", "gu": "/events", "ji": "/admin"} {
		b.do(http.MethodPost, "/sign-in/demo", url.Values{"username": {u}})
		require.Equal(t, want, b.get("/").Header.Get("Location"), u)
	}
	b.signIn(gong)
	p := b.get("/")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Contains(t, words(p.one(t, "main")), "公示员")
	require.Empty(t, p.all("nav"))
}

func TestFormSentAfterTheSessionEndedIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.do(http.MethodPost, "/cases/410411-20261125-000001/actions/submit-rectification",
		url.Values{"done": {"写了很久的话 <script>"}, "key": {"k"}, "version": {"1"}})
	require.Equal(t, http.StatusUnauthorized, p.StatusCode)
	require.Equal(t, "写了很久的话 <script>", rawText(p.one(t, "textarea")))
	next, _ := attribute(p.all("input", "name", "next")[1], "value")
	require.Equal(t, "/cases/410411-20261125-000001", next)
}
