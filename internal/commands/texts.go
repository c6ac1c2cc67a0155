package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
	"guiling/reference"
)

// TextPage is the texts that people of an authority can use.
type TextPage struct {
	Own     []store.Text // of the authority itself, the retired ones last
	Above   []store.Text // of those above it
	Shipped []reference.Text
}

// manageTexts asks whether the actor may write the texts of their authority.
func (s *Service) manageTexts(ctx context.Context, actor casework.Actor) (casework.By, error) {
	decision, err := s.authorize(ctx, actor, casework.ActionManageTexts, policies.Object{RegionPath: actor.RegionPath})
	if err != nil {
		return casework.By{}, err
	}
	return s.by(actor, decision), nil
}

// ListTexts lists the texts of the actor's authority, of those above it, and those
// that ship with the program.
func (s *Service) ListTexts(ctx context.Context, actor casework.Actor) (TextPage, error) {
	if _, err := s.manageTexts(ctx, actor); err != nil {
		return TextPage{}, err
	}
	var page TextPage
	above, err := s.store.AuthoritiesAbove(ctx, actor.RegionCode)
	if err != nil {
		return TextPage{}, err
	}
	above = slices.DeleteFunc(above, func(id int64) bool { return id == actor.OrganisationID })
	if page.Own, err = s.store.TextsOf(ctx, []int64{actor.OrganisationID}, true); err != nil {
		return TextPage{}, err
	}
	if page.Above, err = s.store.TextsOf(ctx, above, false); err != nil {
		return TextPage{}, err
	}
	page.Shipped, err = reference.Texts()
	return page, err
}

// TextView is one text as its page shows it.
type TextView struct {
	Text   store.Text
	Own    bool               // of the actor's authority, who may change it unless it is retired
	Events []store.AdminEvent // what became of it, newest first; only for its own authority
}

// ViewText reads a text of the actor's authority, or of one above it; CodeNotFound
// for any other.
func (s *Service) ViewText(ctx context.Context, actor casework.Actor, id int64) (TextView, error) {
	if _, err := s.manageTexts(ctx, actor); err != nil {
		return TextView{}, err
	}
	text, err := s.store.TextByID(ctx, id)
	if err != nil {
		return TextView{}, err
	}
	above, err := s.store.AuthoritiesAbove(ctx, actor.RegionCode)
	if err != nil {
		return TextView{}, err
	}
	view := TextView{Text: text, Own: text.OrganisationID == actor.OrganisationID}
	if !view.Own && (!slices.Contains(above, text.OrganisationID) || text.RetiredAt != nil) {
		return TextView{}, &casework.Error{Code: casework.CodeNotFound, Reason: "text_not_found", Detail: "there is no such text"}
	}
	if view.Own {
		view.Events, err = s.store.AdminEvents(ctx, actor.RegionCode, store.AdminEventFilter{
			Subject: store.SubjectText, SubjectID: idText(id), Limit: eventsShown,
		})
	}
	return view, err
}

// CreateText keeps a new text of the actor's authority.
func (s *Service) CreateText(ctx context.Context, actor casework.Actor, t casework.TextTemplate) (int64, error) {
	by, err := s.manageTexts(ctx, actor)
	if err != nil {
		return 0, err
	}
	if t, err = t.Check(); err != nil {
		return 0, err
	}
	return s.store.CreateText(ctx, t, by)
}

// ChangeText changes a text of the actor's authority that was seen at a version;
// CodeStale when it has another one now.
func (s *Service) ChangeText(ctx context.Context, actor casework.Actor, id int64, version int, t casework.TextTemplate) error {
	by, err := s.manageTexts(ctx, actor)
	if err != nil {
		return err
	}
	if t, err = t.Check(); err != nil {
		return err
	}
	return s.store.ChangeText(ctx, store.TextChange{ID: id, Version: version, Text: t, By: by})
}

// RetireText takes a text of the actor's authority out of use. It stays readable
// there.
func (s *Service) RetireText(ctx context.Context, actor casework.Actor, id int64, version int) error {
	by, err := s.manageTexts(ctx, actor)
	if err != nil {
		return err
	}
	return s.store.ChangeText(ctx, store.TextChange{ID: id, Version: version, Retire: true, By: by})
}

// CaseText is a text that fits a case, with the facts of the case filled in.
type CaseText struct {
	ID      string // of the template, for saying which one
	Kind    casework.TextKind
	Name    string
	Owner   string // the authority; empty for one that ships with the program
	Text    string
	Missing []string // variables that the case has nothing for
}

// shippedPrefix is before the key of a text that ships with the program.
const shippedPrefix = "shipped-"

// ShippedTextID names a text that ships with the program.
func ShippedTextID(key string) string { return shippedPrefix + key }

// ShippedText finds a text that ships with the program by its name.
func ShippedText(id string) (casework.TextTemplate, bool) {
	key, ok := strings.CutPrefix(id, shippedPrefix)
	texts, err := reference.Texts()
	if !ok || err != nil {
		return casework.TextTemplate{}, false
	}
	i := slices.IndexFunc(texts, func(t reference.Text) bool { return t.Key == key })
	if i < 0 {
		return casework.TextTemplate{}, false
	}
	return texts[i].TextTemplate, true
}

// TextsFor gives the texts that fit a case that ViewCase gave, filled in: those of
// the authority that serves it first, then those of the ones above, then those that
// ship with the program.
func (s *Service) TextsFor(ctx context.Context, view CaseView) ([]CaseText, error) {
	if len(view.Actions) == 0 {
		return nil, nil // nobody who looks at it writes anything
	}
	kept, err := s.store.TextsOf(ctx, view.Case.AuthorityChain, false)
	if err != nil {
		return nil, err
	}
	shipped, err := reference.Texts()
	if err != nil {
		return nil, err
	}
	facts := FactsFor(view)
	var texts []CaseText
	add := func(id, owner string, t casework.TextTemplate) {
		if !t.Fits(view.Case.Stage, view.Case.Aspects, view.Case.MatterCode) {
			return
		}
		text := CaseText{ID: id, Kind: t.Kind, Name: t.Name, Owner: owner}
		text.Text, text.Missing = casework.FillText(t.Body, facts)
		texts = append(texts, text)
	}
	for _, t := range kept {
		add(strconv.FormatInt(t.ID, 10), t.OrganisationName, t.TextTemplate)
	}
	for _, t := range shipped {
		add(ShippedTextID(t.Key), "", t.TextTemplate)
	}
	return texts, nil
}

// FactsFor gives what a text may say of a case: the reviewer as the page of the case
// shows them, and nothing else of them.
func FactsFor(view CaseView) casework.TextFacts {
	c := view.Case
	facts := casework.TextFacts{
		Number: c.Number, Matter: c.MatterName, Department: c.DepartmentName, Region: c.RegionName, Handler: c.HandlerName,
		Reviewer: c.ReviewerNameMasked, ReviewerMasked: true, Rating: c.Rating, RatedOn: casework.DateOf(c.RatedAt), Today: casework.DateOf(view.Now),
	}
	if view.Deadline != nil {
		facts.Deadline = view.Deadline.LastDay
	}
	return facts
}
