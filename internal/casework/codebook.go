package casework

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// FileFormat is the form in which a source sends its rows.
type FileFormat string

// The formats.
const (
	FormatCSV    FileFormat = "csv"
	FormatNDJSON FileFormat = "ndjson"
)

// TextEncoding is the encoding of a source's files.
type TextEncoding string

// The encodings. UTF-8 comes with or without a byte order mark.
const (
	EncodingUTF8    TextEncoding = "utf-8"
	EncodingGB18030 TextEncoding = "gb18030"
)

// ReviewField is a field of ours for which a code book can name a column.
type ReviewField string

// The fields.
const (
	FieldRecordNumber     ReviewField = "record_number"
	FieldAssessNumber     ReviewField = "assess_number"
	FieldRegionCode       ReviewField = "region_code"
	FieldDepartmentName   ReviewField = "department_name"
	FieldMatterCode       ReviewField = "matter_code"
	FieldMatterName       ReviewField = "matter_name"
	FieldStaffLabel       ReviewField = "staff_label"
	FieldChannel          ReviewField = "channel"
	FieldRating           ReviewField = "rating"
	FieldTags             ReviewField = "tags"
	FieldWords            ReviewField = "words"
	FieldReviewerName     ReviewField = "reviewer_name"
	FieldReviewerIDNumber ReviewField = "reviewer_id_number"
	FieldReviewerPhone    ReviewField = "reviewer_phone"
	FieldReviewerKind     ReviewField = "reviewer_kind"
	FieldAcceptedAt       ReviewField = "accepted_at"
	FieldRatedAt          ReviewField = "rated_at"
)

// ReviewFields lists the fields.
func ReviewFields() []ReviewField {
	return []ReviewField{
		FieldRecordNumber, FieldAssessNumber, FieldRegionCode, FieldDepartmentName, FieldMatterCode,
		FieldMatterName, FieldStaffLabel, FieldChannel, FieldRating, FieldTags, FieldWords,
		FieldReviewerName, FieldReviewerIDNumber, FieldReviewerPhone, FieldReviewerKind,
		FieldAcceptedAt, FieldRatedAt,
	}
}

// CodeBook says how one source writes reviews. It is data, kept in
// policies/codebooks/: the same column names carry other codes elsewhere, 5 is
// the best level here and the worst in GB/T 39046.
//
// Nothing is guessed. A code that the book does not list sends the row to
// quarantine.
type CodeBook struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Name    string `json:"name"`
	Source  string `json:"source"` // the part of the natural key that names the source

	Format   FileFormat   `json:"format"`
	Encoding TextEncoding `json:"encoding"`

	// Columns names the source's column for each of our fields. Columns of the
	// source that are not named are ignored.
	Columns map[ReviewField]string `json:"columns"`
	// RequiredColumns are columns of the source without which nothing is read.
	RequiredColumns []string `json:"required_columns"`

	Ratings map[string]RatingLevel `json:"ratings"`

	Channels map[string]Channel `json:"channels"`
	// FixedChannel is the channel of a source that has but one and names none.
	FixedChannel Channel `json:"fixed_channel"`
	// DefaultChannels are the channel codes that mean 系统默认: nobody rated, the
	// seven days of 第八条 passed at the source.
	DefaultChannels []string `json:"default_channels"`

	TagSeparators []string                `json:"tag_separators"` // one character each
	ReviewerKinds map[string]ReviewerKind `json:"reviewer_kinds"`

	// TimeLayouts are tried in turn, in the notation of Go's package time. A
	// time without a zone is one of +08:00.
	TimeLayouts []string `json:"time_layouts"`

	// AssessNumberDefault is for a source that does not number ratings; 0 when
	// it does.
	AssessNumberDefault int `json:"assess_number_default"`

	Limits TextLimits `json:"limits"`
}

// TextLimits are the longest texts that are taken from a source, in characters.
type TextLimits struct {
	RecordNumber int `json:"record_number"`
	MatterCode   int `json:"matter_code"`
	Name         int `json:"name"`     // of department, matter, window, reviewer
	Identity     int `json:"identity"` // of ID number and phone
	Words        int `json:"words"`
}

// QuarantineReason is a stable word for why a row waits for a person.
type QuarantineReason string

