package attachments

import (
	"sync"

	"guiling/internal/casework"
)

// Gate bounds how many files are being received: each is in memory from its first
// byte on. The zero value is open.
type Gate struct {
	mu    sync.Mutex
	total int
	of    map[int64]int // by person
}

// How many files one process receives at once, of one person and in all.
const (
	receivedOfOne = 4
	receivedInAll = 32
)

// Enter lets a person send a file; leave must be called when it was taken or refused.
// One too many is CodeTooMany, before anything of it is read.
func (g *Gate) Enter(person int64) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= receivedInAll || g.of[person] >= receivedOfOne {
		return nil, &casework.Error{Code: casework.CodeTooMany, Reason: "uploads_busy", Detail: "too many files are being received"}
	}
	if g.of == nil {
		g.of = map[int64]int{}
	}
	g.total++
	g.of[person]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.total--
		if g.of[person]--; g.of[person] == 0 {
			delete(g.of, person)
		}
	}, nil
}
