package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/workflows/contract"
)

func fileWith(number, id, name, content string) store.Attachment {
	sum := sha256.Sum256([]byte(content))
	return store.Attachment{
		ID: id, Number: number, Name: name, MediaType: "text/plain", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
	}
}

const (
	firstFile  = "5a0d0f5e-5c2b-8d56-9a55-000000000001"
	secondFile = "5a0d0f5e-5c2b-8d56-9a55-000000000002"
	plainWords = "回访录音文字稿：赵某甲本人确认"
)

// attached records the case's first step, with the event of a file after it.
func (b bundle) attached(step contract.RecordEventsInput, file store.Attachment) {
	b.t.Helper()
	_, err := b.RecordEvents(b.t.Context(), step, "test")
	require.NoError(b.t, err)
	e := casework.Event{Seq: step.State.Version + 1, At: now.Add(time.Hour), Body: casework.FileAttached{
		AttachmentID: file.ID, Name: file.Name, SHA256: file.SHA256, Size: file.Size, MediaType: file.MediaType,
	}}
	step.Key, step.Events = "attach/"+file.ID, []casework.Event{e}
	step.State, err = step.State.Apply(e)
	require.NoError(b.t, err)
	_, err = b.RecordEvents(b.t.Context(), step, "test")
	require.NoError(b.t, err)
}

func codeOf(t *testing.T, err error) (casework.Code, string) {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	return domain.Code, domain.Reason
}

func TestFilesAreKeptSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	file := fileWith(step.Number, firstFile, "说明.txt", plainWords)
	require.NoError(t, b.KeepAttachment(t.Context(), file, []byte(plainWords)))
	require.NoError(t, b.KeepAttachment(t.Context(), file, []byte(plainWords)), "the same again is the same file")
	require.Equal(t, 1, b.count(`SELECT count(*) FROM attachments`))
	require.Empty(t, testdb.Find(t, b.db.OwnerURL, []string{plainWords, "本人确认"}), "nothing is readable in any table")

	content, err := b.OpenAttachment(t.Context(), step.Number, firstFile)
	require.NoError(t, err)
	require.Equal(t, plainWords, string(content))
	files, err := b.AttachmentsOf(t.Context(), step.Number)
	require.NoError(t, err)
	require.Equal(t, []store.Attachment{file}, files)
	_, err = b.OpenAttachment(t.Context(), "410411-20990101-000001", firstFile)
	code, reason := codeOf(t, err)
	require.Equal(t, casework.CodeGone, code, "the file of another case")
	require.Equal(t, "attachment_lost", reason)

	// What is sealed belongs to its row.
	require.NoError(t, b.KeepAttachment(t.Context(), fileWith(step.Number, secondFile, "另一份.txt", "另一份"), []byte("另一份")))
	b.exec(`ALTER TABLE attachments DISABLE TRIGGER attachments_are_only_destroyed`)
	b.exec(`UPDATE attachments SET content = (SELECT content FROM attachments WHERE id = $1) WHERE id = $2`, firstFile, secondFile)
	_, err = b.OpenAttachment(t.Context(), step.Number, secondFile)
	require.ErrorContains(t, err, "unseal")

	// It can be found where it is not sealed.
	b.exec(`UPDATE attachments SET content = convert_to($1, 'UTF8')`, plainWords)
	require.NotEmpty(t, testdb.Find(t, b.db.OwnerURL, []string{plainWords}))
}

// TestAFileOfAnUnknownReviewer: a review without a data key gets one.
func TestAFileOfAnUnknownReviewer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.take(telling("T-9", "", "", "", "跑了四趟"))
	number := b.number("T-9")
	require.Zero(t, b.count(`SELECT count(*) FROM data_keys`))
	require.NoError(t, b.KeepAttachment(t.Context(), fileWith(number, firstFile, "说明.txt", plainWords), []byte(plainWords)))
	require.NoError(t, b.KeepAttachment(t.Context(), fileWith(number, secondFile, "另一份.txt", plainWords), []byte(plainWords)))
	require.Equal(t, 1, b.count(`SELECT count(*) FROM data_keys`))
	_, err := b.RotateKey(t.Context(), casework.By{})
	require.NoError(t, err)
	_, err = b.RewrapDataKeys(t.Context(), casework.By{}, nil)
	require.NoError(t, err)
	content, err := b.OpenAttachment(t.Context(), number, secondFile)
	require.NoError(t, err, "after a rotation as before")
	require.Equal(t, plainWords, string(content))

	// Of this case nothing but the file is to be destroyed.
	b.exec(`UPDATE cases SET stage = 'withdrawn', changed_at = $1`, now)
	b.exec(`UPDATE reviews SET created_at = $1`, now)
	n, err := b.Shred(t.Context(), casework.By{}, now.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n.Reviews)
	require.Zero(t, b.count(`SELECT count(*) FROM attachments WHERE content IS NOT NULL`))
	_, err = b.OpenAttachment(t.Context(), number, secondFile)
	_, reason := codeOf(t, err)
	require.Equal(t, "attachment_destroyed", reason)
}

func TestShreddingDestroysTheFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	file := fileWith(step.Number, firstFile, "说明.txt", plainWords)
	require.NoError(t, b.KeepAttachment(t.Context(), file, []byte(plainWords)))
	b.attached(step, file)
	var backup []byte
	require.NoError(t, b.owner().QueryRowContext(t.Context(), `SELECT content FROM attachments`).Scan(&backup))
	b.exec(`UPDATE cases SET stage = 'withdrawn', deadline_at = NULL, overdue_since = NULL WHERE number = $1`, step.Number)
	b.exec(`UPDATE reviews SET created_at = $1`, now)
	n, err := b.Shred(t.Context(), casework.By{}, now.Add(2*time.Hour), 1000)
	require.NoError(t, err)
	require.Positive(t, n.Reviews)

	files, err := b.AttachmentsOf(t.Context(), step.Number)
	require.NoError(t, err)
	require.True(t, files[0].Destroyed)
	require.Equal(t, file.SHA256, files[0].SHA256, "that it was there, and which it was, stays known")
	_, err = b.OpenAttachment(t.Context(), step.Number, firstFile)
	code, reason := codeOf(t, err)
	require.Equal(t, casework.CodeGone, code)
	require.Equal(t, "attachment_destroyed", reason)
	err = b.KeepAttachment(t.Context(), fileWith(step.Number, secondFile, "补充.txt", "a"), []byte("a"))
	code, _ = codeOf(t, err)
	require.Equal(t, casework.CodeGone, code, "nothing new comes to what was destroyed")

	// A copy of the row from a backup opens as little.
	b.exec(`ALTER TABLE attachments DISABLE TRIGGER attachments_are_only_destroyed`)
	b.exec(`UPDATE attachments SET content = $1, destroyed_at = NULL`, backup)
	_, err = b.OpenAttachment(t.Context(), step.Number, firstFile)
	_, reason = codeOf(t, err)
	require.Equal(t, "attachment_destroyed", reason)
}

func TestFilesCannotBeChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	file := fileWith(step.Number, firstFile, "说明.txt", plainWords)
	require.NoError(t, b.KeepAttachment(t.Context(), file, []byte(plainWords)))
	require.NoError(t, b.KeepAttachment(t.Context(), fileWith(step.Number, secondFile, "没有事件.txt", "a"), []byte("a")))
	b.attached(step, file)
	refused := func(statement, application, owner string) {
		_, err := b.DB().ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, application, "the application: "+statement)
		_, err = b.owner().ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, owner, "the owner: "+statement)
	}
	refused(`UPDATE attachments SET name = 'x.txt'`, "permission denied", "never changed")
	refused(`UPDATE attachments SET sha256 = sha256('x')`, "permission denied", "never changed")
	refused(`UPDATE attachments SET content = 'x'`, "never changed", "never changed")
	refused(`UPDATE attachments SET size = 1, content = NULL, destroyed_at = now()`, "permission denied", "never changed")
	refused(`TRUNCATE attachments`, "permission denied", "append-only")
	refused(`DELETE FROM attachments WHERE id = '`+firstFile+`'`, "not deleted", "not deleted")

	n, err := b.PurgeAttachments(t.Context(), time.Now().Add(6*24*time.Hour))
	require.NoError(t, err)
	require.Zero(t, n, "its event may still come")
	n, err = b.PurgeAttachments(t.Context(), time.Now().Add(8*24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, int64(1), n, "the one without an event, and no other")
	files, err := b.AttachmentsOf(t.Context(), step.Number)
	require.NoError(t, err)
	require.Equal(t, []store.Attachment{file}, files)
}
