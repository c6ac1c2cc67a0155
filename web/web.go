// Package web is the browser side of the product: pages and forms, in Chinese
// first and in English. A handler binds, calls a command and renders; no rule
// lives here. Every page works without JavaScript.
//
// The list of routes is in routes.go. Each page action has its own file.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/reference"
)

// Commands is what the pages ask of the product; *commands.Service answers.
// Errors that are *casework.Error are shown to the person, all others are
// logged and hidden.
type Commands interface {
	Act(ctx context.Context, actor casework.Actor, request commands.Request) (commands.Outcome, error)
	ViewCase(ctx context.Context, actor casework.Actor, number string) (commands.CaseView, error)
	ChoicesFor(ctx context.Context, view commands.CaseView) (commands.CaseChoices, error)
	RevealReviewer(ctx context.Context, actor casework.Actor, look commands.Look) (store.Reviewer, error)
	Inbox(ctx context.Context, actor casework.Actor, view store.TaskView, after store.TaskCursor, limit int) (commands.InboxPage, error)
	ListCases(ctx context.Context, actor casework.Actor, filter store.CaseFilter) (commands.CasePage, error)
	ListOverdue(ctx context.Context, actor casework.Actor, filter store.CaseFilter) (commands.CasePage, error)
	ListEvents(ctx context.Context, actor casework.Actor, filter store.EventFilter) (commands.EventPage, error)
	SimulationChoices(ctx context.Context, actor casework.Actor) (commands.SimulationChoices, error)
	SimulateRules(ctx context.Context, actor casework.Actor, p commands.Proposal) (commands.Simulated, error)
	Now(c store.Case) time.Time

	Administration
}

// Administration is what the pages of administration ask.
type Administration interface {
	ListReveals(ctx context.Context, actor casework.Actor, filter store.RevealFilter) (commands.RevealPage, error)
	ListKeys(ctx context.Context, actor casework.Actor) (commands.KeyPage, error)
	RotateKeys(ctx context.Context, actor casework.Actor) error
	ListAdminEvents(ctx context.Context, actor casework.Actor, filter store.AdminEventFilter) (commands.AdminEventPage, error)
}

// Identity says who somebody is; *identity.Service answers.
type Identity interface {
	Demo() bool
	DemoUsers(ctx context.Context) ([]store.User, error)
	SignIn(ctx context.Context, username, password string) (store.User, error)
	SignInDemo(ctx context.Context, username string) (store.User, error)
	UserByID(ctx context.Context, id int64) (store.User, error)
}

// Options are what the pages are made of. All but Secure and Version are needed.
type Options struct {
	Commands Commands
	Identity Identity
	Sessions *scs.SessionManager // see NewSessions
	Log      *slog.Logger
	Secure   bool   // served by TLS: cookies are Secure and bound to the host
	Version  string // of the program, shown at the foot of each page
}

// site is what all requests share. Nothing in it changes after Register.
type site struct {
	Options

	pages  pages
	tongue catalogues
	assets assets
	tags   casework.ReasonTags
	limits limits
}

// Register adds the pages to a server. Templates, catalogues and static files
// are read here, so that what is broken stops the start and not a request.
func Register(e *echo.Echo, o Options) error {
	if o.Commands == nil || o.Identity == nil || o.Sessions == nil || o.Log == nil {
		return errors.New("web: Commands, Identity, Sessions and Log are needed")
	}
	s := &site{Options: o, limits: newLimits()}
	var err error
	if s.tongue, err = loadCatalogues(); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if s.assets, err = loadAssets(); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if s.pages, err = loadPages(s.tongue, s.assets); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if s.tags, err = reference.ReasonTags(); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	s.register(e)
	return nil
}
