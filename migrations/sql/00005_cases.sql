-- A case row is a projection: the workflow owns the state, the events are the
-- truth, and everything in this row can be made again from them. Lists, counts
-- and search read it.

-- +goose Up
CREATE SEQUENCE case_numbers;

CREATE TABLE cases (
    number            text PRIMARY KEY,
    review_id         bigint NOT NULL REFERENCES reviews (id),
    region_code       text NOT NULL REFERENCES regions (code),
    department_id     bigint NOT NULL REFERENCES organisations (id),
    matter_code       text NOT NULL REFERENCES matters (code),
    stage             text NOT NULL DEFAULT 'opened',
    version           integer NOT NULL DEFAULT 0,
    handler_id        bigint REFERENCES users (id),
    opened_at         timestamptz,
    changed_at        timestamptz NOT NULL DEFAULT now(),
    clock_kind        text,
    deadline_at       timestamptz,
    paused_at         timestamptz,
    overdue_since     timestamptz,
    ever_late         boolean NOT NULL DEFAULT false,
    escalation_steps  integer,
    reopenings        integer NOT NULL DEFAULT 0,
    closed_at         timestamptz,
    closed_on_time    boolean,
    -- A case that was fast-forwarded in a demo has its own now: the server's
    -- plus this. Zero for every real case.
    clock_offset_secs bigint NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_case_per_review UNIQUE (review_id),
    CONSTRAINT case_stage_is_known CHECK (stage IN ('opened', 'verification', 'invalidation', 'explanation', 'rectification', 'feedback', 'closed', 'spot_check', 'invalid', 'withdrawn', 'archived')),
    CONSTRAINT case_that_ended_has_no_deadline CHECK (stage NOT IN ('closed', 'spot_check', 'invalid', 'withdrawn', 'archived') OR deadline_at IS NULL),
    CONSTRAINT overdue_case_has_a_deadline CHECK (overdue_since IS NULL OR deadline_at IS NOT NULL)
);
CREATE INDEX cases_by_region ON cases (region_code, deadline_at);
CREATE INDEX cases_by_department ON cases (department_id, deadline_at);
CREATE INDEX cases_overdue ON cases (overdue_since) WHERE overdue_since IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON cases TO guiling_app;

CREATE TABLE case_events (
    case_number        text NOT NULL REFERENCES cases (number),
    seq                integer NOT NULL,
    -- What recorded it: the idempotency key of the request, or the clock's own.
    key                text NOT NULL,
    kind               text NOT NULL,
    -- The time of the workflow, never of the database.
    at                 timestamptz NOT NULL,
    by_user_id         bigint REFERENCES users (id),
    by_organisation_id bigint REFERENCES organisations (id),
    by_role            text,
    by_rule            text,
    article            text NOT NULL,
    body               jsonb NOT NULL,
    build              text NOT NULL,
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT events_of_a_case_are_numbered_once PRIMARY KEY (case_number, seq),
    CONSTRAINT event_is_by_a_person_in_a_role_or_by_the_clock CHECK ((by_user_id IS NULL) = (by_role IS NULL))
);
CREATE INDEX case_events_by_time ON case_events (at DESC, case_number, seq);
-- No UPDATE, no DELETE: what has happened has happened.
GRANT SELECT, INSERT ON case_events TO guiling_app;
CREATE TRIGGER case_events_are_append_only
    BEFORE UPDATE OR DELETE ON case_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER case_events_are_never_truncated
    BEFORE TRUNCATE ON case_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE tasks (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_number     text NOT NULL REFERENCES cases (number),
    key             text NOT NULL,
    kind            text NOT NULL,
    owner           text NOT NULL,
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    assignee_id     bigint REFERENCES users (id),
    due_at          timestamptz,
    opened_at       timestamptz NOT NULL,
    closed_at       timestamptz,
    CONSTRAINT task_key_is_unique_within_its_case UNIQUE (case_number, key),
    CONSTRAINT task_owner_is_department_or_authority CHECK (owner IN ('department', 'authority'))
);
CREATE INDEX open_tasks_by_organisation ON tasks (organisation_id, due_at) WHERE closed_at IS NULL;
CREATE INDEX open_tasks_by_assignee ON tasks (assignee_id, due_at) WHERE closed_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON tasks TO guiling_app;

-- What must still reach the engine or a person, committed together with the
-- change that caused it.
CREATE TABLE outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL,
    key             text NOT NULL,
    payload         jsonb NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    done_at         timestamptz,
    CONSTRAINT outbox_key_is_unique_within_its_kind UNIQUE (kind, key),
    CONSTRAINT outbox_kind_is_known CHECK (kind IN ('start-case', 'tell-reviewer', 'tell-staff'))
);
CREATE INDEX outbox_waiting ON outbox (next_attempt_at, id) WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON outbox TO guiling_app;

-- The lot of a month (第十条): the seed is fixed before the month begins, its
-- hash is public, and no seed is ever replaced.
CREATE TABLE spot_check_plans (
    month          text PRIMARY KEY,
    rate_per_mille integer NOT NULL,
    seed           bytea NOT NULL,
    seed_hash      text NOT NULL,
    made_at        timestamptz NOT NULL,
    CONSTRAINT plan_month_is_a_month CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    CONSTRAINT plan_rate_is_a_share CHECK (rate_per_mille BETWEEN 0 AND 1000),
    CONSTRAINT plan_seed_has_256_bits CHECK (octet_length(seed) = 32)
);
GRANT SELECT, INSERT ON spot_check_plans TO guiling_app;
CREATE TRIGGER spot_check_plans_are_append_only
    BEFORE UPDATE OR DELETE ON spot_check_plans FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Who saw a reviewer's data in clear, and why (第六条).
CREATE TABLE reveals (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_number     text NOT NULL REFERENCES cases (number),
    user_id         bigint NOT NULL REFERENCES users (id),
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    rule            text NOT NULL,
    purpose         text NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reveal_has_a_purpose CHECK (btrim(purpose) <> '')
);
CREATE INDEX reveals_by_case ON reveals (case_number, at);
GRANT SELECT, INSERT ON reveals TO guiling_app;
CREATE TRIGGER reveals_are_append_only
    BEFORE UPDATE OR DELETE ON reveals FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE reveals;
DROP TABLE spot_check_plans;
DROP TABLE outbox;
DROP TABLE tasks;
DROP TABLE case_events;
DROP TABLE cases;
DROP SEQUENCE case_numbers;
