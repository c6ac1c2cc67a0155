package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// MailChoice says when somebody gets a mail about notices of a group.
type MailChoice string

// The choices. In the product everybody is told of everything.
const (
	MailNow    MailChoice = "now"
	MailDigest MailChoice = "digest"
	MailOff    MailChoice = "off"
)

// MailChoices lists the choices.
func MailChoices() []MailChoice { return []MailChoice{MailNow, MailDigest, MailOff} }

// defaultChoice is that of who has chosen nothing: what may come by the hundred
// comes once a day.
func defaultChoice(group casework.NoticeGroup) MailChoice {
	if group == casework.NoticesOfNewCases {
		return MailDigest
	}
	return MailNow
}

// NotificationSettings is how a person wants to be told.
type NotificationSettings struct {
	UserID    int64
	Email     string
	Confirmed bool // the address has answered
	Language  string
	Choices   map[casework.NoticeGroup]MailChoice // of every group
	// QuietFrom and QuietTo are a break without mails, in minutes after midnight;
	// equal: there is none.
	QuietFrom, QuietTo int
}

// Choice is what the person chose for a kind of notices; MailOff for whom no mail
// can reach.
func (s NotificationSettings) Choice(kind casework.NoticeKind) MailChoice {
	if !s.Confirmed {
		return MailOff
	}
	return s.Choices[kind.Group()]
}

