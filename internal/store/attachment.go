package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
	"guiling/internal/sealing"
)

// Attachment is a file of a case, without what is in it.
type Attachment struct {
	ID, Number, Name, MediaType string
	SHA256                      string // of the content, in hexadecimal
	Size                        int64
	Scanned                     bool // a virus scanner looked at it
	Destroyed                   bool // with the data of the reviewer, after the retention period
}

type attachmentRow struct {
	ID        string `db:"id"`
	Number    string `db:"case_number"`
	Name      string `db:"name"`
	MediaType string `db:"media_type"`
	Size      int64  `db:"size"`
	SHA256    []byte `db:"sha256"`
	Scanned   bool   `db:"scanned"`
	Destroyed bool   `db:"destroyed"`
}

const attachmentColumns = `
	a.id, a.case_number, a.name, a.media_type, a.size, a.sha256, a.scanned, a.destroyed_at IS NOT NULL AS destroyed`

func (r attachmentRow) toAttachment() Attachment {
	return Attachment{
		ID: r.ID, Number: r.Number, Name: r.Name, MediaType: r.MediaType, Size: r.Size, SHA256: hex.EncodeToString(r.SHA256),
		Scanned: r.Scanned, Destroyed: r.Destroyed,
	}
}

func attachmentContext(number, id string) string { return "attachment/" + number + "/" + id }

// KeepAttachment keeps a file, sealed by the data key of its case's review. Nobody
// sees it before an event names it. The same id again is the same file.
//
// When the data of the review were destroyed already it is CodeGone: nothing new can
// be kept beside them. Twice as many files as a case can have are CodeConflict: what
// has no event yet is bounded as well.
func (s *Store) KeepAttachment(ctx context.Context, a Attachment, content []byte) error {
	hash, err := hex.DecodeString(a.SHA256)
	if err != nil {
		return fmt.Errorf("hash of attachment %s: %w", a.ID, err)
	}
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		key, keyContext, err := s.keyOfReview(ctx, tx, a.Number)
		if err != nil {
			return err
		}
		var kept int
		if err := tx.GetContext(ctx, &kept, `SELECT count(*) FROM attachments WHERE case_number = $1 AND id <> CAST($2 AS uuid)`, a.Number, a.ID); err != nil {
			return err
		}
		if kept >= 2*casework.MaxAttachments {
			return casework.Conflict("too_many_attachments", "as many files wait for their events as a case can have")
		}
		sealed, err := s.sealer.SealUnder(content, key, keyContext, attachmentContext(a.Number, a.ID))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO attachments (id, case_number, name, media_type, size, sha256, scanned, content)
			VALUES (CAST($1 AS uuid), $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
			a.ID, a.Number, a.Name, a.MediaType, a.Size, hash, a.Scanned, sealed)
		return err
	})
	if _, refused := casework.AsError(err); err != nil && !refused {
		return fmt.Errorf("keep attachment %s: %w", a.ID, err)
	}
	return err
}

