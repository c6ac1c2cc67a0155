package app

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// check is one thing that must be there for a process to be ready.
type check struct {
	name  string
	ready func(context.Context) error
	// bearable is what the process can do its work without for a while: it is
	// named when missing, and the process is ready all the same. An engine that is
	// away refuses no review and no page.
	bearable bool
}

const checkPatience = 3 * time.Second

// registerHealth serves /healthz (the process lives), /readyz (what is missing,
// by name) and /metrics.
func registerHealth(e *echo.Echo, metricsPublic bool, checks ...check) {
	e.GET("/healthz", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
	})
	e.GET("/readyz", func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), checkPatience)
		defer cancel()
		status, parts := http.StatusOK, map[string]string{}
		for _, ch := range checks {
			parts[ch.name] = "ok"
			if err := ch.ready(ctx); err != nil {
				// The reason is for the operator's log; others learn what, not why.
				c.Logger().Error(err)
				parts[ch.name] = "missing"
				if !ch.bearable {
					status = http.StatusServiceUnavailable
				}
			}
		}
		return c.JSON(status, parts)
	})
	e.GET("/metrics", echo.WrapHandler(promhttp.Handler()), localOnly(metricsPublic))
}

// localOnly answers 404 to other machines unless the setting opens it.
func localOnly(public bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			host, _, err := net.SplitHostPort(c.Request().RemoteAddr)
			if !public && (err != nil || !net.ParseIP(host).IsLoopback()) {
				return echo.ErrNotFound
			}
			return next(c)
		}
	}
}
