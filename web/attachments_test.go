package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/commands"
)

// keptFile is a file of the fake.
type keptFile struct {
	content   []byte
	scanned   bool
	destroyed bool
}

func (o *office) files(c *oneCase) []commands.AttachedFile {
	var files []commands.AttachedFile
	for _, e := range c.events {
		if body, ok := e.Body.(casework.FileAttached); ok {
			kept := o.kept[body.AttachmentID]
			files = append(files, commands.AttachedFile{FileAttached: body, Event: e, Scanned: kept.scanned, Destroyed: kept.destroyed})
		}
	}
	return files
}

func (o *office) AttachFile(_ context.Context, actor casework.Actor, u commands.Upload) (commands.Outcome, string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, err := o.find(u.Number)
	if err != nil {
		return commands.Outcome{}, "", err
	}
	if !may(actor, casework.ActionAttachFile, c.state) {
		return commands.Outcome{}, "", casework.Forbidden("not_allowed", "no")
	}
	if u.Name == "" {
		return commands.Outcome{}, "", casework.Invalid("file", "file_missing", "no")
	}
	if o.answer != nil {
		return commands.Outcome{}, "", o.answer
	}
	name, err := attachments.Name(u.Name)
	if err != nil {
		return commands.Outcome{}, "", err
	}
	kind, err := attachments.Check(name, u.Content)
	if err != nil {
		return commands.Outcome{}, "", err
	}
	sum := sha256.Sum256(append([]byte(u.Key), u.Content...))
	id := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	if _, done := o.kept[id]; !done {
		sum := sha256.Sum256(u.Content)
		command := casework.AttachFile{AttachmentID: id, Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(u.Content)), MediaType: kind}
		by := casework.By{UserID: actor.UserID, OrganisationID: actor.OrganisationID, Role: actor.Roles[0], Rule: "department-attaches-files"}
		bodies, err := casework.Decide(c.state, command, casework.Circumstances{Rules: o.rules, Now: o.now, By: by})
		if err != nil {
			return commands.Outcome{}, "", err
		}
		if o.kept == nil {
			o.kept = map[string]keptFile{}
		}
		o.kept[id] = keptFile{content: u.Content}
		o.record(c, o.now, by, bodies...)
	}
	return commands.Outcome{Number: u.Number, Version: c.row.Version, Stage: c.row.Stage}, id, nil
}

func (o *office) OpenAttachment(_ context.Context, _ casework.Actor, number, id string) (commands.Download, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, err := o.find(number)
	if err != nil {
		return commands.Download{}, err
	}
	for _, f := range o.files(c) {
		switch {
		case f.AttachmentID == id && f.Destroyed:
			return commands.Download{}, &casework.Error{Code: casework.CodeGone, Reason: "attachment_destroyed", Detail: "gone"}
		case f.AttachmentID == id:
			return commands.Download{FileAttached: f.FileAttached, Content: o.kept[id].content}, nil
		}
	}
	return commands.Download{}, &casework.Error{Code: casework.CodeNotFound, Reason: "attachment_not_found", Detail: "no"}
}

// upload sends a form with a file, as a browser does.
func (b *bundle) upload(number, key, name string, content []byte) page {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(b.t, w.WriteField("key", key))
	header := textproto.MIMEHeader{"Content-Type": {"application/octet-stream"}}
	header.Set("Content-Disposition", `form-data; name="file"; filename="`+name+`"`)
	part, err := w.CreatePart(header)
	require.NoError(b.t, err)
	_, err = part.Write(content)
	require.NoError(b.t, err)
	require.NoError(b.t, w.Close())
	return b.send("/cases/"+number+"/attachments", w.FormDataContentType(), &body)
}

func (b *bundle) send(path, contentType string, body io.Reader) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.server.URL+path, body)
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.answer(r)
}

const guide = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"

