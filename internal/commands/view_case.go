package commands

import (
	"context"
	"slices"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// CaseView is a case as its page shows it to one person.
type CaseView struct {
	Case     store.Case
	State    casework.State
	Deadline *casework.Deadline // nil when no clock runs
	// MadeUp lists the weekend days that the deadline counts because they were made
	// working days (调休上班).
	MadeUp []casework.SkippedDay
	Now    time.Time // the case's own time
	// NextAlarm is when the clock does something next, all else being left as it is;
	// nil when it has nothing to do.
	NextAlarm *time.Time
	Events    []store.RecordedEvent
	Actions   []AvailableAction
	// SameRecord lists the other cases of the service record that this person may
	// read, the oldest first.
	SameRecord []RelatedCase
	// TakenOver is the event by which an authority handles the case now, in the
	// place of its department; nil when the department does.
	TakenOver *store.RecordedEvent
	// CanReveal says whether this person may see the reviewer's phone.
	CanReveal bool
	// Files are what was attached, the oldest first.
	Files []AttachedFile
	// CanLinkReviewer says whether this person may see which cases come from the same
	// citizen; never where nobody is known to have them.
	CanLinkReviewer bool
	// Looks is how often somebody saw the reviewer's data in clear.
	Looks int
	// CanReadHistory says whether this person sees rules and builds of events.
	CanReadHistory bool
	// Repairs are what the reconciler put right in this case; only for who reads its
	// history.
	Repairs []store.Repair
}

// AvailableAction is an action that the policy allows this person, with the
// reason why the state does not allow it now, if any.
type AvailableAction struct {
	Action  casework.Action
	Blocked *casework.Error // nil when it can be done now
}

// RelatedCase is another case of the same service record.
type RelatedCase struct {
	Number  string
	Stage   casework.Stage
	Rating  casework.RatingLevel
	Words   string
	RatedAt time.Time
	// Merged says that it was merged into the case of the view.
	Merged bool
	// TakesMerge says that it is an earlier case that goes on: the case of the view
	// can be merged into it.
	TakesMerge bool
}

// ViewCase reads a case with its history and what this person may do to it. The
// action to merge it is among them only where there is a case that takes it.
func (s *Service) ViewCase(ctx context.Context, actor casework.Actor, number string) (CaseView, error) {
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return CaseView{}, err
	}
	view := CaseView{Case: c.row, State: c.state, Now: s.nowOf(c.row), Events: masked(c.events)}
	view.Case.Words = casework.MaskText(view.Case.Words)
	if view.Files, err = s.attachedFiles(ctx, number, view.Events); err != nil {
		return CaseView{}, err
	}
	if view.Looks, err = s.store.LooksAt(ctx, number); err != nil {
		return CaseView{}, err
	}
	view.CanReveal = c.row.Revealable && s.policy.Decide(actor, casework.ActionReveal, c.object).Allowed
	view.CanLinkReviewer = c.row.Revealable && c.row.ReviewerKnown && s.linksReviewer(actor, c)
	view.CanReadHistory = s.policy.Decide(actor, casework.ActionReadHistory, c.object).Allowed
	if view.CanReadHistory {
		if view.Repairs, err = s.store.RepairsOf(ctx, number); err != nil {
			return CaseView{}, err
		}
	}
	if c.state.Version == 0 {
		return view, nil
	}
	view.TakenOver = takenOver(c)
	if view.SameRecord, err = s.sameRecord(ctx, actor, c); err != nil {
		return CaseView{}, err
	}
	if deadline, ok := c.state.Deadline(c.rules); ok {
		view.Deadline = &deadline
		view.MadeUp = MadeUpDays(deadline, c.rules.Calendar)
	}
	if alarm, ok := casework.NextAlarm(c.state, c.rules); ok {
		view.NextAlarm = &alarm.At
	}
	for _, action := range casework.Actions() {
		decision := s.policy.Decide(actor, action, c.object)
		if ok, _ := casework.Possible(c.state.Stage, action); !ok || !decision.Allowed {
			continue
		}
		if action == casework.ActionMerge && len(view.mergeTargets()) == 0 {
			continue
		}
		available := AvailableAction{Action: action}
		err := casework.Available(c.state, action, casework.Circumstances{
			Rules: c.rules, Now: view.Now, By: s.by(actor, decision),
		})
		if domain, blocked := casework.AsError(err); blocked {
			available.Blocked = domain
		}
		view.Actions = append(view.Actions, available)
	}
	return view, nil
}

