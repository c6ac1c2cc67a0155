-- What makes the lists of a province quick: each case carries the path of its
-- region and the place of its deadline in the order of lists, and the tokens of
-- what people search for. All three follow by triggers, so that no way of
-- changing a case, a department or a matter can forget them.

-- +goose Up

-- In the order of lists, open cases come first by their deadline, those without
-- one behind them, and what has ended last. One column says all of it, so that
-- one index serves "all", "open" and "ended".
ALTER TABLE cases
    ADD COLUMN region_path text[],
    ADD COLUMN due_order timestamptz GENERATED ALWAYS AS (
        CASE WHEN stage IN ('invalid', 'withdrawn', 'merged', 'archived') THEN timestamptz 'infinity'
             ELSE COALESCE(deadline_at, timestamptz '9999-01-01 00:00:00+00') END) STORED;
UPDATE cases c SET region_path = r.path FROM regions r WHERE r.code = c.region_code;
ALTER TABLE cases ALTER COLUMN region_path SET NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION case_region_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT path INTO NEW.region_path FROM regions WHERE code = NEW.region_code;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER case_knows_its_region_path
    BEFORE INSERT OR UPDATE OF region_code ON cases FOR EACH ROW EXECUTE FUNCTION case_region_path();

-- One index for each of the five levels: the cases below a region stand together
-- there, in the order of lists.
CREATE INDEX cases_of_level_1 ON cases ((region_path[1]), due_order, number);
CREATE INDEX cases_of_level_2 ON cases ((region_path[2]), due_order, number) WHERE region_path[2] IS NOT NULL;
CREATE INDEX cases_of_level_3 ON cases ((region_path[3]), due_order, number) WHERE region_path[3] IS NOT NULL;
CREATE INDEX cases_of_level_4 ON cases ((region_path[4]), due_order, number) WHERE region_path[4] IS NOT NULL;
CREATE INDEX cases_of_level_5 ON cases ((region_path[5]), due_order, number) WHERE region_path[5] IS NOT NULL;
DROP INDEX cases_by_department;
CREATE INDEX cases_by_department ON cases (department_id, due_order, number);
DROP INDEX cases_by_region;
CREATE INDEX cases_by_region ON cases (region_code);

ALTER TABLE tasks
    ADD COLUMN due_order timestamptz GENERATED ALWAYS AS (COALESCE(due_at, timestamptz '9999-01-01 00:00:00+00')) STORED;
DROP INDEX open_tasks_by_organisation;
CREATE INDEX open_tasks_by_organisation ON tasks (organisation_id, owner, due_order, id) WHERE closed_at IS NULL;
DROP INDEX open_tasks_by_assignee;
CREATE INDEX open_tasks_by_assignee ON tasks (assignee_id, due_order, id) WHERE closed_at IS NULL;

