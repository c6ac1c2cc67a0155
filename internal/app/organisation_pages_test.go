package app_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// send posts a form with parts to the import of organisations; the part "file" is a file.
func (h *house) send(t *testing.T, who string, parts map[string]string) reply {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range parts {
		create := form.CreateFormField
		if name == "file" {
			create = func(name string) (io.Writer, error) { return form.CreateFormFile(name, "organisations.csv") }
		}
		part, err := create(name)
		require.NoError(t, err)
		_, err = part.Write([]byte(value))
		require.NoError(t, err)
	}
	require.NoError(t, form.Close())
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/admin/organisations/import", &body)
	request.RemoteAddr = "127.0.0.1:40000"
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Accept-Language", "en")
	for _, cookie := range h.cookies[who] {
		request.AddCookie(cookie)
	}
	recorder := httptest.NewRecorder()
	h.echo.ServeHTTP(recorder, request)
	return reply{status: recorder.Code, location: recorder.Header().Get("Location"), body: recorder.Body.String()}
}

// TestOrganisationsByTheirPages: a table is seen before it is taken in, and a
// department is confirmed, moved nowhere that is not there, merged, and read after.
func TestOrganisationsByTheirPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	const ji = "zhanhe.xitong.ji"
	sample, err := os.ReadFile(filepath.Join("..", "..", "samples", "organisations-2026-11.csv"))
	require.NoError(t, err)
	preview := h.send(t, ji, map[string]string{"file": string(sample)})
	require.Equal(t, http.StatusOK, preview.status)
	table := base64.StdEncoding.EncodeToString(sample)
	require.Contains(t, preview.body, `name="table" value="`+strings.ReplaceAll(table, "+", "&#43;")+`"`)
	require.Contains(t, preview.body, "湛河区退役军人事务局（样例）")
	require.NotContains(t, h.ask(t, http.MethodGet, "/admin/organisations?name=退役军人", ji, nil).body, "样例", "nothing was imported yet")
	done := h.send(t, ji, map[string]string{"table": table})
	require.Equal(t, http.StatusOK, done.status)
	require.Contains(t, done.body, `role="status"`)
	list := h.ask(t, http.MethodGet, "/admin/organisations?name=退役军人", ji, nil)
	require.Contains(t, list.body, "湛河区退役军人事务局（样例）")
	refused := h.send(t, ji, map[string]string{"file": "类型,名称,区划代码\n部门,某局,410482000000\n"})
	require.Equal(t, http.StatusUnprocessableEntity, refused.status)
	require.Contains(t, refused.body, "<strong>区划代码</strong>")
	require.NotContains(t, refused.body, `name="table"`)
	for reason, parts := range map[string]map[string]string{
		"no table": {"file": "PK\x03\x04"}, "not base64": {"table": "?"}, "nothing": {}, "too large": {"file": strings.Repeat("x", 5<<20)},
	} {
		require.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusRequestEntityTooLarge}, h.send(t, ji, parts).status, reason)
	}
	require.Equal(t, http.StatusForbidden, h.send(t, "zhanhe.anquan.yan", map[string]string{"file": string(sample)}).status)

	// One that an import of reviews met waits for somebody.
	found, err := h.store.OrganisationsNamed(t.Context(), "湛河区退役军人事务局（样例）", 1)
	require.NoError(t, err)
	page := "/admin/organisations/" + itoa(found[0].ID)
	wrong := h.ask(t, http.MethodPost, page+"/move", ji, map[string]any{"region_code": "410482"})
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, `role="alert"`)
	require.Contains(t, wrong.body, `value="410482"`, "what was typed is there again")
	require.Equal(t, page, h.ask(t, http.MethodPost, page+"/rename", ji, map[string]any{"name": "湛河区退役军人局（样例）"}).location)
	into, err := h.store.OrganisationsNamed(t.Context(), "湛河区民政局", 1)
	require.NoError(t, err)
	require.Equal(t, page, h.ask(t, http.MethodPost, page+"/merge", ji, map[string]any{"into": itoa(into[0].ID)}).location)
	after := h.ask(t, http.MethodGet, page, "zhanhe.shenji.gu", nil)
	require.Equal(t, http.StatusOK, after.status)
	require.Contains(t, after.body, `<a href="/admin/organisations/`+itoa(into[0].ID)+`">湛河区民政局</a>`)
	require.Contains(t, after.body, "湛河区退役军人事务局（样例）", "its former name")
	require.NotContains(t, after.body, page+"/merge")

	// Halls and windows, on the page of their authority.
	authority, err := h.store.AuthorityOf(t.Context(), "410411000000")
	require.NoError(t, err)
	page = "/admin/organisations/" + itoa(authority.ID)
	require.Equal(t, page, h.ask(t, http.MethodPost, page+"/halls", ji, map[string]any{"name": "湛河区政务服务大厅", "address": "某路1号"}).location)
	halls, err := h.store.HallsOf(t.Context(), authority.ID)
	require.NoError(t, err)
	require.Equal(t, page, h.ask(t, http.MethodPost, page+"/windows", ji, map[string]any{
		"hall": itoa(halls[0].ID), "label": "窗口03", "department_id": itoa(into[0].ID),
	}).location)
	require.Contains(t, h.ask(t, http.MethodGet, page, "zhanhe.anquan.yan", nil).body, "窗口03")
	created := h.ask(t, http.MethodPost, "/admin/organisations", ji, map[string]any{"kind": "department", "name": "湛河区司法局", "region_code": "410411"})
	require.Equal(t, http.StatusSeeOther, created.status)
	again := h.ask(t, http.MethodPost, "/admin/organisations", ji, map[string]any{"kind": "department", "name": "湛河区司法局", "region_code": "410411"})
	require.Equal(t, http.StatusConflict, again.status)
	require.Contains(t, again.body, `value="湛河区司法局"`)
}
