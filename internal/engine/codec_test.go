package engine_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"pgregory.net/rapid"

	"guiling/internal/engine"
	"guiling/internal/sealing"
)

func newCodec(t *testing.T) engine.Codec {
	t.Helper()
	sealer, err := sealing.Open(filepath.Join(t.TempDir(), "key.json"), true)
	require.NoError(t, err)
	return engine.NewCodec(sealer)
}

func payload(t *testing.T, value any) *commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(value)
	require.NoError(t, err)
	return p
}

func TestWhatIsSealedOpensAndShowsNothing(t *testing.T) {
	t.Parallel()
	codec := newCodec(t)
	words := "群众说窗口态度生硬"
	clear := []*commonpb.Payload{payload(t, words), payload(t, nil), {}}
	sealed, err := codec.Encode(clear)
	require.NoError(t, err)
	for _, p := range sealed {
		require.Equal(t, map[string][]byte{"encoding": []byte("binary/guiling-sealed")}, p.GetMetadata())
		require.NotContains(t, p.String(), words)
		require.NotContains(t, string(p.GetData()), words)
	}
	again, err := codec.Encode(sealed)
	require.NoError(t, err)
	require.Equal(t, sealed, again, "what is sealed is not sealed twice")
	opened, err := codec.Decode(sealed)
	require.NoError(t, err)
	for i := range clear {
		require.Equal(t, clear[i].String(), opened[i].String())
	}
}

// TestHistoriesFromBeforeGoOn: what was kept in clear stays readable.
func TestHistoriesFromBeforeGoOn(t *testing.T) {
	t.Parallel()
	clear := []*commonpb.Payload{payload(t, "旧")}
	opened, err := newCodec(t).Decode(clear)
	require.NoError(t, err)
	require.Equal(t, clear, opened)
}

func TestWhatWasTouchedDoesNotOpen(t *testing.T) {
	t.Parallel()
	codec, stranger := newCodec(t), newCodec(t)
	sealed, err := codec.Encode([]*commonpb.Payload{payload(t, "办理意见")})
	require.NoError(t, err)
	_, err = stranger.Decode(sealed)
	require.Error(t, err, "another key")
	rapid.Check(t, func(t *rapid.T) {
		data := append([]byte(nil), sealed[0].GetData()...)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			i := rapid.IntRange(0, len(data)-1).Draw(t, "byte")
			data[i] ^= rapid.ByteRange(1, 255).Draw(t, "change")
		case 1:
			data = data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]
		default:
			data = rapid.SliceOf(rapid.Byte()).Draw(t, "anything")
		}
		_, err := codec.Decode([]*commonpb.Payload{{Metadata: sealed[0].GetMetadata(), Data: data}})
		if err == nil {
			t.Fatalf("opened %d bytes", len(data))
		}
	})
}

// TestWordsOfFailuresAreSealed: messages and stacks of errors stand beside the
// payloads, not in them.
func TestWordsOfFailuresAreSealed(t *testing.T) {
	t.Parallel()
	codec := newCodec(t)
	_, failures := codec.Converters()
	words := "无法记录：赵某甲"
	failure := failures.ErrorToFailure(temporal.NewApplicationErrorWithCause(words, "kind", errors.New(words), words))
	require.NotContains(t, failure.String(), words)
	back := failures.FailureToError(failure)
	require.Contains(t, back.Error(), words)
}

func TestNoEngineWithoutACipher(t *testing.T) {
	t.Parallel()
	_, err := engine.Dial(engine.Options{Address: "127.0.0.1:1", Namespace: "n"})
	require.ErrorContains(t, err, "no cipher")
}
