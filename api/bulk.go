package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// bulkJSON asks for one action on many cases.
type bulkJSON struct {
	Action  casework.Action `json:"action"`
	Items   []bulkItemJSON  `json:"items"`
	Command json.RawMessage `json:"command"`
}

type bulkItemJSON struct {
	Number  string `json:"number"`
	Version *int   `json:"version"`
}

// bulkAnswerJSON says for each case what came of it.
type bulkAnswerJSON struct {
	Action  casework.Action  `json:"action"`
	Results []bulkResultJSON `json:"results"`
}

type bulkResultJSON struct {
	Number  string             `json:"number"`
	Status  commands.RowStatus `json:"status"`
	Code    string             `json:"code,omitempty"`
	Detail  string             `json:"detail,omitempty"`
	Field   string             `json:"field,omitempty"`
	Current *outcomeJSON       `json:"current"`
	Handler *namedJSON         `json:"handler"`
}

// actOnMany carries out POST /api/v1/bulk.
func (a api) actOnMany(c echo.Context, user store.User, s sent) (store.Answer, error) {
	request, err := decodeBulk(s.body)
	if err != nil {
		return store.Answer{}, err
	}
	request.Key = s.key
	results, err := a.Commands.ActOnMany(c.Request().Context(), user.Actor, request)
	if err != nil {
		return store.Answer{}, err
	}
	answer := bulkAnswerJSON{Action: request.Command.Action(), Results: make([]bulkResultJSON, 0, len(results))}
	for _, r := range results {
		answer.Results = append(answer.Results, bulkResultOf(r))
	}
	return answerJSON("", answer)
}

// decodeBulk reads the body strictly: as for one action, an unknown field or a
// wrong type is an error that names it.
func decodeBulk(body []byte) (commands.ManyRequest, error) {
	var in bulkJSON
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&in)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return commands.ManyRequest{}, casework.Invalid(wrong.Field, "wrong_type", wrong.Type.String()+" is expected, not "+wrong.Value)
	}
	if err != nil {
		return commands.ManyRequest{}, casework.Invalid("body", "malformed_json", "a JSON object with action, items and command is expected")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return commands.ManyRequest{}, casework.Invalid("body", "malformed_json", "one JSON object is expected and nothing after it")
	}
	request := commands.ManyRequest{Items: make([]commands.ManyItem, 0, len(in.Items))}
	for _, item := range in.Items {
		one := commands.ManyItem{Number: item.Number}
		if item.Version != nil {
			if one.Version = *item.Version; one.Version < 1 {
				return commands.ManyRequest{}, casework.Invalid("version", "unknown_value", "a version that was seen is 1 or more")
			}
		}
		request.Items = append(request.Items, one)
	}
	if err := commands.ForMany(in.Action); err != nil {
		return commands.ManyRequest{}, err
	}
	if request.Command, err = casework.DecodeCommand(in.Action, in.Command); err != nil {
		return commands.ManyRequest{}, err
	}
	return request, nil
}

func bulkResultOf(r commands.RowResult) bulkResultJSON {
	out := bulkResultJSON{Number: r.Number, Status: r.Status}
	if r.Refusal != nil {
		out.Code, out.Detail, out.Field = r.Refusal.Reason, r.Refusal.Detail, r.Refusal.Field
	}
	if r.Case.Number == "" {
		return out
	}
	current := outcomeJSON{Number: r.Case.Number, Version: r.Case.Version, Stage: r.Case.Stage, DeadlineAt: r.Case.DeadlineAt}
	out.Current = &current
	if r.Case.HandlerID != 0 {
		out.Handler = &namedJSON{ID: r.Case.HandlerID, Name: r.Case.HandlerName}
	}
	return out
}
