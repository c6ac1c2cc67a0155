package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/attachments"
	"guiling/internal/casework"
)

const guide = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"

func (w *world) attach(user, number, name, content string, headers ...string) answer {
	w.t.Helper()
	headers = append([]string{"Content-Type", "application/octet-stream", "Content-Disposition", attachments.Disposition(name)}, headers...)
	return w.call(user, http.MethodPost, "/api/v1/cases/"+number+"/attachments", content, headers...)
}

// download reads a file, which is no JSON.
func (w *world) download(user, number, id string) *httptest.ResponseRecorder {
	w.t.Helper()
	path := "/api/v1/cases/" + number + "/attachments/" + id
	request := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, path, nil)
	request.Header = w.header(user, path)
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	return recorder
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	list := "/api/v1/cases/" + number + "/attachments"
	require.Empty(t, w.get(fu, list).body["attachments"])

	first := w.attach(fu, number, "整改说明12000007919.pdf", guide, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, first.status, first.text)
	id, _ := first.body["attachment_id"].(string)
	require.Equal(t, `"2"`, first.header.Get("ETag"))
	again := w.attach(fu, number, "整改说明12000007919.pdf", guide, "Idempotency-Key", "k")
	require.Equal(t, first.text, again.text)
	require.Equal(t, "true", again.header.Get(replayed))
	require.Equal(t, "key_reused", w.attach(fu, number, "整改说明12000007919.pdf", guide+"\n", "Idempotency-Key", "k").code())
	require.Equal(t, "key_reused", w.attach(fu, number, "另一个名字.pdf", guide, "Idempotency-Key", "k").code(), "its name is part of what is sent")
	require.Equal(t, http.StatusOK, w.attach(fu, number, "再说明.pdf", guide).status)
	require.Equal(t, http.StatusOK, w.attach(fu, number, "再说明.pdf", guide).status, "without a key, the same file is the same")

	files, _ := w.get(gu, list).body["attachments"].([]any)
	require.Len(t, files, 2)
	file, _ := files[0].(map[string]any)
	sum := sha256.Sum256([]byte(guide))
	require.Equal(t, id, file["id"])
	require.Equal(t, "整改说明120****7919.pdf", file["name"])
	require.Equal(t, hex.EncodeToString(sum[:]), file["sha256"])
	require.Equal(t, false, file["scanned"])

	for _, who := range []string{fu, lin, gu, ye} {
		got := w.download(who, number, id)
		require.Equal(t, http.StatusOK, got.Code, who)
		require.Equal(t, guide, got.Body.String())
		header := got.Header()
		require.Equal(t, "application/pdf", header.Get("Content-Type"))
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", header.Get("Cache-Control"))
		require.Equal(t, "default-src 'none'; sandbox", header.Get("Content-Security-Policy"))
		kind, parameters, err := mime.ParseMediaType(header.Get("Content-Disposition"))
		require.NoError(t, err)
		require.Equal(t, "attachment", kind)
		require.Equal(t, "整改说明120****7919.pdf", parameters["filename"])
	}
	require.Equal(t, http.StatusNotFound, w.download(ren, number, id).Code, "another department")
	require.Equal(t, http.StatusNotFound, w.download(fu, number, "5a0d0f5e-5c2b-8d56-9a55-000000000001").Code)
	require.Equal(t, http.StatusNotFound, w.download(fu, number, "x'--").Code)

	require.Equal(t, http.StatusForbidden, w.attach(gu, number, "说明.pdf", guide).status, "auditors never act")
	require.Equal(t, http.StatusNotFound, w.attach(ren, number, "说明.pdf", guide).status)
	require.NotContains(t, w.log.String(), "整改说明")
}

func TestAttachmentsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	for _, c := range []struct {
		name, content, code string
		status              int
	}{
		{"空.pdf", "", "file_empty", 422},
		{"页面.html", "<html>", "file_type", 422},
		{"页面.pdf", "<html>", "file_extension", 422},
		{"大.pdf", guide + strings.Repeat("0", attachments.MaxSize), "body_too_large", 413},
	} {
		a := w.attach(fu, number, c.name, c.content)
		require.Equal(t, c.status, a.status, c.name)
		require.Equal(t, c.code, a.code(), c.name)
	}
	a := w.call(fu, http.MethodPost, "/api/v1/cases/"+number+"/attachments", guide)
	require.Equal(t, "file_missing", a.code(), "a file without a name")
	a = w.call(fu, http.MethodPost, "/api/v1/cases/"+number+"/attachments", guide, "Content-Disposition", `attachment; filename="`)
	require.Equal(t, "file_name", a.code())
	a = w.act(fu, number, casework.AttachFile{
		AttachmentID: "5a0d0f5e-5c2b-8d56-9a55-000000000001", Name: "判决书.pdf", SHA256: strings.Repeat("0", 64), Size: 1, MediaType: "application/pdf",
	})
	require.Equal(t, "attachment_not_kept", a.code(), "nobody names a file that is not there")
	w.does(lin, number, casework.Withdraw{Reason: "撤回"})
	a = w.attach(fu, number, "说明.pdf", guide)
	require.Equal(t, http.StatusConflict, a.status)
	require.NotNil(t, a.body["current"])
	files, err := w.store.AttachmentsOf(t.Context(), number)
	require.NoError(t, err)
	require.Empty(t, files)
}
