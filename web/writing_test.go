package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/web"
)

// writing keeps drafts in memory and offers texts. The pages of texts are tested on a
// real database.
type writing struct {
	web.Writing

	templates []casework.TextTemplate
	broken    error // given to the next KeepDraft

	lock   sync.Mutex
	drafts []store.Draft
	ended  []store.Draft
}

func (w *writing) TextsFor(_ context.Context, view commands.CaseView) ([]commands.CaseText, error) {
	var texts []commands.CaseText
	for _, t := range w.templates {
		text := commands.CaseText{ID: t.Name, Kind: t.Kind, Name: t.Name, Owner: "湛河区政务服务管理局（演示）"}
		text.Text, text.Missing = casework.FillText(t.Body, commands.FactsFor(view))
		texts = append(texts, text)
	}
	return texts, nil
}

func (w *writing) KeepDraft(_ context.Context, actor casework.Actor, d store.Draft) (time.Time, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.broken != nil {
		return time.Time{}, w.broken
	}
	d.UserID, d.At = actor.UserID, now
	w.drafts = slices.DeleteFunc(w.drafts, func(o store.Draft) bool {
		return o.UserID == d.UserID && o.Number == d.Number && o.Action == d.Action
	})
	w.drafts = append(w.drafts, d)
	return d.At, nil
}

func (w *writing) EndDraft(_ context.Context, actor casework.Actor, d store.Draft) error {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.ended = append(w.ended, d)
	w.drafts = slices.DeleteFunc(w.drafts, func(o store.Draft) bool {
		return o.UserID == actor.UserID && o.Number == d.Number && o.Action == d.Action
	})
	return nil
}

func (w *writing) DraftsFor(_ context.Context, actor casework.Actor, number string) ([]store.Draft, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return slices.DeleteFunc(slices.Clone(w.drafts), func(d store.Draft) bool { return d.UserID != actor.UserID || d.Number != number }), nil
}

func (w *writing) SetAside(d store.Draft) ([]byte, error) { return json.Marshal(d) }

func (w *writing) TakeUp(ctx context.Context, actor casework.Actor, sealed []byte) (string, error) {
	var d store.Draft
	if err := json.Unmarshal(sealed, &d); err != nil {
		return "", err
	}
	_, err := w.KeepDraft(ctx, actor, d)
	return d.Number, err
}

// typedForm is the form of an action as its page gives it, with something typed.
func typedForm(t *testing.T, p page, action casework.Action, values map[string]string) url.Values {
	t.Helper()
	form := formOf(p.one(t, "form", "id", "form-"+string(action)))
	for name, value := range values {
		form.Set(name, value)
	}
	return form
}

func TestADraftComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "verification")
	b.signIn(chen)
	path := "/cases/" + number(1)
	p := b.do(http.MethodGet, path, nil)
	require.Empty(t, p.all("p", "class", "g-draft-note"))
	form := typedForm(t, p, casework.ActionVerify, map[string]string{"findings": "写到一半 <b>", "outcome": "complex"})

	// A script is told when, in its language.
	kept := b.do(http.MethodPost, path+"/drafts/verify", form, "Accept", "application/json")
	require.Equal(t, http.StatusOK, kept.StatusCode)
	require.JSONEq(t, `{"words":"草稿已保存 10:00"}`, kept.text)
	kept = b.do(http.MethodPost, path+"/drafts/verify", form, "Accept", "application/json", "Accept-Language", "en")
	require.JSONEq(t, `{"words":"Draft saved 10:00"}`, kept.text)
	// Without one, back to the form.
	kept = b.do(http.MethodPost, path+"/drafts/verify", form)
	require.Equal(t, http.StatusSeeOther, kept.StatusCode)
	require.Equal(t, path+"#form-verify", kept.Header.Get("Location"))

	p = b.do(http.MethodGet, path, nil)
	again := formOf(p.one(t, "form", "id", "form-verify"))
	require.Equal(t, "写到一半 <b>", again.Get("findings"))
	require.Equal(t, "complex", again.Get("outcome"))
	require.NotEqual(t, form.Get("key"), again.Get("key"), "what is sent now is another request")
	note := words(p.one(t, "p", "class", "g-draft-note"))
	require.Contains(t, note, "草稿，保存于 2026-11-25 10:00")
	require.NotContains(t, note, "变化")
	require.Contains(t, words(b.do(http.MethodGet, path, nil, "Accept-Language", "en").one(t, "p", "class", "g-draft-note")), "Draft, saved 2026-11-25 10:00")

	b.signIn(lu)
	require.Empty(t, b.do(http.MethodGet, path, nil).all("p", "class", "g-draft-note"), "it is chen's alone")

	// The case has changed since.
	b.office.does(t, b.office.cases[0], chen, 0, casework.RecordCallback{Reached: true, Words: "又说了一次"})
	b.signIn(chen)
	p = b.do(http.MethodGet, path, nil)
	require.Contains(t, words(p.one(t, "p", "class", "g-draft-note")), "案件有了变化")
	// A form that was refused is newer than the draft.
	wrong := typedForm(t, p, casework.ActionVerify, map[string]string{"findings": "新的一稿", "outcome": ""})
	p = b.do(http.MethodPost, path+"/actions/verify", wrong)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Equal(t, "新的一稿", formOf(p.one(t, "form", "id", "form-verify")).Get("findings"))

	gone := b.do(http.MethodPost, path+"/drafts/verify", url.Values{"deed": {"discard"}, "key": {"k"}, "version": {"1"}})
	require.Equal(t, http.StatusSeeOther, gone.StatusCode)
	require.Empty(t, formOf(b.do(http.MethodGet, path, nil).one(t, "form", "id", "form-verify")).Get("findings"))
	require.Equal(t, http.StatusNotFound, b.do(http.MethodPost, path+"/drafts/nothing", form).StatusCode)
}

