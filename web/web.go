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
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/identity"
	"guiling/internal/live"
	"guiling/internal/store"
	"guiling/policies"
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
	Inbox(ctx context.Context, actor casework.Actor, filter store.TaskFilter) (commands.InboxPage, error)
	ListCases(ctx context.Context, actor casework.Actor, filter store.CaseFilter) (commands.CasePage, error)
	ListOverdue(ctx context.Context, actor casework.Actor, filter store.CaseFilter) (commands.CasePage, error)
	ListEvents(ctx context.Context, actor casework.Actor, filter store.EventFilter) (commands.EventPage, error)
	SimulationChoices(ctx context.Context, actor casework.Actor) (commands.SimulationChoices, error)
	SimulateRules(ctx context.Context, actor casework.Actor, p commands.Proposal) (commands.Simulated, error)
	Now(c store.Case) time.Time
	Guide

	Many
	Administration
	Notifications
	Views
	Attachments
	Writing
	Board
	Changes
	Audit
}

// Administration is what the pages of administration ask.
type Administration interface {
	DecodePayloads(ctx context.Context, actor casework.Actor) error
	ListOrganisations(ctx context.Context, actor casework.Actor, filter store.OrganisationFilter) (commands.OrganisationPage, error)
	ViewOrganisation(ctx context.Context, actor casework.Actor, id int64) (commands.OrganisationView, error)
	CreateOrganisation(ctx context.Context, actor casework.Actor, o commands.NewOrganisation) (int64, error)
	ChangeOrganisation(ctx context.Context, actor casework.Actor, id int64, name string) error
	MoveDepartment(ctx context.Context, actor casework.Actor, id int64, regionCode string, on casework.Date) error
	MergeDepartment(ctx context.Context, actor casework.Actor, id, into int64, on casework.Date) error
	CloseOrganisation(ctx context.Context, actor casework.Actor, id, successor int64, on casework.Date) error
	CreateHall(ctx context.Context, actor casework.Actor, authority int64, facts commands.HallFacts) (int64, error)
	ChangeHall(ctx context.Context, actor casework.Actor, id int64, facts commands.HallFacts) error
	CloseHall(ctx context.Context, actor casework.Actor, id int64) error
	CreateWindow(ctx context.Context, actor casework.Actor, hall int64, facts commands.WindowFacts) (int64, error)
	ChangeWindow(ctx context.Context, actor casework.Actor, id int64, facts commands.WindowFacts) error
	CloseWindow(ctx context.Context, actor casework.Actor, id int64) error
	ImportOrganisations(ctx context.Context, actor casework.Actor, table []byte, dryRun bool) (commands.TableImported, error)
	ImportPeople(ctx context.Context, actor casework.Actor, table []byte, dryRun bool) (commands.TableImported, error)
	ListPeople(ctx context.Context, actor casework.Actor, filter store.PeopleFilter) (commands.PeoplePage, error)
	ViewPerson(ctx context.Context, actor casework.Actor, id int64) (commands.PersonView, error)
	CreatePerson(ctx context.Context, actor casework.Actor, username string, facts commands.PersonFacts) (int64, error)
	ChangePerson(ctx context.Context, actor casework.Actor, id int64, version int, facts commands.PersonFacts) (store.User, error)
	DisablePerson(ctx context.Context, actor casework.Actor, id int64, version int, disabled bool) (store.User, error)
	AssignRoles(ctx context.Context, actor casework.Actor, id int64, version int, roles []casework.Role) (store.User, error)
	ViewPolicy(ctx context.Context, actor casework.Actor) (commands.PolicyView, error)
	PolicyMatrix(ctx context.Context, actor casework.Actor, role casework.Role, circumstance policies.Circumstance) ([]policies.Cell, error)
	ExplainPolicy(ctx context.Context, actor casework.Actor, username string, action casework.Action, number string) (commands.Explanation, error)
	CheckPolicy(ctx context.Context, actor casework.Actor, body string) (commands.PolicyCheck, error)
	PublishPolicy(ctx context.Context, actor casework.Actor, d commands.PolicyDraft) (version int, err error)
	ResetSignIn(ctx context.Context, actor casework.Actor, id int64) (secret string, err error)
	EndSessionsOf(ctx context.Context, actor casework.Actor, id int64) error
	ListSessions(ctx context.Context, actor casework.Actor) ([]store.Session, error)
	OrganisationsForPeople(ctx context.Context, actor casework.Actor, part string) ([]store.Organisation, error)
	ListReveals(ctx context.Context, actor casework.Actor, filter store.RevealFilter) (commands.RevealPage, error)
	ListKeys(ctx context.Context, actor casework.Actor) (commands.KeyPage, error)
	RotateKeys(ctx context.Context, actor casework.Actor) error
	ListAdminEvents(ctx context.Context, actor casework.Actor, filter store.AdminEventFilter) (commands.AdminEventPage, error)
}