// DigestKinds are the kinds that the person has in the daily mail; never nil.
func (s NotificationSettings) DigestKinds() []casework.NoticeKind {
	kinds := []casework.NoticeKind{}
	for _, kind := range casework.NoticeKinds() {
		if s.Choice(kind) == MailDigest {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

type settingsRow struct {
	UserID    int64  `db:"user_id"`
	Email     string `db:"email"`
	Confirmed bool   `db:"confirmed"`
	Language  string `db:"language"`
	Choices   []byte `db:"choices"`
	QuietFrom int    `db:"quiet_from"`
	QuietTo   int    `db:"quiet_to"`
}

func (r settingsRow) toSettings() (NotificationSettings, error) {
	s := NotificationSettings{
		UserID: r.UserID, Email: r.Email, Confirmed: r.Confirmed, Language: r.Language, QuietFrom: r.QuietFrom, QuietTo: r.QuietTo,
		Choices: map[casework.NoticeGroup]MailChoice{},
	}
	if err := json.Unmarshal(r.Choices, &s.Choices); err != nil {
		return s, fmt.Errorf("notification settings of user %d: %w", r.UserID, err)
	}
	withDefaults(s.Choices)
	return s, nil
}

// withDefaults fills in what was not chosen.
func withDefaults(choices map[casework.NoticeGroup]MailChoice) map[casework.NoticeGroup]MailChoice {
	for _, group := range casework.NoticeGroups() {
		if choices[group] == "" {
			choices[group] = defaultChoice(group)
		}
	}
	return choices
}

// NotificationSettingsOf gives the settings of people, by person. Who has chosen
// nothing has the usual ones, and no address.
func (s *Store) NotificationSettingsOf(ctx context.Context, userIDs ...int64) (map[int64]NotificationSettings, error) {
	var rows []settingsRow
	err := s.db.SelectContext(ctx, &rows, `
		SELECT u.id AS user_id, COALESCE(n.email, '') AS email, n.confirmed_at IS NOT NULL AS confirmed, COALESCE(n.language, 'zh-CN') AS language,
			COALESCE(n.choices, '{}') AS choices, COALESCE(n.quiet_from, 0) AS quiet_from, COALESCE(n.quiet_to, 0) AS quiet_to
		FROM users u LEFT JOIN notification_settings n ON n.user_id = u.id WHERE u.id = ANY ($1)`, pq.Int64Array(userIDs))
	if err != nil {
		return nil, fmt.Errorf("read notification settings: %w", err)
	}
	all := make(map[int64]NotificationSettings, len(rows))
	for _, r := range rows {
		if all[r.UserID], err = r.toSettings(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// The code that an address answers with lives so long, is asked for once in so long,
// and may be mistyped so often.
const (
	codeLife  = 30 * time.Minute
	codePause = time.Minute
	codeTries = 5
)

// ChangeEmail keeps another address of a person, and makes a mail with a code for
// it; until the code is typed it gets nothing else. An empty address is none. Two
// codes within a minute are CodeConflict.
func (s *Store) ChangeEmail(ctx context.Context, userID int64, email, code string, now time.Time) error {
	if email == "" {
		_, err := s.db.ExecContext(ctx, `
			UPDATE notification_settings SET email = '', confirmed_at = NULL, code = '', changed_at = $2 WHERE user_id = $1`, userID, now)
		if err != nil {
			return fmt.Errorf("forget an address: %w", err)
		}
		return nil
	}
	usual, err := json.Marshal(withDefaults(map[casework.NoticeGroup]MailChoice{}))
	if err != nil {
		return fmt.Errorf("notification settings: %w", err)
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO notification_settings AS n (user_id, email, code, code_at, choices, changed_at) VALUES ($1, $2, $3, $4, $5, $4)
			ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, confirmed_at = NULL, code = excluded.code, code_at = excluded.code_at, code_tries = 0,
				changed_at = excluded.changed_at
			WHERE n.code_at IS NULL OR n.code_at <= $6`, userID, email, code, now, usual, now.Add(-codePause))
		if err != nil {
			return fmt.Errorf("keep an address: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return casework.Conflict("code_sent_just_now", "one code in a minute")
		}
		return insertDelivery(ctx, tx, NewDelivery{
			Channel: DeliverMail, Kind: DeliveryConfirm, Key: fmt.Sprintf("confirm/%d/%d", userID, now.UnixMilli()), UserID: userID,
		})
	})
}

// EmailCode gives the code that an address waits for; empty when it waits for none.
func (s *Store) EmailCode(ctx context.Context, userID int64) (code string, err error) {
	err = s.db.GetContext(ctx, &code, `SELECT code FROM notification_settings WHERE user_id = $1`, userID)
	if isNoRow(err) {
		return "", nil
	}
	return code, err
}

// ConfirmEmail believes that an address is the person's when the code is right, is
// not old, and was not guessed at too often; CodeInvalid otherwise.
func (s *Store) ConfirmEmail(ctx context.Context, userID int64, code string, now time.Time) error {
	var right bool
	err := s.db.GetContext(ctx, &right, `
		UPDATE notification_settings SET code_tries = code_tries + 1,
			code = CASE WHEN code = $2 THEN '' ELSE code END,
			confirmed_at = CASE WHEN code = $2 THEN CAST($3 AS timestamptz) ELSE confirmed_at END
		WHERE user_id = $1 AND code <> '' AND code_at > $4 AND code_tries < $5
		RETURNING code = ''`, userID, code, now, now.Add(-codeLife), codeTries)
	if err != nil && !isNoRow(err) {
		return fmt.Errorf("confirm an address: %w", err)
	}
	if !right {
		return casework.Invalid("code", "wrong_email_code", "the code is wrong, too old, or was mistyped too often")
	}
	return nil
}

// SaveNotificationSettings keeps what a person chose. The address is another matter:
// see ChangeEmail.
func (s *Store) SaveNotificationSettings(ctx context.Context, n NotificationSettings, now time.Time) error {
	choices, err := json.Marshal(n.Choices)
	if err != nil {
		return fmt.Errorf("notification settings: %w", err)
	}
	_, err = s.db.ExecContext(ctx, `
		INSERT INTO notification_settings (user_id, language, choices, quiet_from, quiet_to, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id) DO UPDATE SET language = excluded.language, choices = excluded.choices,
			quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, changed_at = excluded.changed_at`,
		n.UserID, n.Language, choices, n.QuietFrom, n.QuietTo, now)
	if err != nil {
		return fmt.Errorf("save notification settings: %w", err)
	}
	return nil
}
