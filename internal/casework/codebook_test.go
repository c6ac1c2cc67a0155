package casework_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies/codebooks"
	"guiling/reference"
)

var receivedAt = time.Date(2026, 11, 25, 12, 0, 0, 0, casework.China())

func codeBook(tb testing.TB, id string) casework.CodeBook {
	tb.Helper()
	b, err := codebooks.Load(id)
	require.NoError(tb, err)
	return b
}

func reasonTags(tb testing.TB) casework.ReasonTags {
	tb.Helper()
	tags, err := reference.ReasonTags()
	require.NoError(tb, err)
	return tags
}

func inHenan(code string) bool { return strings.HasPrefix(code, "41") }

// platformRow is a good row of the platform, with one column replaced.
func platformRow(column, value string) map[string]string {
	r := map[string]string{
		"projectNo": "41041120261018000001", "assessNumber": "1", "areaCode": "410411000000", "deptName": "湛河区民政局",
		"taskCode": "410100109001", "taskName": "老年人优待证", "proManager": "窗口01", "pf": "1", "userName": "王某甲",
		"certkeyGOV": "990000196005250006", "mobile": "12031676000", "userProp": "1", "satisfaction": "2",
		"evalDetail": "207", "writingEvaluation": "慢", "acceptDate": "2026-10-18 09:28:00", "assessTime": "2026-10-19 15:28:00",
	}
	if column != "" {
		r[column] = value
	}
	return r
}

func TestDecodeTakes(t *testing.T) {
	t.Parallel()

	book, tags := codeBook(t, "platform"), reasonTags(t)
	for name, c := range map[string]struct {
		column, value string
		check         func(t *testing.T, r casework.ReviewRow)
	}{
		"six digits": {"areaCode", "410411", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Equal(t, "410411000000", r.RegionCode)
		}},
		"space around a code": {"satisfaction", " 2 ", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Equal(t, casework.Dissatisfied, r.Level)
		}},
		"space around words stays": {"writingEvaluation", " 慢\n", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Equal(t, " 慢\n", r.Words)
		}},
		"tags once, aspects in the order of 第二条": {"evalDetail", "212, 207,214,,207,208", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Equal(t, []string{"212", "207", "214", "208"}, r.Tags)
			require.Equal(t, []casework.Aspect{casework.AspectAttitude, casework.AspectMaterials, casework.AspectTrips}, r.Aspects)
		}},
		"no tags": {"evalDetail", "", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Empty(t, r.Tags)
			require.Empty(t, r.Aspects)
		}},
		"no acceptance": {"acceptDate", "", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.True(t, r.AcceptedAt.IsZero())
		}},
		"no kind of reviewer": {"userProp", "", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Empty(t, r.ReviewerKind)
		}},
		"a legal person": {"userProp", "2", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Equal(t, casework.ReviewerLegalPerson, r.ReviewerKind)
		}},
		"系统默认 opens no case, whatever its level": {"pf", "系统默认", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.True(t, r.Default)
			require.Empty(t, r.Channel)
			require.True(t, r.Level.Negative())
			require.False(t, r.OpensCase())
		}},
		"words at the limit": {"writingEvaluation", strings.Repeat("慢", casework.MaxWords), func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Equal(t, casework.MaxWords, utf8.RuneCountInString(r.Words))
		}},
		"a record number at the limit": {"projectNo", strings.Repeat("办", casework.MaxRecordNumber), func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.Equal(t, casework.MaxRecordNumber, utf8.RuneCountInString(r.RecordNumber))
		}},
		"a source's clock three minutes ahead": {"assessTime", "2026-11-25 12:03:00", func(t *testing.T, r casework.ReviewRow) {
			t.Helper()
			require.True(t, r.RatedAt.After(receivedAt))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, quarantine := book.Decode(platformRow(c.column, c.value), tags, inHenan, receivedAt)
			require.Nil(t, quarantine)
			c.check(t, r)
		})
	}
}

