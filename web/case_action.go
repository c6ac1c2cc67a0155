package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
)

// maxKey bounds the key of a form, in bytes.
const maxKey = 64

// actOnCase answers POST /cases/:number/actions/:action. A form that could not
// be carried out is shown again with all that was typed.
func actOnCase(v *visit) error {
	action, number := casework.Action(v.Param("action")), v.Param("number")
	if !slices.Contains(casework.Actions(), action) {
		return errNoPage()
	}
	outcome, wrong := v.act(action, number)
	if len(wrong) > 0 {
		if wrong[0].Code == casework.CodeUnauthorized || wrong[0].Code == casework.CodeNotFound {
			return wrong[0]
		}
		return v.renderCase(httpstatus.Of(wrong[0]), number, refused{Action: action, Errors: wrong})
	}
	if err := v.leaveNotice(notice{
		Number: number, Action: action, Stage: outcome.Stage, Version: outcome.Version, Deadline: outcome.Deadline,
	}); err != nil {
		return err
	}
	return v.redirect(casePath(number))
}

func (v *visit) act(action casework.Action, number string) (commands.Outcome, []*casework.Error) {
	command, wrong := bindCommand(action, v.form)
	if len(wrong) > 0 {
		return commands.Outcome{}, wrong
	}
	version, err := strconv.Atoi(v.form.Get("version"))
	key := v.form.Get("key")
	if err != nil || version < 0 || key == "" || len(key) > maxKey {
		return commands.Outcome{}, []*casework.Error{casework.Invalid("", "malformed_form", "the form has no version or no key")}
	}
	outcome, err := v.site.Commands.Act(v.Request().Context(), v.user.Actor, commands.Request{
		Number: number, Command: command, Key: key, Version: version,
	})
	if err != nil {
		return commands.Outcome{}, []*casework.Error{v.domainError(err)}
	}
	return outcome, nil
}

// refused is a form that could not be carried out.
type refused struct {
	Action casework.Action
	Errors []*casework.Error
}

// notice says, after an action, what happened and what is next. It waits in the
// session for the page that follows and is shown once.
type notice struct {
	Number   string          `json:"number"`
	Action   casework.Action `json:"action"`
	Stage    casework.Stage  `json:"stage"`
	Version  int             `json:"version"`
	Deadline time.Time       `json:"deadline,omitzero"`
}

func (v *visit) leaveNotice(n notice) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	v.site.Sessions.Put(v.Request().Context(), sessionNotice, string(data))
	return nil
}

// takeNotice takes the notice about a case out of the session.
func (v *visit) takeNotice(number string) (notice, bool) {
	ctx := v.Request().Context()
	if v.Request().Method != http.MethodGet || v.background() || !v.site.Sessions.Exists(ctx, sessionNotice) {
		return notice{}, false
	}
	var n notice
	err := json.Unmarshal([]byte(v.site.Sessions.PopString(ctx, sessionNotice)), &n)
	return n, err == nil && n.Number == number
}
