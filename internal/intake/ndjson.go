package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"guiling/internal/casework"
)

// ndjson reads one JSON object a line. data is without a byte order mark.
func (s *scan) ndjson(data []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return refuse("wrong_format", "", "the file does not hold one JSON object a line")
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if err := s.object(line, text); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) object(line int, text []byte) error {
	if len(text) > MaxRowBytes {
		return s.hold(line, unread(text), casework.QuarantineRowTooLong, "", fmt.Sprintf("longer than %d bytes", MaxRowBytes))
	}
	raw, field, problem := flatObject(text)
	if problem != "" {
		return s.hold(line, unread(text), casework.QuarantineMalformedRow, field, problem)
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		s.note(name)
	}
	for _, name := range s.book.RequiredColumns {
		if _, there := raw[name]; !there {
			return s.hold(line, raw, casework.QuarantineMissingColumn, name, "the row does not have the field")
		}
	}
	// encoding/json puts U+FFFD for bytes that are no UTF-8 and for half a
	// surrogate pair, and says nothing. One that the source did not write itself
	// is text that was lost.
	if !bytes.ContainsRune(text, utf8.RuneError) || !utf8.Valid(text) {
		for _, name := range slices.Sorted(maps.Keys(raw)) {
			if strings.ContainsRune(raw[name], utf8.RuneError) {
				return s.hold(line, raw, casework.QuarantineInvalidText, storableText(name), "the text is no UTF-8")
			}
		}
	}
	return s.decode(line, raw)
}

// flatObject reads an object of plain values as text, numbers as they are
// written: a rating of 2 is "2", and 2.0 is something else. When it cannot it
// says why, and for which field.
func flatObject(text []byte) (raw map[string]string, field, problem string) {
	if !json.Valid(text) {
		return nil, "", "the line is no JSON"
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, "", "the line is no JSON object"
	}
	raw = map[string]string{}
	for decoder.More() {
		if len(raw) == MaxColumns {
			return nil, "", fmt.Sprintf("the object has more than %d fields", MaxColumns)
		}
		key, err := decoder.Token()
		name, isText := key.(string)
		if err != nil || !isText {
			return nil, "", "the line is no JSON object"
		}
		if _, twice := raw[name]; twice {
			return nil, storableText(name), "the field is there twice"
		}
		value, err := decoder.Token()
		if err != nil {
			return nil, storableText(name), "the value cannot be read"
		}
		switch v := value.(type) {
		case string:
			raw[name] = v
		case json.Number:
			raw[name] = v.String()
		case bool:
			raw[name] = strconv.FormatBool(v)
		case nil:
			raw[name] = ""
		default:
			return nil, storableText(name), "the value is a list or an object"
		}
	}
	return raw, "", ""
}
