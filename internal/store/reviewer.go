package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// Reviewer is who rated, in clear (第六条). It never appears in a list, a log, an
// event or the engine.
type Reviewer struct {
	Name     string `json:"name"`
	Phone    string `json:"phone"`
	IDNumber string `json:"id_number"`
}

// LogValue keeps the reviewer out of logs.
func (Reviewer) LogValue() slog.Value { return slog.StringValue("reviewer (sealed)") }

func (s *Store) sealReviewer(r Reviewer, key casework.ReviewKey) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("reviewer: %w", err)
	}
	return s.sealer.Seal(data, "reviewer/"+key.String())
}

// Reveal is one look at a reviewer's data in clear.
type Reveal struct {
	Number  string
	By      casework.By
	Purpose string
	// RequestID is that of the request that asks for it; empty: a look of its own.
	RequestID string
}

// RevealReviewer records the look and gives the data, in one transaction: there
// is no look without its record. The same request looking again is the same look.
// A reviewer who is unknown is CodeConflict.
func (s *Store) RevealReviewer(ctx context.Context, r Reveal) (Reviewer, error) {
	var reviewer Reviewer
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		var row struct {
			Source       string `db:"source"`
			RecordNumber string `db:"record_number"`
			AssessNumber int    `db:"assess_number"`
			Sealed       []byte `db:"reviewer_sealed"`
		}
		err := tx.GetContext(ctx, &row, `
			SELECT v.source, v.record_number, v.assess_number, v.reviewer_sealed
			FROM cases c JOIN reviews v ON v.id = c.review_id WHERE c.number = $1`, r.Number)
		if err != nil {
			return notFound(err, "case")
		}
		if row.Sealed == nil {
			return casework.Conflict("reviewer_unknown", "the rating carries no identity")
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO reveals (case_number, user_id, organisation_id, rule, purpose, request_id)
			VALUES ($1, $2, $3, $4, $5, NULLIF($6, '')::uuid)
			ON CONFLICT ON CONSTRAINT repeated_request_is_one_look DO NOTHING`,
			r.Number, r.By.UserID, r.By.OrganisationID, r.By.Rule, r.Purpose, r.RequestID)
		if err != nil {
			return fmt.Errorf("record the look: %w", err)
		}
		key := casework.ReviewKey{Source: row.Source, RecordNumber: row.RecordNumber, AssessNumber: row.AssessNumber}
		data, err := s.sealer.Unseal(row.Sealed, "reviewer/"+key.String())
		if err != nil {
			return fmt.Errorf("reviewer of case %s: %w", r.Number, err)
		}
		return json.Unmarshal(data, &reviewer)
	})
	return reviewer, err
}
