package web

import (
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/httpstatus"
)

// decodePath is what the pages of the engine are told as their codec endpoint,
// without its last part.
const decodePath = "/codec/decode"

// maxPayloads bounds a request of the engine's pages, in bytes.
const maxPayloads = 8 << 20

// decodePayloads answers POST /codec/decode, and the question of a browser before
// it: the engine's own pages, open in the browser of an auditor who is signed in
// here, get what the engine keeps in clear. Their address is a setting; no other
// site gets anything.
func (s *site) decodePayloads(c echo.Context) error {
	r, header := c.Request(), c.Response().Header()
	s.setHeaders(header)
	origin := r.Header.Get(echo.HeaderOrigin)
	ofTheEngine := s.TemporalUI != "" && origin == s.TemporalUI
	if ofTheEngine {
		header.Set(echo.HeaderAccessControlAllowOrigin, origin)
		header.Set(echo.HeaderAccessControlAllowCredentials, "true")
		header.Add(echo.HeaderVary, echo.HeaderOrigin)
		header.Set("Cross-Origin-Resource-Policy", "same-site")
	}
	if r.Method == http.MethodOptions {
		if !ofTheEngine {
			return c.NoContent(http.StatusForbidden)
		}
		header.Set(echo.HeaderAccessControlAllowMethods, http.MethodPost)
		header.Set(echo.HeaderAccessControlAllowHeaders, "Content-Type, X-Namespace")
		return c.NoContent(http.StatusNoContent)
	}
	err := s.mayDecode(c)
	if err == nil && s.Decoder == nil {
		err = errNoPage()
	}
	if err != nil {
		domain, ok := casework.AsError(err)
		if !ok {
			s.Log.ErrorContext(r.Context(), "decode", "error", err)
			return c.NoContent(http.StatusInternalServerError)
		}
		return c.String(httpstatus.Of(domain), domain.Reason)
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxPayloads)
	s.Decoder.ServeHTTP(c.Response(), r)
	return nil
}

// mayDecode asks for the site that asks, for the person, and for their right.
func (s *site) mayDecode(c echo.Context) error {
	crossOrigin := http.NewCrossOriginProtection()
	if s.TemporalUI != "" {
		if err := crossOrigin.AddTrustedOrigin(s.TemporalUI); err != nil {
			return err
		}
	}
	if err := crossOrigin.Check(c.Request()); err != nil {
		return casework.Forbidden("cross_site", "this request came from another site")
	}
	v := &visit{Context: c, site: s}
	if err := v.openSession(); err != nil {
		return err
	}
	if err := v.identify(signedIn); err != nil {
		return err
	}
	if kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType)); err != nil || kind != echo.MIMEApplicationJSON {
		return casework.Invalid("Content-Type", "malformed_form", "the body is application/json")
	}
	return s.Commands.DecodePayloads(c.Request().Context(), v.user.Actor)
}