// keyOfReview gives the data key of the review of a case, and what it is bound to. A
// review that has none, because its reviewer is not known, gets one. The review is
// held until the transaction ends, so that its key is not destroyed meanwhile.
func (s *Store) keyOfReview(ctx context.Context, tx *sqlx.Tx, number string) (sealing.DataKey, string, error) {
	var row struct {
		sealedRow

		ID      int64 `db:"id"`
		Known   bool  `db:"reviewer_known"`
		Privacy int   `db:"privacy"`
	}
	read := func() error {
		return tx.GetContext(ctx, &row, `SELECT v.id, v.reviewer_known, v.privacy,`+sealedColumns+`
			FROM cases c JOIN reviews v ON v.id = c.review_id LEFT JOIN data_keys k ON k.review_id = v.id
			WHERE c.number = $1 FOR NO KEY UPDATE OF v`, number)
	}
	if err := read(); err != nil {
		return sealing.DataKey{}, "", notFound(err, "case")
	}
	keyContext := reviewerContext(row.key())
	if row.Shredded != nil || row.KeyID != nil && row.Wrapped == nil {
		return sealing.DataKey{}, "", errDestroyed()
	}
	if row.KeyID == nil && row.Privacy == 0 { // of before there were data keys
		if err := s.bringReviewOver(ctx, tx, row.ID, row.Known, row.sealedRow); err != nil {
			return sealing.DataKey{}, "", err
		}
		if err := read(); err != nil {
			return sealing.DataKey{}, "", err
		}
	}
	if row.KeyID != nil {
		key := sealing.DataKey{Algorithm: row.Algorithm, Wrapped: row.Wrapped, KeyID: uint32(row.WrappedBy)} //nolint:gosec // G115: it came from a uint32
		return key, keyContext, nil
	}
	key, err := s.sealer.NewDataKey(keyContext)
	if err != nil {
		return sealing.DataKey{}, "", err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO data_keys (review_id, context, algorithm, wrapped, wrapped_by) VALUES ($1, $2, $3, $4, $5)`,
		row.ID, keyContext, key.Algorithm, key.Wrapped, int64(key.KeyID))
	return key, keyContext, err
}

func errDestroyed() *casework.Error {
	return &casework.Error{Code: casework.CodeGone, Reason: "attachment_destroyed", Detail: "the retention period has passed, the files were destroyed"}
}

// AttachmentsOf lists the files that are kept for a case, also those that no event
// names yet.
func (s *Store) AttachmentsOf(ctx context.Context, number string) ([]Attachment, error) {
	var rows []attachmentRow
	err := s.db.SelectContext(ctx, &rows, `SELECT`+attachmentColumns+` FROM attachments a WHERE a.case_number = $1 ORDER BY a.created_at, a.id`, number)
	if err != nil {
		return nil, fmt.Errorf("attachments of %s: %w", number, err)
	}
	out := make([]Attachment, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.toAttachment())
	}
	return out, nil
}

// OpenAttachment gives what is in a file of a case. One that was destroyed, or is
// not kept any more, is CodeGone.
func (s *Store) OpenAttachment(ctx context.Context, number, id string) ([]byte, error) {
	var row struct {
		sealedRow

		Content []byte `db:"content"`
	}
	err := s.db.GetContext(ctx, &row, `SELECT a.content,`+sealedColumns+`
		FROM attachments a JOIN cases c ON c.number = a.case_number JOIN reviews v ON v.id = c.review_id LEFT JOIN data_keys k ON k.review_id = v.id
		WHERE a.case_number = $1 AND a.id = CAST($2 AS uuid)`, number, id)
	switch {
	case isNoRow(err):
		return nil, &casework.Error{Code: casework.CodeGone, Reason: "attachment_lost", Detail: "the file is not kept here"}
	case err != nil:
		return nil, fmt.Errorf("read attachment %s: %w", id, err)
	case row.Content == nil || row.Wrapped == nil:
		return nil, errDestroyed()
	}
	key := sealing.DataKey{Algorithm: row.Algorithm, Wrapped: row.Wrapped, KeyID: uint32(row.WrappedBy)} //nolint:gosec // G115: it came from a uint32
	content, err := s.sealer.UnsealUnder(row.Content, key, reviewerContext(row.key()), attachmentContext(number, id))
	if err != nil {
		return nil, fmt.Errorf("open attachment %s of %s: %w", id, number, err)
	}
	return content, nil
}

// attachmentRest is how long a file waits for its event. The engine takes no request
// that is older.
const attachmentRest = 7 * 24 * time.Hour

// PurgeAttachments deletes files whose event never came, because the request that
// brought them stopped midway.
func (s *Store) PurgeAttachments(ctx context.Context, now time.Time) (int64, error) {
	deleted, err := s.db.ExecContext(ctx, `
		DELETE FROM attachments a WHERE a.created_at < $1 AND NOT EXISTS (
			SELECT FROM case_events e WHERE e.case_number = a.case_number AND e.kind = 'file_attached' AND e.body ->> 'attachment_id' = CAST(a.id AS text))`,
		now.Add(-attachmentRest))
	if err != nil {
		return 0, fmt.Errorf("purge attachments: %w", err)
	}
	n, err := deleted.RowsAffected()
	return n, err
}