-- What two texts have in common however they are typed: full-width letters and
-- digits are plain ones, and capitals are small letters. ASCII only: what else
-- has cases differs from library to library.
-- +goose StatementBegin
CREATE FUNCTION search_fold(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(normalize(t, NFKC) COLLATE "C");
-- +goose StatementEnd

-- The tokens of a text: every character, every two that stand together, and
-- every three in ASCII, for two digits stand together in nearly every number. A
-- text that is part of another has only tokens of the other.
-- +goose StatementBegin
CREATE FUNCTION search_tokens(t text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH characters AS (
        SELECT a, lead(a, 1, ' ') OVER w AS b, lead(a, 2, ' ') OVER w AS c
        FROM regexp_split_to_table(search_fold(t), '') WITH ORDINALITY AS s (a, n)
        WINDOW w AS (ORDER BY n)
    )
    SELECT COALESCE(array_agg(DISTINCT token), '{}')
    FROM characters,
         LATERAL (VALUES (a),
                         (CASE WHEN b <> ' ' THEN a || b END),
                         (CASE WHEN b <> ' ' AND c <> ' ' AND octet_length(a || b || c) = 3 THEN a || b || c END)) AS made (token)
    WHERE a <> ' ' AND token IS NOT NULL
$$;
-- +goose StatementEnd

-- Beside the words stand the regions (@) and the department (#) of a case, so
-- that a search within a scope touches nothing outside it.
CREATE TABLE case_search (
    case_number text PRIMARY KEY REFERENCES cases (number),
    tokens      text[] NOT NULL
);
CREATE INDEX case_search_by_token ON case_search USING gin (tokens) WITH (gin_pending_list_limit = 512);
GRANT SELECT, INSERT, UPDATE ON case_search TO guiling_app;

-- +goose StatementBegin
CREATE FUNCTION refresh_case_search(numbers text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO case_search (case_number, tokens)
    SELECT c.number,
           search_tokens(concat_ws(' ', c.number, m.name, d.name, v.words))
           || ARRAY(SELECT '@' || code FROM unnest(c.region_path) AS code) || ('#' || c.department_id)
    FROM cases c
    JOIN reviews v ON v.id = c.review_id
    JOIN matters m ON m.code = c.matter_code
    JOIN organisations d ON d.id = c.department_id
    WHERE c.number = ANY (numbers)
    ON CONFLICT (case_number) DO UPDATE SET tokens = EXCLUDED.tokens
$$;
-- +goose StatementEnd
SELECT refresh_case_search(ARRAY(SELECT number FROM cases));

-- +goose StatementBegin
CREATE FUNCTION case_search_follows_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_case_search(ARRAY[NEW.number]);
    RETURN NULL;
END
$$;
CREATE FUNCTION case_search_follows_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_case_search(ARRAY(SELECT number FROM cases WHERE review_id = NEW.id));
    RETURN NULL;
END
$$;
CREATE FUNCTION case_search_follows_department() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_case_search(ARRAY(SELECT number FROM cases WHERE department_id = NEW.id));
    RETURN NULL;
END
$$;
CREATE FUNCTION case_search_follows_matter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_case_search(ARRAY(SELECT number FROM cases WHERE matter_code = NEW.code));
    RETURN NULL;
END
$$;
-- Setting the code anew lets the two triggers of cases do the rest.
CREATE FUNCTION cases_follow_region() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cases SET region_code = region_code WHERE region_code = NEW.code;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER new_case_is_searchable
    AFTER INSERT ON cases FOR EACH ROW EXECUTE FUNCTION case_search_follows_case();
CREATE TRIGGER changed_case_is_searchable
    AFTER UPDATE ON cases FOR EACH ROW
    WHEN (OLD.department_id <> NEW.department_id OR OLD.matter_code <> NEW.matter_code
          OR OLD.review_id <> NEW.review_id OR OLD.region_path <> NEW.region_path)
    EXECUTE FUNCTION case_search_follows_case();
CREATE TRIGGER changed_words_are_searchable
    AFTER UPDATE OF words ON reviews FOR EACH ROW
    WHEN (OLD.words <> NEW.words) EXECUTE FUNCTION case_search_follows_review();
CREATE TRIGGER changed_department_is_searchable
    AFTER UPDATE OF name ON organisations FOR EACH ROW
    WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION case_search_follows_department();
CREATE TRIGGER changed_matter_is_searchable
    AFTER UPDATE OF name ON matters FOR EACH ROW
    WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION case_search_follows_matter();
CREATE TRIGGER cases_follow_a_changed_region
    AFTER UPDATE OF path ON regions FOR EACH ROW
    WHEN (OLD.path <> NEW.path) EXECUTE FUNCTION cases_follow_region();
CREATE INDEX cases_by_matter ON cases (matter_code);

-- Filters that somebody keeps under a name: for oneself, or for everybody of the
-- organisation. The query holds names and values as in the address of a list.
CREATE TABLE saved_views (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list            text NOT NULL,
    name            text NOT NULL,
    query           text NOT NULL,
    owner_id        bigint NOT NULL REFERENCES users (id),
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    shared          boolean NOT NULL,
    saved_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT saved_view_is_of_a_list CHECK (list IN ('tasks', 'cases')),
    CONSTRAINT saved_view_has_a_name CHECK (char_length(btrim(name)) BETWEEN 1 AND 30),
    CONSTRAINT saved_view_is_small CHECK (octet_length(query) <= 2000)
);
CREATE UNIQUE INDEX own_view_is_named_once ON saved_views (owner_id, list, name) WHERE NOT shared;
CREATE UNIQUE INDEX shared_view_is_named_once ON saved_views (organisation_id, list, name) WHERE shared;
GRANT SELECT, INSERT, DELETE ON saved_views TO guiling_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE saved_views;
DROP INDEX cases_by_matter;
DROP TRIGGER cases_follow_a_changed_region ON regions;
DROP TRIGGER changed_matter_is_searchable ON matters;
DROP TRIGGER changed_department_is_searchable ON organisations;
DROP TRIGGER changed_words_are_searchable ON reviews;
DROP TRIGGER changed_case_is_searchable ON cases;
DROP TRIGGER new_case_is_searchable ON cases;
DROP FUNCTION cases_follow_region();
DROP FUNCTION case_search_follows_matter();
DROP FUNCTION case_search_follows_department();
DROP FUNCTION case_search_follows_review();
DROP FUNCTION case_search_follows_case();
DROP FUNCTION refresh_case_search(text[]);
DROP TABLE case_search;
DROP FUNCTION search_tokens(text);
DROP FUNCTION search_fold(text);
DROP INDEX open_tasks_by_assignee;
CREATE INDEX open_tasks_by_assignee ON tasks (assignee_id, due_at) WHERE closed_at IS NULL;
DROP INDEX open_tasks_by_organisation;
CREATE INDEX open_tasks_by_organisation ON tasks (organisation_id, due_at) WHERE closed_at IS NULL;
ALTER TABLE tasks DROP COLUMN due_order;
DROP INDEX cases_by_region;
CREATE INDEX cases_by_region ON cases (region_code, deadline_at);
DROP INDEX cases_by_department;
DROP INDEX cases_of_level_5;
DROP INDEX cases_of_level_4;
DROP INDEX cases_of_level_3;
DROP INDEX cases_of_level_2;
DROP INDEX cases_of_level_1;
DROP TRIGGER case_knows_its_region_path ON cases;
DROP FUNCTION case_region_path();
ALTER TABLE cases DROP COLUMN due_order, DROP COLUMN region_path;
CREATE INDEX cases_by_department ON cases (department_id, deadline_at);
