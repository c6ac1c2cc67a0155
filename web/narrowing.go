package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// Views is what lists ask to be narrowed.
type Views interface {
	ListViews(ctx context.Context, actor casework.Actor) ([]commands.CountedView, error)
	SaveView(ctx context.Context, actor casework.Actor, view commands.NewView) (int64, error)
	DropView(ctx context.Context, actor casework.Actor, id int64) error
	NarrowingChoices(ctx context.Context, actor casework.Actor) (store.NarrowingChoices, error)
	NarrowedTo(ctx context.Context, n store.Narrowing) (region, department, matter string, err error)
}

// narrowedList is how a list is narrowed, and how it could be.
type narrowedList struct {
	List   store.ViewedList
	Path   string // of the list
	Search string
	// Keep is everything but the search, to be sent along with it.
	Keep  []namedValue
	Quick []quickNarrowing
	Chips []chip
	// Filter is the page on which everything can be chosen; Clear the list as it is
	// without any of it.
	Filter, Clear string
	Views         []viewTab
	// Saves is what a new view would hold; empty when nothing is chosen, or a view
	// holds the same already.
	Saves string
	// Current is the saved view that is shown; nil for none.
	Current *viewTab
}

type namedValue struct{ Name, Value string }

// chip is one thing that a list is narrowed to, with the address without it.
type chip struct {
	Label, Without string
}

// quickNarrowing is one that is always at hand.
type quickNarrowing struct {
	Label, Path string
	Count       string
	Pressed     bool
	Late        bool
}

// viewTab is a view with how many it finds.
type viewTab struct {
	Label, Path string
	Count       string
	Pressed     bool
	Shared      bool
	By          string // who shares it
	Drop        string // the path that forgets it; empty for who may not
}

// narrow describes how the list of this request is narrowed. Views of tasks come
// beside the saved ones; quick is nil for a list without.
func (v *visit) narrow(list store.ViewedList, views []viewTab, saved []commands.CountedView, quick []commands.QuickCount) (narrowedList, error) {
	query := commands.OnlyNarrowing(v.QueryParams())
	narrowing, err := commands.ParseNarrowing(v.user.Actor, query)
	if err != nil {
		return narrowedList{}, err
	}
	n := narrowedList{List: list, Path: "/" + string(list), Search: strings.Join(query["q"], " "), Views: views}
	n.Filter = "/filter?" + merged(query, "list", string(list)).Encode()
	for name, values := range sortedValues(query) {
		for _, value := range values {
			if name != "q" {
				n.Keep = append(n.Keep, namedValue{name, value})
			}
		}
	}
	if n.Chips, err = v.chips(n.Path, query, narrowing); err != nil {
		return narrowedList{}, err
	}
	n.Clear = address(n.Path, url.Values{"view": query["view"]})
	for _, q := range quick {
		n.Quick = append(n.Quick, v.quick(n.Path, query, q))
	}
	n.Saves = query.Encode()
	if len(n.Chips) == 0 {
		n.Saves = ""
	}
	for _, s := range saved {
		tab := viewTab{Label: s.Name, Path: n.Path + "?" + s.Query, Count: v.say.counted(s.Count), Shared: s.Shared, By: s.OwnerName}
		if s.MayDrop {
			tab.Drop = "/views/" + strconv.FormatInt(s.ID, 10) + "/drop"
		}
		if s.Query == query.Encode() {
			tab.Pressed, n.Current, n.Saves = true, &tab, ""
			// One tab is the one that is shown.
			for i := range n.Views {
				n.Views[i].Pressed = false
			}
		}
		n.Views = append(n.Views, tab)
	}
	return n, nil
}

