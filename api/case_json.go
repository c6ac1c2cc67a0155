package api

import (
	"time"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// caseJSON is a case in a list. Fields leave by this list only.
type caseJSON struct {
	Number          string               `json:"number"`
	Stage           casework.Stage       `json:"stage"`
	Version         int                  `json:"version"`
	Region          regionJSON           `json:"region"`
	Department      organisationJSON     `json:"department"`
	Matter          matterJSON           `json:"matter"`
	Handler         *namedJSON           `json:"handler"`
	Rating          casework.RatingLevel `json:"rating"`
	Aspects         []casework.Aspect    `json:"aspects"`
	Tags            []string             `json:"tags"`
	Channel         casework.Channel     `json:"channel"`
	Words           string               `json:"words"`
	RatedAt         time.Time            `json:"rated_at"`
	ReviewerKnown   bool                 `json:"reviewer_known"`
	ReviewerName    string               `json:"reviewer_name"`  // masked
	ReviewerPhone   string               `json:"reviewer_phone"` // masked
	OpenedAt        *time.Time           `json:"opened_at"`
	Clock           casework.ClockKind   `json:"clock"`
	DeadlineAt      *time.Time           `json:"deadline_at"`
	PausedAt        *time.Time           `json:"paused_at"`
	OverdueSince    *time.Time           `json:"overdue_since"`
	EverLate        bool                 `json:"ever_late"`
	EscalationSteps *int                 `json:"escalation_steps"`
	Reopenings      int                  `json:"reopenings"`
	ClosedAt        *time.Time           `json:"closed_at"`
	ClosedOnTime    *bool                `json:"closed_on_time"`
}

type regionJSON struct {
	Code  string              `json:"code"`
	Name  string              `json:"name"`
	Level casework.AdminLevel `json:"level"`
}

type organisationJSON struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Confirmed bool   `json:"confirmed"`
}

type matterJSON struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type namedJSON struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func caseOf(c store.Case) caseJSON {
	out := caseJSON{
		Number: c.Number, Stage: c.Stage, Version: c.Version,
		Region:     regionJSON{Code: c.RegionCode, Name: c.RegionName, Level: c.RegionLevel},
		Department: organisationJSON{ID: c.DepartmentID, Name: c.DepartmentName, Confirmed: !c.DepartmentOpen},
		Matter:     matterJSON{Code: c.MatterCode, Name: c.MatterName},
		Rating:     c.Rating, Aspects: c.Aspects, Tags: c.Tags, Channel: c.Channel, Words: c.Words, RatedAt: c.RatedAt,
		ReviewerKnown: c.ReviewerKnown, ReviewerName: c.ReviewerNameMasked, ReviewerPhone: c.PhoneMasked,
		OpenedAt: c.OpenedAt, Clock: c.ClockKind, DeadlineAt: c.DeadlineAt, PausedAt: c.PausedAt,
		OverdueSince: c.OverdueSince, EverLate: c.EverLate, EscalationSteps: c.EscalationSteps,
		Reopenings: c.Reopenings, ClosedAt: c.ClosedAt, ClosedOnTime: c.ClosedOnTime,
	}
	if c.HandlerID != 0 {
		out.Handler = &namedJSON{ID: c.HandlerID, Name: c.HandlerName}
	}
	return out
}

// caseDetailJSON is a case with its clock explained, its history, and what the
// caller may do to it.
type caseDetailJSON struct {
	caseJSON

	Now             time.Time          `json:"now"` // the case's own time; the server's, outside the demo
	PackID          string             `json:"pack_id"`
	PackVersion     int                `json:"pack_version"`
	CalendarVersion string             `json:"calendar_version"`
	TakenOverBy     *namedJSON         `json:"taken_over_by"`
	MergedInto      *string            `json:"merged_into"`
	MergedCases     []string           `json:"merged_cases"`
	SameRecord      []relatedJSON      `json:"same_record"`
	Deadline        *casework.Deadline `json:"deadline"`
	Late            []casework.Late    `json:"late"`
	Looks           int                `json:"looks"` // at the reviewer in clear
	Events          []eventJSON        `json:"events"`
	Actions         []actionJSON       `json:"actions"`
}

