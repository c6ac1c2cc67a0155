package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

func int64s(ids []int64) pq.Int64Array { return ids }

// DepartmentMove brings a department to another region.
type DepartmentMove struct {
	ID         int64
	RegionCode string
	Deed
}

// MoveDepartment brings a department to another region, under the authority that
// serves it. Its cases and its people go along: rights follow the tree of today.
func (s *Store) MoveDepartment(ctx context.Context, m DepartmentMove) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := changeTree(ctx, tx); err != nil {
			return err
		}
		before, err := organisationInBeing(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		on, err := m.day(before.ValidFrom)
		switch {
		case err != nil:
			return err
		case before.Kind != casework.KindDepartment:
			return casework.Invalid("id", "not_a_department", "an authority belongs to its region and does not move")
		case before.RegionCode == m.RegionCode:
			return casework.Invalid("region_code", "same_region", "the department is there already")
		}
		depends, err := dependantsOf(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		if depends.Administrators > 0 {
			return administratorsDepend()
		}
		var parent int64
		err = tx.GetContext(ctx, &parent, `
			UPDATE organisations SET region_code = r.code, parent_id = (
				SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code
				WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) ORDER BY cardinality(ar.path) DESC LIMIT 1)
			FROM regions r WHERE organisations.id = $1 AND r.code = $2
			RETURNING organisations.parent_id`, m.ID, m.RegionCode)
		switch {
		case isNoRow(err):
			return casework.Invalid("region_code", "region_not_found", "there is no region "+m.RegionCode)
		case violates(err, "department_has_an_authority"):
			return casework.Conflict("no_authority", "no authority serves this region")
		case err != nil:
			return nameTaken(err, "move department")
		}
		if err := keepFormerName(ctx, tx, before, on); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET region_code = $2 WHERE department_id = $1`, m.ID, m.RegionCode); err != nil {
			return fmt.Errorf("move cases: %w", err)
		}
		if err := s.resettle(ctx, tx, "c.department_id = $1", m.ID); err != nil {
			return err
		}
		change := AdminChange{
			By: m.By, Kind: AdminOrganisationMoved, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(m.ID, 10), SubjectName: before.Name,
			RegionCode: m.RegionCode, Before: map[string]any{"region_code": before.RegionCode, "parent_id": before.ParentID},
			After: map[string]any{"region_code": m.RegionCode, "parent_id": parent, "on": on, "cases": depends.Cases, "people": depends.People},
		}
		if err := recordAdminChange(ctx, tx, change); err != nil {
			return err
		}
		change.Kind, change.RegionCode = AdminOrganisationLeft, before.RegionCode
		return recordAdminChange(ctx, tx, change)
	})
}

func administratorsDepend() error {
	return casework.Conflict("administrators_depend",
		"an administrator or auditor belongs to it, whose reach would change with it: move them or take their role first")
}

// DepartmentMerge ends a department in favour of another.
type DepartmentMerge struct {
	ID, Into int64
	Deed
}

// MergeDepartment ends a department. The one into which it goes has its cases, its
// people and its windows from now on, is rated in its place, and takes what names
// it as it was called. What has happened goes on naming it.
func (s *Store) MergeDepartment(ctx context.Context, m DepartmentMerge) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := changeTree(ctx, tx); err != nil {
			return err
		}
		if m.ID == m.Into {
			return casework.Invalid("into", "own_successor", "a department is not merged into itself")
		}
		from, err := organisationInBeing(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		into, err := successorInBeing(ctx, tx, "into", m.Into)
		if err != nil {
			return err
		}
		on, err := m.day(from.ValidFrom)
		switch {
		case err != nil:
			return err
		case from.Kind != casework.KindDepartment:
			return casework.Invalid("id", "not_a_department", "an authority is closed and not merged")
		case into.Kind != casework.KindDepartment:
			return casework.Invalid("into", "successor_of_another_kind", "a department follows a department")
		}
		depends, err := dependantsOf(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		if depends.Administrators > 0 && from.RegionCode != into.RegionCode {
			return administratorsDepend()
		}
		return s.merge(ctx, tx, m, from, into, on, depends)
	})
}

func (s *Store) merge(ctx context.Context, tx *sqlx.Tx, m DepartmentMerge, from, into Organisation, on string, depends Dependants) error {
	if err := end(ctx, tx, from, into.ID, on); err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE cases SET department_id = $2, region_code = (SELECT region_code FROM organisations WHERE id = $2) WHERE department_id = $1`,
		`UPDATE tasks SET organisation_id = $2 WHERE organisation_id = $1 AND closed_at IS NULL`,
		`UPDATE windows SET department_id = $2 WHERE department_id = $1 AND valid_to IS NULL`,
	} {
		if _, err := tx.ExecContext(ctx, statement, from.ID, into.ID); err != nil {
			return fmt.Errorf("merge departments: %w", err)
		}
	}
	if from.RegionCode != into.RegionCode {
		if err := s.resettle(ctx, tx, "c.department_id = $1", into.ID); err != nil {
			return err
		}
	}
	if err := s.movePeople(ctx, tx, m.By, from.ID, into.ID); err != nil {
		return err
	}
	moved := map[string]any{"cases": depends.Cases, "people": depends.People, "windows": depends.Windows, "on": on}
	err := recordAdminChange(ctx, tx, AdminChange{
		By: m.By, Kind: AdminOrganisationMerged, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(from.ID, 10), SubjectName: from.Name,
		RegionCode: from.RegionCode, Before: map[string]any{"name": from.Name, "valid_to": nil, "successor": nil},
		After: map[string]any{"name": from.Name, "valid_to": on, "successor": into.Name, "successor_id": into.ID, "moved": moved},
	})
	if err != nil {
		return err
	}
	return recordAdminChange(ctx, tx, AdminChange{
		By: m.By, Kind: AdminOrganisationAbsorbed, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(into.ID, 10), SubjectName: into.Name,
		RegionCode: into.RegionCode, After: map[string]any{"merged": from.Name, "merged_id": from.ID, "moved": moved},
	})
}

