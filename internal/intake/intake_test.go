package intake_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	"guiling/internal/casework"
	"guiling/internal/intake"
	"guiling/policies/codebooks"
	"guiling/reference"
)

// samples are the files that newcomers import; there is one copy of them.
const samples = "../../samples"

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, casework.China())

// facts are the real reference data, as of a day after all samples.
func facts(tb testing.TB) intake.Facts {
	tb.Helper()
	tags, err := reference.ReasonTags()
	require.NoError(tb, err)
	regions, err := reference.Regions()
	require.NoError(tb, err)
	known := make(map[string]bool, len(regions))
	for _, r := range regions {
		known[r.Code] = true
	}
	return intake.Facts{Tags: tags, RegionKnown: func(code string) bool { return known[code] }, Now: now}
}

// anywhere are facts for tests in which regions do not matter.
func anywhere(tb testing.TB) intake.Facts {
	tb.Helper()
	tags, err := reference.ReasonTags()
	require.NoError(tb, err)
	return intake.Facts{Tags: tags, RegionKnown: func(string) bool { return true }, Now: now}
}

func book(tb testing.TB, id string) casework.CodeBook {
	tb.Helper()
	b, err := codebooks.Load(id)
	require.NoError(tb, err)
	return b
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.FromSlash(path))
	require.NoError(tb, err)
	return data
}

func negatives(rows []intake.Row) int {
	n := 0
	for _, r := range rows {
		if r.Quarantine == nil && r.Review.OpensCase() {
			n++
		}
	}
	return n
}

func TestReadSamples(t *testing.T) {
	t.Parallel()

	f := facts(t)
	for _, c := range []struct {
		book, file      string
		rows, negatives int
		reviewersKnown  bool
	}{
		{"platform", "platform-2026-11.csv", 400, 62, true},
		{"gbt39046", "gbt39046-2026-11.gb18030.csv", 120, 21, true},
		{"device", "device-2026-11.ndjson", 80, 18, false},
	} {
		t.Run(c.book, func(t *testing.T) {
			t.Parallel()
			got, err := intake.Read(bytes.NewReader(readFile(t, samples+"/"+c.file)), book(t, c.book), f)
			require.NoError(t, err)
			require.Len(t, got.Rows, c.rows)
			require.Equal(t, c.rows, got.Summary.Rows)
			require.Zero(t, got.Quarantined)
			require.Len(t, got.SHA256, 64)
			require.Equal(t, c.negatives, negatives(got.Rows))
			keys := map[casework.ReviewKey]bool{}
			for i, row := range got.Rows {
				require.Nil(t, row.Quarantine)
				require.Equal(t, c.book, row.Review.Source)
				require.Equal(t, c.reviewersKnown, row.Review.ReviewerKnown())
				require.True(t, row.Review.Channel.Valid())
				require.False(t, row.Review.Default)
				require.Len(t, row.Review.RegionCode, 12)
				if i > 0 {
					require.Greater(t, row.Line, got.Rows[i-1].Line)
				}
				keys[row.Review.NaturalKey()] = true
			}
			require.Len(t, keys, c.rows)
		})
	}
}

