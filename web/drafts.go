package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// Drafts is what the pages ask about what was typed and not sent.
type Drafts interface {
	KeepDraft(ctx context.Context, actor casework.Actor, d store.Draft) (at time.Time, err error)
	EndDraft(ctx context.Context, actor casework.Actor, d store.Draft) error
	DraftsFor(ctx context.Context, actor casework.Actor, number string) ([]store.Draft, error)
	SetAside(d store.Draft) ([]byte, error)
	TakeUp(ctx context.Context, actor casework.Actor, sealed []byte) (number string, err error)
}

// maxAside bounds what is carried through a sign-in, in bytes.
const maxAside = 32 << 10

// sessionAside is where it waits, sealed.
const sessionAside = "aside"

func draftPath(number string, action casework.Action) string {
	return casePath(number) + "/drafts/" + url.PathEscape(string(action))
}

// typedDraft reads the form of an action as it is, right or wrong.
func (v *visit) typedDraft() store.Draft {
	d := store.Draft{Number: v.Param("number"), Action: casework.Action(v.Param("action")), FormKey: v.form.Get("key"), Fields: map[string]string{}}
	d.Version, _ = strconv.Atoi(v.form.Get("version")) // without one, of a case that has changed since
	for _, f := range casework.CommandFields(d.Action) {
		d.Fields[f.Name] = v.form.Get(f.Name)
	}
	return d
}

// draftKept answers a script.
type draftKept struct {
	Words string `json:"words"` // empty when nothing is kept, for there is nothing to keep
}

// byScript reports whether the script of the forms asks, and not the browser.
func (v *visit) byScript() bool {
	return strings.Contains(v.Path(), "/drafts/") && v.Request().Header.Get(echo.HeaderAccept) == echo.MIMEApplicationJSON
}

// keepDraft answers POST /cases/:number/drafts/:action: keeps what was typed, or
// throws it away. The script is told when; who has none comes back to the form, and
// so does who wants a text put in.
func keepDraft(v *visit) error {
	ctx, d := v.Request().Context(), v.typedDraft()
	if !slices.Contains(casework.Actions(), d.Action) {
		return errNoPage()
	}
	form := "#form-" + string(d.Action)
	if v.form.Get("deed") == "discard" {
		if err := v.site.Commands.EndDraft(ctx, v.user.Actor, d); err != nil {
			return err
		}
		return v.redirect(casePath(d.Number) + form)
	}
	at, err := v.site.Commands.KeepDraft(ctx, v.user.Actor, d)
	if err != nil {
		return err
	}
	if v.byScript() {
		var answer draftKept
		if !at.IsZero() {
			answer.Words = v.say.T("draft.kept", "Time", at.In(casework.China()).Format("15:04"))
		}
		// The session is written back as it was read, and an action that is sent at the
		// same moment leaves its notice there: the script asks for it now and then only.
		if v.form.Get("alive") == "1" {
			if err := v.keepSession(); err != nil {
				return err
			}
		}
		return v.JSON(http.StatusOK, answer)
	}
	if field := v.form.Get("use"); field != "" {
		wanted := url.Values{"action": {string(d.Action)}, "field": {field}, "template": {v.form.Get("template-" + field)}}
		return v.redirect(casePath(d.Number) + "?" + wanted.Encode() + form)
	}
	return v.redirect(casePath(d.Number) + form)
}

// setAside seals what was sent after a session had ended, and carries it through
// the sign-in. It says whether it could: nobody is known here, so it is little, and
// not often.
func (v *visit) setAside() bool {
	d := v.typedDraft()
	if d.Number == "" || !slices.Contains(casework.Actions(), d.Action) || len(v.keptTexts()) == 0 {
		return false
	}
	size := 0
	for _, value := range d.Fields {
		size += len(value)
	}
	if size > maxAside || allow(v.site.limits.aside, v.RealIP()) != nil {
		return false
	}
	sealed, err := v.site.Commands.SetAside(d)
	if err != nil {
		v.site.Log.ErrorContext(v.Request().Context(), "not set aside", "error", err)
		return false
	}
	v.site.Sessions.Put(v.Request().Context(), sessionAside, sealed)
	return true
}

// takeUp gives to somebody who has just signed in, as a draft, what was sent here
// after the session before had ended. Who may not do it gets nothing.
func (v *visit) takeUp(user store.User, sealed []byte) {
	if len(sealed) == 0 {
		return
	}
	ctx := v.Request().Context()
	if _, err := v.site.Commands.TakeUp(ctx, user.Actor, sealed); err != nil {
		v.site.Log.WarnContext(ctx, "what was set aside is not kept", "user_id", user.ID, "error", err)
	}
}

