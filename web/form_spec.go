package web

import (
	"net/url"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/commands"
)

// widget is how a field is asked for.
type widget string

const (
	widgetText   widget = "text"   // several lines
	widgetChoice widget = "choice" // one of a few, all to be seen
	widgetSelect widget = "select" // one of many
	widgetDecide widget = "decide" // yes or no, and neither until somebody chose
	widgetTick   widget = "tick"   // yes, or else no
	widgetDate   widget = "date"
)

// fieldSpec is how one field of an action looks. Which fields there are, and of
// which kind, casework.CommandFields says; what is allowed, the command checks.
type fieldSpec struct {
	Widget   widget
	Optional bool
	Only     string // shown only when another choice of the form has this value
	Values   func(casework.State) []string
	Family   string // of the messages of the values
}

func values[T ~string](list []T) func(casework.State) []string {
	return func(casework.State) []string {
		out := make([]string, 0, len(list))
		for _, v := range list {
			out = append(out, string(v))
		}
		return out
	}
}

// fieldSpecs are the fields that are not several lines of text and needed.
var fieldSpecs = map[casework.Action]map[string]fieldSpec{
	casework.ActionAssign: {
		"user_id": {Widget: widgetSelect},
		"note":    {Widget: widgetText, Optional: true},
	},
	casework.ActionRecordCallback: {
		"reached": {Widget: widgetDecide},
		"outcome": {Widget: widgetText, Optional: true},
	},
	casework.ActionVerify: {
		"outcome": {
			Widget: widgetChoice, Family: "outcome",
			Values: values([]casework.VerificationOutcome{casework.OutcomeComplex, casework.OutcomeFixedAtOnce, casework.OutcomeNoLegalBasis}),
		},
		"done":          {Widget: widgetText, Only: string(casework.OutcomeFixedAtOnce)},
		"cause":         {Widget: widgetSelect, Only: string(casework.OutcomeFixedAtOnce), Family: "cause", Values: values(casework.CauseCategories())},
		"evidence":      {Widget: widgetText, Only: string(casework.OutcomeFixedAtOnce), Optional: true},
		"guide_changed": {Widget: widgetTick, Only: string(casework.OutcomeFixedAtOnce)},
	},
	casework.ActionProposeInvalid: {
		"ground": {
			Widget: widgetChoice, Family: "ground",
			Values: values([]casework.InvalidGround{casework.GroundMistaken, casework.GroundMalicious}),
		},
	},
	casework.ActionDecideInvalid: {"confirm": {Widget: widgetDecide}},
	casework.ActionRequestExtension: {
		"until": {Widget: widgetDate},
	},
	casework.ActionDecideExtension: {
		"grant": {Widget: widgetDecide},
	},
	casework.ActionSubmitRectification: {
		"cause":         {Widget: widgetSelect, Family: "cause", Values: values(casework.CauseCategories())},
		"evidence":      {Widget: widgetText, Optional: true},
		"guide_changed": {Widget: widgetTick},
	},
	casework.ActionSendFeedback: {
		"channel": {Widget: widgetChoice, Family: "feedback", Values: feedbackChannels},
	},
	casework.ActionRecordAnswer: {
		"answer": {
			Widget: widgetChoice, Family: "answer",
			Values: values([]casework.Answer{casework.AnswerSatisfied, casework.AnswerUnsatisfied}),
		},
	},
	casework.ActionDecideReopening: {"reopen": {Widget: widgetDecide}},
	casework.ActionRemind:          {"note": {Widget: widgetText, Optional: true}},
	casework.ActionPause:           {"category": {Widget: widgetChoice, Family: "pause", Values: values(casework.PauseCategories())}},
	casework.ActionResume:          {"reason": {Widget: widgetText, Optional: true}},
	casework.ActionTransfer:        {"department_id": {Widget: widgetSelect}},
	casework.ActionMerge:           {"into": {Widget: widgetChoice}},
	casework.ActionRecordSpotCheck: {
		"method": {Widget: widgetChoice, Family: "method", Values: values(casework.SpotCheckMethods())},
		"passed": {Widget: widgetDecide},
	},
}

// feedbackChannels offers what makes sense for the reviewer: somebody unknown
// cannot be told, and the record says so.
func feedbackChannels(s casework.State) []string {
	if !s.ReviewerKnown {
		return []string{string(casework.FeedbackNone)}
	}
	var channels []string
	for _, c := range casework.FeedbackChannels() {
		if c != casework.FeedbackNone {
			channels = append(channels, string(c))
		}
	}
	return channels
}

// specOf says how a field looks: several lines of text unless said otherwise.
func specOf(action casework.Action, field string) fieldSpec {
	if spec, ok := fieldSpecs[action][field]; ok {
		return spec
	}
	return fieldSpec{Widget: widgetText}
}

