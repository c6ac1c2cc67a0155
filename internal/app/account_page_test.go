package app_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/identity/oidctest"
	"guiling/internal/store"
)

// browser keeps cookies as a browser does.
type browser struct {
	h       *house
	cookies map[string]*http.Cookie
}

func (h *house) browser() *browser { return &browser{h: h, cookies: map[string]*http.Cookie{}} }

func (b *browser) ask(t *testing.T, method, path string, fields map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	request.RemoteAddr = "127.3.0.1:40000"
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0")
	for _, c := range b.cookies {
		request.AddCookie(c)
	}
	recorder := httptest.NewRecorder()
	b.h.echo.ServeHTTP(recorder, request)
	for _, c := range recorder.Result().Cookies() {
		b.cookies[c.Name] = c
	}
	return recorder
}

var (
	welcomeLink = regexp.MustCompile(`/welcome/[\w-]+`)
	typedSecret = regexp.MustCompile(`<code class="g-secret">(\w+)</code>`)
	oneCode     = regexp.MustCompile(`<li><code>([a-z2-7-]+)</code></li>`)
	oneToken    = regexp.MustCompile(`guiling_[\w-]{43}`)
)

// TestTheFirstDayOfAnAdministrator: from a link, over the password and the second
// factor that the role needs, to the work; and back in with a recovery code.
func TestTheFirstDayOfAnAdministrator(t *testing.T) {
	t.Parallel()
	h := build(t)
	id, err := h.store.CreateUser(t.Context(), store.NewUser{
		Username: "zhanhe.anquan.new", DisplayName: "方慎", OrganisationID: h.organisationOf(t, "zhanhe.anquan.yan"),
		Roles: []casework.Role{},
	})
	require.NoError(t, err)
	path := "/admin/people/" + itoa(id)
	page := h.ask(t, http.MethodPost, path+"/reset-sign-in", "zhanhe.xitong.ji", nil)
	require.Equal(t, http.StatusOK, page.status)
	link := welcomeLink.FindString(page.body)
	require.NotEmpty(t, link)
	require.NotContains(t, h.ask(t, http.MethodGet, path, "zhanhe.xitong.ji", nil).body, "/welcome/", "shown once")
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path+"/roles", "zhanhe.anquan.yan", map[string]any{"version": float64(2), "role_secadmin": "true"}).status)

	b := h.browser()
	const password = "窗外的石榴树结了三个果子" //nolint:gosec // G101: of nobody
	require.Equal(t, http.StatusNotFound, b.ask(t, http.MethodGet, link+"x", nil).Code)
	welcome := b.ask(t, http.MethodGet, link, nil)
	require.Equal(t, http.StatusOK, welcome.Code)
	require.Equal(t, "no-referrer", welcome.Header().Get("Referrer-Policy"))
	require.Contains(t, welcome.Body.String(), "zhanhe.anquan.new")
	for _, c := range []struct{ first, second, words string }{
		{"password2026!", "password2026!", "太常见"},
		{"方慎自己的密码不会告诉人", "方慎自己的密码不会告诉人", "姓名"},
		{password, password + "x", "不一致"},
	} {
		refused := b.ask(t, http.MethodPost, link, map[string]string{"password": c.first, "password_again": c.second})
		require.Equal(t, http.StatusUnprocessableEntity, refused.Code, c.words)
		require.Contains(t, refused.Body.String(), c.words)
		require.NotContains(t, refused.Body.String(), c.first, "a password is never shown again")
	}
	require.Equal(t, http.StatusSeeOther, b.ask(t, http.MethodPost, link, map[string]string{"password": password, "password_again": password}).Code)
	require.Contains(t, b.ask(t, http.MethodGet, "/sign-in", nil).Body.String(), "密码已设置")
	used := b.ask(t, http.MethodGet, link, nil)
	require.Equal(t, http.StatusNotFound, used.Code)
	require.Contains(t, used.Body.String(), "链接已经用过")

	signIn := map[string]string{"username": "zhanhe.anquan.new", "password": password, "next": "/admin/people"}
	require.Equal(t, "/admin/people", b.ask(t, http.MethodPost, "/sign-in", signIn).Header().Get("Location"))
	for _, path := range []string{"/admin/people", "/account", "/"} {
		require.Equal(t, "/account/second-factor", b.ask(t, http.MethodGet, path, nil).Header().Get("Location"), "%s is not open yet", path)
	}
	require.Equal(t, http.StatusForbidden, b.ask(t, http.MethodPost, "/account/tokens", map[string]string{"token_name": "x", "token_scope": "act", "token_days": "1"}).Code)
	setUp := b.ask(t, http.MethodGet, "/account/second-factor", nil).Body.String()
	secret := typedSecret.FindStringSubmatch(setUp)[1]
	require.Contains(t, setUp, "data:image/png;base64,")
	require.Contains(t, b.ask(t, http.MethodGet, "/account/second-factor", nil).Body.String(), secret, "the same until it is confirmed")
	code := func() string {
		text, err := totp.GenerateCode(secret, time.Now())
		require.NoError(t, err)
		return text
	}
	require.Equal(t, http.StatusUnprocessableEntity, b.ask(t, http.MethodPost, "/account/second-factor", map[string]string{"code": "12"}).Code)
	confirmed := b.ask(t, http.MethodPost, "/account/second-factor", map[string]string{"code": code()})
	require.Equal(t, http.StatusOK, confirmed.Code)
	codes := oneCode.FindAllStringSubmatch(confirmed.Body.String(), -1)
	require.Len(t, codes, 10)
	require.Equal(t, http.StatusOK, b.ask(t, http.MethodGet, "/admin/people", nil).Code)

	// A password alone gets nowhere from now on.
	thief := h.browser()
	require.Equal(t, http.StatusSeeOther, thief.ask(t, http.MethodGet, "/sign-in/code", nil).Code)
	half := thief.ask(t, http.MethodPost, "/sign-in", signIn)
	require.Equal(t, "/sign-in/code?next=%2Fadmin%2Fpeople", half.Header().Get("Location"))
	require.Contains(t, thief.ask(t, http.MethodGet, "/admin/people", nil).Header().Get("Location"), "/sign-in?next=")
	require.Equal(t, http.StatusUnauthorized, thief.ask(t, http.MethodPost, "/sign-in/code", map[string]string{"code": code()}).Code, "taken before")
	again := thief.ask(t, http.MethodPost, "/sign-in/code", map[string]string{"code": codes[7][1], "next": "/admin/people"})
	require.Equal(t, "/admin/people", again.Header().Get("Location"))
	require.Equal(t, http.StatusOK, thief.ask(t, http.MethodGet, "/admin/people", nil).Code)

	// One's own account: both sessions, and an end to the other.
	account := b.ask(t, http.MethodGet, "/account", nil).Body.String()
	require.Equal(t, 2, strings.Count(account, "<code>127.3.0.1</code></td><td>Firefox Linux"))
	require.Contains(t, account, "备用码")
	require.Equal(t, http.StatusSeeOther, b.ask(t, http.MethodPost, "/account/sessions/end-others", nil).Code)
	require.Contains(t, thief.ask(t, http.MethodGet, "/admin/people", nil).Header().Get("Location"), "/sign-in?next=")

	made := b.ask(t, http.MethodPost, "/account/tokens", map[string]string{"token_name": "盘点", "token_scope": "read", "token_days": "30"}).Body.String()
	require.Len(t, oneToken.FindAllString(made, -1), 1)
	require.NotContains(t, b.ask(t, http.MethodGet, "/account", nil).Body.String(), "guiling_", "shown once")
	wrong := b.ask(t, http.MethodPost, "/account/tokens", map[string]string{"token_name": "盘点", "token_scope": "read", "token_days": "x"})
	require.Equal(t, http.StatusUnprocessableEntity, wrong.Code)

	// Administrators see who is signed in and end it.
	list := h.ask(t, http.MethodGet, "/admin/sessions", "zhanhe.xitong.ji", nil)
	require.Contains(t, list.body, "方慎")
	require.NotContains(t, list.body, "雷秉公", "of the province")
	require.Equal(t, http.StatusForbidden, h.ask(t, http.MethodPost, path+"/reset-sign-in", "zhanhe.xitong.ji", nil).status, "an administrator is reset on the server only")
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path+"/end-sessions", "zhanhe.xitong.ji", nil).status)
	require.Contains(t, b.ask(t, http.MethodGet, "/admin/people", nil).Header().Get("Location"), "/sign-in?next=")
	require.Contains(t, h.ask(t, http.MethodGet, "/admin/events?kind=sessions_ended", "zhanhe.anquan.yan", nil).body, "方慎")
}

