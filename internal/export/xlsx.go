package export

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// maxCell is the longest text of a cell, in UTF-16 code units.
const maxCell = excelize.TotalCellChars

// Book is a workbook that is written sheet by sheet and row by row. Texts are
// typed as texts, so that nothing is calculated; instants are real dates in the
// zone. Rows are put aside on disk, not in memory, until Close.
type Book struct {
	out    io.Writer
	zone   *time.Location
	file   *excelize.File
	sheet  *excelize.StreamWriter
	sheets int
	row    int
	width  int
	style  struct{ head, text, instant, day int }
}

var _ Writer = (*Book)(nil)

// NewBook begins a workbook.
func NewBook(w io.Writer, zone *time.Location) (*Book, error) {
	b := &Book{out: w, zone: zone, file: excelize.NewFile()}
	instant, day := "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"
	styles := []struct {
		id    *int
		style excelize.Style
	}{
		{&b.style.head, excelize.Style{
			Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E9F1F9"}},
			Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}, NumFmt: formatText,
		}},
		// As text also after somebody has edited it, when what is typed would count.
		{&b.style.text, excelize.Style{NumFmt: formatText, Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}},
		{&b.style.instant, excelize.Style{CustomNumFmt: &instant, Alignment: &excelize.Alignment{Vertical: "top"}}},
		{&b.style.day, excelize.Style{CustomNumFmt: &day, Alignment: &excelize.Alignment{Vertical: "top"}}},
	}
	for _, s := range styles {
		id, err := b.file.NewStyle(&s.style)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("export: %w", err), b.file.Close())
		}
		*s.id = id
	}
	return b, nil
}

// formatText is the number format that spreadsheets call text.
const formatText = 49

// Sheet begins another sheet. Its head stays in place while the rows move.
func (b *Book) Sheet(name string, columns []Column) error {
	if err := b.endSheet(); err != nil {
		return err
	}
	b.sheets++
	var err error
	if b.sheets == 1 {
		err = b.file.SetSheetName("Sheet1", name)
	} else {
		_, err = b.file.NewSheet(name)
	}
	if err != nil {
		return fmt.Errorf("export: sheet %q: %w", name, err)
	}
	if b.sheet, err = b.file.NewStreamWriter(name); err != nil {
		return fmt.Errorf("export: sheet %q: %w", name, err)
	}
	b.row, b.width = 0, len(columns)
	for i, column := range columns {
		if err := b.sheet.SetColWidth(i+1, i+1, column.Width); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	frozen := excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}
	if err := b.sheet.SetPanes(&frozen); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	head := make([]any, 0, len(columns))
	for _, column := range columns {
		head = append(head, excelize.Cell{StyleID: b.style.head, Value: fitting(column.Header)})
	}
	return b.put(head)
}

// Write adds a row to the sheet.
func (b *Book) Write(row []Cell) error {
	if len(row) != b.width {
		return fmt.Errorf("export: a row of %d cells in a table of %d columns", len(row), b.width)
	}
	cells := make([]any, 0, len(row))
	for _, cell := range row {
		switch value := cell.(type) {
		case nil:
			cells = append(cells, nil)
		case int:
			cells = append(cells, value)
		case time.Time:
			cells = append(cells, excelize.Cell{StyleID: b.style.instant, Value: value.In(b.zone)})
		case Day:
			y, m, d := time.Time(value).In(b.zone).Date()
			cells = append(cells, excelize.Cell{StyleID: b.style.day, Value: time.Date(y, m, d, 0, 0, 0, 0, b.zone)})
		case string:
			cells = append(cells, excelize.Cell{StyleID: b.style.text, Value: fitting(value)})
		default:
			return fmt.Errorf("export: a cell of type %T", cell)
		}
	}
	return b.put(cells)
}

func (b *Book) put(cells []any) error {
	b.row++
	at, err := excelize.CoordinatesToCellName(1, b.row)
	if err == nil {
		err = b.sheet.SetRow(at, cells)
	}
	if err != nil {
		return fmt.Errorf("export: row %d: %w", b.row, err)
	}
	return nil
}

func (b *Book) endSheet() error {
	if b.sheet == nil {
		return nil
	}
	if err := b.sheet.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	b.sheet = nil
	return nil
}

// Close writes the file and takes away what was put aside.
func (b *Book) Close() error {
	err := b.endSheet()
	if err == nil {
		err = b.file.Write(b.out)
	}
	if err = errors.Join(err, b.file.Close()); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// fitting makes a text one that a cell can hold: of valid UTF-8, with LF as its
// line end, without characters that XML has not, and cut, visibly, where it is
// longer than any cell.
func fitting(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == '\ufffe' || r == '\uffff' {
			return utf8.RuneError
		}
		return r
	}, oneLineEnd(strings.ToValidUTF8(text, string(utf8.RuneError))))
	if len(text) <= maxCell {
		return text
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units > maxCell-1 {
			if units == maxCell && i+utf8.RuneLen(r) == len(text) {
				return text
			}
			return text[:i] + "…"
		}
	}
	return text
}
