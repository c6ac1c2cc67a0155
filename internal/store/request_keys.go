package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"guiling/internal/casework"
)

const (
	// requestLife is how long a key stands for its request, and how long the
	// answer is kept.
	requestLife = 24 * time.Hour
	// requestLease is how long an attempt is taken to be under way. It is longer
	// than anybody waits for the engine: who has not answered by then has died, or
	// does no harm, for the engine knows the request by its key as well.
	requestLease = 30 * time.Second
)

// KeyedRequest is what somebody asks to be done once.
type KeyedRequest struct {
	UserID int64
	Key    string // 1 to 200 bytes
	// Content is all that makes it this request and no other. Only a keyed hash of
	// it is kept.
	Content []byte
}

// Answer is what was said to a request, as it went out.
type Answer struct {
	Status int    `json:"status"`
	ETag   string `json:"etag"` // empty: none
	Body   []byte `json:"body"`
}

// Attempt is the right to carry a request out, or the answer that it got before.
type Attempt struct {
	// RequestID names the request, the same for every attempt at it.
	RequestID string
	Answered  bool
	Answer    Answer // when Answered

	userID     int64
	key        string
	leaseUntil time.Time
}

// BeginRequest takes a request up, unless somebody else has: it is then the
// caller's to carry out, and to end with KeepAnswer or LetGo. Of any number who
// begin the same one at once, one gets it. An attempt whose lease has run out is
// taken over, and a key that is 24 hours old is free.
//
// An answer that was kept comes back as it is. Other content under the key is
// CodeKeyReused, and CodeConflict says that another attempt is under way.
func (s *Store) BeginRequest(ctx context.Context, r KeyedRequest, now time.Time) (Attempt, error) {
	attempt := Attempt{userID: r.UserID, key: r.Key}
	hash := s.sealer.Hash(r.Content)
	err := s.db.QueryRowxContext(ctx, `
		INSERT INTO request_keys AS k (user_id, key, request_hash, lease_until, created_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT ON CONSTRAINT one_request_for_each_key_of_a_user DO UPDATE
		SET request_id = CASE WHEN k.created_at > $6 THEN k.request_id ELSE excluded.request_id END,
		    created_at = CASE WHEN k.created_at > $6 THEN k.created_at ELSE excluded.created_at END,
		    request_hash = excluded.request_hash, lease_until = excluded.lease_until, answer_sealed = NULL
		WHERE k.created_at <= $6
		   OR k.request_hash = excluded.request_hash AND k.answer_sealed IS NULL
		      AND (k.lease_until IS NULL OR k.lease_until <= $5)
		RETURNING request_id, lease_until`,
		r.UserID, r.Key, hash, now.Add(requestLease), now, now.Add(-requestLife),
	).Scan(&attempt.RequestID, &attempt.leaseUntil)
	if errors.Is(err, sql.ErrNoRows) {
		return s.requestBefore(ctx, attempt, hash)
	}
	if err != nil {
		return Attempt{}, fmt.Errorf("begin request: %w", err)
	}
	return attempt, nil
}

// requestBefore says why a request could not be taken up.
func (s *Store) requestBefore(ctx context.Context, attempt Attempt, hash []byte) (Attempt, error) {
	var row struct {
		RequestID string `db:"request_id"`
		Same      bool   `db:"same"`
		Sealed    []byte `db:"answer_sealed"`
	}
	err := s.db.GetContext(ctx, &row, `
		SELECT request_id, request_hash = $3 AS same, answer_sealed FROM request_keys WHERE user_id = $1 AND key = $2`,
		attempt.userID, attempt.key, hash)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return Attempt{}, fmt.Errorf("read request: %w", err)
	case err == nil && !row.Same:
		return Attempt{}, &casework.Error{
			Code: casework.CodeKeyReused, Reason: "key_reused", Field: "Idempotency-Key",
			Detail: "this key stands for a request with other content; take a new key for each thing you want done",
		}
	case row.Sealed == nil: // or purged since: sent again, it is begun anew
		return Attempt{}, casework.Conflict("request_in_flight", "the same request is being carried out, send it again in a moment")
	}
	attempt.RequestID = row.RequestID
	answer, err := s.unsealAnswer(attempt, row.Sealed)
	if err != nil {
		return Attempt{}, err
	}
	attempt.Answered, attempt.Answer = true, answer
	return attempt, nil
}

// KeepAnswer ends an attempt with the answer that everybody gets from now on who
// sends the request again, and gives it back. Where another attempt has ended
// before, that is its answer: the first one stays.
func (s *Store) KeepAnswer(ctx context.Context, attempt Attempt, answer Answer) (Answer, error) {
	data, err := json.Marshal(answer)
	if err != nil {
		return Answer{}, fmt.Errorf("answer: %w", err)
	}
	sealed, err := s.sealer.Seal(data, attempt.sealedFor())
	if err != nil {
		return Answer{}, fmt.Errorf("answer: %w", err)
	}
	var kept []byte
	err = s.db.GetContext(ctx, &kept, `
		UPDATE request_keys SET answer_sealed = COALESCE(answer_sealed, $4), lease_until = NULL
		WHERE user_id = $1 AND key = $2 AND request_id = $3
		RETURNING answer_sealed`, attempt.userID, attempt.key, attempt.RequestID, sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return answer, nil // its 24 hours have passed meanwhile
	}
	if err != nil {
		return Answer{}, fmt.Errorf("keep answer: %w", err)
	}
	return s.unsealAnswer(attempt, kept)
}

// LetGo ends an attempt without an answer: whoever sends the same request again
// may try at once. It leaves alone who took the request over.
func (s *Store) LetGo(ctx context.Context, attempt Attempt) error {
	_, err := s.db.ExecContext(ctx, `
		UPDATE request_keys SET lease_until = NULL
		WHERE user_id = $1 AND key = $2 AND request_id = $3 AND lease_until = $4`,
		attempt.userID, attempt.key, attempt.RequestID, attempt.leaseUntil)
	if err != nil {
		return fmt.Errorf("let request go: %w", err)
	}
	return nil
}

// PurgeRequests deletes the requests whose 24 hours have passed, and says how
// many there were.
func (s *Store) PurgeRequests(ctx context.Context, now time.Time) (int64, error) {
	result, err := s.db.ExecContext(ctx, `DELETE FROM request_keys WHERE created_at <= $1`, now.Add(-requestLife))
	if err != nil {
		return 0, fmt.Errorf("purge requests: %w", err)
	}
	return result.RowsAffected()
}

// sealedFor binds an answer to its request and to who asked.
func (a Attempt) sealedFor() string { return fmt.Sprintf("answer/%d/%s", a.userID, a.RequestID) }

func (s *Store) unsealAnswer(attempt Attempt, sealed []byte) (Answer, error) {
	data, err := s.sealer.Unseal(sealed, attempt.sealedFor())
	if err != nil {
		return Answer{}, fmt.Errorf("answer: %w", err)
	}
	var answer Answer
	if err := json.Unmarshal(data, &answer); err != nil {
		return Answer{}, fmt.Errorf("answer: %w", err)
	}
	return answer, nil
}
