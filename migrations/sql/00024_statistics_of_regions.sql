-- How many cases lie below a region: the server takes nothing of that from the indexes
-- of 00016, for they leave out the cases above their level, and then reads all cases
-- of a city one by one to find a rare word.

-- +goose Up
CREATE STATISTICS cases_at_level_2 ON (region_path[2]) FROM cases;
CREATE STATISTICS cases_at_level_3 ON (region_path[3]) FROM cases;
CREATE STATISTICS cases_at_level_4 ON (region_path[4]) FROM cases;
CREATE STATISTICS cases_at_level_5 ON (region_path[5]) FROM cases;
ANALYZE cases;

-- +goose Down
DROP STATISTICS cases_at_level_5;
DROP STATISTICS cases_at_level_4;
DROP STATISTICS cases_at_level_3;
DROP STATISTICS cases_at_level_2;
