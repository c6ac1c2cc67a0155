package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"guiling/internal/app"
)

// reconcileCmd compares database and engine at once, in place of waiting for the
// worker to do it.
type reconcileCmd struct {
	Quiet time.Duration `default:"1m" help:"Leave cases alone to which something happened so recently."`
	JSON  bool          `name:"json" help:"Print what was found as JSON."`
}

func (c reconcileCmd) Run(r run) error {
	settings, err := r.settings()
	if err != nil {
		return err
	}
	found, err := app.Reconcile(r.ctx, settings, c.Quiet, r.log)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(found)
	}
	if found.Elsewhere {
		_, err = fmt.Fprintln(os.Stdout, "another process is reconciling; nothing was done")
		return err
	}
	lines := make([]string, 0, len(found.Repairs))
	for kind, n := range found.Repairs {
		lines = append(lines, fmt.Sprintf("  %-20s %d\n", kind, n))
	}
	slices.Sort(lines)
	_, err = fmt.Fprintf(os.Stdout, "%d resting open cases looked at, %d could not be judged\n%s", found.Looked, found.Failed, strings.Join(lines, ""))
	return err
}
