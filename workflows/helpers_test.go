package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"guiling/workflows/contract"
)

func decodeInput(t *testing.T, again *workflow.ContinueAsNewError, into *contract.CaseInput) {
	t.Helper()
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, into))
}
