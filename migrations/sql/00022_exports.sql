-- Exports: what somebody took out as a file, so that auditors can ask who did.
-- And indexes for the auditor's lists by person.

-- +goose Up
CREATE TABLE exports (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id         bigint NOT NULL REFERENCES users (id),
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    rule            text NOT NULL,
    what            text NOT NULL,
    format          text NOT NULL,
    -- What lay within reach of who asked.
    region_code     text NOT NULL REFERENCES regions (code),
    department_id   bigint REFERENCES organisations (id),
    case_number     text REFERENCES cases (number),
    -- How the list was narrowed, as it stood in the address; words are masked.
    filter          text NOT NULL DEFAULT '',
    rows            integer NOT NULL,
    at              timestamptz NOT NULL,
    CONSTRAINT export_is_of_a_kind CHECK (what IN ('cases', 'events', 'reveals', 'case')),
    CONSTRAINT export_has_a_format CHECK (format IN ('csv', 'xlsx', 'zip')),
    CONSTRAINT export_of_one_case_names_it CHECK ((what = 'case') = (case_number IS NOT NULL)),
    CONSTRAINT export_has_no_negative_rows CHECK (rows >= 0)
);
CREATE INDEX exports_by_time ON exports (at DESC, id DESC);
CREATE INDEX exports_by_case ON exports (case_number, at) WHERE case_number IS NOT NULL;
-- What was taken out stays taken out.
GRANT SELECT, INSERT ON exports TO guiling_app;
CREATE TRIGGER exports_are_append_only
    BEFORE UPDATE OR DELETE ON exports FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER exports_are_never_truncated
    BEFORE TRUNCATE ON exports FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

CREATE INDEX case_events_by_person ON case_events (by_user_id, at DESC) WHERE by_user_id IS NOT NULL;

-- +goose Down
DROP INDEX case_events_by_person;
DROP TABLE exports;
