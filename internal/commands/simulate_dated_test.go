package commands_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/reference"
	"guiling/workflows/contract"
)

const zhanhe = "410411000000"

func day(t *testing.T, s string) casework.Date {
	t.Helper()
	d, err := casework.ParseDate(s)
	require.NoError(t, err)
	return d
}

// casesIn gives n cases in the subtree of a region, or outside it.
func (b bundle) casesIn(t *testing.T, region string, inside bool, n int) []store.Case {
	t.Helper()
	var found []store.Case
	for _, c := range b.cases {
		if slices.Contains(c.RegionPath, region) == inside {
			found = append(found, c)
		}
	}
	require.GreaterOrEqual(t, len(found), n)
	return found[:n]
}

func (b bundle) rules(t *testing.T, pack string) casework.Rules {
	t.Helper()
	r, err := b.store.RulesInForce(t.Context(), pack, day(t, "2026-09-01").Start())
	require.NoError(t, err)
	return r
}

// at is something that happened on a day, at ten in the morning.
type at struct {
	day  string
	body casework.EventBody
}

// lives records that a case began on a day, and what happened then.
func (b bundle) lives(t *testing.T, c store.Case, r casework.Rules, opened string, then ...at) {
	t.Helper()
	events := []casework.Event{{Seq: 1, At: day(t, opened).At(10, 0), Body: casework.Opened{
		RegionCode: c.RegionCode, RegionLevel: c.RegionLevel, DepartmentID: c.DepartmentID, ReviewerKnown: true,
		PackID: r.Pack.ID, PackVersion: r.Pack.Version, CalendarVersion: r.Calendar.Version, Limit: r.Pack.Verification,
	}}}
	for _, e := range then {
		events = append(events, casework.Event{Seq: len(events) + 1, At: day(t, e.day).At(10, 0), Body: e.body})
	}
	state, err := casework.Fold(events)
	require.NoError(t, err)
	deadline, _ := state.Deadline(r)
	_, err = b.store.RecordEvents(t.Context(), contract.RecordEventsInput{
		Number: c.Number, Key: "lives", Events: events, State: state, Deadline: deadline.At, Tasks: casework.Tasks(state, r),
	}, "test")
	require.NoError(t, err)
}

// withHoliday is the list of holidays with one more, on Thursday 2026-09-24.
func withHoliday(t *testing.T) []byte {
	t.Helper()
	kept, err := os.ReadFile(filepath.Join("..", "..", "reference", "holidays-cn.csv"))
	require.NoError(t, err)
	with := bytes.Replace(kept, []byte("2026-09-25,"), []byte("2026-09-24,holiday,假日\n2026-09-25,"), 1)
	require.NotEqual(t, kept, with)
	return with
}

// moved is a move in short.
type moved struct {
	number, now, then string
	days              int
}

func inShort(s commands.Simulated) []moved {
	var all []moved
	for _, m := range s.Moves {
		all = append(all, moved{m.Case.Number, m.Before.LastDay.String(), m.After.LastDay.String(), m.Days})
	}
	return all
}

// world is a set of cases around the National Day of 2026 whose dates were
// counted by hand: 09-20 is a make-up Sunday, 09-25 to 09-27 are holidays, and so
// are 10-01 to 10-07. In February, 02-14 is a make-up Saturday, and 02-15 to
// 02-23 are holidays.
type world struct {
	bundle

	rectified, paused, verifying, slipping, even, elsewhere store.Case
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{bundle: setup(t)}
	here := w.casesIn(t, zhanhe, true, 6)
	henan := w.rules(t, rules.DefaultID)
	verified := casework.Verified{Outcome: casework.OutcomeComplex, Limit: henan.Pack.Rectification}

	w.rectified, w.paused, w.verifying, w.slipping, w.even = here[0], here[1], here[2], here[3], here[4]
	w.elsewhere = w.casesIn(t, zhanhe, false, 1)[0]
	w.lives(t, w.rectified, henan, "2026-09-16", at{"2026-09-18", verified})
	w.lives(t, w.paused, henan, "2026-09-16", at{"2026-09-18", verified}, at{"2026-09-21", casework.Paused{Category: casework.PauseOther}})
	w.lives(t, w.verifying, henan, "2026-09-18")
	w.lives(t, w.slipping, henan, "2026-09-22")
	w.lives(t, w.even, henan, "2026-09-21")
	w.lives(t, w.elsewhere, henan, "2026-02-13")
	w.lives(t, here[5], henan, "2026-09-18", at{"2026-09-19", casework.Withdrawn{}})
	return w
}

