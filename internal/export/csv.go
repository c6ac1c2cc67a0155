package export

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// byteOrderMark says that the file is UTF-8, without which spreadsheets in China
// read GBK.
const byteOrderMark = "\ufeff"

// instant is how CSV writes an instant: as people read it, and sorted as text.
const instant = "2006-01-02 15:04:05"

type csvWriter struct {
	out     *bufio.Writer
	zone    *time.Location
	columns int
}

// NewCSV begins a CSV file as RFC 4180 has it: UTF-8 with a byte order mark, CR LF
// after each row. Line ends within a cell become LF, texts pass through Guard, and
// instants are written in the zone.
func NewCSV(w io.Writer, columns []Column, zone *time.Location) (Writer, error) {
	c := &csvWriter{out: bufio.NewWriter(w), zone: zone, columns: len(columns)}
	if _, err := c.out.WriteString(byteOrderMark); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	row := make([]Cell, 0, len(columns))
	for _, column := range columns {
		row = append(row, column.Header)
	}
	return c, c.Write(row)
}

func (c *csvWriter) Write(row []Cell) error {
	if len(row) != c.columns {
		return fmt.Errorf("export: a row of %d cells in a table of %d columns", len(row), c.columns)
	}
	fields := make([]string, 0, len(row))
	for _, cell := range row {
		field, err := c.field(cell)
		if err != nil {
			return err
		}
		fields = append(fields, field)
	}
	_, err := c.out.WriteString(strings.Join(fields, ",") + "\r\n")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (c *csvWriter) Close() error {
	if err := c.out.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (c *csvWriter) field(cell Cell) (string, error) {
	switch value := cell.(type) {
	case nil:
		return "", nil
	case int:
		return strconv.Itoa(value), nil
	case time.Time:
		return value.In(c.zone).Format(instant), nil
	case Day:
		return time.Time(value).In(c.zone).Format(time.DateOnly), nil
	case string:
		return quoted(Guard(oneLineEnd(value))), nil
	default:
		return "", fmt.Errorf("export: a cell of type %T", cell)
	}
}

// oneLineEnd makes every line end a LF: the CR LF of the file stands for the end
// of a row alone.
func oneLineEnd(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}

func quoted(field string) string {
	if !strings.ContainsAny(field, "\",\n\t ;") {
		return field
	}
	return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
}
