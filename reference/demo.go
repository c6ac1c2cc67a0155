package reference

import (
	_ "embed"
	"errors"
	"fmt"

	"guiling/internal/casework"
	"guiling/internal/strictyaml"
)

//go:embed demo.yaml
var demoFile []byte

// DemoData is the cast of the demo and of training. Nobody in it exists.
type DemoData struct {
	Organisations []DemoOrganisation `json:"organisations"` // authorities first
	Users         []DemoUser         `json:"users"`
}

// DemoOrganisation is an authority or a department.
type DemoOrganisation struct {
	Name       string                    `json:"name"` // unique
	Kind       casework.OrganisationKind `json:"kind"`
	RegionCode string                    `json:"region_code"` // 12 digits
	Authority  string                    `json:"authority"`   // name of the body that supervises a department; empty for an authority
}

// DemoUser is a person of one organisation.
type DemoUser struct {
	Username     string          `json:"username"` // unique
	DisplayName  string          `json:"display_name"`
	Organisation string          `json:"organisation"` // name
	Roles        []casework.Role `json:"roles"`
	Position     string          `json:"position"`
	StaffLabel   string          `json:"staff_label"` // under which citizens rate this person; empty for most
}

// DemoVersion names the content of the demo data.
func DemoVersion() string { return contentVersion(demoFile) }

// Demo gives the invented organisations and people. An organisation comes
// before whatever names it.
func Demo() (DemoData, error) {
	var d DemoData
	if err := strictyaml.Decode(demoFile, &d); err != nil {
		return DemoData{}, fmt.Errorf("demo data: %w", err)
	}
	if err := d.validate(); err != nil {
		return DemoData{}, fmt.Errorf("demo data: %w", err)
	}
	return d, nil
}

func (d DemoData) validate() error {
	kinds := map[string]casework.OrganisationKind{}
	for _, o := range d.Organisations {
		if _, twice := kinds[o.Name]; twice || o.Name == "" {
			return fmt.Errorf("organisation %q has no name or is there twice", o.Name)
		}
		if code, ok := casework.NormalizeRegionCode(o.RegionCode); !ok || code != o.RegionCode {
			return fmt.Errorf("%s: %q is no code of 12 digits", o.Name, o.RegionCode)
		}
		switch o.Kind {
		case casework.KindAuthority:
			if o.Authority != "" {
				return fmt.Errorf("%s: an authority is supervised by the body above its region and names none", o.Name)
			}
		case casework.KindDepartment:
			if kinds[o.Authority] != casework.KindAuthority {
				return fmt.Errorf("%s: %q is no authority that came before", o.Name, o.Authority)
			}
		default:
			return fmt.Errorf("%s: unknown kind %q", o.Name, o.Kind)
		}
		kinds[o.Name] = o.Kind
	}
	usernames := map[string]bool{}
	for _, u := range d.Users {
		if u.Username == "" || usernames[u.Username] {
			return fmt.Errorf("username %q is empty or there twice", u.Username)
		}
		usernames[u.Username] = true
		if err := u.validate(kinds); err != nil {
			return fmt.Errorf("user %s: %w", u.Username, err)
		}
	}
	return nil
}

func (u DemoUser) validate(organisations map[string]casework.OrganisationKind) error {
	kind, known := organisations[u.Organisation]
	if !known {
		return fmt.Errorf("unknown organisation %q", u.Organisation)
	}
	if u.DisplayName == "" || u.Position == "" || len(u.Roles) == 0 {
		return errors.New("no display name, position or role")
	}
	for _, r := range u.Roles {
		if !r.Valid() {
			return fmt.Errorf("unknown role %q", r)
		}
		ofDepartment := r == casework.RoleHandler || r == casework.RoleDepartmentLead
		if ofDepartment != (kind == casework.KindDepartment) {
			return fmt.Errorf("role %s does not belong to an organisation of kind %s", r, kind)
		}
	}
	return nil
}