// simulate counts all cases by a proposal, at ten in the morning of a day. The
// calendar may be a file.
func (b bundle) simulate(t *testing.T, now string, p commands.Proposal, calendar []byte) commands.Simulated {
	t.Helper()
	sim := commands.Simulator{Store: b.store, Now: func() time.Time { return day(t, now).At(10, 0) }}
	proposed, err := sim.Rules(t.Context(), p)
	require.NoError(t, err)
	if calendar != nil {
		proposed.Calendar = read(t, calendar)
	}
	simulated, err := sim.Simulate(t.Context(), store.Scope{Everything: true}, proposed)
	require.NoError(t, err)
	return simulated
}

func read(t *testing.T, file []byte) casework.Calendar {
	t.Helper()
	calendar, err := reference.ReadCalendar(file)
	require.NoError(t, err)
	return calendar
}

func TestSimulationInDatedExamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const now = "2026-09-26"
	s := w.simulate(t, now, commands.Proposal{PackID: "working-days-5"}, nil)
	expected := []moved{
		{w.rectified.Number, "2026-10-03", "2026-09-24", -9}, // 15 natural days; 20, 21, 22, 23, 24
		{w.paused.Number, "2026-10-03", "2026-09-24", -9},
		{w.elsewhere.Number, "2026-02-16", "2026-02-25", 9}, // 3 natural days; 14, 24, 25
		{w.slipping.Number, "2026-09-25", "2026-09-28", 3},  // 23, 24, 28
		{w.verifying.Number, "2026-09-21", "2026-09-22", 1}, // 20, 21, 22
	}
	require.Equal(t, expected, inShort(s), "the largest first")
	require.Equal(t, casework.Simulation{
		Looked: 6, Later: 3, Earlier: 2, Unmoved: 1, LargestLater: 9, LargestEarlier: 9, NewlyLate: 1, NotLate: 1, Paused: 1,
	}, s.Summary)
	require.Equal(t, 6, s.Open, "the others have not begun, or have ended")

	// One more holiday, on the 24th.
	s = w.simulate(t, now, commands.Proposal{PackID: "working-days-5"}, withHoliday(t))
	require.ElementsMatch(t, []moved{
		{w.rectified.Number, "2026-10-03", "2026-09-28", -5},
		{w.paused.Number, "2026-10-03", "2026-09-28", -5},
		{w.elsewhere.Number, "2026-02-16", "2026-02-25", 9},
		{w.slipping.Number, "2026-09-25", "2026-09-29", 4},
		{w.even.Number, "2026-09-24", "2026-09-28", 4},
		{w.verifying.Number, "2026-09-21", "2026-09-22", 1},
	}, inShort(s))
	require.Zero(t, s.Summary.NewlyLate)

	for _, p := range []commands.Proposal{{PackID: rules.DefaultID}, {Draft: packFile(t, rules.DefaultID)}} {
		s = w.simulate(t, now, p, nil)
		require.Empty(t, s.Moves, "the pack that all of them have")
		require.Equal(t, casework.Simulation{Looked: 6, Unmoved: 6, Paused: 1}, s.Summary)
	}
}

func packFile(t *testing.T, id string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "policies", "rules", id+".yaml"))
	require.NoError(t, err)
	return data
}

func TestPublishCalendar(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := b.casesIn(t, zhanhe, true, 3)
	five, henan := b.rules(t, "working-days-5"), b.rules(t, rules.DefaultID)
	b.lives(t, cases[0], five, "2026-09-18")
	late := casework.BecameOverdue{Clock: casework.ClockVerification, Deadline: day(t, "2026-09-21").End()}
	b.lives(t, cases[1], five, "2026-09-17", at{"2026-09-23", late})
	b.lives(t, cases[2], henan, "2026-09-18")

	publisher, file := commands.CalendarPublisher{Store: b.store}, withHoliday(t)
	published, err := publisher.Publish(t.Context(), read(t, file))
	require.NoError(t, err)
	require.True(t, published.Fresh)
	require.Equal(t, published.Version, published.InForce)
	require.Equal(t, 1, published.ToRecount, "not the late one, and not the one that asks no calendar")
	again, err := publisher.Publish(t.Context(), read(t, file))
	require.NoError(t, err)
	require.False(t, again.Fresh)
	calendars, err := b.store.PublishedCalendars(t.Context())
	require.NoError(t, err)
	require.Len(t, calendars, 2)
	require.Equal(t, published.Version, calendars[0].Version)
	require.Equal(t, "2026-12-31", calendars[0].PublishedThrough.String())
	require.Equal(t, [2]int{0, 2}, [2]int{calendars[0].Cases, calendars[1].Cases})

	shorter, _, found := bytes.Cut(file, []byte("2026-01-01"))
	require.True(t, found)
	_, err = publisher.Publish(t.Context(), read(t, shorter))
	domain, ok := casework.AsError(err)
	require.True(t, ok)
	require.Equal(t, "calendar_ends_earlier", domain.Reason)
}