func TestReadFields(t *testing.T) {
	t.Parallel()

	f := facts(t)
	platform, err := intake.Read(bytes.NewReader(readFile(t, samples+"/platform-2026-11.csv")), book(t, "platform"), f)
	require.NoError(t, err)
	require.Equal(t, casework.ReviewRow{
		Source: "platform", RecordNumber: "41900120261016000002", AssessNumber: 1, RegionCode: "419001000000",
		DepartmentName: "济源市残疾人联合会", MatterCode: "410100107001", MatterName: "残疾人证办理", StaffLabel: "窗口13",
		Channel: casework.ChannelPhone, Level: casework.Satisfied, Tags: []string{"408"}, Words: "很快就办好了,谢谢。",
		ReviewerName: "李某戊", ReviewerIDNumber: "990000196203030020", ReviewerPhone: "12000015838",
		ReviewerKind: casework.ReviewerNaturalPerson,
		AcceptedAt:   time.Date(2026, 10, 16, 5, 9, 0, 0, casework.China()),
		RatedAt:      time.Date(2026, 10, 17, 10, 9, 0, 0, casework.China()),
	}.Canonical(), platform.Rows[1].Review.Canonical())

	device, err := intake.Read(bytes.NewReader(readFile(t, samples+"/device-2026-11.ndjson")), book(t, "device"), f)
	require.NoError(t, err)
	require.Equal(t, []string{"deviceId"}, device.IgnoredColumns)
	got := device.Rows[2].Review
	require.Equal(t, casework.ReviewRow{
		Source: "device", RecordNumber: "41041120261108002003", AssessNumber: 1, RegionCode: "410411000000",
		MatterCode: "410100109001", StaffLabel: "窗口12", Channel: casework.ChannelCounterDevice,
		Level: casework.Dissatisfied, Tags: []string{"208"}, Aspects: []casework.Aspect{casework.AspectMaterials},
		RatedAt: got.RatedAt,
	}, got)
	require.True(t, got.RatedAt.Equal(time.Date(2026, 11, 8, 3, 42, 0, 0, time.UTC)), "times without a zone are of +08:00")
	require.Equal(t, "3", device.Rows[2].Raw["level"], "a JSON number is kept as it was written")
}

// In GB/T 39046 one is the best level. The wrong book opens other cases: this is
// why each source has its own, and why nobody may choose by looking.
func TestReadWithAnotherSourcesBook(t *testing.T) {
	t.Parallel()

	f := facts(t)
	data := readFile(t, samples+"/gbt39046-2026-11.gb18030.csv")
	_, err := intake.Read(bytes.NewReader(data), book(t, "platform"), f)
	requireRefused(t, err, "wrong_encoding", "")

	// Even brought to UTF-8, no rating that carries a tag gets through.
	utf8Data, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	require.NoError(t, err)
	right, err := intake.Read(bytes.NewReader(data), book(t, "gbt39046"), f)
	require.NoError(t, err)
	wrong, err := intake.Read(bytes.NewReader(utf8Data), book(t, "platform"), f)
	require.NoError(t, err)
	require.Len(t, wrong.Rows, len(right.Rows))
	require.Equal(t, 21, negatives(right.Rows))
	require.NotEqual(t, 21, negatives(wrong.Rows))
	contradictions := 0
	for i, row := range wrong.Rows {
		if row.Quarantine != nil && row.Quarantine.Reason == casework.QuarantineTagContradictsRating {
			contradictions++
			continue
		}
		require.Nil(t, row.Quarantine)
		if right.Rows[i].Review.Level != casework.BasicallySatisfied {
			require.NotEqual(t, right.Rows[i].Review.Level, row.Review.Level)
		}
	}
	require.Positive(t, contradictions)
}

