package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
)

// bulkPath is where one action on many cases is sent. The cases are the field
// number, once for each, with the version that was seen in version.NUMBER.
const bulkPath = "/bulk"

const (
	fieldNumber  = "number"
	fieldVersion = "version." // before the number
	// fieldSaid says that whoever sends the form was told what will happen to how
	// many. Without it they are told first.
	fieldSaid = "said"
)

// Many is what the pages ask about many cases at once.
type Many interface {
	ActOnMany(ctx context.Context, actor casework.Actor, request commands.ManyRequest) ([]commands.RowResult, error)
	ChoicesForMany(ctx context.Context, actor casework.Actor) (commands.ManyChoices, error)
	ViewMany(ctx context.Context, actor casework.Actor, numbers []string) (commands.ManyView, error)
}

// bulkBar is the form above a list that takes many of its rows at once.
type bulkBar struct {
	Actions    []casework.Action
	Colleagues []choice
	Key, Next  string
}

// bulkBar makes the bar for this list; nil for who can do nothing to many cases.
func (v *visit) bulkBar() (*bulkBar, error) {
	choices, err := v.site.Commands.ChoicesForMany(v.Request().Context(), v.user.Actor)
	if err != nil || len(choices.Actions) == 0 {
		return nil, err
	}
	bar := bulkBar{Actions: choices.Actions, Key: rand.Text(), Next: v.here()}
	for _, u := range choices.Colleagues {
		bar.Colleagues = append(bar.Colleagues, choice{Value: strconv.FormatInt(u.ID, 10), Label: u.DisplayName + " · " + u.Position})
	}
	return &bar, nil
}

// bulkPrepare says what will happen to how many, and asks for what is still needed.
type bulkPrepare struct {
	frame

	Form   actionForm
	Next   string
	Rows   []caseRow
	Will   string
	Gone   int // numbers that are not there, or not for this person
	Errors []formError
}

// bulkResults says for each case what came of it.
type bulkResults struct {
	frame

	Action  casework.Action
	Summary string
	Rows    []bulkRow
	Again   *bulkAgain // nil when trying again would change nothing
	Next    string
}

type bulkRow struct {
	caseRow

	Status commands.RowStatus
	Words  string
	Known  bool // the case can be opened
}

// bulkAgain sends the rows that may still be done once more, as the same request.
type bulkAgain struct {
	Hidden []hiddenField
	Count  int
}

type hiddenField struct{ Name, Value string }

// actOnMany answers POST /bulk.
func actOnMany(v *visit) error {
	action := casework.Action(v.form.Get("action"))
	if err := commands.ForMany(action); err != nil {
		return err
	}
	numbers := v.chosen()
	command, wrong := bindCommand(action, v.form)
	switch {
	case len(numbers) == 0:
		wrong = []*casework.Error{casework.Invalid(fieldNumber, "none_chosen", "name at least one case")}
	case len(numbers) > commands.MaxMany:
		wrong = []*casework.Error{casework.Invalid(fieldNumber, "too_many_cases", "too many")}
		numbers = nil
	case v.form.Get(fieldSaid) == "":
		return v.prepareBulk(action, numbers, nil)
	}
	if len(wrong) > 0 {
		return v.prepareBulk(action, numbers, wrong)
	}
	key := v.form.Get("key")
	if key == "" || len(key) > maxKey {
		return casework.Invalid("", "malformed_form", "the form has no key")
	}
	request := commands.ManyRequest{Command: command, Key: key}
	for _, number := range numbers {
		version, err := strconv.Atoi(v.form.Get(fieldVersion + number))
		if err != nil || version < 0 {
			return casework.Invalid("", "malformed_form", "a case has no version")
		}
		request.Items = append(request.Items, commands.ManyItem{Number: number, Version: version})
	}
	results, err := v.site.Commands.ActOnMany(v.Request().Context(), v.user.Actor, request)
	if err != nil {
		return err
	}
	return v.showBulkResults(request, results)
}