// TestSignInElsewhere walks over an OpenID provider and back: only who was linked
// comes in, each trip once, and a second factor that was set up here is asked for.
func TestSignInElsewhere(t *testing.T) {
	t.Parallel()
	h, provider := build(t), oidctest.New(t)
	h.settings.OIDCIssuer, h.settings.OIDCClientID, h.settings.OIDCName, h.settings.PublicURL = provider.URL, "guiling", "统一认证", "https://guiling.example/"
	elsewhere := h.another(t, slog.New(slog.DiscardHandler))
	b := elsewhere.browser()
	require.Contains(t, b.ask(t, http.MethodGet, "/sign-in?next=/account", nil).Body.String(), "用统一认证登录")
	trip := func() string {
		there := b.ask(t, http.MethodGet, "/sign-in/oidc?next=/account", nil)
		require.Equal(t, http.StatusSeeOther, there.Code)
		require.Contains(t, there.Header().Get("Location"), url.QueryEscape("https://guiling.example/sign-in/oidc/callback"))
		state, code := provider.Authorize(t, there.Header().Get("Location"))
		return "/sign-in/oidc/callback?state=" + state + "&code=" + code
	}
	unlinked := b.ask(t, http.MethodGet, trip(), nil)
	require.Equal(t, http.StatusUnauthorized, unlinked.Code)
	require.Contains(t, unlinked.Body.String(), "还没有与本系统的人员关联")

	id, err := h.store.CreateUser(t.Context(), store.NewUser{
		Username: "zhanhe.ziran.elsewhere", DisplayName: "方来", OrganisationID: h.organisationOf(t, "zhanhe.ziran.chen"), Roles: []casework.Role{casework.RoleHandler},
	})
	require.NoError(t, err)
	require.NoError(t, h.store.LinkIdentity(t.Context(), id, store.OutsideIdentity{Issuer: provider.URL, Subject: "u-1001"}, casework.By{}))
	back := trip()
	in := b.ask(t, http.MethodGet, back, nil)
	require.Equal(t, "/account", in.Header().Get("Location"))
	require.Contains(t, b.ask(t, http.MethodGet, "/account", nil).Body.String(), "统一身份认证")
	require.Equal(t, http.StatusUnauthorized, b.ask(t, http.MethodGet, back, nil).Code, "a trip is made once")
	stranger := elsewhere.browser()
	require.Equal(t, http.StatusUnauthorized, stranger.ask(t, http.MethodGet, trip(), nil).Code, "and by the browser that began it")

	_, err = h.owner.ExecContext(t.Context(), `UPDATE users SET totp_sealed = 'x' WHERE id = $1`, id)
	require.NoError(t, err)
	require.Equal(t, "/sign-in/code?next=%2Faccount", b.ask(t, http.MethodGet, trip(), nil).Header().Get("Location"))
	require.Equal(t, http.StatusNotFound, h.ask(t, http.MethodGet, "/sign-in/oidc", "", nil).status, "where there is no provider")
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }
