package notify_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/notify"
)

func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	sender := notify.LogSender{Log: slog.New(slog.NewTextHandler(&log, nil))}
	require.NoError(t, sender.Send(t.Context(), notify.Message{
		Key: "k", To: notify.Reviewer, CaseNumber: "410411-20261102-000017", Seq: 6, Event: casework.FeedbackSent{}.Kind(), Looks: 2,
	}))
	require.Contains(t, log.String(), "您的联系方式因办理本案被查看 2 次。", "the reviewer is told how often")
	log.Reset()
	require.NoError(t, sender.Send(t.Context(), notify.Message{
		Key: "k", To: notify.Auditors, CaseNumber: "410411-20261102-000017", Alarm: "many-cases", UserID: 7, OrganisationID: 3, Cases: 16,
	}))
	require.Contains(t, log.String(), "alarm=many-cases user_id=7 organisation_id=3 cases=16")
	require.Empty(t, notify.Message{To: notify.Staff, Looks: 2}.Disclosure(), "nobody else is told so")
}
