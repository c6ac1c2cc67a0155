package casework_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// Every text that a command takes is masked, or is no free text: a new field
// cannot be forgotten.
func TestMaskCommandKnowsEveryText(t *testing.T) {
	t.Parallel()
	codes := map[string]bool{
		"into": true, "cause": true, "ground": true, "channel": true, "answer": true, "category": true, "method": true, "verify.outcome": true,
		"attachment_id": true, "sha256": true, "media_type": true,
	}
	phone := "请打12000007919"
	for _, action := range casework.Actions() {
		for _, f := range casework.CommandFields(action) {
			if f.Kind != "string" || codes[f.Name] || codes[string(action)+"."+f.Name] {
				continue
			}
			command, err := casework.DecodeCommand(action, []byte(`{"`+f.Name+`": "`+phone+`"}`))
			if command == nil {
				require.NoError(t, err)
			}
			require.NotContains(t, fields(t, casework.MaskCommand(command)), "12000007919", "%s.%s", action, f.Name)
		}
	}
}

func TestMaskBodyLeavesCodesAlone(t *testing.T) {
	t.Parallel()
	opened := casework.Opened{RegionCode: "410411000000", MatterCode: "410100101001"}
	require.Equal(t, opened, casework.MaskBody(opened))
	require.Equal(t, casework.CallbackRecorded{Words: "打120****7919"}, casework.MaskBody(casework.CallbackRecorded{Words: "打12000007919"}))
	require.Equal(t, casework.Merge{Into: "410411-20261102-000011"}, casework.MaskCommand(casework.Merge{Into: "410411-20261102-000011"}))
}

func fields(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}
