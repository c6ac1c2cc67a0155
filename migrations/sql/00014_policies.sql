-- The rules of who may act, as they were put in force. The newest row is in force;
-- without any, the rules that the program ships with. Nothing is ever changed: who
-- wants the shipped ones back publishes them.

-- +goose Up
CREATE TABLE policies (
    version      integer PRIMARY KEY,
    body         text NOT NULL,
    note         text NOT NULL,
    by_user_id   bigint REFERENCES users (id), -- NULL: the command line
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT policy_versions_count_from_one CHECK (version >= 1),
    CONSTRAINT policy_says_why CHECK (btrim(note) <> '')
);
GRANT SELECT, INSERT ON policies TO guiling_app;
CREATE TRIGGER policies_are_append_only
    BEFORE UPDATE OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_are_never_truncated
    BEFORE TRUNCATE ON policies FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE policies;
