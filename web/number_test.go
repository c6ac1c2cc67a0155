package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/web"
)

func TestNumbersHaveCommasBetweenTheirThousands(t *testing.T) {
	t.Parallel()
	for _, said := range []struct {
		tag   string
		count int
		words string
	}{{"zh-CN", 1234, "已超 1,234 天"}, {"en", 1234, "1,234 days over"}, {"en", 1, "1 day over"}, {"en", 1001, "1,001 days over"}} {
		words, err := web.Say(said.tag, "due.over", "Count", said.count)
		require.NoError(t, err)
		require.Equal(t, said.words, words)
	}
}

func TestCountsOnPagesHaveCommas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 1001 {
		b.office.open(number(10*(i+1)), 0, nil)
	}
	b.signIn(chen)
	var counts []string
	for _, count := range b.get("/tasks?view=all").all("span", "class", "g-count") {
		counts = append(counts, words(count))
	}
	require.Contains(t, counts, "1,001")
}
