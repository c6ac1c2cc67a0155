package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// Shredded counts whose data were destroyed.
type Shredded struct {
	Reviews         int `json:"reviews"`
	QuarantinedRows int `json:"quarantined_rows"`
}

// shreddableReviews are the reviews whose case has ended before $1, and those that opened
// none and came in before: of both, nobody needs the reviewer any more.
const shreddableReviews = `
	FROM reviews v LEFT JOIN cases c ON c.review_id = v.id
	WHERE v.shredded_at IS NULL
	AND (v.reviewer_sealed IS NOT NULL OR v.reviewer_name_masked <> '' OR v.reviewer_phone_masked <> ''
		OR EXISTS (SELECT FROM attachments a WHERE a.case_number = c.number AND a.content IS NOT NULL))
	AND v.created_at < $1
	AND (c.number IS NULL OR c.stage IN ('closed', 'invalid', 'withdrawn', 'merged', 'archived')
		AND COALESCE((SELECT max(e.at) FROM case_events e WHERE e.case_number = c.number), c.changed_at) < $1)`

const shreddableRows = ` FROM quarantined_rows q WHERE q.shredded_at IS NULL AND q.created_at < $1`

// Shreddable counts whose data Shred would destroy.
func (s *Store) Shreddable(ctx context.Context, endedBefore time.Time) (Shredded, error) {
	var n Shredded
	if err := s.db.GetContext(ctx, &n.Reviews, `SELECT count(*)`+shreddableReviews, endedBefore); err != nil {
		return n, fmt.Errorf("count what to shred: %w", err)
	}
	if err := s.db.GetContext(ctx, &n.QuarantinedRows, `SELECT count(*)`+shreddableRows, endedBefore); err != nil {
		return n, fmt.Errorf("count what to shred: %w", err)
	}
	return n, nil
}

// Shred destroys the data of up to limit reviewers, and as many quarantined rows,
// whose case has ended before a time: the data keys, so that no copy of the
// sealed data opens any more, the sealed data themselves, the files of the case, the
// blind indexes, what was left of name and phone, and what anybody had begun to
// write about the case. The case, its events and what was said of the
// service stay. It records what it did.
func (s *Store) Shred(ctx context.Context, by casework.By, endedBefore time.Time, limit int) (Shredded, error) {
	var n Shredded
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		n = Shredded{}
		var reviews, rows pq.Int64Array
		err := tx.SelectContext(ctx, &reviews, `SELECT v.id`+shreddableReviews+` ORDER BY v.id LIMIT $2 FOR UPDATE OF v SKIP LOCKED`, endedBefore, limit)
		if err != nil {
			return err
		}
		err = tx.SelectContext(ctx, &rows, `SELECT q.id`+shreddableRows+` ORDER BY q.id LIMIT $2 FOR UPDATE SKIP LOCKED`, endedBefore, limit)
		if err != nil {
			return err
		}
		if len(reviews)+len(rows) == 0 {
			return nil
		}
		for _, statement := range []struct {
			query string
			args  []any
		}{
			{`UPDATE data_keys SET wrapped = NULL, wrapped_by = NULL, destroyed_at = clock_timestamp()
				WHERE destroyed_at IS NULL AND (review_id = ANY ($1) OR quarantined_row_id = ANY ($2))`, []any{reviews, rows}},
			{`UPDATE reviews SET reviewer_sealed = NULL, reviewer_phone_index = NULL, reviewer_id_index = NULL, index_key = '',
				reviewer_name_masked = CASE WHEN reviewer_name_masked = '' THEN '' ELSE '*' END,
				reviewer_phone_masked = CASE WHEN reviewer_phone_masked = '' THEN '' ELSE '****' END,
				privacy = 1, shredded_at = clock_timestamp() WHERE id = ANY ($1)`, []any{reviews}},
			{`UPDATE attachments SET content = NULL, destroyed_at = clock_timestamp()
				WHERE content IS NOT NULL AND case_number IN (SELECT number FROM cases WHERE review_id = ANY ($1))`, []any{reviews}},
			{`DELETE FROM drafts WHERE case_number IN (SELECT number FROM cases WHERE review_id = ANY ($1))`, []any{reviews}},
			{`UPDATE quarantined_rows SET raw_sealed = NULL, privacy = 1, shredded_at = clock_timestamp() WHERE id = ANY ($1)`, []any{rows}},
		} {
			if _, err := tx.ExecContext(ctx, statement.query, statement.args...); err != nil {
				return err
			}
		}
		n = Shredded{Reviews: len(reviews), QuarantinedRows: len(rows)}
		return recordKey(ctx, tx, by, AdminDataShredded, "data-keys", "data keys", nil, struct {
			Shredded

			EndedBefore time.Time `json:"ended_before"`
		}{n, endedBefore.UTC()})
	})
	if err != nil {
		return Shredded{}, fmt.Errorf("shred: %w", err)
	}
	return n, nil
}
