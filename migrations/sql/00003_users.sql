-- +goose Up
CREATE TABLE users (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username        text NOT NULL,
    display_name    text NOT NULL,
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    roles           text[] NOT NULL,
    position        text NOT NULL DEFAULT '',
    -- The window or name under which citizens rate this person.
    staff_label     text NOT NULL DEFAULT '',
    -- argon2id in PHC form. NULL: no sign-in by password.
    password_hash   text,
    -- Demo users sign in only where GUILING_DEMO=1.
    demo            boolean NOT NULL DEFAULT false,
    disabled_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT username_is_unique UNIQUE (username),
    CONSTRAINT username_is_plain CHECK (username ~ '^[a-z0-9][a-z0-9._-]{1,63}$'),
    CONSTRAINT user_has_a_role CHECK (cardinality(roles) > 0),
    CONSTRAINT user_roles_are_known CHECK (roles <@ ARRAY['handler', 'department_lead', 'supervisor', 'publisher', 'auditor', 'sysadmin', 'secadmin', 'client']),
    CONSTRAINT demo_user_has_no_password CHECK (NOT demo OR password_hash IS NULL)
);
CREATE INDEX users_by_organisation ON users (organisation_id);
GRANT SELECT, INSERT, UPDATE ON users TO guiling_app;

-- The shape that scs's postgresstore expects.
CREATE TABLE sessions (
    token  text PRIMARY KEY,
    data   bytea NOT NULL,
    expiry timestamptz NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expiry);
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO guiling_app;

CREATE TABLE api_tokens (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id),
    -- SHA-256 of a token with 256 random bits; the token itself is shown once.
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT token_hash_is_unique UNIQUE (token_hash),
    CONSTRAINT token_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);
GRANT SELECT, INSERT, UPDATE ON api_tokens TO guiling_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE api_tokens;
DROP TABLE sessions;
DROP TABLE users;
