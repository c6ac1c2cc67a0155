package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"

	"guiling/internal/casework"
)

// Hall is a place where citizens are served (政务大厅), with its windows.
type Hall struct {
	ID             int64  `db:"id"`
	OrganisationID int64  `db:"organisation_id"` // the authority that runs it
	RegionCode     string `db:"region_code"`
	RegionName     string `db:"region_name"`
	Name           string `db:"name"`
	Address        string `db:"address"`
	ValidFrom      string `db:"valid_from"`
	ValidTo        string `db:"valid_to"` // empty: in being
	Windows        []Window
}

// Window is a window of a hall (窗口).
type Window struct {
	ID             int64  `db:"id"`
	HallID         int64  `db:"hall_id"`
	DepartmentID   int64  `db:"department_id"` // 0: for matters of many departments (综合窗口)
	DepartmentName string `db:"department_name"`
	Label          string `db:"label"` // under which citizens rate who works there
	Name           string `db:"name"`
	ValidFrom      string `db:"valid_from"`
	ValidTo        string `db:"valid_to"` // empty: in being
	// OrganisationID is the authority that runs the hall, RegionCode the hall's region.
	OrganisationID int64  `db:"organisation_id"`
	RegionCode     string `db:"region_code"`
}

const hallColumns = `
	h.id, h.organisation_id, h.region_code, r.name AS region_name, h.name, h.address,
	COALESCE(CAST(h.valid_from AS text), '') AS valid_from, COALESCE(CAST(h.valid_to AS text), '') AS valid_to
	FROM halls h JOIN regions r ON r.code = h.region_code`

const windowColumns = `
	w.id, w.hall_id, COALESCE(w.department_id, 0) AS department_id, COALESCE(d.name, '') AS department_name, w.label, w.name,
	COALESCE(CAST(w.valid_from AS text), '') AS valid_from, COALESCE(CAST(w.valid_to AS text), '') AS valid_to,
	h.organisation_id, h.region_code
	FROM windows w JOIN halls h ON h.id = w.hall_id LEFT JOIN organisations d ON d.id = w.department_id`

// HallsOf lists the halls in being that an authority runs, with their windows in
// being; of a department, those halls where it has windows, with these alone.
func (s *Store) HallsOf(ctx context.Context, organisationID int64) ([]Hall, error) {
	var halls []Hall
	err := s.db.SelectContext(ctx, &halls, `SELECT`+hallColumns+`
		WHERE h.valid_to IS NULL AND (h.organisation_id = $1 OR EXISTS (
			SELECT FROM windows w WHERE w.hall_id = h.id AND w.department_id = $1 AND w.valid_to IS NULL))
		ORDER BY h.name, h.id`, organisationID)
	if err != nil {
		return nil, fmt.Errorf("halls of organisation %d: %w", organisationID, err)
	}
	var windows []Window
	err = s.db.SelectContext(ctx, &windows, `SELECT`+windowColumns+`
		WHERE w.valid_to IS NULL AND h.valid_to IS NULL AND (h.organisation_id = $1 OR w.department_id = $1)
		ORDER BY w.label, w.id`, organisationID)
	if err != nil {
		return nil, fmt.Errorf("windows of organisation %d: %w", organisationID, err)
	}
	for i := range halls {
		for _, w := range windows {
			if w.HallID == halls[i].ID {
				halls[i].Windows = append(halls[i].Windows, w)
			}
		}
	}
	return halls, nil
}

// HallByID reads a hall without its windows; CodeNotFound when there is none.
func (s *Store) HallByID(ctx context.Context, id int64) (Hall, error) {
	var h Hall
	err := s.db.GetContext(ctx, &h, `SELECT`+hallColumns+` WHERE h.id = $1`, id)
	return h, notFound(err, "hall")
}

// WindowByID reads a window; CodeNotFound when there is none.
func (s *Store) WindowByID(ctx context.Context, id int64) (Window, error) {
	var w Window
	err := s.db.GetContext(ctx, &w, `SELECT`+windowColumns+` WHERE w.id = $1`, id)
	return w, notFound(err, "window")
}

// HallEntry is a hall as somebody writes it down.
type HallEntry struct {
	ID             int64  // 0: a new one
	OrganisationID int64  // of a new one: the authority that runs it
	RegionCode     string // of a new one: the authority's, or one below
	Name, Address  string
	Deed
}

// SaveHall creates a hall, or changes name and address of one.
func (s *Store) SaveHall(ctx context.Context, e HallEntry) (id int64, err error) {
	if e.Name, err = casework.CheckName("name", e.Name); err != nil {
		return 0, err
	}
	if e.Address != "" {
		if e.Address, err = casework.CheckName("address", e.Address); err != nil {
			return 0, err
		}
	}
	on, err := e.day("")
	if err != nil {
		return 0, err
	}
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := holdTree(ctx, tx); err != nil {
			return err
		}
		if e.ID == 0 {
			id, err = createHall(ctx, tx, e, on)
		} else {
			id, err = e.ID, changeHall(ctx, tx, e)
		}
		return err
	})
	return id, err
}

