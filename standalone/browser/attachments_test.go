package browser_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

const guide = "%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"

// attach chooses a file on the page that is open, sends it, and waits for what is
// said about it.
func (p *person) attach(path, selector, words string) {
	p.t.Helper()
	p.unfold("#form-attach-file")
	p.do(chromedp.SetUploadFiles(chromedp.CSS(`#form-attach-file input[type="file"]`), []string{path}))
	p.do(chromedp.Click(chromedp.CSS("#form-attach-file button.btn")))
	require.Eventually(p.t, func() bool {
		return strings.Contains(script[string](p, "document.querySelector(`"+selector+"`)?.textContent ?? ''"), words)
	}, 10*time.Second, 50*time.Millisecond, "%s: %s", path, words)
}

// TestAttachments: a file goes from one desk to another through the real engine.
//
//nolint:paralleltest // a world of its own: one at a time
func TestAttachments(t *testing.T) {
	w := testworld.New(t)
	b := chromium(t)
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	number := w.OpenCase(t, "FILES-1", "410411000000", "湛河区自然资源局")
	handler := signIn(t, b, w, "zhanhe.ziran.chen")
	handler.open("/cases/" + number)
	// What is typed into another form stays, and that form can still be sent.
	words := `#form-record-callback [name="words"]`
	handler.do(chromedp.SendKeys(chromedp.CSS(words), "材料要求反复变化"))
	handler.attach(write("整改后的办事指南（第三版）.pdf", guide), ".g-alert-done", "附件已上传")
	handler.attach(write("窗口收件清单.csv", "序号,材料\n1,申请表\n"), ".g-file-list", "窗口收件清单.csv")
	handler.attach(write("页面.txt", "<!DOCTYPE html><script>alert(1)</script>"), ".g-files .g-alert-wrong", "文件内容与扩展名不一致")
	handler.picture("files-error")
	require.Equal(t, 3, script[int](handler, "document.querySelectorAll('.g-timeline > li').length"), "the story is as it is now")
	require.Equal(t, "材料要求反复变化", script[string](handler, "document.querySelector(`"+words+"`).value"))
	handler.do(chromedp.Click(chromedp.CSS(`#form-record-callback [name="reached"][value="true"]`)))
	handler.press("#form-record-callback button.btn")
	require.False(t, handler.exists(`[role="alert"]`), handler.text("main"))

	handler.open("/cases/" + number)
	require.Equal(t, 2, script[int](handler, "document.querySelectorAll('.g-file').length"))
	require.Contains(t, handler.text(".g-files"), "未经病毒检查")
	handler.picture("files")
	handler.onPhone(func() { handler.open("/cases/" + number); handler.picture("files-phone") })
	handler.inEnglish(func() { handler.open("/cases/" + number); handler.picture("files-en") })

	kinds := testworld.Kinds(w.Events(t, number))
	require.Equal(t, []string{"opened", "file_attached", "file_attached", "claimed", "callback_recorded"}, kinds, "what was refused is not in the story")
	link := script[string](handler, "document.querySelector('.g-file a').getAttribute('href')")
	for user, status := range map[string]int{
		"zhanhe.jiandu.lin": http.StatusOK, "zhanhe.shenji.gu": http.StatusOK, "zhanhe.zhujian.fu": http.StatusNotFound,
	} {
		got, body := w.Page(t, user, http.MethodGet, link, nil)
		require.Equal(t, status, got, user)
		require.Equal(t, status == http.StatusOK, body == guide, user)
	}

	auditor := signIn(t, b, w, "zhanhe.shenji.gu")
	auditor.open("/cases/" + number)
	require.False(t, auditor.exists("#form-attach-file"))
	auditor.picture("files-auditor")

	w.Does(t, "zhanhe.jiandu.lin", number, casework.Withdraw{Reason: "评价人撤回"})
	handler.open("/cases/" + number)
	require.False(t, handler.exists("#form-attach-file"))
	require.Equal(t, 2, script[int](handler, "document.querySelectorAll('.g-file').length"))
}
