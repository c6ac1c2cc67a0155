package casework

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden stands for what a mask cannot show a part of without telling too much.
const hidden = "****"

// MaskName shows the first character of a name and hides how many follow: 张*
// (第六条). What does not begin with a letter is no name and is hidden whole, as
// is a name of one character.
func MaskName(name string) string {
	name = strings.TrimSpace(name)
	if name == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(name)
	if first == utf8.RuneError || !unicode.IsLetter(first) || size == len(name) {
		return "*"
	}
	return string(first) + "*"
}

// MaskPhone shows three digits in front and four behind of a mobile number:
// 138****1234 (第六条). A number of any other form is hidden whole, because a
// short one would be told by what is shown.
func MaskPhone(phone string) string {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(phone))
	if digits == "" {
		return ""
	}
	digits = strings.TrimPrefix(digits, "+86")
	if len(digits) != 11 || digits[0] != '1' || !asciiDigits(digits) {
		return hidden
	}
	return digits[:3] + hidden + digits[7:]
}

// MaskIDNumber shows the first and the last character of an ID number of 15 or
// 18 characters, and hides anything else whole (第六条). What lies between is
// where a person is from and when they were born.
func MaskIDNumber(id string) string {
	id = strings.TrimSpace(id)
	if id == "" {
		return ""
	}
	n := len(id)
	if (n != 15 && n != 18) || !asciiDigits(id[:n-1]) || (!asciiDigits(id[n-1:]) && id[n-1] != 'X' && id[n-1] != 'x') {
		return hidden
	}
	return id[:1] + strings.Repeat("*", n-2) + id[n-1:]
}

func asciiDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
