-- What the reconciler found at odds between database and engine, and what it did.

-- +goose Up

-- Which database this is, through every backup and restore. Workflows bear the
-- name, so that nobody stops those of another database in the same namespace.
CREATE TABLE installation (
    id   text PRIMARY KEY,
    sole boolean NOT NULL DEFAULT true,
    CONSTRAINT there_is_one_installation UNIQUE (sole),
    CONSTRAINT installation_is_the_only_one CHECK (sole)
);
INSERT INTO installation (id) VALUES (CAST(gen_random_uuid() AS text));
GRANT SELECT ON installation TO guiling_app;
CREATE TABLE repairs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- No foreign key: a workflow without a row is one of the things that are found.
    case_number text NOT NULL,
    kind        text NOT NULL,
    detail      jsonb NOT NULL,
    build       text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT repair_kind_is_known CHECK (kind IN (
        'workflow_started', 'workflow_restored', 'orphan_stopped', 'duplicate_stopped', 'events_replayed', 'projection_rebuilt'))
);
CREATE INDEX repairs_by_case ON repairs (case_number, at);
CREATE INDEX repairs_by_time ON repairs (at DESC, id DESC);
GRANT SELECT, INSERT ON repairs TO guiling_app;
CREATE TRIGGER repairs_are_append_only
    BEFORE UPDATE OR DELETE ON repairs FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE repairs;
DROP TABLE installation;
