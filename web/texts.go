package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

// Writing is what the pages ask so that people write less, and lose nothing of it:
// the texts of authorities, and drafts.
type Writing interface {
	ListTexts(ctx context.Context, actor casework.Actor) (commands.TextPage, error)
	ViewText(ctx context.Context, actor casework.Actor, id int64) (commands.TextView, error)
	CreateText(ctx context.Context, actor casework.Actor, t casework.TextTemplate) (int64, error)
	ChangeText(ctx context.Context, actor casework.Actor, id int64, version int, t casework.TextTemplate) error
	RetireText(ctx context.Context, actor casework.Actor, id int64, version int) error
	TextsFor(ctx context.Context, view commands.CaseView) ([]commands.CaseText, error)

	Drafts
}

const textsPath = "/texts"

func textPath(id int64) string { return textsPath + "/" + strconv.FormatInt(id, 10) }

// textRow is a text in the list.
type textRow struct {
	casework.TextTemplate

	Path, Copy string
	Owner      string
	Article    string
	Changed    string
	Retired    bool
}

type textsPage struct {
	frame

	Own, Above, Shipped []textRow
	Done                string
}

// showTexts answers GET /texts: what people of an authority can use.
func showTexts(v *visit) error {
	page, err := v.site.Commands.ListTexts(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	p := textsPage{frame: v.frame(v.say.T("texts.title"), textsPath), Done: v.takeDone()}
	for _, t := range page.Own {
		p.Own = append(p.Own, keptTextRow(t))
	}
	for _, t := range page.Above {
		p.Above = append(p.Above, keptTextRow(t))
	}
	for _, t := range page.Shipped {
		p.Shipped = append(p.Shipped, textRow{
			TextTemplate: t.TextTemplate, Article: t.Article, Copy: textsPath + "/new?from=" + commands.ShippedTextID(t.Key),
		})
	}
	return v.render(http.StatusOK, "texts", p)
}

func keptTextRow(t store.Text) textRow {
	return textRow{
		TextTemplate: t.TextTemplate, Path: textPath(t.ID), Owner: t.OrganisationName, Changed: moment(t.ChangedAt), Retired: t.RetiredAt != nil,
		Copy: textsPath + "/new?from=" + strconv.FormatInt(t.ID, 10),
	}
}

// textForm is a text as it stands in its form.
type textForm struct {
	casework.TextTemplate

	Version           int
	ErrorField, Error string
}

type textPage struct {
	frame

	Path      string // of the text; empty for one that is to be
	Form      textForm
	Own       bool // it can be changed
	Kinds     []casework.TextKind
	Stages    []casework.Stage
	Aspects   []casework.Aspect
	Variables string
	Preview   string // how the form looks in a case that nobody has
	Newer     *store.Text
	View      commands.TextView
	Copy      string
	Events    []adminEntry
	Done      string
}

func (v *visit) textPage(title string, form textForm) textPage {
	names := casework.TextVariables()
	if v.say.tag == english {
		names = casework.EnglishTextVariables()
	}
	p := textPage{
		frame: v.frame(title, textsPath), Form: form, Kinds: casework.TextKinds(), Aspects: casework.Aspects(),
		Variables: strings.Join(names, " "),
		Stages: []casework.Stage{
			casework.StageVerification, casework.StageInvalidation, casework.StageExplanation, casework.StageRectification,
			casework.StageFeedback, casework.StageSpotCheck,
		},
	}
	if strings.TrimSpace(form.Body) != "" {
		p.Preview, _ = casework.FillText(form.Body, casework.SampleTextFacts())
	}
	return p
}

// typedText reads the form of a text.
func (v *visit) typedText() textForm {
	version, _ := strconv.Atoi(v.form.Get("version")) // none is a version that no text has
	return textForm{Version: version, TextTemplate: casework.TextTemplate{
		Kind: casework.TextKind(v.typed("kind")), Name: v.typed("name"), Body: v.typed("body"), Stage: casework.Stage(v.typed("stage")),
		Aspect: casework.Aspect(v.typed("aspect")), MatterCode: v.typed("matter_code"),
	}}
}

// refuse puts beside its field why a form could not be taken.
func (v *visit) refuse(form textForm, refused *casework.Error) textForm {
	form.ErrorField = refused.Field
	form.Error = v.say.T("error." + refused.Reason)
	if refused.Reason == "variable_unknown" {
		form.Error = v.say.T("texts.variable_unknown", "Unknown", strings.Join(casework.UnknownVariables(form.Body), " "))
	}
	return form
}

// showNewText answers GET /texts/new?from=: an empty form, or a copy of a text.
func showNewText(v *visit) error {
	page, err := v.site.Commands.ListTexts(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	form := textForm{TextTemplate: casework.TextTemplate{Kind: casework.TextCallbackScript}}
	from := v.QueryParam("from")
	if shipped, ok := commands.ShippedText(from); ok {
		form.TextTemplate = shipped
	}
	for _, t := range append(page.Own, page.Above...) {
		if from == strconv.FormatInt(t.ID, 10) {
			form.TextTemplate = t.TextTemplate
		}
	}
	return v.render(http.StatusOK, "text", v.newTextPage(form))
}

func (v *visit) newTextPage(form textForm) textPage {
	p := v.textPage(v.say.T("texts.new"), form)
	p.Own = true
	return p
}

// createText answers POST /texts, or shows how what was typed will look.
func createText(v *visit) error {
	ctx, form := v.Request().Context(), v.typedText()
	if v.form.Get("deed") == "preview" {
		if _, err := v.site.Commands.ListTexts(ctx, v.user.Actor); err != nil {
			return err
		}
		return v.render(http.StatusOK, "text", v.newTextPage(form))
	}
	_, err := v.site.Commands.CreateText(ctx, v.user.Actor, form.TextTemplate)
	if refused, ok := mend(err); ok {
		return v.render(httpstatus.Of(refused), "text", v.newTextPage(v.refuse(form, refused)))
	}
	if err != nil {
		return err
	}
	return v.done(textsPath, "created")
}

func (v *visit) textID() (int64, error) {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil {
		return 0, errNoPage()
	}
	return id, nil
}

// showText answers GET /texts/:id: the text, how it looks, and what became of it.
func showText(v *visit) error {
	id, err := v.textID()
	if err != nil {
		return err
	}
	return v.renderText(http.StatusOK, id, nil, nil)
}

// renderText renders a text; after a refusal, with what was typed and, when somebody
// changed it meanwhile, with what it is now beside it.
func (v *visit) renderText(status int, id int64, typed *textForm, refused *casework.Error) error {
	view, err := v.site.Commands.ViewText(v.Request().Context(), v.user.Actor, id)
	if err != nil {
		return err
	}
	form := textForm{TextTemplate: view.Text.TextTemplate, Version: view.Text.Version}
	if typed != nil {
		form = *typed
	}
	if refused != nil {
		form = v.refuse(form, refused)
	}
	p := v.textPage(view.Text.Name, form)
	if refused != nil && refused.Code == casework.CodeStale {
		// Sent again, it says that the newer text was seen.
		p.Newer, p.Form.Version = &view.Text, view.Text.Version
	}
	p.Path, p.View, p.Done, p.Here = textPath(id), view, v.takeDone(), textPath(id)
	p.Own = view.Own && view.Text.RetiredAt == nil
	p.Copy = textsPath + "/new?from=" + strconv.FormatInt(id, 10)
	for _, e := range view.Events {
		p.Events = append(p.Events, adminEntry{AdminEvent: e, Changes: v.say.changesOf(e.Before, e.After)})
	}
	return v.render(status, "text", p)
}

// changeText answers POST /texts/:id, or shows how what was typed will look.
func changeText(v *visit) error {
	id, err := v.textID()
	if err != nil {
		return err
	}
	form := v.typedText()
	if v.form.Get("deed") == "preview" {
		return v.renderText(http.StatusOK, id, &form, nil)
	}
	err = v.site.Commands.ChangeText(v.Request().Context(), v.user.Actor, id, form.Version, form.TextTemplate)
	if refused, ok := mend(err); ok {
		return v.renderText(httpstatus.Of(refused), id, &form, refused)
	}
	if err != nil {
		return err
	}
	return v.done(textPath(id), "changed")
}

// retireText answers POST /texts/:id/retire.
func retireText(v *visit) error {
	id, err := v.textID()
	if err != nil {
		return err
	}
	version, _ := strconv.Atoi(v.form.Get("version")) // none is a version that no text has
	err = v.site.Commands.RetireText(v.Request().Context(), v.user.Actor, id, version)
	if refused, ok := mend(err); ok {
		return v.renderText(httpstatus.Of(refused), id, nil, refused)
	}
	if err != nil {
		return err
	}
	return v.done(textsPath, "retired")
}
