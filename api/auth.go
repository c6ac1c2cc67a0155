package api

import (
	"strings"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// signedIn gives the person whose bearer token the request carries.
func (a api) signedIn(c echo.Context) (store.User, error) {
	values := c.Request().Header.Values(echo.HeaderAuthorization)
	if len(values) != 1 {
		return store.User{}, &casework.Error{
			Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "one header Authorization: Bearer … is needed",
		}
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return store.User{}, &casework.Error{
			Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "the scheme of the authorization is Bearer",
		}
	}
	return a.Identity.UserByToken(c.Request().Context(), token)
}
