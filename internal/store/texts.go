package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// Text is a text template of an authority.
type Text struct {
	casework.TextTemplate

	ID int64
	// OrganisationID is the authority, as it is today.
	OrganisationID   int64
	OrganisationName string
	MatterName       string
	Version          int
	ChangedAt        time.Time
	ChangedByName    string
	RetiredAt        *time.Time
}

type textRow struct {
	ID               int64      `db:"id"`
	OrganisationID   int64      `db:"organisation_id"`
	OrganisationName string     `db:"organisation_name"`
	RegionCode       string     `db:"region_code"`
	Kind             string     `db:"kind"`
	Name             string     `db:"name"`
	Body             string     `db:"body"`
	Stage            string     `db:"stage"`
	Aspect           string     `db:"aspect"`
	MatterCode       string     `db:"matter_code"`
	MatterName       string     `db:"matter_name"`
	Version          int        `db:"version"`
	ChangedAt        time.Time  `db:"changed_at"`
	ChangedByName    string     `db:"changed_by_name"`
	RetiredAt        *time.Time `db:"retired_at"`
}

func (r textRow) toText() Text {
	return Text{
		TextTemplate: casework.TextTemplate{
			Kind: casework.TextKind(r.Kind), Name: r.Name, Body: r.Body, Stage: casework.Stage(r.Stage), Aspect: casework.Aspect(r.Aspect),
			MatterCode: r.MatterCode,
		},
		ID: r.ID, OrganisationID: r.OrganisationID, OrganisationName: r.OrganisationName, MatterName: r.MatterName, Version: r.Version,
		ChangedAt: r.ChangedAt, ChangedByName: r.ChangedByName, RetiredAt: r.RetiredAt,
	}
}

// The texts of an authority that has ended are those of who followed it.
const textColumns = `
	t.id, o.id AS organisation_id, o.name AS organisation_name, o.region_code, t.kind, t.name, t.body,
	COALESCE(t.stage, '') AS stage, COALESCE(t.aspect, '') AS aspect, COALESCE(t.matter_code, '') AS matter_code, COALESCE(m.name, '') AS matter_name,
	t.version, t.changed_at, u.display_name AS changed_by_name, t.retired_at
	FROM text_templates t
	JOIN organisations w ON w.id = t.organisation_id
	JOIN organisations o ON o.id = COALESCE(w.current_id, w.id)
	JOIN users u ON u.id = t.changed_by
	LEFT JOIN matters m ON m.code = t.matter_code`

// TextsOf lists the texts of authorities, those of the first authority first, by
// name; those that are retired only when asked for.
func (s *Store) TextsOf(ctx context.Context, authorities []int64, retired bool) ([]Text, error) {
	var rows []textRow
	err := s.db.SelectContext(ctx, &rows, `SELECT`+textColumns+`
		WHERE o.id = ANY ($1) AND (t.retired_at IS NULL OR $2)
		ORDER BY array_position($1, o.id), t.retired_at IS NOT NULL, t.name, t.id`, pq.Int64Array(authorities), retired)
	if err != nil {
		return nil, fmt.Errorf("list texts: %w", err)
	}
	texts := make([]Text, 0, len(rows))
	for _, r := range rows {
		texts = append(texts, r.toText())
	}
	return texts, nil
}

// TextByID reads one text, a retired one too; CodeNotFound when there is none.
func (s *Store) TextByID(ctx context.Context, id int64) (Text, error) {
	var row textRow
	if err := s.db.GetContext(ctx, &row, `SELECT`+textColumns+` WHERE t.id = $1`, id); err != nil {
		return Text{}, notFound(err, "text")
	}
	return row.toText(), nil
}

// AuthoritiesAbove lists the authorities in being of a region and of the regions
// above it, the nearest first.
func (s *Store) AuthoritiesAbove(ctx context.Context, regionCode string) ([]int64, error) {
	var ids []int64
	err := s.db.SelectContext(ctx, &ids, `
		SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code JOIN regions r ON r.code = $1
		WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) ORDER BY cardinality(ar.path) DESC`, regionCode)
	if err != nil {
		return nil, fmt.Errorf("authorities above region %s: %w", regionCode, err)
	}
	return ids, nil
}

