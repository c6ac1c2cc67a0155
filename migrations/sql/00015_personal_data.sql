-- Personal data (第六条): a key of its own for each citizen's data, so that the
-- data can be destroyed wherever copies of it lie; blind indexes; looks that are
-- many at once; and the destruction after the retention period.

-- +goose Up
-- Keys of the key file, as far as this database knows them. The keys themselves
-- are in the file and never here.
CREATE TABLE key_encryption_keys (
    id           bigint PRIMARY KEY,
    algorithm    text NOT NULL,
    first_used   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When another key took its place.
    retired_at   timestamptz,
    destroyed_at timestamptz,
    CONSTRAINT only_a_retired_key_is_destroyed CHECK (destroyed_at IS NULL OR retired_at IS NOT NULL)
);
GRANT SELECT, INSERT, UPDATE ON key_encryption_keys TO guiling_app;

CREATE TABLE data_keys (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id          bigint REFERENCES reviews (id),
    quarantined_row_id bigint REFERENCES quarantined_rows (id),
    -- What the key is bound to, for wrapping it anew without reading its row.
    context            text NOT NULL,
    algorithm          text NOT NULL,
    -- The key, sealed by a key of the key file; NULL: destroyed, and with it for
    -- ever what it sealed.
    wrapped            bytea,
    wrapped_by         bigint,
    created_at         timestamptz NOT NULL DEFAULT now(),
    rewrapped_at       timestamptz,
    destroyed_at       timestamptz,
    CONSTRAINT data_key_has_one_subject CHECK (num_nonnulls(review_id, quarantined_row_id) = 1),
    CONSTRAINT one_data_key_for_a_review UNIQUE (review_id),
    CONSTRAINT one_data_key_for_a_quarantined_row UNIQUE (quarantined_row_id),
    CONSTRAINT destroyed_data_key_is_gone CHECK (
        (wrapped IS NULL) = (destroyed_at IS NOT NULL) AND (wrapped IS NULL) = (wrapped_by IS NULL))
);
CREATE INDEX data_keys_by_key ON data_keys (wrapped_by, id) WHERE wrapped IS NOT NULL;
GRANT SELECT, INSERT ON data_keys TO guiling_app;
GRANT UPDATE (wrapped, wrapped_by, rewrapped_at, destroyed_at) ON data_keys TO guiling_app;

-- A destroyed key does not come back, whoever asks.
-- +goose StatementBegin
CREATE FUNCTION refuse_revival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.destroyed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a destroyed data key stays destroyed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER destroyed_data_keys_stay_destroyed
    BEFORE UPDATE ON data_keys FOR EACH ROW EXECUTE FUNCTION refuse_revival();

-- Keyed hashes of phone and identity number, by a key that encrypts nothing, to
-- find the other cases of the same citizen. index_key names key and algorithm.
ALTER TABLE reviews
    ADD COLUMN reviewer_phone_index bytea,
    ADD COLUMN reviewer_id_index bytea,
    ADD COLUMN index_key text NOT NULL DEFAULT '',
    -- What the row looks like: 0 as before this migration, 1 with a data key of its
    -- own, indexes, and words in clear only masked. A worker brings rows to 1.
    ADD COLUMN privacy smallint NOT NULL DEFAULT 0,
    ADD COLUMN shredded_at timestamptz,
    DROP CONSTRAINT known_reviewer_has_sealed_data,
    ADD CONSTRAINT known_reviewer_has_sealed_data CHECK (NOT reviewer_known OR reviewer_sealed IS NOT NULL OR shredded_at IS NOT NULL),
    ADD CONSTRAINT shredded_review_is_found_by_nobody CHECK (
        shredded_at IS NULL OR (reviewer_sealed IS NULL AND reviewer_phone_index IS NULL AND reviewer_id_index IS NULL));
