package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
	"guiling/internal/sealing"
)

// KeyState is one key of the key file, or one that was there, with what depends
// on it. It never holds the key.
type KeyState struct {
	ID          uint32     `json:"id"`
	Algorithm   string     `json:"algorithm"`
	Primary     bool       `json:"primary"`
	InFile      bool       `json:"in_file"`
	FirstUsed   time.Time  `json:"first_used"`
	RetiredAt   *time.Time `json:"retired_at"`
	DestroyedAt *time.Time `json:"destroyed_at"`
	Wraps       int        `json:"wraps"` // data keys
}

type keyRow struct {
	ID          int64      `db:"id"`
	Algorithm   string     `db:"algorithm"`
	FirstUsed   time.Time  `db:"first_used"`
	RetiredAt   *time.Time `db:"retired_at"`
	DestroyedAt *time.Time `db:"destroyed_at"`
	Wraps       int        `db:"wraps"`
}

// Keys lists the keys, the primary one first, then the newest first. A key of the
// file that the database has not seen yet is noted.
func (s *Store) Keys(ctx context.Context) ([]KeyState, error) {
	inFile := s.sealer.Keys()
	var rows []keyRow
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := noteKeys(ctx, tx, inFile); err != nil {
			return err
		}
		return tx.SelectContext(ctx, &rows, `
			SELECT e.id, e.algorithm, e.first_used, e.retired_at, e.destroyed_at,
				(SELECT count(*) FROM data_keys d WHERE d.wrapped_by = e.id AND d.wrapped IS NOT NULL) AS wraps
			FROM key_encryption_keys e ORDER BY e.first_used DESC, e.id`)
	})
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	keys := make([]KeyState, 0, len(rows))
	for _, r := range rows {
		k := KeyState{
			ID: uint32(r.ID), Algorithm: r.Algorithm, FirstUsed: r.FirstUsed, //nolint:gosec // G115: it came from a uint32
			RetiredAt: r.RetiredAt, DestroyedAt: r.DestroyedAt, Wraps: r.Wraps,
		}
		if i := slices.IndexFunc(inFile, func(f sealing.Key) bool { return f.ID == k.ID }); i >= 0 {
			k.InFile, k.Primary = true, inFile[i].Primary
		}
		if k.Primary {
			keys = slices.Insert(keys, 0, k)
		} else {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// noteKeys writes down the keys of the file. Whichever was primary before the one
// that is now has retired.
func noteKeys(ctx context.Context, tx *sqlx.Tx, keys []sealing.Key) error {
	for _, k := range keys {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO key_encryption_keys AS e (id, algorithm, retired_at)
			VALUES ($1, $2, CASE WHEN $3 THEN NULL ELSE clock_timestamp() END)
			ON CONFLICT (id) DO UPDATE SET retired_at = CASE WHEN $3 THEN NULL ELSE COALESCE(e.retired_at, excluded.retired_at) END
			WHERE e.destroyed_at IS NULL AND (e.retired_at IS NULL) <> $3`, int64(k.ID), k.Algorithm, k.Primary)
		if err != nil {
			return fmt.Errorf("note key %d: %w", k.ID, err)
		}
	}
	return nil
}

// KeysWritable reports whether this process can change the key file.
func (s *Store) KeysWritable() bool { return s.sealer.Writable() }

// lockKeys lets one process at a time change the key file.
func lockKeys(ctx context.Context, tx *sqlx.Tx) error {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('key file', 0))`); err != nil {
		return fmt.Errorf("lock the key file: %w", err)
	}
	return nil
}

type keyRecord struct {
	ID        uint32 `json:"id"`
	Algorithm string `json:"algorithm"`
}

// recordKey records what was done to the keys, for the whole installation.
func recordKey(ctx context.Context, tx *sqlx.Tx, by casework.By, kind AdminKind, subject, name string, before, after any) error {
	var root string
	if err := tx.GetContext(ctx, &root, `SELECT code FROM regions WHERE parent_code IS NULL`); err != nil {
		return fmt.Errorf("root region: %w", err)
	}
	return recordAdminChange(ctx, tx, AdminChange{
		By: by, Kind: kind, Subject: SubjectKey, SubjectID: subject, SubjectName: name, RegionCode: root, Before: before, After: after,
	})
}

// RotateKey adds a key to the key file, with which everything new is sealed and
// wrapped from now on. What older keys wrap is for RewrapDataKeys. Where the file
// cannot be written, it is sealing.ErrNotWritable.
func (s *Store) RotateKey(ctx context.Context, by casework.By) (sealing.Key, error) {
	var key sealing.Key
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := lockKeys(ctx, tx); err != nil {
			return err
		}
		before := s.sealer.Keys()
		if err := noteKeys(ctx, tx, before); err != nil {
			return err
		}
		var err error
		if key, err = s.sealer.Rotate(); err != nil {
			return err
		}
		after := s.sealer.Keys()
		if err := noteKeys(ctx, tx, after); err != nil {
			return err
		}
		return recordKey(ctx, tx, by, AdminKeyRotated, strconv.FormatUint(uint64(key.ID), 10), key.Algorithm,
			keyRecord{before[0].ID, before[0].Algorithm}, keyRecord{key.ID, key.Algorithm})
	})
	return key, err
}