func createHall(ctx context.Context, tx *sqlx.Tx, e HallEntry, on string) (int64, error) {
	if err := lies(ctx, tx, e.OrganisationID, casework.KindAuthority, e.RegionCode); err != nil {
		return 0, err
	}
	var id int64
	err := tx.GetContext(ctx, &id, `
		INSERT INTO halls (organisation_id, region_code, name, address, valid_from) VALUES ($1, $2, $3, $4, CAST($5 AS date)) RETURNING id`,
		e.OrganisationID, e.RegionCode, e.Name, e.Address, on)
	if err != nil {
		return 0, hallTaken(err, "create hall")
	}
	return id, recordHall(ctx, tx, e.By, AdminHallCreated, Hall{OrganisationID: e.OrganisationID, RegionCode: e.RegionCode, Name: e.Name}, nil,
		map[string]any{"hall": id, "name": e.Name, "address": e.Address, "region_code": e.RegionCode})
}

// lies refuses an organisation that is over, of another kind, or does not serve the
// region: its own, or one below.
func lies(ctx context.Context, tx *sqlx.Tx, id int64, kind casework.OrganisationKind, regionCode string) error {
	organisation, err := organisationInBeing(ctx, tx, id)
	if err != nil {
		return err
	}
	if organisation.Kind != kind {
		return casework.Invalid("organisation_id", "not_an_authority", "an authority runs a hall")
	}
	var below bool
	err = tx.GetContext(ctx, &below, `SELECT path @> ARRAY[$2] FROM regions WHERE code = $1`, regionCode, organisation.RegionCode)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("region %s: %w", regionCode, err)
	}
	if !below {
		return casework.Invalid("region_code", "region_elsewhere", "the region of the authority, or one below it")
	}
	return nil
}

func hallInBeing(ctx context.Context, tx *sqlx.Tx, id int64) (Hall, error) {
	var h Hall
	if err := tx.GetContext(ctx, &h, `SELECT`+hallColumns+` WHERE h.id = $1 FOR UPDATE OF h`, id); err != nil {
		return Hall{}, notFound(err, "hall")
	}
	if h.ValidTo != "" {
		return Hall{}, casework.Conflict("hall_ended", "the hall is closed since "+h.ValidTo)
	}
	return h, nil
}