func TestDecodeQuarantines(t *testing.T) {
	t.Parallel()

	book, tags := codeBook(t, "platform"), reasonTags(t)
	for name, c := range map[string]struct {
		column, value string
		reason        casework.QuarantineReason
	}{
		"unknown rating":            {"satisfaction", "9", casework.QuarantineUnknownRating},
		"rating of another scale":   {"satisfaction", "0", casework.QuarantineUnknownRating},
		"rating in words":           {"satisfaction", "满意", casework.QuarantineUnknownRating},
		"rating in full width":      {"satisfaction", "２", casework.QuarantineUnknownRating},
		"blank rating":              {"satisfaction", " ", casework.QuarantineBlankRating},
		"tag of a better level":     {"evalDetail", "207,510", casework.QuarantineTagContradictsRating},
		"tag of a worse level":      {"evalDetail", "115", casework.QuarantineTagContradictsRating},
		"tag that is none":          {"evalDetail", "207,299", casework.QuarantineUnknownTag},
		"tag in words":              {"evalDetail", "服务态度生硬", casework.QuarantineUnknownTag},
		"tags of another separator": {"evalDetail", "207|214", casework.QuarantineUnknownTag},
		"unknown channel":           {"pf", "12", casework.QuarantineUnknownChannel},
		"blank channel":             {"pf", "", casework.QuarantineBlankChannel},
		"unknown region":            {"areaCode", "990000000000", casework.QuarantineUnknownRegion},
		"region of four digits":     {"areaCode", "4104", casework.QuarantineUnknownRegion},
		"blank region":              {"areaCode", "", casework.QuarantineUnknownRegion},
		"no record number":          {"projectNo", "  ", casework.QuarantineNoRecordNumber},
		"record number too long":    {"projectNo", strings.Repeat("1", casework.MaxRecordNumber+1), casework.QuarantineTextTooLong},
		"record number with break":  {"projectNo", "41\n04", casework.QuarantineInvalidText},
		"matter code too long":      {"taskCode", strings.Repeat("1", casework.MaxMatterCode+1), casework.QuarantineTextTooLong},
		"no matter":                 {"taskCode", "", casework.QuarantineMissingMatter},
		"no department":             {"deptName", "", casework.QuarantineMissingDepartment},
		"name too long":             {"userName", strings.Repeat("某", casework.MaxName+1), casework.QuarantineTextTooLong},
		"phone too long":            {"mobile", strings.Repeat("1", casework.MaxIdentity+1), casework.QuarantineTextTooLong},
		"words too long":            {"writingEvaluation", strings.Repeat("慢", casework.MaxWords+1), casework.QuarantineTextTooLong},
		"NUL in the words":          {"writingEvaluation", "慢\x00", casework.QuarantineInvalidText},
		"bad UTF-8 in a name":       {"userName", "王\xff", casework.QuarantineInvalidText},
		"second rating":             {"assessNumber", "2", casework.QuarantineSecondRating},
		"rating number zero":        {"assessNumber", "0", casework.QuarantineNotANumber},
		"no rating number":          {"assessNumber", "", casework.QuarantineNotANumber},
		"rating number in words":    {"assessNumber", "一", casework.QuarantineNotANumber},
		"unknown kind of reviewer":  {"userProp", "7", casework.QuarantineUnknownReviewerKind},
		"30 February":               {"assessTime", "2026-02-30 10:00:00", casework.QuarantineNotADate},
		"no time":                   {"assessTime", "", casework.QuarantineNotADate},
		"a day alone":               {"assessTime", "2026-10-19", casework.QuarantineNotADate},
		"accepted on no day":        {"acceptDate", "2026-02-30 10:00:00", casework.QuarantineNotADate},
		"rated in the future":       {"assessTime", "2199-01-01 00:00:00", casework.QuarantineRatedInFuture},
		"rated six minutes ahead":   {"assessTime", "2026-11-25 12:06:00", casework.QuarantineRatedInFuture},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, quarantine := book.Decode(platformRow(c.column, c.value), tags, inHenan, receivedAt)
			require.NotNil(t, quarantine)
			require.Equal(t, c.reason, quarantine.Reason)
			require.Equal(t, c.column, quarantine.Field)
			require.NotEmpty(t, quarantine.Detail)
			require.Contains(t, casework.QuarantineReasons(), quarantine.Reason)
			require.Equal(t, casework.ReviewRow{}, r, "a row is taken or held, never both")
		})
	}
}

func TestDecodeReadsTimesAsChinese(t *testing.T) {
	t.Parallel()

	tags := reasonTags(t)
	r, quarantine := codeBook(t, "platform").Decode(platformRow("assessTime", "2026-10-20 00:30:00"), tags, inHenan, receivedAt)
	require.Nil(t, quarantine)
	require.Equal(t, "2026-10-19T16:30:00Z", r.RatedAt.UTC().Format(time.RFC3339))

	// The form of GB/T 39046, table 9.
	row := platformRow("assessTime", "20261020T003000")
	row["satisfaction"] = "4"
	r, quarantine = codeBook(t, "gbt39046").Decode(row, tags, inHenan, receivedAt)
	require.Nil(t, quarantine)
	require.Equal(t, "2026-10-19T16:30:00Z", r.RatedAt.UTC().Format(time.RFC3339))
}