// movePeople brings everybody of an organisation to its successor, disabled people
// too. They keep their roles, for the successor has taken over what they were given
// for, and their past stays with them.
func (s *Store) movePeople(ctx context.Context, tx *sqlx.Tx, by casework.By, from, into int64) error {
	var ids []int64
	if err := tx.SelectContext(ctx, &ids, `SELECT id FROM users WHERE organisation_id = $1 ORDER BY id FOR UPDATE`, from); err != nil {
		return fmt.Errorf("people of organisation %d: %w", from, err)
	}
	for _, id := range ids {
		before, err := person(ctx, tx, id, "")
		if err != nil {
			return err
		}
		after := before
		after.Actor.OrganisationID = into
		if err := s.keepPerson(ctx, tx, PersonChange{ID: id, By: by, Kind: AdminPersonMoved}, before, after); err != nil {
			return err
		}
	}
	return nil
}

// end closes an organisation, for good: with a successor, whoever it had followed
// itself is followed by that as well.
func end(ctx context.Context, tx *sqlx.Tx, o Organisation, successor int64, on string) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE organisations SET valid_to = CAST($2 AS date), successor_id = NULLIF($3, 0), current_id = NULLIF($3, 0) WHERE id = $1`,
		o.ID, on, successor)
	if err != nil {
		return fmt.Errorf("end organisation %d: %w", o.ID, err)
	}
	if successor == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE organisations SET current_id = $2 WHERE current_id = $1`, o.ID, successor); err != nil {
		return fmt.Errorf("successor of organisation %d: %w", o.ID, err)
	}
	return keepFormerName(ctx, tx, o, on)
}

// successorInBeing reads who is to follow. As they exist, they follow nobody, and
// no circle can come about.
func successorInBeing(ctx context.Context, tx *sqlx.Tx, field string, id int64) (Organisation, error) {
	successor, err := organisationInBeing(ctx, tx, id)
	domain, ok := casework.AsError(err)
	switch {
	case ok && domain.Code == casework.CodeNotFound:
		return Organisation{}, casework.Invalid(field, "organisation_not_found", "there is no such organisation")
	case ok && domain.Code == casework.CodeConflict:
		return Organisation{}, casework.Invalid(field, "successor_ended", "the successor is no more itself")
	}
	return successor, err
}

