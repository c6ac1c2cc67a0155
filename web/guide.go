package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// Guide is what helps people to find their way: what they are told once, and the
// training of the demo.
type Guide interface {
	SeenHints(ctx context.Context, actor casework.Actor) ([]store.Hint, error)
	PutHintAway(ctx context.Context, actor casework.Actor, hint store.Hint) error
	FastForward(ctx context.Context, actor casework.Actor, number string, jump commands.Jump) error
}

// hint is what a page tells on somebody's first visit.
type hint struct {
	Name store.Hint
	Help string // where more is said
	Next string // the page itself
}

// hintOf names the hint of a page, by its route.
func hintOf(route string) (hint, bool) {
	switch route {
	case "/tasks":
		return hint{Name: store.HintInbox, Help: helpPath + "/keys"}, true
	case "/cases/:number":
		return hint{Name: store.HintCase, Help: helpPath + "/clocks"}, true
	case "/board":
		return hint{Name: store.HintBoard, Help: helpPath + "/supervisor"}, true
	case "/events":
		return hint{Name: store.HintEvents, Help: helpPath + "/auditor"}, true
	default:
		return hint{}, false
	}
}

// firstHint is the hint of this page, for who has not put it away; nil for none.
func (v *visit) firstHint() *hint {
	h, ok := hintOf(v.Path())
	if !ok || !v.known() || v.Request().Method != http.MethodGet {
		return nil
	}
	ctx := v.Request().Context()
	seen, err := v.site.Commands.SeenHints(ctx, v.user.Actor)
	if err != nil {
		// The page is good without.
		v.site.Log.WarnContext(ctx, "hints cannot be read", "error", err)
		return nil
	}
	if slices.Contains(seen, h.Name) {
		return nil
	}
	h.Next = v.here()
	return &h
}

// putHintAway answers POST /hints, and goes back to the page.
func putHintAway(v *visit) error {
	if err := v.site.Commands.PutHintAway(v.Request().Context(), v.user.Actor, store.Hint(v.form.Get("hint"))); err != nil {
		return err
	}
	return v.redirect(ownPath(v.form.Get("next")))
}

// fastForward answers POST /cases/:number/training, in training only.
func fastForward(v *visit) error {
	jump, number := commands.Jump{}, v.Param("number")
	if wanted := v.form.Get("by"); wanted != "next" {
		days, err := strconv.Atoi(wanted)
		if err != nil || days < 1 {
			return v.site.Commands.FastForward(v.Request().Context(), v.user.Actor, number, commands.Jump{Days: -1})
		}
		jump.Days = days
	}
	if err := v.site.Commands.FastForward(v.Request().Context(), v.user.Actor, number, jump); err != nil {
		return err
	}
	return v.redirect(casePath(number))
}
