// Package api is the JSON side of the product, under /api/v1. It binds, calls a
// command, and renders; no rule lives here.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// Identity says whose token a request bears.
type Identity interface {
	UserByToken(ctx context.Context, token string) (store.User, error)
}

// Options are what the API is made of.
type Options struct {
	Commands *commands.Service
	Identity Identity
	Log      *slog.Logger
}

type api struct {
	Options

	receiving *attachments.Gate // of files
}

// Route is one line of the API: what is asked, and which action of the policy
// it needs. A test walks over all of them.
type Route struct {
	Method, Path string
	Action       casework.Action // asked of the policy by the command; empty: by the path's own action

	// Versioned routes ask for If-Match: what is decided rests on what was seen.
	Versioned bool
	// AnswersAnew: the answer is never kept, because it shows personal data or may be
	// only a part. The same request sent again is authorized again and answered again,
	// and still is one.
	AnswersAnew bool
	// TakesFile: the body is a file of whichever kind, and no JSON.
	TakesFile bool

	read  func(api, echo.Context, store.User) error                       // of a GET
	write func(api, echo.Context, store.User, sent) (store.Answer, error) // of all others; only once calls it
}

// Routes lists the API.
func Routes() []Route {
	return []Route{
		get("/api/v1/cases", casework.ActionRead, api.listCases),
		get("/api/v1/cases/:number", casework.ActionRead, api.readCase),
		get("/api/v1/cases/:number/events", casework.ActionRead, api.readEvents),
		{Method: http.MethodPost, Path: "/api/v1/cases/:number/actions/:action", Versioned: true, write: api.act},
		{Method: http.MethodPost, Path: "/api/v1/cases/:number/reveal", Action: casework.ActionReveal, AnswersAnew: true, write: api.reveal},
		get("/api/v1/cases/:number/attachments", casework.ActionRead, api.listAttachments),
		{Method: http.MethodPost, Path: "/api/v1/cases/:number/attachments", Action: casework.ActionAttachFile, TakesFile: true, write: api.attachFile},
		get("/api/v1/cases/:number/attachments/:id", casework.ActionRead, api.openAttachment),
		{Method: http.MethodPost, Path: "/api/v1/bulk", Action: casework.ActionRead, AnswersAnew: true, write: api.actOnMany},
		get("/api/v1/tasks", casework.ActionRead, api.listTasks),
		get("/api/v1/overdue", casework.ActionListOverdue, api.listOverdue),
		get("/api/v1/events", casework.ActionListEvents, api.listEvents),
		get("/api/v1/reveals", casework.ActionListReveals, api.listReveals),
	}
}

func get(path string, action casework.Action, read func(api, echo.Context, store.User) error) Route {
	return Route{Method: http.MethodGet, Path: path, Action: action, read: read}
}

// Register adds the API to a server. Every route asks for a bearer token.
func Register(e *echo.Echo, o Options) {
	a := api{Options: o, receiving: &attachments.Gate{}}
	for _, r := range Routes() {
		e.Add(r.Method, r.Path, func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
			c.Response().Header().Set(echo.HeaderXContentTypeOptions, "nosniff")
			user, err := a.signedIn(c)
			if err == nil {
				err = a.answer(c, user, r)
			}
			if err != nil {
				return a.problem(c, err)
			}
			return nil
		})
	}
	// What echo itself refuses, or a panic that was recovered, is a problem as well.
	others := e.HTTPErrorHandler
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if c.Response().Committed || !strings.HasPrefix(c.Request().URL.Path, "/api/") {
			others(err, c)
			return
		}
		if err := a.problem(c, err); err != nil {
			others(err, c)
		}
	}
	e.Any("/api/*", func(c echo.Context) error {
		return a.problem(c, &casework.Error{Code: casework.CodeNotFound, Reason: "not_found", Detail: "there is no such resource"})
	})
}

// answer lets a route answer. What is not read goes through once: there is no
// other way to it.
func (a api) answer(c echo.Context, user store.User, r Route) error {
	if user.ReadsOnly && r.Method != http.MethodGet {
		return casework.Forbidden("token_reads_only", "this token reads and does nothing else")
	}
	if r.Method == http.MethodGet {
		return r.read(a, c, user)
	}
	return a.once(c, user, r)
}
