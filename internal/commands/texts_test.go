package commands_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

func refusedAs(t *testing.T, err error) casework.Code {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	return domain.Code
}

// TestTextsOfAnAuthority: an authority writes its own, sees those of the ones above
// and not of those below or beside; who is none, or only looks, writes nothing.
func TestTextsOfAnAuthority(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	county, city := d.person(t, "zhanhe.jiandu.lin"), d.person(t, "pingdingshan.jiandu.ye")
	text := casework.TextTemplate{Kind: casework.TextFindings, Name: "核实", Body: "关于【事项】，【评价人】，【截止日期】。"}
	ofCounty, err := d.service.CreateText(ctx, county, text)
	require.NoError(t, err)
	ofCity, err := d.service.CreateText(ctx, city, text)
	require.NoError(t, err)

	page, err := d.service.ListTexts(ctx, county)
	require.NoError(t, err)
	require.Equal(t, []int64{ofCounty}, idsOf(page.Own))
	require.Equal(t, []int64{ofCity}, idsOf(page.Above))
	require.NotEmpty(t, page.Shipped)
	page, err = d.service.ListTexts(ctx, city)
	require.NoError(t, err)
	require.Equal(t, []int64{ofCity}, idsOf(page.Own))
	require.Empty(t, page.Above)

	view, err := d.service.ViewText(ctx, county, ofCity)
	require.NoError(t, err)
	require.False(t, view.Own)
	require.Empty(t, view.Events, "its history is for its own authority")
	_, err = d.service.ViewText(ctx, city, ofCounty)
	require.Equal(t, casework.CodeNotFound, refusedAs(t, err))
	require.Equal(t, casework.CodeNotFound, refusedAs(t, d.service.ChangeText(ctx, county, ofCity, 1, text)))
	require.Equal(t, casework.CodeNotFound, refusedAs(t, d.service.RetireText(ctx, county, ofCity, 1)))
	text.Body = "【姓名】"
	require.Equal(t, casework.CodeInvalid, refusedAs(t, d.service.ChangeText(ctx, county, ofCounty, 1, text)))

	for _, u := range d.users {
		if u.Actor.Has(casework.RoleSupervisor) {
			continue
		}
		_, err := d.service.ListTexts(ctx, u.Actor)
		require.Equal(t, casework.CodeForbidden, refusedAs(t, err), u.Username)
		_, err = d.service.CreateText(ctx, u.Actor, text)
		require.Equal(t, casework.CodeForbidden, refusedAs(t, err), u.Username)
	}
}

func idsOf(texts []store.Text) []int64 {
	ids := make([]int64, 0, len(texts))
	for _, text := range texts {
		ids = append(ids, text.ID)
	}
	return ids
}

// TestTextsFitTheCase: who handles a case is offered the texts of the authority that
// serves it, then those above, then those that ship, narrowed and filled in.
func TestTextsFitTheCase(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	handler, county, city := d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.jiandu.lin"), d.person(t, "pingdingshan.jiandu.ye")
	write := func(by casework.Actor, name string, change func(*casework.TextTemplate)) {
		t.Helper()
		text := casework.TextTemplate{Kind: casework.TextFindings, Name: name, Body: "【案件编号】【事项】【评价人】【承办人】"}
		if change != nil {
			change(&text)
		}
		_, err := d.service.CreateText(ctx, by, text)
		require.NoError(t, err)
	}
	c := d.later
	write(city, "市", nil)
	write(county, "区", nil)
	write(county, "另一阶段", func(x *casework.TextTemplate) { x.Stage = casework.StageSpotCheck })
	write(county, "本事项", func(x *casework.TextTemplate) { x.MatterCode = c.MatterCode })
	view, err := d.service.ViewCase(ctx, handler, c.Number)
	require.NoError(t, err)
	texts, err := d.service.TextsFor(ctx, view)
	require.NoError(t, err)
	var names []string
	for _, text := range texts {
		if text.Kind == casework.TextFindings {
			names = append(names, text.Name)
		}
	}
	require.Equal(t, []string{"区", "本事项", "市"}, names[:3])
	require.Contains(t, names, "核实属实", "one that ships")
	first := texts[slices.IndexFunc(texts, func(x commands.CaseText) bool { return x.Name == "区" })]
	require.Contains(t, first.Text, c.Number+c.MatterName)
	require.Equal(t, []string{"【承办人】"}, withoutReviewer(first.Missing), "nobody has it yet")
	_, err = strconv.ParseInt(first.ID, 10, 64)
	require.NoError(t, err)
	for _, text := range texts {
		shown, ok := commands.ShippedText(text.ID)
		require.Equal(t, text.Owner == "", ok)
		require.Equal(t, ok, shown.Body != "")
	}

	auditor, err := d.service.ViewCase(ctx, d.person(t, "zhanhe.shenji.gu"), c.Number)
	require.NoError(t, err)
	none, err := d.service.TextsFor(ctx, auditor)
	require.NoError(t, err)
	require.Empty(t, none, "who only looks is offered nothing")
}

