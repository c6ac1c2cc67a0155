package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Canonical writes a value as JSON in the one form that stands for it, so that the
// same facts are the same bytes and can be compared and signed: the names of each
// object in order, no blanks, UTF-8 with nothing escaped that need not be. Numbers
// stay as encoding/json writes them.
func Canonical(value any) ([]byte, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	var out bytes.Buffer
	writeTree(&out, tree)
	return out.Bytes(), nil
}

func writeTree(out *bytes.Buffer, tree any) {
	switch value := tree.(type) {
	case map[string]any:
		out.WriteByte('{')
		for i, name := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				out.WriteByte(',')
			}
			writeText(out, name)
			out.WriteByte(':')
			writeTree(out, value[name])
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, element := range value {
			if i > 0 {
				out.WriteByte(',')
			}
			writeTree(out, element)
		}
		out.WriteByte(']')
	case string:
		writeText(out, value)
	case json.Number:
		out.WriteString(value.String())
	case bool:
		fmt.Fprint(out, value)
	default:
		out.WriteString("null")
	}
}

// short are the characters that JSON escapes with one letter.
var short = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func writeText(out *bytes.Buffer, text string) {
	out.WriteByte('"')
	for _, r := range text {
		switch escaped, ok := short[r]; {
		case ok:
			out.WriteString(escaped)
		case r < ' ':
			fmt.Fprintf(out, `\u%04x`, r)
		default:
			out.Write(utf8.AppendRune(nil, r))
		}
	}
	out.WriteByte('"')
}
