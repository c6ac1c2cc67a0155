package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// Request is one action that a person asks for.
type Request struct {
	Number  string
	Command casework.Command
	// Key makes the action happen once however often it is sent. When empty, the
	// same person asking for the same thing at the same version of the case is
	// taken to be the same request.
	Key string
	// Version is the version of the case that the person saw; 0 when not said, and
	// NotBegun for a case that they saw before its first event.
	Version int
}

// NotBegun is the version of a case without events, as a person has seen it. No
// decision can rest on it, so an action that says so is always refused.
const NotBegun = -1

// Outcome is where a case stands after an action.
type Outcome struct {
	Number   string
	Version  int
	Stage    casework.Stage
	Deadline time.Time // zero when no clock runs
}

// Act carries an action out, once. Errors are *casework.Error: CodeInvalid with
// the field, CodeForbidden with the rule, CodeNotFound outside the actor's scope,
// CodeConflict when the state does not allow it, CodeStale when the case changed,
// CodeUnavailable when the engine is away. What the person had kept of the form as a
// draft ends with it.
func (s *Service) Act(ctx context.Context, actor casework.Actor, request Request) (Outcome, error) {
	outcome, _, err := s.act(ctx, actor, request)
	if err == nil {
		s.draftSent(ctx, actor, request)
	}
	return outcome, err
}

// act is Act that says whether the request had been carried out before.
func (s *Service) act(ctx context.Context, actor casework.Actor, request Request) (outcome Outcome, before bool, err error) {
	action := request.Command.Action()
	if err := request.Command.Check(); err != nil {
		return Outcome{}, false, err
	}
	if !s.policy.MayEver(actor, action) {
		s.log.WarnContext(ctx, "refused", "user_id", actor.UserID, "action", action, "case", request.Number)
		return Outcome{}, false, casework.Forbidden("not_allowed", "your role never allows "+string(action))
	}
	c, err := s.load(ctx, actor, request.Number)
	if err != nil {
		return Outcome{}, false, err
	}
	// What is written goes into events and into the engine, in clear.
	if request.Command, err = s.store.MaskFor(ctx, request.Number, request.Command); err != nil {
		return Outcome{}, false, err
	}
	key, err := requestKey(actor, request, c.state.Version)
	if err != nil {
		return Outcome{}, false, err
	}
	if outcome, done := answerFrom(c, key); done {
		return outcome, true, nil
	}
	decision, err := s.authorize(ctx, actor, action, c.object)
	if err != nil {
		return Outcome{}, false, err
	}
	if err := possible(c, action); err != nil {
		return Outcome{}, false, err
	}
	if request.Version == NotBegun {
		return Outcome{}, false, &casework.Error{Code: casework.CodeStale, Reason: "case_changed", Detail: "the case has begun since it was looked at"}
	}
	if err := s.checkRelations(ctx, actor, c, request.Command); err != nil {
		return Outcome{}, false, err
	}
	version := request.Version
	if version == 0 && restsOnState(action) {
		version = c.state.Version
	}
	by := s.by(actor, decision)
	if !c.row.Stage.Ended() {
		result, err := s.engine.Act(ctx, request.Number, key, by, version, request.Command)
		if !notRunning(err) {
			return Outcome{Number: request.Number, Version: result.Version, Stage: result.Stage, Deadline: result.Deadline}, false, err
		}
		// It ended on the way.
		if c, err = s.load(ctx, actor, request.Number); err != nil {
			return Outcome{}, false, err
		}
		if err := possible(c, action); err != nil {
			return Outcome{}, false, err
		}
	}
	outcome, err = s.actAfterEnd(ctx, c, key, by, version, request.Command)
	return outcome, false, err
}

// actAfterEnd records what may still be said about a case that has ended.
func (s *Service) actAfterEnd(
	ctx context.Context, c loaded, key string, by casework.By, version int, command casework.Command,
) (Outcome, error) {
	now := s.nowOf(c.row)
	recorded, err := s.store.RecordAfterEnd(ctx, store.AfterEnd{
		Number: c.row.Number, Key: key, By: by, At: now, Build: s.build,
		Decide: func(state casework.State) ([]casework.EventBody, error) {
			return casework.DecideFor(state, version, command, casework.Circumstances{Rules: c.rules, Now: now, By: by})
		},
	})
	return Outcome{Number: c.row.Number, Version: recorded, Stage: c.row.Stage}, err
}

// notRunning reports whether the engine knows no running workflow of the case.
func notRunning(err error) bool {
	domain, ok := casework.AsError(err)
	return ok && domain.Reason == "case_not_running"
}

