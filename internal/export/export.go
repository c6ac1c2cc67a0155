// Package export writes tables as files that people open in a spreadsheet: CSV
// and XLSX, row by row. It knows nothing of cases and asks nobody anything.
//
// What citizens wrote is not to be trusted: a cell that begins like a formula
// stays text in both forms, see Guard.
package export

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	FormatCSV  Format = "csv"
	FormatXLSX Format = "xlsx"
)

// Formats lists the formats.
func Formats() []Format { return []Format{FormatCSV, FormatXLSX} }

// MediaType is what the file is called on the web.
func (f Format) MediaType() string {
	if f == FormatXLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Column is the head of a column. Width is in characters, as spreadsheets count.
type Column struct {
	Header string
	Width  float64
}

// Cell is a value in a table: a string, an int, a time.Time for an instant, a Day,
// or nil for nothing. Anything else is an error of the program.
type Cell any

// Day is the day, in the zone of the file, on which an instant lies.
type Day time.Time

// Writer takes the rows of one table, and ends the file with Close. A file that
// was not closed is no file.
type Writer interface {
	Write(row []Cell) error
	Close() error
}

// NewWriter begins a file of that format.
func NewWriter(w io.Writer, format Format, sheet string, columns []Column, zone *time.Location) (Writer, error) {
	switch format {
	case FormatCSV:
		return NewCSV(w, columns, zone)
	case FormatXLSX:
		book, err := NewBook(w, zone)
		if err != nil {
			return nil, err
		}
		if err := book.Sheet(sheet, columns); err != nil {
			return nil, err
		}
		return book, nil
	default:
		return nil, fmt.Errorf("export: there is no format %q", format)
	}
}

// guardMark stands before a text that a spreadsheet would calculate. Spreadsheets
// show it, or hide it, and take what follows for text.
const guardMark = "'"

// Guard makes a text safe in a file that says nothing of types, such as CSV: one
// that a spreadsheet could take for a formula gets an apostrophe before it.
// Nothing else is changed, so the text stays readable, and Unguard gives it back.
func Guard(text string) string {
	if Risky(text) {
		return guardMark + text
	}
	return text
}

// Unguard takes off what Guard put on.
func Unguard(text string) string {
	if bare, ok := strings.CutPrefix(text, guardMark); ok && Risky(bare) {
		return bare
	}
	return text
}

// Risky reports whether a spreadsheet could take a text for a formula: whether it
// begins with = + - @, in either width, or with a tab or a line end, also behind
// quotes, blanks and characters that nobody sees. A text that is risky stays so
// behind an apostrophe, which is why Guard can be undone.
func Risky(text string) bool {
	bare := strings.TrimLeftFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(quotes, r)
	})
	if strings.ContainsAny(text[:len(text)-len(bare)], "\t\r\n") {
		return true
	}
	first, _ := utf8.DecodeRuneInString(bare)
	return bare != "" && strings.ContainsRune(formulaSigns, first)
}

const (
	quotes       = "\"'`\u00b4\u2018\u2019\u201c\u201d\u300c\u300d\u300e\u300f\uff02\uff07"
	formulaSigns = "=+-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
)
