package casework

import (
	"errors"
	"fmt"
)

// Code says what kind of refusal an error is. Each transport maps it once.
type Code string

// The codes, from the caller's fault to ours.
const (
	CodeInvalid      Code = "invalid"      // a field is wrong; Field names it
	CodeUnauthorized Code = "unauthorized" // nobody is signed in
	CodeForbidden    Code = "forbidden"    // the policy denies it
	CodeNotFound     Code = "not_found"    // there is no such thing in the actor's scope
	CodeGone         Code = "gone"         // it was there and was destroyed, as the rules have it
	CodeConflict     Code = "conflict"     // the state of the case does not allow it
	CodeStale        Code = "stale"        // the case changed since the actor looked at it
	CodeVersionless  Code = "versionless"  // the actor does not say which version they looked at
	CodeKeyReused    Code = "key_reused"   // an idempotency key came back with another content
	CodeUnavailable  Code = "unavailable"  // a part of the system is away; trying again helps
	CodeTooMany      Code = "too_many"     // slow down
)

// Error is the only error that reaches a person: a code, a stable reason that
// the message catalogues translate, and the field at fault when there is one.
// Detail is English, for logs and API clients, and holds no personal data.
type Error struct {
	Code   Code
	Reason string
	Field  string
	Detail string
}

func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s: %s", e.Reason, e.Field, e.Detail)
	}
	return fmt.Sprintf("%s: %s", e.Reason, e.Detail)
}

// Invalid refuses a field.
func Invalid(field, reason, detail string) *Error {
	return &Error{Code: CodeInvalid, Reason: reason, Field: field, Detail: detail}
}

// Conflict refuses an action that the state of the case does not allow.
func Conflict(reason, detail string) *Error {
	return &Error{Code: CodeConflict, Reason: reason, Detail: detail}
}

// Forbidden refuses what this person may not do to this case.
func Forbidden(reason, detail string) *Error {
	return &Error{Code: CodeForbidden, Reason: reason, Detail: detail}
}

// AsError finds the domain error in err.
func AsError(err error) (*Error, bool) {
	return errors.AsType[*Error](err)
}
