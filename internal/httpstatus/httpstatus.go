// Package httpstatus is the one place where an error of the domain becomes an
// HTTP status, for JSON and for pages.
package httpstatus

import (
	"net/http"

	"guiling/internal/casework"
)

// Of gives the status of an error. A code that is not known is a fault of ours.
func Of(err *casework.Error) int {
	switch err.Code {
	case casework.CodeInvalid:
		return ofInvalid(err.Reason)
	case casework.CodeUnauthorized:
		return http.StatusUnauthorized
	case casework.CodeForbidden:
		return http.StatusForbidden
	case casework.CodeNotFound:
		return http.StatusNotFound
	case casework.CodeGone:
		return http.StatusGone
	case casework.CodeConflict:
		return http.StatusConflict
	case casework.CodeStale:
		return http.StatusPreconditionFailed
	case casework.CodeVersionless:
		return http.StatusPreconditionRequired
	case casework.CodeKeyReused:
		return http.StatusUnprocessableEntity
	case casework.CodeTooMany:
		return http.StatusTooManyRequests
	case casework.CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// ofInvalid tells what cannot be read from what is read and wrong.
func ofInvalid(reason string) int {
	switch reason {
	case "malformed_json", "malformed_form", "malformed_cursor", "malformed_etag", "limit_range":
		return http.StatusBadRequest
	case "body_too_large", "form_too_large", "file_too_large":
		return http.StatusRequestEntityTooLarge
	case "wrong_content_type":
		return http.StatusUnsupportedMediaType
	default:
		return http.StatusUnprocessableEntity
	}
}
