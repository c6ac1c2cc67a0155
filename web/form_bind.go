package web

import (
	"encoding/json"
	"net/url"
	"strconv"
	"unicode/utf8"

	"guiling/internal/casework"
)

// bindCommand makes the command of an action out of a form. Only the fields of
// the action are read; what a field may hold, the command checks. The errors are
// all that are wrong with the form itself, or the first that the command finds.
func bindCommand(action casework.Action, form url.Values) (casework.Command, []*casework.Error) {
	fields := make(map[string]any)
	var wrong []*casework.Error
	for _, f := range casework.CommandFields(action) {
		value, err := bindField(action, f, form)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case value != nil:
			fields[f.Name] = value
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, []*casework.Error{casework.Invalid("", "malformed_form", "the form could not be read")}
	}
	command, err := casework.DecodeCommand(action, data)
	if domain, ok := casework.AsError(err); ok {
		return nil, []*casework.Error{domain}
	}
	if err != nil {
		return nil, []*casework.Error{casework.Invalid("", "malformed_form", "the form could not be read")}
	}
	return command, nil
}

// bindField reads one field by its kind; nil when it was left empty.
func bindField(action casework.Action, f casework.CommandField, form url.Values) (any, *casework.Error) {
	text := form.Get(f.Name)
	if !utf8.ValidString(text) {
		return nil, casework.Invalid(f.Name, "invalid_text", "the text is not valid UTF-8")
	}
	switch f.Kind {
	case "bool":
		switch {
		case text == "true":
			return true, nil
		case text == "false":
			return false, nil
		case text == "" && specOf(action, f.Name).Widget == widgetTick:
			return false, nil
		}
		// A choice that nobody made is not a no.
		return nil, casework.Invalid(f.Name, "required", "yes or no")
	case "int":
		if text == "" {
			return nil, nil //nolint:nilnil // no value and no error: left empty
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, casework.Invalid(f.Name, "unknown_value", "not one of those offered")
		}
		return n, nil
	case "date":
		if text == "" {
			return nil, nil //nolint:nilnil // no value and no error: left empty
		}
		if _, err := casework.ParseDate(text); err != nil {
			return nil, casework.Invalid(f.Name, "not_a_date", "a date has the form YYYY-MM-DD")
		}
		return text, nil
	default:
		return text, nil
	}
}
