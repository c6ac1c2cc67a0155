package attachments_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"guiling/internal/attachments"
	"guiling/internal/casework"
)

func reasonOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "file", domain.Field)
	return domain.Reason
}

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("附", 300)
	for _, c := range []struct{ sent, kept, reason string }{
		{"整改前后对比照片.jpg", "整改前后对比照片.jpg", ""},
		{`C:\Users\陈\桌面\办事指南.PDF`, "办事指南.PDF", ""},
		{"../../etc/办事指南.pdf", "办事指南.pdf", ""},
		{"..\\..\\办事指南.pdf", "办事指南.pdf", ""},
		{"cafe\u0301.pdf", "café.pdf", ""},
		{"发票\u202efdp.exe", "发票fdp.exe", ""}, // read to the right it is what it is
		{"\u2066说明\u2069\u200b\ufeff.txt", "说明.txt", ""},
		{"  说明\u3000一.txt \u3000", "说明 一.txt", ""},
		{"说明.exe. . ", "说明.exe", ""},
		{long + ".docx", strings.Repeat("附", casework.MaxAttachmentName-5) + ".docx", ""},
		{"䶮𠮷.pdf", "䶮𠮷.pdf", ""},
		{"a\r\nSet-Cookie: x.pdf", "", "file_name"},
		{"a\x00.pdf", "", "file_name"},
		{"a\u0085.pdf", "", "file_name"},
		{"a\xff.pdf", "", "file_name"},
		{"", "", "file_name"},
		{".pdf", "", "file_name"},
		{"...pdf", "", "file_name"},
		{"..", "", "file_name"},
		{"说明", "", "file_name"},
		{"说明.", "", "file_name"},
		{"a." + strings.Repeat("x", 200), "", "file_name"},
		{"photos/", "", "file_name"},
	} {
		kept, err := attachments.Name(c.sent)
		require.Equal(t, c.reason, reasonOf(t, err), "%q", c.sent)
		require.Equal(t, c.kept, kept, "%q", c.sent)
		require.LessOrEqual(t, utf8.RuneCountInString(kept), casework.MaxAttachmentName)
		if err == nil {
			again, err := attachments.Name(kept)
			require.NoError(t, err)
			require.Equal(t, kept, again)
		}
	}
}

// part is one part of an archive.
type part struct {
	name, text string
	mode       fs.FileMode
	stored     bool
}

