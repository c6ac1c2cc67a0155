package casework_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// TestStageTableIsComplete asks for a cell for every action at every stage. That
// every reason has its words in both languages, a test of the pages asks.
func TestStageTableIsComplete(t *testing.T) {
	t.Parallel()
	for _, action := range casework.Actions() {
		somewhere := false
		for _, stage := range casework.Stages() {
			possible, why := casework.Possible(stage, action)
			somewhere = somewhere || possible
			require.Equal(t, possible, why == "", "%s at %s", action, stage)
			require.NotEqual(t, "unknown_action", why, "%s has no row", action)
		}
		require.True(t, somewhere, "%s is possible nowhere", action)
	}
	possible, why := casework.Possible(casework.StageVerification, "delete")
	require.False(t, possible)
	require.Equal(t, "unknown_action", why)
	possible, _ = casework.Possible("nowhere", casework.ActionClaim)
	require.False(t, possible)
}

// TestWhatTheStageTableSays holds the table against the life of a case as the
// regulation and the product tell it, said a second time on purpose.
func TestWhatTheStageTableSays(t *testing.T) {
	t.Parallel()
	at := func(stage casework.Stage, action casework.Action) string {
		_, why := casework.Possible(stage, action)
		return why
	}
	for _, stage := range casework.Stages() {
		for _, action := range casework.Actions() {
			why := at(stage, action)
			switch {
			case stage == casework.StageOpened:
				require.Equal(t, "not_started_yet", why, action)
			case stage.Ended() && (action != casework.ActionRecordAnswer || stage != casework.StageArchived):
				require.Equal(t, "case_ended", why, "%s at %s", action, stage)
			case stage.Closed() && action != casework.ActionRecordAnswer && action != casework.ActionRecordSpotCheck:
				require.Equal(t, "case_closed", why, "%s at %s", action, stage)
			}
		}
	}
	for _, c := range []struct {
		stage  casework.Stage
		action casework.Action
		why    string
	}{
		{casework.StageVerification, casework.ActionSubmitRectification, "not_verified_yet"},
		{casework.StageVerification, casework.ActionSendFeedback, "not_verified_yet"},
		{casework.StageVerification, casework.ActionDecideInvalid, "nothing_proposed"},
		{casework.StageInvalidation, casework.ActionVerify, "invalidation_pending"},
		{casework.StageInvalidation, casework.ActionPause, "invalidation_pending"},
		{casework.StageInvalidation, casework.ActionDecideInvalid, ""},
		{casework.StageInvalidation, casework.ActionAttachFile, ""},
		{casework.StageSpotCheck, casework.ActionAttachFile, "case_closed"},
		{casework.StageExplanation, casework.ActionSubmitRectification, "only_explained"},
		{casework.StageExplanation, casework.ActionRequestExtension, "only_explained"},
		{casework.StageExplanation, casework.ActionSendFeedback, ""},
		{casework.StageRectification, casework.ActionVerify, "already_verified"},
		{casework.StageRectification, casework.ActionProposeInvalid, "already_verified"},
		{casework.StageRectification, casework.ActionSendFeedback, "not_rectified_yet"},
		{casework.StageRectification, casework.ActionRecordAnswer, "feedback_not_sent"},
		{casework.StageFeedback, casework.ActionSubmitRectification, "already_rectified"},
		{casework.StageFeedback, casework.ActionPause, "no_clock_of_ours"},
		{casework.StageFeedback, casework.ActionRecordSpotCheck, "not_selected"},
		{casework.StageClosed, casework.ActionRecordSpotCheck, "not_selected"},
		{casework.StageSpotCheck, casework.ActionRecordSpotCheck, ""},
		{casework.StageSpotCheck, casework.ActionRecordAnswer, ""},
		{casework.StageArchived, casework.ActionRecordAnswer, ""},
	} {
		require.Equal(t, c.why, at(c.stage, c.action), "%s at %s", c.action, c.stage)
	}
}