// OrganisationClosing ends an organisation.
type OrganisationClosing struct {
	ID          int64
	SuccessorID int64 // of an authority; 0: nobody. A department that has a successor is merged.
	Deed
}

// CloseOrganisation ends an organisation on which nothing depends, or an authority
// that names its successor. What lay below a closed authority answers to the next
// one above, so that the successor can only be another where nothing lay below.
func (s *Store) CloseOrganisation(ctx context.Context, c OrganisationClosing) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := changeTree(ctx, tx); err != nil {
			return err
		}
		before, err := organisationInBeing(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		on, err := c.day(before.ValidFrom)
		if err != nil {
			return err
		}
		depends, err := dependantsOf(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		var successor Organisation
		if c.SuccessorID != 0 {
			if successor, err = successorInBeing(ctx, tx, "successor_id", c.SuccessorID); err != nil {
				return err
			}
		}
		if err := mayClose(before, successor, depends); err != nil {
			return err
		}
		if err := end(ctx, tx, before, successor.ID, on); err != nil {
			return err
		}
		if before.Kind == casework.KindAuthority {
			if err := s.handOver(ctx, tx, before, successor); err != nil {
				return err
			}
		}
		return recordAdminChange(ctx, tx, AdminChange{
			By: c.By, Kind: AdminOrganisationClosed, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(c.ID, 10), SubjectName: before.Name,
			RegionCode: before.RegionCode, Before: map[string]any{"valid_to": nil, "successor": nil},
			After: map[string]any{"valid_to": on, "successor": successor.Name, "successor_id": successor.ID},
		})
	})
}

// mayClose refuses to leave anything or anybody behind.
func mayClose(o, successor Organisation, d Dependants) error {
	below := d.Departments+d.Authorities > 0
	switch {
	case d.People > 0 || d.Administrators > 0:
		return casework.Conflict("people_depend", "people belong to it: move them first")
	case o.Kind == casework.KindDepartment && successor.ID != 0:
		return casework.Invalid("successor_id", "departments_are_merged", "a department that has a successor is merged into it")
	case o.Kind == casework.KindDepartment && d.OpenCases > 0:
		return casework.Conflict("cases_depend", "it has cases that go on: merge it, or transfer them first")
	case o.Kind == casework.KindDepartment && d.Windows > 0:
		return casework.Conflict("windows_depend", "it has windows: close them first")
	case o.Kind == casework.KindDepartment:
		return nil
	case o.ParentID == 0:
		return casework.Conflict("topmost_authority", "the topmost authority stays")
	case d.TakenOver > 0:
		return casework.Conflict("taken_over_depend", "it handles cases itself: hand them back first")
	case successor.ID == 0 && (below || d.Halls > 0):
		return casework.Conflict("organisations_depend", "organisations or halls depend on it: name its successor")
	case successor.ID == o.ID && o.ID != 0:
		return casework.Invalid("successor_id", "own_successor", "an authority does not follow itself")
	case successor.ID != 0 && successor.Kind != casework.KindAuthority:
		return casework.Invalid("successor_id", "successor_of_another_kind", "an authority follows an authority")
	case successor.ID != 0 && below && successor.ID != o.ParentID:
		return casework.Invalid("successor_id", "successor_not_above", "what lies below answers to the next authority above: only that can follow")
	}
	return nil
}

// handOver gives what an authority had to who follows.
func (s *Store) handOver(ctx context.Context, tx *sqlx.Tx, from, into Organisation) error {
	if err := reparent(ctx, tx, from.RegionCode); err != nil {
		return err
	}
	if into.ID != 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE halls SET organisation_id = $2 WHERE organisation_id = $1 AND valid_to IS NULL`, from.ID, into.ID); err != nil {
			return fmt.Errorf("hand halls over: %w", err)
		}
	}
	return s.resettle(ctx, tx, "r.path @> ARRAY[$1]", from.RegionCode)
}
