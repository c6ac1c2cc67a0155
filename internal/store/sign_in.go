package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// SignInWay is how somebody proves who they are.
type SignInWay string

// The ways.
const (
	WayPassword     SignInWay = "password"
	WaySecondFactor SignInWay = "second_factor"
	WayRecoveryCode SignInWay = "recovery_code"
	WayDemo         SignInWay = "demo"
	WayLink         SignInWay = "link" // a link of their own, for a first password
	WayOIDC         SignInWay = "oidc"
	WayLDAP         SignInWay = "ldap"
)

// SignInWays lists the ways.
func SignInWays() []SignInWay {
	return []SignInWay{WayPassword, WaySecondFactor, WayRecoveryCode, WayDemo, WayLink, WayOIDC, WayLDAP}
}

// SignInOutcome is what came of an attempt.
type SignInOutcome string

// The outcomes. Locked is refused without being counted.
const (
	SignedIn      SignInOutcome = "signed_in"
	SignInRefused SignInOutcome = "refused"
	SignInLocked  SignInOutcome = "locked"
)

// SignInOutcomes lists the outcomes.
func SignInOutcomes() []SignInOutcome { return []SignInOutcome{SignedIn, SignInRefused, SignInLocked} }

// After this many failures in a row a name is locked: a minute, then twice as long
// each time, up to an hour. A day without a failure forgets them.
const failuresBeforeLock = 5

// SignInAttempt is one attempt, to be recorded.
type SignInAttempt struct {
	Name    string // as it was typed; only its keyed hash is kept
	UserID  int64  // 0: nobody
	Way     SignInWay
	Outcome SignInOutcome
	Address string
	At      time.Time
}

func (s *Store) nameHash(name string) []byte { return s.sealer.Hash([]byte("sign-in name\x00" + name)) }

// TakeAttempt counts an attempt at a name as a failure before it is judged, in one
// step, so that of any number at once, in all processes, no more are judged than
// may fail. False: the name is locked. It makes no difference whether anybody has it.
func (s *Store) TakeAttempt(ctx context.Context, name string, now time.Time) (bool, error) {
	return s.took(ctx, `
		INSERT INTO sign_in_locks AS l (name_hash, failures, last_failure) VALUES ($1, 1, $2)
		ON CONFLICT (name_hash) DO UPDATE SET
			failures = CASE WHEN l.last_failure < $2 - interval '1 day' THEN 1 ELSE l.failures + 1 END,
			last_failure = $2,
			locked_until = CASE WHEN l.last_failure >= $2 - interval '1 day' AND l.failures + 1 >= $3
				THEN $2 + least(interval '1 minute' * power(2, least(l.failures + 1 - $3, 10)), interval '1 hour') END
		WHERE l.locked_until IS NULL OR l.locked_until <= $2`,
		s.nameHash(name), now, failuresBeforeLock)
}

// ReturnAttempt takes back what TakeAttempt counted, for an attempt that was no
// failure and no sign-in yet. What failed before still counts.
func (s *Store) ReturnAttempt(ctx context.Context, name string) error {
	_, err := s.db.ExecContext(ctx, `
		WITH gone AS (DELETE FROM sign_in_locks WHERE name_hash = $1 AND failures = 1 RETURNING name_hash)
		UPDATE sign_in_locks SET failures = failures - 1, locked_until = CASE WHEN failures > $2 THEN locked_until END
		WHERE name_hash = $1 AND failures > 1`, s.nameHash(name), failuresBeforeLock)
	if err != nil {
		return fmt.Errorf("return an attempt: %w", err)
	}
	return nil
}

// RecordSignIn keeps what came of an attempt. A success forgets the failures.
func (s *Store) RecordSignIn(ctx context.Context, a SignInAttempt) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_events (at, user_id, way, outcome, address) VALUES ($1, NULLIF($2, 0), $3, $4, $5)`,
			a.At, a.UserID, string(a.Way), string(a.Outcome), a.Address)
		if err == nil && a.Outcome == SignedIn {
			_, err = tx.ExecContext(ctx, `DELETE FROM sign_in_locks WHERE name_hash = $1`, s.nameHash(a.Name))
		}
		if err != nil {
			return fmt.Errorf("record sign-in: %w", err)
		}
		return nil
	})
}

// SignInEvent is an attempt, as its person sees it.
type SignInEvent struct {
	At      time.Time     `db:"at"`
	Way     SignInWay     `db:"way"`
	Outcome SignInOutcome `db:"outcome"`
	Address string        `db:"address"`
}

// SignInsOf lists the last attempts at a person's account, newest first.
func (s *Store) SignInsOf(ctx context.Context, userID int64, limit int) ([]SignInEvent, error) {
	var events []SignInEvent
	err := s.db.SelectContext(ctx, &events,
		`SELECT at, way, outcome, address FROM sign_in_events WHERE user_id = $1 ORDER BY at DESC, id DESC LIMIT $2`, userID, limit)
	if err != nil {
		return nil, fmt.Errorf("sign-ins: %w", err)
	}
	return events, nil
}

// SetPassword keeps the hash of a new password, and ends every other session of
// the person; keep is the one that stays, empty for none.
func (s *Store) SetPassword(ctx context.Context, userID int64, hash, keep string) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE users SET password_hash = $2 WHERE id = $1`, userID, hash); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		return endSessions(ctx, tx, userID, keep)
	})
}