func changeHall(ctx context.Context, tx *sqlx.Tx, e HallEntry) error {
	before, err := hallInBeing(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	if before.Name == e.Name && before.Address == e.Address {
		return casework.Conflict("nothing_changes", "it is so already")
	}
	if _, err := tx.ExecContext(ctx, `UPDATE halls SET name = $2, address = $3 WHERE id = $1`, e.ID, e.Name, e.Address); err != nil {
		return hallTaken(err, "change hall")
	}
	after := before
	after.Name = e.Name
	return recordHall(ctx, tx, e.By, AdminHallChanged, after, map[string]any{"hall": e.ID, "name": before.Name, "address": before.Address},
		map[string]any{"hall": e.ID, "name": e.Name, "address": e.Address})
}

// CloseHall closes a hall with its windows, from a day on.
func (s *Store) CloseHall(ctx context.Context, id int64, d Deed) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		before, err := hallInBeing(ctx, tx, id)
		if err != nil {
			return err
		}
		on, err := d.day(before.ValidFrom)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `
			UPDATE windows SET valid_to = greatest(CAST($2 AS date), valid_from) WHERE hall_id = $1 AND valid_to IS NULL`, id, on)
		if err != nil {
			return fmt.Errorf("close windows of hall %d: %w", id, err)
		}
		windows, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("close windows of hall %d: %w", id, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE halls SET valid_to = CAST($2 AS date) WHERE id = $1`, id, on); err != nil {
			return fmt.Errorf("close hall %d: %w", id, err)
		}
		return recordHall(ctx, tx, d.By, AdminHallClosed, before, map[string]any{"hall": id, "valid_to": nil},
			map[string]any{"hall": id, "valid_to": on, "windows": windows})
	})
}

func hallTaken(err error, doing string) error {
	if violates(err, "one_hall_of_a_name_per_region") {
		return casework.Conflict("hall_name_taken", "the region has a hall of this name")
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func recordHall(ctx context.Context, tx *sqlx.Tx, by casework.By, kind AdminKind, h Hall, before, after map[string]any) error {
	change := AdminChange{
		By: by, Kind: kind, Subject: SubjectOrganisation, SubjectID: strconv.FormatInt(h.OrganisationID, 10), SubjectName: h.Name,
		RegionCode: h.RegionCode, After: after,
	}
	if before != nil {
		change.Before = before
	}
	return recordAdminChange(ctx, tx, change)
}

// WindowEntry is a window as somebody writes it down.
type WindowEntry struct {
	ID           int64 // 0: a new one
	HallID       int64 // of a new one
	DepartmentID int64 // 0: for matters of many departments
	Label, Name  string
	Deed
}

// SaveWindow creates a window in a hall, or changes label, name and department of one.
func (s *Store) SaveWindow(ctx context.Context, e WindowEntry) (id int64, err error) {
	if e.Label, err = casework.CheckName("label", e.Label); err != nil {
		return 0, err
	}
	if e.Name != "" {
		if e.Name, err = casework.CheckName("name", e.Name); err != nil {
			return 0, err
		}
	}
	on, err := e.day("")
	if err != nil {
		return 0, err
	}
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := holdTree(ctx, tx); err != nil {
			return err
		}
		id, err = saveWindow(ctx, tx, e, on)
		return err
	})
	return id, err
}

func saveWindow(ctx context.Context, tx *sqlx.Tx, e WindowEntry, on string) (int64, error) {
	var before Window
	if e.ID != 0 {
		var err error
		if before, err = windowInBeing(ctx, tx, e.ID); err != nil {
			return 0, err
		}
		e.HallID = before.HallID
		if before.Label == e.Label && before.Name == e.Name && before.DepartmentID == e.DepartmentID {
			return 0, casework.Conflict("nothing_changes", "it is so already")
		}
	}
	hall, err := hallInBeing(ctx, tx, e.HallID)
	if err != nil {
		return 0, err
	}
	if err := worksIn(ctx, tx, hall, e.DepartmentID); err != nil {
		return 0, err
	}
	id := e.ID
	if id == 0 {
		err = tx.GetContext(ctx, &id, `
			INSERT INTO windows (hall_id, department_id, label, name, valid_from) VALUES ($1, NULLIF($2, 0), $3, $4, CAST($5 AS date)) RETURNING id`,
			e.HallID, e.DepartmentID, e.Label, e.Name, on)
	} else {
		_, err = tx.ExecContext(ctx, `UPDATE windows SET department_id = NULLIF($2, 0), label = $3, name = $4 WHERE id = $1`, id, e.DepartmentID, e.Label, e.Name)
	}
	if violates(err, "one_window_of_a_label_per_hall") {
		return 0, casework.Conflict("window_label_taken", "the hall has a window of this label")
	}
	if err != nil {
		return 0, fmt.Errorf("save window: %w", err)
	}
	hall.Name += " " + e.Label
	after := map[string]any{"window": id, "label": e.Label, "name": e.Name, "department_id": e.DepartmentID}
	if e.ID == 0 {
		return id, recordHall(ctx, tx, e.By, AdminWindowCreated, hall, nil, after)
	}
	return id, recordHall(ctx, tx, e.By, AdminWindowChanged, hall,
		map[string]any{"window": id, "label": before.Label, "name": before.Name, "department_id": before.DepartmentID}, after)
}

// worksIn refuses a department that has no business in a hall: its region lies
// neither in nor below that of the authority that runs it.
func worksIn(ctx context.Context, tx *sqlx.Tx, hall Hall, departmentID int64) error {
	if departmentID == 0 {
		return nil
	}
	var works bool
	err := tx.GetContext(ctx, &works, `
		SELECT EXISTS (
			SELECT FROM organisations d JOIN regions r ON r.code = d.region_code JOIN organisations a ON a.id = $2
			WHERE d.id = $1 AND d.kind = 'department' AND d.valid_to IS NULL AND r.path @> ARRAY[a.region_code])`, departmentID, hall.OrganisationID)
	if err != nil {
		return fmt.Errorf("department of a window: %w", err)
	}
	if !works {
		return casework.Invalid("department_id", "department_elsewhere", "a department in or below the region of the hall's authority")
	}
	return nil
}

func windowInBeing(ctx context.Context, tx *sqlx.Tx, id int64) (Window, error) {
	var w Window
	if err := tx.GetContext(ctx, &w, `SELECT`+windowColumns+` WHERE w.id = $1 FOR UPDATE OF w`, id); err != nil {
		return Window{}, notFound(err, "window")
	}
	if w.ValidTo != "" {
		return Window{}, casework.Conflict("window_ended", "the window is closed since "+w.ValidTo)
	}
	return w, nil
}

// CloseWindow closes a window, from a day on.
func (s *Store) CloseWindow(ctx context.Context, id int64, d Deed) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		before, err := windowInBeing(ctx, tx, id)
		if err != nil {
			return err
		}
		on, err := d.day(before.ValidFrom)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE windows SET valid_to = CAST($2 AS date) WHERE id = $1`, id, on); err != nil {
			return fmt.Errorf("close window %d: %w", id, err)
		}
		hall, err := hallInBeing(ctx, tx, before.HallID)
		if err != nil {
			return err
		}
		hall.Name += " " + before.Label
		return recordHall(ctx, tx, d.By, AdminWindowClosed, hall, map[string]any{"window": id, "valid_to": nil}, map[string]any{"window": id, "valid_to": on})
	})
}
