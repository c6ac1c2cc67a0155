// Package api is the JSON side of the product, under /api/v1. It binds, calls a
// command, and renders; no rule lives here.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

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

type api struct{ Options }

// Route is one line of the API: what is asked, and which action of the policy
// it needs. A test walks over all of them.
type Route struct {
	Method, Path string
	Action       casework.Action // asked of the policy by the command; empty: by the path's own action
	handle       func(api, echo.Context, store.User) error
}

// Routes lists the API.
func Routes() []Route {
	return []Route{
		{http.MethodGet, "/api/v1/cases", casework.ActionRead, api.listCases},
		{http.MethodGet, "/api/v1/cases/:number", casework.ActionRead, api.readCase},
		{http.MethodGet, "/api/v1/cases/:number/events", casework.ActionRead, api.readEvents},
		{http.MethodPost, "/api/v1/cases/:number/actions/:action", "", api.act},
		{http.MethodPost, "/api/v1/cases/:number/reveal", casework.ActionReveal, api.reveal},
		{http.MethodGet, "/api/v1/tasks", casework.ActionRead, api.listTasks},
		{http.MethodGet, "/api/v1/overdue", casework.ActionListOverdue, api.listOverdue},
		{http.MethodGet, "/api/v1/events", casework.ActionListEvents, api.listEvents},
	}
}

// Register adds the API to a server. Every route asks for a bearer token.
func Register(e *echo.Echo, o Options) {
	a := api{o}
	for _, r := range Routes() {
		e.Add(r.Method, r.Path, func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
			c.Response().Header().Set(echo.HeaderXContentTypeOptions, "nosniff")
			user, err := a.signedIn(c)
			if err == nil {
				err = r.handle(a, c, user)
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
