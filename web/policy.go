package web

import (
	"net/http"
	"strconv"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
	"guiling/policies"
)

const policyPath = "/admin/policy"

type policyPage struct {
	adminFrame

	InForce    int // 0: the rules that the program ships with
	Newest     int // the version that was published last
	Broken     bool
	Groups     []ruleGroup
	Versions   []store.Policy
	MayPublish bool
	Draft      policyDraft

	Roles         []casework.Role
	Role          casework.Role
	Circumstances []policies.Circumstance
	Circumstance  policies.Circumstance
	Columns       []matrixColumn
	Matrix        []matrixRow

	// MayExplain: the one who looks sees cases.
	MayExplain bool
	Actions    []casework.Action
	Asked      explainQuestion
	Done       string
}

// ruleGroup is rules under one heading of the file.
type ruleGroup struct {
	Heading string
	Rules   []policies.Rule
}

type policyDraft struct {
	Body, Note, Error string
	Line              int
	Checked           bool
	Changes           []policies.Difference
	More              int // changes that are not shown
}

type explainQuestion struct {
	User, Case, Error string
	Action            casework.Action
	Answer            *commands.Explanation
}

type matrixColumn struct {
	Position  policies.Position
	CaseLevel casework.AdminLevel
}

type matrixRow struct {
	Action casework.Action
	Cells  []policies.Decision
}

// showPolicy answers GET /admin/policy?role=&circumstance=&user=&action=&case=.
func showPolicy(v *visit) error { return v.renderPolicy(http.StatusOK, policyDraft{}) }

func (v *visit) renderPolicy(status int, draft policyDraft) error {
	ctx := v.Request().Context()
	view, err := v.site.Commands.ViewPolicy(ctx, v.user.Actor)
	if err != nil {
		return err
	}
	p := policyPage{
		adminFrame: v.adminFrame(v.say.T("admin.policy"), policyPath), InForce: view.InForce, Newest: view.Newest, Broken: view.Broken, Versions: view.Versions,
		MayPublish: view.MayPublish, Draft: draft, Roles: casework.Roles(), Role: casework.Role(v.QueryParam("role")),
		Circumstances: policies.Circumstances(), Circumstance: policies.Circumstance(v.QueryParam("circumstance")),
		Actions: casework.AllActions(), Done: v.takeDone(),
	}
	if p.Draft.Body == "" {
		p.Draft.Body = view.Body
	}
	for _, r := range view.Rules {
		if n := len(p.Groups); n == 0 || p.Groups[n-1].Heading != r.Heading {
			p.Groups = append(p.Groups, ruleGroup{Heading: r.Heading})
		}
		last := &p.Groups[len(p.Groups)-1]
		last.Rules = append(last.Rules, r)
	}
	if p.Role == "" {
		p.Role = casework.RoleHandler
	}
	if p.Circumstance == "" {
		p.Circumstance = policies.CircumstancePlain
	}
	cells, err := v.site.Commands.PolicyMatrix(ctx, v.user.Actor, p.Role, p.Circumstance)
	if err != nil {
		return err
	}
	p.Columns, p.Matrix = matrixOf(cells)
	p.MayExplain = p.SeesCases
	if p.MayExplain {
		p.Asked = v.explain()
	}
	return v.render(status, "policy", p)
}

// matrixOf puts the cells of one role into rows and columns. What is never allowed
// from any position is left out.
func matrixOf(cells []policies.Cell) (columns []matrixColumn, rows []matrixRow) {
	at := map[matrixColumn]map[casework.Action]policies.Decision{}
	for _, c := range cells {
		column := matrixColumn{c.Position, c.CaseLevel}
		if at[column] == nil {
			at[column] = map[casework.Action]policies.Decision{}
			columns = append(columns, column)
		}
		at[column][c.Action] = c.Decision
	}
	for _, action := range casework.AllActions() {
		row, any := matrixRow{Action: action}, false
		for _, column := range columns {
			d := at[column][action]
			any = any || d.Allowed
			row.Cells = append(row.Cells, d)
		}
		if any {
			rows = append(rows, row)
		}
	}
	return columns, rows
}

// explain answers why somebody may do something to a case, if that was asked.
func (v *visit) explain() explainQuestion {
	q := explainQuestion{User: v.QueryParam("user"), Case: v.QueryParam("case"), Action: casework.Action(v.QueryParam("action"))}
	if q.User == "" || q.Case == "" {
		return q
	}
	answer, err := v.site.Commands.ExplainPolicy(v.Request().Context(), v.user.Actor, q.User, q.Action, q.Case)
	if err != nil {
		q.Error = v.say.T("error." + v.domainError(err).Reason)
		return q
	}
	q.Answer = &answer
	return q
}

// changesShown bounds the list of what a draft would change.
const changesShown = 200

// publishPolicy answers POST /admin/policy: checks a draft, or puts it in force.
func publishPolicy(v *visit) error {
	ctx := v.Request().Context()
	after, _ := strconv.Atoi(v.form.Get("version"))
	draft := policyDraft{Body: v.typed("body"), Note: v.typed("note")}
	check, err := v.site.Commands.CheckPolicy(ctx, v.user.Actor, v.form.Get("body"))
	if err != nil {
		return err
	}
	draft.Line, draft.Changes, draft.Checked = check.Line, check.Changes, true
	if len(draft.Changes) > changesShown {
		draft.Changes, draft.More = draft.Changes[:changesShown], len(draft.Changes)-changesShown
	}
	if check.Problem != "" {
		draft.Error = check.Problem
		return v.renderPolicy(http.StatusUnprocessableEntity, draft)
	}
	if v.form.Get("publish") == "" {
		return v.renderPolicy(http.StatusOK, draft)
	}
	_, err = v.site.Commands.PublishPolicy(ctx, v.user.Actor, commands.PolicyDraft{Body: v.form.Get("body"), Note: v.form.Get("note"), After: after})
	if refused, ok := mend(err); ok {
		draft.Error = v.say.T("error." + refused.Reason)
		return v.renderPolicy(httpstatus.Of(refused), draft)
	}
	if err != nil {
		return err
	}
	return v.done(policyPath, "published")
}
