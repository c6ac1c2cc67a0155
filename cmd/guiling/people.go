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
	"guiling/internal/identity"
	"guiling/internal/store"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a bearer token for a person and print it, once."`
}

type tokenCreateCmd struct {
	User string        `required:"" help:"The user name."`
	TTL  time.Duration `name:"ttl" default:"720h" help:"How long the token is good."`
}

func (t tokenCreateCmd) Run(r run) error {
	if t.TTL <= 0 {
		return casework.Invalid("ttl", "ttl_range", "a time ahead, for example 24h")
	}
	return r.withStore(func(settings app.Settings, st *store.Store) error {
		people, err := app.OpenIdentity(settings, st)
		if err != nil {
			return err
		}
		token, err := people.IssueToken(r.ctx, t.User, t.TTL)
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
	Create userCreateCmd `cmd:"" help:"Create a person. The password is read from standard input."`
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
	password, err := readPassword(os.Stdin)
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
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimRight(line, "\r\n")
	return password, identity.CheckPassword(password)
}
