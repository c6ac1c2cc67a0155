package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"guiling/internal/casework"
)

// DraftLife is how long a draft is kept after it was last written.
const DraftLife = 30 * 24 * time.Hour

// Draft is what somebody has typed into the form of an action and not sent. It is
// theirs alone.
type Draft struct {
	UserID  int64
	Number  string // of the case
	Action  casework.Action
	FormKey string // of the form, 1 to 64 characters
	Version int    // of the case that they saw
	Fields  map[string]string
	At      time.Time // when it was kept
}

// sealedFor binds a draft to its person, case and action.
func (d Draft) sealedFor() string { return fmt.Sprintf("draft/%d/%s/%s", d.UserID, d.Number, d.Action) }

// KeepDraft keeps a draft in the place of the one before. A form that was sent or
// thrown away, and whose last words come late, is not kept again: then kept is false.
func (s *Store) KeepDraft(ctx context.Context, d Draft) (kept bool, err error) {
	data, err := json.Marshal(d.Fields)
	if err != nil {
		return false, fmt.Errorf("draft: %w", err)
	}
	sealed, err := s.sealer.Seal(data, d.sealedFor())
	if err != nil {
		return false, fmt.Errorf("draft: %w", err)
	}
	result, err := s.db.ExecContext(ctx, `
		INSERT INTO drafts AS d (user_id, case_number, action, form_key, case_version, fields_sealed, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT ON CONSTRAINT one_draft_of_a_user_for_each_action_on_a_case DO UPDATE
		SET form_key = excluded.form_key, case_version = excluded.case_version, fields_sealed = excluded.fields_sealed,
			updated_at = excluded.updated_at
		WHERE d.fields_sealed IS NOT NULL OR d.form_key <> excluded.form_key`,
		d.UserID, d.Number, string(d.Action), d.FormKey, d.Version, sealed, d.At)
	if err != nil {
		return false, fmt.Errorf("keep draft: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// EndDraft forgets a draft whose form was sent or thrown away. What still comes from
// the form of that key is not kept.
func (s *Store) EndDraft(ctx context.Context, d Draft) error {
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO drafts (user_id, case_number, action, form_key, case_version, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT ON CONSTRAINT one_draft_of_a_user_for_each_action_on_a_case DO UPDATE
		SET form_key = excluded.form_key, fields_sealed = NULL, updated_at = excluded.updated_at`,
		d.UserID, d.Number, string(d.Action), d.FormKey, d.Version, d.At)
	if err != nil {
		return fmt.Errorf("end draft: %w", err)
	}
	return nil
}

// ForgetDraft deletes a draft in whose form nothing is left. What is typed there
// later is kept again.
func (s *Store) ForgetDraft(ctx context.Context, d Draft) error {
	_, err := s.db.ExecContext(ctx, `
		DELETE FROM drafts WHERE user_id = $1 AND case_number = $2 AND action = $3 AND fields_sealed IS NOT NULL`,
		d.UserID, d.Number, string(d.Action))
	if err != nil {
		return fmt.Errorf("forget draft: %w", err)
	}
	return nil
}

// DraftsOf reads what a person has begun to write about a case and not sent, the
// latest first.
func (s *Store) DraftsOf(ctx context.Context, userID int64, number string, now time.Time) ([]Draft, error) {
	var rows []struct {
		Action  string    `db:"action"`
		FormKey string    `db:"form_key"`
		Version int       `db:"case_version"`
		Sealed  []byte    `db:"fields_sealed"`
		At      time.Time `db:"updated_at"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		SELECT action, form_key, case_version, fields_sealed, updated_at FROM drafts
		WHERE user_id = $1 AND case_number = $2 AND fields_sealed IS NOT NULL AND updated_at > $3 ORDER BY updated_at DESC, action`,
		userID, number, now.Add(-DraftLife))
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	drafts := make([]Draft, 0, len(rows))
	for _, r := range rows {
		d := Draft{UserID: userID, Number: number, Action: casework.Action(r.Action), FormKey: r.FormKey, Version: r.Version, At: r.At}
		data, err := s.sealer.Unseal(r.Sealed, d.sealedFor())
		if err == nil {
			err = json.Unmarshal(data, &d.Fields)
		}
		if err != nil {
			return nil, fmt.Errorf("draft: %w", err)
		}
		drafts = append(drafts, d)
	}
	return drafts, nil
}

// PurgeDrafts deletes the drafts whose time has passed, and says how many there were.
func (s *Store) PurgeDrafts(ctx context.Context, now time.Time) (int64, error) {
	result, err := s.db.ExecContext(ctx, `DELETE FROM drafts WHERE updated_at <= $1`, now.Add(-DraftLife))
	if err != nil {
		return 0, fmt.Errorf("purge drafts: %w", err)
	}
	return result.RowsAffected()
}

// setAsideContext binds what was typed after a session had ended.
const setAsideContext = "set-aside"

// SealAside seals a draft of somebody who is not known yet, to be carried through
// the sign-in.
func (s *Store) SealAside(d Draft) ([]byte, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("set aside: %w", err)
	}
	return s.sealer.Seal(data, setAsideContext)
}

// UnsealAside opens what SealAside sealed.
func (s *Store) UnsealAside(sealed []byte) (Draft, error) {
	data, err := s.sealer.Unseal(sealed, setAsideContext)
	if err != nil {
		return Draft{}, fmt.Errorf("set aside: %w", err)
	}
	var d Draft
	if err := json.Unmarshal(data, &d); err != nil {
		return Draft{}, fmt.Errorf("set aside: %w", err)
	}
	return d, nil
}
