package api

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

type casePageJSON struct {
	Cases []caseJSON `json:"cases"`
	Next  string     `json:"next"` // the cursor of the next page; empty on the last
}

func (a api) listCases(c echo.Context, user store.User) error {
	return a.cases(c, user, func(filter store.CaseFilter) (commands.CasePage, error) {
		return a.Commands.ListCases(c.Request().Context(), user.Actor, filter)
	})
}

func (a api) listOverdue(c echo.Context, user store.User) error {
	return a.cases(c, user, func(filter store.CaseFilter) (commands.CasePage, error) {
		return a.Commands.ListOverdue(c.Request().Context(), user.Actor, filter)
	})
}

func (a api) cases(c echo.Context, user store.User, list func(store.CaseFilter) (commands.CasePage, error)) error {
	filter, err := caseFilter(c, user)
	if err != nil {
		return err
	}
	page, err := list(filter)
	if err != nil {
		return err
	}
	out := casePageJSON{Cases: make([]caseJSON, 0, len(page.Cases))}
	for _, item := range page.Cases {
		out.Cases = append(out.Cases, caseOf(item))
	}
	if out.Next, err = encodeCursor(page.Next); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func caseFilter(c echo.Context, user store.User) (store.CaseFilter, error) {
	var filter store.CaseFilter
	var err error
	if filter.Limit, err = queryInt(c, "limit"); err != nil {
		return filter, err
	}
	if filter.After, err = decodeCursor(c, func(after store.CaseCursor) bool { return isPlace(after.Number) }); err != nil {
		return filter, err
	}
	filter.Narrowing, err = narrowing(c, user)
	return filter, err
}

// narrowing reads how a list is narrowed. Several values of one name come apart by
// commas, or each under the name.
func narrowing(c echo.Context, user store.User) (store.Narrowing, error) {
	query := url.Values{}
	for name, values := range c.QueryParams() {
		for _, value := range values {
			if name == "q" {
				query.Add(name, value)
				continue
			}
			for part := range strings.SplitSeq(value, ",") {
				query.Add(name, part)
			}
		}
	}
	return commands.ParseNarrowing(user.Actor, query)
}

func (a api) readCase(c echo.Context, user store.User) error {
	view, err := a.viewCase(c, user)
	if err != nil {
		return err
	}
	c.Response().Header().Set(headerETag, etag(view.Case.Version))
	return c.JSON(http.StatusOK, detailOf(view))
}

func (a api) viewCase(c echo.Context, user store.User) (commands.CaseView, error) {
	number, err := caseNumber(c)
	if err != nil {
		return commands.CaseView{}, err
	}
	return a.Commands.ViewCase(c.Request().Context(), user.Actor, number)
}

// caseNumber reads the number of a case from the path. What no database could
// hold is the number of no case.
func caseNumber(c echo.Context) (string, error) {
	number := c.Param("number")
	if !utf8.ValidString(number) || strings.ContainsRune(number, 0) {
		return "", &casework.Error{Code: casework.CodeNotFound, Reason: "case_not_found", Detail: "there is no such case"}
	}
	return number, nil
}

func (a api) readEvents(c echo.Context, user store.User) error {
	view, err := a.viewCase(c, user)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"events": eventsOf(view.Events, view.CanReadHistory)})
}
