package casework

import "slices"

// NoticeKind is what a member of staff is told.
type NoticeKind string

// The kinds of notices.
const (
	NoticeNewCase            NoticeKind = "new_case"            // a case of the department that nobody has
	NoticeAssigned           NoticeKind = "assigned"            // a case was given to you
	NoticeTransferred        NoticeKind = "transferred"         // a case came to the department
	NoticeTakenOver          NoticeKind = "taken_over"          // an authority handles your case
	NoticeReopened           NoticeKind = "reopened"            // the work starts again
	NoticeMerged             NoticeKind = "merged"              // your case ended, another goes on for it
	NoticeLinked             NoticeKind = "linked"              // your case goes on for another
	NoticeWithdrawn          NoticeKind = "withdrawn"           // your case was withdrawn
	NoticeWarning            NoticeKind = "warning"             // a deadline is near
	NoticeLastDay            NoticeKind = "last_day"            // a deadline ends today
	NoticeOverdue            NoticeKind = "overdue"             // a deadline passed
	NoticeReminded           NoticeKind = "reminded"            // 催办
	NoticeEscalated          NoticeKind = "escalated"           // 督办
	NoticePaused             NoticeKind = "paused"              // the clock stands still
	NoticeResumed            NoticeKind = "resumed"             // the clock runs again
	NoticeDeadlineMoved      NoticeKind = "deadline_moved"      // by another calendar
	NoticeExtensionRequested NoticeKind = "extension_requested" // to be decided
	NoticeInvalidProposed    NoticeKind = "invalid_proposed"    // to be decided
	NoticeUnsatisfied        NoticeKind = "unsatisfied"         // a further unsatisfied answer: to be decided
	NoticeSpotCheck          NoticeKind = "spot_check"          // drawn for a spot check
	NoticeExtensionGranted   NoticeKind = "extension_granted"
	NoticeExtensionRefused   NoticeKind = "extension_refused"
	NoticeInvalidConfirmed   NoticeKind = "invalid_confirmed"
	NoticeInvalidRefused     NoticeKind = "invalid_refused"
	NoticeManyLooks          NoticeKind = "many_looks" // somebody looked at many citizens (第六条)
)

// NoticeGroup is what of the notices a person decides on together.
type NoticeGroup string

// The groups.
const (
	NoticesOfNewCases  NoticeGroup = "new_cases"
	NoticesOfWork      NoticeGroup = "work"      // what becomes of one's own cases
	NoticesOfDeadlines NoticeGroup = "deadlines" // reminders, lateness, 督办
	NoticesToDecide    NoticeGroup = "decisions" // what waits for a supervisor
	NoticesOfAnswers   NoticeGroup = "answers"   // what was decided on one's requests
	NoticesOfLooks     NoticeGroup = "looks"
)

// NoticeGroups lists the groups, as a person sees them.
func NoticeGroups() []NoticeGroup {
	return []NoticeGroup{NoticesOfNewCases, NoticesOfWork, NoticesOfDeadlines, NoticesOfAnswers, NoticesToDecide, NoticesOfLooks}
}

// NoticeGroupsFor lists the groups that may reach somebody in their roles.
func NoticeGroupsFor(a Actor) []NoticeGroup {
	handles := a.Has(RoleHandler) || a.Has(RoleDepartmentLead)
	may := map[NoticeGroup]bool{
		NoticesOfNewCases: handles, NoticesOfWork: handles || a.Has(RoleSupervisor), NoticesOfDeadlines: handles || a.Has(RoleSupervisor),
		NoticesOfAnswers: handles || a.Has(RoleSupervisor), NoticesToDecide: a.Has(RoleSupervisor), NoticesOfLooks: a.Has(RoleAuditor),
	}
	return slices.DeleteFunc(NoticeGroups(), func(g NoticeGroup) bool { return !may[g] })
}

