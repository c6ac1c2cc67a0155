package commands

import (
	"encoding/json"
	"time"

	"guiling/internal/casework"
	"guiling/internal/export"
)

// eventEvidence is an event as it is taken out: by numbers, which never change, and
// not by names, which do.
type eventEvidence struct {
	Seq     int                `json:"seq"`
	At      time.Time          `json:"at"` // UTC
	Kind    casework.EventKind `json:"kind"`
	By      *byEvidence        `json:"by"` // null for the clock
	Article string             `json:"article"`
	Key     string             `json:"key"`
	Build   string             `json:"build"`
	Body    json.RawMessage    `json:"body"`
}

type byEvidence struct {
	UserID         int64         `json:"user_id"`
	OrganisationID int64         `json:"organisation_id"`
	Role           casework.Role `json:"role"`
	Rule           string        `json:"rule"`
}

// Evidence is the story of the case as canonical JSON: the same events are always
// the same bytes, whoever asks and whenever. Phones and identity numbers in it are
// masked.
func (a CaseAudit) Evidence() ([]byte, error) {
	events := make([]eventEvidence, 0, len(a.Events))
	for _, e := range a.Events {
		body, err := json.Marshal(e.Body)
		if err != nil {
			return nil, err
		}
		out := eventEvidence{
			Seq: e.Seq, At: e.At.UTC(), Kind: e.Body.Kind(), Article: e.Article, Key: e.Key, Build: e.Build, Body: body,
		}
		if !e.By.System() {
			out.By = &byEvidence{UserID: e.By.UserID, OrganisationID: e.By.OrganisationID, Role: e.By.Role, Rule: e.By.Rule}
		}
		events = append(events, out)
	}
	return export.Canonical(map[string]any{"case": a.Case.Number, "format": 1, "events": events})
}
