package store

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"guiling/internal/casework"
)

// Organisation is an authority or a department.
type Organisation struct {
	ID         int64
	Kind       casework.OrganisationKind
	Name       string
	RegionCode string
	RegionPath []string
	RegionName string
	Level      casework.AdminLevel
	Confirmed  bool
	ParentID   int64 // 0 at the top
	ParentName string
	// ValidFrom and ValidTo are days; empty: since before the register, and in being.
	ValidFrom, ValidTo string
	// SuccessorID is who follows an organisation that is over; 0: nobody.
	SuccessorID   int64
	SuccessorName string
}

// Ended reports whether the organisation is no more.
func (o Organisation) Ended() bool { return o.ValidTo != "" }

type organisationRow struct {
	ID         int64          `db:"id"`
	Kind       string         `db:"kind"`
	Name       string         `db:"name"`
	RegionCode string         `db:"region_code"`
	RegionPath pq.StringArray `db:"region_path"`
	RegionName string         `db:"region_name"`
	Level      string         `db:"region_level"`
	Confirmed  bool           `db:"confirmed"`
	ParentID   int64          `db:"parent_id"`
	ParentName string         `db:"parent_name"`
	ValidFrom  string         `db:"valid_from"`
	ValidTo    string         `db:"valid_to"`

	SuccessorID   int64  `db:"successor_id"`
	SuccessorName string `db:"successor_name"`
}

func (r organisationRow) toOrganisation() Organisation {
	return Organisation{
		ID: r.ID, Kind: casework.OrganisationKind(r.Kind), Name: r.Name,
		RegionCode: r.RegionCode, RegionPath: r.RegionPath, Level: casework.AdminLevel(r.Level), Confirmed: r.Confirmed,
		RegionName: r.RegionName, ParentID: r.ParentID, ParentName: r.ParentName, ValidFrom: r.ValidFrom, ValidTo: r.ValidTo,
		SuccessorID: r.SuccessorID, SuccessorName: r.SuccessorName,
	}
}

const organisationColumns = `
	o.id, o.kind, o.name, o.region_code, r.path AS region_path, r.name AS region_name, r.level AS region_level, o.confirmed,
	COALESCE(o.parent_id, 0) AS parent_id, COALESCE(p.name, '') AS parent_name,
	COALESCE(CAST(o.valid_from AS text), '') AS valid_from, COALESCE(CAST(o.valid_to AS text), '') AS valid_to,
	COALESCE(o.successor_id, 0) AS successor_id, COALESCE(x.name, '') AS successor_name
	FROM organisations o JOIN regions r ON r.code = o.region_code
	LEFT JOIN organisations p ON p.id = o.parent_id
	LEFT JOIN organisations x ON x.id = o.successor_id`

// OrganisationByID reads one organisation; CodeNotFound when there is none.
func (s *Store) OrganisationByID(ctx context.Context, id int64) (Organisation, error) {
	var row organisationRow
	if err := s.db.GetContext(ctx, &row, `SELECT`+organisationColumns+` WHERE o.id = $1`, id); err != nil {
		return Organisation{}, notFound(err, "organisation")
	}
	return row.toOrganisation(), nil
}

// OrganisationsNamed lists the organisations whose name holds a part, authorities
// first, at most limit.
func (s *Store) OrganisationsNamed(ctx context.Context, part string, limit int) ([]Organisation, error) {
	return s.organisations(ctx, `strpos(o.name, $1) > 0 ORDER BY o.kind, o.region_code, o.name LIMIT $2`, part, limit)
}

// OrganisationsBelow lists the organisations in being in or below a region whose name holds
// a part, those of the region itself first, at most limit.
func (s *Store) OrganisationsBelow(ctx context.Context, regionCode, part string, limit int) ([]Organisation, error) {
	return s.organisations(ctx, `o.valid_to IS NULL AND r.path @> ARRAY[$1] AND strpos(o.name, $2) > 0 ORDER BY cardinality(r.path), o.kind, o.region_code, o.name LIMIT $3`,
		regionCode, part, limit)
}

// DepartmentsOf lists the departments in being of one region, by name.
func (s *Store) DepartmentsOf(ctx context.Context, regionCode string) ([]Organisation, error) {
	return s.organisations(ctx, `o.kind = 'department' AND o.valid_to IS NULL AND o.region_code = $1 ORDER BY o.name`, regionCode)
}

func (s *Store) organisations(ctx context.Context, condition string, args ...any) ([]Organisation, error) {
	var rows []organisationRow
	if err := s.db.SelectContext(ctx, &rows, `SELECT`+organisationColumns+` WHERE `+condition, args...); err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	organisations := make([]Organisation, 0, len(rows))
	for _, r := range rows {
		organisations = append(organisations, r.toOrganisation())
	}
	return organisations, nil
}

// AuthorityOf reads the authority that serves a region: its own, or that of the
// nearest region above that has one.
func (s *Store) AuthorityOf(ctx context.Context, regionCode string) (Organisation, error) {
	id, err := authorityAbove(ctx, s.db, regionCode, 0, "")
	if err != nil {
		return Organisation{}, err
	}
	return s.OrganisationByID(ctx, id)
}

// RegionCodes gives all known regions, to ask of many codes whether they exist.
func (s *Store) RegionCodes(ctx context.Context) (map[string]bool, error) {
	var codes []string
	if err := s.db.SelectContext(ctx, &codes, `SELECT code FROM regions`); err != nil {
		return nil, fmt.Errorf("regions: %w", err)
	}
	known := make(map[string]bool, len(codes))
	for _, c := range codes {
		known[c] = true
	}
	return known, nil
}