// quick makes the toggle of one narrowing.
func (v *visit) quick(path string, query url.Values, q commands.QuickCount) quickNarrowing {
	pressed := query.Get(q.Name) == q.Value
	next := without(query, q.Name, "")
	if !pressed {
		next = merged(next, q.Name, q.Value)
	}
	return quickNarrowing{
		Label: v.say.T("quick." + q.Name + "." + q.Value), Path: address(path, next), Count: v.say.counted(q.Count), Pressed: pressed,
		Late: q.Value == string(store.DueOverdue) && q.Count > 0,
	}
}

// chips names everything that a list is narrowed to.
func (v *visit) chips(path string, query url.Values, n store.Narrowing) ([]chip, error) {
	region, department, matter, err := v.site.Commands.NarrowedTo(v.Request().Context(), n)
	if err != nil {
		return nil, err
	}
	var out []chip
	for _, name := range commands.NarrowingNames() {
		for _, value := range query[name] {
			label := ""
			switch name {
			case "q":
				label = v.say.T("narrowing.q.is", "Words", value)
			case "region":
				label = known(region, value)
			case "department":
				label = known(department, value)
			case "matter":
				label = known(matter, value)
			case "handler":
				label = v.say.handlerOf(value)
			case "stage", "level", "channel", "aspect":
				label = v.say.T(name + "." + value)
			case "kind":
				label = v.say.T("task." + value)
			case "due":
				label = v.say.T("due_bucket." + value)
			default:
				if value == "true" {
					label = v.say.T("narrowing." + name)
				}
			}
			if label != "" {
				out = append(out, chip{Label: label, Without: address(path, without(query, name, value))})
			}
		}
	}
	return out, nil
}

func (l localizer) handlerOf(value string) string {
	switch value {
	case "me", "none":
		return l.T("narrowing.handler." + value)
	default:
		return l.T("narrowing.handler.is", "ID", value)
	}
}

// known is a name, or the bare value where nothing has it.
func known(name, value string) string {
	if name == "" {
		return value
	}
	return name
}

// counted is a count as lists show it: beyond store.MostCounted only that it is
// more, and dots for one that could not be had.
func (l localizer) counted(n int) string {
	if n == store.Uncounted {
		return "…"
	}
	if n > store.MostCounted {
		return l.T("count.more", "Most", l.number(store.MostCounted))
	}
	return l.number(n)
}

// sortedValues goes through a query in the order of its names.
func sortedValues(query url.Values) func(func(string, []string) bool) {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	return func(yield func(string, []string) bool) {
		for _, name := range names {
			if !yield(name, query[name]) {
				return
			}
		}
	}
}

// merged is a query with one more value.
func merged(query url.Values, name, value string) url.Values {
	out := without(query, "", "")
	out.Add(name, value)
	return out
}

// without is a query without one value of a name, or without the name when the
// value is empty.
func without(query url.Values, name, value string) url.Values {
	out := url.Values{}
	for n, values := range query {
		for _, w := range values {
			if n != name || value != "" && w != value {
				out.Add(n, w)
			}
		}
	}
	return out
}

func address(path string, query url.Values) string {
	if encoded := query.Encode(); encoded != "" {
		return path + "?" + encoded
	}
	return path
}

type filterPage struct {
	frame

	List    store.ViewedList
	Path    string
	View    string
	Search  string
	Selects []filterSelect
	Groups  []filterGroup
	Ticks   []filterTick
	Back    string
}

type filterSelect struct {
	Name, Label, None string
	Choices           []choice
}

// filterGroup is a set of values of which any number can be ticked.
type filterGroup struct {
	Name, Label string
	Choices     []choice
}

type filterTick struct {
	Name, Label string
	Checked     bool
}

