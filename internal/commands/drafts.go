package commands

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// maxDraftKey bounds the key of a form, in characters.
const maxDraftKey = 64

// KeepDraft keeps what the actor has typed into the form of an action and not sent.
// Only fields of the action are kept; nothing typed at all ends the draft. Whoever
// may not act so on the case gets the error that acting would give. It says when the
// draft was kept: zero when nothing is, for nothing was typed, or the form was sent or
// thrown away before.
func (s *Service) KeepDraft(ctx context.Context, actor casework.Actor, d store.Draft) (at time.Time, err error) {
	c, err := s.load(ctx, actor, d.Number)
	if err != nil {
		return time.Time{}, err
	}
	if _, err := s.authorize(ctx, actor, d.Action, c.object); err != nil {
		return time.Time{}, err
	}
	if d, err = checkDraft(d); err != nil {
		return time.Time{}, err
	}
	d.UserID, d.At = actor.UserID, s.now()
	if len(d.Fields) == 0 {
		return time.Time{}, s.store.ForgetDraft(ctx, d)
	}
	kept, err := s.store.KeepDraft(ctx, d)
	if err != nil || !kept {
		return time.Time{}, err
	}
	return d.At, nil
}

func checkDraft(d store.Draft) (store.Draft, error) {
	if d.FormKey == "" || utf8.RuneCountInString(d.FormKey) > maxDraftKey || !utf8.ValidString(d.FormKey) || strings.ContainsRune(d.FormKey, 0) || d.Version < 0 || d.Version > math.MaxInt32 {
		return d, casework.Invalid("", "malformed_form", "the form has no version or no key")
	}
	fields := map[string]string{}
	for _, f := range casework.CommandFields(d.Action) {
		value := d.Fields[f.Name]
		switch {
		case !utf8.ValidString(value):
			return d, casework.Invalid(f.Name, "invalid_text", "the text is not valid UTF-8")
		case strings.TrimSpace(value) != "":
			fields[f.Name] = value
		}
	}
	d.Fields = fields
	return d, nil
}

// EndDraft throws away what the actor had typed.
func (s *Service) EndDraft(ctx context.Context, actor casework.Actor, d store.Draft) error {
	if _, err := s.load(ctx, actor, d.Number); err != nil {
		return err
	}
	if !slices.Contains(casework.Actions(), d.Action) {
		return casework.Invalid("action", "unknown_value", "there is no such action")
	}
	d, err := checkDraft(d)
	if err != nil {
		return err
	}
	d.UserID, d.At = actor.UserID, s.now()
	return s.store.EndDraft(ctx, d)
}

// DraftsFor lists what the actor has begun to write about a case and not sent, the
// latest first. A case that they may not see is CodeNotFound.
func (s *Service) DraftsFor(ctx context.Context, actor casework.Actor, number string) ([]store.Draft, error) {
	if _, err := s.load(ctx, actor, number); err != nil {
		return nil, err
	}
	return s.store.DraftsOf(ctx, actor.UserID, number, s.now())
}

// SetAside seals what somebody sent who is not signed in any more, to be carried
// through the sign-in and taken up there. Nothing is kept here.
func (s *Service) SetAside(d store.Draft) ([]byte, error) { return s.store.SealAside(d) }

// TakeUp keeps what was set aside as a draft of the actor, and says of which case.
func (s *Service) TakeUp(ctx context.Context, actor casework.Actor, sealed []byte) (number string, err error) {
	d, err := s.store.UnsealAside(sealed)
	if err != nil {
		return "", err
	}
	if _, err := s.KeepDraft(ctx, actor, d); err != nil {
		return "", err
	}
	return d.Number, nil
}

// draftSent ends the draft of a form that has been carried out. That it could not
// be is no reason to refuse what was done.
func (s *Service) draftSent(ctx context.Context, actor casework.Actor, request Request) {
	key := request.Key
	if key == "" || utf8.RuneCountInString(key) > maxDraftKey {
		key = "sent"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	err := s.store.EndDraft(ctx, store.Draft{
		UserID: actor.UserID, Number: request.Number, Action: request.Command.Action(), FormKey: key, Version: max(request.Version, 0), At: s.now(),
	})
	if err != nil {
		s.log.WarnContext(ctx, "draft not ended", "case", request.Number, "error", err)
	}
}
