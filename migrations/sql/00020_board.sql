-- The board counts what is open in a region and how the last weeks went. Cases
-- are kept for years and few of them are open: each count reads an index that
-- holds nothing but what it counts, and every column it asks for.

-- +goose Up
CREATE INDEX open_cases_by_region ON cases (region_code, department_id)
    INCLUDE (stage, deadline_at, paused_at, overdue_since, handler_id, escalation_steps, clock_offset_secs)
    WHERE stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived');
-- Few again, and counted over the whole tree above the region that is looked at.
CREATE INDEX overdue_cases_by_region ON cases (region_code, department_id) WHERE overdue_since IS NOT NULL;
CREATE INDEX open_cases_by_department ON cases (department_id, handler_id)
    WHERE stage NOT IN ('invalid', 'withdrawn', 'merged', 'archived');
CREATE INDEX cases_by_opening ON cases (opened_at) INCLUDE (region_code, department_id, clock_offset_secs);
CREATE INDEX cases_by_closing ON cases (closed_at) INCLUDE (region_code, department_id, closed_on_time, clock_offset_secs)
    WHERE closed_at IS NOT NULL;

-- +goose Down
DROP INDEX cases_by_closing;
DROP INDEX cases_by_opening;
DROP INDEX open_cases_by_department;
DROP INDEX overdue_cases_by_region;
DROP INDEX open_cases_by_region;
