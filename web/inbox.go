package web

import (
	"crypto/rand"
	"net/http"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

type inboxPage struct {
	frame

	View   store.TaskView
	Narrow narrowedList
	Bulk   *bulkBar
	Rows   []taskRow
	Next   string
	First  string // the first page
	Later  bool   // this is not it
}

// taskRow is one task as a line of the inbox.
type taskRow struct {
	caseRow

	Kind      casework.TaskKind
	TakenOver bool       // work of a department that an authority has taken over
	Claim     *claimForm // nil when the case has somebody, or is not this person's to take
}

// claimForm takes a case out of the inbox. Its key makes a second click do nothing.
type claimForm struct {
	Path, Key string
	Version   int
}

// showInbox answers GET /tasks?view=mine|unclaimed|all, narrowed as the address says.
func showInbox(v *visit) error {
	after, err := cursorOf[store.TaskCursor](v)
	if err != nil {
		return err
	}
	narrowing, err := commands.ParseNarrowing(v.user.Actor, v.QueryParams())
	if err != nil {
		return err
	}
	filter := store.TaskFilter{View: store.TaskView(v.QueryParam("view")), Narrowing: narrowing, After: after}
	page, err := v.site.Commands.Inbox(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := inboxPage{frame: v.frame(v.say.T("inbox.title"), "/tasks"), View: page.View, Later: after.ID != 0}
	if p.Narrow, err = v.narrowed(store.ViewedTasks, v.taskViews(page), page.Saved, page.Quick); err != nil {
		return err
	}
	// The tasks of an authority are anybody's there; those of a department are
	// claimed.
	claims := v.user.Actor.OrganisationKind == casework.KindDepartment
	for _, task := range page.Tasks {
		row := taskRow{caseRow: v.caseRow(task.Case), Kind: task.Kind, TakenOver: !claims && slices.Contains(departmentWork, task.Kind)}
		row.Due = v.say.due(task.DueAt, task.Case.PausedAt, v.site.Commands.Now(task.Case))
		if claims && task.AssigneeID == 0 {
			row.Claim = &claimForm{
				Path: actionPath(task.Case.Number, casework.ActionClaim), Key: rand.Text(), Version: task.Case.Version,
			}
		}
		p.Rows = append(p.Rows, row)
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	if p.Bulk, err = v.bulkBar(); err != nil {
		return err
	}
	return v.render(http.StatusOK, "inbox", p)
}

// taskViews are the tabs of the inbox; none where there is one view only.
func (v *visit) taskViews(page commands.InboxPage) []viewTab {
	if len(page.Counts) == 1 && len(page.Saved) == 0 {
		return nil
	}
	var tabs []viewTab
	for _, view := range store.TaskViews() {
		if count, counted := page.Counts[view]; counted {
			tabs = append(tabs, viewTab{
				Label: v.say.T("view." + string(view)), Path: "/tasks?view=" + string(view), Count: v.say.counted(count), Pressed: view == page.View,
			})
		}
	}
	return tabs
}

// departmentWork are the tasks of a department. Where an authority has one, it has
// taken the case over.
var departmentWork = []casework.TaskKind{
	casework.TaskVerify, casework.TaskExplain, casework.TaskRectify, casework.TaskSendFeedback,
}

// caseRow is a case as a line of a list.
type caseRow struct {
	Number     string
	Version    int
	Path       string
	Due        due
	Matter     string
	Words      string
	Rating     casework.RatingLevel
	Stage      casework.Stage
	Handler    string
	Mine       bool
	Department string
	Region     string
}

func (v *visit) caseRow(c store.Case) caseRow {
	return caseRow{
		Number: c.Number, Version: c.Version, Path: casePath(c.Number), Due: v.say.due(c.DeadlineAt, c.PausedAt, v.site.Commands.Now(c)),
		Matter: c.MatterName, Words: c.Words, Rating: c.Rating, Stage: c.Stage, Handler: c.HandlerName,
		Mine: c.HandlerID == v.user.ID, Department: c.DepartmentName, Region: c.RegionName,
	}
}

// nextTask finds the next task in line, for whoever has just finished one.
func (v *visit) nextTask(except string) (store.Task, bool) {
	view := store.TasksMine
	if v.user.Actor.OrganisationKind == casework.KindAuthority {
		view = store.TasksAll
	}
	page, err := v.site.Commands.Inbox(v.Request().Context(), v.user.Actor, store.TaskFilter{View: view, Limit: 2})
	if err != nil {
		// No inbox, or none that answers: the page is good without.
		return store.Task{}, false
	}
	i := slices.IndexFunc(page.Tasks, func(t store.Task) bool { return t.Case.Number != except })
	if i < 0 {
		return store.Task{}, false
	}
	return page.Tasks[i], true
}
