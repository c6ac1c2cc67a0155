package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// DeliveryChannel is a way out of the house.
type DeliveryChannel string

// The channels: mail to a person, and three kinds of webhooks to an organisation.
const (
	DeliverMail     DeliveryChannel = "mail"
	DeliverGeneric  DeliveryChannel = "generic"
	DeliverWeCom    DeliveryChannel = "wecom"
	DeliverDingTalk DeliveryChannel = "dingtalk"
)

// The kinds of deliveries beside those of notices.
const (
	DeliveryDigest  = "digest"  // what is due today, and what is new
	DeliveryConfirm = "confirm" // the code that an address answers with
)

// NewDelivery is something that must leave the house. Channel and Key together are
// made once.
type NewDelivery struct {
	Channel DeliveryChannel
	Kind    string
	Key     string
	UserID  int64 // of a mail
	Number  string
	Days    int
}

// Delivery is something that waits to leave the house.
type Delivery struct {
	ID        int64           `db:"id"`
	Channel   DeliveryChannel `db:"channel"`
	Kind      string          `db:"kind"`
	Key       string          `db:"key"`
	UserID    int64           `db:"user_id"`
	Number    string          `db:"case_number"`
	Days      int             `db:"days"`
	Attempts  int             `db:"attempts"`
	CreatedAt time.Time       `db:"created_at"`
}

func insertDelivery(ctx context.Context, tx *sqlx.Tx, d NewDelivery) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO deliveries (channel, kind, key, user_id, case_number, days) VALUES ($1, $2, $3, NULLIF($4, 0), NULLIF($5, ''), $6)
		ON CONFLICT ON CONSTRAINT delivery_is_made_once DO NOTHING`,
		string(d.Channel), d.Kind, d.Key, d.UserID, d.Number, d.Days)
	if err != nil {
		return fmt.Errorf("insert delivery %s: %w", d.Key, err)
	}
	return nil
}

// Sent is what became of an attempt to deliver.
type Sent struct {
	Err   error     // nil: it was delivered, or is not needed any more
	Final bool      // another attempt would fail as this one did
	Later time.Time // not attempted: it has to wait until then
}

// A delivery that fails waits from the first to the second, twice as long each
// time, and is given up after so many attempts: about three days, of trying.
const (
	deliveryFirstWait = 30 * time.Second
	deliveryLongWait  = 2 * time.Hour
	deliveryAttempts  = 42
)

// SendDeliveries hands up to limit deliveries of one channel that are due to send,
// all at once, and notes what became of them. Any number of callers may do so: each
// delivery is with one of them, and with nobody when its process dies. It returns
// how many it took, and whether they were given up.
func (s *Store) SendDeliveries(
	ctx context.Context, channel DeliveryChannel, now time.Time, limit int, send func(context.Context, []Delivery) Sent,
) (taken int, dead bool, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		var deliveries []Delivery
		err := tx.SelectContext(ctx, &deliveries, `
			SELECT id, channel, kind, key, COALESCE(user_id, 0) AS user_id, COALESCE(case_number, '') AS case_number, days, attempts, created_at
			FROM deliveries
			WHERE channel = $1 AND done_at IS NULL AND dead_at IS NULL AND next_attempt_at <= $2
			ORDER BY next_attempt_at, id LIMIT $3 FOR UPDATE SKIP LOCKED`, string(channel), now, limit)
		if err != nil {
			return fmt.Errorf("read deliveries: %w", err)
		}
		if len(deliveries) == 0 {
			return nil
		}
		taken = len(deliveries)
		sent := send(ctx, deliveries)
		dead, err = settleDeliveries(ctx, tx, deliveries, now, sent)
		return err
	})
	return taken, dead, err
}

func settleDeliveries(ctx context.Context, tx *sqlx.Tx, deliveries []Delivery, now time.Time, sent Sent) (dead bool, err error) {
	attempts := 0
	ids := make(pq.Int64Array, 0, len(deliveries))
	for _, d := range deliveries {
		attempts = max(attempts, d.Attempts+1)
		ids = append(ids, d.ID)
	}
	switch {
	case !sent.Later.IsZero():
		_, err = tx.ExecContext(ctx, `UPDATE deliveries SET next_attempt_at = $2 WHERE id = ANY ($1)`, ids, sent.Later)
	case sent.Err == nil:
		_, err = tx.ExecContext(ctx, `UPDATE deliveries SET done_at = $2, last_error = '' WHERE id = ANY ($1)`, ids, now)
	default:
		dead = sent.Final || attempts >= deliveryAttempts
		wait := min(deliveryFirstWait<<min(attempts-1, 16), deliveryLongWait)
		_, err = tx.ExecContext(ctx, `
			UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = $2, last_error = $3,
				dead_at = CASE WHEN CAST($4 AS boolean) THEN CAST($5 AS timestamptz) END
			WHERE id = ANY ($1)`, ids, now.Add(wait), errorText(sent.Err), dead, now)
	}
	if err != nil {
		return false, fmt.Errorf("note what became of deliveries: %w", err)
	}
	return dead, nil
}

// DeadDeliveries counts what was given up.
func (s *Store) DeadDeliveries(ctx context.Context) (n int, err error) {
	if err := s.db.GetContext(ctx, &n, `SELECT count(*) FROM deliveries WHERE dead_at IS NOT NULL`); err != nil {
		return 0, fmt.Errorf("count deliveries that were given up: %w", err)
	}
	return n, nil
}

// The days for which what was delivered, and what was read, is kept.
const (
	keepDelivered = 90
	keepRead      = 365
)

// PurgeNotifications deletes what was delivered, and what was read, long ago.
func (s *Store) PurgeNotifications(ctx context.Context, now time.Time) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM deliveries WHERE done_at < $1`, now.AddDate(0, 0, -keepDelivered)); err != nil {
		return fmt.Errorf("purge deliveries: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, `DELETE FROM notifications WHERE read_at < $1`, now.AddDate(0, 0, -keepRead)); err != nil {
		return fmt.Errorf("purge notifications: %w", err)
	}
	return nil
}

// DigestKey names the daily mail of a person and a day.
func DigestKey(userID int64, day casework.Date) string {
	return fmt.Sprintf("digest/%d/%s", userID, day)
}

// MakeDigests makes the daily mail of a day for everybody who wants one, who chose so
// before that instant, and who has none of this day.
func (s *Store) MakeDigests(ctx context.Context, day casework.Date, before time.Time) error {
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO deliveries (channel, kind, key, user_id)
		SELECT 'mail', $1, 'digest/' || n.user_id || '/' || $2, n.user_id -- as DigestKey
		FROM notification_settings n JOIN users u ON u.id = n.user_id
		WHERE n.confirmed_at < $3 AND n.changed_at < $3 AND u.disabled_at IS NULL
		AND EXISTS (SELECT FROM jsonb_each_text(n.choices) WHERE value = 'digest')
		AND NOT EXISTS (SELECT FROM deliveries d WHERE d.channel = 'mail' AND d.key = 'digest/' || n.user_id || '/' || $2)
		ON CONFLICT ON CONSTRAINT delivery_is_made_once DO NOTHING`, DeliveryDigest, day.String(), before)
	if err != nil {
		return fmt.Errorf("make the mails of %s: %w", day, err)
	}
	return nil
}
