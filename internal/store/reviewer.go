package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"guiling/internal/casework"
	"guiling/internal/sealing"
)

// Reviewer is who rated, in clear (第六条). It never appears in a list, a log, an
// event or the engine.
type Reviewer struct {
	Name     string `json:"name"`
	Phone    string `json:"phone"`
	IDNumber string `json:"id_number"`
	// Words are what was written, as it came: the words of the review itself show
	// no phone, no identity number and not this name.
	Words string `json:"words"`
}

// LogValue keeps the reviewer out of logs.
func (Reviewer) LogValue() slog.Value { return slog.StringValue("reviewer (sealed)") }

// String keeps the reviewer out of what is printed.
func (Reviewer) String() string { return "reviewer (sealed)" }

// GoString does for %#v what String does for %v.
func (r Reviewer) GoString() string { return r.String() }

func reviewerContext(key casework.ReviewKey) string { return "reviewer/" + key.String() }

// sealedReviewer is a reviewer as the database keeps one.
type sealedReviewer struct {
	NameMasked, PhoneMasked string
	Words                   string // masked
	Sealed                  []byte // nil: there is nothing to hide
	Key                     sealing.DataKey
	Index                   reviewerIndex
}

// reviewerIndex is what finds the other reviews of the same citizen.
type reviewerIndex struct {
	Phone, IDNumber []byte // nil: none
	Key             string // of the index
}

// sealReviewer seals all that could tell who rated, the words included when they
// tell it, by a key of its own.
func (s *Store) sealReviewer(r Reviewer, known bool, key casework.ReviewKey) (sealedReviewer, error) {
	out := sealedReviewer{
		NameMasked: casework.MaskName(r.Name), PhoneMasked: casework.MaskPhone(r.Phone), Words: casework.MaskText(r.Words, r.Name),
	}
	if !known && out.Words == r.Words {
		return out, nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return out, fmt.Errorf("reviewer: %w", err)
	}
	if out.Sealed, out.Key, err = s.sealer.SealWithKey(data, reviewerContext(key)); err != nil {
		return out, err
	}
	out.Index, err = s.indexReviewer(r)
	return out, err
}

func (s *Store) indexReviewer(r Reviewer) (reviewerIndex, error) {
	index := reviewerIndex{Key: s.sealer.IndexKey()}
	var err error
	if phone := casework.NormalPhone(r.Phone); phone != "" {
		if index.Phone, err = s.sealer.Index("reviewer-phone", phone); err != nil {
			return index, err
		}
	}
	if id := casework.NormalIDNumber(r.IDNumber); id != "" {
		index.IDNumber, err = s.sealer.Index("reviewer-id", id)
	}
	return index, err
}

// MaskFor hides phones, identity numbers and the name of the reviewer of a case in
// what a command says. It shows nobody the name, and so is no look.
func (s *Store) MaskFor(ctx context.Context, number string, command casework.Command) (casework.Command, error) {
	var row sealedRow
	err := s.db.GetContext(ctx, &row, `SELECT`+sealedColumns+`
		FROM cases c JOIN reviews v ON v.id = c.review_id LEFT JOIN data_keys k ON k.review_id = v.id WHERE c.number = $1`, number)
	if err != nil {
		return nil, notFound(err, "case")
	}
	if row.Sealed == nil {
		return casework.MaskCommand(command), nil
	}
	reviewer, err := s.openReviewer(row)
	if err != nil {
		return casework.MaskCommand(command), nil //nolint:nilerr // a name that cannot be read cannot be hidden; work goes on
	}
	return casework.MaskCommand(command, reviewer.Name), nil
}

// sealedRow is what is needed to open the data of a review.
type sealedRow struct {
	Source       string     `db:"source"`
	RecordNumber string     `db:"record_number"`
	AssessNumber int        `db:"assess_number"`
	Words        string     `db:"words"`
	Sealed       []byte     `db:"reviewer_sealed"`
	Shredded     *time.Time `db:"shredded_at"`
	KeyID        *int64     `db:"data_key_id"` // nil: sealed before there were data keys
	Algorithm    string     `db:"algorithm"`
	Wrapped      []byte     `db:"wrapped"`
	WrappedBy    int64      `db:"wrapped_by"`
}

const sealedColumns = `
	v.source, v.record_number, v.assess_number, v.words, v.reviewer_sealed, v.shredded_at, k.id AS data_key_id,
	COALESCE(k.algorithm, '') AS algorithm, k.wrapped, COALESCE(k.wrapped_by, 0) AS wrapped_by`

func (r sealedRow) key() casework.ReviewKey {
	return casework.ReviewKey{Source: r.Source, RecordNumber: r.RecordNumber, AssessNumber: r.AssessNumber}
}

// openReviewer opens what sealReviewer sealed, and what was sealed before there
// were data keys.
func (s *Store) openReviewer(row sealedRow) (Reviewer, error) {
	var data []byte
	var err error
	if row.KeyID == nil {
		data, err = s.sealer.Unseal(row.Sealed, reviewerContext(row.key()))
	} else {
		key := sealing.DataKey{Algorithm: row.Algorithm, Wrapped: row.Wrapped, KeyID: uint32(row.WrappedBy)} //nolint:gosec // G115: it came from a uint32
		data, err = s.sealer.UnsealWithKey(row.Sealed, key, reviewerContext(row.key()))
	}
	if err != nil {
		return Reviewer{}, err
	}
	var reviewer Reviewer
	if err := json.Unmarshal(data, &reviewer); err != nil {
		return Reviewer{}, errors.New("the sealed reviewer is no JSON") // its text would be personal
	}
	if reviewer.Words == "" {
		reviewer.Words = row.Words
	}
	return reviewer, nil
}
