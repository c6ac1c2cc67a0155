package api

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

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

// decodeCursor reads the word back from the query; the zero place when there is none.
func decodeCursor[T any](c echo.Context) (T, error) {
	var cursor T
	word := c.QueryParam("cursor")
	if word == "" {
		return cursor, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(word)
	if err == nil {
		err = json.Unmarshal(data, &cursor)
	}
	if err != nil {
		return cursor, casework.Invalid("cursor", "malformed_cursor", "use the next of an earlier page as it is")
	}
	return cursor, nil
}

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
