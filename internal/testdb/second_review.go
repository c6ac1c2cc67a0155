package testdb

import (
	"database/sql"
	"testing"
)

// SecondReview adds another review of the service record of a case, a day later
// and in other words, with a case that waits for its workflow to be started, and
// gives the number of that. An import takes no second rating in (第七条): it waits
// for a person, who can release it.
func (d *DB) SecondReview(t testing.TB, number, words string) string {
	t.Helper()
	db, err := sql.Open("postgres", d.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var second string
	err = db.QueryRowContext(t.Context(), `
		WITH review AS (
			INSERT INTO reviews (
				service_record_id, source, record_number, assess_number, made_by, level, channel, tags, aspects, words, rated_at,
				reviewer_known, reviewer_name_masked, reviewer_phone_masked, reviewer_sealed, content_hash, import_id)
			SELECT v.service_record_id, v.source, v.record_number,
				(SELECT max(o.assess_number) + 1 FROM reviews o WHERE o.service_record_id = v.service_record_id),
				v.made_by, v.level, v.channel, v.tags, v.aspects, $2, v.rated_at + interval '1 day',
				v.reviewer_known, v.reviewer_name_masked, v.reviewer_phone_masked, v.reviewer_sealed, v.content_hash, v.import_id
			FROM reviews v JOIN cases c ON c.review_id = v.id WHERE c.number = $1
			RETURNING id, service_record_id),
		opened AS (
			INSERT INTO cases (number, review_id, region_code, department_id, matter_code)
			SELECT regexp_replace(c.number, '[0-9]+$', '') || lpad(CAST(nextval('case_numbers') AS text), 6, '0'),
				review.id, c.region_code, c.department_id, c.matter_code
			FROM cases c, review WHERE c.number = $1
			RETURNING number),
		started AS (
			INSERT INTO outbox (kind, key, payload)
			SELECT o.kind, opened.number, jsonb_set(o.payload, '{number}', to_jsonb(opened.number))
			FROM outbox o, opened WHERE o.kind = 'start-case' AND o.key = $1
			RETURNING key)
		SELECT key FROM started`, number, words).Scan(&second)
	if err != nil {
		t.Fatalf("a second review of the record of %s: %v", number, err)
	}
	return second
}
