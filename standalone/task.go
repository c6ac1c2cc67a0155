package main

import "context"

// task is a part of the product that runs until it is stopped.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // to be read after done
}

// startTask runs do. The end of ctx does not stop it, for the parts are
// stopped one after the other.
func startTask(ctx context.Context, do func(context.Context) error) *task {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t := &task{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = do(ctx)
	}()
	return t
}

// stop asks the part to end, waits, and answers how it ended.
func (t *task) stop() error {
	t.cancel()
	<-t.done
	return t.err
}
