-- What comes in: matters, service records, reviews, and the rows that could not
-- be taken. Names, phones and identity numbers of citizens exist only in the
-- *_sealed columns, encrypted by the application (第六条).

-- +goose Up
CREATE TABLE matters (
    code text PRIMARY KEY,
    name text NOT NULL,
    CONSTRAINT matter_code_fits_64 CHECK (char_length(code) BETWEEN 1 AND 64)
);
GRANT SELECT, INSERT, UPDATE ON matters TO guiling_app;

CREATE TABLE imports (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    codebook     text NOT NULL,
    file_name    text NOT NULL,
    file_sha256  bytea NOT NULL,
    rows         integer NOT NULL,
    accepted     integer NOT NULL,
    negative     integer NOT NULL,
    cases_opened integer NOT NULL,
    duplicates   integer NOT NULL,
    quarantined  integer NOT NULL,
    imported_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT every_row_is_accounted_for CHECK (rows = accepted + duplicates + quarantined)
);
GRANT SELECT, INSERT ON imports TO guiling_app;

CREATE TABLE service_records (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text NOT NULL,
    record_number text NOT NULL,
    region_code   text NOT NULL REFERENCES regions (code),
    department_id bigint NOT NULL REFERENCES organisations (id),
    matter_code   text NOT NULL REFERENCES matters (code),
    staff_label   text NOT NULL DEFAULT '',
    accepted_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT record_number_is_unique_within_its_source UNIQUE (source, record_number),
    CONSTRAINT record_number_fits_50 CHECK (char_length(record_number) BETWEEN 1 AND 50)
);
CREATE INDEX service_records_by_matter_and_region ON service_records (region_code, matter_code);
GRANT SELECT, INSERT ON service_records TO guiling_app;

CREATE TABLE reviews (
    id                    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_record_id     bigint NOT NULL REFERENCES service_records (id),
    source                text NOT NULL,
    record_number         text NOT NULL,
    assess_number         integer NOT NULL,
    made_by               text NOT NULL,
    level                 text NOT NULL,
    channel               text NOT NULL,
    tags                  text[] NOT NULL,
    aspects               text[] NOT NULL,
    words                 text NOT NULL,
    rated_at              timestamptz NOT NULL,
    reviewer_known        boolean NOT NULL,
    -- What may be shown: 张*, 138****1234.
    reviewer_name_masked  text NOT NULL DEFAULT '',
    reviewer_phone_masked text NOT NULL DEFAULT '',
    reviewer_sealed       bytea,
    -- SHA-256 of the row as it came, keyed, to tell "the same again" from "other content".
    content_hash          bytea NOT NULL,
    import_id             bigint REFERENCES imports (id) DEFERRABLE INITIALLY DEFERRED,
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_review_per_record_and_assess_number UNIQUE (source, record_number, assess_number),
    CONSTRAINT assess_number_counts_from_one CHECK (assess_number >= 1),
    CONSTRAINT review_is_active_or_default CHECK (made_by IN ('active', 'default')),
    CONSTRAINT review_level_is_one_of_five CHECK (level IN ('very_satisfied', 'satisfied', 'basically_satisfied', 'dissatisfied', 'very_dissatisfied')),
    CONSTRAINT known_reviewer_has_sealed_data CHECK (NOT reviewer_known OR reviewer_sealed IS NOT NULL)
);
CREATE INDEX reviews_by_service_record ON reviews (service_record_id);
GRANT SELECT, INSERT ON reviews TO guiling_app;

CREATE TABLE quarantined_rows (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id  bigint NOT NULL REFERENCES imports (id) DEFERRABLE INITIALLY DEFERRED,
    line       integer NOT NULL,
    reason     text NOT NULL,
    field      text NOT NULL,
    detail     text NOT NULL,
    raw_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quarantined_line_is_unique_within_its_import UNIQUE (import_id, line)
);
GRANT SELECT, INSERT ON quarantined_rows TO guiling_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE quarantined_rows;
DROP TABLE reviews;
DROP TABLE service_records;
DROP TABLE imports;
DROP TABLE matters;
