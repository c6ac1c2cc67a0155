package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/store"
)

// uploadsAtOnce bounds how many files one process takes in at a time: each is in
// memory several times over.
const uploadsAtOnce = 4

// Upload is a file that somebody adds to a case.
type Upload struct {
	Number  string
	Name    string // as it was sent
	Content []byte
	// Key makes it one file however often it is sent. When empty, the same content
	// under the same name by the same person is taken to be the same file.
	Key string
}

// ScanWith sets what looks for viruses, before the service is used. Without, files
// are taken unseen, and say so.
func (s *Service) ScanWith(scanner attachments.Scanner) { s.scanner = scanner }

// AttachFile adds a file to a case (佐证材料), once, and gives its id. The content is
// kept first, sealed, and then named by an event; what has no event is seen by
// nobody, and a worker deletes it after a week.
//
// Errors are those of Act; CodeInvalid for a name, a kind or a size that is not
// taken, and for a file with a virus; CodeUnavailable when a scanner is set and gives
// no answer: then nothing is kept. CodeGone: the reviewer's data were destroyed, and
// nothing is kept beside them any more.
func (s *Service) AttachFile(ctx context.Context, actor casework.Actor, upload Upload) (Outcome, string, error) {
	c, err := s.load(ctx, actor, upload.Number)
	if err != nil {
		return Outcome{}, "", err
	}
	decision, err := s.authorize(ctx, actor, casework.ActionAttachFile, c.object)
	if err != nil {
		return Outcome{}, "", err
	}
	file, err := s.describe(ctx, actor, upload)
	if err != nil {
		return Outcome{}, "", err
	}
	if c.attachment(file.AttachmentID) != nil {
		return standing(c.row), file.AttachmentID, nil
	}
	// Nobody waits for a scanner to be told that it is too late.
	if err := casework.Available(c.state, casework.ActionAttachFile, casework.Circumstances{
		Rules: c.rules, Now: s.nowOf(c.row), By: s.by(actor, decision),
	}); err != nil {
		return Outcome{}, "", err
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	case <-ctx.Done():
		return Outcome{}, "", &casework.Error{Code: casework.CodeUnavailable, Reason: "uploads_busy", Detail: "too many files are being taken in"}
	}
	if file.MediaType, err = attachments.Check(file.Name, upload.Content); err != nil {
		return Outcome{}, "", err
	}
	if s.scanner != nil {
		if err := s.scanner.Scan(ctx, upload.Content); err != nil {
			s.log.WarnContext(ctx, "file not taken", "user_id", actor.UserID, "case", upload.Number, "sha256", file.SHA256, "error", err)
			return Outcome{}, "", err
		}
	}
	err = s.store.KeepAttachment(ctx, store.Attachment{
		ID: file.AttachmentID, Number: upload.Number, Name: file.Name, MediaType: file.MediaType, SHA256: file.SHA256, Size: file.Size,
		Scanned: s.scanner != nil,
	}, upload.Content)
	if err != nil {
		return Outcome{}, "", err
	}
	outcome, err := s.Act(ctx, actor, Request{Number: upload.Number, Command: file})
	return outcome, file.AttachmentID, err
}

// describe says what the event will say of a file, its kind aside. The id is made
// of the request, so that the same request is the same file.
func (s *Service) describe(ctx context.Context, actor casework.Actor, upload Upload) (casework.AttachFile, error) {
	if upload.Name == "" {
		return casework.AttachFile{}, casework.Invalid("file", "file_missing", "no file came with the request")
	}
	name, err := attachments.Name(upload.Name)
	if err != nil {
		return casework.AttachFile{}, err
	}
	masked, err := s.store.MaskFor(ctx, upload.Number, casework.AttachFile{Name: name})
	if err != nil {
		return casework.AttachFile{}, err
	}
	file, _ := masked.(casework.AttachFile)
	sum := sha256.Sum256(upload.Content)
	file.SHA256, file.Size = hex.EncodeToString(sum[:]), int64(len(upload.Content))
	file.AttachmentID = attachmentID(fmt.Appendf(nil, "%q %d %q %q %s", upload.Number, actor.UserID, upload.Key, file.Name, file.SHA256))
	return file, nil
}

// attachmentID makes a UUID of version 8 out of what names a request.
func attachmentID(request []byte) string {
	sum := sha256.Sum256(request)
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// checkKept asks that what an event is about to name is what is kept: nobody puts a
// file into the story of a case that is not there, or is another one.
func (s *Service) checkKept(ctx context.Context, number string, file casework.AttachFile) error {
	kept, err := s.store.AttachmentsOf(ctx, number)
	if err != nil {
		return err
	}
	for _, a := range kept {
		if !a.Destroyed && (casework.AttachFile{
			AttachmentID: a.ID, Name: a.Name, SHA256: a.SHA256, Size: a.Size, MediaType: a.MediaType,
		}) == file {
			return nil
		}
	}
	return casework.Invalid("attachment_id", "attachment_not_kept", "send the file itself; there is none of this description")
}

// attachment finds the event that names a file; nil when none does.
func (c loaded) attachment(id string) *store.RecordedEvent {
	for i, e := range c.events {
		if body, ok := e.Body.(casework.FileAttached); ok && body.AttachmentID == id {
			return &c.events[i]
		}
	}
	return nil
}
