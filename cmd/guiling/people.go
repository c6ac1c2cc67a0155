package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/identity"
	"guiling/internal/store"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a bearer token for a person and print it, once."`
}

type tokenCreateCmd struct {
	User  string        `required:"" help:"The user name."`
	Name  string        `default:"command line" help:"What it is for."`
	Scope string        `default:"act" enum:"read,act" help:"read: it only reads; act: it may do all that the person may."`
	TTL   time.Duration `name:"ttl" default:"720h" help:"How long the token is good, at most a year."`
}

func (t tokenCreateCmd) Run(r run) error {
	return r.withStore(func(settings app.Settings, st *store.Store) error {
		people, err := app.OpenIdentity(settings, st)
		if err != nil {
			return err
		}
		token, err := people.IssueToken(r.ctx, t.User, identity.TokenRequest{Name: t.Name, Scope: store.TokenScope(t.Scope), Life: t.TTL})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(os.Stdout, token)
		return err
	})
}

type organisationCmd struct {
	List   organisationListCmd   `cmd:"" help:"List organisations with their numbers."`
	Create organisationCreateCmd `cmd:"" help:"Create an authority for a region that has none, or a department."`
	Rename organisationRenameCmd `cmd:"" help:"Rename an organisation, or confirm one that an import met first."`
	Move   organisationMoveCmd   `cmd:"" help:"Bring a department with its cases and people to another region."`
	Merge  organisationMergeCmd  `cmd:"" help:"End a department in favour of another, which has its cases and people from now on."`
	Close  organisationCloseCmd  `cmd:"" help:"End an organisation on which nothing depends, or an authority in favour of another."`
	Import organisationImportCmd `cmd:"" help:"Take a table of organisations in, CSV or XLSX, as a whole or not at all."`
}

type organisationListCmd struct {
	Name string `help:"Only those whose name holds this."`
}

// organisationsShown bounds the list: a province has thousands.
const organisationsShown = 200

func (o organisationListCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		organisations, err := st.OrganisationsNamed(r.ctx, o.Name, organisationsShown)
		if err != nil {
			return err
		}
		for _, org := range organisations {
			unconfirmed := ""
			switch {
			case org.Ended():
				unconfirmed = "\tended " + org.ValidTo
			case !org.Confirmed:
				unconfirmed = "\tto be confirmed"
			}
			if _, err := fmt.Fprintf(os.Stdout, "%d\t%s\t%s\t%s%s\n", org.ID, org.Kind, org.RegionCode, org.Name, unconfirmed); err != nil {
				return err
			}
		}
		return nil
	})
}

type userCmd struct {
	Create  userCreateCmd  `cmd:"" help:"Create a person. The password is read from standard input."`
	Import  userImportCmd  `cmd:"" help:"Create and change the people of a table."`
	Reset   userResetCmd   `cmd:"" help:"Take every way in from somebody and print a link by which they choose a password."`
	Roles   userRolesCmd   `cmd:"" help:"Give somebody exactly these roles."`
	Link    userLinkCmd    `cmd:"" help:"Let somebody sign in by an identity elsewhere: of an OpenID provider, or of the directory."`
	Unlink  userUnlinkCmd  `cmd:"" help:"Take an identity elsewhere from somebody."`
	Disable userDisableCmd `cmd:"" help:"End somebody's access at once."`
	Enable  userEnableCmd  `cmd:"" help:"Give a disabled person their access back."`
}

type userImportCmd struct {
	DryRun bool   `help:"Say what would become of each row, and change nothing."`
	File   string `arg:"" type:"existingfile" help:"The table, CSV or XLSX; its columns are in docs/operation.md."`
}

func (u userImportCmd) Run(r run) error {
	return importTable(r, u.File, u.DryRun, commands.Importer.ImportPeople)
}

type userResetCmd struct {
	User string `required:"" help:"The user name."`
}

func (u userResetCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		person, err := st.PersonByName(r.ctx, u.User)
		if err != nil {
			return err
		}
		secret, err := commands.NewSignInLink(r.ctx, st, person.ID, casework.By{}, app.SystemClock())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "/welcome/%s\n", secret)
		return err
	})
}

