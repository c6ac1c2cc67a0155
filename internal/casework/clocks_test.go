package casework_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of servers, on a machine that may have none

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/reference"
)

func date(tb testing.TB, s string) casework.Date {
	tb.Helper()
	d, err := casework.ParseDate(s)
	require.NoError(tb, err)
	return d
}

func calendar(tb testing.TB) casework.Calendar {
	tb.Helper()
	c, err := reference.Calendar()
	require.NoError(tb, err)
	return c
}

func limit(days int, count casework.CountKind, roll casework.RollKind) casework.Limit {
	return casework.Limit{Days: days, Count: count, Roll: roll, Article: "第九条"}
}

// checkedExamples are dates that were counted by hand with the State Council's
// notices for 2026.
var checkedExamples = []struct {
	name    string
	from    string
	days    int
	count   casework.CountKind
	roll    casework.RollKind
	lastDay string
}{
	{"15 days from a Monday", "2026-03-02", 15, casework.CountNatural, casework.RollNone, "2026-03-17"},
	{"15 days over 春节", "2026-02-13", 15, casework.CountNatural, casework.RollNone, "2026-02-28"},
	{"the last day is a make-up Saturday and does not roll", "2026-02-13", 15, casework.CountNatural, casework.RollForward, "2026-02-28"},
	{"15 days into 春节", "2026-02-06", 15, casework.CountNatural, casework.RollNone, "2026-02-21"},
	{"15 days into 春节, rolled", "2026-02-06", 15, casework.CountNatural, casework.RollForward, "2026-02-24"},
	{"a make-up Sunday is a working day", "2026-09-18", 1, casework.CountWorking, casework.RollNone, "2026-09-20"},
	{"5 working days before 国庆", "2026-09-18", 5, casework.CountWorking, casework.RollNone, "2026-09-24"},
	{"15 working days over 国庆", "2026-09-18", 15, casework.CountWorking, casework.RollNone, "2026-10-15"},
	{"a make-up Saturday before 春节", "2026-02-13", 1, casework.CountWorking, casework.RollNone, "2026-02-14"},
	{"5 working days over 春节", "2026-02-13", 5, casework.CountWorking, casework.RollNone, "2026-02-27"},
	{"15 working days over 春节", "2026-02-13", 15, casework.CountWorking, casework.RollNone, "2026-03-12"},
}

// The same review gets the same deadline whatever the zone of the server. The
// zone is a variable of the process, so this test runs alone.
//
//nolint:paralleltest // sets time.Local
func TestDeadlinesInAnyServerZone(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	c := calendar(t)
	for _, zone := range []string{"UTC", "Asia/Shanghai", "America/New_York"} {
		location, err := time.LoadLocation(zone)
		require.NoError(t, err)
		time.Local = location
		for _, e := range checkedExamples {
			t.Run(zone+"/"+e.name, func(t *testing.T) {
				// The day counts, not the hour: the first and the last second of day 0 give
				// the same deadline.
				day0 := date(t, e.from)
				for _, at := range []time.Time{day0.Start(), day0.At(10, 0).Local(), day0.End().Add(-time.Second).UTC()} {
					require.Equal(t, day0, casework.DateOf(at))
					d := casework.ComputeDeadline(casework.RulePack{}, c, limit(e.days, e.count, e.roll), casework.DateOf(at), nil)
					require.Equal(t, e.lastDay, d.LastDay.String())
					midnight := date(t, e.lastDay).AddDays(1)
					require.True(t, d.At.Equal(time.Date(midnight.Year, midnight.Month, midnight.Day, 0, 0, 0, 0, time.FixedZone("", 8*60*60))), "24:00 +08:00")
					require.False(t, d.Provisional)
				}
			})
		}
	}
}