// CreateText keeps a new text of the authority of who wrote it, and records it. A
// name that another text there has is CodeConflict.
func (s *Store) CreateText(ctx context.Context, t casework.TextTemplate, by casework.By) (id int64, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &id, `
			INSERT INTO text_templates (organisation_id, kind, name, body, stage, aspect, matter_code, changed_by)
			VALUES ($1, $2, $3, $4, NULLIF($5, ''), NULLIF($6, ''), NULLIF($7, ''), $8) RETURNING id`,
			by.OrganisationID, string(t.Kind), t.Name, t.Body, string(t.Stage), string(t.Aspect), t.MatterCode, by.UserID)
		if err != nil {
			return textRefused(err)
		}
		return recordText(ctx, tx, by, AdminTextCreated, id, nil, t)
	})
	return id, err
}

// TextChange is what is to become of a text.
type TextChange struct {
	ID      int64
	Version int // that was seen; another one now is CodeStale
	Text    casework.TextTemplate
	Retire  bool // and nothing else
	By      casework.By
}

// ChangeText changes or retires a text of the authority of who changes it, and
// records it. One of another authority is CodeNotFound; one that is retired is
// CodeConflict.
func (s *Store) ChangeText(ctx context.Context, c TextChange) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		var row textRow
		if err := tx.GetContext(ctx, &row, `SELECT`+textColumns+` WHERE t.id = $1 AND o.id = $2 FOR UPDATE OF t`, c.ID, c.By.OrganisationID); err != nil {
			return notFound(err, "text")
		}
		was := row.toText()
		switch {
		case was.RetiredAt != nil:
			return casework.Conflict("text_retired", "this text was retired")
		case was.Version != c.Version:
			return &casework.Error{Code: casework.CodeStale, Reason: "text_changed", Detail: "somebody changed this text meanwhile"}
		case c.Retire:
			_, err := tx.ExecContext(ctx, `
				UPDATE text_templates SET retired_at = clock_timestamp(), changed_at = clock_timestamp(), changed_by = $2, version = version + 1
				WHERE id = $1`, c.ID, c.By.UserID)
			if err != nil {
				return fmt.Errorf("retire text: %w", err)
			}
			return recordText(ctx, tx, c.By, AdminTextRetired, c.ID, was.TextTemplate, nil)
		}
		_, err := tx.ExecContext(ctx, `
			UPDATE text_templates SET kind = $2, name = $3, body = $4, stage = NULLIF($5, ''), aspect = NULLIF($6, ''), matter_code = NULLIF($7, ''),
				changed_at = clock_timestamp(), changed_by = $8, version = version + 1
			WHERE id = $1`,
			c.ID, string(c.Text.Kind), c.Text.Name, c.Text.Body, string(c.Text.Stage), string(c.Text.Aspect), c.Text.MatterCode, c.By.UserID)
		if err != nil {
			return textRefused(err)
		}
		return recordText(ctx, tx, c.By, AdminTextChanged, c.ID, was.TextTemplate, c.Text)
	})
}

func textRefused(err error) error {
	switch {
	case violates(err, "one_text_of_a_name_in_an_authority"):
		return casework.Invalid("name", "text_name_taken", "another text of this authority has the name")
	case violates(err, "text_templates_matter_code_fkey"):
		return casework.Invalid("matter_code", "matter_not_found", "there is no such matter")
	default:
		return fmt.Errorf("keep text: %w", err)
	}
}

// recordText records what was done to a text; before or after is nil where there
// was nothing, or is no more.
func recordText(ctx context.Context, tx *sqlx.Tx, by casework.By, kind AdminKind, id int64, before, after any) error {
	named, ok := after.(casework.TextTemplate)
	if !ok {
		named, _ = before.(casework.TextTemplate)
	}
	var region string
	if err := tx.GetContext(ctx, &region, `SELECT region_code FROM organisations WHERE id = $1`, by.OrganisationID); err != nil {
		return notFound(err, "organisation")
	}
	return recordAdminChange(ctx, tx, AdminChange{
		By: by, Kind: kind, Subject: SubjectText, SubjectID: strconv.FormatInt(id, 10), SubjectName: named.Name, RegionCode: region,
		Before: before, After: after,
	})
}
