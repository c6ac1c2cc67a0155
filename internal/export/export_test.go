package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"guiling/internal/export"
)

var beijing = time.FixedZone("+08:00", 8*60*60)

// hostile are cells that somebody made in order to have them calculated, or to
// break the file.
var hostile = []string{
	"=1+1", "=HYPERLINK(\"http://x.example\",\"看\")", "+86 138", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1", "\u200b=1+1", "\ufeff=1+1",
	"\"=1+1", "'=1+1", "“=1+1", "‘＝1＋1", "＝1＋1", "＋1", "－1", "＠SUM", "−1", "\"\"=1", "''=1", "=cmd|' /C calc'!A0",
	"\x01=1+1", "-", "=", "'", "'a", "''", "\"", "", "普通的话", "a=b", "3-1", "带\"引号\"", "逗,号", "分;号", "两\n行", "两\r\n行", "一\r行", "䶮𠮷👍🏽",
	"_x000D_", "_x0041_", "<b>&amp;</b>", "]]>", "007", "1E5", "2026-11-25", "TRUE", "410411000000", strings.Repeat("长", 5000),
}

func columns(n int) []export.Column {
	all := make([]export.Column, n)
	for i := range all {
		all[i] = export.Column{Header: "列", Width: 12.5}
	}
	return all
}

func asCSV(t require.TestingT, rows ...[]export.Cell) [][]string {
	var out bytes.Buffer
	w, err := export.NewWriter(&out, export.FormatCSV, "表", columns(len(rows[0])), beijing)
	require.NoError(t, err)
	for _, row := range rows {
		require.NoError(t, w.Write(row))
	}
	require.NoError(t, w.Close())
	text, marked := strings.CutPrefix(out.String(), "\ufeff")
	require.True(t, marked, "without it, spreadsheets read GBK")
	require.True(t, strings.HasSuffix(text, "\r\n"))
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = len(rows[0])
	read, err := r.ReadAll()
	require.NoError(t, err)
	require.Len(t, read, len(rows)+1)
	return read[1:]
}

func asXLSX(t require.TestingT, rows ...[]export.Cell) *excelize.File {
	var out bytes.Buffer
	w, err := export.NewWriter(&out, export.FormatXLSX, "表", columns(len(rows[0])), beijing)
	require.NoError(t, err)
	for _, row := range rows {
		require.NoError(t, w.Write(row))
	}
	require.NoError(t, w.Close())
	book, err := excelize.OpenReader(&out)
	require.NoError(t, err)
	return book
}

func lines(text string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text) }

func TestCSVKeepsHostileCellsAsText(t *testing.T) {
	t.Parallel()
	for _, cell := range hostile {
		got := asCSV(t, []export.Cell{cell, "next"})[0]
		require.Equal(t, lines(cell), export.Unguard(got[0]), "%q can be read back", cell)
		require.Equal(t, "next", got[1], "%q stays in its cell", cell)
		if export.Risky(lines(cell)) {
			require.True(t, strings.HasPrefix(got[0], "'"), "%q", cell)
		} else {
			require.Equal(t, lines(cell), got[0])
		}
	}
	for _, risky := range hostile[:26] {
		require.True(t, export.Risky(risky), "%q", risky)
	}
	for _, plain := range hostile[27:] {
		require.False(t, export.Risky(plain), "%q", plain)
	}
}

func TestGuardTakesNothingAway(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("=+-@＝＋－＠'\"“ \t\u200b一1a")), rapid.Rune())).Draw(t, "text")
		guarded := export.Guard(text)
		require.Equal(t, text, export.Unguard(guarded))
		if guarded != text {
			require.Equal(t, "'"+text, guarded)
		}
		require.NotContains(t, "=+-@\t\r\n＝＋－＠", string([]rune(guarded + "x")[0]))
	})
}

func TestCSVIsAsRFC4180HasIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("\",\r\n=' ;")), rapid.Rune())), 3, 3)
		rows := rapid.SliceOfN(text, 1, 5).Draw(t, "rows")
		var cells [][]export.Cell
		for _, row := range rows {
			cells = append(cells, []export.Cell{row[0], row[1], row[2]})
		}
		for i, got := range asCSV(t, cells...) {
			for j := range got {
				require.Equal(t, lines(rows[i][j]), export.Unguard(got[j]))
			}
		}
	})
}

func TestCSVWritesNumbersAndTimesPlainly(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 16, 30, 5, 0, time.UTC) // half past midnight in Beijing
	require.Equal(t, []string{"-7", "2026-11-26 00:30:05", "2026-11-26", ""}, asCSV(t, []export.Cell{-7, at, export.Day(at), nil})[0],
		"a number is no text, and so not guarded")
}

func TestXLSXTypesHostileCellsAsText(t *testing.T) {
	t.Parallel()
	var rows [][]export.Cell
	for _, cell := range hostile {
		rows = append(rows, []export.Cell{cell})
	}
	book := asXLSX(t, rows...)
	for i, cell := range hostile {
		at, err := excelize.CoordinatesToCellName(1, i+2)
		require.NoError(t, err)
		formula, err := book.GetCellFormula("表", at)
		require.NoError(t, err)
		require.Empty(t, formula, "%q", cell)
		kind, err := book.GetCellType("表", at)
		require.NoError(t, err)
		require.Equal(t, excelize.CellTypeInlineString, kind, "%q", cell)
		text, err := book.GetCellValue("表", at)
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(lines(cell), "\x01", "�"), text)
		style, err := book.GetCellStyle("表", at)
		require.NoError(t, err)
		format, err := book.GetStyle(style)
		require.NoError(t, err)
		require.Equal(t, 49, format.NumFmt, "text after editing too")
	}
}