// showFilter answers GET /filter?list=tasks|cases&…: everything that the list can
// be narrowed by, chosen as the address says.
func showFilter(v *visit) error {
	choices, err := v.site.Commands.NarrowingChoices(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	list := store.ViewedList(v.QueryParam("list"))
	if list != store.ViewedTasks && list != store.ViewedCases {
		return casework.Invalid("list", "unknown_value", "tasks or cases")
	}
	query := commands.OnlyNarrowing(v.QueryParams())
	if _, err := commands.ParseNarrowing(v.user.Actor, query); err != nil {
		return err
	}
	place := "/" + string(list)
	p := filterPage{
		frame: v.frame(v.say.T("filter.title"), place), List: list, Path: place, View: query.Get("view"),
		Search: strings.Join(query["q"], " "), Back: address(place, query),
	}
	v.filterFields(&p, query, choices)
	return v.render(http.StatusOK, "filter", p)
}

func (v *visit) filterFields(p *filterPage, query url.Values, choices store.NarrowingChoices) {
	add := func(name string, options []choice) {
		if len(options) == 0 {
			return
		}
		for i := range options {
			options[i].Chosen = slices.Contains(query[name], options[i].Value)
		}
		p.Selects = append(p.Selects, filterSelect{Name: name, Label: v.say.T("narrowing." + name), None: v.say.T("filter.any"), Choices: options})
	}
	group := func(name string, options []choice) {
		for i := range options {
			options[i].Chosen = slices.Contains(query[name], options[i].Value)
		}
		p.Groups = append(p.Groups, filterGroup{Name: name, Label: v.say.T("narrowing." + name), Choices: options})
	}
	add("due", worded(v.say, "due_bucket.", store.DueBuckets()))
	add("matter", named(choices.Matters))
	add("department", named(choices.Departments))
	add("region", named(choices.Regions))
	handlers := []choice{{Value: "me", Label: v.say.T("narrowing.handler.me")}, {Value: "none", Label: v.say.T("narrowing.handler.none")}}
	for _, u := range choices.Handlers {
		if u.ID != v.user.ID {
			handlers = append(handlers, choice{Value: strconv.FormatInt(u.ID, 10), Label: u.DisplayName})
		}
	}
	add("handler", handlers)
	group("kind", worded(v.say, "task.", casework.TaskKinds()))
	group("stage", worded(v.say, "stage.", casework.Stages()))
	group("level", worded(v.say, "level.", casework.AdminLevels()))
	group("channel", worded(v.say, "channel.", casework.Channels()))
	group("aspect", worded(v.say, "aspect.", casework.Aspects()))
	for _, name := range []string{"open", "overdue", "escalated", "reopened"} {
		p.Ticks = append(p.Ticks, filterTick{Name: name, Label: v.say.T("narrowing." + name), Checked: query.Get(name) == "true"})
	}
}

func worded[T ~string](say localizer, family string, values []T) []choice {
	out := make([]choice, 0, len(values))
	for _, value := range values {
		out = append(out, choice{Value: string(value), Label: say.T(family + string(value))})
	}
	return out
}

func named(values []store.Named) []choice {
	out := make([]choice, 0, len(values))
	for _, value := range values {
		out = append(out, choice{Value: value.Value, Label: value.Name})
	}
	return out
}

// saveView answers POST /views: keeps how a list is narrowed, and shows it.
func saveView(v *visit) error {
	query, err := url.ParseQuery(v.form.Get("query"))
	if err != nil {
		return casework.Invalid("query", "malformed_form", "the form could not be read")
	}
	list := store.ViewedList(v.form.Get("list"))
	_, err = v.site.Commands.SaveView(v.Request().Context(), v.user.Actor, commands.NewView{
		List: list, Name: v.form.Get("name"), Query: query, Shared: v.form.Get("shared") == "true",
	})
	if err != nil {
		return err
	}
	return v.redirect(address("/"+string(list), commands.OnlyNarrowing(query)))
}

// dropView answers POST /views/:id/drop: forgets a view.
func dropView(v *visit) error {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil {
		return &casework.Error{Code: casework.CodeNotFound, Reason: "view_not_found", Detail: "there is no such view"}
	}
	if err := v.site.Commands.DropView(v.Request().Context(), v.user.Actor, id); err != nil {
		return err
	}
	return v.redirect(ownPath(v.form.Get("next")))
}
