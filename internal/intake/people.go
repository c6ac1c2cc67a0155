package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"guiling/internal/casework"
)

// The columns of a table of people, besides the code of the region.
const (
	ColumnUsername     = "用户名"
	ColumnPersonName   = "姓名"
	ColumnOrganisation = "机构"
	ColumnPosition     = "职务"
	ColumnWindow       = "窗口"
)

// maxPersonCell bounds a cell of a table of people, in characters.
const maxPersonCell = 60

// PersonRow is somebody as a row of a table describes them, or the reason why the
// row cannot be taken.
type PersonRow struct {
	Line         int
	Username     string
	DisplayName  string
	RegionCode   string
	Organisation string // by name, in that region
	Position     string // empty: none
	StaffLabel   string // empty: none
	// Refused is what is wrong with the row itself; its field is the column.
	Refused *casework.Error
}

// ReadPeople reads a table of people; see ReadTable. It has no roles: those are
// given by another administrator.
func ReadPeople(data []byte) ([]PersonRow, error) {
	required := []string{ColumnUsername, ColumnPersonName, ColumnRegion, ColumnOrganisation}
	table, err := ReadTable(data, required, append([]string{ColumnPosition, ColumnWindow}, required...))
	if err != nil {
		return nil, err
	}
	rows := make([]PersonRow, 0, len(table))
	for _, r := range table {
		row := PersonRow{
			Line: r.Line, Username: strings.ToLower(r.Cells[ColumnUsername]), DisplayName: r.Cells[ColumnPersonName], RegionCode: r.Cells[ColumnRegion],
			Organisation: r.Cells[ColumnOrganisation], Position: r.Cells[ColumnPosition], StaffLabel: r.Cells[ColumnWindow],
		}
		if code, ok := casework.NormalizeRegionCode(row.RegionCode); ok {
			row.RegionCode = code
		} else {
			row.Refused = casework.Invalid(ColumnRegion, "region_not_found", "no code of 6, 9 or 12 digits")
		}
		for column, text := range map[string]string{ColumnPersonName: row.DisplayName, ColumnUsername: row.Username, ColumnOrganisation: row.Organisation} {
			if text == "" && row.Refused == nil {
				row.Refused = casework.Invalid(column, "required", "the cell is empty")
			}
		}
		for column, text := range r.Cells {
			if row.Refused == nil && (utf8.RuneCountInString(text) > maxPersonCell || strings.ContainsFunc(text, unicode.IsControl)) {
				row.Refused = casework.Invalid(column, "invalid_text", "one line of plain text, at most 60 characters")
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
