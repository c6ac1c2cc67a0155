-- Regions and organisations carry explicit parents. A code says nothing about
-- who supervises whom: 济源 419001 and the directly managed counties answer to
-- the province.

-- +goose Up
CREATE TABLE regions (
    code        text PRIMARY KEY,
    name        text NOT NULL,
    level       text NOT NULL,
    parent_code text REFERENCES regions (code),
    -- The codes from the province down to the region itself, made from the
    -- explicit parents when the reference data is loaded.
    path        text[] NOT NULL,
    CONSTRAINT region_code_has_twelve_digits CHECK (code ~ '^[0-9]{12}$'),
    CONSTRAINT region_level_is_one_of_five CHECK (level IN ('province', 'city', 'county', 'township', 'village')),
    CONSTRAINT only_the_province_has_no_parent CHECK ((parent_code IS NULL) = (level = 'province')),
    CONSTRAINT region_path_ends_with_itself CHECK (path[cardinality(path)] = code)
);
CREATE INDEX regions_by_path ON regions USING gin (path);
CREATE INDEX regions_by_parent ON regions (parent_code);
GRANT SELECT ON regions TO guiling_app;

CREATE TABLE organisations (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    name        text NOT NULL,
    region_code text NOT NULL REFERENCES regions (code),
    -- An authority's parent is the next authority above; a department's is the
    -- authority that supervises it.
    parent_id   bigint REFERENCES organisations (id),
    -- False for a department that an import met for the first time.
    confirmed   boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT organisation_kind_is_known CHECK (kind IN ('authority', 'department')),
    CONSTRAINT organisation_name_is_not_blank CHECK (btrim(name) <> ''),
    CONSTRAINT department_has_an_authority CHECK (kind = 'authority' OR parent_id IS NOT NULL),
    CONSTRAINT organisation_is_not_its_own_parent CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX one_authority_per_region ON organisations (region_code) WHERE kind = 'authority';
CREATE UNIQUE INDEX one_department_of_a_name_per_region ON organisations (region_code, name) WHERE kind = 'department';
CREATE INDEX organisations_by_parent ON organisations (parent_id);
GRANT SELECT, INSERT, UPDATE ON organisations TO guiling_app;

-- +goose Down
DROP TABLE organisations;
DROP TABLE regions;