// Progress tells how far something has come, after each batch.
type Progress func(done, left int)

// rewrapBatch is how many data keys one transaction wraps anew.
const rewrapBatch = 200

// RewrapDataKeys wraps every data key that an older key wraps by the primary one,
// in batches that each stand for themselves: stopped midway, it goes on the next
// time. Any number may run at once, and what they sealed can be read all the
// while. It gives how many it wrapped, and tells of those that do not open.
func (s *Store) RewrapDataKeys(ctx context.Context, by casework.By, progress Progress) (done int, err error) {
	var failed []error
	after := int64(0)
	for {
		keys := s.sealer.Keys()
		primary := int64(keys[0].ID)
		var found, wrapped int
		err := s.inTx(ctx, func(tx *sqlx.Tx) error {
			var last int64
			var broken []error
			var err error
			if found, wrapped, last, broken, err = s.rewrapSome(ctx, tx, primary, after); err != nil {
				return err
			}
			after = last
			failed = append(failed, broken...)
			return nil
		})
		if err != nil {
			return done, fmt.Errorf("wrap data keys anew: %w", err)
		}
		done += wrapped
		if found == 0 {
			break
		}
		if progress != nil {
			var left int
			if err := s.db.GetContext(ctx, &left, `SELECT count(*) FROM data_keys WHERE wrapped IS NOT NULL AND (wrapped_by < $1 OR wrapped_by > $1)`, primary); err != nil {
				return done, fmt.Errorf("count data keys: %w", err)
			}
			progress(done, left)
		}
	}
	if done > 0 {
		err = s.inTx(ctx, func(tx *sqlx.Tx) error {
			return recordKey(ctx, tx, by, AdminDataKeysRewrapped, "data-keys", "data keys", nil, map[string]int{"rewrapped": done, "failed": len(failed)})
		})
	}
	if len(failed) > 0 {
		err = errors.Join(err, fmt.Errorf("%d data keys do not open, the first: %w", len(failed), failed[0]))
	}
	return done, err
}

func (s *Store) rewrapSome(ctx context.Context, tx *sqlx.Tx, primary, after int64) (found, wrapped int, last int64, broken []error, err error) {
	var rows []struct {
		ID        int64  `db:"id"`
		Context   string `db:"context"`
		Algorithm string `db:"algorithm"`
		Wrapped   []byte `db:"wrapped"`
		By        int64  `db:"wrapped_by"`
	}
	err = tx.SelectContext(ctx, &rows, `
		SELECT id, context, algorithm, wrapped, wrapped_by FROM data_keys
		WHERE wrapped IS NOT NULL AND (wrapped_by < $1 OR wrapped_by > $1) AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE`, primary, after, rewrapBatch)
	if err != nil {
		return 0, 0, after, nil, err
	}
	last = after
	ids, by, keys := pq.Int64Array{}, pq.Int64Array{}, pq.ByteaArray{}
	for _, r := range rows {
		last = r.ID
		key := sealing.DataKey{Algorithm: r.Algorithm, Wrapped: r.Wrapped, KeyID: uint32(r.By)} //nolint:gosec // G115: it came from a uint32
		fresh, err := s.sealer.Rewrap(key, r.Context)
		if err != nil {
			broken = append(broken, fmt.Errorf("data key %d of %s: %w", r.ID, r.Context, err))
			continue
		}
		ids, by, keys = append(ids, r.ID), append(by, int64(fresh.KeyID)), append(keys, fresh.Wrapped)
	}
	if len(ids) > 0 {
		_, err = tx.ExecContext(ctx, `
			UPDATE data_keys d SET wrapped = n.wrapped, wrapped_by = n.wrapped_by, rewrapped_at = now()
			FROM (SELECT unnest(CAST($1 AS bigint[])) AS id, unnest(CAST($2 AS bigint[])) AS wrapped_by, unnest(CAST($3 AS bytea[])) AS wrapped) n
			WHERE d.id = n.id`, ids, by, keys)
	}
	return len(rows), len(ids), last, broken, err
}

