package codebooks_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies/codebooks"
)

func TestAll(t *testing.T) {
	t.Parallel()

	books, err := codebooks.All()
	require.NoError(t, err)
	ids := make([]string, 0, len(books))
	sources := map[string]bool{}
	for _, b := range books {
		ids = append(ids, b.ID)
		sources[b.Source] = true
	}
	require.Equal(t, []string{"device", "gbt39046", "platform"}, ids)
	require.Len(t, sources, 3, "two sources that share a name would share natural keys")
}

// Which end of the scale is the good one is the costliest thing to get wrong.
func TestTheBestLevel(t *testing.T) {
	t.Parallel()

	for id, ends := range map[string][2]string{
		"platform": {"5", "1"},
		"gbt39046": {"1", "5"}, // A.8
		"device":   {"0", "4"},
	} {
		book, err := codebooks.Load(id)
		require.NoError(t, err)
		require.Len(t, book.Ratings, 5)
		require.Equal(t, casework.VerySatisfied, book.Ratings[ends[0]], id)
		require.Equal(t, casework.VeryDissatisfied, book.Ratings[ends[1]], id)
		require.Equal(t, casework.BasicallySatisfied, book.Ratings[map[string]string{"platform": "3", "gbt39046": "3", "device": "2"}[id]])
	}
}

func TestChannels(t *testing.T) {
	t.Parallel()

	platform, err := codebooks.Load("platform")
	require.NoError(t, err)
	order := []casework.Channel{
		casework.ChannelPC, casework.ChannelApp, casework.ChannelQRCode, casework.ChannelCounterDevice,
		casework.ChannelKiosk, casework.ChannelPhone, casework.ChannelSMS,
	}
	for i, channel := range order {
		require.Equal(t, channel, platform.Channels[string(rune('1'+i))])
	}

	// Table 9 of GB/T 39046 transmits names in the same order.
	standard, err := codebooks.Load("gbt39046")
	require.NoError(t, err)
	for i, name := range []string{"PC端", "移动服务端", "二维码", "政务大厅平板电脑", "政务大厅其他终端", "电话", "短信"} {
		require.Equal(t, order[i], standard.Channels[name])
		require.Equal(t, order[i], standard.Channels[string(rune('1'+i))])
	}
}

func TestLoadOfAnUnknownBook(t *testing.T) {
	t.Parallel()

	for _, id := range []string{"", "nobody", "../codebooks/device"} {
		_, err := codebooks.Load(id)
		refused, ok := casework.AsError(err)
		require.True(t, ok, id)
		require.Equal(t, casework.CodeNotFound, refused.Code)
	}
}
