package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// AttachedFile is a file as the page of its case shows it.
type AttachedFile struct {
	casework.FileAttached

	Event     store.RecordedEvent // who, and when
	Scanned   bool                // a virus scanner looked at it
	Destroyed bool                // only its description is left
}

// Download is a file in clear. It is what the event says: its hash was compared.
type Download struct {
	casework.FileAttached

	Content []byte
}

// OpenAttachment gives a file to somebody who may read its case. A file that no
// event of the case names is CodeNotFound; one that was destroyed after the retention
// period is CodeGone.
func (s *Service) OpenAttachment(ctx context.Context, actor casework.Actor, number, id string) (Download, error) {
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return Download{}, err
	}
	event := c.attachment(id)
	if event == nil {
		return Download{}, &casework.Error{Code: casework.CodeNotFound, Reason: "attachment_not_found", Detail: "the case has no such file"}
	}
	file, _ := event.Body.(casework.FileAttached)
	content, err := s.store.OpenAttachment(ctx, number, id)
	if err != nil {
		return Download{}, err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != file.SHA256 {
		return Download{}, fmt.Errorf("attachment %s of %s is not what its event says", id, number)
	}
	file, _ = casework.MaskBody(file).(casework.FileAttached)
	s.log.InfoContext(ctx, "file opened", "user_id", actor.UserID, "case", number, "attachment", id)
	return Download{FileAttached: file, Content: content}, nil
}

// attachedFiles lists the files that the events of a case name, the oldest first.
func (s *Service) attachedFiles(ctx context.Context, number string, events []store.RecordedEvent) ([]AttachedFile, error) {
	var files []AttachedFile
	for _, e := range events {
		if body, ok := e.Body.(casework.FileAttached); ok {
			files = append(files, AttachedFile{FileAttached: body, Event: e, Destroyed: true})
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	kept, err := s.store.AttachmentsOf(ctx, number)
	if err != nil {
		return nil, err
	}
	for i := range files {
		for _, a := range kept {
			if a.ID == files[i].AttachmentID {
				files[i].Scanned, files[i].Destroyed = a.Scanned, a.Destroyed
			}
		}
	}
	return files, nil
}