func archive(t *testing.T, parts ...part) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, p := range parts {
		header := &zip.FileHeader{Name: p.name, Method: zip.Deflate}
		if p.stored {
			header.Method = zip.Store
		}
		if p.mode != 0 {
			header.SetMode(p.mode)
		}
		f, err := w.CreateHeader(header)
		require.NoError(t, err)
		_, err = f.Write([]byte(p.text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

const contentTypes = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`

func document(t *testing.T, main string, more ...part) []byte {
	t.Helper()
	return archive(t, append([]part{{name: "[Content_Types].xml", text: contentTypes}, {name: main, text: "<w:document/>"}}, more...)...)
}

func wide(name string) string {
	var out strings.Builder
	for _, r := range name {
		out.WriteRune(r)
		out.WriteByte(0)
	}
	return out.String() + "\x00\x00"
}

// compound is a document of the old Office with the names of what lies in it.
func compound(names ...string) []byte {
	out := append([]byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}, make([]byte, 4096)...)
	for _, name := range names {
		out = append(out, wide(name)...)
		out = append(out, make([]byte, 64)...)
	}
	return out
}

func TestKinds(t *testing.T) {
	t.Parallel()
	pdf := []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n")
	jpeg := []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9")
	png := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00")
	exe := append([]byte("MZ\x90\x00\x03\x00\x00\x00"), make([]byte, 256)...)
	html := []byte("<!DOCTYPE html><html><script>alert(1)</script></html>")
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	m4a := []byte("\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00M4A mp42isom\x00\x00\x00\x00")
	film := append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), []byte("....hdlr\x00\x00\x00\x00\x00\x00\x00\x00vide")...)
	sound := append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), []byte("....hdlr\x00\x00\x00\x00\x00\x00\x00\x00soun")...)

	for _, c := range []struct {
		name    string
		content []byte
		kept    string
		reason  string
	}{
		{"办事指南.pdf", pdf, "application/pdf", ""},
		{"办事指南.PDF", pdf, "application/pdf", ""},
		{"照片.jpg", jpeg, "image/jpeg", ""},
		{"照片.jpeg", jpeg, "image/jpeg", ""},
		{"截图.png", png, "image/png", ""},
		{"照片.heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x00"), "image/heic", ""},
		{"说明.txt", []byte("已统一收件标准\r\n\t特此说明"), "text/plain", ""},
		{"台账.csv", []byte("\xef\xbb\xbf日期,事项\n2026-11-02,不动产转移登记\n"), "text/csv", ""},
		{"说明.docx", document(t, "word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ""},
		{"台账.xlsx", document(t, "xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ""},
		{"汇报.pptx", document(t, "ppt/presentation.xml"), "application/vnd.openxmlformats-officedocument.presentationml.presentation", ""},
		{"说明.doc", compound("WordDocument", "1Table"), "application/msword", ""},
		{"台账.xls", compound("Workbook"), "application/vnd.ms-excel", ""},
		{"回访录音.mp3", []byte("ID3\x03\x00\x00\x00\x00\x00\x21\xff\xfb\x90\x00"), "audio/mpeg", ""},
		{"回访录音.m4a", m4a, "audio/mp4", ""},
		{"回访录音.m4a", sound, "audio/mp4", ""},
		{"回访录音.wav", []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"), "audio/wav", ""},
		{"回访录音.amr", []byte("#!AMR\n\x3c\x91\x17"), "audio/amr", ""},

		{"空.pdf", nil, "", "file_empty"},
		{"大.pdf", append(pdf, make([]byte, attachments.MaxSize)...), "", "file_too_large"},
		{"程序.exe", exe, "", "file_type"},
		{"程序.pdf", exe, "", "file_extension"},
		{"照片.png", jpeg, "", "file_extension"},
		{"页面.html", html, "", "file_type"},
		{"页面.txt", html, "", "file_extension"},
		{"页面.pdf", html, "", "file_extension"},
		{"图.svg", svg, "", "file_type"},
		{"图.png", svg, "", "file_extension"},
		{"图.txt", svg, "", "file_extension"},
		{"脚本.sh", []byte("#!/bin/sh\nrm -rf /\n"), "", "file_type"},
		{"脚本.txt", []byte("#!/bin/sh\nrm -rf /\n"), "", "file_extension"},
		{"影片.m4a", film, "", "file_extension"},
		{"影片.mp4", film, "", "file_type"},
		{"压缩.zip", archive(t, part{name: "a.txt", text: "a"}), "", "file_type"},
		{"无扩展名", pdf, "", "file_type"},
		{"说明.txt", []byte("\xd2\xd1\xcd\xb3\xd2\xbb\xca\xd5\xbc\xfe"), "", "file_text"}, // GB 18030
		{"说明.txt", []byte("\xff\xfe\x71\x5c"), "", "file_text"},                         // UTF-16
		{"说明.txt", []byte("彩色\x1b[31m"), "", "file_text"},
		{"说明.doc", compound("Workbook"), "", "file_extension"},
		{"说明.doc", compound("WordDocument", "Macros", "VBA"), "", "file_macros"},
		{"台账.xls", compound("Workbook", "_VBA_PROJECT_CUR", "VBA", "_VBA_PROJECT"), "", "file_macros"},
		{"说明.docx", compound("EncryptedPackage"), "", "file_extension"},
		{"说明.docx", document(t, "xl/workbook.xml"), "", "file_extension"},
		{"说明.docx", archive(t, part{name: "readme.txt", text: "a"}), "", "file_archive"},
		{"说明.docm", document(t, "word/document.xml"), "", "file_type"},
	} {
		kept, err := attachments.Check(c.name, c.content)
		require.Equal(t, c.reason, reasonOf(t, err), "%s: %v", c.name, err)
		require.Equal(t, c.kept, kept, c.name)
	}
}

func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	many := make([]part, 0, 5100)
	for i := range 5100 {
		many = append(many, part{name: strings.Repeat("a", 1+i%7) + "/" + string(rune('一'+i)), stored: true})
	}
	megabytes := strings.Repeat("0", 50<<20)
	lie := document(t, "word/document.xml", part{name: "word/media/a.xml", text: strings.Repeat("a", 4000)})
	// Its table of contents says that the last part has one byte.
	place := bytes.LastIndex(lie, []byte{0xa0, 0x0f, 0, 0})
	require.Positive(t, place)
	lie[place], lie[place+1] = 1, 0
	for name, c := range map[string]struct {
		content []byte
		reason  string
	}{
		"a bomb":            {document(t, "word/document.xml", part{name: "word/media/a.xml", text: megabytes}), "file_archive"},
		"many parts":        {document(t, "word/document.xml", many...), "file_archive"},
		"a lie about sizes": {lie, "file_archive"},
		"leads up":          {document(t, "word/document.xml", part{name: "../../evil.xml"}), "file_archive"},
		"leads up midway":   {document(t, "word/document.xml", part{name: "word/../../evil.xml"}), "file_archive"},
		"leads to the root": {document(t, "word/document.xml", part{name: "/etc/evil.xml"}), "file_archive"},
		"another slash":     {document(t, "word/document.xml", part{name: `..\evil.xml`}), "file_archive"},
		"a drive":           {document(t, "word/document.xml", part{name: `C:evil.xml`}), "file_archive"},
		"a link":            {document(t, "word/document.xml", part{name: "word/link", text: "/etc/passwd", mode: fs.ModeSymlink | 0o777}), "file_archive"},
		"one name twice":    {document(t, "word/document.xml", part{name: "word/document.xml", text: "other"}), "file_archive"},
		"macros":            {document(t, "word/document.xml", part{name: "word/vbaProject.bin", text: "x"}), "file_macros"},
		"macros, capital":   {document(t, "word/document.xml", part{name: "word/VBAPROJECT.BIN", text: "x"}), "file_macros"},
		"a program":         {document(t, "word/document.xml", part{name: "word/embeddings/tool.exe", text: "MZ"}), "file_macros"},
		"macros by type": {archive(t,
			part{name: "[Content_Types].xml", text: strings.Replace(contentTypes, "application/xml", "application/vnd.ms-word.document.macroEnabled.main+xml", 1)},
			part{name: "word/document.xml", text: "<w:document/>"}), "file_macros"},
		"cut short": {document(t, "word/document.xml")[:120], "file_archive"},
	} {
		_, err := attachments.Check("说明.docx", c.content)
		require.Equal(t, c.reason, reasonOf(t, err), "%s: %v", name, err)
	}
}

func TestDisposition(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.pdf":                `attachment; filename="a.pdf"; filename*=UTF-8''a.pdf`,
		"办事指南 一.pdf":           `attachment; filename="____ _.pdf"; filename*=UTF-8''%E5%8A%9E%E4%BA%8B%E6%8C%87%E5%8D%97%20%E4%B8%80.pdf`,
		"138****1234'a(1).pdf": `attachment; filename="138____1234'a(1).pdf"; filename*=UTF-8''138%2A%2A%2A%2A1234%27a%281%29.pdf`,
		"a\"\r\nX-Evil: 1.pdf": `attachment; filename="a___X-Evil_ 1.pdf"; filename*=UTF-8''a%22%0D%0AX-Evil%3A%201.pdf`,
		"𠮷;x.pdf":              `attachment; filename="_;x.pdf"; filename*=UTF-8''%F0%A0%AE%B7%3Bx.pdf`,
	} {
		sent := attachments.Disposition(name)
		require.Equal(t, want, sent)
		require.NotContains(t, sent, "\r")
		read, err := attachments.NameIn(sent)
		require.NoError(t, err)
		require.Equal(t, name, read, "what is sent can be read back")
	}
	for _, sent := range []string{"", "attachment", `attachment; filename="说明.pdf`} {
		read, err := attachments.NameIn(sent)
		if err != nil {
			domain, ok := casework.AsError(err)
			require.True(t, ok)
			require.Equal(t, "file_name", domain.Reason)
		}
		require.Empty(t, read)
	}
}
