package api

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/httpstatus"
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

// Reasons that only a transport has.
const (
	reasonCursor      = "malformed_cursor"
	reasonETag        = "malformed_etag"
	reasonTooLarge    = "body_too_large"
	reasonContentType = "wrong_content_type"
)

// problem renders an error. What is not of the domain is logged and hidden.
func (a api) problem(c echo.Context, err error) error {
	p := Problem{Type: "about:blank", Status: http.StatusInternalServerError, Code: "internal"}
	if domain, ok := casework.AsError(err); ok {
		p.Status, p.Code, p.Detail, p.Field = httpstatus.Of(domain), domain.Reason, domain.Detail, domain.Field
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
