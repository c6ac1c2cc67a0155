package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
	"guiling/internal/sealing"
)

// bringOverBatch is how many rows one transaction brings over.
const bringOverBatch = 100

// IndexAgain lets BringOver index again what was indexed by another algorithm, or
// another way. It reads all reviews: once after the start of a process is enough.
func (s *Store) IndexAgain(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `
		UPDATE reviews SET privacy = 0 WHERE privacy = 1 AND index_key NOT IN ('', $1) AND shredded_at IS NULL`, s.sealer.IndexKey())
	if err != nil {
		return fmt.Errorf("index again: %w", err)
	}
	return nil
}

// BringOver gives every review and every quarantined row of before a data key of
// its own, reviews their blind indexes, and takes phones and the like out of
// words that are in clear. It works in batches that each stand for themselves;
// stopped midway, it goes on the next time. Rows that do not open stay as they
// are and are told of.
func (s *Store) BringOver(ctx context.Context, progress Progress) (done int, err error) {
	var failed []error
	for _, some := range []func(context.Context, *sqlx.Tx, int64) (int64, int, []error, error){s.bringReviewsOver, s.bringQuarantineOver} {
		after := int64(0)
		for {
			var last int64
			var n int
			var broken []error
			err := s.inTx(ctx, func(tx *sqlx.Tx) error {
				var err error
				last, n, broken, err = some(ctx, tx, after)
				return err
			})
			if err != nil {
				return done, fmt.Errorf("bring over: %w", err)
			}
			failed = append(failed, broken...)
			done += n
			if last == after {
				break
			}
			after = last
			if progress != nil {
				progress(done, -1)
			}
		}
	}
	if len(failed) > 0 {
		return done, fmt.Errorf("%d rows do not open, the first: %w", len(failed), failed[0])
	}
	return done, nil
}

func (s *Store) bringReviewsOver(ctx context.Context, tx *sqlx.Tx, after int64) (last int64, done int, broken []error, err error) {
	var rows []struct {
		sealedRow

		ID    int64 `db:"id"`
		Known bool  `db:"reviewer_known"`
	}
	err = tx.SelectContext(ctx, &rows, `SELECT v.id, v.reviewer_known,`+sealedColumns+`
		FROM reviews v LEFT JOIN data_keys k ON k.review_id = v.id
		WHERE v.privacy = 0 AND v.shredded_at IS NULL AND v.id > $1 ORDER BY v.id LIMIT $2 FOR UPDATE OF v`, after, bringOverBatch)
	if err != nil {
		return after, 0, nil, err
	}
	last = after
	for _, r := range rows {
		last = r.ID
		if err := s.bringReviewOver(ctx, tx, r.ID, r.Known, r.sealedRow); err != nil {
			if ctx.Err() != nil {
				return after, 0, nil, err
			}
			if _, ok := errors.AsType[unopened](err); !ok {
				return after, 0, nil, err
			}
			broken = append(broken, err)
			continue
		}
		done++
	}
	return last, done, broken, nil
}

// unopened says that a row does not open by any key there is.
type unopened struct {
	row string
	err error
}

func (u unopened) Error() string { return u.row + ": " + u.err.Error() }

func (s *Store) bringReviewOver(ctx context.Context, tx *sqlx.Tx, id int64, known bool, row sealedRow) error {
	reviewer := Reviewer{Words: row.Words}
	var err error
	if row.Sealed != nil {
		if reviewer, err = s.openReviewer(row); err != nil {
			return unopened{"review " + row.key().String(), err}
		}
	}
	if row.KeyID != nil { // only the indexes are of before
		index, err := s.indexReviewer(reviewer)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE reviews SET reviewer_phone_index = $2, reviewer_id_index = $3, index_key = $4, privacy = 1 WHERE id = $1`,
			id, index.Phone, index.IDNumber, index.Key)
		return err
	}
	sealed, err := s.sealReviewer(reviewer, known, row.key())
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		WITH over AS (
			UPDATE reviews SET words = $2, reviewer_sealed = $3, reviewer_phone_index = $4, reviewer_id_index = $5, index_key = $6, privacy = 1
			WHERE id = $1 RETURNING id)
		INSERT INTO data_keys (review_id, context, algorithm, wrapped, wrapped_by)
		SELECT id, $7, $8, $9, $10 FROM over WHERE CAST($3 AS bytea) IS NOT NULL`,
		id, sealed.Words, sealed.Sealed, sealed.Index.Phone, sealed.Index.IDNumber, sealed.Index.Key,
		reviewerContext(row.key()), sealed.Key.Algorithm, sealed.Key.Wrapped, int64(sealed.Key.KeyID))
	return err
}

