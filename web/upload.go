package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
)

// The bounds of a form with a file: all of it, in bytes, and its parts.
const (
	maxUpload = 4 << 20
	maxParts  = 8
)

// uploadPaths lists the routes whose form may carry a file. All others refuse one.
func uploadPaths() []string { return []string{organisationImportPath, peopleImportPath} }

// carriesFile reports whether a form with a file was sent to where one may be.
func (v *visit) carriesFile() bool {
	kind, _, err := mime.ParseMediaType(v.Request().Header.Get(echo.HeaderContentType))
	return err == nil && kind == echo.MIMEMultipartForm && slices.Contains(uploadPaths(), v.Path())
}

// readUpload reads a form with a file into memory, never into a temporary file. A
// field may come once; the file is the part that is called so.
func (v *visit) readUpload() error {
	r := v.Request()
	r.Body = http.MaxBytesReader(v.Response(), r.Body, maxUpload)
	parts, err := r.MultipartReader()
	if err != nil {
		return casework.Invalid("", "malformed_form", "the form could not be read")
	}
	v.form = url.Values{}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(part)
		}
		switch {
		case errors.As(err, new(*http.MaxBytesError)):
			return casework.Invalid("", "form_too_large", "the form is larger than any of ours")
		case err != nil || n == maxParts:
			return casework.Invalid("", "malformed_form", "the form could not be read")
		case v.form.Has(part.FormName()) || part.FormName() == "file" && v.file != nil:
			return casework.Invalid(part.FormName(), "malformed_form", "the field came more than once")
		case part.FormName() == "file":
			v.file = data
		default:
			v.form.Set(part.FormName(), strings.ReplaceAll(string(data), "\r\n", "\n"))
		}
	}
}
