// Package reference holds the public facts that Guiling works with, embedded
// in the program so that it runs offline: the regions of Henan with their
// supervision parents, the State Council's holidays, the national reason tags,
// and the invented organisations and people of the demo.
//
// Each set has a version made of its content, so that a deadline or an import
// can say years later which data it used.
package reference

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"guiling/internal/casework"
)

//go:embed regions-henan.csv.gz
var regionsFile []byte

//go:embed holidays-cn.csv
var holidaysFile []byte

//go:embed reason-tags.csv
var reasonTagsFile []byte

// RegionsVersion names the content of the list of regions.
func RegionsVersion() string { return contentVersion(regionsFile) }

// Regions gives the regions of Henan, five levels, the province first and every
// parent before its children. Parents are those of supervision, which for 济源
// and the directly managed counties no prefix of a code tells. An error means
// that the program was built with a broken file.
func Regions() ([]casework.Region, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(regionsFile))
	if err != nil {
		return nil, fmt.Errorf("regions: %w", err)
	}
	reader := csv.NewReader(unzipped)
	if err := expectHeader(reader, "code", "name", "level", "parent_code"); err != nil {
		return nil, fmt.Errorf("regions: %w", err)
	}
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("regions: %w", err)
	}
	regions := make([]casework.Region, 0, len(rows))
	levels := make(map[string]casework.AdminLevel, len(rows))
	for i, row := range rows {
		r := casework.Region{Code: row[0], Name: row[1], Level: casework.AdminLevel(row[2]), ParentCode: row[3]}
		if err := checkRegion(r, i == 0, levels); err != nil {
			return nil, fmt.Errorf("regions: row %d: %w", i+1, err)
		}
		levels[r.Code] = r.Level
		regions = append(regions, r)
	}
	return regions, nil
}

// checkRegion holds a region against those before it. A parent that always
// comes first, and is of a higher level, means that every region reaches the
// province and that there is no cycle.
func checkRegion(r casework.Region, first bool, before map[string]casework.AdminLevel) error {
	if code, ok := casework.NormalizeRegionCode(r.Code); !ok || code != r.Code {
		return fmt.Errorf("%q is no code of 12 digits", r.Code)
	}
	if _, twice := before[r.Code]; twice {
		return fmt.Errorf("%s is there twice", r.Code)
	}
	if r.Name == "" || !r.Level.Valid() {
		return fmt.Errorf("%s has no name or no level", r.Code)
	}
	if first {
		if r.ParentCode != "" || r.Level != casework.LevelProvince {
			return fmt.Errorf("%s comes first and is not the province", r.Code)
		}
		return nil
	}
	parent, known := before[r.ParentCode]
	if !known {
		return fmt.Errorf("%s comes before its parent %q", r.Code, r.ParentCode)
	}
	if r.Level.AtLeast(parent) {
		return fmt.Errorf("%s is not below its parent %s", r.Code, r.ParentCode)
	}
	return nil
}

// Calendar gives the State Council's holidays and make-up working days.
func Calendar() (casework.Calendar, error) { return ReadCalendar(holidaysFile) }

// ReadCalendar reads a list of holidays and make-up working days: CSV with the
// columns date, kind and name. The State Council publishes whole years, so the
// list is taken to be complete to the end of its last one. The version names the
// last published day and the content.
func ReadCalendar(file []byte) (casework.Calendar, error) {
	c := casework.Calendar{Days: map[string]casework.DayKind{}, Names: map[string]string{}}
	reader := csv.NewReader(bytes.NewReader(file))
	if err := expectHeader(reader, "date", "kind", "name"); err != nil {
		return casework.Calendar{}, fmt.Errorf("holidays: %w", err)
	}
	rows, err := reader.ReadAll()
	if err != nil {
		return casework.Calendar{}, fmt.Errorf("holidays: %w", err)
	}
	var last casework.Date
	for _, row := range rows {
		day, err := casework.ParseDate(row[0])
		if err != nil {
			return casework.Calendar{}, fmt.Errorf("holidays: %w", err)
		}
		kind := casework.DayKind(row[1])
		if kind != casework.DayHoliday && kind != casework.DayWorkday {
			return casework.Calendar{}, fmt.Errorf("holidays: %s: unknown kind %q", row[0], row[1])
		}
		if _, twice := c.Days[day.String()]; twice {
			return casework.Calendar{}, fmt.Errorf("holidays: %s is there twice", row[0])
		}
		if day.Before(last) {
			return casework.Calendar{}, fmt.Errorf("holidays: %s comes after %s", row[0], last)
		}
		c.Days[day.String()], c.Names[day.String()], last = kind, row[2], day
	}
	if last.IsZero() {
		return casework.Calendar{}, errors.New("holidays: the list is empty")
	}
	c.PublishedThrough = casework.Date{Year: last.Year, Month: time.December, Day: 31}
	c.Version = c.PublishedThrough.String() + "-" + contentVersion(file)
	return c, nil
}

// ReasonTagsVersion names the content of the list of reason tags.
func ReasonTagsVersion() string { return contentVersion(reasonTagsFile) }

// ReasonTags gives the 40 national reason tags in the order of their codes. The
// mapping to the aspects of 第二条 is ours; no tag covers 勤政廉洁.
func ReasonTags() (casework.ReasonTags, error) {
	reader := csv.NewReader(bytes.NewReader(reasonTagsFile))
	if err := expectHeader(reader, "code", "level", "label", "aspect"); err != nil {
		return nil, fmt.Errorf("reason tags: %w", err)
	}
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reason tags: %w", err)
	}
	tags := make(casework.ReasonTags, 0, len(rows))
	for _, row := range rows {
		tag := casework.ReasonTag{
			Code: row[0], Level: casework.RatingLevel(row[1]), Label: row[2], Aspect: casework.Aspect(row[3]),
		}
		if _, twice := tags.Find(tag.Code); twice {
			return nil, fmt.Errorf("reason tags: %s is there twice", tag.Code)
		}
		if tag.Code == "" || tag.Label == "" || !tag.Level.Valid() || (tag.Aspect != "" && !tag.Aspect.Valid()) {
			return nil, fmt.Errorf("reason tags: %q has an unknown level or aspect, or no label", tag.Code)
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

// contentVersion is the start of the SHA-256 of a file: short enough to be
// shown, long enough to tell any two versions apart.
func contentVersion(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:6])
}

func expectHeader(reader *csv.Reader, columns ...string) error {
	header, err := reader.Read()
	if err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if !slices.Equal(header, columns) {
		return errors.New("the columns are not those expected")
	}
	return nil
}
