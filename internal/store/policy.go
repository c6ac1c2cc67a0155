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

// policyChannel is where processes tell each other that other rules are in force.
const policyChannel = "guiling_policy"

// Policy is a version of the rules, as it was published.
type Policy struct {
	Version     int       `db:"version"` // 0: none was published
	Body        string    `db:"body"`
	Note        string    `db:"note"`
	ByName      string    `db:"by_name"` // empty: the command line
	PublishedAt time.Time `db:"published_at"`
}

// Policies lists what was published, the newest first, at most limit.
func (s *Store) Policies(ctx context.Context, limit int) ([]Policy, error) {
	var published []Policy
	err := s.db.SelectContext(ctx, &published, `
		SELECT p.version, p.body, p.note, COALESCE(u.display_name, '') AS by_name, p.published_at
		FROM policies p LEFT JOIN users u ON u.id = p.by_user_id ORDER BY p.version DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	return published, nil
}

// PolicyInForce reads the newest published rules; version 0 when there are none.
func (s *Store) PolicyInForce(ctx context.Context) (Policy, error) {
	published, err := s.Policies(ctx, 1)
	if err != nil || len(published) == 0 {
		return Policy{}, err
	}
	return published[0], nil
}

// PolicyVersion tells which version is in force; 0 for the shipped rules.
func (s *Store) PolicyVersion(ctx context.Context) (version int, err error) {
	if err := s.db.GetContext(ctx, &version, `SELECT COALESCE(max(version), 0) FROM policies`); err != nil {
		return 0, fmt.Errorf("version of the policy: %w", err)
	}
	return version, nil
}

// PolicyChange is a version to be put in force.
type PolicyChange struct {
	After int // the version that was seen; another one now is CodeStale
	Body  string
	Note  string
	By    casework.By
	// Was and Is describe the rules for the record of administration.
	Was, Is any
}

// PublishPolicy puts rules in force, for all processes, and records it. They are
// linted before.
func (s *Store) PublishPolicy(ctx context.Context, c PolicyChange) (version int, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		var root string
		if err := tx.GetContext(ctx, &root, `SELECT code FROM regions WHERE parent_code IS NULL`); err != nil {
			return notFound(err, "region")
		}
		version = c.After + 1
		_, err := tx.ExecContext(ctx, `
			INSERT INTO policies (version, body, note, by_user_id)
			SELECT $1, $2, $3, NULLIF($4, 0) WHERE (SELECT COALESCE(max(version), 0) FROM policies) = $5`,
			version, c.Body, c.Note, c.By.UserID, c.After)
		if err != nil && !violates(err, "policies_pkey") {
			return fmt.Errorf("publish policy: %w", err)
		}
		var published bool
		if err == nil {
			err = tx.GetContext(ctx, &published, `SELECT EXISTS (SELECT FROM policies WHERE version = $1 AND body = $2)`, version, c.Body)
			if err != nil {
				return fmt.Errorf("publish policy: %w", err)
			}
		}
		if !published {
			return &casework.Error{Code: casework.CodeStale, Reason: "policy_changed", Detail: "somebody published other rules meanwhile"}
		}
		err = recordAdminChange(ctx, tx, AdminChange{
			By: c.By, Kind: AdminPolicyPublished, Subject: SubjectPolicy, SubjectID: strconv.Itoa(version), SubjectName: c.Note,
			RegionCode: root, Before: c.Was, After: c.Is,
		})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, policyChannel, strconv.Itoa(version))
		if err != nil {
			return fmt.Errorf("tell of the policy: %w", err)
		}
		return nil
	})
	return version, err
}

// PolicyChanges tells, until ctx is done, that other rules may be in force. What is
// said while the connection is away is not heard, so after every reconnect it tells
// as well; whoever listens also looks from time to time.
func (s *Store) PolicyChanges(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	go s.listen(ctx, policyChannel, func(*pq.Notification) {
		select {
		case changes <- struct{}{}:
		default:
		}
	})
	return changes
}
