package api

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
)

// Problem is an error as RFC 9457 writes it. Code and Reason are stable; Detail
// is for people who read logs.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"` // the field at fault
}

// statusOf is the one place where an error of the domain becomes a status.
func statusOf(err *casework.Error) int {
	switch err.Code {
	case casework.CodeInvalid:
		return statusOfInvalid(err.Reason)
	case casework.CodeUnauthorized:
		return http.StatusUnauthorized
	case casework.CodeForbidden:
		return http.StatusForbidden
	case casework.CodeNotFound:
		return http.StatusNotFound
	case casework.CodeConflict:
		return http.StatusConflict
	case casework.CodeStale:
		return http.StatusPreconditionFailed
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

// Reasons that only a transport has.
const (
	reasonCursor      = "malformed_cursor"
	reasonETag        = "malformed_etag"
	reasonTooLarge    = "body_too_large"
	reasonContentType = "wrong_content_type"
)

// statusOfInvalid tells what cannot be read from what is read and wrong.
func statusOfInvalid(reason string) int {
	switch reason {
	case "malformed_json", "limit_range", reasonCursor, reasonETag:
		return http.StatusBadRequest
	case reasonTooLarge:
		return http.StatusRequestEntityTooLarge
	case reasonContentType:
		return http.StatusUnsupportedMediaType
	default:
		return http.StatusUnprocessableEntity
	}
}

// problem renders an error. What is not of the domain is logged and hidden.
func (a api) problem(c echo.Context, err error) error {
	p := Problem{Type: "about:blank", Status: http.StatusInternalServerError, Code: "internal"}
	if domain, ok := casework.AsError(err); ok {
		p.Status, p.Code, p.Detail, p.Field = statusOf(domain), domain.Reason, domain.Detail, domain.Field
	} else {
		a.Log.ErrorContext(c.Request().Context(), "request failed", "path", c.Path(), "error", err)
	}
	p.Title = http.StatusText(p.Status)
	header := c.Response().Header()
	switch p.Status {
	case http.StatusUnauthorized:
		header.Set(echo.HeaderWWWAuthenticate, `Bearer realm="guiling"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		header.Set(echo.HeaderRetryAfter, "2")
		// What the engine says of itself is for the log.
		a.Log.WarnContext(c.Request().Context(), "unavailable", "path", c.Path(), "error", err)
		p.Detail = "no answer in time; nothing is lost, send the same request again with the same Idempotency-Key"
	}
	header.Set(echo.HeaderContentType, "application/problem+json; charset=utf-8")
	c.Response().WriteHeader(p.Status)
	return json.NewEncoder(c.Response()).Encode(p)
}
