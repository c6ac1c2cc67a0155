package commands

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// The names by which lists are narrowed, in addresses, in saved views and in the
// API.
const (
	narrowStage      = "stage"
	narrowKind       = "kind" // of a task
	narrowDue        = "due"
	narrowLevel      = "level"
	narrowRegion     = "region"
	narrowDepartment = "department"
	narrowMatter     = "matter"
	narrowChannel    = "channel"
	narrowAspect     = "aspect"
	narrowHandler    = "handler" // me, none, or a user's id
	narrowOpen       = "open"
	narrowOverdue    = "overdue"
	narrowEscalated  = "escalated"
	narrowReopened   = "reopened"
	narrowWords      = "q"
	narrowView       = "view" // of tasks: mine, unclaimed or all
)

// NarrowingNames lists the names, in the order in which they are shown.
func NarrowingNames() []string {
	return []string{
		narrowWords, narrowStage, narrowKind, narrowDue, narrowLevel, narrowRegion, narrowDepartment, narrowMatter, narrowChannel,
		narrowAspect, narrowHandler, narrowOpen, narrowOverdue, narrowEscalated, narrowReopened,
	}
}

// maxNarrowingValues is how often one name may come.
const maxNarrowingValues = 20

// ParseNarrowing reads how a list is narrowed. Names that mean nothing here are
// left to others; a value that means nothing is CodeInvalid with its name.
func ParseNarrowing(actor casework.Actor, query url.Values) (store.Narrowing, error) {
	p := narrowingParser{query: query}
	n := store.Narrowing{
		Stages:       parseEach(&p, narrowStage, casework.Stages()),
		Kinds:        parseEach(&p, narrowKind, casework.TaskKinds()),
		Due:          parseOne(&p, narrowDue, store.DueBuckets()),
		Levels:       parseEach(&p, narrowLevel, casework.AdminLevels()),
		RegionCode:   p.text(narrowRegion),
		DepartmentID: p.id(narrowDepartment),
		MatterCode:   p.text(narrowMatter),
		Channels:     parseEach(&p, narrowChannel, casework.Channels()),
		Aspects:      parseEach(&p, narrowAspect, casework.Aspects()),
		Open:         p.flag(narrowOpen),
		Overdue:      p.flag(narrowOverdue),
		Escalated:    p.flag(narrowEscalated),
		Reopened:     p.flag(narrowReopened),
		Words:        store.SearchWords(p.search()),
	}
	switch query.Get(narrowHandler) {
	case "me":
		n.HandlerID = actor.UserID
	case "none":
		n.Unclaimed = true
	default:
		n.HandlerID = p.id(narrowHandler)
	}
	return n, p.err
}

// OnlyNarrowing keeps of an address what narrows a list, in a fixed order, so that
// the same view has the same words.
func OnlyNarrowing(query url.Values) url.Values {
	kept := url.Values{}
	for _, name := range append(NarrowingNames(), narrowView) {
		for _, value := range query[name] {
			if value = strings.TrimSpace(value); value != "" && !slices.Contains(kept[name], value) {
				kept.Add(name, value)
			}
		}
	}
	return kept
}

// narrowingParser remembers the first thing that is wrong.
type narrowingParser struct {
	query url.Values
	err   error
}

func (p *narrowingParser) wrong(name, detail string) {
	if p.err == nil {
		p.err = casework.Invalid(name, "unknown_value", detail)
	}
}

func parseEach[T ~string](p *narrowingParser, name string, known []T) []T {
	var out []T
	for _, value := range p.query[name] {
		switch {
		case value == "":
		case !slices.Contains(known, T(value)), len(out) == maxNarrowingValues:
			p.wrong(name, "there is no such "+name)
		case !slices.Contains(out, T(value)):
			out = append(out, T(value))
		}
	}
	return out
}

func parseOne[T ~string](p *narrowingParser, name string, known []T) T {
	value := T(p.query.Get(name))
	if value != "" && !slices.Contains(known, value) {
		p.wrong(name, "there is no such "+name)
		return ""
	}
	return value
}

// text reads a code. What no code can be finds nothing, and is said.
func (p *narrowingParser) text(name string) string {
	value := strings.TrimSpace(p.query.Get(name))
	if len(value) > 64 || strings.ContainsRune(value, 0) || strings.ToValidUTF8(value, "") != value {
		p.wrong(name, "no code looks like that")
		return ""
	}
	return value
}

// search reads what is searched for. A phone or an identity number is refused: no
// text that is searched holds one in clear, and addresses end up in histories,
// bookmarks and the logs of proxies.
func (p *narrowingParser) search() string {
	typed := strings.Join(p.query[narrowWords], " ")
	if casework.MaskText(typed) != typed && p.err == nil {
		p.err = casework.Invalid(narrowWords, "search_for_person", "no phone and no identity number can be searched for")
	}
	return typed
}

func (p *narrowingParser) id(name string) int64 {
	value := p.query.Get(name)
	if value == "" {
		return 0
	}
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil || id < 1 {
		p.wrong(name, "not a number of anything")
		return 0
	}
	return id
}

func (p *narrowingParser) flag(name string) bool {
	switch p.query.Get(name) {
	case "", "false":
		return false
	case "true":
		return true
	}
	p.wrong(name, "true or false")
	return false
}