// restsOnState reports whether the policy looked at more of the case than whose
// it is: who proposed, which extension waits, who acted. What was allowed for one
// version of such a case must not be carried out on another.
func restsOnState(action casework.Action) bool {
	switch action {
	case casework.ActionDecideInvalid, casework.ActionDecideExtension, casework.ActionDecideReopening,
		casework.ActionRecordSpotCheck, casework.ActionEscalate, casework.ActionTransfer, casework.ActionTakeOver, casework.ActionMerge:
		return true
	default:
		return false
	}
}

// requestKey names a request: the same person, action, content and key give the
// same name, so that a repeated click acts once and another click acts again.
func requestKey(actor casework.Actor, request Request, version int) (string, error) {
	content, err := json.Marshal(request.Command)
	if err != nil {
		return "", fmt.Errorf("request key: %w", err)
	}
	key := request.Key
	if file, ok := request.Command.(casework.AttachFile); ok {
		key = file.AttachmentID // one file, one event
	}
	if key == "" {
		seen := request.Version
		if seen == 0 {
			seen = version
		}
		key = fmt.Sprintf("version %d", seen)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", request.Number, key, content))
	return fmt.Sprintf("%s/%d/%s", request.Command.Action(), actor.UserID, hex.EncodeToString(sum[:16])), nil
}

// answerFrom finds the answer to a request that was carried out before, also
// after its case has ended.
func answerFrom(c loaded, key string) (Outcome, bool) {
	if !slices.ContainsFunc(c.events, func(e store.RecordedEvent) bool { return e.Key == key }) {
		return Outcome{}, false
	}
	return standing(c.row), true
}

func standing(row store.Case) Outcome {
	outcome := Outcome{Number: row.Number, Version: row.Version, Stage: row.Stage}
	if row.DeadlineAt != nil {
		outcome.Deadline = *row.DeadlineAt
	}
	return outcome
}

// Standing says where a case stands now, for whom an action was refused because
// of it. A case that the actor may not see is CodeNotFound.
func (s *Service) Standing(ctx context.Context, actor casework.Actor, number string) (Outcome, error) {
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return Outcome{}, err
	}
	return standing(c.row), nil
}

// checkRelations asks what only the database knows: whether the person or the
// department named in a command is one that the case can go to.
func (s *Service) checkRelations(ctx context.Context, actor casework.Actor, c loaded, command casework.Command) error {
	switch command := command.(type) {
	case casework.Assign:
		user, err := s.store.UserByID(ctx, command.UserID)
		if err != nil && !isNotFound(err) {
			return err
		}
		handles := user.Actor.Has(casework.RoleHandler) || user.Actor.Has(casework.RoleDepartmentLead)
		if err != nil || user.Actor.OrganisationID != c.row.DepartmentID || !handles {
			return casework.Invalid("user_id", "not_in_department", "a handler of the department of the case is needed")
		}
	case casework.Transfer:
		department, err := s.store.OrganisationByID(ctx, command.DepartmentID)
		if err != nil && !isNotFound(err) {
			return err
		}
		switch {
		case err != nil || department.Kind != casework.KindDepartment || department.RegionCode != c.row.RegionCode || department.Ended():
			return casework.Invalid("department_id", "not_in_region", "a department of the same region is needed")
		case department.ID == c.row.DepartmentID && c.state.TakenOverBy == 0:
			// The workflow knows the case's department by the name it had then.
			return casework.Invalid("department_id", "same_department", "the case is with this department already")
		}
	case casework.AttachFile:
		return s.checkKept(ctx, c.row.Number, command)
	case casework.Merge:
		return s.checkMerge(ctx, actor, c, command.Into)
	}
	return nil
}

// checkMerge asks that the case that is to go on is an earlier one of the same
// service record, and one that the actor may read. Always the earlier: two cases
// can never be merged into each other. Whether it does go on, its own workflow says.
func (s *Service) checkMerge(ctx context.Context, actor casework.Actor, c loaded, into string) error {
	others, err := s.store.CasesOfRecord(ctx, scopeOf(actor), c.row.ServiceRecordID)
	if err != nil {
		return err
	}
	number := func(n string) func(store.Case) bool { return func(o store.Case) bool { return o.Number == n } }
	target, own := slices.IndexFunc(others, number(into)), slices.IndexFunc(others, number(c.row.Number))
	if target < 0 || target >= own {
		return casework.Invalid("into", "not_of_the_same_record", "an earlier case of the same service record is needed")
	}
	return nil
}
