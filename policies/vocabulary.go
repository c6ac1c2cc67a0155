package policies

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"guiling/internal/casework"
)

// The words that stand for several values in a rule.
const (
	wordAny    = "any"    // every role, or every level
	wordAll    = "all"    // every action
	wordActing = "acting" // every action that changes a case, or opens one

	wordCaseContent   = "case-content"  // every action on a case, and all that shows some of one
	wordAdministering = "administering" // every action that changes something in administration
)

// caseContentActions lists what touches a case or shows some of it.
func caseContentActions() []casework.Action {
	return slices.Concat(casework.Actions(), casework.LookingActions())
}

// groups are the words that stand for several actions.
func groups() map[string][]casework.Action {
	return map[string][]casework.Action{
		wordActing: actingActions(), wordCaseContent: caseContentActions(), wordAdministering: casework.AdministeringActions(),
	}
}

// actingActions lists what changes something: every action on a case, an import,
// which opens cases, and the texts that are used in them.
func actingActions() []casework.Action {
	return append(casework.Actions(), casework.ActionImport, casework.ActionManageTexts)
}

// words is a column of a rule after reading: a set over a fixed list of values,
// as bits. Any is true when the rule said so in one word; then a value outside
// the list, such as the level of an object that is no case, belongs too.
type words struct {
	any  bool
	bits uint64
}

func (w words) hasIndex(i int) bool { return i >= 0 && w.bits&(1<<i) != 0 }

func (w words) count() int { return bits.OnesCount64(w.bits) }

// pick lists the values of the set, in the order of the list.
func pick[T any](w words, all []T) []T {
	list := make([]T, 0, w.count())
	for i, v := range all {
		if w.hasIndex(i) {
			list = append(list, v)
		}
	}
	return list
}

// terms translates the text of columns into sets. It knows exactly the texts
// that stand in the loaded policy, so that a decision parses nothing. Never
// changed after loading.
type terms struct {
	roles, actions, levels map[string]words
	roleIndex              map[casework.Role]int
	actionIndex            map[casework.Action]int
	levelIndex             map[casework.AdminLevel]int
}

func newTerms() *terms {
	return &terms{
		roles: map[string]words{}, actions: map[string]words{}, levels: map[string]words{},
		roleIndex:   index(casework.Roles()),
		actionIndex: index(casework.AllActions()),
		levelIndex:  index(casework.AdminLevels()),
	}
}

func index[T comparable](list []T) map[T]int {
	m := make(map[T]int, len(list))
	for i, v := range list {
		m[v] = i
	}
	return m
}

// readRoles reads the role column: any, or roles joined by a bar.
func (t *terms) readRoles(text string) (words, error) {
	return readColumn(t.roles, text, "role", wordAny, t.roleIndex, nil)
}

// readLevels reads a level column: any, or levels joined by a bar.
func (t *terms) readLevels(text string) (words, error) {
	return readColumn(t.levels, text, "level", wordAny, t.levelIndex, nil)
}

// readActions reads the action column: all, or actions and words for groups of
// them, joined by a bar.
func (t *terms) readActions(text string) (words, error) {
	sets := map[string]words{}
	for word, actions := range groups() {
		var set words
		for _, a := range actions {
			set.bits |= 1 << t.actionIndex[a]
		}
		sets[word] = set
	}
	return readColumn(t.actions, text, "action", wordAll, t.actionIndex, sets)
}

// readColumn reads the word for everything, or values and groups joined by a
// bar, and keeps what it read. A value that is unknown, or named twice, is an
// error.
func readColumn[T ~string](
	read map[string]words, text, what, everything string, index map[T]int, groups map[string]words,
) (words, error) {
	if set, ok := read[text]; ok {
		return set, nil
	}
	if text == everything {
		read[text] = words{any: true, bits: 1<<len(index) - 1}
		return read[text], nil
	}
	var set words
	for part := range strings.SplitSeq(text, "|") {
		part = strings.TrimSpace(part)
		more, ok := groups[part]
		if !ok {
			i, found := index[T(part)]
			if !found {
				return words{}, fmt.Errorf("unknown %s %q", what, part)
			}
			more.bits = 1 << i
		}
		if set.bits&more.bits != 0 {
			return words{}, fmt.Errorf("%s %q is named twice", what, part)
		}
		set.bits |= more.bits
	}
	read[text] = set
	return set, nil
}

// held reports whether the actor holds one of the roles. Rules for any role
// apply to an actor without roles as well.
func (t *terms) held(w words, actor *casework.Actor) bool {
	if w.any {
		return true
	}
	for _, r := range actor.Roles {
		if i, ok := t.roleIndex[r]; ok && w.hasIndex(i) {
			return true
		}
	}
	return false
}

func (t *terms) at(w words, level casework.AdminLevel) bool {
	if w.any {
		return true
	}
	i, ok := t.levelIndex[level]
	return ok && w.hasIndex(i)
}

func (t *terms) concern(w words, action casework.Action) bool {
	i, ok := t.actionIndex[action]
	return ok && w.hasIndex(i)
}
