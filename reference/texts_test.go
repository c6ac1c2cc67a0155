package reference_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/reference"
)

// TestTexts: what ships is right, fills in without a gap in a case that knows
// everything, and there is something for the phone and for every answer to a citizen.
func TestTexts(t *testing.T) {
	t.Parallel()
	texts, err := reference.Texts()
	require.NoError(t, err)
	kinds := map[casework.TextKind]int{}
	for _, text := range texts {
		kinds[text.Kind]++
		require.Regexp(t, `^第[一二三四五六七八九十]+条$`, text.Article, text.Key)
		require.NotContains(t, text.Body, "！", text.Key)
		filled, missing := casework.FillText(text.Body, casework.SampleTextFacts())
		require.Empty(t, missing, text.Key)
		require.NotContains(t, filled, "【", text.Key)
	}
	for _, kind := range []casework.TextKind{
		casework.TextCallbackScript, casework.TextFindings, casework.TextRectification, casework.TextExplanation,
		casework.TextFeedback, casework.TextExtensionRequest, casework.TextExtensionDecision,
	} {
		require.NotZero(t, kinds[kind], kind)
	}
}
