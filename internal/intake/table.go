package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"guiling/internal/casework"
)

// The limits of a table that people keep by hand. They bound what a hostile file
// can take: a workbook is unzipped into memory, and never into files.
const (
	MaxTableBytes   = 2 << 20
	MaxTableRows    = 5000
	MaxTableCell    = 1000 // characters
	maxTableUnzip   = 48 << 20
	maxTableColumns = 50
)

// TableRow is a row of a table, by the names of its columns.
type TableRow struct {
	Line  int // in the file, from 1
	Cells map[string]string
}

// ReadTable reads a table with a header, from CSV in UTF-8 or GB18030 or from the
// first sheet of an XLSX workbook. Cells are without spaces around them; empty rows
// are left out. All of columns that are required must be there, and no column that
// is not allowed. A *casework.Error with CodeInvalid says what is wrong with the
// file; its field is the column, where it is one.
func ReadTable(data []byte, required, allowed []string) ([]TableRow, error) {
	switch {
	case len(data) > MaxTableBytes:
		return nil, casework.Invalid("file", "table_too_large", "a table has at most 2 MB")
	case len(bytes.TrimSpace(data)) == 0:
		return nil, casework.Invalid("file", "table_empty", "the file is empty")
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return nil, casework.Invalid("file", "table_unreadable", "an old or an encrypted workbook: save it as XLSX or CSV")
	}
	read := csvRecords
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		read = xlsxRecords
	}
	var columns []string
	var rows []TableRow
	err := read(data, func(line int, record []string) error {
		for i, cell := range record {
			if utf8.RuneCountInString(cell) > MaxTableCell || !utf8.ValidString(cell) || strings.ContainsRune(cell, 0) {
				return casework.Invalid("file", "table_unreadable", fmt.Sprintf("line %d: a cell is no text, or longer than any of ours", line))
			}
			record[i] = strings.TrimSpace(cell)
		}
		for len(record) > 0 && record[len(record)-1] == "" {
			record = record[:len(record)-1]
		}
		switch {
		case len(record) == 0:
			return nil
		case len(record) > maxTableColumns:
			return casework.Invalid("file", "table_unreadable", fmt.Sprintf("line %d has more columns than any of ours", line))
		case columns == nil:
			columns = slices.Clone(record)
			return checkColumns(columns, required, allowed)
		case len(record) > len(columns):
			return casework.Invalid("file", "table_unreadable", fmt.Sprintf("line %d has values beyond the last column", line))
		case len(rows) == MaxTableRows:
			return casework.Invalid("file", "table_too_long", "a table has at most 5000 rows")
		}
		row := TableRow{Line: line, Cells: make(map[string]string, len(columns))}
		for i, cell := range record {
			row.Cells[columns[i]] = cell
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, casework.Invalid("file", "table_empty", "the file has no rows below its header")
	}
	return rows, nil
}

func checkColumns(columns, required, allowed []string) error {
	for i, name := range columns {
		switch {
		case name == "" || !slices.Contains(allowed, name):
			return casework.Invalid(name, "column_unknown", "no column is called so; known are "+strings.Join(allowed, ", "))
		case slices.Contains(columns[:i], name):
			return casework.Invalid(name, "column_twice", "the file has the column twice")
		}
	}
	for _, name := range required {
		if !slices.Contains(columns, name) {
			return casework.Invalid(name, "column_missing", "the file has no such column")
		}
	}
	return nil
}

func csvRecords(data []byte, take func(int, []string) error) error {
	if bytes.HasPrefix(data, utf16BOMLE) || bytes.HasPrefix(data, utf16BOMBE) {
		return casework.Invalid("file", "table_encoding", "the file is UTF-16: save it as UTF-8")
	}
	data = bytes.TrimPrefix(data, utf8BOM)
	if !utf8.Valid(data) {
		decoded, ok := fromGB18030(data)
		if !ok {
			return casework.Invalid("file", "table_encoding", "the file is neither UTF-8 nor GB18030")
		}
		data = decoded
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return casework.Invalid("file", "table_unreadable", err.Error())
		}
		line, _ := reader.FieldPos(0)
		if err := take(line, record); err != nil {
			return err
		}
	}
}

func xlsxRecords(data []byte, take func(int, []string) error) error {
	unreadable := casework.Invalid("file", "table_unreadable", "the workbook cannot be read, or is larger than any of ours")
	// Both limits the same: nothing is unzipped into the folder for temporary files.
	book, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		UnzipSizeLimit: maxTableUnzip, UnzipXMLSizeLimit: maxTableUnzip, RawCellValue: true,
	})
	if err != nil {
		return unreadable
	}
	defer func() { _ = book.Close() }()
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return unreadable
	}
	rows, err := book.Rows(sheets[0])
	if err != nil {
		return unreadable
	}
	defer func() { _ = rows.Close() }()
	// Rows may be far apart in a sheet; empty ones count as well.
	for line := 1; rows.Next(); line++ {
		if line > 2*MaxTableRows {
			return casework.Invalid("file", "table_too_long", "a table has at most 5000 rows")
		}
		record, err := rows.Columns()
		if err != nil {
			return unreadable
		}
		if err := take(line, record); err != nil {
			return err
		}
	}
	if rows.Error() != nil {
		return unreadable
	}
	return nil
}
