package attachments

import (
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"guiling/internal/casework"
)

// Disposition is the Content-Disposition with which a file is sent: never shown in
// the browser, always saved, under its own name (RFC 6266, RFC 8187). Browsers that
// do not know filename* get what of the name is ASCII.
func Disposition(name string) string {
	var plain, full strings.Builder
	for _, r := range name {
		if r < ' ' || r >= utf8.RuneSelf || strings.ContainsRune("\"\\/%:*?<>|\x7f", r) {
			plain.WriteByte('_')
		} else {
			plain.WriteRune(r)
		}
	}
	for _, b := range []byte(name) {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if letter || strings.IndexByte("!#$&+-.^_`|~", b) >= 0 {
			full.WriteByte(b)
		} else {
			fmt.Fprintf(&full, "%%%02X", b)
		}
	}
	return fmt.Sprintf(`attachment; filename="%s"; filename*=UTF-8''%s`, plain.String(), full.String())
}

// NameIn reads the name of a file out of a Content-Disposition that somebody sent;
// empty when there is none.
func NameIn(disposition string) (string, error) {
	if disposition == "" {
		return "", nil
	}
	_, parameters, err := mime.ParseMediaType(disposition)
	if err != nil {
		return "", casework.Invalid("Content-Disposition", "file_name", "attachment; filename*=UTF-8''… is expected")
	}
	return parameters["filename"], nil
}
