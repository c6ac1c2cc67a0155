-- Organisations come and go: a department moves or is merged, an authority is
-- closed. What is over stays, for old cases name it; who follows it is written
-- down, and rights go by the tree of today.

-- +goose Up
ALTER TABLE organisations
    -- NULL: since before this register was kept.
    ADD COLUMN valid_from   date,
    -- The day from which it is no more; NULL: in being. Never a day ahead: a
    -- reorganisation is entered on its day, so that being closed needs no clock.
    ADD COLUMN valid_to     date,
    ADD COLUMN successor_id bigint REFERENCES organisations (id),
    -- The last of its successors, which is in being or has ended without one; NULL:
    -- itself. Kept by the reorganisation, so that nobody follows the chain later.
    ADD COLUMN current_id   bigint REFERENCES organisations (id),
    ADD CONSTRAINT organisation_ends_after_it_began CHECK (valid_to >= valid_from),
    ADD CONSTRAINT organisation_is_not_its_own_successor CHECK (successor_id <> id AND current_id <> id),
    ADD CONSTRAINT only_what_has_ended_has_a_successor CHECK (valid_to IS NOT NULL OR successor_id IS NULL),
    ADD CONSTRAINT who_has_a_successor_has_a_current_one CHECK ((successor_id IS NULL) = (current_id IS NULL));
CREATE INDEX organisations_by_current ON organisations (current_id) WHERE current_id IS NOT NULL;
CREATE INDEX organisations_by_region ON organisations (region_code, kind, id);

-- Who handles cases itself must hand them back before it can be closed.
CREATE INDEX case_events_taken_over ON case_events (by_organisation_id) WHERE kind = 'taken_over';

-- Names are taken by those in being only.
DROP INDEX one_authority_per_region;
DROP INDEX one_department_of_a_name_per_region;
CREATE UNIQUE INDEX one_authority_per_region ON organisations (region_code) WHERE kind = 'authority' AND valid_to IS NULL;
CREATE UNIQUE INDEX one_department_of_a_name_per_region ON organisations (region_code, name) WHERE kind = 'department' AND valid_to IS NULL;

-- Who supervises whom follows from the explicit parents of regions, and from
-- nothing else: an authority answers to the next authority above its region, a
-- department to the authority that serves its region. Asked at the end of a
-- transaction, for a reorganisation changes both sides.
-- +goose StatementBegin
CREATE FUNCTION check_organisation_parent() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    o organisations;
    expected bigint;
BEGIN
    SELECT * INTO o FROM organisations WHERE id = NEW.id;
    IF o.id IS NULL OR o.valid_to IS NOT NULL THEN
        RETURN NULL;
    END IF;
    SELECT a.id INTO expected
    FROM regions r
    JOIN organisations a ON a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path)
    JOIN regions ar ON ar.code = a.region_code
    WHERE r.code = o.region_code AND a.id <> o.id
    ORDER BY cardinality(ar.path) DESC LIMIT 1;
    IF o.parent_id IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'organisation % answers to %, and its region says %', o.id, o.parent_id, expected
            USING ERRCODE = 'check_violation', CONSTRAINT = 'organisation_answers_to_the_authority_of_its_region';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER organisation_answers_to_the_authority_of_its_region
    AFTER INSERT OR UPDATE OF parent_id, region_code, kind, valid_to ON organisations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_organisation_parent();

-- What an organisation was called before, and where: sources go on writing it.
CREATE TABLE former_names (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    region_code     text NOT NULL REFERENCES regions (code),
    name            text NOT NULL,
    until           date NOT NULL,
    -- When it was entered: what happened in a case before is told by this name.
    entered_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT former_name_is_not_blank CHECK (btrim(name) <> '')
);
CREATE INDEX former_names_by_name ON former_names (region_code, name, id DESC);
CREATE INDEX former_names_by_organisation ON former_names (organisation_id);
GRANT SELECT, INSERT ON former_names TO guiling_app;

-- Where citizens are served: halls (政务大厅) with their windows (窗口).
CREATE TABLE halls (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The authority that runs it.
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    region_code     text NOT NULL REFERENCES regions (code),
    name            text NOT NULL,
    address         text NOT NULL DEFAULT '',
    valid_from      date,
    valid_to        date,
    CONSTRAINT hall_name_is_not_blank CHECK (btrim(name) <> ''),
    CONSTRAINT hall_ends_after_it_began CHECK (valid_to >= valid_from)
);
CREATE UNIQUE INDEX one_hall_of_a_name_per_region ON halls (region_code, name) WHERE valid_to IS NULL;
CREATE INDEX halls_by_organisation ON halls (organisation_id);
GRANT SELECT, INSERT, UPDATE ON halls TO guiling_app;

CREATE TABLE windows (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hall_id       bigint NOT NULL REFERENCES halls (id),
    -- NULL: a window for matters of many departments (综合窗口).
    department_id bigint REFERENCES organisations (id),
    -- Under what citizens rate: users.staff_label, service_records.staff_label.
    label         text NOT NULL,
    name          text NOT NULL DEFAULT '',
    valid_from    date,
    valid_to      date,
    CONSTRAINT window_label_is_not_blank CHECK (btrim(label) <> ''),
    CONSTRAINT window_ends_after_it_began CHECK (valid_to >= valid_from)
);
CREATE UNIQUE INDEX one_window_of_a_label_per_hall ON windows (hall_id, label) WHERE valid_to IS NULL;
CREATE INDEX windows_by_department ON windows (department_id) WHERE department_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON windows TO guiling_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE windows;
DROP TABLE halls;
DROP TABLE former_names;
DROP TRIGGER organisation_answers_to_the_authority_of_its_region ON organisations;
DROP FUNCTION check_organisation_parent();
DROP INDEX one_authority_per_region;
DROP INDEX one_department_of_a_name_per_region;
CREATE UNIQUE INDEX one_authority_per_region ON organisations (region_code) WHERE kind = 'authority';
CREATE UNIQUE INDEX one_department_of_a_name_per_region ON organisations (region_code, name) WHERE kind = 'department';
DROP INDEX case_events_taken_over;
DROP INDEX organisations_by_region;
DROP INDEX organisations_by_current;
ALTER TABLE organisations
    DROP COLUMN current_id,
    DROP COLUMN successor_id,
    DROP COLUMN valid_to,
    DROP COLUMN valid_from;