// outsideFlags name an identity elsewhere.
type outsideFlags struct {
	User    string `required:"" help:"The user name here."`
	Issuer  string `required:"" help:"The issuer as the OpenID provider names itself, or the directory's GUILING_LDAP_URL."`
	Subject string `required:"" help:"The subject (sub) there, or the DN of the entry in small letters."`
}

func (o outsideFlags) on(r run, do func(*store.Store, int64, store.OutsideIdentity) error) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		person, err := st.PersonByName(r.ctx, o.User)
		if err != nil {
			return err
		}
		return do(st, person.ID, store.OutsideIdentity{Issuer: o.Issuer, Subject: o.Subject})
	})
}

type userLinkCmd struct{ outsideFlags }

func (u userLinkCmd) Run(r run) error {
	return u.on(r, func(st *store.Store, id int64, o store.OutsideIdentity) error {
		return st.LinkIdentity(r.ctx, id, o, casework.By{})
	})
}

type userUnlinkCmd struct{ outsideFlags }

func (u userUnlinkCmd) Run(r run) error {
	return u.on(r, func(st *store.Store, id int64, o store.OutsideIdentity) error {
		return st.UnlinkIdentity(r.ctx, id, o, casework.By{})
	})
}

type userRolesCmd struct {
	User string   `required:"" help:"The user name."`
	Role []string `help:"A role; may be given again. None: all are taken."`
}

func (u userRolesCmd) Run(r run) error {
	roles := make([]casework.Role, 0, len(u.Role))
	for _, role := range u.Role {
		roles = append(roles, casework.Role(role))
	}
	return changePerson(r, u.User, store.AdminRolesAssigned, func(p *store.User) error {
		p.Actor.Roles = roles
		if err := casework.CheckRoles(roles); err != nil {
			return err
		}
		return casework.RolesFit(roles, p.Actor.OrganisationKind, p.Actor.Level)
	})
}

type userDisableCmd struct {
	User string `required:"" help:"The user name."`
}

func (u userDisableCmd) Run(r run) error {
	return changePerson(r, u.User, store.AdminPersonDisabled, func(p *store.User) error {
		p.Disabled = true
		return nil
	})
}

type userEnableCmd struct {
	User string `required:"" help:"The user name."`
}

func (u userEnableCmd) Run(r run) error {
	return changePerson(r, u.User, store.AdminPersonEnabled, func(p *store.User) error {
		p.Disabled = false
		return nil
	})
}

// changePerson changes somebody as the operator of the server, and records it so.
func changePerson(r run, username string, kind store.AdminKind, change func(*store.User) error) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		person, err := st.PersonByName(r.ctx, username)
		if err != nil {
			return err
		}
		person, err = st.ChangePerson(r.ctx, store.PersonChange{ID: person.ID, Version: person.Version, Kind: kind, Change: change})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "%s: roles %v, disabled %t\n", person.Username, person.Actor.Roles, person.Disabled)
		return err
	})
}

type userCreateCmd struct {
	User         string   `required:"" help:"The user name: a-z, 0-9, dot, hyphen, underscore."`
	Name         string   `required:"" help:"The name that colleagues see."`
	Organisation int64    `required:"" help:"The number of the organisation."`
	Role         []string `required:"" help:"handler, department_lead, supervisor, auditor, sysadmin, secadmin or publisher; may be given again."`
}

func (u userCreateCmd) Run(r run) error {
	roles := make([]casework.Role, 0, len(u.Role))
	for _, name := range u.Role {
		role := casework.Role(name)
		if !role.Valid() {
			return casework.Invalid("role", "unknown_value", "there is no role "+name)
		}
		roles = append(roles, role)
	}
	password, err := readPassword(os.Stdin, u.User, u.Name)
	if err != nil {
		return err
	}
	hash, err := identity.HashPassword(password)
	if err != nil {
		return err
	}
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		id, err := st.CreateUser(r.ctx, store.NewUser{
			Username: u.User, DisplayName: u.Name, OrganisationID: u.Organisation, Roles: roles, PasswordHash: hash,
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "user %s has number %d\n", u.User, id)
		return err
	})
}

// readPassword takes the first line, so that no password stands in the list of
// processes or in the history of a shell.
func readPassword(in io.Reader, context ...string) (string, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimRight(line, "\r\n")
	return password, identity.CheckPassword(password, context...)
}
