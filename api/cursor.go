package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
)

// encodeCursor writes the place in a list as an opaque word; nothing for the
// last page.
func encodeCursor[T any](cursor *T) (string, error) {
	if cursor == nil {
		return "", nil
	}
	data, err := json.Marshal(cursor)
	return base64.RawURLEncoding.EncodeToString(data), err
}

// decodeCursor reads the word back from the query; the zero place when there is
// none. A cursor is not signed: what it holds is checked like any other input.
func decodeCursor[T any](c echo.Context, valid func(T) bool) (T, error) {
	var none, cursor T
	word := c.QueryParam("cursor")
	if word == "" {
		return none, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(word)
	if err != nil || strict(data, &cursor) != nil || !valid(cursor) {
		return none, casework.Invalid("cursor", reasonCursor, "use the next of an earlier page as it is")
	}
	return cursor, nil
}

// strict reads one JSON value and refuses fields that it does not know.
func strict(data []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the value")
	}
	return nil
}

// isPlace reports whether text can be the number of a case in a cursor.
func isPlace(number string) bool { return number != "" && !strings.ContainsRune(number, 0) }

// queryInt reads a number from the query; 0 when it is not there.
func queryInt(c echo.Context, name string) (int, error) {
	text := c.QueryParam(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, casework.Invalid(name, "limit_range", "a whole number from 1 on")
	}
	return n, nil
}

// queryBool reads true or false from the query; false when it is not there.
func queryBool(c echo.Context, name string) (bool, error) {
	switch c.QueryParam(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, casework.Invalid(name, "unknown_value", "true or false")
	}
}
