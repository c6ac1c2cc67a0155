package engine

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	var all turns
	var group sync.WaitGroup
	inside := 0
	for range 50 {
		group.Go(func() {
			done, err := all.take(t.Context(), "one")
			if err != nil {
				t.Error(err)
				return
			}
			inside++ // the race detector would see two
			if inside != 1 {
				t.Errorf("%d at once", inside)
			}
			inside--
			done()
		})
	}
	group.Wait()
	require.Empty(t, all.cases, "nothing is left behind")

	done, err := all.take(t.Context(), "one")
	require.NoError(t, err)
	other, err := all.take(t.Context(), "another")
	require.NoError(t, err, "another case is another turn")
	other()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = all.take(ctx, "one")
	require.ErrorIs(t, err, context.Canceled)
	done()
	require.Empty(t, all.cases)
}
