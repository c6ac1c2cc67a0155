package api

import (
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

type taskJSON struct {
	ID       int64             `json:"id"`
	Kind     casework.TaskKind `json:"kind"`
	DueAt    *time.Time        `json:"due_at"`
	OpenedAt time.Time         `json:"opened_at"`
	Mine     bool              `json:"mine"`
	Case     caseJSON          `json:"case"`
}

type taskPageJSON struct {
	View   store.TaskView         `json:"view"`
	Counts map[store.TaskView]int `json:"counts"`
	Tasks  []taskJSON             `json:"tasks"`
	Next   string                 `json:"next"`
}

func (a api) listTasks(c echo.Context, user store.User) error {
	limit, err := queryInt(c, "limit")
	if err != nil {
		return err
	}
	after, err := decodeCursor(c, func(after store.TaskCursor) bool { return after.ID > 0 })
	if err != nil {
		return err
	}
	narrowing, err := narrowing(c, user)
	if err != nil {
		return err
	}
	filter := store.TaskFilter{Narrowing: narrowing, View: store.TaskView(c.QueryParam("view")), After: after, Limit: limit}
	page, err := a.Commands.Inbox(c.Request().Context(), user.Actor, filter)
	if err != nil {
		return err
	}
	out := taskPageJSON{View: page.View, Counts: page.Counts, Tasks: make([]taskJSON, 0, len(page.Tasks))}
	for _, t := range page.Tasks {
		out.Tasks = append(out.Tasks, taskJSON{
			ID: t.ID, Kind: t.Kind, DueAt: t.DueAt, OpenedAt: t.OpenedAt, Mine: t.AssigneeID == user.ID, Case: caseOf(t.Case),
		})
	}
	if out.Next, err = encodeCursor(page.Next); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

type eventPageJSON struct {
	Events []eventJSON `json:"events"`
	Next   string      `json:"next"`
}

func (a api) listEvents(c echo.Context, user store.User) error {
	filter := store.EventFilter{Kind: casework.EventKind(c.QueryParam("kind"))}
	var err error
	if filter.Limit, err = queryInt(c, "limit"); err != nil {
		return err
	}
	if filter.Before, err = decodeCursor(c, isEventPlace); err != nil {
		return err
	}
	page, err := a.Commands.ListEvents(c.Request().Context(), user.Actor, filter)
	if err != nil {
		return err
	}
	out := eventPageJSON{Events: eventsOf(page.Events, true)}
	if out.Next, err = encodeCursor(page.Next); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func isEventPlace(before store.EventCursor) bool {
	return isPlace(before.Number) && before.Seq > 0 && before.Seq <= math.MaxInt32
}

type reviewerJSON struct {
	Name     string `json:"name"`
	Phone    string `json:"phone"`
	IDNumber string `json:"id_number"`
	Words    string `json:"words"`
}

// reveal answers POST /api/v1/cases/{number}/reveal {"purpose": "…"}: the
// reviewer in clear, recorded. Nothing personal is ever in the path.
func (a api) reveal(c echo.Context, user store.User, s sent) (store.Answer, error) {
	var request struct {
		Purpose string `json:"purpose"`
	}
	if err := strict(s.body, &request); err != nil {
		return store.Answer{}, casework.Invalid("body", "malformed_json", "an object with a purpose and nothing else is expected")
	}
	number, err := caseNumber(c)
	if err != nil {
		return store.Answer{}, err
	}
	look := commands.Look{Number: number, Purpose: request.Purpose, RequestID: s.requestID}
	reviewer, err := a.Commands.RevealReviewer(c.Request().Context(), user.Actor, look)
	if err != nil {
		return store.Answer{}, err
	}
	return answerJSON("", reviewerJSON(reviewer))
}

type revealJSON struct {
	At           time.Time         `json:"at"`
	CaseNumber   string            `json:"case_number"`
	UserID       int64             `json:"user_id"`
	Name         string            `json:"name"`
	Organisation string            `json:"organisation"`
	Purpose      string            `json:"purpose"`
	Rule         string            `json:"rule"`
	Alarms       []store.AlarmKind `json:"alarms"`
}

type revealPageJSON struct {
	Reveals []revealJSON `json:"reveals"`
	Next    string       `json:"next"`
}

// listReveals answers GET /api/v1/reveals: who looked at reviewers, for auditors.
// Nothing of a reviewer is in it.
func (a api) listReveals(c echo.Context, user store.User) error {
	userID, err := queryInt(c, "user_id")
	if err != nil {
		return err
	}
	filter := store.RevealFilter{UserID: int64(userID)}
	if filter.Alarms, err = queryBool(c, "alarms"); err != nil {
		return err
	}
	if filter.Limit, err = queryInt(c, "limit"); err != nil {
		return err
	}
	if filter.Before, err = decodeCursor(c, func(before store.RevealCursor) bool { return before.ID > 0 && !before.At.IsZero() }); err != nil {
		return err
	}
	page, err := a.Commands.ListReveals(c.Request().Context(), user.Actor, filter)
	if err != nil {
		return err
	}
	out := revealPageJSON{Reveals: make([]revealJSON, 0, len(page.Reveals))}
	for _, r := range page.Reveals {
		out.Reveals = append(out.Reveals, revealJSON{
			At: r.At, CaseNumber: r.Number, UserID: r.UserID, Name: r.UserName, Organisation: r.OrganisationName,
			Purpose: r.Purpose, Rule: r.Rule, Alarms: neverNull(r.Alarms),
		})
	}
	if out.Next, err = encodeCursor(page.Next); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}
