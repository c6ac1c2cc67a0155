package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
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
	// Current is where the case stands, for whom it refuses something.
	Current *outcomeJSON `json:"current,omitempty"`
}

// Reasons that only a transport has.
const (
	reasonCursor      = "malformed_cursor"
	reasonETag        = "malformed_etag"
	reasonVersion     = "version_required"
	reasonTooLarge    = "body_too_large"
	reasonContentType = "wrong_content_type"
)

// retryAfter is how long to wait before the same request is sent again, in
// seconds.
const retryAfter = "2"

// problem answers with an error.
func (a api) problem(c echo.Context, err error) error { return send(c, a.problemAnswer(c, err)) }

// problemAnswer renders an error. What is not of the domain is logged and hidden.
// Headers that belong to this very answer, and to no repetition of it, are set at
// once.
func (a api) problemAnswer(c echo.Context, err error) store.Answer {
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
		header.Set(echo.HeaderRetryAfter, retryAfter)
		// What the engine says of itself is for the log.
		a.Log.WarnContext(c.Request().Context(), "unavailable", "path", c.Path(), "error", err)
		p.Detail = "no answer in time; nothing is lost, send the same request again with the same Idempotency-Key"
	}
	if p.Code == "request_in_flight" {
		header.Set(echo.HeaderRetryAfter, retryAfter)
	}
	answer := store.Answer{Status: p.Status}
	if refused, ok := errors.AsType[standingError](err); ok {
		current := outcomeOf(refused.now)
		p.Current, answer.ETag = &current, etag(current.Version)
	}
	answer.Body, _ = encode(p) // words, numbers and a time of the database: it cannot fail
	return answer
}

// answerJSON is the answer to what was done.
func answerJSON(etag string, value any) (store.Answer, error) {
	body, err := encode(value)
	return store.Answer{Status: http.StatusOK, ETag: etag, Body: body}, err
}

func encode(value any) ([]byte, error) {
	data, err := json.Marshal(value)
	return append(data, '\n'), err
}

// send writes an answer, which may be one of before.
func send(c echo.Context, answer store.Answer) error {
	kind := echo.MIMEApplicationJSON
	if answer.Status >= http.StatusBadRequest {
		kind = "application/problem+json; charset=utf-8"
	}
	if answer.ETag != "" {
		c.Response().Header().Set(headerETag, answer.ETag)
	}
	return c.Blob(answer.Status, kind, answer.Body)
}