// Sources use the same names with other codes. Each line of the table of
// conflicts is a book, and none is a special case in the code.
func TestDecodeConflictingCodes(t *testing.T) {
	t.Parallel()

	tags := reasonTags(t)
	other := codeBook(t, "platform")
	other.ID, other.Source = "other", "other"
	// 6 短信, 7 系统默认, where the platform has 6 电话, 7 短信.
	other.Channels = map[string]casework.Channel{"1": casework.ChannelPC, "6": casework.ChannelSMS}
	other.DefaultChannels = []string{"7"}
	// 一般 is another word for 基本满意.
	other.Ratings = map[string]casework.RatingLevel{
		"非常满意": casework.VerySatisfied, "满意": casework.Satisfied, "一般": casework.BasicallySatisfied,
		"不满意": casework.Dissatisfied, "非常不满意": casework.VeryDissatisfied,
	}
	other.ReviewerKinds = map[string]casework.ReviewerKind{
		"0": casework.ReviewerNaturalPerson, "1": casework.ReviewerLegalPerson,
	}
	// evaluateType: 1 first, 2 追加.
	other.Columns[casework.FieldAssessNumber] = "evaluateType"
	other.RequiredColumns = append(other.RequiredColumns[:0:0], "projectNo", "evaluateType", "areaCode", "deptName", "taskCode", "satisfaction", "assessTime")
	require.NoError(t, other.Validate())

	row := platformRow("pf", "6")
	row["satisfaction"], row["evaluateType"] = "不满意", "1"
	r, quarantine := other.Decode(row, tags, inHenan, receivedAt)
	require.Nil(t, quarantine)
	require.Equal(t, casework.ChannelSMS, r.Channel)
	require.Equal(t, casework.Dissatisfied, r.Level)
	require.Equal(t, casework.ReviewerLegalPerson, r.ReviewerKind)

	row["pf"] = "7"
	r, quarantine = other.Decode(row, tags, inHenan, receivedAt)
	require.Nil(t, quarantine)
	require.True(t, r.Default)

	row["evaluateType"] = "2"
	_, quarantine = other.Decode(row, tags, inHenan, receivedAt)
	require.Equal(t, casework.QuarantineSecondRating, quarantine.Reason)
	require.Equal(t, "evaluateType", quarantine.Field)

	row["evaluateType"], row["satisfaction"], row["evalDetail"] = "1", "一般", "314"
	r, quarantine = other.Decode(row, tags, inHenan, receivedAt)
	require.Nil(t, quarantine)
	require.Equal(t, casework.BasicallySatisfied, r.Level)

	// The same digits with the book of the platform are a telephone and an SMS.
	r, quarantine = codeBook(t, "platform").Decode(platformRow("pf", "7"), tags, inHenan, receivedAt)
	require.Nil(t, quarantine)
	require.Equal(t, casework.ChannelSMS, r.Channel)
	require.False(t, r.Default)
}

func TestDecodeOfADeviceKnowsNoDepartmentAndNobody(t *testing.T) {
	t.Parallel()

	r, quarantine := codeBook(t, "device").Decode(map[string]string{
		"projectNo": "1", "areaCode": "410411", "matter": "410100109001", "windowNo": "窗口12", "level": "4",
		"appraiseContent": "115|113", "time": "2026-11-08 11:42:00",
	}, reasonTags(t), inHenan, receivedAt)
	require.Nil(t, quarantine)
	require.Equal(t, casework.ChannelCounterDevice, r.Channel)
	require.Equal(t, casework.VeryDissatisfied, r.Level)
	require.Equal(t, []casework.Aspect{casework.AspectAttitude, casework.AspectTrips}, r.Aspects)
	require.Equal(t, 1, r.AssessNumber)
	require.Empty(t, r.DepartmentName)
	require.False(t, r.ReviewerKnown())
}

