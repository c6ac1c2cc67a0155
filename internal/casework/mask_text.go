package casework

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaskText hides what is shaped like a phone or an identity number in what
// people wrote, and each of the names that are given (第六条). What it gives is
// what may be stored in clear, listed, sent and logged:
//
//   - a run of eleven or more digits, full-width ones included, whatever it is:
//     phones with and without a country code, identity numbers of 15 and 18
//     characters, bank cards;
//   - the same number in groups, 138 0000 1234 or 410411-19900101-1234;
//   - a landline with its area code, 0375-1234567;
//   - a name of two characters or more that is given.
//
// Dates, amounts and the numbers of cases stay. Masking what is masked changes
// nothing.
func MaskText(text string, names ...string) string {
	for _, name := range names {
		name = strings.TrimSpace(name)
		if utf8.RuneCountInString(name) > 1 {
			text = strings.ReplaceAll(text, name, MaskName(name))
		}
	}
	return maskRunes([]rune(text))
}

// caseNumber is the form of the number of a case: region, day, sequence.
var caseNumber = regexp.MustCompile(`^[0-9]{6}-[0-9]{8}-[0-9]{6,10}$`)

// group is a run of digits in a text, by its places.
type group struct{ from, to int }

func (g group) len() int { return g.to - g.from }

func maskRunes(runes []rune) string {
	var out strings.Builder
	for i := 0; i < len(runes); {
		if digitOf(runes[i]) == 0 {
			out.WriteRune(runes[i])
			i++
			continue
		}
		groups := sequence(runes, i)
		end := groups[len(groups)-1].to
		out.WriteString(maskSequence(runes, groups))
		i = end
	}
	return out.String()
}

// sequence finds the groups of digits from a place on that stand together, with
// at most a space, a dash or a dot between two of them.
func sequence(runes []rune, from int) []group {
	var groups []group
	i := from
	for {
		start := i
		for i < len(runes) && digitOf(runes[i]) != 0 {
			i++
		}
		// The check character of an identity number.
		if (i-start == 17 || i-start == 4 || i-start == 3) && i < len(runes) && strings.ContainsRune("XxＸｘ", runes[i]) &&
			(i+1 == len(runes) || !isASCIIWord(runes[i+1])) {
			i++
		}
		groups = append(groups, group{start, i})
		if i+1 >= len(runes) || !strings.ContainsRune(" -.·－—　\u00a0", runes[i]) || digitOf(runes[i+1]) == 0 {
			return groups
		}
		i++
	}
}

func maskSequence(runes []rune, groups []group) string {
	if caseNumber.MatchString(string(runes[groups[0].from:groups[len(groups)-1].to])) {
		return string(runes[groups[0].from:groups[len(groups)-1].to])
	}
	var out strings.Builder
	for i := 0; i < len(groups); {
		n := personal(runes, groups[i:])
		if n == 0 {
			out.WriteString(string(runes[groups[i].from:groups[i].to]))
			n = 1
		} else {
			out.WriteString(maskDigits(runes, groups[i:i+n]))
		}
		i += n
		if i < len(groups) {
			out.WriteString(string(runes[groups[i-1].to:groups[i].from]))
		}
	}
	return out.String()
}

// personal says how many of the groups, from the first on, are one number of a
// person; 0 when the first begins none.
func personal(runes []rune, groups []group) int {
	first := groups[0]
	if first.len() >= 11 {
		return 1
	}
	if len(groups) > 1 && digitOf(runes[first.from]) == '0' && (first.len() == 3 || first.len() == 4) &&
		(groups[1].len() == 7 || groups[1].len() == 8) {
		return 2 // area code and number
	}
	if len(groups) > 2 && first.len() == 2 && string(digits(runes, groups[:1])) == "86" {
		if n := personal(runes, groups[1:]); n > 0 {
			return n + 1
		}
	}
	total := 0
	for i, g := range groups {
		total += g.len()
		switch {
		case i == 0:
		case total == 11 && digitOf(runes[first.from]) == '1' && first.len() >= 3:
			return i + 1 // 138 0000 1234
		case (total == 15 || total == 18) && first.len() == 6:
			return i + 1 // region, birthday, sequence
		}
		if total > 18 {
			break
		}
	}
	return 0
}

func digits(runes []rune, groups []group) []rune {
	var all []rune
	for _, g := range groups {
		for _, r := range runes[g.from:g.to] {
			if d := digitOf(r); d != 0 {
				all = append(all, d)
			} else {
				all = append(all, 'X')
			}
		}
	}
	return all
}

func maskDigits(runes []rune, groups []group) string {
	number := string(digits(runes, groups))
	if masked := MaskPhone(number); masked != hidden {
		return masked
	}
	if n := len(number); n == 13 && strings.HasPrefix(number, "86") {
		return MaskPhone(number[2:])
	}
	if masked := MaskIDNumber(number); masked != hidden {
		return masked
	}
	return hidden
}

// digitOf gives an ASCII digit for one of any script, and 0 for what is none.
func digitOf(r rune) rune {
	switch {
	case r >= '0' && r <= '9':
		return r
	case r >= '０' && r <= '９':
		return r - '０' + '0'
	case r > unicode.MaxASCII && unicode.Is(unicode.Nd, r):
		return '0' // which one does not matter: it is hidden
	default:
		return 0
	}
}

func isASCIIWord(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
