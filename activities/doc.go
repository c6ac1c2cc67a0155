// Package activities does for workflows what touches the world: one file for
// each activity. Every activity may run more than once and says on what it is
// idempotent.
package activities
