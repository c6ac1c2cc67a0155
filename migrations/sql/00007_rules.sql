-- The numbers behind every clock, as they were published: a running case keeps
-- the pack with which it began, whatever later builds carry, and says by which
-- calendar of holidays it counts. Neither is ever changed; a new version is added.

-- +goose Up
CREATE TABLE rule_packs (
    id             text NOT NULL,
    version        integer NOT NULL,
    effective_from date NOT NULL,
    body           jsonb NOT NULL,
    published_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rule_pack_version_is_published_once PRIMARY KEY (id, version),
    CONSTRAINT rule_pack_versions_count_from_one CHECK (version >= 1)
);
GRANT SELECT ON rule_packs TO guiling_app;
CREATE TRIGGER rule_packs_are_append_only
    BEFORE UPDATE OR DELETE ON rule_packs FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE calendars (
    version           text PRIMARY KEY,
    published_through date NOT NULL,
    body              jsonb NOT NULL,
    published_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT ON calendars TO guiling_app;
CREATE TRIGGER calendars_are_append_only
    BEFORE UPDATE OR DELETE ON calendars FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE cases
    ADD COLUMN pack_id text,
    ADD COLUMN pack_version integer,
    -- NULL for a pack that asks no calendar.
    ADD COLUMN calendar_version text REFERENCES calendars (version),
    ADD CONSTRAINT case_has_a_published_pack FOREIGN KEY (pack_id, pack_version) REFERENCES rule_packs (id, version),
    DROP CONSTRAINT case_stage_is_known,
    ADD CONSTRAINT case_stage_is_known CHECK (stage IN ('opened', 'verification', 'invalidation', 'explanation', 'rectification',
        'feedback', 'closed', 'spot_check', 'invalid', 'withdrawn', 'merged', 'archived')),
    DROP CONSTRAINT case_that_ended_has_no_deadline,
    ADD CONSTRAINT case_that_ended_has_no_deadline CHECK (
        stage NOT IN ('closed', 'spot_check', 'invalid', 'withdrawn', 'merged', 'archived') OR deadline_at IS NULL);
CREATE INDEX open_cases_by_calendar ON cases (calendar_version)
    WHERE calendar_version IS NOT NULL AND stage NOT IN ('closed', 'spot_check', 'invalid', 'withdrawn', 'merged', 'archived');

-- +goose Down
DROP INDEX open_cases_by_calendar;
ALTER TABLE cases
    DROP CONSTRAINT case_that_ended_has_no_deadline,
    ADD CONSTRAINT case_that_ended_has_no_deadline CHECK (
        stage NOT IN ('closed', 'spot_check', 'invalid', 'withdrawn', 'archived') OR deadline_at IS NULL),
    DROP CONSTRAINT case_stage_is_known,
    ADD CONSTRAINT case_stage_is_known CHECK (stage IN ('opened', 'verification', 'invalidation', 'explanation', 'rectification',
        'feedback', 'closed', 'spot_check', 'invalid', 'withdrawn', 'archived')),
    DROP COLUMN calendar_version,
    DROP COLUMN pack_version,
    DROP COLUMN pack_id;
DROP TABLE calendars;
DROP TABLE rule_packs;
