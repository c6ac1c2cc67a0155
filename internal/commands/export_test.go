package commands

import (
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// RequestKey names a request.
var RequestKey = requestKey

// ObjectOf gives the facts of a case of which nothing has been recorded yet.
func ObjectOf(row store.Case) policies.Object {
	return objectOf(loaded{row: row, state: casework.State{}})
}

// Clock gives the service's clock.
func (s *Service) Clock() func() time.Time { return s.now }

// OddSince says since when nobody works.
var OddSince = (*Service).oddSince
