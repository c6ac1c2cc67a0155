package commands_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/store"
)

// TestAHintIsPutAwayForGoodAndForOneself: twice is once, and nobody else's are touched.
func TestAHintIsPutAwayForGoodAndForOneself(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	fu, chen := d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.ziran.chen")
	for range 2 {
		require.NoError(t, d.service.PutHintAway(t.Context(), fu, store.HintCase))
	}
	require.Equal(t, "unknown_hint", reasonOf(t, d.service.PutHintAway(t.Context(), fu, "everything")))
	seen, err := d.service.SeenHints(t.Context(), fu)
	require.NoError(t, err)
	require.Equal(t, []store.Hint{store.HintCase}, seen)
	seen, err = d.service.SeenHints(t.Context(), chen)
	require.NoError(t, err)
	require.Empty(t, seen)
	for _, hint := range store.Hints() {
		require.NoError(t, d.service.PutHintAway(t.Context(), chen, hint), "the table knows every hint")
	}
}
