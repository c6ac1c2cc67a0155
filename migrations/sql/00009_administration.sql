-- What administrators did (三员分立), with what was there before and after. People
-- may be without a role now: the system administrator makes them, the security
-- administrator says what they are.

-- +goose Up
ALTER TABLE users
    DROP CONSTRAINT user_has_a_role,
    ADD CONSTRAINT three_administrators_are_three_people CHECK (
        CAST('sysadmin' = ANY (roles) AS integer) + CAST('secadmin' = ANY (roles) AS integer) + CAST('auditor' = ANY (roles) AS integer) <= 1);

CREATE TABLE admin_events (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                 timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- NULL for what was done on the server itself, by the command line.
    by_user_id         bigint REFERENCES users (id),
    by_organisation_id bigint REFERENCES organisations (id),
    by_role            text,
    by_rule            text,
    kind               text NOT NULL,
    subject_kind       text NOT NULL,
    subject_id         text NOT NULL,
    -- As it was called then, for reading.
    subject_name       text NOT NULL,
    -- Where it was done; what holds for all of the installation, in its topmost region.
    region_code        text NOT NULL REFERENCES regions (code),
    before             jsonb NOT NULL,
    after              jsonb NOT NULL,
    CONSTRAINT admin_event_is_by_a_person_in_a_role_or_by_the_command_line CHECK (
        (by_user_id IS NULL) = (by_role IS NULL) AND (by_user_id IS NULL) = (by_rule IS NULL)),
    CONSTRAINT admin_event_names_a_kind CHECK (kind <> ''),
    CONSTRAINT admin_event_subject_is_known CHECK (subject_kind IN ('organisation', 'person', 'policy', 'key', 'import'))
);
CREATE INDEX admin_events_by_time ON admin_events (at DESC, id DESC);
CREATE INDEX admin_events_by_subject ON admin_events (subject_kind, subject_id, at DESC);
GRANT SELECT, INSERT ON admin_events TO guiling_app;
CREATE TRIGGER admin_events_are_append_only
    BEFORE UPDATE OR DELETE ON admin_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER admin_events_are_never_truncated
    BEFORE TRUNCATE ON admin_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE admin_events;
ALTER TABLE users
    DROP CONSTRAINT three_administrators_are_three_people,
    ADD CONSTRAINT user_has_a_role CHECK (cardinality(roles) > 0);