// MadeUpDays lists the days that a deadline in working days counts although the
// week alone would not, each with the holiday for which it is worked.
func MadeUpDays(d casework.Deadline, calendar casework.Calendar) []casework.SkippedDay {
	if d.Limit.Count != casework.CountWorking {
		return nil
	}
	var days []casework.SkippedDay
	for day := d.Day0.AddDays(1); !d.LastDay.Before(day); day = day.AddDays(1) {
		if name := day.String(); calendar.Days[name] == casework.DayWorkday {
			days = append(days, casework.SkippedDay{Date: day, Name: calendar.Names[name]})
		}
	}
	return days
}

// takenOver finds the event by which the case came to the authority that has it.
func takenOver(c loaded) *store.RecordedEvent {
	if c.state.TakenOverBy == 0 {
		return nil
	}
	for i, e := range slices.Backward(c.events) {
		if _, ok := e.Body.(casework.TakenOver); ok {
			return &c.events[i]
		}
	}
	return nil
}

// sameRecord reads the other cases of the service record, as far as the actor may
// see them.
func (s *Service) sameRecord(ctx context.Context, actor casework.Actor, c loaded) ([]RelatedCase, error) {
	rows, err := s.store.CasesOfRecord(ctx, scopeOf(actor), c.row.ServiceRecordID)
	if err != nil {
		return nil, err
	}
	own := slices.IndexFunc(rows, func(r store.Case) bool { return r.Number == c.row.Number })
	var related []RelatedCase
	for i, r := range rows {
		if i == own {
			continue
		}
		goesOn := r.Stage != casework.StageOpened && !r.Stage.Closed()
		related = append(related, RelatedCase{
			Number: r.Number, Stage: r.Stage, Rating: r.Rating, Words: casework.MaskText(r.Words), RatedAt: r.RatedAt,
			Merged: slices.Contains(c.state.MergedCases, r.Number), TakesMerge: i < own && goesOn,
		})
	}
	return related, nil
}

func (v CaseView) mergeTargets() []RelatedCase {
	return slices.DeleteFunc(slices.Clone(v.SameRecord), func(r RelatedCase) bool { return !r.TakesMerge })
}

// CaseChoices are what a form about a case offers.
type CaseChoices struct {
	Colleagues []store.User // to whom the case can be assigned
	// Departments are those to which it can be transferred, its own among them only
	// when an authority took the case over and can hand it back.
	Departments []store.Organisation
	MergeInto   []RelatedCase // earlier cases of the service record that go on
}

// ChoicesFor reads the choices for a case that ViewCase gave.
func (s *Service) ChoicesFor(ctx context.Context, view CaseView) (CaseChoices, error) {
	var choices CaseChoices
	var err error
	for _, a := range view.Actions {
		switch a.Action {
		case casework.ActionAssign:
			choices.Colleagues, err = s.store.Colleagues(ctx, view.Case.DepartmentID, casework.RoleHandler, casework.RoleDepartmentLead)
		case casework.ActionTransfer:
			choices.Departments, err = s.store.DepartmentsOf(ctx, view.Case.RegionCode)
			choices.Departments = slices.DeleteFunc(choices.Departments, func(o store.Organisation) bool {
				return o.ID == view.Case.DepartmentID && view.State.TakenOverBy == 0
			})
		case casework.ActionMerge:
			choices.MergeInto = view.mergeTargets()
		default:
		}
		if err != nil {
			return CaseChoices{}, err
		}
	}
	return choices, nil
}

// masked hides phones and identity numbers in events that were recorded before
// commands were masked.
func masked(events []store.RecordedEvent) []store.RecordedEvent {
	out := slices.Clone(events)
	for i := range out {
		out[i].Body = casework.MaskBody(out[i].Body)
	}
	return out
}

// maskedCases does the same for the words of reviews that came in before they were
// masked.
func maskedCases(cases []store.Case) []store.Case {
	for i := range cases {
		cases[i].Words = casework.MaskText(cases[i].Words)
	}
	return cases
}
