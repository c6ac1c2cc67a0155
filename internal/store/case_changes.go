package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/lib/pq"
)

// caseChannel is where the database says that a case has changed; the triggers of
// the tables do.
const caseChannel = "guiling_cases"

// CaseChange says that something about a case is otherwise than before. It holds
// nothing of what is in the case.
type CaseChange struct {
	Number  string `json:"number"`
	Version int    `json:"version"`
	CasePlace

	// Organisations have tasks of the case, or had one until this change.
	Organisations []int64 `json:"organisations"`
	// Was is where the case lay before; nil when it lies there still.
	Was *CasePlace `json:"was"`
}

// CasePlace is where a case lies and who has it.
type CasePlace struct {
	RegionPath   []string `json:"path"`
	DepartmentID int64    `json:"department"`
	HandlerID    int64    `json:"handler"` // 0: nobody
}

// Holds reports whether what lies there is in scope, as the lists are filtered by it.
func (sc Scope) Holds(place CasePlace) bool {
	return sc.Everything || slices.Contains(place.RegionPath, sc.RegionCode) && (sc.DepartmentID == 0 || sc.DepartmentID == place.DepartmentID)
}

// FollowCases tells of every change of a case until ctx is done, in the order in
// which they were committed. nil says that changes may have been missed: after the
// start, and after every time the connection was away.
func (s *Store) FollowCases(ctx context.Context, tell func(*CaseChange)) {
	s.listen(ctx, caseChannel, func(said *pq.Notification) {
		var change CaseChange
		if said == nil || json.Unmarshal([]byte(said.Extra), &change) != nil || change.Number == "" {
			tell(nil)
			return
		}
		tell(&change)
	})
}

// listenPing is how often a connection that only listens is asked whether it is
// still there: one that was cut without a word would be silent for ever.
const listenPing = 30 * time.Second

// listen hears, until ctx is done, what is said on a channel of the database; nil
// when it listens from now on, and something may have been missed before.
func (s *Store) listen(ctx context.Context, channel string, heard func(*pq.Notification)) {
	listener := pq.NewListener(s.dsn, 100*time.Millisecond, 5*time.Second, nil)
	defer func() { _ = listener.Close() }()
	listens := make(chan struct{})
	// Listen gives an error only for a channel that is heard already; a server that
	// is away is tried again.
	go func() {
		_ = listener.Listen(channel)
		close(listens)
	}()
	go func() {
		ping := time.NewTicker(listenPing) //nolint:forbidigo // a pause between looks, no deadline of a case
		defer ping.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ping.C:
				_ = listener.Ping() // who fails is connected anew
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-listens:
			listens = nil
			heard(nil)
		case said := <-listener.Notify: // nil after a reconnect
			heard(said)
		}
	}
}
