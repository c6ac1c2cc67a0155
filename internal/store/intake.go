package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
	"guiling/internal/intake"
)

// ImportFile says which file is taken in.
type ImportFile struct {
	Codebook string
	Name     string
}

// ImportCounts says what became of the rows of a file. Rows is the sum of
// Accepted, Duplicates and Quarantined. Negative counts 差评 that a person gave,
// among the accepted and the duplicates.
type ImportCounts struct {
	Rows        int `json:"rows" db:"rows"`
	Accepted    int `json:"accepted" db:"accepted"`
	Negative    int `json:"negative" db:"negative"`
	CasesOpened int `json:"cases_opened" db:"cases_opened"`
	Duplicates  int `json:"duplicates" db:"duplicates"`
	Quarantined int `json:"quarantined" db:"quarantined"`
}

// Import takes the rows of a file in, all in one transaction: reviews with their
// service records and departments, cases for the negative ones with the outbox
// entries that start them, and the quarantine. When read or a write fails,
// nothing has happened.
//
// read calls its argument with each row and returns the SHA-256 of the file.
func (s *Store) Import(
	ctx context.Context, file ImportFile, now time.Time, read func(take func(intake.Row) error) (intake.Summary, error),
) (ImportCounts, error) {
	var counts ImportCounts
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		counts = ImportCounts{}
		if err := holdTree(ctx, tx); err != nil {
			return err
		}
		in := importer{tx: tx, store: s, file: file, now: now, counts: &counts, departments: map[departmentKey]int64{}, matters: map[string]string{}}
		// The foreign keys to the import are deferred, so that its row can be
		// written last, with the counts.
		if err := tx.GetContext(ctx, &in.id, `SELECT nextval(pg_get_serial_sequence('imports', 'id'))`); err != nil {
			return fmt.Errorf("number the import: %w", err)
		}
		summary, err := read(func(row intake.Row) error { return in.take(ctx, row) })
		if err != nil {
			return err
		}
		return in.finish(ctx, summary.SHA256)
	})
	if err != nil {
		return ImportCounts{}, err
	}
	return counts, nil
}

type departmentKey struct{ region, name string }

type importer struct {
	tx          *sqlx.Tx
	store       *Store
	file        ImportFile
	id          int64
	now         time.Time
	counts      *ImportCounts
	departments map[departmentKey]int64
	matters     map[string]string
}