// noticeGroups says to which group each kind belongs, in the order in which kinds
// are listed.
var noticeGroups = []struct {
	kind  NoticeKind
	group NoticeGroup
}{
	{NoticeNewCase, NoticesOfNewCases},
	{NoticeAssigned, NoticesOfWork},
	{NoticeTransferred, NoticesOfNewCases},
	{NoticeTakenOver, NoticesOfWork},
	{NoticeReopened, NoticesOfWork},
	{NoticeMerged, NoticesOfWork},
	{NoticeLinked, NoticesOfWork},
	{NoticeWithdrawn, NoticesOfWork},
	{NoticeWarning, NoticesOfDeadlines},
	{NoticeLastDay, NoticesOfDeadlines},
	{NoticeOverdue, NoticesOfDeadlines},
	{NoticeReminded, NoticesOfDeadlines},
	{NoticeEscalated, NoticesOfDeadlines},
	{NoticePaused, NoticesOfDeadlines},
	{NoticeResumed, NoticesOfDeadlines},
	{NoticeDeadlineMoved, NoticesOfDeadlines},
	{NoticeExtensionRequested, NoticesToDecide},
	{NoticeInvalidProposed, NoticesToDecide},
	{NoticeUnsatisfied, NoticesToDecide},
	{NoticeSpotCheck, NoticesToDecide},
	{NoticeExtensionGranted, NoticesOfAnswers},
	{NoticeExtensionRefused, NoticesOfAnswers},
	{NoticeInvalidConfirmed, NoticesOfAnswers},
	{NoticeInvalidRefused, NoticesOfAnswers},
	{NoticeManyLooks, NoticesOfLooks},
}

// NoticeKinds lists every kind.
func NoticeKinds() []NoticeKind {
	kinds := make([]NoticeKind, 0, len(noticeGroups))
	for _, g := range noticeGroups {
		kinds = append(kinds, g.kind)
	}
	return kinds
}

// Reminder reports whether the kind means nothing any more once the deadline has
// passed or gone.
func (k NoticeKind) Reminder() bool { return k == NoticeWarning || k == NoticeLastDay }

// Group is the group of a kind; empty for one that does not exist.
func (k NoticeKind) Group() NoticeGroup {
	for _, g := range noticeGroups {
		if g.kind == k {
			return g.group
		}
	}
	return ""
}

// Listener names people by what they are to a case.
type Listener string

// The listeners. Who they are is looked up when a notice is delivered, by the
// roles of that day.
const (
	// ListenPerson is one person, named by the notice.
	ListenPerson Listener = "person"
	// ListenHandler has the case now; where nobody does, or somebody who no longer
	// works there, it is the leads of its department, or its handlers if it has none.
	ListenHandler Listener = "handler"
	// ListenDepartment is everybody who may take the case: handlers and leads.
	ListenDepartment Listener = "department"
	// ListenSupervisors are those of the authority StepsUp above the case's own, or of
	// the first from there on that stands at MinLevel and has any.
	ListenSupervisors Listener = "supervisors"
	// ListenAuditors are those of the nearest authority above the case that has any.
	ListenAuditors Listener = "auditors"
)

// Notice says that somebody is to be told of something.
type Notice struct {
	Kind     NoticeKind
	To       Listener
	UserID   int64 // of ListenPerson
	StepsUp  int
	MinLevel AdminLevel
	// Unclaimed: only as long as nobody has the case.
	Unclaimed bool
	// Days is how many are left when it is given, of a warning.
	Days int
}

// NoticesOf says who is told of an event; before is the state of the case up to
// it. Whoever did it is told nothing of it.
func NoticesOf(before State, e Event) []Notice {
	notices := noticesOf(before, e)
	return slices.DeleteFunc(notices, func(n Notice) bool {
		return n.To == ListenPerson && (n.UserID == 0 || n.UserID == e.By.UserID)
	})
}

// Tells reports whether anybody may have to be told of an event of that kind.
func Tells(body EventBody) bool { return len(noticesOf(State{HandlerID: 1}, Event{Body: body})) > 0 }

