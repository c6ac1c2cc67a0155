package reference

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"

	"guiling/internal/casework"
	"guiling/internal/strictyaml"
)

//go:embed texts.yaml
var textsFile []byte

// Text is a text that ships with the program. It belongs to nobody: everybody may
// use it as it is, and copy it to make it their own.
type Text struct {
	casework.TextTemplate

	Key     string // unique, kebab-case, never given to another text
	Article string // that it serves
}

var textKey = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// Texts gives the texts that ship with the program, in the order of the file.
func Texts() ([]Text, error) {
	var rows []struct {
		Key     string            `json:"key"`
		Kind    casework.TextKind `json:"kind"`
		Name    string            `json:"name"`
		Stage   casework.Stage    `json:"stage"`
		Aspect  casework.Aspect   `json:"aspect"`
		Article string            `json:"article"`
		Body    string            `json:"body"`
	}
	if err := strictyaml.Decode(textsFile, &rows); err != nil {
		return nil, fmt.Errorf("texts: %w", err)
	}
	texts, keys, names := make([]Text, 0, len(rows)), map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		checked, err := casework.TextTemplate{Kind: r.Kind, Name: r.Name, Body: r.Body, Stage: r.Stage, Aspect: r.Aspect}.Check()
		switch {
		case err != nil:
		case !textKey.MatchString(r.Key) || keys[r.Key] || names[checked.Name]:
			err = errors.New("the key is no name in small letters, or key or name are there twice")
		case r.Article == "":
			err = errors.New("no article is named")
		}
		if err != nil {
			return nil, fmt.Errorf("texts: %s: %w", r.Key, err)
		}
		keys[r.Key], names[checked.Name] = true, true
		texts = append(texts, Text{TextTemplate: checked, Key: r.Key, Article: r.Article})
	}
	return texts, nil
}