// KeyRest is how long after a case has ended the engine may still keep what a key
// sealed: the retention of its namespace, and a day.
const KeyRest = 31 * 24 * time.Hour

// DestroyKey takes a key out of the key file for ever. It is refused, as
// CodeConflict, while anything depends on it: the primary key; one that wraps a
// data key, or directly sealed a value that is in the database; one under which a
// case began whose history the engine may still keep.
func (s *Store) DestroyKey(ctx context.Context, by casework.By, id uint32, now time.Time) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := lockKeys(ctx, tx); err != nil {
			return err
		}
		keys := s.sealer.Keys()
		if err := noteKeys(ctx, tx, keys); err != nil {
			return err
		}
		i := slices.IndexFunc(keys, func(k sealing.Key) bool { return k.ID == id })
		switch {
		case i < 0:
			return &casework.Error{Code: casework.CodeNotFound, Reason: "key_not_found", Detail: "there is no such key in the key file"}
		case keys[i].Primary:
			return casework.Conflict("key_in_use", "this is the key with which everything new is sealed")
		}
		if err := s.nothingNeeds(ctx, tx, id, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE key_encryption_keys SET destroyed_at = clock_timestamp() WHERE id = $1`, int64(id))
		if err != nil {
			return fmt.Errorf("destroy key %d: %w", id, err)
		}
		err = recordKey(ctx, tx, by, AdminKeyDestroyed, strconv.FormatUint(uint64(id), 10), keys[i].Algorithm, keyRecord{id, keys[i].Algorithm}, nil)
		if err != nil {
			return err
		}
		return s.sealer.Destroy(id)
	})
}

func (s *Store) nothingNeeds(ctx context.Context, tx *sqlx.Tx, id uint32, now time.Time) error {
	// Everything that a key sealed directly begins with its number.
	prefix := binary.BigEndian.AppendUint32([]byte{1}, id)
	var columns []struct {
		Table  string `db:"table_name"`
		Column string `db:"column_name"`
	}
	err := tx.SelectContext(ctx, &columns, `
		SELECT c.relname AS table_name, a.attname AS column_name
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
		WHERE c.relnamespace = CAST('public' AS regnamespace) AND c.relkind = 'r' AND a.atttypid = CAST('bytea' AS regtype)
		AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1, 2`)
	if err != nil {
		return fmt.Errorf("list sealed columns: %w", err)
	}
	needs := func(query, what string, args ...any) error {
		var n int
		if err := tx.GetContext(ctx, &n, query, args...); err != nil {
			return fmt.Errorf("what needs key %d: %w", id, err)
		}
		if n > 0 {
			return casework.Conflict("key_in_use", fmt.Sprintf("%d %s still need this key", n, what))
		}
		return nil
	}
	if err := needs(`SELECT count(*) FROM data_keys WHERE wrapped_by = $1 AND wrapped IS NOT NULL`, "data keys", int64(id)); err != nil {
		return err
	}
	for _, c := range columns {
		query := `SELECT count(*) FROM ` + pq.QuoteIdentifier(c.Table) + ` WHERE substring(` + pq.QuoteIdentifier(c.Column) + ` FROM 1 FOR 5) = $1`
		if err := needs(query, "values of "+c.Table, prefix); err != nil {
			return err
		}
	}
	return needs(`
		SELECT count(*) FROM cases c
		WHERE c.created_at < COALESCE((SELECT retired_at FROM key_encryption_keys WHERE id = $1), $2)
		AND (c.stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived') OR c.changed_at > $3)`,
		"cases, whose histories the engine keeps,", int64(id), now, now.Add(-KeyRest))
}
