package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"guiling/internal/casework"
)

// csv reads a CSV file with a header. data is without a byte order mark.
func (s *scan) csv(data []byte) error {
	if s.book.Encoding == casework.EncodingGB18030 {
		// Row by row would be no better: no quote, comma or line break is ever part
		// of a character of GB18030, so a bad byte spoils its own row only.
		data, _ = fromGB18030(data)
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1
	columns, err := s.header(reader)
	if err != nil {
		return err
	}
	for {
		start := reader.InputOffset()
		record, err := reader.Read()
		text := data[start:reader.InputOffset()]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			err = s.malformed(text, err)
		default:
			line, _ := reader.FieldPos(0)
			err = s.record(line, text, columns, record)
		}
		if err != nil {
			return err
		}
	}
}

// header reads the names of the columns. A file whose columns are not certain
// is refused whole: reading on would fill fields with other fields' values.
func (s *scan) header(reader *csv.Reader) ([]string, error) {
	columns, err := reader.Read()
	if err != nil {
		return nil, refuse("bad_header", "", "the first line cannot be read as names of columns")
	}
	if len(columns) > MaxColumns {
		return nil, refuse("bad_header", "", fmt.Sprintf("the file has more than %d columns", MaxColumns))
	}
	for i, name := range columns {
		// Spreadsheets leave nameless columns at the end.
		if columns[i] = strings.TrimSpace(name); columns[i] == "" {
			columns[i] = fmt.Sprintf("#%d", i+1)
		}
	}
	for i, name := range columns {
		if slices.Contains(columns[:i], name) {
			return nil, refuse("duplicate_column", storableText(name), "the file has the column twice")
		}
		s.note(name)
	}
	for _, name := range s.book.RequiredColumns {
		if !slices.Contains(columns, name) {
			return nil, refuse("missing_column", name, fmt.Sprintf("the file has no column %s, which the code book %s requires", name, s.book.ID))
		}
	}
	return columns, nil
}

// malformed deals with quotes that cannot be read. On one line they spoil one
// row. Across lines nobody can say where a row ends, and rows might vanish into
// the text of another: then the file is refused.
func (s *scan) malformed(text []byte, err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("read CSV: %w", err)
	}
	if bytes.ContainsRune(bytes.TrimRight(text, "\r\n"), '\n') {
		return refuse("unclosed_quote", "", fmt.Sprintf("a quote that opens in the row of line %d is not closed as it should", parse.StartLine))
	}
	return s.hold(parse.StartLine, unread(text), casework.QuarantineMalformedRow, "", "a quote is out of place")
}

func (s *scan) record(line int, text []byte, columns, record []string) error {
	if len(text) > MaxRowBytes {
		return s.hold(line, unread(text), casework.QuarantineRowTooLong, "", fmt.Sprintf("longer than %d bytes", MaxRowBytes))
	}
	raw := make(map[string]string, len(columns))
	for i, name := range columns[:min(len(columns), len(record))] {
		raw[name] = record[i]
	}
	if len(record) != len(columns) {
		if len(record) > len(columns) {
			raw[RawRest] = strings.Join(record[len(columns):], ",")
		}
		return s.hold(line, raw, casework.QuarantineRaggedRow, "", fmt.Sprintf("%d values for %d columns", len(record), len(columns)))
	}
	if s.book.Encoding == casework.EncodingGB18030 {
		for _, field := range slices.Sorted(maps.Keys(s.book.Columns)) {
			if name := s.book.Columns[field]; strings.ContainsRune(raw[name], utf8.RuneError) {
				return s.hold(line, raw, casework.QuarantineInvalidText, name, "the bytes are no GB18030")
			}
		}
	}
	return s.decode(line, raw)
}
