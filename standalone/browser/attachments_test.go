package browser_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/standalone/testworld"
)

const guide = "%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"

// attach chooses a file on the page of a case and sends it.
func (p *person) attach(number, path string) {
	p.t.Helper()
	p.open("/cases/" + number)
	p.do(chromedp.SetUploadFiles(chromedp.CSS(`#form-attach-file input[type="file"]`), []string{path}))
	p.press("#form-attach-file button.btn")
}

// TestAttachments: a file goes from one desk to another through the real engine.
func TestAttachments(t *testing.T) {
	t.Parallel()
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
	handler.attach(number, write("整改后的办事指南（第三版）.pdf", guide))
	require.Contains(t, handler.text(`[role="status"]`), "附件已上传")
	handler.attach(number, write("窗口收件清单.csv", "序号,材料\n1,申请表\n"))
	handler.attach(number, write("页面.txt", "<!DOCTYPE html><script>alert(1)</script>"))
	require.Contains(t, handler.text(`[role="alert"]`), "文件内容与扩展名不一致")
	handler.picture("files-error")

	handler.open("/cases/" + number)
	require.Equal(t, 2, script[int](handler, "document.querySelectorAll('.g-file').length"))
	require.Contains(t, handler.text(".g-files"), "未经病毒检查")
	handler.picture("files")
	handler.onPhone(func() { handler.open("/cases/" + number); handler.picture("files-phone") })
	handler.inEnglish(func() { handler.open("/cases/" + number); handler.picture("files-en") })

	kinds := testworld.Kinds(w.Events(t, number))
	require.Equal(t, []string{"opened", "file_attached", "file_attached"}, kinds, "what was refused is not in the story")
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
