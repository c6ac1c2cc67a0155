package casework

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"
)

// The longest values that a review may carry, in characters and not in bytes. A
// code book may ask for less, never for more. 50 is 办件编号 an..50 of GB/T
// 39046; matter codes are longer in the field than the standard's 24. The text
// of a review has no limit there (ul): 5000 is our choice.
const (
	MaxRecordNumber = 50
	MaxMatterCode   = 64
	MaxName         = 200
	MaxIdentity     = 50
	MaxWords        = 5000
)

// ReviewerKind says who rated, by table A.4 of GB/T 39046.
type ReviewerKind string

// The kinds of reviewer. LegalPerson is for sources that say only 法人. The
// empty kind means that the source did not say.
const (
	ReviewerNaturalPerson      ReviewerKind = "natural_person"
	ReviewerLegalPerson        ReviewerKind = "legal_person"
	ReviewerEnterprise         ReviewerKind = "enterprise"
	ReviewerInstitution        ReviewerKind = "institution"
	ReviewerSocialOrganisation ReviewerKind = "social_organisation"
	ReviewerGovernmentBody     ReviewerKind = "government_body"
	ReviewerOther              ReviewerKind = "other"
)

// ReviewerKinds lists the kinds of reviewer.
func ReviewerKinds() []ReviewerKind {
	return []ReviewerKind{
		ReviewerNaturalPerson, ReviewerLegalPerson, ReviewerEnterprise, ReviewerInstitution,
		ReviewerSocialOrganisation, ReviewerGovernmentBody, ReviewerOther,
	}
}

// Valid reports whether k is a known kind of reviewer.
func (k ReviewerKind) Valid() bool { return slices.Contains(ReviewerKinds(), k) }

// ReasonTag is one of the national reason tags. Tags are matched by code, never
// by their words.
type ReasonTag struct {
	Code   string
	Level  RatingLevel // the only level with which the tag may be chosen
	Label  string
	Aspect Aspect // our mapping to 第二条; empty for tags of the better levels
}

// ReasonTags is a list of tags.
type ReasonTags []ReasonTag

// Find gives the tag with the code.
func (t ReasonTags) Find(code string) (ReasonTag, bool) {
	i := slices.IndexFunc(t, func(tag ReasonTag) bool { return tag.Code == code })
	if i < 0 {
		return ReasonTag{}, false
	}
	return t[i], true
}

// ReviewKey is the natural key of a review within all sources.
type ReviewKey struct {
	Source       string
	RecordNumber string
	AssessNumber int
}

func (k ReviewKey) String() string {
	return fmt.Sprintf("%s/%s/%d", k.Source, k.RecordNumber, k.AssessNumber)
}

// ReviewRow is one review as a source sent it, read through that source's code
// book. It holds personal data in clear (第六条): it goes from intake to the
// store, which encrypts, and nowhere else. It prints without them.
type ReviewRow struct {
	Source         string
	RecordNumber   string // 办件编号
	AssessNumber   int    // 评价次数, 1 for the only rating that 第七条 allows
	RegionCode     string // 12 digits
	DepartmentName string // empty when the source does not say, as devices do
	MatterCode     string
	MatterName     string // empty when the source does not say
	StaffLabel     string // the rated window or person, as the source names it
	Channel        Channel
	Level          RatingLevel
	Tags           []string // codes, in the order sent, each once
	Aspects        []Aspect // of the tags, each once, in the order of 第二条
	Words          string   // exactly as sent

	ReviewerName     string
	ReviewerIDNumber string
	ReviewerPhone    string
	ReviewerKind     ReviewerKind

	AcceptedAt time.Time // zero when the source does not say
	RatedAt    time.Time

	Default bool // 系统默认 (第八条): opens no case, whatever its level, and has no channel
}

// String gives the natural key, so that a row that is printed or logged by
// mistake gives away nobody.
func (r ReviewRow) String() string { return "review " + r.NaturalKey().String() }

// GoString does for %#v what String does for %v.
func (r ReviewRow) GoString() string { return r.String() }

// LogValue does the same for slog, whose JSON handler asks nobody for a String.
func (r ReviewRow) LogValue() slog.Value { return slog.StringValue(r.String()) }

// OpensCase reports whether the review is a 差评 that a person gave (第九条).
func (r ReviewRow) OpensCase() bool { return !r.Default && r.Level.Negative() }

// ReviewerKnown reports whether the reviewer can be found again for a callback:
// by phone, or by the identity under which the service was asked for (第六条). A
// name alone finds nobody.
func (r ReviewRow) ReviewerKnown() bool { return r.ReviewerPhone != "" || r.ReviewerIDNumber != "" }

// NaturalKey is what makes two deliveries the same review.
func (r ReviewRow) NaturalKey() ReviewKey {
	return ReviewKey{Source: r.Source, RecordNumber: r.RecordNumber, AssessNumber: r.AssessNumber}
}

// Canonical tells, under one natural key, "the same again" from "other content":
// two deliveries are the same when their canonical bytes are. They depend on
// what was said and not on how: six or twelve digits of a region, the order of
// tags, the zone of a time make no difference.
//
// The bytes hold personal data in clear. Only a keyed hash of them may be kept:
// a plain hash of a phone number is a phone number to whoever tries all of them.
func (r ReviewRow) Canonical() []byte {
	tags := slices.Sorted(slices.Values(r.Tags))
	fields := []string{
		"review/1",
		r.Source, r.RecordNumber, strconv.Itoa(r.AssessNumber), r.RegionCode, r.DepartmentName,
		r.MatterCode, r.MatterName, r.StaffLabel, string(r.Channel), string(r.Level), r.Words,
		r.ReviewerName, r.ReviewerIDNumber, r.ReviewerPhone,
		string(r.ReviewerKind), canonicalTime(r.AcceptedAt), canonicalTime(r.RatedAt),
		strconv.FormatBool(r.Default),
	}
	var out []byte
	// Each field goes in behind its length, so that no two rows can be cut into
	// the same bytes.
	for _, f := range append(fields, tags...) {
		out = binary.BigEndian.AppendUint64(out, uint64(len(f)))
		out = append(out, f...)
	}
	return out
}

func canonicalTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// sortAspects brings aspects to the order of 第二条, each once.
func sortAspects(aspects []Aspect) []Aspect {
	order := Aspects()
	slices.SortFunc(aspects, func(a, b Aspect) int {
		return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
	})
	return slices.Compact(aspects)
}