// chosen lists the numbers of the form, each once.
func (v *visit) chosen() []string {
	var numbers []string
	for _, number := range v.form[fieldNumber] {
		if number = strings.TrimSpace(number); number != "" && !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

func (v *visit) prepareBulk(action casework.Action, numbers []string, wrong []*casework.Error) error {
	ctx := v.Request().Context()
	view, err := v.site.Commands.ViewMany(ctx, v.user.Actor, numbers)
	if err != nil {
		return err
	}
	many, err := v.site.Commands.ChoicesForMany(ctx, v.user.Actor)
	if err != nil {
		return err
	}
	if !slices.Contains(many.Actions, action) {
		return casework.Forbidden("not_allowed", "your role never allows "+string(action))
	}
	key := v.form.Get("key")
	if key == "" || len(key) > maxKey {
		key = rand.Text()
	}
	choices := commands.CaseChoices{Colleagues: many.Colleagues, Departments: view.Departments}
	p := bulkPrepare{
		frame: v.frame(v.say.T("bulk.prepare.title", "Action", v.say.T("button."+string(action))), firstPlace(v.user.Actor)),
		Form:  v.formFor(action, commands.CaseView{}, choices, key, v.typed),
		Next:  ownPath(v.form.Get("next")), Gone: len(numbers) - len(view.Cases),
		Will: v.say.T("bulk.will."+string(action), "N", len(view.Cases)),
	}
	p.Form.Path = bulkPath
	for _, c := range view.Cases {
		p.Rows = append(p.Rows, v.caseRow(c))
	}
	status := http.StatusOK
	for _, e := range wrong {
		status = httpstatus.Of(e)
		p.Errors = append(p.Errors, bulkError(v, &p.Form, e))
	}
	return v.render(status, "bulk_prepare", p)
}

// bulkError says what is wrong, beside its field where there is one.
func bulkError(v *visit, form *actionForm, e *casework.Error) formError {
	i := slices.IndexFunc(form.Fields, func(f formField) bool { return f.Name == e.Field })
	if i < 0 {
		return formError{Words: v.say.T("error."+e.Reason, "Field", e.Field)}
	}
	field := &form.Fields[i]
	field.Error = v.say.T("error."+e.Reason, "Field", field.Label)
	return formError{Words: field.Error, FieldID: field.ID}
}

func (v *visit) showBulkResults(request commands.ManyRequest, results []commands.RowResult) error {
	action := request.Command.Action()
	p := bulkResults{
		frame:  v.frame(v.say.T("bulk.results.title"), firstPlace(v.user.Actor)),
		Action: action, Summary: v.say.bulkSummary(action, results), Next: ownPath(v.form.Get("next")),
	}
	for _, r := range results {
		row := bulkRow{caseRow: caseRow{Number: r.Number}, Status: r.Status, Known: r.Case.Number != "", Words: v.bulkWords(action, r)}
		if row.Known {
			row.caseRow = v.caseRow(r.Case)
		}
		p.Rows = append(p.Rows, row)
	}
	// What did not succeed is read first.
	rank := func(r bulkRow) int {
		if r.Status == commands.RowDone || r.Status == commands.RowAlready {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(p.Rows, func(a, b bulkRow) int { return rank(a) - rank(b) })
	p.Again = v.bulkAgain(request, results)
	return v.render(http.StatusOK, "bulk_results", p)
}

// bulkSummary counts what came of it in one sentence.
func (l localizer) bulkSummary(action casework.Action, results []commands.RowResult) string {
	var done, already, failed int
	for _, r := range results {
		switch r.Status {
		case commands.RowDone:
			done++
		case commands.RowAlready:
			already++
		case commands.RowRefused, commands.RowNotFound, commands.RowAway:
			failed++
		}
	}
	var parts []string
	if done > 0 || already+failed == 0 {
		parts = append(parts, l.T("bulk.summary."+string(action), "Count", done))
	}
	if already > 0 {
		parts = append(parts, l.T("bulk.already", "Count", already))
	}
	if failed > 0 {
		parts = append(parts, l.T("bulk.failed", "Count", failed))
	}
	return strings.Join(parts, l.T("bulk.comma"))
}

// bulkWords says what came of one case.
func (v *visit) bulkWords(action casework.Action, r commands.RowResult) string {
	switch {
	case r.Status == commands.RowDone:
		return v.say.T("done." + string(action))
	case r.Refusal == nil:
		return v.say.T("bulk.row.already")
	case r.Refusal.Code == casework.CodeStale:
		return v.say.T("bulk.row.changed")
	case r.Refusal.Reason == "claimed_by_other" && r.Case.HandlerName != "":
		return v.say.T("claim.taken_by", "Name", r.Case.HandlerName)
	}
	field := r.Refusal.Field
	if key := fieldKey(action, field); v.say.has(key) {
		field = v.say.T(key)
	}
	return v.say.T("error."+r.Refusal.Reason, "Field", field)
}

// bulkAgain makes the form that sends once more what may still be done, for the
// cases as the page shows them. The key is the same: what was done and not told is
// found done.
func (v *visit) bulkAgain(request commands.ManyRequest, results []commands.RowResult) *bulkAgain {
	action := request.Command.Action()
	again := bulkAgain{Hidden: []hiddenField{
		{"action", string(action)}, {"key", request.Key}, {"next", ownPath(v.form.Get("next"))}, {fieldSaid, "yes"},
	}}
	for _, f := range casework.CommandFields(action) {
		again.Hidden = append(again.Hidden, hiddenField{f.Name, v.typed(f.Name)})
	}
	for _, r := range results {
		if !r.WorthTrying() {
			continue
		}
		version := v.form.Get(fieldVersion + r.Number)
		if r.Case.Number != "" {
			version = strconv.Itoa(r.Case.Version)
		}
		again.Count++
		again.Hidden = append(again.Hidden, hiddenField{fieldNumber, r.Number}, hiddenField{fieldVersion + r.Number, version})
	}
	if again.Count == 0 {
		return nil
	}
	return &again
}
