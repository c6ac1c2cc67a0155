// Package commands holds what a person or a platform may ask of the product, one
// file each: authorize by role, read the row, authorize by relation, then ask
// the engine or the store. It knows nothing of HTTP.
package commands

import (
	"context"
	"log/slog"
	"time"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
	"guiling/workflows/contract"
)

// Engine carries commands to the workflows of their cases.
type Engine interface {
	// Act waits until the command has been recorded; see engine.Engine.
	Act(ctx context.Context, number, key string, by casework.By, version int, command casework.Command) (contract.ActionResult, error)
}

// Service answers all commands. It is safe for use by many goroutines.
type Service struct {
	store  *store.Store
	engine Engine
	policy *policies.Enforcer
	build  string
	now    func() time.Time
	log    *slog.Logger

	reveals store.RevealLimits
	mailing Mailing
	// training moves single cases ahead in time; nil everywhere but in a demo.
	training *Training
	scanner  attachments.Scanner // nil: none
	uploads  chan struct{}
}

// New makes the service. The policy is loaded before: what cannot be loaded must
// stop the start, not the first request. The build is kept with what the service
// records itself.
func New(
	st *store.Store, engine Engine, policy *policies.Enforcer, build string, now func() time.Time, log *slog.Logger,
) *Service {
	return &Service{
		store: st, engine: engine, policy: policy, build: build, now: now, log: log, uploads: make(chan struct{}, uploadsAtOnce),
	}
}

// by is the mark that the actor leaves: in the role for which the rule allowed it.
func (s *Service) by(actor casework.Actor, decision policies.Decision) casework.By {
	return casework.By{UserID: actor.UserID, OrganisationID: actor.OrganisationID, Rule: decision.Rule, Role: decision.Role}
}

// authorize asks the policy and turns a no into an error that names the rule. A
// refusal is logged: who tried what.
func (s *Service) authorize(
	ctx context.Context, actor casework.Actor, action casework.Action, object policies.Object,
) (policies.Decision, error) {
	decision := s.policy.Decide(actor, action, object)
	if decision.Allowed {
		return decision, nil
	}
	s.log.WarnContext(ctx, "refused", "user_id", actor.UserID, "action", action, "rule", decision.Rule, "reason", decision.Reason)
	return decision, casework.Forbidden("not_allowed", string(action)+" is refused by "+decision.Rule)
}
