package store

import (
	"context"
	"fmt"

	"guiling/internal/casework"
)

// NarrowingChoices are values to narrow a list by.
type NarrowingChoices struct {
	Matters     []Named // with open cases, by name
	Departments []Named // with open cases, by name
	Regions     []Named // those right below, by code
	Handlers    []User
}

// Named is a value with its name.
type Named struct {
	Value string `db:"value"`
	Name  string `db:"name"`
}

// maxChoices is how many values a select can hold and still be one.
const maxChoices = 300

// NarrowingChoices reads what the open cases in scope have. More than fit in a
// select are cut: the search finds the others.
func (s *Store) NarrowingChoices(ctx context.Context, scope Scope) (NarrowingChoices, error) {
	var choices NarrowingChoices
	inScope, args := scope.where(1)
	for _, part := range []struct {
		into  *[]Named
		query string
	}{
		{&choices.Matters, `SELECT m.code AS value, m.name FROM matters m
			WHERE m.code IN (SELECT c.matter_code FROM cases c WHERE c.due_order < 'infinity' AND ` + inScope + `) ORDER BY m.name`},
		{&choices.Departments, `SELECT CAST(d.id AS text) AS value, d.name FROM organisations d
			WHERE d.id IN (SELECT c.department_id FROM cases c WHERE c.due_order < 'infinity' AND ` + inScope + `) ORDER BY d.name, d.id`},
	} {
		if err := s.db.SelectContext(ctx, part.into, part.query+fmt.Sprintf(" LIMIT %d", maxChoices), args...); err != nil {
			return NarrowingChoices{}, fmt.Errorf("choices: %w", err)
		}
	}
	if scope.DepartmentID == 0 {
		err := s.db.SelectContext(ctx, &choices.Regions, `SELECT code AS value, name FROM regions WHERE parent_code = $1 ORDER BY code`, scope.RegionCode)
		if err != nil {
			return NarrowingChoices{}, fmt.Errorf("choices: %w", err)
		}
	}
	return choices, nil
}

// NarrowedTo names what a list is narrowed to, for showing it; empty for what is
// not there.
func (s *Store) NarrowedTo(ctx context.Context, n Narrowing) (region, department, matter string, err error) {
	err = s.db.QueryRowxContext(ctx, `SELECT
		COALESCE((SELECT name FROM regions WHERE code = $1), ''),
		COALESCE((SELECT name FROM organisations WHERE id = $2 AND kind = $3), ''),
		COALESCE((SELECT name FROM matters WHERE code = $4), '')`,
		n.RegionCode, n.DepartmentID, string(casework.KindDepartment), n.MatterCode).Scan(&region, &department, &matter)
	if err != nil {
		return "", "", "", fmt.Errorf("names of a narrowing: %w", err)
	}
	return region, department, matter, nil
}
