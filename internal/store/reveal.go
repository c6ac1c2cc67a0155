package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// RevealLimits bound how many looks one person takes, in all processes together,
// and say when the auditors are told.
type RevealLimits struct {
	PerHour, PerDay int
	// AlarmCases is how many different cases in an hour are usual; OddCases is the
	// same for looks outside office hours. One more sets the alarm off.
	AlarmCases, OddCases int
}

// orUsual fills in what nobody has set: more than anybody needs who calls people
// back, less than whoever copies a list.
func (l RevealLimits) orUsual() RevealLimits {
	return RevealLimits{
		PerHour: cmp.Or(l.PerHour, 30), PerDay: cmp.Or(l.PerDay, 100), AlarmCases: cmp.Or(l.AlarmCases, 15), OddCases: cmp.Or(l.OddCases, 5),
	}
}

// Reveal is one look at a reviewer's data in clear.
type Reveal struct {
	Number  string
	By      casework.By
	Purpose string
	// RequestID is that of the request that asks for it; empty: a look of its own.
	RequestID string
	At        time.Time
	// OddSince is since when, within the last hour, nobody works; zero: people do.
	OddSince time.Time
	Limits   RevealLimits
}

// Revealed is what a look shows, and the alarms that it set off.
type Revealed struct {
	Reviewer Reviewer
	Alarms   []AlarmKind
}

// AlarmKind is why looks are noticed.
type AlarmKind string

// The kinds of alarms.
const (
	AlarmManyCases  AlarmKind = "many-cases"
	AlarmOutOfHours AlarmKind = "out-of-hours"
)

// AlarmKinds lists the kinds of alarms.
func AlarmKinds() []AlarmKind { return []AlarmKind{AlarmManyCases, AlarmOutOfHours} }

// RevealReviewer records the look and gives the data, in one transaction: there
// is no look without its record. The same request looking again is the same look.
//
// A reviewer who is unknown, and one whose data were destroyed after the retention
// period, are CodeConflict. More looks than the limits allow are CodeTooMany.
func (s *Store) RevealReviewer(ctx context.Context, r Reveal) (Revealed, error) {
	var out Revealed
	r.Limits = r.Limits.orUsual()
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		out = Revealed{}
		var row sealedRow
		err := tx.GetContext(ctx, &row, `SELECT`+sealedColumns+`
			FROM cases c JOIN reviews v ON v.id = c.review_id LEFT JOIN data_keys k ON k.review_id = v.id
			WHERE c.number = $1`, r.Number)
		switch {
		case err != nil:
			return notFound(err, "case")
		case row.Shredded != nil:
			return casework.Conflict("shredded", "the retention period has passed, the data were destroyed")
		case row.Sealed == nil:
			return casework.Conflict("reviewer_unknown", "the rating carries no identity")
		}
		id, err := s.recordLook(ctx, tx, r)
		if err != nil {
			return err
		}
		if out.Reviewer, err = s.openReviewer(row); err != nil {
			return fmt.Errorf("reviewer of case %s: %w", r.Number, err)
		}
		if id != 0 {
			out.Alarms, err = raiseAlarms(ctx, tx, r, id)
		}
		return err
	})
	if err != nil {
		return Revealed{}, err
	}
	return out, nil
}