// TestADraftLeavesTheSessionAlone: what an action leaves there at the same moment is not
// written over. The session lives on when the script asks for it.
func TestADraftLeavesTheSessionAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "verification")
	b.signIn(chen)
	form := url.Values{"findings": {"写着"}, "key": {"k"}, "version": {"3"}}
	kept := b.do(http.MethodPost, "/cases/"+number(1)+"/drafts/verify", form, "Accept", "application/json")
	require.Equal(t, http.StatusOK, kept.StatusCode)
	require.Empty(t, kept.Cookies())
	b.office.broken = casework.Forbidden("not_allowed", "no")
	refused := b.do(http.MethodPost, "/cases/"+number(1)+"/drafts/verify", form, "Accept", "application/json")
	require.Equal(t, http.StatusForbidden, refused.StatusCode)
	require.Empty(t, refused.Cookies())
	require.Empty(t, refused.text)
	b.office.broken = nil
	form.Set("alive", "1")
	kept = b.do(http.MethodPost, "/cases/"+number(1)+"/drafts/verify", form, "Accept", "application/json")
	require.Len(t, kept.Cookies(), 1)
}

func TestADraftThatCannotBeKeptIsNotLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "verification")
	b.signIn(chen)
	path := "/cases/" + number(1)
	b.office.broken = casework.Forbidden("not_allowed", "no")
	p := b.do(http.MethodPost, path+"/drafts/verify", url.Values{"findings": {"写了很久"}, "key": {"k"}, "version": {"3"}})
	require.Equal(t, http.StatusForbidden, p.StatusCode)
	require.Contains(t, rawText(p.one(t, "textarea", "id", "kept-0")), "写了很久")
}

// TestADraftWithoutItsFormIsShown: the case went on, and the action is there no more.
func TestADraftWithoutItsFormIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "rectification")
	b.signIn(chen)
	path := "/cases/" + number(1)
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, path+"/drafts/verify", url.Values{"findings": {"已经晚了"}, "key": {"k"}, "version": {"3"}}).StatusCode)
	p := b.do(http.MethodGet, path, nil)
	stray := p.one(t, "section", "class", "g-kept")
	require.Contains(t, words(stray), "已经晚了")
	require.Contains(t, words(stray), "不能再提交")
	form := p.one(t, "form", "action", path+"/drafts/verify")
	values := formOf(form)
	values.Set("deed", "discard")
	require.Equal(t, http.StatusSeeOther, b.do(http.MethodPost, path+"/drafts/verify", values).StatusCode)
	require.Empty(t, b.do(http.MethodGet, path, nil).all("section", "class", "g-kept"))
}