// writingAids help to fill in the forms of a case.
type writingAids struct {
	texts  []commands.CaseText
	drafts []store.Draft
}

func (v *visit) writingAids(view commands.CaseView) (writingAids, error) {
	ctx := v.Request().Context()
	var aids writingAids
	var err error
	if aids.texts, err = v.site.Commands.TextsFor(ctx, view); err != nil {
		return aids, err
	}
	if len(view.Actions) == 0 {
		return aids, nil
	}
	if aids.drafts, err = v.site.Commands.DraftsFor(ctx, v.user.Actor, view.Case.Number); err != nil {
		// A draft that does not open any more keeps nobody from the case.
		v.site.Log.ErrorContext(ctx, "drafts not read", "case", view.Case.Number, "error", err)
	}
	return aids, nil
}

// draftOf gives what was typed into the form of an action and kept.
func (a writingAids) draftOf(action casework.Action) (store.Draft, bool) {
	i := slices.IndexFunc(a.drafts, func(d store.Draft) bool { return d.Action == action })
	if i < 0 {
		return store.Draft{}, false
	}
	return a.drafts[i], true
}

// typed gives a field of the draft of an action; nothing where there is none.
func (a writingAids) typed(action casework.Action) func(string) string {
	d, _ := a.draftOf(action)
	return func(name string) string { return d.Fields[name] }
}

// draftNote says of a form that it is a draft.
type draftNote struct {
	At    time.Time
	Stale bool // the case has changed since
}

// strayDraft is a draft whose form is not there any more.
type strayDraft struct {
	Action  casework.Action
	Path    string
	Key     string
	Version int
	At      time.Time
	Texts   []keptText
}

// aid puts drafts and texts into a form. What was just refused is newer than any
// draft.
func (v *visit) aid(form *actionForm, view commands.CaseView, aids writingAids, refused bool) {
	if d, ok := aids.draftOf(form.Action); ok && !refused {
		form.Draft, form.Open = &draftNote{At: d.At, Stale: d.Version != view.Case.Version}, true
	}
	wanted := !refused && v.Request().Method == http.MethodGet && v.QueryParam("action") == string(form.Action)
	for i := range form.Fields {
		field := &form.Fields[i]
		if field.Widget != widgetText {
			continue
		}
		form.DraftPath = draftPath(view.Case.Number, form.Action)
		field.UsePath = form.DraftPath
		field.Texts = textsInto(aids.texts, form.Action, field.Name, view.Case.Stage)
		if wanted && v.QueryParam("field") == field.Name {
			v.use(field, v.QueryParam("template"))
			form.Open = true
		}
	}
	form.Scripts = textsInto(aids.texts, form.Action, "", view.Case.Stage)
}

// use puts a text into a field, behind what is there.
func (v *visit) use(field *formField, id string) {
	i := slices.IndexFunc(field.Texts, func(t commands.CaseText) bool { return t.ID == id })
	if i < 0 {
		return
	}
	text := field.Texts[i]
	if !strings.Contains(field.Value, text.Text) {
		field.Value = strings.TrimLeft(strings.TrimRight(field.Value, "\n ")+"\n\n"+text.Text, "\n")
	}
	if len(text.Missing) > 0 {
		field.Missing = strings.Join(text.Missing, " ")
	}
}

// textsOffered bounds how many texts a field offers; the nearest authority's are first.
const textsOffered = 60

func textsInto(texts []commands.CaseText, action casework.Action, field string, stage casework.Stage) []commands.CaseText {
	var fitting []commands.CaseText
	for _, t := range texts {
		if t.Kind.Fills(action, field, stage) {
			fitting = append(fitting, t)
		}
	}
	return fitting[:min(len(fitting), textsOffered)]
}

// addStray lists the drafts that no form of the page shows.
func (v *visit) addStray(p *casePage, r refused) {
	for _, d := range p.aids.drafts {
		if v.shownForm(p, d.Action) != nil || d.Action == r.Action {
			continue
		}
		stray := strayDraft{Action: d.Action, Path: draftPath(d.Number, d.Action), Key: d.FormKey, Version: d.Version, At: d.At}
		for _, f := range casework.CommandFields(d.Action) {
			if text := d.Fields[f.Name]; specOf(d.Action, f.Name).Widget == widgetText && text != "" {
				stray.Texts = append(stray.Texts, keptText{Label: v.say.T(fieldKey(d.Action, f.Name)), Text: text})
			}
		}
		if len(stray.Texts) > 0 {
			p.Stray = append(p.Stray, stray)
		}
	}
}
