// Package attachments says what may be attached to a case: which names, which
// kinds of files, and whether a virus was found in one. It keeps nothing and knows
// no case.
package attachments

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/text/unicode/norm"

	"guiling/internal/casework"
)

// MaxSize is the size of the largest file, in bytes.
const MaxSize = casework.MaxAttachmentSize

// Name gives the name under which a file is kept: what the sender called it without
// the folders it was in, in the composed form, without marks that cannot be seen,
// and no longer than casework.MaxAttachmentName, with its extension kept.
//
// A name that holds a control character or is no UTF-8, and one without an
// extension or with nothing before it, is CodeInvalid.
func Name(sent string) (string, error) {
	if !utf8.ValidString(sent) || strings.ContainsFunc(sent, unicode.IsControl) {
		return "", refuse("file_name", "the name of the file holds a control character or is not valid UTF-8")
	}
	name := strings.Map(visible, norm.NFC.String(sent))
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	// Windows drops dots and spaces at the end, and then the extension is another one.
	name = strings.TrimRight(strings.TrimSpace(name), " .　")
	extension := path.Ext(name)
	stem := strings.TrimSpace(strings.TrimSuffix(name, extension))
	if len(extension) < 2 || strings.Trim(stem, ".") == "" {
		return "", refuse("file_name", "a name and an extension are needed")
	}
	room := casework.MaxAttachmentName - utf8.RuneCountInString(extension)
	if room < 1 {
		return "", refuse("file_name", "the extension is longer than any that is taken")
	}
	if runes := []rune(stem); len(runes) > room {
		stem = strings.TrimSpace(string(runes[:room]))
	}
	return stem + extension, nil
}

// visible drops what shows nothing and turns what is read around: the marks of
// direction, joiners, the byte order mark. It gives one kind of space for all.
func visible(r rune) rune {
	switch {
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), r == '\u2028', r == '\u2029', r == '\u115f', r == '\u1160', r == '\u3164':
		return -1
	case unicode.IsSpace(r):
		return ' '
	default:
		return r
	}
}

// kind is one kind of file that is taken.
type kind struct {
	extensions []string
	sniffed    []string // what the content may turn out to be
	kept       string   // the media type under which it is kept
	check      func(content []byte) error
}

// The kinds: documents, pictures, tables, plain text, and recordings of callbacks.
var kinds = []kind{
	{[]string{".pdf"}, []string{"application/pdf"}, "application/pdf", nil},
	{[]string{".jpg", ".jpeg"}, []string{"image/jpeg"}, "image/jpeg", nil},
	{[]string{".png"}, []string{"image/png"}, "image/png", nil},
	{[]string{".heic", ".heif"}, []string{"image/heic", "image/heif"}, "image/heic", nil},
	{[]string{".docx"}, []string{typeDOCX, typeZIP}, typeDOCX, ooxml("word/document.xml")},
	{[]string{".xlsx"}, []string{typeXLSX, typeZIP}, typeXLSX, ooxml("xl/workbook.xml")},
	{[]string{".pptx"}, []string{typePPTX, typeZIP}, typePPTX, ooxml("ppt/presentation.xml")},
	{[]string{".doc"}, []string{"application/msword", typeOLE}, "application/msword", ole("WordDocument")},
	{[]string{".xls"}, []string{"application/vnd.ms-excel", typeOLE}, "application/vnd.ms-excel", ole("Workbook", "Book")},
	{[]string{".txt"}, []string{"text/plain", "text/csv", "text/tab-separated-values"}, "text/plain", plainText},
	{[]string{".csv"}, []string{"text/plain", "text/csv", "text/tab-separated-values"}, "text/csv", plainText},
	{[]string{".mp3"}, []string{"audio/mpeg"}, "audio/mpeg", nil},
	{[]string{".m4a"}, []string{"audio/x-m4a", "audio/mp4", "video/mp4"}, "audio/mp4", noPicture},
	{[]string{".wav"}, []string{"audio/wav"}, "audio/wav", nil},
	{[]string{".amr"}, []string{"audio/amr"}, "audio/amr", nil},
}

const (
	typeDOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	typeXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	typePPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

	// What Office documents look like from the beginning alone.
	typeZIP = "application/zip"
	typeOLE = "application/x-ole-storage"
)

// Extensions lists the extensions that are taken, each with its dot.
func Extensions() []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.extensions...)
	}
	return all
}

// Check gives the media type of a file that may be kept. What the content is, its
// own bytes say, and the extension of the name must say the same. All that is wrong
// is CodeInvalid.
func Check(name string, content []byte) (mediaType string, err error) {
	switch {
	case len(content) == 0:
		return "", refuse("file_empty", "the file is empty")
	case len(content) > MaxSize:
		return "", refuse("file_too_large", fmt.Sprintf("at most %d bytes", MaxSize))
	}
	sniffed := mimetype.Detect(content)
	extension := strings.ToLower(path.Ext(name))
	i := slices.IndexFunc(kinds, func(k kind) bool { return slices.Contains(k.extensions, extension) })
	if i < 0 {
		return "", refuse("file_type", fmt.Sprintf("a file of this kind is not taken, it is %s", sniffed))
	}
	k := kinds[i]
	// A text that is a page or a script is neither the one nor the other.
	if !slices.ContainsFunc(k.sniffed, sniffed.Is) {
		return "", refuse("file_extension", fmt.Sprintf("the name says %s, the content is %s", extension, sniffed))
	}
	if k.check != nil {
		if err := k.check(content); err != nil {
			return "", err
		}
	}
	return k.kept, nil
}

// plainText refuses text that is no UTF-8, and what is no text.
func plainText(content []byte) error {
	control := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\f", r) }
	if !utf8.Valid(content) || bytes.ContainsFunc(content, control) {
		return refuse("file_text", "the text is not valid UTF-8, or holds control characters")
	}
	return nil
}

// ole gives the check of a document of the old Office that holds one of these
// streams: that it does, and holds no program.
func ole(streams ...string) func([]byte) error {
	return func(content []byte) error {
		if !slices.ContainsFunc(streams, func(name string) bool { return bytes.Contains(content, entry(name)) }) {
			return refuse("file_extension", "the document is of another program")
		}
		for _, part := range []string{"_VBA_PROJECT", "VBA", "Macros", "PROJECTwm"} {
			if bytes.Contains(content, entry(part)) {
				return refuse("file_macros", "the document holds macros")
			}
		}
		return nil
	}
}

// entry is a name as the directory of such a document has it: in UTF-16, with its
// end.
func entry(name string) []byte {
	wide := make([]byte, 0, 2*len(name)+2)
	for i := range len(name) {
		wide = append(wide, name[i], 0)
	}
	return append(wide, 0, 0)
}

// noPicture refuses a film that is called a recording.
func noPicture(content []byte) error {
	if bytes.Contains(content, []byte("\x00\x00\x00\x00vide")) {
		return refuse("file_extension", "the recording holds a film")
	}
	return nil
}

func refuse(reason, detail string) *casework.Error { return casework.Invalid("file", reason, detail) }
