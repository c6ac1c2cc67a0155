package commands

import (
	"slices"

	"guiling/internal/casework"
	"guiling/internal/live"
	"guiling/internal/store"
)

// WatchCases says which changes of cases the actor may know of: of those in the
// scope of their lists, and once of one that leaves it. The answer is for the
// rights of now; ask again from time to time.
func (s *Service) WatchCases(actor casework.Actor) (live.Filter, error) {
	if !s.policy.MayEver(actor, casework.ActionRead) {
		return nil, casework.Forbidden("not_allowed", "your role sees no cases")
	}
	scope := scopeOf(actor)
	_, worksOnTasks := taskScopeOf(actor)
	return func(change store.CaseChange) (live.Event, bool) {
		if !scope.Holds(change.CasePlace) && (change.Was == nil || !scope.Holds(*change.Was)) {
			return live.Event{}, false
		}
		return live.Event{
			Number: change.Number, Version: change.Version,
			Mine:  change.HandlerID == actor.UserID || change.Was != nil && change.Was.HandlerID == actor.UserID,
			Inbox: worksOnTasks && slices.Contains(change.Organisations, actor.OrganisationID),
		}, true
	}, nil
}
