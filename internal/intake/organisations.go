package intake

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"guiling/internal/casework"
)

// The columns of a table of organisations.
const (
	ColumnKind      = "类型"
	ColumnName      = "名称"
	ColumnLevel     = "层级"
	ColumnRegion    = "区划代码"
	ColumnParent    = "上级机构"
	ColumnValidFrom = "设立日期"
)

// OrganisationColumns lists the columns of a table of organisations; the first
// ones are required.
func OrganisationColumns() (required, optional []string) {
	return []string{ColumnKind, ColumnName, ColumnRegion}, []string{ColumnLevel, ColumnParent, ColumnValidFrom}
}

// OrganisationRow is an organisation as a row of a table describes it, or the
// reason why the row cannot be taken.
type OrganisationRow struct {
	Line       int
	Kind       casework.OrganisationKind
	Name       string
	Level      casework.AdminLevel // empty: not said
	RegionCode string
	Parent     string        // the name of the organisation above; empty: not said
	ValidFrom  casework.Date // zero: not said
	// Refused is what is wrong with the row itself; its field is the column.
	Refused *casework.Error
}

// Readable reports whether nothing is wrong with the row itself.
func (r OrganisationRow) Readable() bool { return r.Refused == nil }

// ReadOrganisations reads a table of organisations; see ReadTable.
func ReadOrganisations(data []byte) ([]OrganisationRow, error) {
	required, optional := OrganisationColumns()
	table, err := ReadTable(data, required, append(optional, required...))
	if err != nil {
		return nil, err
	}
	rows := make([]OrganisationRow, 0, len(table))
	for _, r := range table {
		rows = append(rows, organisationRow(r))
	}
	return rows, nil
}

func organisationRow(r TableRow) OrganisationRow {
	row := OrganisationRow{Line: r.Line, Name: r.Cells[ColumnName], RegionCode: r.Cells[ColumnRegion], Parent: r.Cells[ColumnParent]}
	refuse := func(why *casework.Error) {
		if row.Refused == nil {
			row.Refused = why
		}
	}
	switch kind := r.Cells[ColumnKind]; kind {
	case "政务服务管理机构", "管理机构":
		row.Kind = casework.KindAuthority
	case "部门":
		row.Kind = casework.KindDepartment
	default:
		refuse(casework.Invalid(ColumnKind, "kind_unknown", fmt.Sprintf("%q is neither 政务服务管理机构 nor 部门", kind)))
	}
	var err error
	if row.Name, err = casework.CheckName(ColumnName, row.Name); err != nil {
		domain, _ := casework.AsError(err)
		refuse(domain)
	}
	// A spreadsheet may have taken the code for a number.
	if number, err := strconv.ParseFloat(row.RegionCode, 64); err == nil && strings.ContainsAny(row.RegionCode, "eE.") {
		row.RegionCode = strconv.FormatFloat(number, 'f', -1, 64)
	}
	if code, ok := casework.NormalizeRegionCode(row.RegionCode); ok {
		row.RegionCode = code
	} else {
		refuse(casework.Invalid(ColumnRegion, "region_not_found", "no code of 6, 9 or 12 digits"))
	}
	if level := r.Cells[ColumnLevel]; level != "" {
		known := map[string]casework.AdminLevel{
			"省": casework.LevelProvince, "市": casework.LevelCity, "县": casework.LevelCounty, "乡": casework.LevelTownship, "村": casework.LevelVillage,
		}
		if row.Level = known[strings.TrimSuffix(level, "级")]; row.Level == "" {
			refuse(casework.Invalid(ColumnLevel, "level_unknown", fmt.Sprintf("%q is none of 省, 市, 县, 乡, 村", level)))
		}
	}
	if text := r.Cells[ColumnValidFrom]; text != "" {
		if row.ValidFrom, err = tableDate(text); err != nil {
			refuse(casework.Invalid(ColumnValidFrom, "not_a_date", "a date of the form 2026-01-31"))
		}
	}
	return row
}

// tableDate reads a date as people write it, or as a workbook counts it: in days
// since the end of 1899.
func tableDate(text string) (casework.Date, error) {
	if days, err := strconv.Atoi(text); err == nil && days > 20_000 && days < 80_000 {
		return casework.DateOf(time.Date(1899, 12, 30, 0, 0, 0, 0, casework.China())).AddDays(days), nil
	}
	return casework.ParseDate(strings.NewReplacer("/", "-", ".", "-").Replace(text))
}