func TestXLSXHasDatesNumbersAndAHeadThatStays(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 16, 30, 5, 0, time.UTC)
	book := asXLSX(t, []export.Cell{at, export.Day(at), 12, nil})
	for cell, want := range map[string]string{"A2": "2026-11-26 00:30:05", "B2": "2026-11-26", "C2": "12", "D2": "", "A1": "列"} {
		shown, err := book.GetCellValue("表", cell)
		require.NoError(t, err)
		require.Equal(t, want, shown, cell)
	}
	for _, cell := range []string{"A2", "B2", "C2"} {
		kind, err := book.GetCellType("表", cell)
		require.NoError(t, err)
		require.Contains(t, []excelize.CellType{excelize.CellTypeNumber, excelize.CellTypeUnset}, kind, "%s is a number, which dates are", cell)
	}
	raw, err := book.GetCellValue("表", "A2", excelize.Options{RawCellValue: true})
	require.NoError(t, err)
	require.Regexp(t, `^46352\.02`, raw, "days since 1900, in Beijing time")
	panes, err := book.GetPanes("表")
	require.NoError(t, err)
	require.True(t, panes.Freeze)
	require.Equal(t, 1, panes.YSplit)
	width, err := book.GetColWidth("表", "A")
	require.NoError(t, err)
	require.InDelta(t, 12.5, width, 0.01)
}

func TestXLSXCutsWhatNoCellHolds(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("a", 32767), strings.Repeat("𠮷", 16383) + "a"} {
		shown, err := asXLSX(t, []export.Cell{text}).GetCellValue("表", "A2")
		require.NoError(t, err)
		require.Equal(t, text, shown)
	}
	for _, text := range []string{strings.Repeat("a", 32768), strings.Repeat("𠮷", 20000), strings.Repeat("长", 40000)} {
		shown, err := asXLSX(t, []export.Cell{text}).GetCellValue("表", "A2")
		require.NoError(t, err)
		bare, cut := strings.CutSuffix(shown, "…")
		require.True(t, cut)
		require.True(t, strings.HasPrefix(text, bare))
		require.LessOrEqual(t, len(utf16.Encode([]rune(shown))), 32767)
		require.Greater(t, len(utf16.Encode([]rune(shown))), 32764)
	}
}

func TestABookHasSheets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	book, err := export.NewBook(&out, beijing)
	require.NoError(t, err)
	for _, name := range []string{"案件情况", "事件"} {
		require.NoError(t, book.Sheet(name, columns(2)))
		require.NoError(t, book.Write([]export.Cell{name, 1}))
	}
	require.Error(t, book.Write([]export.Cell{"one"}), "a cell is missing")
	require.Error(t, book.Write([]export.Cell{"a", 1.5}), "no such type")
	require.NoError(t, book.Close())
	read, err := excelize.OpenReader(&out)
	require.NoError(t, err)
	require.Equal(t, []string{"案件情况", "事件"}, read.GetSheetList())
	value, err := read.GetCellValue("事件", "A2")
	require.NoError(t, err)
	require.Equal(t, "事件", value)
}

func TestWrongRowsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := export.NewWriter(&bytes.Buffer{}, "pdf", "表", columns(1), beijing)
	require.Error(t, err)
	w, err := export.NewWriter(&bytes.Buffer{}, export.FormatCSV, "表", columns(2), beijing)
	require.NoError(t, err)
	require.Error(t, w.Write([]export.Cell{"one"}))
	require.Error(t, w.Write([]export.Cell{"a", 1.5}))
}

// TestManyRowsLieOnDisk: more rows than are held in memory leave nothing behind.
// It changes the folder for temporary files, and so runs alone.
func TestManyRowsLieOnDisk(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	var out bytes.Buffer
	w, err := export.NewWriter(&out, export.FormatXLSX, "表", columns(4), beijing)
	require.NoError(t, err)
	text := strings.Repeat("跑了四趟还没办成", 30)
	for i := range 30_000 {
		require.NoError(t, w.Write([]export.Cell{text, text, i, time.Unix(int64(i), 0)}))
	}
	aside, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, aside, "put aside on disk")
	require.NoError(t, w.Close())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NotZero(t, out.Len())
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	type inner struct {
		B int    `json:"b"`
		A string `json:"a"`
	}
	got, err := export.Canonical(map[string]any{
		"z": inner{B: 12345678901234567, A: "<&>\u2028\"\\\n\x01𠮷"}, "a": []any{true, nil, 1.5, map[string]any{}}, "至": time.Date(2026, 11, 25, 0, 0, 0, 5000, time.UTC),
	})
	require.NoError(t, err)
	want := `{"a":[true,null,1.5,{}],"z":{"a":"<&>` + "\u2028" + `\"\\\n\u0001𠮷","b":12345678901234567},"至":"2026-11-25T00:00:00.000005Z"}`
	require.Zero(t, strings.Compare(want, string(got)), "byte by byte: %s", got)
	again, err := export.Canonical(treeOf(t, got))
	require.NoError(t, err)
	require.Equal(t, string(got), string(again), "the form of the form is the form")
	_, err = export.Canonical(func() {})
	require.Error(t, err)
}

func treeOf(t *testing.T, data []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	require.NoError(t, decoder.Decode(&tree))
	return tree
}