func TestReadHostile(t *testing.T) {
	t.Parallel()

	data := readFile(t, "testdata/hostile.csv")
	got, err := intake.Read(bytes.NewReader(data), book(t, "platform"), facts(t))
	require.NoError(t, err)
	require.Len(t, got.Rows, 21)
	require.Equal(t, []string{"expected"}, got.IgnoredColumns, "a column that is no part of the format is reported once and ignored")

	// What the last column says, in our words. The database decides about the
	// same again and about conflicts; decoding takes both.
	want := map[string]struct {
		reason casework.QuarantineReason
		field  string
	}{
		"quarantine: unknown rating code":      {casework.QuarantineUnknownRating, "satisfaction"},
		"quarantine: blank rating":             {casework.QuarantineBlankRating, "satisfaction"},
		"quarantine: tag contradicts rating":   {casework.QuarantineTagContradictsRating, "evalDetail"},
		"quarantine: unknown channel":          {casework.QuarantineUnknownChannel, "pf"},
		"quarantine: unknown region":           {casework.QuarantineUnknownRegion, "areaCode"},
		"quarantine: no service record number": {casework.QuarantineNoRecordNumber, "projectNo"},
		"quarantine: rated in the future":      {casework.QuarantineRatedInFuture, "assessTime"},
		"quarantine: not a date":               {casework.QuarantineNotADate, "assessTime"},
		"refused: one service, one rating":     {casework.QuarantineSecondRating, "assessNumber"},
		"accepted":                             {},
		"same again":                           {},
		"conflict: same key, other content":    {},
	}
	for _, row := range got.Rows {
		expected := row.Raw["expected"]
		found := false
		for prefix, w := range want {
			if !strings.HasPrefix(expected, prefix) {
				continue
			}
			found = true
			if w.reason == "" {
				require.Nil(t, row.Quarantine, "%s: %s", row, expected)
				continue
			}
			require.NotNil(t, row.Quarantine, "%s: %s", row, expected)
			require.Equal(t, w.reason, row.Quarantine.Reason, expected)
			require.Equal(t, w.field, row.Quarantine.Field, expected)
			require.NotEmpty(t, row.Quarantine.Detail)
			require.Equal(t, casework.ReviewRow{}, row.Review)
		}
		require.True(t, found, expected)
	}
	require.Equal(t, 9, got.Quarantined)

	byRecord := map[string]casework.ReviewRow{}
	for _, row := range got.Rows[:18] {
		byRecord[row.Review.RecordNumber] = row.Review
	}
	require.Equal(t, "410411000000", byRecord["41900120261023004009"].RegionCode)
	require.Equal(t, "410411200000", byRecord["41090020261115004010"].RegionCode)
	require.Equal(t, "419001000000", byRecord["41048220261016004011"].RegionCode)
	require.Equal(t, "' OR '1'='1", byRecord["41041120261106004012"].ReviewerName)
	require.Equal(t, `=HYPERLINK("http://example.invalid","点我")`, byRecord["41048220261026004013"].Words)
	require.Equal(t, "<script>alert(1)</script>窗口没人", byRecord["41041120261017004014"].Words)
	require.Equal(t, "第一行\n\"第二行\",第三行", byRecord["41090020261023004015"].Words)
	require.Equal(t, "䶮𠮷某", byRecord["41042120261111004016"].ReviewerName)
	require.Len(t, []rune(byRecord["41041120261028004017"].Words), 3000)

	// Both are the first row's review again. Their content says which is which.
	first, again, conflict := got.Rows[0].Review, got.Rows[18].Review, got.Rows[19].Review
	require.Equal(t, first.NaturalKey(), again.NaturalKey())
	require.Equal(t, first.NaturalKey(), conflict.NaturalKey())
	require.Equal(t, first.Canonical(), again.Canonical())
	require.NotEqual(t, first.Canonical(), conflict.Canonical())
}

// row is a good row of the platform, with some fields replaced.
func row(replace map[string]string) map[string]string {
	r := map[string]string{
		"projectNo": "41041120261018000001", "assessNumber": "1", "areaCode": "410411", "deptName": "湛河区民政局",
		"taskCode": "410100109001", "taskName": "老年人优待证", "proManager": "窗口01", "pf": "1", "userName": "王某甲",
		"certkeyGOV": "990000196005250006", "mobile": "12031676000", "userProp": "1", "satisfaction": "2",
		"evalDetail": "207", "writingEvaluation": "慢", "acceptDate": "2026-10-18 09:28:00", "assessTime": "2026-10-19 15:28:00",
	}
	maps.Copy(r, replace)
	return r
}

var columns = []string{
	"projectNo", "assessNumber", "areaCode", "deptName", "taskCode", "taskName", "proManager", "pf", "userName",
	"certkeyGOV", "mobile", "userProp", "satisfaction", "evalDetail", "writingEvaluation", "acceptDate", "assessTime",
}

func file(tb testing.TB, rows ...map[string]string) string {
	tb.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	require.NoError(tb, w.Write(columns))
	for _, r := range rows {
		record := make([]string, 0, len(columns))
		for _, c := range columns {
			record = append(record, r[c])
		}
		require.NoError(tb, w.Write(record))
	}
	w.Flush()
	return b.String()
}

func gb18030(tb testing.TB, text string) string {
	tb.Helper()
	encoded, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	require.NoError(tb, err)
	return encoded
}

