-- Texts that an authority writes once and people use in many cases: what to say on
-- the phone (回访话术), and answers. And what somebody has begun to write into a form
-- of a case, kept for them alone.

-- +goose Up
CREATE TABLE text_templates (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The authority whose text it is. All departments of its subtree see it.
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    kind            text NOT NULL,
    name            text NOT NULL,
    -- Variables in brackets, filled in from the case when the text is used.
    body            text NOT NULL,
    -- To which cases it is narrowed; NULL: to none.
    stage           text,
    aspect          text,
    matter_code     text REFERENCES matters (code),
    -- Counts changes: who changes a text says which version they saw.
    version         integer NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by      bigint NOT NULL REFERENCES users (id),
    -- A text is never deleted: what was said in its words stays explained.
    retired_at      timestamptz,
    CONSTRAINT text_has_a_kind CHECK (kind <> ''),
    CONSTRAINT text_name_fits_100 CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT text_body_fits_2000 CHECK (char_length(body) BETWEEN 1 AND 2000),
    CONSTRAINT text_versions_count_from_one CHECK (version >= 1)
);
-- A retired text leaves its name to the next one.
CREATE UNIQUE INDEX one_text_of_a_name_in_an_authority ON text_templates (organisation_id, name) WHERE retired_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON text_templates TO guiling_app;

ALTER TABLE admin_events
    DROP CONSTRAINT admin_event_subject_is_known,
    ADD CONSTRAINT admin_event_subject_is_known CHECK (subject_kind IN ('organisation', 'person', 'policy', 'key', 'import', 'text'));

CREATE TABLE drafts (
    user_id       bigint NOT NULL REFERENCES users (id),
    case_number   text NOT NULL REFERENCES cases (number),
    action        text NOT NULL,
    -- Of the form that was typed into. What comes late from a form that was sent, or
    -- thrown away, is not kept again.
    form_key      text NOT NULL,
    -- The version of the case that the person saw.
    case_version  integer NOT NULL,
    -- All that was typed, encrypted by the application and bound to this row: people
    -- type names and phones. NULL: the form was sent or thrown away.
    fields_sealed bytea,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT one_draft_of_a_user_for_each_action_on_a_case PRIMARY KEY (user_id, case_number, action),
    CONSTRAINT draft_form_key_fits_64 CHECK (char_length(form_key) BETWEEN 1 AND 64)
);
CREATE INDEX drafts_by_age ON drafts (updated_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON drafts TO guiling_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE drafts;
DROP TABLE text_templates;
-- What was done to texts stays in the record; only new rows are held to the list.
ALTER TABLE admin_events
    DROP CONSTRAINT admin_event_subject_is_known,
    ADD CONSTRAINT admin_event_subject_is_known CHECK (subject_kind IN ('organisation', 'person', 'policy', 'key', 'import')) NOT VALID;
