package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"guiling/internal/app"
)

type apiCmd struct{}

func (apiCmd) Run(r run) error {
	settings, err := r.settings()
	if err != nil {
		return err
	}
	return app.RunAPI(r.ctx, settings, r.log)
}

type workerCmd struct{}

func (workerCmd) Run(r run) error {
	settings, err := r.settings()
	if err != nil {
		return err
	}
	return app.RunWorker(r.ctx, settings, r.log)
}

type migrateCmd struct{}

func (migrateCmd) Run(r run) error {
	settings, err := r.settings()
	if err != nil {
		return err
	}
	return app.Migrate(r.ctx, settings, r.log)
}

type healthcheckCmd struct {
	URL string `arg:"" help:"For example http://127.0.0.1:8080/readyz."`
}

func (h healthcheckCmd) Run(r run) error {
	request, err := http.NewRequestWithContext(r.ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New("healthcheck: " + response.Status)
	}
	return nil
}

type versionCmd struct{}

func (versionCmd) Run() error {
	_, err := fmt.Fprintln(os.Stdout, version)
	return err
}