// relatedJSON is another case of the same service record.
type relatedJSON struct {
	Number     string               `json:"number"`
	Stage      casework.Stage       `json:"stage"`
	Rating     casework.RatingLevel `json:"rating"`
	Words      string               `json:"words"`
	RatedAt    time.Time            `json:"rated_at"`
	Merged     bool                 `json:"merged"`      // into this one
	TakesMerge bool                 `json:"takes_merge"` // this one can be merged into it
}

type actionJSON struct {
	Action  casework.Action `json:"action"`
	Allowed bool            `json:"allowed"` // by policy and by the state of the case
	Blocked string          `json:"blocked,omitempty"`
}

type eventJSON struct {
	Number  string             `json:"case_number"`
	Seq     int                `json:"seq"`
	Kind    casework.EventKind `json:"kind"`
	At      time.Time          `json:"at"`
	By      *byJSON            `json:"by"` // null: the clock
	Article string             `json:"article"`
	Body    casework.EventBody `json:"body"`
	Rule    string             `json:"rule,omitempty"`  // for auditors
	Build   string             `json:"build,omitempty"` // for auditors
}

type byJSON struct {
	UserID       int64         `json:"user_id"`
	Name         string        `json:"name"`
	Organisation string        `json:"organisation"`
	Role         casework.Role `json:"role"`
}

func eventsOf(events []store.RecordedEvent, forAuditor bool) []eventJSON {
	out := make([]eventJSON, 0, len(events))
	for _, e := range events {
		j := eventJSON{Number: e.Number, Seq: e.Seq, Kind: e.Body.Kind(), At: e.At, Article: e.Article, Body: e.Body}
		if !e.By.System() {
			j.By = &byJSON{UserID: e.By.UserID, Name: e.UserName, Organisation: e.OrganisationName, Role: e.By.Role}
		}
		if forAuditor {
			j.Rule, j.Build = e.Rule, e.Build
		}
		out = append(out, j)
	}
	return out
}

func deadlineOf(deadline *casework.Deadline) *casework.Deadline {
	if deadline == nil {
		return nil
	}
	out := *deadline
	out.Skipped = neverNull(out.Skipped)
	return &out
}

// neverNull makes a list that is empty [] in JSON, and not null.
func neverNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func detailOf(view commands.CaseView) caseDetailJSON {
	out := caseDetailJSON{
		caseJSON: caseOf(view.Case), Now: view.Now, Deadline: deadlineOf(view.Deadline), Late: neverNull(view.State.Late), Looks: view.Looks,
		PackID: view.State.PackID, PackVersion: view.State.PackVersion, CalendarVersion: view.State.CalendarVersion,
		MergedCases: neverNull(view.State.MergedCases), SameRecord: make([]relatedJSON, 0, len(view.SameRecord)),
		Events: eventsOf(view.Events, view.CanReadHistory), Actions: make([]actionJSON, 0, len(view.Actions)),
	}
	if e := view.TakenOver; e != nil {
		out.TakenOverBy = &namedJSON{ID: e.By.OrganisationID, Name: e.OrganisationName}
	}
	if into := view.State.MergedInto; into != "" {
		out.MergedInto = &into
	}
	for _, r := range view.SameRecord {
		out.SameRecord = append(out.SameRecord, relatedJSON(r))
	}
	for _, a := range view.Actions {
		j := actionJSON{Action: a.Action, Allowed: a.Blocked == nil}
		if a.Blocked != nil {
			j.Blocked = a.Blocked.Reason
		}
		out.Actions = append(out.Actions, j)
	}
	return out
}
