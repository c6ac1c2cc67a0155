package casework

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

type commandType struct {
	action Action
	zero   Command
	decode func(*json.Decoder) (Command, error)
	fields reflect.Type
}

func commandOf[C Command]() commandType {
	var zero C
	return commandType{
		action: zero.Action(),
		zero:   zero,
		decode: func(d *json.Decoder) (Command, error) {
			var c C
			err := d.Decode(&c)
			return c, err
		},
		fields: reflect.TypeFor[C](),
	}
}

// commandTypes is the register of commands: one for each action.
var commandTypes = []commandType{
	commandOf[Claim](), commandOf[Assign](), commandOf[TakeOver](), commandOf[RecordCallback](), commandOf[AttachFile](), commandOf[Verify](), commandOf[ProposeInvalid](),
	commandOf[DecideInvalid](), commandOf[RequestExtension](), commandOf[WithdrawExtension](), commandOf[DecideExtension](), commandOf[SubmitRectification](),
	commandOf[SendFeedback](), commandOf[RecordAnswer](), commandOf[DecideReopening](), commandOf[Remind](), commandOf[Escalate](), commandOf[Pause](),
	commandOf[Resume](), commandOf[Transfer](), commandOf[Merge](), commandOf[Withdraw](), commandOf[RecordSpotCheck](),
}

// DecodeCommand reads the fields of an action from JSON, strictly: an unknown
// field, a wrong type, or anything after the object is an *Error that names it.
// An empty body is an empty object.
func DecodeCommand(action Action, data []byte) (Command, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	for _, t := range commandTypes {
		if t.action != action {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		command, err := t.decode(decoder)
		if err != nil {
			return nil, jsonError(action, err)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return nil, Invalid("body", "malformed_json", "one JSON object is expected and nothing after it")
		}
		return command, command.Check()
	}
	return nil, unknownAction(action)
}

func unknownAction(action Action) *Error {
	return &Error{Code: CodeNotFound, Reason: "unknown_action", Field: "action", Detail: fmt.Sprintf("there is no action %q", action)}
}

// CommandField is one field of an action: its JSON name and its kind, which is
// "string", "bool", "int" or "date".
type CommandField struct{ Name, Kind string }

// CommandFields lists the fields of an action, for forms and documentation.
func CommandFields(action Action) []CommandField {
	var fields []CommandField
	for _, t := range commandTypes {
		if t.action != action {
			continue
		}
		for f := range t.fields.Fields() {
			kind := f.Type.Kind().String()
			switch {
			case f.Type == reflect.TypeFor[Date]():
				kind = "date"
			case strings.HasPrefix(kind, "int"):
				kind = "int"
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, CommandField{Name: name, Kind: kind})
		}
	}
	return fields
}

func jsonError(action Action, err error) *Error {
	if domain, ok := AsError(err); ok { // a date that does not exist
		named := *domain
		for _, f := range CommandFields(action) {
			if f.Kind == "date" {
				named.Field = f.Name
			}
		}
		return &named
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Invalid(wrong.Field, "wrong_type", fmt.Sprintf("%s is expected, not %s", wrong.Type, wrong.Value))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Invalid(strings.Trim(name, `"`), "unknown_field", "this action has no such field")
	}
	return Invalid("body", "malformed_json", "the body is not a JSON object")
}