func fieldKey(action casework.Action, field string) string {
	return "field." + string(action) + "." + field
}

func actionPath(number string, action casework.Action) string {
	return casePath(number) + "/actions/" + url.PathEscape(string(action))
}

// wordingOf names the words of an action in the catalogues: its own, unless the
// state of the case makes something else of it.
func wordingOf(action casework.Action, s casework.State) string {
	switch {
	case action == casework.ActionRecordAnswer && s.Stage.Closed():
		return wordingLateAnswer
	case action == casework.ActionTransfer && s.TakenOverBy != 0:
		return "transfer.back"
	default:
		return string(action)
	}
}

const wordingLateAnswer = "record-answer.late"

// actionForm is the form of one action, ready to be shown.
type actionForm struct {
	Action  casework.Action
	Wording string // of its title, button and consequence
	Path    string
	Key     string // the same until the action has been carried out
	Version int    // of the case that the person saw
	Fields  []formField
	Open    bool // has an error, so it is shown open
	Final   bool // cannot be taken back

	DraftPath string     // where it is kept unsent; empty when nothing is written in it
	Draft     *draftNote // it shows what was kept
	Scripts   []commands.CaseText
}

// formField is one field with what was typed into it.
type formField struct {
	ID, Name, Label, Help string
	Widget                widget
	Value                 string
	Min                   string // of a date
	Choices               []choice
	Optional              bool
	Only                  string
	Error                 string
	Texts                 []commands.CaseText // that can be put in
	UsePath               string              // who has no script sends the form there to have one put in
	Missing               string              // what of the text that was put in nobody knows
}

// choice is one value that can be chosen. Note is what the citizen said of it.
type choice struct {
	Value, Label, Note string
	Chosen             bool
}

// finalActions end the case, or a part of it that no later step brings back.
var finalActions = map[casework.Action]bool{
	casework.ActionWithdraw: true, casework.ActionDecideInvalid: true, casework.ActionMerge: true,
}

// formFor makes the form of an action; typed gives what was typed before.
func (v *visit) formFor(
	action casework.Action, view commands.CaseView, choices commands.CaseChoices, key string, typed func(string) string,
) actionForm {
	form := actionForm{
		Action: action, Wording: wordingOf(action, view.State), Path: actionPath(view.Case.Number, action), Key: key,
		Version: view.Case.Version, Final: finalActions[action],
	}
	for _, f := range casework.CommandFields(action) {
		spec := specOf(action, f.Name)
		field := formField{
			ID: fieldID(action, f.Name), Name: f.Name, Label: v.say.T(fieldKey(action, f.Name)), Widget: spec.Widget,
			Value: typed(f.Name), Optional: spec.Optional, Only: spec.Only,
		}
		if help := "help." + string(action) + "." + f.Name; v.say.has(help) {
			field.Help = v.say.T(help)
		}
		if spec.Widget == widgetDate && view.Deadline != nil {
			field.Min = view.Deadline.LastDay.AddDays(1).String()
		}
		field.Choices = v.choicesOf(action, f.Name, spec, view, choices, field.Value)
		form.Fields = append(form.Fields, field)
	}
	return form
}

func (v *visit) choicesOf(
	action casework.Action, name string, spec fieldSpec, view commands.CaseView, choices commands.CaseChoices, chosen string,
) []choice {
	var out []choice
	add := func(value, label string) {
		out = append(out, choice{Value: value, Label: label, Chosen: value == chosen})
	}
	switch {
	case spec.Widget == widgetDecide:
		for _, value := range []string{"true", "false"} {
			add(value, v.say.T("decide."+string(action)+"."+value))
		}
	case name == "user_id":
		for _, u := range choices.Colleagues {
			if u.ID != view.State.HandlerID {
				add(strconv.FormatInt(u.ID, 10), u.DisplayName+" · "+u.Position)
			}
		}
	case name == "department_id":
		for _, o := range choices.Departments {
			label := o.Name
			if o.ID == view.Case.DepartmentID {
				label = v.say.T("transfer.back", "Name", o.Name)
			}
			add(strconv.FormatInt(o.ID, 10), label)
		}
	case name == "into":
		for _, r := range choices.MergeInto {
			add(r.Number, r.Number+" · "+v.say.T("stage."+string(r.Stage))+" · "+moment(r.RatedAt))
			out[len(out)-1].Note = r.Words
		}
	case spec.Values != nil:
		for _, value := range spec.Values(view.State) {
			add(value, v.say.T(spec.Family+"."+value))
		}
	}
	// What can be chosen in one way only is chosen.
	if len(out) == 1 && spec.Widget == widgetChoice {
		out[0].Chosen = true
	}
	return out
}

func fieldID(action casework.Action, name string) string { return string(action) + "-" + name }
