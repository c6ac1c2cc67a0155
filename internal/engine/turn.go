package engine

import (
	"context"
	"sync"
)

// turns lets those who want something of one case do so one after the other. Its
// workflow takes them one by one anyhow, and a server that has more than ten
// requests of one workflow under way refuses the next and throws others back: a
// crowd before one case would wait for ever.
type turns struct {
	mu    sync.Mutex
	cases map[string]*turn
}

type turn struct {
	free    chan struct{} // holds one token while nobody has the turn
	waiting int
}

// take waits for the turn at a case. Call done afterwards.
func (t *turns) take(ctx context.Context, number string) (done func(), err error) {
	t.mu.Lock()
	if t.cases == nil {
		t.cases = map[string]*turn{}
	}
	mine, ok := t.cases[number]
	if !ok {
		mine = &turn{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		t.cases[number] = mine
	}
	mine.waiting++
	t.mu.Unlock()

	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.waiting--; mine.waiting == 0 {
			delete(t.cases, number)
		}
	}
	select {
	case <-mine.free:
		return func() { mine.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
