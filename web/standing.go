package web

import (
	"slices"
	"time"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// standing is what is out of the ordinary about who handles a case, said above the
// page once: an authority took it over, it was merged into another, or it goes on
// for others.
type standing struct {
	TakenOver  string // who did, and when; empty when the department handles the case
	Then       string // what follows for this person, if anything does
	MergedInto *relatedCase
	GoesOnFor  []relatedCase
	Acts       bool // this person has something to do in the case, and so with those
	// SameRecord are the other cases of the service record. They are named where the
	// record is, for nothing follows from them yet.
	SameRecord []relatedCase
}

// relatedCase is another case with the words of its reviewer. One that this person
// may not read is a number and nothing else.
type relatedCase struct {
	Number  string
	Path    string // empty for one outside the person's scope
	Stage   casework.Stage
	Rating  casework.RatingLevel
	Words   string
	RatedAt time.Time
}

// Special reports whether there is anything to say above the page.
func (s standing) Special() bool {
	return s.TakenOver != "" || s.MergedInto != nil || len(s.GoesOnFor) > 0
}

func (v *visit) standingOf(view commands.CaseView) standing {
	closed := view.State.Stage.Closed()
	s := standing{Acts: !closed && slices.ContainsFunc(view.Actions, func(a commands.AvailableAction) bool { return a.Blocked == nil })}
	if e := view.TakenOver; e != nil && closed {
		s.TakenOver = v.say.T("standing.taken_over_before", "Authority", e.OrganisationName, "Since", moment(e.At))
	} else if e != nil {
		s.TakenOver = v.say.T("standing.taken_over", "Authority", e.OrganisationName, "Since", moment(e.At))
		s.Then = v.thenOf(*e, view)
	}
	if into := view.State.MergedInto; into != "" {
		r := relatedTo(view, into)
		s.MergedInto = &r
	}
	for _, number := range view.State.MergedCases {
		s.GoesOnFor = append(s.GoesOnFor, relatedTo(view, number))
	}
	for _, r := range view.SameRecord {
		if !r.Merged && r.Number != view.State.MergedInto {
			s.SameRecord = append(s.SameRecord, relatedTo(view, r.Number))
		}
	}
	return s
}

// thenOf says what a take-over asks of the authority that did, and of the
// department; nothing of anybody else.
func (v *visit) thenOf(taken store.RecordedEvent, view commands.CaseView) string {
	switch {
	case v.user.Actor.OrganisationID == taken.By.OrganisationID && offered(view, casework.ActionTransfer):
		return v.say.T("standing.taken_over_mine")
	case v.user.Actor.OrganisationID == view.Case.DepartmentID:
		return v.say.T("standing.taken_over_department")
	default:
		return ""
	}
}

func relatedTo(view commands.CaseView, number string) relatedCase {
	i := slices.IndexFunc(view.SameRecord, func(r commands.RelatedCase) bool { return r.Number == number })
	if i < 0 {
		return relatedCase{Number: number}
	}
	r := view.SameRecord[i]
	return relatedCase{Number: number, Path: casePath(number), Stage: r.Stage, Rating: r.Rating, Words: r.Words, RatedAt: r.RatedAt}
}
