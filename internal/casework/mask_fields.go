package casework

import (
	"reflect"
	"slices"
	"unicode/utf8"
)

// freeText names the fields of commands and events into which people write what
// they like. The other texts are codes, which may be long numbers.
func freeText() []string {
	return []string{"Name", "Note", "Reason", "Words", "Outcome", "Findings", "Evidence", "Done"}
}

// MaskCommand is the command with phones, identity numbers and the names that are
// given hidden in what was written, as MaskText does it. Nothing that a command carries is sealed: it goes
// into events, which nobody can change, and into the histories of the engine.
func MaskCommand(command Command, names ...string) Command {
	masked, _ := maskFields(command, names...).(Command)
	return masked
}

// MaskBody does the same for an event that was recorded before commands were
// masked.
func MaskBody(body EventBody) EventBody {
	masked, _ := maskFields(body).(EventBody)
	return masked
}

func maskFields(v any, names ...string) any {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Struct {
		return v
	}
	out := reflect.New(t).Elem()
	out.Set(reflect.ValueOf(v))
	for i := range t.NumField() {
		field := out.Field(i)
		if t.Field(i).Type == reflect.TypeFor[string]() && slices.Contains(freeText(), t.Field(i).Name) && utf8.ValidString(field.String()) {
			field.SetString(MaskText(field.String(), names...))
		}
	}
	return out.Interface()
}