// Identity says who somebody is; *identity.Service answers.
type Identity interface {
	Demo() bool
	DemoUsers(ctx context.Context) ([]store.User, error)
	SignIn(ctx context.Context, username, password, address string) (store.User, error)
	SignInDemo(ctx context.Context, username, address string) (store.User, error)
	BeginSession(ctx context.Context, session store.Session) (id string, err error)
	UserOfSession(ctx context.Context, id string) (store.User, error)
	SessionStands(ctx context.Context, id string) (store.User, error)
	NeedsSecondFactor(user store.User) bool
	SignInOutside(ctx context.Context, o store.OutsideIdentity, address string) (store.User, error)

	Access
}

// Access is what people do about their own access.
type Access interface {
	HalfSignedIn(user store.User) (ticket string, err error)
	CheckCode(ctx context.Context, ticket, code, address string) (store.User, error)
	AccountOf(ctx context.Context, userID int64) (identity.Account, error)
	ChangePassword(ctx context.Context, user store.User, old, password, address, keepSession string) error
	UserByLink(ctx context.Context, secret string) (store.User, error)
	SetFirstPassword(ctx context.Context, secret, password, address string) error
	BeginSecondFactor(user store.User) (identity.Enrolment, error)
	SecondFactorAgain(user store.User, sealed string) (identity.Enrolment, error)
	ConfirmSecondFactor(ctx context.Context, user store.User, sealed, code string) (recoveryCodes []string, err error)
	EndSession(ctx context.Context, userID int64, id string) error
	EndOtherSessions(ctx context.Context, userID int64, keep string) error
	MakeToken(ctx context.Context, userID int64, r identity.TokenRequest) (string, error)
	RevokeToken(ctx context.Context, userID, id int64) error
}

// Options are what the pages are made of. All but Secure and Version are needed.
type Options struct {
	Commands Commands
	Identity Identity
	Sessions *scs.SessionManager // see NewSessions
	Log      *slog.Logger
	Secure   bool   // served by TLS: cookies are Secure and bound to the host
	Version  string // of the program, shown at the foot of each page
	// Training says that Commands.FastForward moves cases ahead in time: in a demo
	// only.
	Training bool
	// Decoder opens what the engine keeps, for its own pages; it is asked only for who
	// may. Nil: nobody gets anything.
	Decoder http.Handler
	// OIDC signs people in at an OpenID provider; nil: there is none.
	OIDC *identity.OIDC
	// Live tells of changes while people look; nil: pages are as they were loaded.
	Live *live.Hub
	// TemporalUI is the origin of the engine's own pages; empty: there are none.
	TemporalUI string
}

// embedded is what the program carries for its pages. Nothing in it ever changes.
type embedded struct {
	pages  pages
	tongue catalogues
	assets assets
	tags   casework.ReasonTags
	help   helpPages
	styles styleSheet
}

// loadEmbedded reads it, once for each process: a test has many servers.
var loadEmbedded = sync.OnceValues(func() (embedded, error) {
	var e embedded
	var err error
	if e.tongue, err = loadCatalogues(); err != nil {
		return e, err
	}
	if e.assets, err = loadAssets(); err != nil {
		return e, err
	}
	if e.help, err = loadHelp(); err != nil {
		return e, err
	}
	e.styles = readStyleSheet(e.assets)
	if e.pages, err = loadPages(e.tongue, e.assets); err != nil {
		return e, err
	}
	e.tags, err = reference.ReasonTags()
	return e, err
})

// site is what all requests share. Nothing in it changes after Register.
type site struct {
	Options
	embedded

	limits limits

	receiving attachments.Gate // of files
}

// Register adds the pages to a server. Templates, catalogues and static files
// are read here, so that what is broken stops the start and not a request.
func Register(e *echo.Echo, o Options) error {
	if o.Commands == nil || o.Identity == nil || o.Sessions == nil || o.Log == nil {
		return errors.New("web: Commands, Identity, Sessions and Log are needed")
	}
	own, err := loadEmbedded()
	if err != nil {
		return fmt.Errorf("web: %w", err)
	}
	s := &site{Options: o, embedded: own, limits: newLimits()}
	s.register(e)
	return nil
}
