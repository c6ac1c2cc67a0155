package policies_test

import (
	"bytes"
	_ "embed"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/policies"
)

//go:embed testdata/matrix.yaml
var matrixText []byte

// The people of every cell: the one who asks, and somebody else.
const (
	me       = 7
	somebody = 8
)

// oneOrMany reads a YAML value that is a word or a list of words.
type oneOrMany []string

func (o *oneOrMany) UnmarshalYAML(text []byte) error {
	var one string
	if err := yaml.Unmarshal(text, &one); err == nil {
		*o = oneOrMany{one}
		return nil
	}
	return yaml.Unmarshal(text, (*[]string)(o))
}

// has reports whether the word is meant: by name, by any, or by saying nothing.
func (o oneOrMany) has(word string) bool {
	return o == nil || slices.Contains(o, word) || slices.Contains(o, "any")
}

type matrix struct {
	World []*region `yaml:"world"`

	Sets         map[string][]string `yaml:"sets"`
	Combinations [][]casework.Role   `yaml:"combinations"`
	Expected     []*block            `yaml:"expected"`
}

// region is a place of the world, with an authority or not. Each has two
// departments; the first is the rated one.
type region struct {
	Code      string              `yaml:"code"`
	Name      string              `yaml:"name"`
	Level     casework.AdminLevel `yaml:"level"`
	Parent    string              `yaml:"parent"`
	Authority bool                `yaml:"authority"`

	up    *region
	index int64
}

type block struct {
	Role          oneOrMany `yaml:"role"`
	Position      oneOrMany `yaml:"position"`
	Level         oneOrMany `yaml:"level"`
	Case          oneOrMany `yaml:"case"`
	Circumstances oneOrMany `yaml:"circumstances"`
	Allowed       []string  `yaml:"allowed"`
	SameAs        string    `yaml:"sameAs"`

	actions map[casework.Action]bool
	used    bool
}

func readMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{}
	require.NoError(t, yaml.NewDecoder(bytes.NewReader(matrixText), yaml.Strict()).Decode(m))
	byCode := map[string]*region{}
	for i, r := range m.World {
		require.True(t, r.Level.Valid(), "level of %s", r.Name)
		require.NotContains(t, byCode, r.Code)
		r.index = int64(i + 1)
		byCode[r.Code] = r
	}
	for _, r := range m.World {
		if r.Parent != "" {
			require.Contains(t, byCode, r.Parent, "parent of %s", r.Name)
			r.up = byCode[r.Parent]
		}
	}
	for _, b := range m.Expected {
		b.actions = m.spell(t, b.Allowed)
	}
	return m
}

// spell turns names of sets and actions, and -action for one that is taken
// out again, into actions.
func (m *matrix) spell(t *testing.T, list []string) map[casework.Action]bool {
	t.Helper()
	known := casework.AllActions()
	actions := map[casework.Action]bool{}
	for _, word := range list {
		name, minus := strings.CutPrefix(word, "-")
		names, isSet := m.Sets[name]
		if !isSet {
			names = []string{name}
		}
		for _, n := range names {
			a := casework.Action(n)
			require.Contains(t, known, a, "%q is neither a set nor an action", n)
			require.Equal(t, minus, actions[a], "%s is put in twice, or taken out without being in", n)
			actions[a] = !minus
		}
	}
	maps.DeleteFunc(actions, func(_ casework.Action, in bool) bool { return !in })
	return actions
}

// organisation is an authority or a department of the world.
type organisation struct {
	id     int64
	kind   casework.OrganisationKind
	region *region
}

func (r *region) authority() organisation {
	return organisation{id: 100 + r.index, kind: casework.KindAuthority, region: r}
}

func (r *region) department(n int64) organisation {
	return organisation{id: 100 + 100*n + r.index, kind: casework.KindDepartment, region: r}
}

func (m *matrix) organisations() []organisation {
	var list []organisation
	for _, r := range m.World {
		if r.Authority {
			list = append(list, r.authority())
		}
		list = append(list, r.department(1), r.department(2))
	}
	return list
}

// authorities lists those that serve the region, the nearest first.
func (r *region) authorities() []organisation {
	var list []organisation
	for ; r != nil; r = r.up {
		if r.Authority {
			list = append(list, r.authority())
		}
	}
	return list
}

func (r *region) path() []string {
	if r == nil {
		return nil
	}
	return append(r.up.path(), r.Code)
}

// over reports whether r is the other region or lies above it.
func (r *region) over(other *region) bool {
	for ; other != nil; other = other.up {
		if other == r {
			return true
		}
	}
	return false
}

// position names how the organisation stands to a case of the region.
func position(o organisation, of *region) string {
	switch {
	case o.region != of && of.over(o.region):
		return "below"
	case !o.region.over(of) && o.region.up == of.up && of.up != nil:
		return "sibling"
	case !o.region.over(of):
		return "elsewhere"
	case o == of.department(1):
		return "own-department"
	case o.kind == casework.KindDepartment && o.region == of:
		return "department-beside"
	case o.kind == casework.KindDepartment:
		return "department-above"
	}
	chain := of.authorities()
	switch i := slices.Index(chain, o); {
	case i == 0 && len(chain) == 1:
		return "top-authority"
	case i == 0:
		return "own-authority"
	case i == 1:
		return "parent-authority"
	default:
		return "higher-authority"
	}
}

func circumstances() []string {
	return []string{
		"first", "second", "second-by-actor", "none", "rated", "proposed", "proposed-by-rated", "acted", "escalated", "taken-over", "ended", "self", "of-administrator",
		"came-from-rated", "came-as-rated", "left-before", "had-it-before",
	}
}