CREATE INDEX reviews_by_phone ON reviews (reviewer_phone_index) WHERE reviewer_phone_index IS NOT NULL;
CREATE INDEX reviews_by_id_number ON reviews (reviewer_id_index) WHERE reviewer_id_index IS NOT NULL;
CREATE INDEX reviews_to_bring_over ON reviews (id) WHERE privacy = 0;
CREATE INDEX reviews_not_shredded ON reviews (created_at) WHERE shredded_at IS NULL;
GRANT UPDATE (words, reviewer_name_masked, reviewer_phone_masked, reviewer_sealed, reviewer_phone_index, reviewer_id_index,
    index_key, privacy, shredded_at) ON reviews TO guiling_app;

ALTER TABLE quarantined_rows
    ALTER COLUMN raw_sealed DROP NOT NULL,
    ADD COLUMN privacy smallint NOT NULL DEFAULT 0,
    ADD COLUMN shredded_at timestamptz,
    ADD CONSTRAINT quarantined_row_is_there_until_it_is_shredded CHECK ((raw_sealed IS NULL) = (shredded_at IS NOT NULL));
GRANT UPDATE (raw_sealed, privacy, shredded_at) ON quarantined_rows TO guiling_app;

CREATE INDEX reveals_by_person ON reveals (user_id, at DESC);
CREATE INDEX reveals_by_time ON reveals (at DESC, id DESC);

-- Somebody looked at many citizens at once, or when nobody works. Once for each
-- person, hour and kind; the auditors are told.
CREATE TABLE reveal_alarms (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     bigint NOT NULL REFERENCES users (id),
    hour        timestamptz NOT NULL,
    kind        text NOT NULL,
    -- The look with which it went off.
    reveal_id   bigint NOT NULL REFERENCES reveals (id),
    cases       integer NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT one_alarm_for_each_person_hour_and_kind UNIQUE (user_id, hour, kind),
    CONSTRAINT alarm_is_of_a_kind CHECK (kind IN ('many-cases', 'out-of-hours'))
);
CREATE INDEX reveal_alarms_by_reveal ON reveal_alarms (reveal_id);
GRANT SELECT, INSERT ON reveal_alarms TO guiling_app;
CREATE TRIGGER reveal_alarms_are_append_only
    BEFORE UPDATE OR DELETE ON reveal_alarms FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE outbox
    DROP CONSTRAINT outbox_kind_is_known,
    ADD CONSTRAINT outbox_kind_is_known CHECK (kind IN ('start-case', 'tell-reviewer', 'tell-staff', 'tell-auditors'));
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
-- What was shredded cannot be brought back, and rows with data keys cannot be read
-- by the program of before: going down is for empty databases.
ALTER TABLE outbox
    DROP CONSTRAINT outbox_kind_is_known,
    ADD CONSTRAINT outbox_kind_is_known CHECK (kind IN ('start-case', 'tell-reviewer', 'tell-staff'));
DROP TABLE reveal_alarms;
DROP INDEX reveals_by_time;
DROP INDEX reveals_by_person;
ALTER TABLE quarantined_rows
    DROP CONSTRAINT quarantined_row_is_there_until_it_is_shredded,
    DROP COLUMN shredded_at,
    DROP COLUMN privacy,
    ALTER COLUMN raw_sealed SET NOT NULL;
REVOKE UPDATE (raw_sealed) ON quarantined_rows FROM guiling_app;
DROP INDEX reviews_not_shredded;
DROP INDEX reviews_to_bring_over;
ALTER TABLE reviews
    DROP CONSTRAINT shredded_review_is_found_by_nobody,
    DROP CONSTRAINT known_reviewer_has_sealed_data,
    ADD CONSTRAINT known_reviewer_has_sealed_data CHECK (NOT reviewer_known OR reviewer_sealed IS NOT NULL),
    DROP COLUMN shredded_at,
    DROP COLUMN privacy,
    DROP COLUMN index_key,
    DROP COLUMN reviewer_id_index,
    DROP COLUMN reviewer_phone_index;
REVOKE UPDATE (words, reviewer_name_masked, reviewer_phone_masked, reviewer_sealed) ON reviews FROM guiling_app;
DROP TABLE data_keys;
DROP FUNCTION refuse_revival;
DROP TABLE key_encryption_keys;
