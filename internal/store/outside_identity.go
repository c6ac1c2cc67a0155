package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// OutsideIdentity is who somebody is elsewhere.
type OutsideIdentity struct {
	Issuer  string `db:"issuer" json:"issuer"`
	Subject string `db:"subject" json:"subject"`
}

// UserByOutside reads who is linked to an identity elsewhere; CodeNotFound for
// nobody, and for who is disabled.
func (s *Store) UserByOutside(ctx context.Context, o OutsideIdentity) (User, error) {
	return s.user(ctx, `u.id = (SELECT i.user_id FROM user_identities i WHERE i.issuer = $1 AND i.subject = $2)`, o.Issuer, o.Subject)
}

// LinkIdentity links somebody to an identity elsewhere, and records it. One that is
// linked already, to anybody, and a second one at the same issuer are CodeConflict.
func (s *Store) LinkIdentity(ctx context.Context, userID int64, o OutsideIdentity, by casework.By) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO user_identities (issuer, subject, user_id) VALUES ($1, $2, $3)`, o.Issuer, o.Subject, userID)
		switch {
		case violates(err, "identity_belongs_to_one_person"), violates(err, "one_identity_of_a_person_at_each_issuer"):
			return casework.Conflict("identity_linked", "the identity is somebody's, or the person has another one there")
		case violates(err, "identity_is_not_blank"):
			return casework.Invalid("subject", "required", "issuer and subject")
		case err != nil:
			return fmt.Errorf("link identity: %w", err)
		}
		return recordIdentity(ctx, tx, userID, AdminChange{By: by, Kind: AdminIdentityLinked, After: o})
	})
}

// UnlinkIdentity takes an identity from somebody; CodeNotFound when it is not theirs.
func (s *Store) UnlinkIdentity(ctx context.Context, userID int64, o OutsideIdentity, by casework.By) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM user_identities WHERE issuer = $1 AND subject = $2 AND user_id = $3`, o.Issuer, o.Subject, userID)
		if err != nil {
			return fmt.Errorf("unlink identity: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return &casework.Error{Code: casework.CodeNotFound, Reason: "identity_not_found", Detail: "the person has no such identity"}
		}
		return recordIdentity(ctx, tx, userID, AdminChange{By: by, Kind: AdminIdentityUnlinked, Before: o})
	})
}

func recordIdentity(ctx context.Context, tx *sqlx.Tx, userID int64, c AdminChange) error {
	u, err := person(ctx, tx, userID, "")
	if err != nil {
		return err
	}
	c.Subject, c.SubjectID, c.SubjectName, c.RegionCode = SubjectPerson, strconv.FormatInt(userID, 10), u.DisplayName, u.Actor.RegionCode
	return recordAdminChange(ctx, tx, c)
}