// situation is one person before one case: the facts, as the tests keep them.
type situation struct {
	roles []casework.Role
	org   organisation
	place *region // of the case

	extension        int   // which one waits
	steps            int   // of the answer that waits
	decidedBefore    int64 // who took the decision before
	proposer         int64
	proposedForRated bool
	ownRating        bool // the rated department is the person's own organisation, whatever it is
	rated            bool // the person works under the rated label
	acted            bool
	escalated        bool
	takenOver        bool // by the person's own organisation, whatever it is
	ended            bool
	cameFrom         bool // the person belonged to the rated department when the service was given
	cameAs           bool // under the rated label
	leftBefore       bool // and had left it, with that label, before the service
	hadBefore        bool // the person's own organisation had the case before a transfer
	oneself          bool // administration is done to the person who asks
	ofAdministrator  bool // to somebody who is one of the three administrators
}

// in makes the situation of a cell.
func in(circumstance string, roles []casework.Role, org organisation, place *region) situation {
	s := situation{roles: roles, org: org, place: place, extension: 1, proposer: somebody}
	switch circumstance {
	case "first":
	case "second":
		s.extension, s.steps, s.decidedBefore = 2, 1, somebody
	case "second-by-actor":
		s.extension, s.steps, s.decidedBefore = 2, 1, me
	case "none":
		s.extension = 0
	case "rated":
		s.rated = true
	case "proposed":
		s.proposer = me
	case "proposed-by-rated":
		s.proposedForRated = true
	case "acted":
		s.acted = true
	case "escalated":
		s.escalated = true
	case "taken-over":
		s.takenOver = true
	case "ended":
		s.ended = true
	case "came-from-rated":
		s.cameFrom = true
	case "came-as-rated":
		s.cameAs = true
	case "left-before":
		s.leftBefore = true
	case "had-it-before":
		s.hadBefore = true
	case "self":
		s.oneself = true
	case "of-administrator":
		s.ofAdministrator = true
	default:
		panic(circumstance)
	}
	return s
}

// served is when the service of every case here began.
var served = time.Date(2026, 11, 1, 9, 0, 0, 0, casework.China())

// ratedLabel is the one that was rated: the actor's own of today, or another.
func (s situation) ratedLabel() string {
	if s.rated {
		return "3号窗口"
	}
	return "5号窗口"
}

func (s situation) actor() casework.Actor {
	var past []casework.Membership
	left := func(label string, until time.Time) {
		past = append(past, casework.Membership{OrganisationID: s.place.department(1).id, StaffLabel: label, Until: until})
	}
	if s.cameFrom {
		left("9号窗口", served.AddDate(0, 0, 3))
	}
	if s.cameAs {
		left(s.ratedLabel(), served)
	}
	if s.leftBefore {
		left(s.ratedLabel(), served.Add(-time.Second))
	}
	return casework.Actor{
		Past: past, UserID: me, Roles: s.roles, OrganisationID: s.org.id, OrganisationKind: s.org.kind,
		RegionCode: s.org.region.Code, RegionPath: s.org.region.path(), Level: s.org.region.Level, StaffLabel: "3号窗口",
	}
}

// object gives the facts to the policy: all of a case, or only the region.
func (s situation) object(action casework.Action) policies.Object {
	if slices.Contains([]casework.Action{
		casework.ActionListOverdue, casework.ActionListEvents, casework.ActionImport, casework.ActionSimulate,
		casework.ActionListReveals, casework.ActionDecode, casework.ActionManageTexts,
	}, action) || slices.Contains(casework.AdministrativeActions(), action) {
		o := policies.Object{RegionPath: s.place.path(), SubjectUserID: somebody, SubjectRoles: []casework.Role{casework.RoleHandler}}
		if s.oneself {
			o.SubjectUserID = me
		}
		if s.ofAdministrator {
			o.SubjectRoles = append(o.SubjectRoles, casework.RoleSecadmin)
		}
		return o
	}
	o := policies.Object{
		Level: s.place.Level, RegionPath: s.place.path(), DepartmentID: s.place.department(1).id,
		ServedAt: served, Stage: casework.StageRectification, RatedStaffLabel: s.ratedLabel(), ActedUserIDs: []int64{somebody},
		InvalidProposedBy: s.proposer, InvalidProposerOrg: 999,
		ExtensionOrdinal: s.extension, ReopeningDecidedBySteps: s.steps,
	}
	if s.ownRating {
		// The department of the place had it before, or the circumstances of who came
		// from there would speak of nobody.
		o.DepartmentID, o.RatedDepartmentIDs = s.org.id, []int64{s.place.department(1).id}
	}
	if s.hadBefore {
		o.RatedDepartmentIDs = append(o.RatedDepartmentIDs, s.org.id)
	}
	for i, a := range s.place.authorities() {
		o.AuthorityChain = append(o.AuthorityChain, a.id)
		switch i {
		case 0:
			o.AuthorityID = a.id
		case 1:
			o.AuthorityParentID = a.id
		}
	}
	if s.decidedBefore != 0 {
		o.ExtensionDecidedBy, o.ReopeningDecidedBy = []int64{s.decidedBefore}, []int64{s.decidedBefore}
	}
	if s.proposedForRated {
		o.InvalidProposerOrg = o.DepartmentID
	}
	if s.acted {
		o.ActedUserIDs = append(o.ActedUserIDs, me)
	}
	if s.escalated {
		o.EscalatedTo = []int64{998, s.org.id}
	}
	if s.takenOver {
		o.TakenOverBy = s.org.id
	}
	if s.ended {
		o.Stage = casework.StageArchived
	}
	return o
}