func TestDeadlineEndsAtMidnightExactly(t *testing.T) {
	t.Parallel()

	verified := time.Date(2026, 3, 2, 10, 0, 0, 0, casework.China())
	d := casework.ComputeDeadline(casework.RulePack{ID: "p", Version: 2}, calendar(t),
		limit(15, casework.CountNatural, casework.RollNone), casework.DateOf(verified), nil)
	require.Equal(t, "2026-03-17T16:00:00Z", d.At.UTC().Format(time.RFC3339Nano))
	require.Equal(t, "2026-03-18T00:00:00+08:00", d.At.Format(time.RFC3339Nano))
	require.Equal(t, []casework.DeadlineStep{{Kind: "limit", Days: 15, To: date(t, "2026-03-17")}}, d.Steps)
	require.Empty(t, d.Skipped)
	require.Empty(t, d.CalendarVersion, "natural days that do not roll need no calendar")
	require.Equal(t, "p", d.PackID)
	require.Equal(t, 2, d.PackVersion)
}

func TestDeadlineExplainsTheDaysItSkipped(t *testing.T) {
	t.Parallel()

	c := calendar(t)
	d := casework.ComputeDeadline(casework.RulePack{}, c, limit(5, casework.CountWorking, casework.RollNone), date(t, "2026-02-13"), nil)
	require.Equal(t, c.Version, d.CalendarVersion)
	require.Len(t, d.Skipped, 9)
	require.Equal(t, casework.SkippedDay{Date: date(t, "2026-02-15"), Name: "春节"}, d.Skipped[0])
	require.Equal(t, date(t, "2026-02-23"), d.Skipped[8].Date)

	d = casework.ComputeDeadline(casework.RulePack{}, c, limit(1, casework.CountWorking, casework.RollNone), date(t, "2026-03-06"), nil)
	require.Equal(t, []casework.SkippedDay{
		{Date: date(t, "2026-03-07")}, {Date: date(t, "2026-03-08")},
	}, d.Skipped, "an ordinary weekend has no name")

	d = casework.ComputeDeadline(casework.RulePack{}, c, limit(15, casework.CountNatural, casework.RollForward), date(t, "2026-02-06"), nil)
	require.Equal(t, casework.DeadlineStep{Kind: "roll", Days: 3, To: date(t, "2026-02-24")}, d.Steps[1])
	require.Len(t, d.Skipped, 3)
}

func TestDeadlineBeyondTheCalendarIsProvisional(t *testing.T) {
	t.Parallel()

	c := calendar(t)
	for name, e := range map[string]struct {
		limit       casework.Limit
		from        string
		provisional bool
	}{
		"working days within":           {limit(3, casework.CountWorking, casework.RollNone), "2026-12-28", false},
		"working days beyond":           {limit(4, casework.CountWorking, casework.RollNone), "2026-12-28", true},
		"natural days need no calendar": {limit(15, casework.CountNatural, casework.RollNone), "2026-12-28", false},
		"a roll beyond":                 {limit(15, casework.CountNatural, casework.RollForward), "2026-12-28", true},
	} {
		d := casework.ComputeDeadline(casework.RulePack{}, c, e.limit, date(t, e.from), nil)
		require.Equal(t, e.provisional, d.Provisional, name)
	}
}

