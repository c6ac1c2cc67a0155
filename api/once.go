package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// The largest body of a request. The longest texts of an action together stay
// below.
const maxBody = 64 << 10

// maxKey bounds an Idempotency-Key, in bytes.
const maxKey = 200

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"
	headerIfMatch  = "If-Match"
	headerETag     = "ETag"
)

// sent is a request that changes something, in form: its headers are right and
// its body is read.
type sent struct {
	body    []byte
	key     string // the Idempotency-Key; empty: none
	version int    // what If-Match says, where the route asks for it
	// disposition is the Content-Disposition of a file.
	disposition string
	requestID   string // names the request through all attempts at it; empty without a key
}

// once answers a request that changes something: with a key it happens once, and
// whoever sends it again gets the same answer. A request that is not in form uses
// up no key.
func (a api) once(c echo.Context, user store.User, r Route) error {
	if r.TakesFile {
		leave, err := a.receiving.Enter(user.ID)
		if err != nil {
			return err
		}
		defer leave()
	}
	s, err := readSent(c, r)
	if err != nil {
		return err
	}
	carry := func(requestID string) (store.Answer, error) {
		s.requestID = requestID
		answer, err := r.write(a, c, user, s)
		if err != nil {
			return a.problemAnswer(c, err), err
		}
		return answer, nil
	}
	if s.key == "" {
		answer, _ := carry("")
		return send(c, answer)
	}
	request := store.KeyedRequest{UserID: user.ID, Key: s.key, Content: contentOf(c, s)}
	answer, replayed, err := a.Commands.Once(c.Request().Context(), request, !r.AnswersAnew, carry)
	if err != nil {
		return err
	}
	if replayed {
		c.Response().Header().Set(headerReplayed, "true")
	}
	return send(c, answer)
}

// contentOf is all that makes a request this one and no other.
func contentOf(c echo.Context, s sent) []byte {
	r := c.Request()
	head := fmt.Appendf(nil, "%s %q %q\n", r.Method, r.URL.EscapedPath(), r.Header.Values(headerIfMatch))
	if s.disposition != "" {
		head = fmt.Appendf(head, "%q\n", s.disposition)
	}
	return append(head, s.body...)
}

func readSent(c echo.Context, r Route) (sent, error) {
	var s sent
	var err error
	if s.key, err = idempotencyKey(c); err != nil {
		return s, err
	}
	if r.Versioned {
		if s.version, err = ifMatch(c); err != nil {
			return s, err
		}
	}
	if r.TakesFile {
		s.disposition = c.Request().Header.Get(echo.HeaderContentDisposition)
		s.body, err = readAll(c, maxFile)
		return s, err
	}
	s.body, err = readBody(c)
	return s, err
}

func readBody(c echo.Context) ([]byte, error) {
	if kind := c.Request().Header.Get(echo.HeaderContentType); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != echo.MIMEApplicationJSON {
			return nil, casework.Invalid("Content-Type", reasonContentType, "the body is application/json")
		}
	}
	return readAll(c, maxBody)
}

func readAll(c echo.Context, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, most))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, casework.Invalid("body", reasonTooLarge, fmt.Sprintf("at most %d bytes", tooLarge.Limit))
	}
	if err != nil {
		return nil, casework.Invalid("body", "malformed_json", "the body could not be read")
	}
	return body, nil
}

// idempotencyKey reads the key of a request; empty when there is none. A header
// that is there and holds no key would let its sender believe in one.
func idempotencyKey(c echo.Context) (string, error) {
	values := c.Request().Header.Values(headerKey)
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	unseemly := strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' })
	switch {
	case len(values) > 1:
		return "", casework.Invalid(headerKey, "invalid_text", "one key, in one header")
	case key == "":
		return "", casework.Invalid(headerKey, "required", "a key of 1 to 200 bytes, or no such header")
	case len(key) > maxKey:
		return "", casework.Invalid(headerKey, "text_too_long", fmt.Sprintf("at most %d bytes", maxKey))
	case unseemly:
		return "", casework.Invalid(headerKey, "invalid_text", "only printable ASCII")
	}
	return key, nil
}

// etag is the ETag of a case: its version in quotes.
func etag(version int) string { return strconv.Quote(strconv.Itoa(version)) }

// ifMatch reads the version that the sender has seen: exactly one ETag as etag
// makes them, or * for whichever there is, which is 0.
func ifMatch(c echo.Context) (int, error) {
	values := c.Request().Header.Values(headerIfMatch)
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return 0, &casework.Error{
			Code: casework.CodeVersionless, Reason: reasonVersion, Field: headerIfMatch,
			Detail: "send the ETag of the case as you saw it, or * for whichever version there is",
		}
	}
	if len(values) == 1 && values[0] == "*" {
		return 0, nil
	}
	version, err := strconv.Atoi(strings.Trim(values[0], `"`))
	if err != nil || len(values) > 1 || version < 0 || values[0] != etag(version) {
		return 0, casework.Invalid(headerIfMatch, reasonETag, "use the ETag of the case as it is")
	}
	if version == 0 {
		return commands.NotBegun, nil
	}
	return version, nil
}