// The reasons. The first group is decided here, the second by whoever reads the
// file (internal/intake).
const (
	QuarantineInvalidText          QuarantineReason = "invalid_text"           // NUL, or bytes that are no text
	QuarantineTextTooLong          QuarantineReason = "text_too_long"          // longer than the book's limit
	QuarantineNoRecordNumber       QuarantineReason = "no_record_number"       // 办件编号 is missing
	QuarantineNotANumber           QuarantineReason = "not_a_number"           // 评价次数 is no number from 1 on
	QuarantineSecondRating         QuarantineReason = "second_rating"          // 第七条: 一次政务服务可评价一次
	QuarantineUnknownRegion        QuarantineReason = "unknown_region"         // no such region in the reference list
	QuarantineMissingDepartment    QuarantineReason = "missing_department"     // the source names departments, but not here
	QuarantineMissingMatter        QuarantineReason = "missing_matter"         // no code of the 事项
	QuarantineBlankChannel         QuarantineReason = "blank_channel"          // no channel
	QuarantineUnknownChannel       QuarantineReason = "unknown_channel"        // a channel that the book does not list
	QuarantineBlankRating          QuarantineReason = "blank_rating"           // no rating
	QuarantineUnknownRating        QuarantineReason = "unknown_rating"         // a rating that the book does not list
	QuarantineUnknownTag           QuarantineReason = "unknown_tag"            // a tag that is none of the national ones
	QuarantineTagContradictsRating QuarantineReason = "tag_contradicts_rating" // a tag of another level
	QuarantineUnknownReviewerKind  QuarantineReason = "unknown_reviewer_kind"  // a kind that the book does not list
	QuarantineNotADate             QuarantineReason = "not_a_date"             // no time, or one that does not exist
	QuarantineRatedInFuture        QuarantineReason = "rated_in_future"        // rated after it was read

	QuarantineMissingColumn QuarantineReason = "missing_column" // a JSON row without a required field
	QuarantineRaggedRow     QuarantineReason = "ragged_row"     // more or fewer values than columns
	QuarantineMalformedRow  QuarantineReason = "malformed_row"  // quotes or JSON that cannot be read
	QuarantineRowTooLong    QuarantineReason = "row_too_long"   // longer than the reader allows

	// Decided by the database: the natural key is known with other content.
	QuarantineConflict QuarantineReason = "conflicting_content"
)

// QuarantineReasons lists the reasons.
func QuarantineReasons() []QuarantineReason {
	return []QuarantineReason{
		QuarantineInvalidText, QuarantineTextTooLong, QuarantineNoRecordNumber, QuarantineNotANumber,
		QuarantineSecondRating, QuarantineUnknownRegion, QuarantineMissingDepartment,
		QuarantineMissingMatter, QuarantineBlankChannel, QuarantineUnknownChannel, QuarantineBlankRating,
		QuarantineUnknownRating, QuarantineUnknownTag, QuarantineTagContradictsRating,
		QuarantineUnknownReviewerKind, QuarantineNotADate, QuarantineRatedInFuture,
		QuarantineMissingColumn, QuarantineRaggedRow, QuarantineMalformedRow, QuarantineRowTooLong,
		QuarantineConflict,
	}
}

// Quarantine says why a row was not taken, for the person who corrects it and
// releases it.
type Quarantine struct {
	Reason QuarantineReason `json:"reason"`
	Field  string           `json:"field"`  // the source's column; empty when the whole row is at fault
	Detail string           `json:"detail"` // English, for logs; holds no personal data
}

// clockTolerance is how far the clock of a source may be ahead of ours. Own
// choice: the five minutes that signed deliveries may be old.
const clockTolerance = 5 * time.Minute

// Identity is the id of the book.
func (b CodeBook) Identity() string { return b.ID }