// TestWhatWasSentAfterTheSessionEndedComesBack: it is in the form after signing in,
// whatever way; who did not send a form of a case carries nothing.
func TestWhatWasSentAfterTheSessionEndedComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "verification")
	path := "/cases/" + number(1)
	for _, sentTo := range []string{"/actions/verify", "/drafts/verify"} {
		b.newBrowser()
		p := b.do(http.MethodPost, path+sentTo, url.Values{"findings": {"写了很久" + sentTo}, "outcome": {"complex"}, "key": {"k"}, "version": {"3"}})
		require.Equal(t, http.StatusUnauthorized, p.StatusCode)
		require.Contains(t, words(p.one(t, "p", "class", "g-aside")), "会回到案件的表单里")
		require.Empty(t, b.office.drafts, "nobody has signed in")
		wrong := b.do(http.MethodPost, "/sign-in", url.Values{"username": {"chen"}, "password": {"no"}})
		require.Equal(t, http.StatusUnauthorized, wrong.StatusCode)
		in := b.do(http.MethodPost, "/sign-in", url.Values{"username": {"chen"}, "password": {"sesame"}, "next": {path}})
		require.Equal(t, path, in.Header.Get("Location"))
		form := formOf(b.do(http.MethodGet, path, nil).one(t, "form", "id", "form-verify"))
		require.Equal(t, "写了很久"+sentTo, form.Get("findings"))
		require.Equal(t, "complex", form.Get("outcome"))
		b.office.drafts = nil
		b.do(http.MethodPost, "/sign-out", url.Values{})
		b.signIn(chen)
		require.Empty(t, b.office.drafts, "it is taken up once")
	}
	b.newBrowser()
	for _, sent := range []struct {
		path string
		form url.Values
	}{
		{path + "/actions/verify", url.Values{"findings": {" "}}},
		{path + "/actions/nothing", url.Values{"findings": {"写了"}}},
		{path + "/reveal", url.Values{"purpose": {"回访"}}},
		{path + "/actions/verify", url.Values{"findings": {strings.Repeat("长", 20_000)}}},
	} {
		p := b.do(http.MethodPost, sent.path, sent.form)
		require.Equal(t, http.StatusUnauthorized, p.StatusCode)
		require.Empty(t, p.all("p", "class", "g-aside"), sent.path)
	}
	aside := 0
	for range 80 {
		p := b.do(http.MethodPost, path+"/actions/verify", url.Values{"findings": {"写了"}})
		require.Equal(t, http.StatusUnauthorized, p.StatusCode)
		aside += len(p.all("p", "class", "g-aside"))
	}
	require.Less(t, aside, 40, "who is not signed in does not fill the sessions")
}

func TestTextsArePutIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "verification")
	caseAt(t, b, 2, "new")
	b.office.templates = []casework.TextTemplate{
		{Kind: casework.TextFindings, Name: "核实属实", Body: "经核实，【评价人】关于【事项】的评价属实。承办人：【承办人】。"},
		{Kind: casework.TextCallbackScript, Name: "首次回访", Body: "您好，【评价人】。\n<script>alert(1)</script>"},
		{Kind: casework.TextFeedback, Name: "反馈", Body: "您好。"},
	}
	b.signIn(chen)
	path := "/cases/" + number(1)
	p := b.do(http.MethodGet, path, nil)
	options := slices.DeleteFunc(p.all("option"), func(n *html.Node) bool { _, ok := attribute(n, "data-text"); return !ok })
	require.Len(t, options, 1, "only what fits a form of this case")
	text, _ := attribute(options[0], "data-text")
	require.Equal(t, "经核实，张*关于不动产转移登记的评价属实。承办人：陈禾溪。", text)
	script := p.one(t, "details", "class", "g-script")
	require.Contains(t, words(script), "回访话术：首次回访 您好，张*。 <script>alert(1)</script>")
	require.NotContains(t, p.text, "<script>alert")

	// Without a script: what is typed is kept, and the text comes behind it.
	form := typedForm(t, p, casework.ActionVerify, map[string]string{
		"findings": "先写一句。", "outcome": "complex", "template-findings": "核实属实", "use": "findings",
	})
	to := b.do(http.MethodPost, path+"/drafts/verify", form)
	require.Equal(t, http.StatusSeeOther, to.StatusCode)
	location := to.Header.Get("Location")
	require.True(t, strings.HasSuffix(location, "#form-verify"), location)
	for range 2 { // again is not twice
		p = b.do(http.MethodGet, location, nil)
		filled := formOf(p.one(t, "form", "id", "form-verify"))
		require.Equal(t, "先写一句。\n\n"+text, filled.Get("findings"))
		require.Equal(t, "complex", filled.Get("outcome"))
	}
	p = b.do(http.MethodGet, path+"?action=verify&field=findings&template=nothing", nil)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, "先写一句。", formOf(p.one(t, "form", "id", "form-verify")).Get("findings"))

	// Nobody has this one yet: the gap is named.
	b.office.drafts, b.office.templates[0].Kind = nil, casework.TextCallbackOutcome
	other := "/cases/" + number(2)
	p = b.do(http.MethodGet, other+"?"+url.Values{"action": {"record-callback"}, "field": {"outcome"}, "template": {"核实属实"}}.Encode(), nil)
	require.Contains(t, formOf(p.one(t, "form", "id", "form-record-callback")).Get("outcome"), "承办人：【承办人】")
	require.Contains(t, words(p.one(t, "p", "id", "record-callback-outcome-missing")), "请自己填写： 【承办人】")
}
