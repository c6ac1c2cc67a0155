package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// ViewedList names a list that views are saved of.
type ViewedList string

// The lists.
const (
	ViewedTasks ViewedList = "tasks"
	ViewedCases ViewedList = "cases"
)

// SavedView is a way to narrow a list that somebody kept under a name. Query has
// the names and values of the list's address.
type SavedView struct {
	ID             int64      `db:"id"`
	List           ViewedList `db:"list"`
	Name           string     `db:"name"`
	Query          string     `db:"query"`
	OwnerID        int64      `db:"owner_id"`
	OwnerName      string     `db:"owner_name"`
	OrganisationID int64      `db:"organisation_id"`
	Shared         bool       `db:"shared"`
}

// SavedViews lists a person's own views of a list, and what is shared in the
// organisation, in the order of their making.
func (s *Store) SavedViews(ctx context.Context, userID, organisationID int64, list ViewedList) ([]SavedView, error) {
	var views []SavedView
	err := s.db.SelectContext(ctx, &views, `
		SELECT s.id, s.list, s.name, s.query, s.owner_id, u.display_name AS owner_name, s.organisation_id, s.shared
		FROM saved_views s JOIN users u ON u.id = s.owner_id
		WHERE s.list = $3 AND (s.owner_id = $1 AND NOT s.shared OR s.organisation_id = $2 AND s.shared)
		ORDER BY s.shared, s.id`, userID, organisationID, string(list))
	if err != nil {
		return nil, fmt.Errorf("saved views: %w", err)
	}
	return views, nil
}

// SaveView keeps a view. There may be so many of a list for a person, or shared in
// an organisation; a name that is taken is CodeConflict.
func (s *Store) SaveView(ctx context.Context, v SavedView, most int) (int64, error) {
	var id int64
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		// Who counts at the same time does not see this one: one after the other, then.
		whose := fmt.Sprintf("views of person %d", v.OwnerID)
		if v.Shared {
			whose = fmt.Sprintf("views of organisation %d", v.OrganisationID)
		}
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, whose); err != nil {
			return err
		}
		return tx.GetContext(ctx, &id, `
			INSERT INTO saved_views (list, name, query, owner_id, organisation_id, shared)
			SELECT $1, $2, $3, $4, $5, $6
			WHERE (SELECT count(*) FROM saved_views WHERE list = $1 AND shared = $6
			       AND CASE WHEN shared THEN organisation_id = $5 ELSE owner_id = $4 END) < $7
			RETURNING id`, string(v.List), v.Name, v.Query, v.OwnerID, v.OrganisationID, v.Shared, most)
	})
	switch {
	case violates(err, "own_view_is_named_once"), violates(err, "shared_view_is_named_once"):
		return 0, casework.Conflict("view_name_taken", "there is a view of that name")
	case isNoRow(err):
		return 0, casework.Conflict("too_many_views", "there are as many views as fit")
	case err != nil:
		return 0, fmt.Errorf("save view: %w", err)
	}
	return id, nil
}

// DropView deletes a view: one's own, or with all a shared one of the
// organisation. CodeNotFound when there is none such.
func (s *Store) DropView(ctx context.Context, id, userID, organisationID int64, all bool) error {
	err := s.db.GetContext(ctx, &id, `
		DELETE FROM saved_views WHERE id = $1 AND (owner_id = $2 OR $4 AND shared AND organisation_id = $3)
		RETURNING id`, id, userID, organisationID, all)
	return notFound(err, "view")
}