// recordLook keeps a look, unless it is one too many. It gives 0 for one that the
// same request took before.
func (s *Store) recordLook(ctx context.Context, tx *sqlx.Tx, r Reveal) (int64, error) {
	// The looks of one person are counted one after the other, whichever process
	// they come from.
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('reveals of ' || $1, 0))`, strconv.FormatInt(r.By.UserID, 10))
	if err != nil {
		return 0, fmt.Errorf("count looks: %w", err)
	}
	var counted struct {
		Repeated bool `db:"repeated"`
		Hour     int  `db:"hour"`
		Day      int  `db:"day"`
	}
	err = tx.GetContext(ctx, &counted, `
		SELECT EXISTS (SELECT FROM reveals WHERE request_id = CAST(NULLIF($3, '') AS uuid) AND user_id = $1 AND case_number = $4) AS repeated,
			count(*) FILTER (WHERE at > CAST($2 AS timestamptz) - interval '1 hour') AS hour, count(*) AS day
		FROM reveals WHERE user_id = $1 AND at > CAST($2 AS timestamptz) - interval '1 day'`, r.By.UserID, r.At, r.RequestID, r.Number)
	switch {
	case err != nil:
		return 0, fmt.Errorf("count looks: %w", err)
	case counted.Repeated:
		return 0, nil
	case counted.Hour >= r.Limits.PerHour:
		return 0, &casework.Error{Code: casework.CodeTooMany, Reason: "reveals_an_hour", Detail: "as many looks as one person may take in an hour were taken"}
	case counted.Day >= r.Limits.PerDay:
		return 0, &casework.Error{Code: casework.CodeTooMany, Reason: "reveals_a_day", Detail: "as many looks as one person may take in a day were taken"}
	}
	var id int64
	err = tx.GetContext(ctx, &id, `
		INSERT INTO reveals (case_number, user_id, organisation_id, rule, purpose, request_id, at)
		VALUES ($1, $2, $3, $4, $5, CAST(NULLIF($6, '') AS uuid), $7) RETURNING id`,
		r.Number, r.By.UserID, r.By.OrganisationID, r.By.Rule, casework.MaskText(r.Purpose), r.RequestID, r.At)
	if err != nil {
		return 0, fmt.Errorf("record the look: %w", err)
	}
	return id, nil
}

// raiseAlarms notices that somebody looks at more citizens than is usual, once
// for each person, hour and kind, and puts a message to the auditors into the
// outbox.
func raiseAlarms(ctx context.Context, tx *sqlx.Tx, r Reveal, revealID int64) ([]AlarmKind, error) {
	var raised []AlarmKind
	raise := func(kind AlarmKind, since time.Time, usual int) error {
		var cases int
		err := tx.GetContext(ctx, &cases, `SELECT count(DISTINCT case_number) FROM reveals WHERE user_id = $1 AND at > $2 AND at <= $3`,
			r.By.UserID, since, r.At)
		if err != nil || cases <= usual {
			return err
		}
		var ids []int64
		err = tx.SelectContext(ctx, &ids, `
			INSERT INTO reveal_alarms (user_id, hour, kind, reveal_id, cases, at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT ON CONSTRAINT one_alarm_for_each_person_hour_and_kind DO NOTHING RETURNING id`,
			r.By.UserID, r.At.Truncate(time.Hour), string(kind), revealID, cases, r.At)
		if err != nil || len(ids) == 0 {
			return err
		}
		raised = append(raised, kind)
		payload, err := json.Marshal(Message{
			Number: r.Number, Alarm: &RevealAlarm{ID: ids[0], Kind: kind, UserID: r.By.UserID, OrganisationID: r.By.OrganisationID, Cases: cases},
		})
		if err != nil {
			return err
		}
		return insertOutbox(ctx, tx, OutboxTellAuditors, fmt.Sprintf("reveal-alarm/%d", ids[0]), payload)
	}
	anHourAgo := r.At.Add(-time.Hour)
	if err := raise(AlarmManyCases, anHourAgo, r.Limits.AlarmCases); err != nil {
		return nil, fmt.Errorf("alarm: %w", err)
	}
	if r.OddSince.IsZero() {
		return raised, nil
	}
	since := anHourAgo
	if r.OddSince.After(since) {
		since = r.OddSince
	}
	if err := raise(AlarmOutOfHours, since, r.Limits.OddCases); err != nil {
		return nil, fmt.Errorf("alarm: %w", err)
	}
	return raised, nil
}

// LooksAt counts how often the reviewer of a case was looked at in clear.
func (s *Store) LooksAt(ctx context.Context, number string) (int, error) {
	return looksAt(ctx, s.db, number)
}

func looksAt(ctx context.Context, q sqlx.QueryerContext, number string) (int, error) {
	var n int
	if err := sqlx.GetContext(ctx, q, &n, `SELECT count(*) FROM reveals WHERE case_number = $1`, number); err != nil {
		return 0, fmt.Errorf("looks at %s: %w", number, err)
	}
	return n, nil
}

// RecordedReveal is a look as auditors see it. It holds no personal data.
type RecordedReveal struct {
	ID               int64       `db:"id"`
	At               time.Time   `db:"at"`
	Number           string      `db:"case_number"`
	UserID           int64       `db:"user_id"`
	UserName         string      `db:"user_name"`
	OrganisationName string      `db:"organisation_name"`
	Rule             string      `db:"rule"`
	Purpose          string      `db:"purpose"`
	AlarmList        string      `db:"alarms"`
	Alarms           []AlarmKind `db:"-"`
}

// RevealFilter narrows the list of looks. A zero field narrows nothing.
type RevealFilter struct {
	UserID      int64     // who looked
	Person      string    // the same by part of the name, or by user name
	From, Until time.Time // at or after, and before
	Number      string    // of the case
	Alarms      bool      // only looks with which an alarm went off
	Before      RevealCursor
	Limit       int // 1 to 200
}

// RevealCursor is the place of a look in the list.
type RevealCursor struct {
	At time.Time `json:"at"`
	ID int64     `json:"id"`
}

// Reveals lists the looks at the reviewers of cases in scope, newest first.
func (s *Store) Reveals(ctx context.Context, scope Scope, f RevealFilter) ([]RecordedReveal, error) {
	query, args := listingOfReveals(scope, f).page(f.Limit)
	var looks []RecordedReveal
	if err := s.db.SelectContext(ctx, &looks, query, args...); err != nil {
		return nil, fmt.Errorf("list looks: %w", err)
	}
	for i := range looks {
		looks[i] = looks[i].shown()
	}
	return looks, nil
}

// shown is a row as auditors see it.
func (r RecordedReveal) shown() RecordedReveal {
	for kind := range strings.FieldsSeq(r.AlarmList) {
		r.Alarms = append(r.Alarms, AlarmKind(kind))
	}
	r.Purpose = casework.MaskText(r.Purpose)
	return r
}

// listingOfReveals is the list of the looks at the reviewers of cases in scope, as
// far as it passes the filter.
func listingOfReveals(scope Scope, f RevealFilter) listing {
	l := listing{
		columns: `
			v.id, v.at, v.case_number, v.user_id, u.display_name AS user_name, o.name AS organisation_name, v.rule, v.purpose,
			COALESCE((SELECT string_agg(a.kind, ' ' ORDER BY a.kind) FROM reveal_alarms a WHERE a.reveal_id = v.id), '') AS alarms`,
		from: `
			FROM reveals v
			JOIN cases c ON c.number = v.case_number
			JOIN regions r ON r.code = c.region_code
			JOIN users u ON u.id = v.user_id
			JOIN organisations o ON o.id = v.organisation_id`,
		order: "v.at DESC, v.id DESC",
	}
	l.within(scope)
	l.addPerson("v.user_id", f.UserID, f.Person)
	l.addTimes("v.at", f.From, f.Until)
	if f.Number != "" {
		l.add("v.case_number = $%d", f.Number)
	}
	if f.Alarms {
		l.add("EXISTS (SELECT FROM reveal_alarms a WHERE a.reveal_id = v.id)")
	}
	if f.Before.ID != 0 {
		l.add("(v.at, v.id) < ($%d, $%d)", f.Before.At, f.Before.ID)
	}
	return l
}

// CasesOfReviewer lists the other cases in scope of the citizen who opened a case,
// the newest first: of the same phone or the same identity number. They are found
// by keyed hashes, so nobody types either.
func (s *Store) CasesOfReviewer(ctx context.Context, scope Scope, number string, limit int) ([]Case, error) {
	inScope, args := scope.where(3)
	var rows []caseRow
	err := s.db.SelectContext(ctx, &rows, `SELECT`+caseColumns+caseJoins+`
		JOIN reviews own ON own.id = (SELECT review_id FROM cases WHERE number = $1)
		WHERE c.number <> $1 AND v.index_key = own.index_key
		AND (v.reviewer_phone_index = own.reviewer_phone_index OR v.reviewer_id_index = own.reviewer_id_index)
		AND `+inScope+` ORDER BY v.rated_at DESC, c.number DESC LIMIT $2`, append([]any{number, limit}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("cases of the reviewer of %s: %w", number, err)
	}
	return toCases(rows), nil
}