func requireRefused(tb testing.TB, err error, reason, field string) {
	tb.Helper()
	refused, ok := casework.AsError(err)
	require.True(tb, ok, "%v", err)
	require.Equal(tb, casework.CodeInvalid, refused.Code)
	require.Equal(tb, reason, refused.Reason)
	require.Equal(tb, field, refused.Field)
}

func TestReadRefusesTheWholeFile(t *testing.T) {
	t.Parallel()

	good := file(t, row(nil), row(nil))
	for name, c := range map[string]struct {
		book, text, reason, field string
	}{
		"empty":                     {"platform", "", "file_empty", ""},
		"only a byte order mark":    {"platform", "\ufeff\r\n", "file_empty", ""},
		"no rating column":          {"platform", strings.Replace(good, "satisfaction", "score", 1), "missing_column", "satisfaction"},
		"no words column":           {"platform", strings.Replace(good, ",writingEvaluation", ",words", 1), "missing_column", "writingEvaluation"},
		"semicolons":                {"platform", strings.ReplaceAll(good, ",", ";"), "missing_column", "projectNo"},
		"a column twice":            {"platform", strings.Replace(good, "taskName", "deptName", 1), "duplicate_column", "deptName"},
		"too many columns":          {"platform", strings.Repeat("x,", 300) + good, "bad_header", ""},
		"a quote in the header":     {"platform", "proj\"ectNo\n" + good, "bad_header", ""},
		"UTF-16":                    {"platform", "\xff\xfep\x00", "wrong_encoding", ""},
		"GB18030 for UTF-8":         {"platform", gb18030(t, good), "wrong_encoding", ""},
		"UTF-8 for GB18030":         {"gbt39046", good, "wrong_encoding", ""},
		"UTF-8 with a mark for GB":  {"gbt39046", "\ufeff" + good, "wrong_encoding", ""},
		"a quote that never closes": {"platform", good + "x,\"y\n" + good, "unclosed_quote", ""},
		"a quote closed in a later row": {
			"platform",
			strings.Replace(file(t, row(map[string]string{"writingEvaluation": "甲"}), row(nil), row(map[string]string{"writingEvaluation": "乙,丙"})), ",甲,", ",\"甲,", 1),
			"unclosed_quote", "",
		},
		"CSV for NDJSON": {"device", good, "wrong_format", ""},
		"a JSON list":    {"device", `[{"projectNo":"1"}]`, "wrong_format", ""},
		"too large":      {"platform", strings.Repeat("x", intake.MaxFileBytes+1), "file_too_large", ""},
		"too many rows":  {"platform", good + strings.Repeat("x\n", intake.MaxRows), "too_many_rows", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := intake.Read(strings.NewReader(c.text), book(t, c.book), anywhere(t))
			requireRefused(t, err, c.reason, c.field)
			require.Equal(t, intake.Result{}, got)
		})
	}
}

