package live_test

import (
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/internal/live"
	"guiling/internal/store"
)

// within lets somebody know of the cases of one department.
func within(department int64) live.Filter {
	return func(c store.CaseChange) (live.Event, bool) {
		here := c.DepartmentID == department || c.Was != nil && c.Was.DepartmentID == department
		return live.Event{Number: c.Number, Version: c.Version}, here
	}
}

func change(number string, version int, department int64) *store.CaseChange {
	return &store.CaseChange{Number: number, Version: version, CasePlace: store.CasePlace{DepartmentID: department}}
}

func join(t require.TestingT, h *live.Hub, user int64, filter live.Filter) *live.Stream {
	s, err := h.Join(user, filter)
	require.NoError(t, err)
	return s
}

// openStreams reads the gauge.
func openStreams(t *testing.T) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "guiling_live_streams" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Fail(t, "no gauge")
	return 0
}

// TestWhoMayHaveHowMany is not parallel: it reads the gauge of the process.
func TestWhoMayHaveHowMany(t *testing.T) {
	before := openStreams(t)
	h := live.NewHub()
	h.PerPerson, h.Total = 2, 3
	first := join(t, h, 1, within(7))
	join(t, h, 1, within(7))
	tooMany := func(user int64) {
		t.Helper()
		_, err := h.Join(user, within(7))
		domain, ok := casework.AsError(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, casework.CodeTooMany, domain.Code)
	}
	tooMany(1)
	other := join(t, h, 2, within(7))
	tooMany(3)
	require.InDelta(t, before+3, openStreams(t), 0)
	first.Leave()
	first.Leave()
	require.InDelta(t, before+2, openStreams(t), 0, "left once")
	join(t, h, 1, within(7))

	h.Close()
	require.True(t, other.Take().Ended)
	require.Len(t, other.Wake(), 1)
	other.Leave()
	tooMany(2)
}

func TestASlowReaderIsToldToReadAnew(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	h.Pending = 3
	slow, quick := join(t, h, 1, within(7)), join(t, h, 2, within(7))
	for i, number := range []string{"a", "b", "c", "d", "e"} {
		h.Tell(change(number, i, 7))
		require.Equal(t, []live.Event{{Number: number, Version: i}}, quick.Take().Events)
	}
	require.Equal(t, live.Taken{Resync: true}, slow.Take(), "one word in place of a queue")
	h.Tell(change("f", 9, 7))
	require.Equal(t, live.Taken{Events: []live.Event{{Number: "f", Version: 9}}}, slow.Take(), "and then it goes on")
}

func TestANewerWordStandsForTheOlder(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	s := join(t, h, 1, func(c store.CaseChange) (live.Event, bool) {
		return live.Event{Number: c.Number, Version: c.Version, Mine: c.HandlerID == 1, Inbox: c.Version == 1}, true
	})
	mine := change("a", 1, 7)
	mine.HandlerID = 1
	h.Tell(mine)
	h.Tell(change("b", 4, 7))
	h.Tell(change("a", 2, 7))
	require.Equal(t, []live.Event{{Number: "b", Version: 4}, {Number: "a", Version: 2, Mine: true, Inbox: true}}, s.Take().Events,
		"what was mine a moment ago still concerns me")
}

// TestNobodyHearsOfWhatIsElsewhere: whatever happens in whatever order, a reader is
// told of a change or told to read anew if, and only if, the filter of that moment
// lets them know of it, and never of anything else.
func TestNobodyHearsOfWhatIsElsewhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := live.NewHub()
		h.Pending = rapid.IntRange(1, 6).Draw(t, "pending")
		h.PerPerson = 100
		type reader struct {
			*live.Stream

			department int64
			owed       map[string]int // the newest version of each case that they have to hear of
		}
		department := rapid.Int64Range(1, 3)
		var readers []*reader
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				if len(readers) == 8 {
					t.Skip("enough")
				}
				d := department.Draw(t, "department")
				readers = append(readers, &reader{Stream: join(t, h, 1, within(d)), department: d, owed: map[string]int{}})
			},
			"tell": func(t *rapid.T) {
				c := change(rapid.StringMatching("[a-d]").Draw(t, "number"), rapid.IntRange(1, 9).Draw(t, "version"), department.Draw(t, "to"))
				if rapid.Bool().Draw(t, "moves") {
					c.Was = &store.CasePlace{DepartmentID: department.Draw(t, "from")}
				}
				h.Tell(c)
				for _, r := range readers {
					if r.department == c.DepartmentID || c.Was != nil && c.Was.DepartmentID == r.department {
						r.owed[c.Number] = c.Version
					}
				}
			},
			"resync": func(*rapid.T) { h.Tell(nil) },
			"narrow": func(t *rapid.T) {
				if len(readers) == 0 {
					t.Skip("nobody")
				}
				r := rapid.SampledFrom(readers).Draw(t, "reader")
				r.department = department.Draw(t, "department")
				r.Narrow(within(r.department))
			},
			"take": func(t *rapid.T) {
				if len(readers) == 0 {
					t.Skip("nobody")
				}
				r := rapid.SampledFrom(readers).Draw(t, "reader")
				taken := r.Take()
				require.LessOrEqual(t, len(taken.Events), h.Pending)
				heard := map[string]int{}
				for _, e := range taken.Events {
					heard[e.Number] = e.Version
				}
				if taken.Resync {
					require.Empty(t, heard)
				} else {
					require.Equal(t, r.owed, heard)
				}
				clear(r.owed)
			},
		})
	})
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	h.PerPerson = 1000
	var all sync.WaitGroup
	for reader := range int64(20) {
		all.Go(func() {
			for range 50 {
				s, err := h.Join(reader, within(reader%3))
				if err != nil {
					return
				}
				<-s.Wake()
				s.Narrow(within(1))
				s.Take()
				s.Leave()
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for i := range 3000 {
				h.Tell(change("a", i, int64(i%3)))
				h.Tell(nil)
			}
			h.Close()
		})
	}
	all.Wait()
	_, err := h.Join(1, within(1))
	require.Error(t, err)
}
