package casework_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

func someReview() casework.ReviewRow {
	return casework.ReviewRow{
		Source: "platform", RecordNumber: "41041120261018000001", AssessNumber: 1, RegionCode: "410411000000",
		DepartmentName: "湛河区民政局", MatterCode: "410100109001", MatterName: "老年人优待证", StaffLabel: "窗口01",
		Channel: casework.ChannelPC, Level: casework.Dissatisfied, Tags: []string{"207", "214"},
		Aspects: []casework.Aspect{casework.AspectAttitude, casework.AspectMaterials}, Words: "慢",
		ReviewerName: "王某甲", ReviewerIDNumber: "990000196005250006", ReviewerPhone: "12031676000",
		ReviewerKind: casework.ReviewerNaturalPerson,
		AcceptedAt:   time.Date(2026, 10, 18, 9, 28, 0, 0, casework.China()),
		RatedAt:      time.Date(2026, 10, 19, 15, 28, 0, 0, casework.China()),
	}
}

func TestCanonicalSameAgain(t *testing.T) {
	t.Parallel()

	want := someReview().Canonical()
	for name, change := range map[string]func(*casework.ReviewRow){
		"order of tags":       func(r *casework.ReviewRow) { r.Tags = []string{"214", "207"} },
		"zone of the time":    func(r *casework.ReviewRow) { r.RatedAt = r.RatedAt.UTC() },
		"our own tag mapping": func(r *casework.ReviewRow) { r.Aspects = nil },
	} {
		r := someReview()
		change(&r)
		require.Equal(t, want, r.Canonical(), name)
	}
	r := someReview()
	r.Tags = []string{"214", "207"}
	r.Canonical()
	require.Equal(t, []string{"214", "207"}, r.Tags, "the row stays as it is")
}

func TestCanonicalOtherContent(t *testing.T) {
	t.Parallel()

	seen := map[string]string{string(someReview().Canonical()): "the first"}
	for name, change := range map[string]func(*casework.ReviewRow){
		"source":      func(r *casework.ReviewRow) { r.Source = "device" },
		"record":      func(r *casework.ReviewRow) { r.RecordNumber += "0" },
		"assess":      func(r *casework.ReviewRow) { r.AssessNumber = 2 },
		"region":      func(r *casework.ReviewRow) { r.RegionCode = "410411001000" },
		"department":  func(r *casework.ReviewRow) { r.DepartmentName = "湛河区公安局" },
		"matter":      func(r *casework.ReviewRow) { r.MatterCode = "410100109002" },
		"matter name": func(r *casework.ReviewRow) { r.MatterName = "" },
		"window":      func(r *casework.ReviewRow) { r.StaffLabel = "窗口02" },
		"channel":     func(r *casework.ReviewRow) { r.Channel = casework.ChannelSMS },
		"level":       func(r *casework.ReviewRow) { r.Level = casework.VeryDissatisfied },
		"tags":        func(r *casework.ReviewRow) { r.Tags = []string{"207"} },
		"one tag":     func(r *casework.ReviewRow) { r.Tags = []string{"207214"} },
		"words":       func(r *casework.ReviewRow) { r.Words = "慢 " },
		"name":        func(r *casework.ReviewRow) { r.ReviewerName = "李某甲" },
		"id":          func(r *casework.ReviewRow) { r.ReviewerIDNumber = "" },
		"phone":       func(r *casework.ReviewRow) { r.ReviewerPhone = "12031676001" },
		"kind":        func(r *casework.ReviewRow) { r.ReviewerKind = "" },
		"accepted":    func(r *casework.ReviewRow) { r.AcceptedAt = time.Time{} },
		"rated":       func(r *casework.ReviewRow) { r.RatedAt = r.RatedAt.Add(time.Second) },
		"default":     func(r *casework.ReviewRow) { r.Default = true },
		// What one field loses at its end another gains at its start.
		"moved border": func(r *casework.ReviewRow) { r.MatterName, r.StaffLabel = "老年人优待", "证窗口01" },
	} {
		r := someReview()
		change(&r)
		content := string(r.Canonical())
		require.Empty(t, seen[content], name)
		seen[content] = name
	}
}

func TestReviewerKnown(t *testing.T) {
	t.Parallel()

	require.False(t, casework.ReviewRow{}.ReviewerKnown())
	require.False(t, casework.ReviewRow{ReviewerName: "王某甲"}.ReviewerKnown(), "a name alone finds nobody")
	require.True(t, casework.ReviewRow{ReviewerPhone: "12031676000"}.ReviewerKnown())
	require.True(t, casework.ReviewRow{ReviewerIDNumber: "990000196005250006"}.ReviewerKnown())
}

func TestOpensCase(t *testing.T) {
	t.Parallel()

	for level, want := range map[casework.RatingLevel]bool{
		casework.VerySatisfied: false, casework.Satisfied: false, casework.BasicallySatisfied: false,
		casework.Dissatisfied: true, casework.VeryDissatisfied: true,
	} {
		require.Equal(t, want, casework.ReviewRow{Level: level}.OpensCase())
		require.False(t, casework.ReviewRow{Level: level, Default: true}.OpensCase(), "系统默认 never does (第八条)")
	}
}

func TestReviewRowPrintsItsKeyOnly(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("taken in", "review", someReview())
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", someReview(), someReview(), someReview(), someReview()), log.String(),
	} {
		require.Contains(t, text, "platform/41041120261018000001/1")
		require.NotContains(t, text, "王某甲")
		require.NotContains(t, text, "12031676000")
	}
}