func TestReadQuarantinesTheRow(t *testing.T) {
	t.Parallel()

	with := func(column, value string) string {
		return file(t, row(nil), row(map[string]string{column: value}), row(nil), row(nil))
	}
	device := `{"projectNo":"1","areaCode":"410411","matter":"m","windowNo":"窗口01","level":3,"appraiseContent":"208","time":"2026-11-08 11:42:00"}` + "\n"
	second := func(text string) string { return device + text + "\n" + device }
	for name, c := range map[string]struct {
		book, text string
		reason     casework.QuarantineReason
		field      string
		rows       int
	}{
		"NUL in the words":        {"platform", with("writingEvaluation", "慢\x00慢"), casework.QuarantineInvalidText, "writingEvaluation", 4},
		"bad UTF-8 in a name":     {"platform", with("userName", "王\xff某"), casework.QuarantineInvalidText, "userName", 4},
		"bad GB18030 in a name":   {"gbt39046", strings.Replace(gb18030(t, file(t, row(map[string]string{"satisfaction": "4"}), row(map[string]string{"satisfaction": "4", "userName": "X"}), row(map[string]string{"satisfaction": "4"}))), ",X,", ",\xff\xff,", 1), casework.QuarantineInvalidText, "userName", 3},
		"too few values":          {"platform", good(t) + "a,b\n" + rowOnly(t), casework.QuarantineRaggedRow, "", 3},
		"too many values":         {"platform", good(t) + strings.TrimSpace(rowOnly(t)) + ",x,y\n" + rowOnly(t), casework.QuarantineRaggedRow, "", 3},
		"a quote out of place":    {"platform", good(t) + "a\"b\n" + rowOnly(t), casework.QuarantineMalformedRow, "", 3},
		"text after a quote":      {"platform", good(t) + "\"a\"b,c\n" + rowOnly(t), casework.QuarantineMalformedRow, "", 3},
		"a row too long":          {"platform", with("writingEvaluation", strings.Repeat("x", intake.MaxRowBytes)), casework.QuarantineRowTooLong, "", 4},
		"words too long":          {"platform", with("writingEvaluation", strings.Repeat("慢", casework.MaxWords+1)), casework.QuarantineTextTooLong, "writingEvaluation", 4},
		"a line that is no JSON":  {"device", second(`{"projectNo":`), casework.QuarantineMalformedRow, "", 3},
		"a line with two objects": {"device", second(`{"a":1}{"b":2}`), casework.QuarantineMalformedRow, "", 3},
		"a number alone":          {"device", second(`7`), casework.QuarantineMalformedRow, "", 3},
		"a list as value":         {"device", second(`{"projectNo":["1"]}`), casework.QuarantineMalformedRow, "projectNo", 3},
		"a field twice":           {"device", second(`{"level":0,"level":4}`), casework.QuarantineMalformedRow, "level", 3},
		"a field missing":         {"device", second(strings.Replace(strings.TrimSpace(device), `"level":3,`, "", 1)), casework.QuarantineMissingColumn, "level", 3},
		"a level that is null":    {"device", second(strings.Replace(strings.TrimSpace(device), `"level":3`, `"level":null`, 1)), casework.QuarantineBlankRating, "level", 3},
		"a level of 3.0":          {"device", second(strings.Replace(strings.TrimSpace(device), `"level":3`, `"level":3.0`, 1)), casework.QuarantineUnknownRating, "level", 3},
		"a NUL in JSON":           {"device", second(strings.Replace(strings.TrimSpace(device), "窗口01", `窗\u0000口`, 1)), casework.QuarantineInvalidText, "windowNo", 3},
		"half a surrogate pair":   {"device", second(strings.Replace(strings.TrimSpace(device), "窗口01", `窗\ud842口`, 1)), casework.QuarantineInvalidText, "windowNo", 3},
		"bad UTF-8 in JSON":       {"device", second(strings.Replace(strings.TrimSpace(device), "窗口01", "窗\xff口", 1)), casework.QuarantineInvalidText, "windowNo", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := intake.Read(strings.NewReader(c.text), book(t, c.book), anywhere(t))
			require.NoError(t, err)
			require.Len(t, got.Rows, c.rows)
			require.Equal(t, 1, got.Quarantined)
			for i, r := range got.Rows {
				if i != 1 {
					require.Nil(t, r.Quarantine, "%s: the rows around it are read", r)
					continue
				}
				require.NotNil(t, r.Quarantine)
				require.Equal(t, c.reason, r.Quarantine.Reason)
				require.Equal(t, c.field, r.Quarantine.Field)
				require.NotEmpty(t, r.Raw)
				for k, v := range r.Raw {
					require.NotContains(t, k+v, "\x00")
					require.Equal(t, strings.ToValidUTF8(k+v, ""), k+v)
				}
			}
		})
	}
}

func good(tb testing.TB) string {
	tb.Helper()
	return file(tb, row(nil))
}

func rowOnly(tb testing.TB) string {
	tb.Helper()
	return strings.SplitAfterN(good(tb), "\n", 2)[1]
}

