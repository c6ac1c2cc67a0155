package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"guiling/internal/strictyaml"
)

// openAPI describes the API in OpenAPI 3.1. Tests hold it against the routes,
// the fields of the actions, and the answers.
//
//go:embed openapi.yaml
var openAPI []byte

// OpenAPIHandler serves the description of the API as JSON. It is read here,
// once: an error is for the start. Who may see it is the caller's business.
func OpenAPIHandler() (echo.HandlerFunc, error) {
	var document map[string]any
	if err := strictyaml.Decode(openAPI, &document); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	data, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderXContentTypeOptions, "nosniff")
		return c.JSONBlob(http.StatusOK, data)
	}, nil
}
