package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/attachments"
	"guiling/internal/casework"
)

// The bounds of a form with a file: all of it, in bytes, and its parts.
const (
	maxUpload = 4 << 20
	maxParts  = 8
)

// uploadBounds are the bounds of a form with a file, in bytes: all of it, and the
// file. What of a file is over its bound is read and dropped, so that the browser hears
// why it was refused.
type uploadBounds struct{ form, file int64 }

// uploadPaths are the routes whose form may carry a file. All others refuse one.
func uploadPaths() map[string]uploadBounds {
	return map[string]uploadBounds{
		organisationImportPath: {maxUpload, maxUpload},
		peopleImportPath:       {maxUpload, maxUpload},
		attachPath:             {3 * attachments.MaxSize, attachments.MaxSize},
	}
}

// carriesFile reports whether a form with a file was sent to where one may be.
func (v *visit) carriesFile() bool {
	kind, _, err := mime.ParseMediaType(v.Request().Header.Get(echo.HeaderContentType))
	_, may := uploadPaths()[v.Path()]
	return err == nil && kind == echo.MIMEMultipartForm && may
}

// readUpload reads a form with a file into memory, never into a temporary file. A
// field may come once; the file is the part that is called so.
func (v *visit) readUpload() error {
	r := v.Request()
	bounds := uploadPaths()[v.Path()]
	r.Body = http.MaxBytesReader(v.Response(), r.Body, bounds.form)
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
			data, err = io.ReadAll(io.LimitReader(part, bounds.file+1))
		}
		switch {
		case errors.As(err, new(*http.MaxBytesError)):
			return casework.Invalid("", "form_too_large", "the form is larger than any of ours")
		case err != nil || n == maxParts:
			return casework.Invalid("", "malformed_form", "the form could not be read")
		case v.form.Has(part.FormName()) || part.FormName() == "file" && v.file != nil:
			return casework.Invalid(part.FormName(), "malformed_form", "the field came more than once")
		case part.FormName() == "file":
			v.file, v.fileName = data, part.FileName()
		case int64(len(data)) > maxForm:
			return casework.Invalid("", "form_too_large", "a field is larger than any of ours")
		case !isText(part.FormName()) || !isText(string(data)):
			return errNotText(part.FormName())
		default:
			v.form.Set(part.FormName(), strings.ReplaceAll(string(data), "\r\n", "\n"))
		}
	}
}
