package attachments_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/attachments"
	"guiling/internal/casework"
)

// TestGate: a person sends a few files at once, all together not very many, and who
// has left makes room.
func TestGate(t *testing.T) {
	t.Parallel()
	var gate attachments.Gate
	refused := func(person int64) {
		t.Helper()
		_, err := gate.Enter(person)
		domain, ok := casework.AsError(err)
		require.True(t, ok)
		require.Equal(t, casework.CodeTooMany, domain.Code)
	}
	var leaves []func()
	for person := range int64(8) {
		for range 4 {
			leave, err := gate.Enter(person)
			require.NoError(t, err)
			leaves = append(leaves, leave)
		}
	}
	refused(0)
	refused(99)
	leaves[0]()
	leave, err := gate.Enter(99)
	require.NoError(t, err)
	leave()
	leave, err = gate.Enter(0)
	require.NoError(t, err)
	refused(0)
	leave()
	for _, leave := range leaves[1:] {
		leave()
	}
	for range 4 {
		_, err := gate.Enter(0)
		require.NoError(t, err)
	}
	refused(0)
}