func TestReadKeepsWhatARaggedRowHad(t *testing.T) {
	t.Parallel()

	got, err := intake.Read(strings.NewReader(strings.TrimSpace(good(t))+",x,y\r\n"), book(t, "platform"), anywhere(t))
	require.NoError(t, err)
	require.Equal(t, "湛河区民政局", got.Rows[0].Raw["deptName"])
	require.Equal(t, "x,y", got.Rows[0].Raw[intake.RawRest])

	got, err = intake.Read(strings.NewReader(good(t)+"\"a\"b\r\n"), book(t, "platform"), anywhere(t))
	require.NoError(t, err)
	require.Equal(t, map[string]string{intake.RawRow: `"a"b`}, got.Rows[1].Raw)
	require.Equal(t, 3, got.Rows[1].Line)
}

func TestReadTakesTheByteOrderMarkAndSpreadsheetsEmptyColumns(t *testing.T) {
	t.Parallel()

	text := "\ufeff" + strings.ReplaceAll(strings.TrimSpace(good(t)), "\n", ",,\r\n") + ",,\r\n"
	got, err := intake.Read(strings.NewReader(text), book(t, "platform"), anywhere(t))
	require.NoError(t, err)
	require.Equal(t, []string{"#18", "#19"}, got.IgnoredColumns)
	require.Len(t, got.Rows, 1)
	require.Nil(t, got.Rows[0].Quarantine)
}

func TestReadOfAHeaderAloneHasNoRows(t *testing.T) {
	t.Parallel()

	got, err := intake.Read(strings.NewReader(file(t)), book(t, "platform"), anywhere(t))
	require.NoError(t, err)
	require.Empty(t, got.Rows)
}

func TestEachStopsWithTheErrorOfTheCaller(t *testing.T) {
	t.Parallel()

	full := errors.New("the table is full")
	calls := 0
	_, err := intake.Each(strings.NewReader(file(t, row(nil), row(nil))), book(t, "platform"), anywhere(t), func(intake.Row) error {
		calls++
		return full
	})
	require.ErrorIs(t, err, full)
	require.Equal(t, 1, calls)
}

// A row that is printed by mistake gives away nobody (第六条).
func TestRowPrintsWithoutPersonalData(t *testing.T) {
	t.Parallel()

	bad := row(map[string]string{"satisfaction": "12031676000", "areaCode": "12031676000"})
	got, err := intake.Read(strings.NewReader(file(t, row(nil), bad)), book(t, "platform"), anywhere(t))
	require.NoError(t, err)
	for _, r := range got.Rows {
		text := fmt.Sprintf("%v %+v %#v %s", r, r, r, r.LogValue())
		require.Contains(t, text, "line")
		for _, secret := range []string{"王某甲", "12031676000", "990000196005250006"} {
			require.NotContains(t, text, secret)
			if r.Quarantine != nil {
				require.NotContains(t, r.Quarantine.Detail, secret)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("platform", []byte("projectNo,assessNumber\n1,2\n"))
	f.Add("platform", []byte(good(f)))
	f.Add("platform", []byte(good(f)+"\"a\nb"))
	f.Add("gbt39046", []byte(gb18030(f, good(f))))
	f.Add("device", []byte(`{"projectNo":"1","areaCode":"410411","matter":"m","windowNo":"x","level":3,"appraiseContent":"208|207","time":"2026-11-08 11:42:00"}`))
	f.Add("device", []byte("{\"a\":\"\\ud800\"}\n{}\n{\"\xff\":null}"))
	fact := anywhere(f)
	books, err := codebooks.All()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, id string, data []byte) {
		for _, b := range books {
			if b.ID != id {
				continue
			}
			got, err := intake.Read(bytes.NewReader(data), b, fact)
			if err != nil {
				_, ours := casework.AsError(err)
				require.True(t, ours, "%v", err)
				return
			}
			require.Len(t, got.Rows, got.Summary.Rows)
			for _, r := range got.Rows {
				require.Equal(t, r.Quarantine == nil, r.Review.RecordNumber != "")
				for k, v := range r.Raw {
					require.NotContains(t, k+v, "\x00")
					require.Equal(t, strings.ToValidUTF8(k+v, ""), k+v)
				}
			}
		}
	})
}
