-- How people sign in: lock-out after failures, a second factor, first passwords
-- that nobody else knows, sessions that can be seen and ended, tokens that only read.

-- +goose Up
CREATE TABLE sign_in_locks (
    -- A keyed hash of the name that was typed, so that a name that nobody has is
    -- locked like any other, and this table is no list of names.
    name_hash    bytea PRIMARY KEY,
    failures     integer NOT NULL,
    last_failure timestamptz NOT NULL,
    locked_until timestamptz,
    CONSTRAINT lock_name_is_hashed CHECK (octet_length(name_hash) = 32),
    CONSTRAINT lock_counts_failures CHECK (failures >= 1)
);
CREATE INDEX sign_in_locks_by_age ON sign_in_locks (last_failure);
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_locks TO guiling_app;

CREATE TABLE sign_in_events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    -- NULL: there is nobody of that name, and what was typed is not kept.
    user_id bigint REFERENCES users (id),
    way     text NOT NULL,
    outcome text NOT NULL,
    address text NOT NULL,
    CONSTRAINT sign_in_way_is_known CHECK (way IN ('password', 'second_factor', 'recovery_code', 'demo', 'link', 'oidc', 'ldap')),
    CONSTRAINT sign_in_outcome_is_known CHECK (outcome IN ('signed_in', 'refused', 'locked'))
);
CREATE INDEX sign_in_events_by_user ON sign_in_events (user_id, at DESC);
GRANT SELECT, INSERT ON sign_in_events TO guiling_app;
CREATE TRIGGER sign_in_events_are_append_only
    BEFORE UPDATE OR DELETE ON sign_in_events FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE users
    -- The secret of the second factor, sealed and bound to the person.
    ADD COLUMN totp_sealed bytea,
    -- The last time step whose code was taken: no code is taken twice.
    ADD COLUMN totp_last_step bigint NOT NULL DEFAULT 0;

CREATE TABLE recovery_codes (
    user_id   bigint NOT NULL REFERENCES users (id),
    code_hash bytea NOT NULL,
    used_at   timestamptz,
    CONSTRAINT recovery_code_is_unique_within_its_person PRIMARY KEY (user_id, code_hash)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_codes TO guiling_app;

CREATE TABLE sign_in_links (
    token_hash bytea PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CONSTRAINT link_token_is_hashed CHECK (octet_length(token_hash) = 32)
);
CREATE INDEX sign_in_links_by_user ON sign_in_links (user_id);
GRANT SELECT, INSERT, UPDATE ON sign_in_links TO guiling_app;

-- What a person sees of their sessions. The session itself, with its data, is in
-- the table of the session library; it names its row here and is dead without it.
CREATE TABLE user_sessions (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id  bigint NOT NULL REFERENCES users (id),
    way      text NOT NULL,
    address  text NOT NULL,
    browser  text NOT NULL,
    began_at timestamptz NOT NULL,
    seen_at  timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX live_user_sessions_by_user ON user_sessions (user_id) WHERE ended_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON user_sessions TO guiling_app;

ALTER TABLE api_tokens
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN scope text NOT NULL DEFAULT 'act',
    ADD COLUMN last_used_at timestamptz,
    ADD CONSTRAINT token_scope_is_known CHECK (scope IN ('read', 'act'));
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
ALTER TABLE api_tokens
    DROP CONSTRAINT token_scope_is_known,
    DROP COLUMN last_used_at,
    DROP COLUMN scope,
    DROP COLUMN name;
DROP TABLE user_sessions;
DROP TABLE sign_in_links;
DROP TABLE recovery_codes;
ALTER TABLE users
    DROP COLUMN totp_last_step,
    DROP COLUMN totp_sealed;
DROP TABLE sign_in_events;
DROP TABLE sign_in_locks;
