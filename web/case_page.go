package web

import (
	"crypto/rand"
	"net/http"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

type casePage struct {
	frame

	View      commands.CaseView
	Due       due
	Tags      []string
	Entries   []entry
	Clock     *clockView
	Standing  standing
	OnTime    bool // of a case that closed
	Primary   *actionForm
	Others    []actionForm
	Blocked   []blockedAction
	Hindrance *blockedAction // the work itself, when it has to wait for something
	Errors    []formError
	Stale     bool
	Kept      []keptText // typed into a form that is no longer there
	Notice    *noticeView
	Reveal    revealView
	Attach    attachView
	Stray     []strayDraft

	aids writingAids
}

// clockView is the clock that runs, with why it ends when it does.
type clockView struct {
	Due      due
	Kind     casework.ClockKind
	Deadline casework.Deadline
	Limit    string
	Steps    []clockStep
	MadeUp   []casework.SkippedDay
}

type clockStep struct {
	Words string
	To    casework.Date
}

// blockedAction is an action that this person may do, and why not now.
type blockedAction struct {
	Action  casework.Action
	Wording string
	Why     string
}

// formError is one line of what is wrong, with the field to go to.
type formError struct{ Words, FieldID string }

// noticeView is what the last action did, and what is next.
type noticeView struct {
	Done, Next string
	Task       *taskRow
}

// revealView is the reviewer as this person may see them.
type revealView struct {
	Path     string // empty when they may not be revealed
	Reviewer *store.Reviewer
	Purpose  string
	Error    string
}

// showCase answers GET /cases/:number.
func showCase(v *visit) error { return v.renderCase(http.StatusOK, v.Param("number"), refused{}) }

func (v *visit) renderCase(status int, number string, r refused) error {
	return v.renderCaseWith(status, number, r, nil)
}

// renderCaseWith renders a case: after a refusal with all that was typed, after a
// reveal with the reviewer.
func (v *visit) renderCaseWith(status int, number string, r refused, reviewer *store.Reviewer) error {
	ctx := v.Request().Context()
	view, err := v.site.Commands.ViewCase(ctx, v.user.Actor, number)
	if err != nil {
		return err
	}
	choices, err := v.site.Commands.ChoicesFor(ctx, view)
	if err != nil {
		return err
	}
	v.seen(number)
	p := casePage{
		frame: v.frame(view.Case.MatterName+" "+view.Case.Number, firstPlace(v.user.Actor)),
		View:  view, Due: v.say.due(view.Case.DeadlineAt, view.Case.PausedAt, view.Now),
		Tags: v.tagLabels(view.Case.Tags), Entries: v.entriesOf(view, choices), Clock: v.clockOf(view), Standing: v.standingOf(view),
	}
	p.OnTime = view.Case.ClosedOnTime != nil && *view.Case.ClosedOnTime
	if view.CanReveal {
		p.Reveal = revealView{Path: casePath(number) + "/reveal", Reviewer: reviewer}
	}
	p.Attach = v.filesOf(view)
	if p.aids, err = v.writingAids(view); err != nil {
		return err
	}
	v.addForms(&p, choices, r)
	v.addStray(&p, r)
	v.addErrors(&p, r)
	if n, ok := v.takeNotice(number); ok {
		p.Notice = v.noticeOf(n, view)
	}
	return v.render(status, "case", p)
}

func (v *visit) tagLabels(codes []string) []string {
	labels := make([]string, 0, len(codes))
	for _, code := range codes {
		if tag, ok := v.site.tags.Find(code); ok {
			labels = append(labels, tag.Label)
		} else {
			labels = append(labels, code)
		}
	}
	return labels
}

func (v *visit) entriesOf(view commands.CaseView, choices commands.CaseChoices) []entry {
	n := namesIn(view.Events)
	if view.Case.HandlerID != 0 {
		n.people[view.Case.HandlerID] = view.Case.HandlerName
	}
	n.organisations[view.Case.DepartmentID] = view.Case.DepartmentName
	for _, u := range choices.Colleagues {
		n.people[u.ID] = u.DisplayName
	}
	for _, o := range choices.Departments {
		n.organisations[o.ID] = o.Name
	}
	entries := make([]entry, 0, len(view.Events))
	for _, e := range view.Events {
		entries = append(entries, v.say.entryOf(e, n))
	}
	return entries
}

func (v *visit) clockOf(view commands.CaseView) *clockView {
	if view.Deadline == nil || view.State.Clock == nil {
		return nil
	}
	d := *view.Deadline
	c := clockView{
		Due: v.say.due(&d.At, view.Case.PausedAt, view.Now), Kind: view.State.Clock.Kind, Deadline: d, Limit: v.say.limit(d.Limit),
		MadeUp: view.MadeUp,
	}
	for _, step := range d.Steps {
		// The days of a pause are counted as those of the limit are.
		days := v.say.limit(casework.Limit{Days: step.Days, Count: d.Limit.Count})
		words := v.say.T("step."+step.Kind, "Count", step.Days, "Limit", days)
		c.Steps = append(c.Steps, clockStep{Words: words, To: step.To})
	}
	return &c
}

// workOrder is the order in which actions are the next one: the first that a
// person may do now is the form of the page. What only sometimes is the next
// step says when.
var workOrder = []struct {
	action casework.Action
	when   func(commands.CaseView) bool
}{
	{action: casework.ActionResume},
	{action: casework.ActionDecideExtension},
	{action: casework.ActionDecideInvalid},
	{action: casework.ActionDecideReopening},
	{action: casework.ActionRecordSpotCheck},
	{action: casework.ActionVerify},
	{action: casework.ActionSubmitRectification},
	{action: casework.ActionSendFeedback},
	// Supervisors may call as well; the work is the department's.
	{action: casework.ActionRecordCallback, when: func(v commands.CaseView) bool { return offered(v, casework.ActionVerify) }},
	{action: casework.ActionRecordAnswer, when: func(v commands.CaseView) bool { return offered(v, casework.ActionSendFeedback) }},
	{action: casework.ActionEscalate, when: func(v commands.CaseView) bool { return v.State.Overdue() || v.State.EscalationOpen }},
}

func offered(view commands.CaseView, action casework.Action) bool {
	return slices.ContainsFunc(view.Actions, func(a commands.AvailableAction) bool { return a.Action == action })
}

// addForms makes one form for each action that can be done, the next one first,
// and names the others with the reason.
func (v *visit) addForms(p *casePage, choices commands.CaseChoices, r refused) {
	primary := casework.Action("")
	for _, step := range workOrder {
		i := slices.IndexFunc(p.View.Actions, func(a commands.AvailableAction) bool { return a.Action == step.action })
		if i < 0 || (step.when != nil && !step.when(p.View)) {
			continue
		}
		a := p.View.Actions[i]
		if a.Blocked == nil {
			primary = step.action
			break
		}
		if p.Hindrance == nil && hinders(a.Blocked.Reason) {
			hindrance := v.blocked(a, p.View)
			p.Hindrance = &hindrance
		}
	}
	for _, a := range p.View.Actions {
		if a.Action == casework.ActionAttachFile {
			continue // it has a form of its own, with the files
		}
		if a.Blocked != nil {
			if p.Hindrance != nil && p.Hindrance.Action == a.Action || nobodyMisses(a) {
				continue
			}
			p.Blocked = append(p.Blocked, v.blocked(a, p.View))
			continue
		}
		key, typed := rand.Text(), p.aids.typed(a.Action)
		if r.Action == a.Action && len(r.Errors) > 0 {
			typed = v.typed
			// The same key makes a second try after "no answer in time" the same
			// request. A changed case asks for a new decision.
			if sent := v.form.Get("key"); sent != "" && len(sent) <= maxKey && r.Errors[0].Code != casework.CodeStale {
				key = sent
			}
		}
		form := v.formFor(a.Action, p.View, choices, key, typed)
		form.Open = r.Action == a.Action
		v.aid(&form, p.View, p.aids, form.Open && len(r.Errors) > 0)
		if a.Action == primary {
			p.Primary = &form
		} else {
			p.Others = append(p.Others, form)
		}
	}
}

func (v *visit) blocked(a commands.AvailableAction, view commands.CaseView) blockedAction {
	b := blockedAction{Action: a.Action, Wording: wordingOf(a.Action, view.State), Why: v.say.T("error."+a.Blocked.Reason, "Field", "")}
	if a.Blocked.Reason == "claimed_by_other" && view.Case.HandlerName != "" {
		b.Why = v.say.T("claim.taken_by", "Name", view.Case.HandlerName)
	}
	return b
}

// nothingToDo are the reasons for which nobody misses an action. That a case was
// taken over is said once, above the page.
var nothingToDo = []string{
	"already_yours", "not_paused", "no_extension_pending", "no_decision_awaited", "taken_over", "already_taken_over",
	"reminds_oneself", "nothing_to_remind",
}

// nobodyMisses reports whether it need not be said why an action cannot be done.
// Nobody waits for the answer of somebody who is not known.
func nobodyMisses(a commands.AvailableAction) bool {
	return slices.Contains(nothingToDo, a.Blocked.Reason) ||
		a.Action == casework.ActionRecordAnswer && a.Blocked.Reason == "reviewer_unknown"
}

// hinders reports whether a reason is worth saying above the form: the work
// waits for something that this person can do.
func hinders(reason string) bool { return reason == "callback_needed" || reason == "paused" }

// addErrors puts what is wrong above the page and beside its fields.
func (v *visit) addErrors(p *casePage, r refused) {
	if len(r.Errors) == 0 {
		return
	}
	if holder := v.secondToClaim(p.View, r); holder != "" {
		p.Errors = append(p.Errors, formError{Words: v.say.T("claim.taken_by", "Name", holder)})
		return
	}
	p.Stale = r.Errors[0].Code == casework.CodeStale
	if r.Action == casework.ActionReveal {
		p.Reveal.Purpose = v.typed("purpose")
		p.Reveal.Error = v.say.T("error."+r.Errors[0].Reason, "Field", v.say.T("reveal.purpose"))
		p.Errors = append(p.Errors, formError{Words: p.Reveal.Error, FieldID: "reveal-purpose"})
		return
	}
	if r.Action == casework.ActionAttachFile {
		p.Attach.Error = v.say.T("error."+r.Errors[0].Reason, "Field", v.say.T("action.attach-file"))
		p.Errors = append(p.Errors, formError{Words: p.Attach.Error, FieldID: "attach-file-file"})
		return
	}
	form := v.shownForm(p, r.Action)
	if form == nil {
		p.Kept = v.keptTexts()
	}
	for _, wrong := range r.Errors {
		var field *formField
		if form != nil {
			if i := slices.IndexFunc(form.Fields, func(f formField) bool { return f.Name == wrong.Field }); i >= 0 {
				field = &form.Fields[i]
			}
		}
		if field == nil {
			p.Errors = append(p.Errors, formError{Words: v.say.T("error."+wrong.Reason, "Field", wrong.Field)})
			continue
		}
		field.Error = v.say.T("error."+wrong.Reason, "Field", field.Label)
		id := field.ID
		if field.Widget == widgetChoice || field.Widget == widgetDecide {
			id += "-0"
		}
		p.Errors = append(p.Errors, formError{Words: field.Error, FieldID: id})
	}
}

// secondToClaim names who has the case that this person wanted to claim; empty when
// the refusal is about something else.
func (v *visit) secondToClaim(view commands.CaseView, r refused) string {
	second := r.Errors[0].Code == casework.CodeStale || r.Errors[0].Reason == "claimed_by_other"
	if r.Action != casework.ActionClaim || !second || view.Case.HandlerID == v.user.ID {
		return ""
	}
	return view.Case.HandlerName
}

func (v *visit) shownForm(p *casePage, action casework.Action) *actionForm {
	if p.Primary != nil && p.Primary.Action == action {
		return p.Primary
	}
	if i := slices.IndexFunc(p.Others, func(f actionForm) bool { return f.Action == action }); i >= 0 {
		return &p.Others[i]
	}
	return nil
}

func (v *visit) noticeOf(n notice, view commands.CaseView) *noticeView {
	done := string(n.Action)
	if i := n.Version - 1; i >= 0 && i < len(view.Events) {
		// What the case made of an answer, it alone knows.
		if _, late := view.Events[i].Body.(casework.LateAnswerRecorded); late {
			done = wordingLateAnswer
		}
	}
	out := noticeView{Done: v.say.T("done." + done), Next: v.say.T("next." + string(n.Stage))}
	if !n.Deadline.IsZero() {
		out.Next = v.say.T("next.by", "Next", out.Next, "Date", lastDayOf(n.Deadline))
	}
	if n.Action == casework.ActionClaim || n.Action == casework.ActionAttachFile { // the work goes on here
		return &out
	}
	if task, ok := v.nextTask(n.Number); ok {
		row := taskRow{caseRow: v.caseRow(task.Case), Kind: task.Kind}
		row.Due = v.say.due(task.DueAt, task.Case.PausedAt, v.site.Commands.Now(task.Case))
		out.Task = &row
	}
	return &out
}
