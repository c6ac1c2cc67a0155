package casework_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

func TestOneCitizenInManyWritings(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]string{
		"12000007919": "12000007919", "+86 120-0000-7919": "12000007919", "008612000007919": "12000007919",
		"１２０００００７９１９": "12000007919", "0375-1234567": "03751234567", "123": "", "": "", "无": "",
	} {
		require.Equal(t, want, casework.NormalPhone(phone), "%q", phone)
	}
	for id, want := range map[string]string{
		// The example of GB 11643, in both forms.
		"11010519491231002X": "11010519491231002X", "11010519491231002x": "11010519491231002X",
		"110105491231002": "11010519491231002X", "110105 19491231 002ｘ": "11010519491231002X",
		"1101054912310": "", "X1010519491231002X": "", "": "",
	} {
		require.Equal(t, want, casework.NormalIDNumber(id), "%q", id)
	}
}