func (in *importer) finish(ctx context.Context, sha256Hex string) error {
	sum, err := hex.DecodeString(sha256Hex)
	if err != nil {
		return fmt.Errorf("hash of the file: %w", err)
	}
	c := in.counts
	_, err = in.tx.ExecContext(ctx, `
		INSERT INTO imports (id, codebook, file_name, file_sha256, rows, accepted, negative, cases_opened, duplicates, quarantined)
		OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		in.id, in.file.Codebook, in.file.Name, sum, c.Rows, c.Accepted, c.Negative, c.CasesOpened, c.Duplicates, c.Quarantined)
	if err != nil {
		return fmt.Errorf("record the import: %w", err)
	}
	return nil
}

func (in *importer) take(ctx context.Context, row intake.Row) error {
	in.counts.Rows++
	if row.Quarantine != nil {
		return in.quarantine(ctx, row, *row.Quarantine)
	}
	review := row.Review
	recordID, departmentID, err := in.serviceRecord(ctx, review)
	if err != nil {
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	hash := in.store.sealer.Hash(review.Canonical())
	reviewID, err := in.insertReview(ctx, review, recordID, hash)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return in.again(ctx, row, hash)
	case err != nil:
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	in.counts.Accepted++
	if !review.OpensCase() {
		return nil
	}
	in.counts.Negative++
	in.counts.CasesOpened++
	if err := in.openCase(ctx, review, reviewID, departmentID); err != nil {
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	return nil
}

// again decides what a review is whose natural key is known: the same again, or
// other content under an old name, which a person has to look at.
func (in *importer) again(ctx context.Context, row intake.Row, hash []byte) error {
	key := row.Review.NaturalKey()
	var known []byte
	err := in.tx.GetContext(ctx, &known, `
		SELECT content_hash FROM reviews WHERE source = $1 AND record_number = $2 AND assess_number = $3`,
		key.Source, key.RecordNumber, key.AssessNumber)
	if err != nil {
		return fmt.Errorf("line %d: %w", row.Line, notFound(err, "review"))
	}
	if !bytes.Equal(known, hash) {
		return in.quarantine(ctx, row, casework.Quarantine{
			Reason: casework.QuarantineConflict,
			Detail: "a review with this record and assess number is here with other content",
		})
	}
	in.counts.Duplicates++
	if row.Review.OpensCase() {
		in.counts.Negative++
	}
	return nil
}

func (in *importer) quarantine(ctx context.Context, row intake.Row, why casework.Quarantine) error {
	in.counts.Quarantined++
	raw, err := json.Marshal(row.Raw)
	if err != nil {
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	sealed, key, err := in.store.sealer.SealWithKey(raw, quarantineContext(in.id, row.Line))
	if err != nil {
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	_, err = in.tx.ExecContext(ctx, `
		WITH waiting AS (
			INSERT INTO quarantined_rows (import_id, line, reason, field, detail, raw_sealed, privacy)
			VALUES ($1, $2, $3, $4, $5, $6, 1) RETURNING id)
		INSERT INTO data_keys (quarantined_row_id, context, algorithm, wrapped, wrapped_by) SELECT id, $7, $8, $9, $10 FROM waiting`,
		in.id, row.Line, string(why.Reason), why.Field, why.Detail, sealed,
		quarantineContext(in.id, row.Line), key.Algorithm, key.Wrapped, int64(key.KeyID))
	if err != nil {
		return fmt.Errorf("line %d: quarantine: %w", row.Line, err)
	}
	return nil
}

func quarantineContext(importID int64, line int) string {
	return fmt.Sprintf("quarantine/%d/%d", importID, line)
}

func (in *importer) serviceRecord(ctx context.Context, r casework.ReviewRow) (recordID, departmentID int64, err error) {
	if departmentID, err = in.department(ctx, r); err != nil {
		return 0, 0, err
	}
	if err := in.matter(ctx, r.MatterCode, r.MatterName); err != nil {
		return 0, 0, err
	}
	err = in.tx.QueryRowContext(ctx, `
		WITH fresh AS (
			INSERT INTO service_records (source, record_number, region_code, department_id, matter_code, staff_label, accepted_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (source, record_number) DO NOTHING
			RETURNING id, department_id)
		SELECT id, department_id FROM fresh
		UNION ALL
		SELECT id, department_id FROM service_records WHERE source = $1 AND record_number = $2
		LIMIT 1`,
		r.Source, r.RecordNumber, r.RegionCode, departmentID, r.MatterCode, r.StaffLabel, unlessZero(r.AcceptedAt)).
		Scan(&recordID, &departmentID)
	if err != nil {
		return 0, 0, fmt.Errorf("service record: %w", err)
	}
	return recordID, departmentID, nil
}

func (in *importer) matter(ctx context.Context, code, name string) error {
	if known, ok := in.matters[code]; ok && (known != "" || name == "") {
		return nil
	}
	// A source that knows no names must not take one away.
	_, err := in.tx.ExecContext(ctx, `
		INSERT INTO matters (code, name) VALUES ($1, $2)
		ON CONFLICT (code) DO UPDATE SET name = excluded.name WHERE matters.name = '' AND excluded.name <> ''`, code, name)
	if err != nil {
		return fmt.Errorf("matter %s: %w", code, err)
	}
	in.matters[code] = name
	return nil
}

// unnamedDepartment stands for the department of a device that names none and
// whose matter no department of the region has handled before. It waits for
// confirmation like every department that an import met first.
const unnamedDepartment = "待确认部门"

// department finds the department of a review by its name or one that it had
// before, or creates it under the authority that serves the region, marked for
// confirmation.
func (in *importer) department(ctx context.Context, r casework.ReviewRow) (int64, error) {
	name := r.DepartmentName
	if name == "" {
		id, err := in.departmentByMatter(ctx, r.RegionCode, r.MatterCode)
		if err != nil || id != 0 {
			return id, err
		}
		name = unnamedDepartment
	}
	key := departmentKey{r.RegionCode, name}
	if id, ok := in.departments[key]; ok {
		return id, nil
	}
	id, err := departmentNamed(ctx, in.tx, r.RegionCode, name)
	if err != nil {
		return 0, err
	}
	if id != 0 {
		in.departments[key] = id
		return id, nil
	}
	err = in.tx.GetContext(ctx, &id, `
		WITH fresh AS (
			INSERT INTO organisations (kind, name, region_code, parent_id, confirmed)
			SELECT 'department', $2, r.code, a.id, false
			FROM regions r
			JOIN organisations a ON a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path)
			JOIN regions ar ON ar.code = a.region_code
			WHERE r.code = $1
			ORDER BY cardinality(ar.path) DESC
			LIMIT 1
			ON CONFLICT (region_code, name) WHERE kind = 'department' AND valid_to IS NULL DO NOTHING
			RETURNING id)
		SELECT id FROM fresh
		UNION ALL
		SELECT id FROM organisations WHERE kind = 'department' AND valid_to IS NULL AND region_code = $1 AND name = $2
		LIMIT 1`, r.RegionCode, name)
	if err != nil {
		return 0, fmt.Errorf("department of region %s: %w", r.RegionCode, err)
	}
	in.departments[key] = id
	return id, nil
}

// departmentNamed finds the department that bears a name in a region, or else the
// one that bore it last, or what became of that; 0 when nobody in being did.
func departmentNamed(ctx context.Context, tx *sqlx.Tx, regionCode, name string) (int64, error) {
	var id int64
	err := tx.GetContext(ctx, &id, `
		SELECT id FROM (
			SELECT o.id, 0 AS rank, 0 AS age FROM organisations o
			WHERE o.kind = 'department' AND o.valid_to IS NULL AND o.region_code = $1 AND o.name = $2
			UNION ALL
			SELECT d.id, 1, -f.id FROM former_names f
			JOIN organisations o ON o.id = f.organisation_id AND o.kind = 'department'
			JOIN organisations d ON d.id = COALESCE(o.current_id, o.id) AND d.valid_to IS NULL
			WHERE f.region_code = $1 AND f.name = $2) known
		ORDER BY rank, age LIMIT 1`, regionCode, name)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("department by name: %w", err)
	}
	return id, nil
}

// departmentByMatter is the one department of the region that has handled the
// matter before; 0 when there is none or more than one, for we never guess.
func (in *importer) departmentByMatter(ctx context.Context, regionCode, matterCode string) (int64, error) {
	var ids []int64
	err := in.tx.SelectContext(ctx, &ids, `
		SELECT DISTINCT o.id FROM service_records r
		JOIN organisations rated ON rated.id = r.department_id
		JOIN organisations o ON o.id = COALESCE(rated.current_id, rated.id) AND o.valid_to IS NULL AND o.name <> $3
		WHERE r.region_code = $1 AND r.matter_code = $2 LIMIT 2`, regionCode, matterCode, unnamedDepartment)
	if err != nil {
		return 0, fmt.Errorf("department by matter: %w", err)
	}
	if len(ids) != 1 {
		return 0, nil
	}
	return ids[0], nil
}

func (in *importer) insertReview(ctx context.Context, r casework.ReviewRow, recordID int64, hash []byte) (int64, error) {
	sealed, err := in.store.sealReviewer(
		Reviewer{Name: r.ReviewerName, Phone: r.ReviewerPhone, IDNumber: r.ReviewerIDNumber, Words: r.Words}, r.ReviewerKnown(), r.NaturalKey())
	if err != nil {
		return 0, err
	}
	madeBy := casework.SourceActive
	if r.Default {
		madeBy = casework.SourceDefault
	}
	var id int64
	// What sealed the reviewer comes in together with the review, or not at all.
	err = in.tx.GetContext(ctx, &id, `
		WITH fresh AS (
			INSERT INTO reviews (
				service_record_id, source, record_number, assess_number, made_by, level, channel, tags, aspects, words, rated_at,
				reviewer_known, reviewer_name_masked, reviewer_phone_masked, reviewer_sealed, content_hash, import_id,
				reviewer_phone_index, reviewer_id_index, index_key, privacy)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 1)
			ON CONFLICT (source, record_number, assess_number) DO NOTHING
			RETURNING id),
		key AS (
			INSERT INTO data_keys (review_id, context, algorithm, wrapped, wrapped_by)
			SELECT id, $21, $22, $23, $24 FROM fresh WHERE CAST($15 AS bytea) IS NOT NULL)
		SELECT id FROM fresh`,
		recordID, r.Source, r.RecordNumber, r.AssessNumber, string(madeBy), string(r.Level), string(r.Channel),
		stringsOf(r.Tags), stringsOf(r.Aspects), sealed.Words, r.RatedAt,
		r.ReviewerKnown(), sealed.NameMasked, sealed.PhoneMasked, sealed.Sealed, hash, in.id,
		sealed.Index.Phone, sealed.Index.IDNumber, sealed.Index.Key,
		reviewerContext(r.NaturalKey()), sealed.Key.Algorithm, sealed.Key.Wrapped, int64(sealed.Key.KeyID))
	if err != nil {
		return 0, fmt.Errorf("review: %w", err)
	}
	return id, nil
}

// openCase commits the case together with its review. The engine is not asked:
// the outbox entry starts the workflow when the relay comes to it.
func (in *importer) openCase(ctx context.Context, r casework.ReviewRow, reviewID, departmentID int64) error {
	var number, regionCode string
	var level casework.AdminLevel
	// The number tells people region and day; the sequence makes it unique, in six
	// digits or as many as it takes.
	// The record may name a department that has gone since, and one that moved took
	// its matters along: a case lies where its department is today.
	err := in.tx.QueryRowContext(ctx, `
		WITH today AS (
			SELECT d.id, d.region_code FROM organisations o JOIN organisations d ON d.id = COALESCE(o.current_id, o.id)
			WHERE o.id = $1),
		next AS (SELECT CAST(nextval('case_numbers') AS text) AS digits),
		opened AS (
			INSERT INTO cases (number, review_id, region_code, department_id, matter_code)
			SELECT left(today.region_code, 6) || '-' || $2 || '-' || lpad(digits, greatest(6, length(digits)), '0'),
				$3, today.region_code, today.id, $4
			FROM next, today
			RETURNING number, region_code, department_id)
		SELECT opened.number, opened.region_code, opened.department_id, regions.level
		FROM opened JOIN regions ON regions.code = opened.region_code`,
		departmentID, in.now.In(casework.China()).Format("20060102"), reviewID, r.MatterCode).
		Scan(&number, &regionCode, &departmentID, &level)
	if err != nil {
		return fmt.Errorf("open case: %w", err)
	}
	installation, err := installationOf(ctx, in.tx)
	if err != nil {
		return err
	}
	payload, err := json.Marshal(StartCase{Number: number, Installation: installation, Opened: casework.Opened{
		RegionCode: regionCode, RegionLevel: level, DepartmentID: departmentID, MatterCode: r.MatterCode,
		Rating: r.Level, Aspects: r.Aspects, Channel: r.Channel, RatedAt: r.RatedAt, ReviewerKnown: r.ReviewerKnown(),
	}})
	if err != nil {
		return fmt.Errorf("open case %s: %w", number, err)
	}
	return insertOutbox(ctx, in.tx, OutboxStartCase, number, payload)
}
