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
	page, err := a.Commands.Inbox(c.Request().Context(), user.Actor, store.TaskView(c.QueryParam("view")), after, limit)
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
