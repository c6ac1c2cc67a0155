// Package intake reads files of reviews. It turns bytes into rows through the
// code book of their source, and says of each row whether it can be taken or
// waits in quarantine for a person.
//
// A file that cannot be told apart into rows is refused whole, before or while
// it is read: a wrong encoding, a missing column, a quote that is never closed.
// Whoever stores the rows does it in one transaction, so that nothing is ever
// half imported. Whether a row is the same again, or conflicts with a review
// that is there, is not decided here: the database decides it.
package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guiling/internal/casework"
)

// The limits of a file. Own choices: a city's year of reviews stays below the
// first two, and the longest row that can be accepted below the third. Together
// they bound the memory that a hostile file can take.
const (
	MaxFileBytes = 64 << 20
	MaxRows      = 300_000
	MaxRowBytes  = 256 << 10
	MaxColumns   = 200
)

// Names in Raw for what belongs to no column of the source.
const (
	RawRow  = "#row"  // the text of a row that could not be read, cut at 4 KiB
	RawRest = "#rest" // the values beyond the last column
)

const rawRowBytes = 4 << 10

// Facts are what decoding needs to know beside the code book.
type Facts struct {
	Tags        casework.ReasonTags
	RegionKnown func(code string) bool // of 12 digits
	Now         time.Time              // when the file was received
}

// Row is one row of a file: a review, or the reason why a person has to look.
type Row struct {
	Line int // where the row begins in the file, from 1
	// Raw is the row by the source's column names, for the person who corrects
	// it. It is text that can be stored: NUL and what is no UTF-8 are replaced by
	// U+FFFD. What no column holds is under RawRow or RawRest. It holds personal
	// data.
	Raw        map[string]string
	Review     casework.ReviewRow // when Quarantine is nil
	Quarantine *casework.Quarantine
}

// String names the row without the personal data in it.
func (r Row) String() string {
	if r.Quarantine != nil {
		return fmt.Sprintf("line %d: %s", r.Line, r.Quarantine.Reason)
	}
	return fmt.Sprintf("line %d: %s", r.Line, r.Review)
}

// GoString does for %#v what String does for %v.
func (r Row) GoString() string { return r.String() }

// LogValue does the same for slog.
func (r Row) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Summary says what was read.
type Summary struct {
	SHA256         string   // of the file as it came
	Rows           int      // all of them
	Quarantined    int      // those that wait for a person
	IgnoredColumns []string // columns that the code book does not name, in the order of the file
}

// Result is a file read whole.
type Result struct {
	Summary
	Rows []Row
}

// Read reads a whole file. See Each for its errors.
func Read(file io.Reader, book casework.CodeBook, facts Facts) (Result, error) {
	var rows []Row
	summary, err := Each(file, book, facts, func(row Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	return Result{Summary: summary, Rows: rows}, nil
}

// Each reads a file and calls take with each row in turn, so that the rows of a
// large file need not be in memory together. It stops at the first error of
// take and returns it.
//
// A file that is refused is a *casework.Error of CodeInvalid whose reason is
// file_too_large, file_empty, wrong_encoding, wrong_format, bad_header,
// missing_column (Field names the column), duplicate_column (the same),
// unclosed_quote or too_many_rows. The last two can come after rows were taken:
// what was stored must be rolled back.
func Each(file io.Reader, book casework.CodeBook, facts Facts, take func(Row) error) (Summary, error) {
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err != nil {
		return Summary{}, fmt.Errorf("read the file: %w", err)
	}
	if len(data) > MaxFileBytes {
		return Summary{}, refuse("file_too_large", "", fmt.Sprintf("the file is larger than %d MiB", MaxFileBytes>>20))
	}
	sum := sha256.Sum256(data)
	if err := checkEncoding(data, book.Encoding); err != nil {
		return Summary{}, err
	}
	data = bytes.TrimPrefix(data, utf8BOM)
	if len(bytes.TrimSpace(data)) == 0 {
		return Summary{}, refuse("file_empty", "", "there is nothing in the file")
	}

	s := scan{book: book, facts: facts, take: take}
	s.summary.SHA256 = hex.EncodeToString(sum[:])
	if book.Format == casework.FormatNDJSON {
		err = s.ndjson(data)
	} else {
		err = s.csv(data)
	}
	if err != nil {
		return Summary{}, err
	}
	return s.summary, nil
}

// scan is one reading of one file.
type scan struct {
	book    casework.CodeBook
	facts   Facts
	take    func(Row) error
	summary Summary
}

// decode puts a row through the code book and hands it on.
func (s *scan) decode(line int, raw map[string]string) error {
	row := Row{Line: line, Raw: raw}
	row.Review, row.Quarantine = s.book.Decode(raw, s.facts.Tags, s.facts.RegionKnown, s.facts.Now)
	return s.emit(row)
}

// hold puts a row into quarantine for what the reader saw.
func (s *scan) hold(line int, raw map[string]string, reason casework.QuarantineReason, field, detail string) error {
	return s.emit(Row{
		Line: line, Raw: raw,
		Quarantine: &casework.Quarantine{Reason: reason, Field: field, Detail: detail},
	})
}

func (s *scan) emit(row Row) error {
	if s.summary.Rows++; s.summary.Rows > MaxRows {
		return refuse("too_many_rows", "", fmt.Sprintf("the file has more than %d rows", MaxRows))
	}
	if row.Quarantine != nil {
		s.summary.Quarantined++
	}
	row.Raw = storable(row.Raw)
	return s.take(row)
}

// note remembers a column that the book does not name, once.
func (s *scan) note(column string) {
	if slices.Contains(slices.Collect(maps.Values(s.book.Columns)), column) {
		return
	}
	column = storableText(column)
	if len(s.summary.IgnoredColumns) < MaxColumns && !slices.Contains(s.summary.IgnoredColumns, column) {
		s.summary.IgnoredColumns = append(s.summary.IgnoredColumns, column)
	}
}

// unread is the Raw of a row that could not be read.
func unread(text []byte) map[string]string {
	return map[string]string{RawRow: string(bytes.TrimRight(text[:min(len(text), rawRowBytes)], "\r\n"))}
}

func refuse(reason, field, detail string) error {
	return casework.Invalid(field, reason, detail)
}

// storable gives the row as text that PostgreSQL takes.
func storable(raw map[string]string) map[string]string {
	for _, column := range slices.Collect(maps.Keys(raw)) {
		clean, value := storableText(column), storableText(raw[column])
		if clean != column {
			delete(raw, column)
		}
		raw[clean] = value
	}
	return raw
}

func storableText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, string(utf8.RuneError)), "\x00", string(utf8.RuneError))
}
