package store

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What a search may hold: nobody types more, and each word costs.
const (
	maxSearchWords = 8
	maxSearchWord  = 64 // characters
)

// SearchWords takes a search apart: words between spaces, folded as the database
// folds texts (full-width letters are plain ones, capitals are small). Two
// characters are enough. What is longer than any search is cut.
func SearchWords(typed string) []string {
	// NUL and broken bytes are in no text that could be found.
	clean := strings.ToValidUTF8(strings.ReplaceAll(typed, "\x00", ""), "")
	var words []string
	for _, word := range strings.FieldsFunc(foldSearch(clean), unicode.IsSpace) {
		if characters := []rune(word); len(characters) > maxSearchWord {
			word = string(characters[:maxSearchWord])
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words[:min(len(words), maxSearchWords)]
}

// foldSearch is search_fold of the database.
func foldSearch(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, norm.NFKC.String(text))
}

// searchTokens are tokens that a text has that holds the word; see search_tokens
// in the database. The longest there are, for they are the rarest.
func searchTokens(word string) []string {
	characters := []rune(word)
	if len(characters) == 1 {
		return []string{word}
	}
	var tokens []string
	for i := range len(characters) - 1 {
		if i+2 < len(characters) && ascii(characters[i:i+3]) {
			tokens = append(tokens, string(characters[i:i+3]))
			continue
		}
		// Two in ASCII are part of three that were taken, unless they stand alone.
		if ascii(characters[i:i+2]) && i > 0 && ascii(characters[i-1:i+1]) {
			continue
		}
		tokens = append(tokens, string(characters[i:i+2]))
	}
	return tokens
}

// isToken reports whether a word is a token as it is: a text has the token exactly
// when the word is part of it. The tokens of departments begin with # and are of no
// text.
func isToken(word string) bool {
	characters := []rune(word)
	return characters[0] != '#' && (len(characters) <= 2 || len(characters) == 3 && ascii(characters))
}

func ascii(characters []rune) bool {
	return !slices.ContainsFunc(characters, func(r rune) bool { return r > unicode.MaxASCII })
}

var placePattern = regexp.MustCompile(`\$(\d+)`)

// shiftPlaces moves the numbers of the arguments in a piece of SQL.
func shiftPlaces(query string, by int) string {
	return placePattern.ReplaceAllStringFunc(query, func(place string) string {
		n, err := strconv.Atoi(place[1:])
		if err != nil {
			return place // more digits than any query has
		}
		return fmt.Sprintf("$%d", n+by)
	})
}
