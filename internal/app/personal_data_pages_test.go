package app_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
)

// office is the whole server with the people of the demo, on a real database.
type office struct {
	server
	keyFile  string
	ownerURL string
}

func openOffice(t *testing.T) office {
	t.Helper()
	db := testdb.New(t)
	o := office{server: server{log: &bytes.Buffer{}}, keyFile: filepath.Join(t.TempDir(), "keys", "key.json"), ownerURL: db.OwnerURL}
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	log := slog.New(slog.NewTextHandler(o.log, nil))
	settings := app.Settings{
		DatabaseURL: db.AppURL, TemporalAddress: "127.0.0.1:1", TemporalNamespace: "guiling", Demo: true, DataKeyFile: o.keyFile, Version: "test",
	}
	var err error
	o.store, err = app.OpenStore(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = o.store.Close() })
	eng, err := app.OpenEngine(settings, "test", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(eng.Close)
	handler, stop, err := app.NewHandler(settings, o.store, eng, log)
	require.NoError(t, err)
	t.Cleanup(stop)
	o.handler = handler
	return o
}

func (o office) ask(t *testing.T, method, path, cookie string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	recorder := httptest.NewRecorder()
	o.handler.ServeHTTP(recorder, request)
	return recorder
}

func (o office) signIn(t *testing.T, username string) (cookie string) {
	t.Helper()
	answer := o.ask(t, http.MethodPost, "/sign-in/demo", "", url.Values{"username": {username}})
	require.Equal(t, http.StatusSeeOther, answer.Code, answer.Body.String())
	for _, c := range answer.Result().Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	require.NotEmpty(t, cookie)
	return cookie
}

func TestKeysPage(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	top := o.signIn(t, "henan.anquan.chu")
	page := o.ask(t, http.MethodGet, "/admin/keys", top, nil)
	require.Equal(t, http.StatusOK, page.Code, o.log.String())
	require.Contains(t, page.Body.String(), "AES256-GCM")
	require.Equal(t, 1, strings.Count(page.Body.String(), "AES256-GCM"))
	require.Contains(t, page.Body.String(), `action="/admin/keys/rotate"`)
	require.Contains(t, page.Body.String(), "旧密钥保留，只用于读取")

	rotated := o.ask(t, http.MethodPost, "/admin/keys/rotate", top, nil)
	require.Equal(t, http.StatusSeeOther, rotated.Code, o.log.String())
	page = o.ask(t, http.MethodGet, "/admin/keys", top, nil)
	require.Equal(t, 2, strings.Count(page.Body.String(), "AES256-GCM"))
	events, err := o.store.AdminEvents(t.Context(), "410000000000", store.AdminEventFilter{Kind: store.AdminKeyRotated, Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, casework.RoleSecadmin, events[0].ByRole)
	require.Contains(t, o.ask(t, http.MethodGet, "/admin/events", top, nil).Body.String(), "更换主密钥")
	material, err := os.ReadFile(o.keyFile)
	require.NoError(t, err)
	_, secret, found := strings.Cut(string(material), `"value":"`)
	require.True(t, found)
	secret, _, _ = strings.Cut(secret, `"`)
	require.NotContains(t, page.Body.String(), secret)
	require.NotContains(t, o.log.String(), secret)

	require.Contains(t, page.Body.String(), `href="/admin/keys"`)
	require.NotContains(t, o.ask(t, http.MethodGet, "/admin/events", o.signIn(t, "zhanhe.anquan.yan"), nil).Body.String(), `href="/admin/keys"`)
	for _, other := range []string{"henan.xitong.lou", "henan.shenji.lei", "zhanhe.anquan.yan", "zhanhe.shichang.ren"} {
		cookie := o.signIn(t, other)
		require.Equal(t, http.StatusForbidden, o.ask(t, http.MethodGet, "/admin/keys", cookie, nil).Code, other)
		require.Equal(t, http.StatusForbidden, o.ask(t, http.MethodPost, "/admin/keys/rotate", cookie, nil).Code, other)
	}
	keys, err := o.store.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 2)

	// The file cannot be written where there is no folder to put the new one.
	require.NoError(t, os.Rename(filepath.Dir(o.keyFile), filepath.Dir(o.keyFile)+".away"))
	page = o.ask(t, http.MethodGet, "/admin/keys", top, nil)
	require.Equal(t, http.StatusOK, page.Code)
	require.Contains(t, page.Body.String(), "guiling keys rotate")
	require.NotContains(t, page.Body.String(), `action="/admin/keys/rotate"`)
}

