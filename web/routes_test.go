package web_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"guiling/web"
)

// open are the routes that need nobody signed in. A new route is not among them
// by mistake.
var open = map[string]bool{
	"GET /sign-in": true, "POST /sign-in": true, "POST /sign-in/demo": true, "POST /sign-out": true,
	"GET /sign-in/code": true, "GET /sign-in/oidc": true, "GET /sign-in/oidc/callback": true, "POST /sign-in/code": true, "GET /welcome/:secret": true, "POST /welcome/:secret": true, "POST /language": true,
	"GET /help": true, "GET /help/:page": true, "GET /styleguide": true,
	"GET /static/:hash/*": true, "OPTIONS /codec/decode": true, "echo_route_not_found /*": true,
}

func address(path string) string {
	return strings.NewReplacer(":number", "410411-20261125-000001", ":action", "claim", ":hash", "0", "*", "x").Replace(path)
}

func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open("410411-20261125-000001", 0, nil)
	require.NotEmpty(t, b.echo.Routes())
	for _, r := range b.echo.Routes() {
		method := r.Method
		if method == "echo_route_not_found" {
			method = http.MethodPost
		}
		name := r.Method + " " + r.Path
		if method != http.MethodGet {
			for _, headers := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://elsewhere.example"},
			} {
				p := b.do(method, address(r.Path), url.Values{"username": {"chen"}, "password": {"sesame"}, "language": {"en"}}, headers...)
				require.Equal(t, http.StatusForbidden, p.StatusCode, "%s %v", name, headers)
				require.Empty(t, p.Cookies(), name)
			}
		}
		if open[name] {
			continue
		}
		p := b.do(method, address(r.Path), url.Values{})
		if method == http.MethodGet {
			require.Equal(t, http.StatusSeeOther, p.StatusCode, name)
			require.True(t, strings.HasPrefix(p.Header.Get("Location"), "/sign-in?next="), name)
		} else {
			require.Equal(t, http.StatusUnauthorized, p.StatusCode, name)
		}
	}
	require.Empty(t, b.office.sent)
}

// Whatever adds a route elsewhere would add it without its protection.
func TestRoutesAreAddedInOnePlace(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		switch file {
		case "routes.go":
			calls := regexp.MustCompile(`\be\.[A-Z]\w*\(`).FindAllString(string(source), -1)
			require.Equal(t, []string{"e.Add(", "e.GET(", "e.Match(", "e.RouteNotFound("}, calls, "the list, the static files, and what is not there")
		case "web.go":
			require.NotRegexp(t, `\be\.[A-Z]\w*\(`, string(source), "Register leaves the routes to register")
		default:
			require.NotRegexp(t, `echo\.(Echo|Group)\b`, string(source), file)
		}
	}
}

func TestHeadersOfEveryPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(chen)
	b.office.open("410411-20261125-000001", 0, nil)
	for _, path := range []string{"/tasks", "/cases", "/cases/410411-20261125-000001", "/cases/none", "/nowhere", "/overdue", "/sign-in"} {
		h := b.get(path).Header
		require.Equal(t, "no-store", h.Get("Cache-Control"), path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"), path)
		require.NotEmpty(t, h.Get("Permissions-Policy"), path)
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			require.Contains(t, policy, part, path)
		}
		require.NotContains(t, policy, "unsafe", path)
		require.Empty(t, h.Get("Strict-Transport-Security"), "only by TLS")
	}
}

func TestServedByTLS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.echo = echo.New()
	sessions := testSessions()
	require.NoError(t, web.Register(b.echo, web.Options{
		Commands: b.office, Identity: people{}, Sessions: sessions, Log: slog.New(slog.DiscardHandler), Secure: true,
	}))
	b.server.Config.Handler = b.echo
	p := b.do(http.MethodPost, "/language", url.Values{"language": {"en"}})
	require.NotEmpty(t, p.Header.Get("Strict-Transport-Security"))
	require.Len(t, p.Cookies(), 1)
	require.Equal(t, "__Host-guiling_language", p.Cookies()[0].Name)
	require.True(t, p.Cookies()[0].Secure)

	secure := web.NewSessions(nil, true)
	require.Equal(t, "__Host-guiling_session", secure.Cookie.Name)
	require.True(t, secure.Cookie.Secure)
	require.True(t, secure.Cookie.HttpOnly)
	require.Equal(t, "/", secure.Cookie.Path)
	require.Empty(t, secure.Cookie.Domain)
}

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.get("/sign-in")
	var found int
	for _, tag := range []struct{ name, attribute string }{{"link", "href"}, {"script", "src"}, {"img", "src"}} {
		for _, n := range p.all(tag.name) {
			address, _ := attribute(n, tag.attribute)
			file := b.get(address)
			require.Equal(t, http.StatusOK, file.StatusCode, address)
			require.Contains(t, file.Header.Get("Cache-Control"), "immutable")
			require.Equal(t, "nosniff", file.Header.Get("X-Content-Type-Options"))
			require.Equal(t, http.StatusNotFound, b.get("/static/0000000000000000/"+path.Base(address)).StatusCode)
			found++
		}
	}
	require.GreaterOrEqual(t, found, 6)
	for _, address := range []string{"/static/x/vendor/README.md", "/static/x/../routes.go", "/static/"} {
		require.Equal(t, http.StatusNotFound, b.get(address).StatusCode, address)
	}
}

func TestRegisterFailsAtStart(t *testing.T) {
	t.Parallel()
	require.Error(t, web.Register(echo.New(), web.Options{}))
}

func TestMethodThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.do(http.MethodDelete, "/tasks", nil)
	require.Equal(t, http.StatusNotFound, p.StatusCode)
	require.Len(t, p.all("main"), 1)
}

func TestTooLargeAndRepeatedFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(chen)
	b.office.open("410411-20261125-000001", 0, nil)
	const path = "/cases/410411-20261125-000001/actions/claim"
	p := b.do(http.MethodPost, path, url.Values{"key": {strings.Repeat("x", 300<<10)}})
	require.Equal(t, http.StatusRequestEntityTooLarge, p.StatusCode)
	p = b.do(http.MethodPost, path, url.Values{"key": {"a", "b"}, "version": {"1"}})
	require.Equal(t, http.StatusBadRequest, p.StatusCode)
	require.Empty(t, b.office.sent)
}