func (s *Store) bringQuarantineOver(ctx context.Context, tx *sqlx.Tx, after int64) (last int64, done int, broken []error, err error) {
	var rows []struct {
		ID       int64  `db:"id"`
		ImportID int64  `db:"import_id"`
		Line     int    `db:"line"`
		Raw      []byte `db:"raw_sealed"`
	}
	err = tx.SelectContext(ctx, &rows, `
		SELECT id, import_id, line, raw_sealed FROM quarantined_rows
		WHERE privacy = 0 AND shredded_at IS NULL AND id > $1 ORDER BY id LIMIT $2 FOR UPDATE`, after, bringOverBatch)
	if err != nil {
		return after, 0, nil, err
	}
	last = after
	for _, r := range rows {
		last = r.ID
		binding := quarantineContext(r.ImportID, r.Line)
		raw, err := s.sealer.Unseal(r.Raw, binding)
		if err != nil {
			broken = append(broken, unopened{binding, err})
			continue
		}
		sealed, key, err := s.sealer.SealWithKey(raw, binding)
		if err != nil {
			return after, 0, nil, err
		}
		if err := insertQuarantineKey(ctx, tx, r.ID, sealed, binding, key); err != nil {
			return after, 0, nil, err
		}
		done++
	}
	return last, done, broken, nil
}

func insertQuarantineKey(ctx context.Context, tx *sqlx.Tx, id int64, sealed []byte, binding string, key sealing.DataKey) error {
	_, err := tx.ExecContext(ctx, `
		WITH over AS (UPDATE quarantined_rows SET raw_sealed = $2, privacy = 1 WHERE id = $1 RETURNING id)
		INSERT INTO data_keys (quarantined_row_id, context, algorithm, wrapped, wrapped_by) SELECT id, $3, $4, $5, $6 FROM over`,
		id, sealed, binding, key.Algorithm, key.Wrapped, int64(key.KeyID))
	return err
}

// QuarantinedRow opens a row that waits in quarantine, as it came. One whose data
// were destroyed is CodeConflict.
func (s *Store) QuarantinedRow(ctx context.Context, importID int64, line int) (map[string]string, error) {
	var row struct {
		Raw       []byte `db:"raw_sealed"`
		KeyID     *int64 `db:"data_key_id"`
		Algorithm string `db:"algorithm"`
		Wrapped   []byte `db:"wrapped"`
		WrappedBy int64  `db:"wrapped_by"`
	}
	err := s.db.GetContext(ctx, &row, `
		SELECT q.raw_sealed, k.id AS data_key_id, COALESCE(k.algorithm, '') AS algorithm, k.wrapped, COALESCE(k.wrapped_by, 0) AS wrapped_by
		FROM quarantined_rows q LEFT JOIN data_keys k ON k.quarantined_row_id = q.id WHERE q.import_id = $1 AND q.line = $2`, importID, line)
	if err != nil {
		return nil, notFound(err, "quarantined_row")
	}
	if row.Raw == nil {
		return nil, casework.Conflict("shredded", "the retention period has passed, the data were destroyed")
	}
	binding := quarantineContext(importID, line)
	var raw []byte
	if row.KeyID == nil {
		raw, err = s.sealer.Unseal(row.Raw, binding)
	} else {
		key := sealing.DataKey{Algorithm: row.Algorithm, Wrapped: row.Wrapped, KeyID: uint32(row.WrappedBy)} //nolint:gosec // G115: it came from a uint32
		raw, err = s.sealer.UnsealWithKey(row.Raw, key, binding)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", binding, err)
	}
	var fields map[string]string
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, errors.New(binding + ": the sealed row is no JSON")
	}
	return fields, nil
}