// SignInReset takes from somebody every way in, and leaves a link for a new
// password.
type SignInReset struct {
	UserID    int64
	By        casework.By
	TokenHash []byte // SHA-256 of the link's secret
	ExpiresAt time.Time
}

// ResetSignIn ends sessions and tokens, forgets password and second factor, and
// keeps the link. An earlier link of the person is worth nothing from then on.
func (s *Store) ResetSignIn(ctx context.Context, r SignInReset) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		u, err := person(ctx, tx, r.UserID, " FOR UPDATE OF u")
		if err != nil {
			return err
		}
		if u.Demo {
			return casework.Conflict("invented_person", "the invented people of the demo have no password")
		}
		for _, statement := range []string{
			`UPDATE users SET password_hash = NULL, totp_sealed = NULL, version = version + 1 WHERE id = $1`,
			`DELETE FROM recovery_codes WHERE user_id = $1`,
			`UPDATE sign_in_links SET used_at = now() WHERE user_id = $1 AND used_at IS NULL`,
			`UPDATE api_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL`,
		} {
			if _, err := tx.ExecContext(ctx, statement, r.UserID); err != nil {
				return fmt.Errorf("reset sign-in: %w", err)
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO sign_in_links (token_hash, user_id, expires_at) VALUES ($1, $2, $3)`, r.TokenHash, r.UserID, r.ExpiresAt)
		if err != nil {
			return fmt.Errorf("reset sign-in: %w", err)
		}
		if err := endSessions(ctx, tx, r.UserID, ""); err != nil {
			return err
		}
		return recordAdminChange(ctx, tx, AdminChange{
			By: r.By, Kind: AdminSignInReset, Subject: SubjectPerson, SubjectID: strconv.FormatInt(r.UserID, 10), SubjectName: u.DisplayName,
			RegionCode: u.Actor.RegionCode, After: map[string]any{"expires_at": r.ExpiresAt.UTC()},
		})
	})
}

// UserByLink reads whose unused link has this SHA-256; CodeNotFound for any other.
func (s *Store) UserByLink(ctx context.Context, hash []byte, now time.Time) (User, error) {
	return s.user(ctx, `u.id = (SELECT l.user_id FROM sign_in_links l WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > $2)`, hash, now)
}

// UseLink sets a password by a link, once; CodeNotFound when it was used meanwhile.
func (s *Store) UseLink(ctx context.Context, hash []byte, now time.Time, passwordHash string) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		var userID int64
		err := tx.GetContext(ctx, &userID,
			`UPDATE sign_in_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING user_id`, hash, now)
		if err != nil {
			return notFound(err, "link")
		}
		if _, err := tx.ExecContext(ctx, `UPDATE users SET password_hash = $2 WHERE id = $1`, userID, passwordHash); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		return endSessions(ctx, tx, userID, "")
	})
}

// SecondFactor gives the sealed secret of somebody's second factor; nil for none.
func (s *Store) SecondFactor(ctx context.Context, userID int64) (sealed []byte, err error) {
	err = s.db.GetContext(ctx, &sealed, `SELECT totp_sealed FROM users WHERE id = $1`, userID)
	return sealed, notFound(err, "user")
}

// SetSecondFactor keeps a secret and the hashes of its recovery codes in the place
// of what there was. The step is that of the code which proved it.
func (s *Store) SetSecondFactor(ctx context.Context, userID int64, sealed []byte, step int64, codes [][]byte) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE users SET totp_sealed = $2, totp_last_step = greatest(totp_last_step, $3) WHERE id = $1`, userID, sealed, step)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, userID)
		}
		for _, code := range codes {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)`, userID, code)
			}
		}
		if err != nil {
			return fmt.Errorf("set second factor: %w", err)
		}
		return nil
	})
}

// UseStep takes the code of a time step, once; false when it, or a later one, was
// taken before.
func (s *Store) UseStep(ctx context.Context, userID, step int64) (bool, error) {
	return s.took(ctx, `UPDATE users SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2 AND totp_sealed IS NOT NULL`, userID, step)
}

// UseRecoveryCode takes a recovery code, once; false for any other.
func (s *Store) UseRecoveryCode(ctx context.Context, userID int64, hash []byte) (bool, error) {
	return s.took(ctx, `UPDATE recovery_codes SET used_at = now() WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL`, userID, hash)
}

func (s *Store) took(ctx context.Context, statement string, args ...any) (bool, error) {
	result, err := s.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("use a code: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
