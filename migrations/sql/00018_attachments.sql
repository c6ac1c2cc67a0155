-- Files of a case (佐证材料). The event file_attached is the truth about each: its
-- hash, its name, who and when. Here lies what is in it, sealed by the data key of
-- the case's review, so that it is destroyed with the data of the reviewer.

-- +goose Up
CREATE TABLE attachments (
    -- Made of the request: the same sent again is the same row.
    id           uuid PRIMARY KEY,
    case_number  text NOT NULL REFERENCES cases (number),
    name         text NOT NULL,
    media_type   text NOT NULL,
    size         bigint NOT NULL,
    sha256       bytea NOT NULL,
    -- Whether a virus scanner looked at it.
    scanned      boolean NOT NULL,
    -- NULL: destroyed after the retention period.
    content      bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CONSTRAINT attachment_name_fits_120 CHECK (char_length(name) BETWEEN 1 AND 120),
    CONSTRAINT attachment_has_1_byte_to_20_mebibytes CHECK (size BETWEEN 1 AND 20971520),
    CONSTRAINT attachment_hash_has_256_bits CHECK (octet_length(sha256) = 32),
    CONSTRAINT attachment_is_there_until_it_is_destroyed CHECK ((content IS NULL) = (destroyed_at IS NOT NULL))
);
-- What is sealed does not get smaller, and its beginning is read without the rest.
ALTER TABLE attachments ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX attachments_by_case ON attachments (case_number);
CREATE INDEX attachments_by_time ON attachments (created_at);
GRANT SELECT, INSERT, DELETE ON attachments TO guiling_app;
GRANT UPDATE (content, destroyed_at) ON attachments TO guiling_app;

-- Nothing of a file is changed, by whomever; its content may go, and never comes
-- back. A row goes only when no event names it: a request that stopped midway.
-- +goose StatementBegin
CREATE FUNCTION keep_attachments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM case_events e WHERE e.case_number = OLD.case_number
                   AND e.kind = 'file_attached' AND e.body ->> 'attachment_id' = CAST(OLD.id AS text)) THEN
            RAISE EXCEPTION 'a file that an event names is not deleted' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.content IS NULL OR NEW.content IS NOT NULL
       OR (NEW.id, NEW.case_number, NEW.name, NEW.media_type, NEW.size, NEW.sha256, NEW.scanned, NEW.created_at)
          IS DISTINCT FROM (OLD.id, OLD.case_number, OLD.name, OLD.media_type, OLD.size, OLD.sha256, OLD.scanned, OLD.created_at) THEN
        RAISE EXCEPTION 'a file is never changed, only destroyed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER attachments_are_only_destroyed
    BEFORE UPDATE OR DELETE ON attachments FOR EACH ROW EXECUTE FUNCTION keep_attachments();
CREATE TRIGGER attachments_are_never_truncated
    BEFORE TRUNCATE ON attachments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE attachments;
DROP FUNCTION keep_attachments;