func TestDeadlineAdjustments(t *testing.T) {
	t.Parallel()

	c := calendar(t)
	natural, working := limit(15, casework.CountNatural, casework.RollNone), limit(5, casework.CountWorking, casework.RollNone)
	day := func(s string) casework.Date { return date(t, s) }
	for name, e := range map[string]struct {
		limit       casework.Limit
		from        string
		adjustments []casework.Adjustment
		lastDay     string
		kinds       []string
	}{
		"an extension to a date": {
			natural, "2026-03-02",
			[]casework.Adjustment{{ExtendTo: day("2026-03-27")}},
			"2026-03-27",
			[]string{"limit", "extension"},
		},
		"a pause gives back exactly its days": {
			natural, "2026-03-02",
			[]casework.Adjustment{{PausedFrom: day("2026-03-05"), PausedTo: day("2026-03-09")}},
			"2026-03-21",
			[]string{"limit", "pause"},
		},
		"a pause that ends on its day gives nothing": {
			natural, "2026-03-02",
			[]casework.Adjustment{{PausedFrom: day("2026-03-05"), PausedTo: day("2026-03-05")}},
			"2026-03-17",
			[]string{"limit", "pause"},
		},
		"a pause in working days": {
			working, "2026-03-02", // due on the 9th
			[]casework.Adjustment{{PausedFrom: day("2026-03-05"), PausedTo: day("2026-03-09")}},
			"2026-03-11",
			[]string{"limit", "pause"},
		},
		"a pause after an extension moves the extended day": {
			natural, "2026-03-02",
			[]casework.Adjustment{{ExtendTo: day("2026-03-27")}, {PausedFrom: day("2026-03-20"), PausedTo: day("2026-03-22")}},
			"2026-03-29",
			[]string{"limit", "extension", "pause"},
		},
	} {
		d := casework.ComputeDeadline(casework.RulePack{}, c, e.limit, day(e.from), e.adjustments)
		require.Equal(t, e.lastDay, d.LastDay.String(), name)
		kinds := make([]string, 0, len(d.Steps))
		for _, s := range d.Steps {
			kinds = append(kinds, s.Kind)
		}
		require.Equal(t, e.kinds, kinds, name)
		require.True(t, d.At.Equal(d.LastDay.End()), name)
	}
}

func TestWorkingDay(t *testing.T) {
	t.Parallel()

	c := calendar(t)
	for day, want := range map[string][2]bool{
		"2026-03-02": {true, true},   // Monday
		"2026-03-07": {false, true},  // Saturday
		"2026-02-14": {true, true},   // make-up Saturday
		"2026-09-20": {true, true},   // make-up Sunday
		"2026-10-01": {false, true},  // 国庆, a Thursday
		"2026-12-31": {true, true},   // the last published day
		"2027-01-01": {true, false},  // 元旦 is not yet published: only the week judges
		"2027-01-02": {false, false}, // Saturday
	} {
		working, published := c.WorkingDay(date(t, day))
		require.Equal(t, want, [2]bool{working, published}, day)
	}
}

func TestDate(t *testing.T) {
	t.Parallel()

	d := date(t, "2026-02-28")
	require.Equal(t, "2026-03-01", d.AddDays(1).String())
	require.Equal(t, "2026-02-27", d.AddDays(-1).String())
	require.Equal(t, 365, date(t, "2026-01-01").DaysUntil(date(t, "2027-01-01")))
	require.Equal(t, 366, date(t, "2028-01-01").DaysUntil(date(t, "2029-01-01")))
	require.Equal(t, -1, d.DaysUntil(d.AddDays(-1)))
	require.True(t, d.Before(d.AddDays(1)))
	require.False(t, d.Before(d))
	require.True(t, d.End().Equal(d.AddDays(1).Start()))
	require.Equal(t, "2026-02-28T09:00:00+08:00", d.At(9, 0).Format(time.RFC3339))
	require.True(t, casework.Date{}.IsZero())

	// 16:00 UTC is midnight in China: the next day.
	require.Equal(t, "2026-02-28", casework.DateOf(time.Date(2026, 2, 28, 15, 59, 59, 0, time.UTC)).String())
	require.Equal(t, "2026-03-01", casework.DateOf(time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC)).String())

	for _, bad := range []string{"", "2026-02-30", "2026-2-3", "20260203", "2026-02-03T00:00:00Z", "二〇二六"} {
		_, err := casework.ParseDate(bad)
		refused, ok := casework.AsError(err)
		require.True(t, ok, bad)
		require.Equal(t, "not_a_date", refused.Reason)
	}
}

func TestDateAsText(t *testing.T) {
	t.Parallel()

	for _, d := range []casework.Date{{}, date(t, "2026-03-17")} {
		text, err := d.MarshalText()
		require.NoError(t, err)
		back := casework.Date{Year: 1, Month: 1, Day: 1}
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, d, back)
	}
	var d casework.Date
	require.Error(t, d.UnmarshalText([]byte("2026-13-01")))
}
