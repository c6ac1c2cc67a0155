// Package workflows holds the durable life of a case. A workflow owns the state
// of its case; what may happen is asked of internal/casework, what has happened
// is recorded by one activity before the state moves on.
//
// Rules for whoever changes this code: docs/architecture.md, "The engine".
package workflows
