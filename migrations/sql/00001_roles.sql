-- The application works as guiling_app, which owns nothing: it can use the
-- tables as granted below and has no way to change their shape or to rewrite
-- what has happened. Migrations run as the owner of the database.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guiling_app') THEN
        CREATE ROLE guiling_app NOLOGIN;
    END IF;
EXCEPTION
    -- Another replica, or another database of the same server, made it first.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
-- +goose StatementEnd
GRANT USAGE ON SCHEMA public TO guiling_app;

-- A table that must never change what it once took in gets this trigger beside
-- the missing GRANT: the owner could otherwise still do it by mistake.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd

-- What reference data is loaded, so that a start with the same data does nothing.
CREATE TABLE reference_versions (
    name      text PRIMARY KEY,
    version   text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON reference_versions TO guiling_app;

-- +goose Down
DROP TABLE reference_versions;
DROP FUNCTION refuse_change();
