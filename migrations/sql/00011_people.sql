-- Where people worked before. A conflict of interest goes with the person and not
-- with the position, so nobody's past is ever rewritten.

-- +goose Up
CREATE TABLE past_memberships (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id         bigint NOT NULL REFERENCES users (id),
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    position        text NOT NULL,
    staff_label     text NOT NULL,
    since           timestamptz NOT NULL,
    until           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT membership_ends_after_it_began CHECK (until >= since)
);
CREATE INDEX past_memberships_by_user ON past_memberships (user_id);
GRANT SELECT, INSERT ON past_memberships TO guiling_app;
CREATE TRIGGER past_memberships_are_append_only
    BEFORE UPDATE OR DELETE ON past_memberships FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE users
    -- Since when the person is where they are, under that label.
    ADD COLUMN member_since timestamptz NOT NULL DEFAULT now(),
    -- Counts the changes, so that of two who change at once the second sees the first.
    ADD COLUMN version integer NOT NULL DEFAULT 1;
UPDATE users SET member_since = created_at;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
ALTER TABLE users
    DROP COLUMN version,
    DROP COLUMN member_since;
DROP TABLE past_memberships;
