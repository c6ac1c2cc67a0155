-- Whoever listens is told when something about a case is otherwise than before: its
-- row, or the organisation that has one of its tasks. What is said names the case,
-- where it lies and who works on it, by their ids, and nothing of what is in it. It
-- is said when the transaction commits, with what stands then.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION tell_of_case(told text, was jsonb, left_organisation bigint) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('guiling_cases', CAST(jsonb_strip_nulls(jsonb_build_object(
        'number', c.number, 'version', c.version, 'path', r.path, 'department', c.department_id, 'handler', c.handler_id, 'was', was,
        -- Whose tasks it has, and whose it had until this change.
        'organisations', (
            SELECT jsonb_agg(DISTINCT x.id) FROM (
                SELECT t.organisation_id AS id FROM tasks t
                WHERE t.case_number = c.number AND (t.closed_at IS NULL OR t.closed_at = c.changed_at)
                UNION SELECT left_organisation WHERE left_organisation IS NOT NULL) x))) AS text))
    FROM cases c JOIN regions r ON r.code = c.region_code WHERE c.number = told
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION case_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb;
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.region_code, OLD.department_id, OLD.handler_id) IS DISTINCT FROM (NEW.region_code, NEW.department_id, NEW.handler_id) THEN
        SELECT jsonb_build_object('path', r.path, 'department', OLD.department_id, 'handler', OLD.handler_id)
        INTO was FROM regions r WHERE r.code = OLD.region_code;
    END IF;
    PERFORM tell_of_case(NEW.number, was, NULL);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION task_has_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_of_case(NEW.case_number, NULL, OLD.organisation_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- Deferred: the tasks follow the row within the transaction.
CREATE CONSTRAINT TRIGGER cases_tell_of_changes
    AFTER INSERT OR UPDATE ON cases DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION case_has_changed();
CREATE CONSTRAINT TRIGGER tasks_tell_where_they_go
    AFTER UPDATE OF organisation_id ON tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id) EXECUTE FUNCTION task_has_moved();

-- +goose Down
DROP TRIGGER tasks_tell_where_they_go ON tasks;
DROP TRIGGER cases_tell_of_changes ON cases;
DROP FUNCTION task_has_moved();
DROP FUNCTION case_has_changed();
DROP FUNCTION tell_of_case(text, jsonb, bigint);