func noticesOf(before State, e Event) []Notice {
	switch b := e.Body.(type) {
	case Opened:
		return []Notice{{Kind: NoticeNewCase, To: ListenDepartment, Unclaimed: true}}
	case Transferred:
		return []Notice{{Kind: NoticeTransferred, To: ListenDepartment, Unclaimed: true}}
	case Assigned:
		return []Notice{toPerson(NoticeAssigned, b.UserID)}
	case TakenOver:
		if before.HandlerID == 0 {
			return []Notice{{Kind: NoticeTakenOver, To: ListenDepartment}}
		}
		return []Notice{toPerson(NoticeTakenOver, before.HandlerID)}
	case Reopened:
		return []Notice{toHandler(NoticeReopened)}
	case Merged:
		return []Notice{toHandler(NoticeMerged)}
	case CaseLinked:
		return []Notice{toHandler(NoticeLinked)}
	case Withdrawn:
		return []Notice{toHandler(NoticeWithdrawn)}
	case AnswerRecorded:
		if b.NeedsDecision {
			return []Notice{toAuthority(NoticeUnsatisfied, b.DecidedStepsUp)}
		}
	case ExtensionRequested:
		return []Notice{toAuthority(NoticeExtensionRequested, b.Ordinal-1)}
	case InvalidProposed:
		return []Notice{{Kind: NoticeInvalidProposed, To: ListenSupervisors, MinLevel: LevelCounty}}
	case SpotCheckDrawn:
		return []Notice{toAuthority(NoticeSpotCheck, 0)}
	case InvalidDecided:
		kind := NoticeInvalidRefused
		if b.Confirmed {
			kind = NoticeInvalidConfirmed
		}
		return []Notice{toHandler(kind), toPerson(kind, before.InvalidProposer.UserID)}
	case ExtensionDecided:
		if b.Granted {
			return []Notice{toHandler(NoticeExtensionGranted)}
		}
		return []Notice{toHandler(NoticeExtensionRefused)}
	default:
		return noticesOfClock(e.Body)
	}
	return nil
}

// noticesOfClock says who is told of what happens to a deadline.
func noticesOfClock(body EventBody) []Notice {
	switch b := body.(type) {
	case Warned:
		if b.DaysBefore == 0 {
			return []Notice{toHandler(NoticeLastDay)}
		}
		return []Notice{{Kind: NoticeWarning, To: ListenHandler, Days: b.DaysBefore}}
	case BecameOverdue:
		return []Notice{toHandler(NoticeOverdue), {Kind: NoticeOverdue, To: ListenSupervisors}}
	case Reminded:
		return []Notice{toHandler(NoticeReminded)}
	case Escalated:
		return []Notice{toHandler(NoticeEscalated), {Kind: NoticeEscalated, To: ListenSupervisors, StepsUp: b.StepsUp}}
	case Paused:
		return []Notice{toHandler(NoticePaused)}
	case Resumed:
		return []Notice{toHandler(NoticeResumed)}
	case CalendarAdopted:
		if !b.DeadlineBefore.Equal(b.DeadlineAfter) {
			return []Notice{toHandler(NoticeDeadlineMoved)}
		}
	}
	return nil
}

func toPerson(kind NoticeKind, userID int64) Notice {
	return Notice{Kind: kind, To: ListenPerson, UserID: userID}
}

func toHandler(kind NoticeKind) Notice { return Notice{Kind: kind, To: ListenHandler} }

// NoticesOfLooksAlarm says who is told that somebody looked at many citizens.
func NoticesOfLooksAlarm() []Notice {
	return []Notice{{Kind: NoticeManyLooks, To: ListenAuditors}}
}

// toAuthority tells those with whom the task lies: what the parent decides is
// decided at county level or above.
func toAuthority(kind NoticeKind, stepsUp int) Notice {
	n := Notice{Kind: kind, To: ListenSupervisors, StepsUp: stepsUp}
	if stepsUp > 0 {
		n.MinLevel = LevelCounty
	}
	return n
}