func TestFilesOfACase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open(number(1), 3, nil)
	b.signIn(chen)
	p := b.get("/cases/" + number(1))
	form := p.one(t, "form", "id", "form-attach-file")
	enctype, _ := attribute(form, "enctype")
	require.Equal(t, "multipart/form-data", enctype, "it works without JavaScript")
	_, once := attribute(form, "data-once")
	require.True(t, once)
	key := formOf(form).Get("key")
	require.NotEmpty(t, key)
	require.Contains(t, p.text, "还没有附件")
	require.Empty(t, p.all("form", "id", "form-attach-file2"))
	require.NotContains(t, p.text, "/actions/attach-file", "there is one form for it, and that has a file")

	for range 2 { // a double click
		sent := b.upload(number(1), key, "整改后的办事指南.pdf", []byte(guide))
		require.Equal(t, http.StatusSeeOther, sent.StatusCode, sent.text)
		require.Equal(t, "/cases/"+number(1), sent.Header.Get("Location"))
	}
	p = b.get("/cases/" + number(1))
	require.Contains(t, p.text, "附件已上传")
	files := p.all("li", "class", "g-file")
	require.Len(t, files, 1)
	shown := words(files[0])
	sum := sha256.Sum256([]byte(guide))
	hash := hex.EncodeToString(sum[:])
	for _, part := range []string{"整改后的办事指南.pdf", "PDF", "B", "陈禾溪", "湛河区自然资源局", hash[:8], "未经病毒检查"} {
		require.Contains(t, shown, part)
	}
	require.Contains(t, p.text, `title="文件指纹（SHA-256）：`+hash)
	require.Contains(t, p.text, "上传附件“整改后的办事指南.pdf”（PDF，")
	link, _ := attribute(p.one(t, "a", "class", "g-event-file"), "href")

	for _, who := range []string{"chen", "gu"} {
		b.newBrowser()
		b.signIn(persons[map[string]int{"chen": 0, "gu": 5}[who]])
		got := b.get(link)
		require.Equal(t, http.StatusOK, got.StatusCode)
		require.Equal(t, guide, got.text)
		require.Equal(t, "application/pdf", got.Header.Get("Content-Type"))
		require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", got.Header.Get("Cache-Control"))
		require.Equal(t, "default-src 'none'; sandbox", got.Header.Get("Content-Security-Policy"))
		kind, parameters, err := mime.ParseMediaType(got.Header.Get("Content-Disposition"))
		require.NoError(t, err)
		require.Equal(t, "attachment", kind)
		require.Equal(t, "整改后的办事指南.pdf", parameters["filename"])
	}
	p = b.get("/cases/" + number(1)) // as the auditor
	require.Empty(t, p.all("form", "id", "form-attach-file"))
	require.Len(t, p.all("li", "class", "g-file"), 1)
	require.Equal(t, http.StatusForbidden, b.upload(number(1), "k", "a.pdf", []byte(guide)).StatusCode)
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.office.open(number(1), 3, nil)
	b.signIn(chen)
	big := append([]byte(guide), make([]byte, attachments.MaxSize)...)
	for _, try := range []struct {
		name    string
		content []byte
		status  int
		words   string
	}{
		{"", nil, http.StatusUnprocessableEntity, "请选择要上传的文件"},
		{"空.pdf", nil, http.StatusUnprocessableEntity, "这个文件是空的"},
		{"页面.html", []byte("<script>alert(1)</script>"), http.StatusUnprocessableEntity, "不接受这种文件"},
		{"页面.txt", []byte("<!DOCTYPE html><script>alert(1)</script>"), http.StatusUnprocessableEntity, "文件内容与扩展名不一致"},
		{"大.pdf", big, http.StatusRequestEntityTooLarge, "文件超过 20 MB"},
	} {
		p := b.upload(number(1), "k", try.name, try.content)
		require.Equal(t, try.status, p.StatusCode, try.name)
		require.Contains(t, p.text, try.words)
		field := p.one(t, "input", "id", "attach-file-file")
		wrong, _ := attribute(field, "aria-invalid")
		require.Equal(t, "true", wrong)
		require.NotEmpty(t, p.all("a", "href", "#attach-file-file"), "the sum of errors leads to the field")
	}
	require.Equal(t, 1, c.row.Version, "nothing was recorded")

	b.office.answer = &casework.Error{Code: casework.CodeUnavailable, Reason: "scanner_away", Detail: "dial tcp 10.0.0.1: refused"}
	p := b.upload(number(1), "k", "指南.pdf", []byte(guide))
	require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
	require.Contains(t, p.text, "病毒检查程序暂时没有答复")
	require.NotContains(t, p.text, "10.0.0.1")
	b.office.answer = nil

	require.Equal(t, http.StatusNotFound, b.upload("410411-20990101-000001", "k", "指南.pdf", []byte(guide)).StatusCode)
	require.Equal(t, http.StatusNotFound, b.get("/cases/"+number(1)+"/attachments/5a0d0f5e-5c2b-8d56-9a55-000000000001").StatusCode)
	require.Equal(t, http.StatusUnprocessableEntity, b.do(http.MethodPost, "/cases/"+number(1)+"/attachments", url.Values{"key": {"k"}}).StatusCode, "a form without a file")
	require.Equal(t, http.StatusBadRequest, b.upload(number(1), strings.Repeat("k", 65), "指南.pdf", []byte(guide)).StatusCode)
	require.Equal(t, http.StatusBadRequest, b.send("/cases/"+number(1)+"/attachments", "multipart/form-data; boundary=x", strings.NewReader("--x\r\nbroken")).StatusCode)
}

