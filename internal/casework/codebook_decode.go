package casework

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Decode reads a row of the source, by the source's own column names. It gives
// the review, or the first reason why a person has to look; never both. It
// knows nothing of other rows: whether a review is the same again, or conflicts
// with one that is there, the database decides.
//
// regionKnown says whether the reference list has a region of 12 digits. now is
// when the row was read.
func (b CodeBook) Decode(row map[string]string, tags ReasonTags, regionKnown func(code string) bool, now time.Time) (ReviewRow, *Quarantine) {
	d := decoder{book: b, row: row}
	d.checkText()
	r := ReviewRow{
		Source:           b.Source,
		RecordNumber:     d.recordNumber(),
		AssessNumber:     d.assessNumber(),
		RegionCode:       d.region(regionKnown),
		DepartmentName:   d.department(),
		MatterCode:       d.matter(),
		MatterName:       d.text(FieldMatterName, b.Limits.Name),
		StaffLabel:       d.text(FieldStaffLabel, b.Limits.Name),
		Words:            d.words(),
		ReviewerName:     d.text(FieldReviewerName, b.Limits.Name),
		ReviewerIDNumber: d.text(FieldReviewerIDNumber, b.Limits.Identity),
		ReviewerPhone:    d.text(FieldReviewerPhone, b.Limits.Identity),
		ReviewerKind:     d.reviewerKind(),
		AcceptedAt:       d.acceptedAt(),
		RatedAt:          d.ratedAt(now),
	}
	r.Channel, r.Default = d.channel()
	r.Level = d.rating()
	r.Tags, r.Aspects = d.tags(tags, r.Level)
	if d.quarantine != nil {
		return ReviewRow{}, d.quarantine
	}
	return r, nil
}

// decoder reads one row and keeps the first thing that it cannot accept.
type decoder struct {
	book       CodeBook
	row        map[string]string
	quarantine *Quarantine
}

func (d *decoder) refuse(reason QuarantineReason, field ReviewField, detail string) {
	if d.quarantine == nil {
		d.quarantine = &Quarantine{Reason: reason, Field: d.book.Columns[field], Detail: detail}
	}
}

// value is the field's value without the space around it, and empty when the
// source has no such column.
func (d *decoder) value(field ReviewField) string {
	column, named := d.book.Columns[field]
	if !named {
		return ""
	}
	return strings.TrimSpace(d.row[column])
}

// checkText looks at every field that the book reads: PostgreSQL stores neither
// NUL nor bytes that are no UTF-8. Only the words of the citizen may hold line
// breaks and other control characters.
func (d *decoder) checkText() {
	for _, field := range ReviewFields() {
		column, named := d.book.Columns[field]
		if !named {
			continue
		}
		v := d.row[column]
		switch {
		case !utf8.ValidString(v):
			d.refuse(QuarantineInvalidText, field, "the bytes are no UTF-8")
		case strings.ContainsRune(v, 0):
			d.refuse(QuarantineInvalidText, field, "there is a NUL in the text")
		case field != FieldWords && strings.ContainsFunc(strings.TrimSpace(v), unicode.IsControl):
			d.refuse(QuarantineInvalidText, field, "there is a control character in the text")
		}
	}
}

func (d *decoder) limited(field ReviewField, v string, limit int) string {
	if n := utf8.RuneCountInString(v); n > limit {
		d.refuse(QuarantineTextTooLong, field, fmt.Sprintf("%d characters, and at most %d are taken", n, limit))
	}
	return v
}

func (d *decoder) text(field ReviewField, limit int) string {
	return d.limited(field, d.value(field), limit)
}

func (d *decoder) words() string {
	column, named := d.book.Columns[FieldWords]
	if !named {
		return ""
	}
	return d.limited(FieldWords, d.row[column], d.book.Limits.Words)
}

func (d *decoder) recordNumber() string {
	v := d.text(FieldRecordNumber, d.book.Limits.RecordNumber)
	if v == "" {
		d.refuse(QuarantineNoRecordNumber, FieldRecordNumber, "a review without a service record belongs to nothing")
	}
	return v
}

func (d *decoder) assessNumber() int {
	if _, named := d.book.Columns[FieldAssessNumber]; !named {
		return d.book.AssessNumberDefault
	}
	v := d.value(FieldAssessNumber)
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < 1:
		d.refuse(QuarantineNotANumber, FieldAssessNumber, "no whole number from 1 on")
	case n > 1:
		d.refuse(QuarantineSecondRating, FieldAssessNumber, fmt.Sprintf("rating %d of one service, and one service has one rating (第七条)", n))
	}
	return n
}