func withoutReviewer(missing []string) []string {
	return slices.DeleteFunc(missing, func(v string) bool { return v == "【评价人】" })
}

func TestDraftsOfACase(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	handler := d.person(t, "zhanhe.zhujian.fu")
	draft := draftOn(d.later.Number)
	draft.Fields["action"], draft.Fields["evidence"] = "no field", "  "
	at, err := d.service.KeepDraft(ctx, handler, draft)
	require.NoError(t, err)
	require.Equal(t, viewedAt, at)
	kept, err := d.service.DraftsFor(ctx, handler, d.later.Number)
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.Equal(t, map[string]string{"findings": "属实"}, kept[0].Fields, "only fields of the action, and only what was typed")
	others, err := d.service.DraftsFor(ctx, d.person(t, "zhanhe.jiandu.lin"), d.later.Number)
	require.NoError(t, err)
	require.Empty(t, others)

	for name, change := range map[string]func(*store.Draft){
		"no key":         func(x *store.Draft) { x.FormKey = "" },
		"no text":        func(x *store.Draft) { x.Fields = map[string]string{"findings": "\xff"} },
		"before a begin": func(x *store.Draft) { x.Version = -1 },
	} {
		wrong := draftOn(d.later.Number)
		change(&wrong)
		_, err := d.service.KeepDraft(ctx, handler, wrong)
		require.Equal(t, casework.CodeInvalid, refusedAs(t, err), name)
	}
	// An action that is not theirs, and none at all.
	for _, action := range []casework.Action{casework.ActionEscalate, "nothing"} {
		wrong := draftOn(d.later.Number)
		wrong.Action = action
		_, err := d.service.KeepDraft(ctx, handler, wrong)
		require.Equal(t, casework.CodeForbidden, refusedAs(t, err), action)
	}

	// Nothing left in the form; then thrown away.
	empty := draftOn(d.later.Number)
	empty.Fields = nil
	at, err = d.service.KeepDraft(ctx, handler, empty)
	require.NoError(t, err)
	require.True(t, at.IsZero())
	at, err = d.service.KeepDraft(ctx, handler, draftOn(d.later.Number))
	require.NoError(t, err)
	require.False(t, at.IsZero())
	require.NoError(t, d.service.EndDraft(ctx, handler, draftOn(d.later.Number)))
	at, err = d.service.KeepDraft(ctx, handler, draftOn(d.later.Number))
	require.NoError(t, err)
	require.True(t, at.IsZero(), "a form that was thrown away is not kept again")

	// What was set aside comes back to who may act on the case, and to nobody else.
	sealed, err := d.service.SetAside(store.Draft{Number: d.later.Number, Action: casework.ActionVerify, FormKey: "z", Fields: map[string]string{"findings": "还在"}})
	require.NoError(t, err)
	_, err = d.service.TakeUp(ctx, d.person(t, "zhanhe.shenji.gu"), sealed)
	require.Equal(t, casework.CodeForbidden, refusedAs(t, err))
	number, err := d.service.TakeUp(ctx, handler, sealed)
	require.NoError(t, err)
	require.Equal(t, d.later.Number, number)
	kept, err = d.service.DraftsFor(ctx, handler, number)
	require.NoError(t, err)
	require.Equal(t, "还在", kept[0].Fields["findings"])
}