// Validate refuses a book with which a row could be read in two ways or not at
// all.
func (b CodeBook) Validate() error {
	if b.ID == "" || b.Version < 1 || b.Name == "" || b.Source == "" {
		return Invalid("id", "code_book_incomplete", "a code book needs id, version, name and source")
	}
	if b.Format != FormatCSV && b.Format != FormatNDJSON {
		return Invalid("format", "code_book_unknown", fmt.Sprintf("unknown format %q", b.Format))
	}
	if b.Encoding != EncodingUTF8 && (b.Encoding != EncodingGB18030 || b.Format != FormatCSV) {
		return Invalid("encoding", "code_book_unknown", fmt.Sprintf("no encoding %q for %s", b.Encoding, b.Format))
	}
	for _, check := range []func() error{
		b.validateColumns, b.validateRatings, b.validateChannels, b.validateRest, b.Limits.validate,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (b CodeBook) validateColumns() error {
	taken := map[string]bool{}
	for _, field := range slices.Sorted(maps.Keys(b.Columns)) {
		column := b.Columns[field]
		if !slices.Contains(ReviewFields(), field) {
			return Invalid("columns", "code_book_unknown", fmt.Sprintf("unknown field %q", field))
		}
		if column == "" || taken[column] {
			return Invalid("columns", "code_book_ambiguous", fmt.Sprintf("column %q is empty or stands for two fields", column))
		}
		taken[column] = true
	}
	for _, field := range []ReviewField{FieldRecordNumber, FieldRegionCode, FieldMatterCode, FieldRating, FieldRatedAt} {
		if !slices.Contains(b.RequiredColumns, b.Columns[field]) {
			return Invalid("required_columns", "code_book_incomplete", fmt.Sprintf("the column for %s must be named and required", field))
		}
	}
	for _, column := range b.RequiredColumns {
		if !taken[column] {
			return Invalid("required_columns", "code_book_unknown", fmt.Sprintf("column %q is required and stands for nothing", column))
		}
	}
	return nil
}

func (b CodeBook) validateRatings() error {
	for _, level := range RatingLevels() {
		if !slices.Contains(slices.Collect(maps.Values(b.Ratings)), level) {
			return Invalid("ratings", "code_book_incomplete", fmt.Sprintf("no code means %s", level))
		}
	}
	for code, level := range b.Ratings {
		if strings.TrimSpace(code) == "" || !level.Valid() {
			return Invalid("ratings", "code_book_unknown", fmt.Sprintf("code %q means %q", code, level))
		}
	}
	return nil
}

func (b CodeBook) validateChannels() error {
	_, named := b.Columns[FieldChannel]
	if named == (b.FixedChannel != "") {
		return Invalid("fixed_channel", "code_book_ambiguous", "either a column names the channel or it is fixed")
	}
	if !named {
		if !b.FixedChannel.Valid() {
			return Invalid("fixed_channel", "code_book_unknown", fmt.Sprintf("unknown channel %q", b.FixedChannel))
		}
		if len(b.Channels) > 0 || len(b.DefaultChannels) > 0 {
			return Invalid("channels", "code_book_ambiguous", "a fixed channel has no codes")
		}
		return nil
	}
	if len(b.Channels) == 0 {
		return Invalid("channels", "code_book_incomplete", "no channel has a code")
	}
	for code, channel := range b.Channels {
		if strings.TrimSpace(code) == "" || !channel.Valid() {
			return Invalid("channels", "code_book_unknown", fmt.Sprintf("code %q means %q", code, channel))
		}
	}
	for _, code := range b.DefaultChannels {
		if _, both := b.Channels[code]; both || strings.TrimSpace(code) == "" {
			return Invalid("default_channels", "code_book_ambiguous", fmt.Sprintf("code %q is empty or a channel as well", code))
		}
	}
	return nil
}

func (b CodeBook) validateRest() error {
	_, tagged := b.Columns[FieldTags]
	if tagged == (len(b.TagSeparators) == 0) {
		return Invalid("tag_separators", "code_book_incomplete", "a column for tags and the characters between tags go together")
	}
	for _, s := range b.TagSeparators {
		if utf8.RuneCountInString(s) != 1 || asciiDigits(s) {
			return Invalid("tag_separators", "code_book_ambiguous", fmt.Sprintf("%q is not one character that separates", s))
		}
	}
	_, kinds := b.Columns[FieldReviewerKind]
	if kinds == (len(b.ReviewerKinds) == 0) {
		return Invalid("reviewer_kinds", "code_book_incomplete", "a column for the kind of reviewer and its codes go together")
	}
	for code, kind := range b.ReviewerKinds {
		if strings.TrimSpace(code) == "" || !kind.Valid() {
			return Invalid("reviewer_kinds", "code_book_unknown", fmt.Sprintf("code %q means %q", code, kind))
		}
	}
	if len(b.TimeLayouts) == 0 {
		return Invalid("time_layouts", "code_book_incomplete", "no layout to read times by")
	}
	// A layout that loses the hour, or half the day, cannot be one. Writing a time
	// and reading it back shows it.
	probe := time.Date(2026, 11, 25, 13, 14, 0, 0, China())
	for _, layout := range b.TimeLayouts {
		back, err := time.ParseInLocation(layout, probe.Format(layout), China())
		if err != nil || !back.Equal(probe) {
			return Invalid("time_layouts", "code_book_unknown", fmt.Sprintf("layout %q does not keep a time", layout))
		}
	}
	_, numbered := b.Columns[FieldAssessNumber]
	if numbered == (b.AssessNumberDefault != 0) || b.AssessNumberDefault < 0 || b.AssessNumberDefault > 1 {
		return Invalid("assess_number_default", "code_book_ambiguous", "either a column numbers the ratings or each counts as the first")
	}
	return nil
}

func (l TextLimits) validate() error {
	limits := []struct {
		field      string
		limit, max int
	}{
		{"limits.record_number", l.RecordNumber, MaxRecordNumber},
		{"limits.matter_code", l.MatterCode, MaxMatterCode},
		{"limits.name", l.Name, MaxName},
		{"limits.identity", l.Identity, MaxIdentity},
		{"limits.words", l.Words, MaxWords},
	}
	for _, c := range limits {
		if c.limit < 1 || c.limit > c.max {
			return Invalid(c.field, "code_book_range", fmt.Sprintf("%d is not between 1 and %d", c.limit, c.max))
		}
	}
	return nil
}