func (d *decoder) region(known func(string) bool) string {
	code, ok := NormalizeRegionCode(d.value(FieldRegionCode))
	if !ok {
		d.refuse(QuarantineUnknownRegion, FieldRegionCode, "no code of 6, 9 or 12 digits")
		return ""
	}
	if !known(code) {
		d.refuse(QuarantineUnknownRegion, FieldRegionCode, "no region has the code "+code)
	}
	return code
}

// department asks for a name only where the book requires one: a counter device
// knows its region and window and nothing more.
func (d *decoder) department() string {
	v := d.text(FieldDepartmentName, d.book.Limits.Name)
	if v == "" && slices.Contains(d.book.RequiredColumns, d.book.Columns[FieldDepartmentName]) {
		d.refuse(QuarantineMissingDepartment, FieldDepartmentName, "no department")
	}
	return v
}

func (d *decoder) matter() string {
	v := d.text(FieldMatterCode, d.book.Limits.MatterCode)
	if v == "" {
		d.refuse(QuarantineMissingMatter, FieldMatterCode, "no code of a matter")
	}
	return v
}

func (d *decoder) channel() (channel Channel, byDefault bool) {
	if d.book.FixedChannel != "" {
		return d.book.FixedChannel, false
	}
	code := d.value(FieldChannel)
	if slices.Contains(d.book.DefaultChannels, code) {
		return "", true
	}
	channel, known := d.book.Channels[code]
	switch {
	case code == "":
		d.refuse(QuarantineBlankChannel, FieldChannel, "no channel")
	case !known:
		d.refuse(QuarantineUnknownChannel, FieldChannel, d.unknown(code))
	}
	return channel, false
}

func (d *decoder) rating() RatingLevel {
	code := d.value(FieldRating)
	level, known := d.book.Ratings[code]
	switch {
	case code == "":
		d.refuse(QuarantineBlankRating, FieldRating, "no rating")
	case !known:
		d.refuse(QuarantineUnknownRating, FieldRating, d.unknown(code))
	}
	return level
}

// tags holds every tag against the rating: a tag can be chosen with one level
// only, and when the two disagree nobody knows which one the citizen meant.
func (d *decoder) tags(known ReasonTags, level RatingLevel) (codes []string, aspects []Aspect) {
	between := strings.Join(d.book.TagSeparators, "")
	for code := range strings.FieldsFuncSeq(d.value(FieldTags), func(r rune) bool { return strings.ContainsRune(between, r) }) {
		code = strings.TrimSpace(code)
		if code == "" || slices.Contains(codes, code) {
			continue
		}
		tag, found := known.Find(code)
		if !found {
			d.refuse(QuarantineUnknownTag, FieldTags, d.unknown(code))
			return nil, nil
		}
		if tag.Level != level {
			d.refuse(QuarantineTagContradictsRating, FieldTags, fmt.Sprintf("tag %s is for %s, and the rating is %s", code, tag.Level, level))
			return nil, nil
		}
		codes = append(codes, code)
		if tag.Aspect != "" {
			aspects = append(aspects, tag.Aspect)
		}
	}
	return codes, sortAspects(aspects)
}

func (d *decoder) reviewerKind() ReviewerKind {
	code := d.value(FieldReviewerKind)
	kind, known := d.book.ReviewerKinds[code]
	if code != "" && !known {
		d.refuse(QuarantineUnknownReviewerKind, FieldReviewerKind, d.unknown(code))
	}
	return kind
}

func (d *decoder) acceptedAt() time.Time {
	if d.value(FieldAcceptedAt) == "" {
		return time.Time{}
	}
	return d.time(FieldAcceptedAt)
}

func (d *decoder) ratedAt(now time.Time) time.Time {
	t := d.time(FieldRatedAt)
	if t.After(now.Add(clockTolerance)) {
		d.refuse(QuarantineRatedInFuture, FieldRatedAt, fmt.Sprintf("rated on %s, which has not come", DateOf(t)))
	}
	return t
}

func (d *decoder) time(field ReviewField) time.Time {
	v := d.value(field)
	for _, layout := range d.book.TimeLayouts {
		if t, err := time.ParseInLocation(layout, v, China()); err == nil {
			return t
		}
	}
	d.refuse(QuarantineNotADate, field, fmt.Sprintf("no time of the form %s, or a day that does not exist", strings.Join(d.book.TimeLayouts, " or ")))
	return time.Time{}
}

// unknown names a code that the book does not list. A long value is no code but
// text in the wrong column, maybe a phone number, and is not repeated.
func (d *decoder) unknown(code string) string {
	if utf8.RuneCountInString(code) > 6 {
		return "the code book " + d.book.ID + " lists no such code"
	}
	return fmt.Sprintf("the code book %s does not list %q", d.book.ID, code)
}