func TestRevealsPage(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	file, err := os.Open(filepath.Join("..", "..", "samples", "platform-2026-11.csv"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	_, err = app.OpenImporter(o.store).ImportReviews(t.Context(), "platform", "sample.csv", file)
	require.NoError(t, err)
	cases, err := o.store.Cases(t.Context(), store.Scope{RegionCode: "410411000000"}, store.CaseFilter{Limit: 50})
	require.NoError(t, err)
	user, err := o.store.UserByName(t.Context(), "zhanhe.shichang.ren")
	require.NoError(t, err)
	number := ""
	for _, c := range cases {
		if c.Revealable {
			number = c.Number
		}
	}
	revealed, err := o.store.RevealReviewer(t.Context(), store.Reveal{
		Number: number, Purpose: "核对回访时间", At: time.Now(), By: casework.By{UserID: user.ID, OrganisationID: user.Actor.OrganisationID, Rule: "department-reveals-phone"},
	})
	require.NoError(t, err)
	for _, auditor := range []string{"zhanhe.shenji.gu", "henan.shenji.lei"} {
		cookie := o.signIn(t, auditor)
		page := o.ask(t, http.MethodGet, "/reveals", cookie, nil)
		require.Equal(t, http.StatusOK, page.Code, o.log.String())
		require.Contains(t, page.Body.String(), number)
		require.Contains(t, page.Body.String(), "核对回访时间")
		require.NotContains(t, page.Body.String(), revealed.Reviewer.Phone)
		require.NotContains(t, page.Body.String(), revealed.Reviewer.Name)
		require.NotContains(t, o.ask(t, http.MethodGet, "/reveals?alarms=true", cookie, nil).Body.String(), number)
		require.Equal(t, http.StatusUnprocessableEntity, o.ask(t, http.MethodGet, "/reveals?user_id=x", cookie, nil).Code)
	}
	for _, other := range []string{"henan.xitong.lou", "henan.anquan.chu", "zhanhe.shichang.ren"} {
		require.Equal(t, http.StatusForbidden, o.ask(t, http.MethodGet, "/reveals", o.signIn(t, other), nil).Code, other)
	}
}

// TestRetention: what ended before the retention period is destroyed, by months of
// the calendar, and never before half a year.
func TestRetention(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, casework.China())
	require.Equal(t, "2023-11-25", app.RetentionEnd(app.Settings{Retention: 36}, at).Format("2006-01-02"))
	require.Equal(t, "2026-05-25", app.RetentionEnd(app.Settings{}, at).Format("2006-01-02"))
	o := openOffice(t)
	file, err := os.Open(filepath.Join("..", "..", "samples", "platform-2026-11.csv"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	_, err = app.OpenImporter(o.store).ImportReviews(t.Context(), "platform", "sample.csv", file)
	require.NoError(t, err)
	n, err := app.ShredOld(t.Context(), app.Settings{Retention: 6}, o.store, 0)
	require.NoError(t, err)
	require.Zero(t, n)
	db, err := sql.Open("postgres", o.ownerURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), `UPDATE reviews SET created_at = now() - interval '7 months'`)
	require.NoError(t, err)
	n, err = app.ShredOld(t.Context(), app.Settings{Retention: 6}, o.store, 1)
	require.NoError(t, err)
	require.Equal(t, 200, n.Reviews, "one batch")
	n, err = app.ShredOld(t.Context(), app.Settings{Retention: 6}, o.store, 0)
	require.NoError(t, err)
	require.Positive(t, n.Reviews)
	left, err := o.store.Shreddable(t.Context(), time.Now())
	require.NoError(t, err)
	require.Zero(t, left)
	cases, err := o.store.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: 200})
	require.NoError(t, err)
	for _, c := range cases {
		require.False(t, c.Shredded, "no case has ended")
	}
}
