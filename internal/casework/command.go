package casework

import (
	"fmt"
	"slices"
	"time"
)

// Circumstances are what a decision depends on besides the state.
type Circumstances struct {
	Rules Rules
	Now   time.Time // of the case's own workflow
	By    By
}

// Command is what a person asks to do to a case: one type for each Action.
type Command interface {
	// Action names the command.
	Action() Action
	// Check refuses fields that are wrong whatever the state of the case. The
	// error is an *Error with the field named.
	Check() error
	// ready refuses what the state does not allow, whatever the fields are. It
	// is asked only when the stage allows the action.
	ready(s State, c Circumstances) error
	// decide gives the events that follow, or refuses what the fields ask for.
	// It is asked only when the fields are right and the state is ready.
	decide(s State, c Circumstances) ([]EventBody, error)
}

// Decide gives the events that follow when a command is carried out in a state,
// or an *Error that says why it cannot be. It changes nothing.
func Decide(s State, command Command, c Circumstances) ([]EventBody, error) {
	if err := command.Check(); err != nil {
		return nil, err
	}
	if err := possibleNow(s, command, c); err != nil {
		return nil, err
	}
	return command.decide(s, c)
}

// DecideFor is Decide for a command that was prepared at a version of the case: a
// case that has changed since in what matters refuses with CodeStale. Version 0
// means that the person did not say which they saw.
func DecideFor(s State, version int, command Command, c Circumstances) ([]EventBody, error) {
	if s.Stale(version) {
		return nil, &Error{
			Code: CodeStale, Reason: "case_changed",
			Detail: fmt.Sprintf("the case is at version %d, the request was made for %d", s.Version, version),
		}
	}
	return Decide(s, command, c)
}

// Available reports whether the state of a case allows an action, before anybody
// has filled in a form. The *Error says why not. It knows nothing of the policy.
func Available(s State, action Action, c Circumstances) error {
	for _, t := range commandTypes {
		if t.action == action {
			return possibleNow(s, t.zero, c)
		}
	}
	return unknownAction(action)
}

func possibleNow(s State, command Command, c Circumstances) error {
	if ok, reason := Possible(s.Stage, command.Action()); !ok {
		return Conflict(reason, fmt.Sprintf("%s is not possible at stage %s", command.Action(), s.Stage))
	}
	if s.ClockPaused() && !slices.Contains(whilePaused, command.Action()) {
		return Conflict("paused", fmt.Sprintf("%s has to wait until the clock is resumed", command.Action()))
	}
	return command.ready(s, c)
}

// whilePaused are the actions that a paused clock does not hold up.
var whilePaused = []Action{
	ActionClaim, ActionAssign, ActionRecordCallback, ActionAttachFile, ActionResume, ActionTransfer, ActionWithdraw, ActionEscalate,
	ActionWithdrawExtension, ActionTakeOver, ActionMerge,
}

// mayHandle refuses a second handler of a case that another person has. The
// lead of the department and a supervisor may act on what a handler has. A case
// that was taken over is handled by the authority that did, and by nobody else.
func mayHandle(s State, by By) error {
	if s.TakenOverBy != 0 {
		if s.TakenOverBy == by.OrganisationID {
			return nil
		}
		return errTakenOver()
	}
	if s.HandlerID == 0 || s.HandlerID == by.UserID || by.Role != RoleHandler {
		return nil
	}
	return Conflict("claimed_by_other", "another person of the department has this case")
}

// handled puts the claim before what somebody of the department does to a case
// that nobody has yet. A supervisor who calls the reviewer takes no case.
func handled(s State, by By, bodies ...EventBody) []EventBody {
	if s.HandlerID != 0 || by.Role == RoleSupervisor {
		return bodies
	}
	return append([]EventBody{Claimed{UserID: by.UserID}}, bodies...)
}

func errTakenOver() error {
	return Conflict("taken_over", "a supervising authority has taken this case over")
}

func oneOf[T comparable](field string, value T, known []T) error {
	if !slices.Contains(known, value) {
		return Invalid(field, "unknown_value", fmt.Sprintf("%v is not one of %v", value, known))
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
