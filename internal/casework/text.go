package casework

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxText is the longest text, in characters, that a person may write into a
// field of an action.
const MaxText = 2000

// checkText refuses text that the database could not hold or a reader could
// not read: NUL, invalid UTF-8, too long, or blank where something is needed.
func checkText(field, value string, required bool) error {
	switch {
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return Invalid(field, "invalid_text", "the text holds a NUL or is not valid UTF-8")
	case required && strings.TrimSpace(value) == "":
		return Invalid(field, "required", "this field is needed")
	case utf8.RuneCountInString(value) > MaxText:
		return Invalid(field, "text_too_long", fmt.Sprintf("at most %d characters", MaxText))
	}
	return nil
}