// endless is a file without an end. It counts what was read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

// TestNobodySendsAFile: what somebody sends who is not known is not even read.
func TestNobodySendsAFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open(number(1), 3, nil)
	body := &endless{}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/cases/"+number(1)+"/attachments", body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	recorder := httptest.NewRecorder()
	b.echo.ServeHTTP(recorder, r)
	require.Equal(t, http.StatusUnauthorized, recorder.Code)
	require.Zero(t, body.read)
}

// TestAFewFilesAtOnce: what somebody sends beside many other files is not read.
func TestAFewFilesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open(number(1), 3, nil)
	b.signIn(chen)
	var ends []*io.PipeWriter
	var slow sync.WaitGroup
	for range 4 {
		body, end := io.Pipe()
		ends = append(ends, end)
		slow.Go(func() { _ = b.send("/cases/"+number(1)+"/attachments", "multipart/form-data; boundary=x", body) })
	}
	require.Eventually(t, func() bool {
		return b.upload(number(1), "k", "指南.pdf", []byte(guide)).StatusCode == http.StatusTooManyRequests
	}, 10*time.Second, 20*time.Millisecond)
	for _, end := range ends {
		_, _ = io.WriteString(end, "--x--")
		require.NoError(t, end.Close())
	}
	slow.Wait()
	require.Equal(t, http.StatusSeeOther, b.upload(number(1), "k", "指南.pdf", []byte(guide)).StatusCode)
}

func TestFilesThatWereDestroyed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open(number(1), 3, nil)
	b.signIn(chen)
	require.Equal(t, http.StatusSeeOther, b.upload(number(1), "k", "指南.pdf", []byte(guide)).StatusCode)
	var id string
	for id = range b.office.kept {
		b.office.kept[id] = keptFile{destroyed: true}
	}
	p := b.get("/cases/" + number(1))
	row := p.one(t, "li", "class", "g-file")
	require.Contains(t, words(row), "已按期销毁")
	require.Contains(t, words(row), "指南.pdf", "that it was there stays known")
	require.NotContains(t, words(row), "未经病毒检查")
	got := b.get("/cases/" + number(1) + "/attachments/" + id)
	require.Equal(t, http.StatusGone, got.StatusCode)
	require.Contains(t, got.text, "附件已按规定销毁")
}

func TestMarkupInTheNameOfAFileIsInert(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open(number(1), 3, nil)
	b.signIn(chen)
	sent := b.upload(number(1), "k", "<img src=x onerror=alert(1)>'\u202e.pdf", []byte(guide))
	require.Equal(t, http.StatusSeeOther, sent.StatusCode, sent.text)
	p := b.get("/cases/" + number(1))
	require.Empty(t, p.all("img", "src", "x"))
	require.Contains(t, p.text, "&lt;img src=x onerror=alert(1)&gt;")
	require.NotContains(t, p.text, "\u202e")
}
