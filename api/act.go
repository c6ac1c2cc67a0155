package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// The largest body of an action. Its longest texts together stay below.
const maxBody = 64 << 10

// maxKey bounds an Idempotency-Key, in bytes.
const maxKey = 200

type outcomeJSON struct {
	Number     string         `json:"number"`
	Version    int            `json:"version"`
	Stage      casework.Stage `json:"stage"`
	DeadlineAt *time.Time     `json:"deadline_at"`
}

// act carries out POST /api/v1/cases/{number}/actions/{action}. Idempotency-Key
// makes it happen once; If-Match makes it fail with 412 when the case changed.
func (a api) act(c echo.Context, user store.User) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	command, err := casework.DecodeCommand(casework.Action(c.Param("action")), body)
	if err != nil {
		return err
	}
	number, err := caseNumber(c)
	if err != nil {
		return err
	}
	request := commands.Request{Number: number, Command: command, Key: c.Request().Header.Get("Idempotency-Key")}
	if len(request.Key) > maxKey {
		return casework.Invalid("Idempotency-Key", "text_too_long", fmt.Sprintf("at most %d bytes", maxKey))
	}
	if request.Version, err = ifMatch(c); err != nil {
		return err
	}
	outcome, err := a.Commands.Act(c.Request().Context(), user.Actor, request)
	if err != nil {
		return err
	}
	out := outcomeJSON{Number: outcome.Number, Version: outcome.Version, Stage: outcome.Stage}
	if !outcome.Deadline.IsZero() {
		deadline := outcome.Deadline.UTC()
		out.DeadlineAt = &deadline
	}
	setETag(c, outcome.Version)
	return c.JSON(http.StatusOK, out)
}

func readBody(c echo.Context) ([]byte, error) {
	if kind := c.Request().Header.Get(echo.HeaderContentType); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != echo.MIMEApplicationJSON {
			return nil, casework.Invalid("Content-Type", reasonContentType, "the body is application/json")
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, casework.Invalid("body", reasonTooLarge, fmt.Sprintf("at most %d bytes", tooLarge.Limit))
	}
	if err != nil {
		return nil, casework.Invalid("body", "malformed_json", "the body could not be read")
	}
	return body, nil
}

// The ETag of a case is its version in quotes.
func setETag(c echo.Context, version int) {
	c.Response().Header().Set("ETag", strconv.Quote(strconv.Itoa(version)))
}

func ifMatch(c echo.Context) (int, error) {
	tag := c.Request().Header.Get("If-Match")
	if tag == "" || tag == "*" {
		return 0, nil
	}
	version, err := strconv.Atoi(strings.Trim(tag, `"`))
	if err != nil || version < 1 {
		return 0, casework.Invalid("If-Match", reasonETag, "use the ETag of the case as it is")
	}
	return version, nil
}
