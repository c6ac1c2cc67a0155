package main

import (
	"fmt"
	"os"
	"strings"

	"guiling/internal/casework"
	"guiling/policies/rules"
	"guiling/reference"
)

// isPath tells a file from the name of something that is kept.
func isPath(name string) bool { return strings.ContainsAny(name, "/.") }

// readPack reads a draft of a rule pack from a file.
func readPack(path string) (casework.RulePack, error) {
	data, err := os.ReadFile(path) //nolint:gosec // G304: the operator's own file
	if err != nil {
		return casework.RulePack{}, fmt.Errorf("rule pack: %w", err)
	}
	return rules.Parse(data)
}

// readCalendar reads a calendar of holidays from a CSV file.
func readCalendar(path string) (casework.Calendar, error) {
	data, err := os.ReadFile(path) //nolint:gosec // G304: the operator's own file
	if err != nil {
		return casework.Calendar{}, fmt.Errorf("calendar: %w", err)
	}
	calendar, err := reference.ReadCalendar(data)
	if err != nil {
		return casework.Calendar{}, fmt.Errorf("calendar %s: %w", path, err)
	}
	return calendar, nil
}
