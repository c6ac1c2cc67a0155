package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// Session is a session as its person, and who may end it, see it.
type Session struct {
	ID      string    `db:"id"`
	UserID  int64     `db:"user_id"`
	Way     SignInWay `db:"way"`
	Address string    `db:"address"`
	Browser string    `db:"browser"`
	BeganAt time.Time `db:"began_at"`
	SeenAt  time.Time `db:"seen_at"` // to the minute

	// Of who it is, in the list of administration.
	DisplayName      string `db:"display_name"`
	OrganisationName string `db:"organisation_name"`
}

// How long a session lives without a request, and in all; the session library ends
// it then, and it is listed no longer.
const (
	SessionIdle     = 30 * time.Minute
	SessionLifetime = 12 * time.Hour
)

// BeginSession keeps that a session began and gives its id.
func (s *Store) BeginSession(ctx context.Context, b Session) (id string, err error) {
	err = s.db.GetContext(ctx, &id, `
		INSERT INTO user_sessions (user_id, way, address, browser, began_at, seen_at) VALUES ($1, $2, $3, $4, $5, $5) RETURNING id`,
		b.UserID, string(b.Way), b.Address, b.Browser, b.BeganAt)
	if err != nil {
		return "", fmt.Errorf("begin session: %w", err)
	}
	return id, nil
}

const userOfSession = `u.id = (SELECT n.user_id FROM user_sessions n WHERE n.id = CAST($1 AS uuid) AND n.ended_at IS NULL)`

// UserOfSession reads the person of a session that has not ended; CodeNotFound for
// any other, and for who was disabled.
func (s *Store) UserOfSession(ctx context.Context, id string, now time.Time) (User, error) {
	u, err := s.user(ctx, userOfSession, id)
	if err != nil {
		return User{}, err
	}
	_, err = s.db.ExecContext(ctx, `UPDATE user_sessions SET seen_at = $2 WHERE id = CAST($1 AS uuid) AND seen_at < $3`, id, now, now.Add(-time.Minute))
	if err != nil {
		return User{}, fmt.Errorf("see session: %w", err)
	}
	return u, nil
}

// SessionStands reads the person of a session that has not ended, as UserOfSession
// does, and does not count as use of it.
func (s *Store) SessionStands(ctx context.Context, id string) (User, error) {
	return s.user(ctx, userOfSession, id)
}

// EndSession ends one session of a person: of anybody else nothing is ended.
func (s *Store) EndSession(ctx context.Context, userID int64, id string) error {
	_, err := s.db.ExecContext(ctx,
		`UPDATE user_sessions SET ended_at = now() WHERE user_id = $1 AND CAST(id AS text) = $2 AND ended_at IS NULL`, userID, id)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndOtherSessions ends all sessions of a person but one.
func (s *Store) EndOtherSessions(ctx context.Context, userID int64, keep string) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error { return endSessions(ctx, tx, userID, keep) })
}

func endSessions(ctx context.Context, tx *sqlx.Tx, userID int64, keep string) error {
	_, err := tx.ExecContext(ctx, `UPDATE user_sessions SET ended_at = now() WHERE user_id = $1 AND CAST(id AS text) <> $2 AND ended_at IS NULL`, userID, keep)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// EndAllOf signs somebody out everywhere and takes their tokens, as administration
// does, and records it.
func (s *Store) EndAllOf(ctx context.Context, userID int64, by casework.By) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		u, err := person(ctx, tx, userID, "")
		if err != nil {
			return err
		}
		if err := endSessions(ctx, tx, userID, ""); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL`, userID); err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
		return recordAdminChange(ctx, tx, AdminChange{
			By: by, Kind: AdminSessionsEnded, Subject: SubjectPerson, SubjectID: strconv.FormatInt(userID, 10), SubjectName: u.DisplayName,
			RegionCode: u.Actor.RegionCode,
		})
	})
}

const sessionColumns = `
	CAST(n.id AS text) AS id, n.user_id, n.way, n.address, n.browser, n.began_at, n.seen_at, u.display_name, o.name AS organisation_name
	FROM user_sessions n JOIN users u ON u.id = n.user_id JOIN organisations o ON o.id = u.organisation_id JOIN regions r ON r.code = o.region_code
	WHERE n.ended_at IS NULL AND u.disabled_at IS NULL AND n.seen_at > $1 AND n.began_at > $2`

// SessionsOf lists the live sessions of a person, the latest first.
func (s *Store) SessionsOf(ctx context.Context, userID int64, now time.Time) ([]Session, error) {
	return s.sessions(ctx, ` AND n.user_id = $3 ORDER BY n.began_at DESC`, now, userID)
}

// SessionsBelow lists the live sessions of the people in or below a region, the
// latest first, at most limit.
func (s *Store) SessionsBelow(ctx context.Context, regionCode string, now time.Time, limit int) ([]Session, error) {
	return s.sessions(ctx, ` AND r.path @> ARRAY[$3] ORDER BY n.began_at DESC LIMIT $4`, now, regionCode, limit)
}

func (s *Store) sessions(ctx context.Context, condition string, now time.Time, args ...any) ([]Session, error) {
	var sessions []Session
	args = append([]any{now.Add(-SessionIdle - time.Minute), now.Add(-SessionLifetime)}, args...)
	if err := s.db.SelectContext(ctx, &sessions, `SELECT`+sessionColumns+condition, args...); err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return sessions, nil
}

// PurgeSignIns forgets sessions that ended, and failures that count no more.
func (s *Store) PurgeSignIns(ctx context.Context, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM user_sessions WHERE began_at < $1`, now.Add(-2*SessionLifetime))
	if err == nil {
		_, err = s.db.ExecContext(ctx, `DELETE FROM sign_in_locks WHERE last_failure < $1`, now.Add(-48*time.Hour))
	}
	if err != nil {
		return fmt.Errorf("purge sign-ins: %w", err)
	}
	return nil
}
