package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"

	"guiling/internal/casework"
)

// nextPage is the address of the next page of a list: the same with the place
// where it begins. Empty on the last page.
func nextPage[T any](v *visit, cursor *T) (string, error) {
	if cursor == nil {
		return "", nil
	}
	data, err := json.Marshal(cursor)
	if err != nil {
		return "", err
	}
	query := listQuery(v)
	query.Set("cursor", base64.RawURLEncoding.EncodeToString(data))
	return v.Request().URL.Path + "?" + query.Encode(), nil
}

// firstPage is the address where the list begins.
func firstPage(v *visit) string {
	path := v.Request().URL.Path
	if query := listQuery(v); len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// listQuery is how the list was narrowed, without the place in it.
func listQuery(v *visit) url.Values {
	query := maps.Clone(v.QueryParams())
	query.Del("cursor")
	return query
}

// cursorOf reads the place where a page begins; the zero place when there is none.
func cursorOf[T any](v *visit) (T, error) {
	var cursor T
	word := v.QueryParam("cursor")
	if word == "" {
		return cursor, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(word)
	if err == nil {
		err = json.Unmarshal(data, &cursor)
	}
	if err != nil || bytes.Contains(data, []byte(`\u0000`)) {
		return cursor, casework.Invalid("cursor", "malformed_cursor", "use the next page of an earlier one as it is")
	}
	return cursor, nil
}