func TestCodeBookValidateRefuses(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		field string
		spoil func(b *casework.CodeBook)
	}{
		"no source":                    {"id", func(b *casework.CodeBook) { b.Source = "" }},
		"unknown format":               {"format", func(b *casework.CodeBook) { b.Format = "xml" }},
		"unknown encoding":             {"encoding", func(b *casework.CodeBook) { b.Encoding = "latin-1" }},
		"JSON in GB18030":              {"encoding", func(b *casework.CodeBook) { b.Format, b.Encoding = casework.FormatNDJSON, casework.EncodingGB18030 }},
		"unknown field":                {"columns", func(b *casework.CodeBook) { b.Columns["colour"] = "colour" }},
		"a column for two fields":      {"columns", func(b *casework.CodeBook) { b.Columns[casework.FieldWords] = "evalDetail" }},
		"no column for the rating":     {"required_columns", func(b *casework.CodeBook) { delete(b.Columns, casework.FieldRating) }},
		"the rating not required":      {"required_columns", func(b *casework.CodeBook) { b.RequiredColumns = []string{"projectNo"} }},
		"required for nothing":         {"required_columns", func(b *casework.CodeBook) { b.RequiredColumns = append(b.RequiredColumns, "colour") }},
		"a level without a code":       {"ratings", func(b *casework.CodeBook) { b.Ratings["1"] = casework.Dissatisfied }},
		"a code without a level":       {"ratings", func(b *casework.CodeBook) { b.Ratings["9"] = "splendid" }},
		"an empty rating code":         {"ratings", func(b *casework.CodeBook) { b.Ratings[" "] = casework.Satisfied }},
		"two ways to know the channel": {"fixed_channel", func(b *casework.CodeBook) { b.FixedChannel = casework.ChannelPC }},
		"no way to know the channel": {"fixed_channel", func(b *casework.CodeBook) {
			delete(b.Columns, casework.FieldChannel)
			b.RequiredColumns = withoutColumn(b, "pf")
		}},
		"no channels":                  {"channels", func(b *casework.CodeBook) { b.Channels = nil }},
		"unknown channel":              {"channels", func(b *casework.CodeBook) { b.Channels["8"] = "telex" }},
		"a default that is a channel":  {"default_channels", func(b *casework.CodeBook) { b.DefaultChannels = []string{"7"} }},
		"an empty default":             {"default_channels", func(b *casework.CodeBook) { b.DefaultChannels = []string{""} }},
		"no tag separator":             {"tag_separators", func(b *casework.CodeBook) { b.TagSeparators = nil }},
		"a digit separates tags":       {"tag_separators", func(b *casework.CodeBook) { b.TagSeparators = []string{"0"} }},
		"no kinds of reviewer":         {"reviewer_kinds", func(b *casework.CodeBook) { b.ReviewerKinds = nil }},
		"unknown kind of reviewer":     {"reviewer_kinds", func(b *casework.CodeBook) { b.ReviewerKinds["3"] = "robot" }},
		"no time layout":               {"time_layouts", func(b *casework.CodeBook) { b.TimeLayouts = nil }},
		"a layout without hours":       {"time_layouts", func(b *casework.CodeBook) { b.TimeLayouts = []string{time.DateOnly} }},
		"a layout of half a day":       {"time_layouts", func(b *casework.CodeBook) { b.TimeLayouts = []string{"2006-01-02 03:04:05"} }},
		"a layout of another language": {"time_layouts", func(b *casework.CodeBook) { b.TimeLayouts = []string{"yyyy-MM-dd HH:mm:ss"} }},
		"two ways to number":           {"assess_number_default", func(b *casework.CodeBook) { b.AssessNumberDefault = 1 }},
		"no way to number": {"assess_number_default", func(b *casework.CodeBook) {
			delete(b.Columns, casework.FieldAssessNumber)
			b.RequiredColumns = withoutColumn(b, "assessNumber")
		}},
		"no limit":           {"limits.words", func(b *casework.CodeBook) { b.Limits.Words = 0 }},
		"a limit above ours": {"limits.record_number", func(b *casework.CodeBook) { b.Limits.RecordNumber = 51 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := codeBook(t, "platform")
			c.spoil(&book)
			refused, ok := casework.AsError(book.Validate())
			require.True(t, ok)
			require.Equal(t, casework.CodeInvalid, refused.Code)
			require.Equal(t, c.field, refused.Field)
		})
	}
}

func withoutColumn(b *casework.CodeBook, column string) []string {
	kept := make([]string, 0, len(b.RequiredColumns))
	for _, c := range b.RequiredColumns {
		if c != column {
			kept = append(kept, c)
		}
	}
	return kept
}

func FuzzDecode(f *testing.F) {
	f.Add("41041120261018000001", "1", "410411", "6", "2", "207,214", "慢", "2026-10-19 15:28:00")
	f.Add("", "2", "990000000000", "系统默认", "", "510", "\x00", "2026-02-30 10:00:00")
	f.Add("\xff", "-1", "419001", "12", "9", ",,|", "', '", "2199-01-01 00:00:00")
	book, tags := codeBook(f, "platform"), reasonTags(f)
	f.Fuzz(func(t *testing.T, record, assess, region, channel, rating, tag, words, at string) {
		row := platformRow("projectNo", record)
		row["assessNumber"], row["areaCode"], row["pf"], row["satisfaction"] = assess, region, channel, rating
		row["evalDetail"], row["writingEvaluation"], row["assessTime"] = tag, words, at
		r, quarantine := book.Decode(row, tags, inHenan, receivedAt)
		if quarantine != nil {
			require.Equal(t, casework.ReviewRow{}, r)
			require.Contains(t, casework.QuarantineReasons(), quarantine.Reason)
			require.True(t, utf8.ValidString(quarantine.Field+quarantine.Detail))
			return
		}
		require.NotEmpty(t, r.RecordNumber)
		require.Equal(t, 1, r.AssessNumber)
		require.Len(t, r.RegionCode, 12)
		require.True(t, r.Level.Valid())
		require.Equal(t, r.Default, r.Channel == "")
		require.False(t, r.RatedAt.IsZero())
		require.Equal(t, words, r.Words)
		require.NotEmpty(t, r.Canonical())
	})
}
