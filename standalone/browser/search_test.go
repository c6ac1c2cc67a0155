package browser_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/standalone/testworld"
)

// TestNoNumberOfAPersonGetsIntoAnAddress: the browser itself stops a phone or an
// identity number that is typed into a search, and the numbers of cases pass.
//
//nolint:paralleltest // a world of its own: one at a time
func TestNoNumberOfAPersonGetsIntoAnAddress(t *testing.T) {
	w := testworld.New(t)
	p := signIn(t, chromium(t), w, "zhanhe.ziran.chen")
	for _, place := range []struct{ path, field string }{{"/tasks", "list-search"}, {"/tasks", "find"}, {"/filter?list=cases", "filter-q"}} {
		p.open(place.path)
		passes := func(words string) bool {
			return script[bool](p, `(() => { const f = document.getElementById("`+place.field+`"); f.value = "`+words+`"; return f.checkValidity(); })()`)
		}
		for _, number := range []string{
			"12000000001", "电话12000000001", "120 0000 0001", "120-0000-0001", "１２００００００００１", "990000198001010011", "99000019800101001X",
			"990000-19800101-001X", "0375-1234567",
		} {
			require.False(t, passes(number), "%s: %s", place.field, number)
		}
		for _, words := range []string{"", "不动产 登记", "410411-20261125-000001", " 410411-20261125-000001 ", "410411-20261125", "2026-11-25", "000001"} {
			require.True(t, passes(words), "%s: %s", place.field, words)
		}
		require.NotEmpty(t, script[string](p, `document.getElementById("`+place.field+`").title`), "what to do instead")
	}
}
