// Package live carries what changes about cases to the people who look at them just
// now. It promises nothing but that somebody who was told nothing has missed
// nothing: whoever is too slow, or was away, is told to read anew.
package live

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"guiling/internal/casework"
	"guiling/internal/store"
)

var streamsOpen = promauto.NewGauge(prometheus.GaugeOpts{
	Name: "guiling_live_streams",
	Help: "Streams of changes that are open in this process.",
})

var resyncs = promauto.NewCounter(prometheus.CounterOpts{
	Name: "guiling_live_resyncs_total",
	Help: "How often a stream was told to read anew, because it was too slow or the database was away.",
})

// Event is a change as one person may know of it.
type Event struct {
	Number  string `json:"number"`
	Version int    `json:"version"`
	// Mine: the person has the case, or had it until this change.
	Mine bool `json:"mine"`
	// Inbox: it concerns the tasks of the person's organisation.
	Inbox bool `json:"inbox"`
}

// Filter says what of a change somebody may know; false: nothing.
type Filter func(store.CaseChange) (Event, bool)

// Hub hands changes to streams. Its fields are set before it is used.
type Hub struct {
	PerPerson int // streams of one person at once
	Total     int // streams in all
	Pending   int // events that wait for a slow reader, before it is told to read anew
	// Heartbeat is the longest silence on a stream; Recheck is how long a right that
	// was lost may still be used.
	Heartbeat, Recheck time.Duration

	mu      sync.Mutex
	streams map[*Stream]int64 // whose they are
	closed  bool
}

// NewHub makes a hub with the limits of the product.
func NewHub() *Hub {
	return &Hub{
		PerPerson: 5, Total: 2000, Pending: 64, Heartbeat: 20 * time.Second, Recheck: 30 * time.Second,
		streams: map[*Stream]int64{},
	}
}

// Join opens a stream for a person. More than allowed is CodeTooMany, and so is a
// hub that is closed. Leave must be called.
func (h *Hub) Join(userID int64, filter Filter) (*Stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := 0
	for _, of := range h.streams {
		if of == userID {
			own++
		}
	}
	if h.closed || own >= h.PerPerson || len(h.streams) >= h.Total {
		return nil, &casework.Error{Code: casework.CodeTooMany, Reason: "too_many", Detail: "there are too many streams"}
	}
	s := &Stream{hub: h, filter: filter, wake: make(chan struct{}, 1)}
	h.streams[s] = userID
	streamsOpen.Inc()
	return s, nil
}

// Tell hands a change to everybody who may know of it. nil tells everybody to read
// anew. It never waits for a reader.
func (h *Hub) Tell(change *store.CaseChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		s.tell(change, h.Pending)
	}
}

// Close ends all streams, and lets nobody open another.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.streams {
		s.end()
	}
}

// Stream is what one reader still has to be told.
type Stream struct {
	hub  *Hub
	wake chan struct{}

	mu      sync.Mutex
	filter  Filter
	pending []Event
	resync  bool
	ended   bool
}

// Taken is what was waiting in a stream. With Resync, whatever is shown is to be
// read anew; nothing comes after Ended.
type Taken struct {
	Events        []Event
	Resync, Ended bool
}

// Wake gives a signal when there is something to take.
func (s *Stream) Wake() <-chan struct{} { return s.wake }

// Take gives what is waiting.
func (s *Stream) Take() Taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := Taken{Events: s.pending, Resync: s.resync, Ended: s.ended}
	s.pending, s.resync = nil, false
	return taken
}

// Narrow puts another filter in force, for a person whose rights may have changed.
// What waits was allowed when it came, and is told.
func (s *Stream) Narrow(filter Filter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = filter
}

// Leave ends a stream. It may be called again.
func (s *Stream) Leave() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if _, open := s.hub.streams[s]; open {
		delete(s.hub.streams, s)
		streamsOpen.Dec()
	}
}

func (s *Stream) tell(change *store.CaseChange, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if change != nil {
		event, may := s.filter(*change)
		if !may || s.resync {
			return // who reads anew sees it
		}
		// A newer word about a case stands for the older one.
		if i := slices.IndexFunc(s.pending, func(e Event) bool { return e.Number == event.Number }); i >= 0 {
			event.Mine, event.Inbox = event.Mine || s.pending[i].Mine, event.Inbox || s.pending[i].Inbox
			s.pending = slices.Delete(s.pending, i, i+1)
		}
		s.pending = append(s.pending, event)
	}
	if change == nil || len(s.pending) > most {
		s.pending, s.resync = nil, true
		resyncs.Inc()
	}
	s.signal()
}

func (s *Stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.signal()
}

func (s *Stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
