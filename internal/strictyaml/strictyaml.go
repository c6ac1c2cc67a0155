// Package strictyaml reads the YAML files that people keep by hand: rule packs,
// code books, demo data. What it does not know it refuses, because a
// misspelled key that is silently dropped would change a deadline without
// anybody seeing it.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/goccy/go-yaml"

	"guiling/internal/casework"
)

// Decode reads the one document in data into target. Fields go by their json
// tags. An unknown key, a key given twice, a second document and an empty file
// are errors.
func Decode(data []byte, target any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := decoder.Decode(target); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the file is empty")
		}
		return fmt.Errorf("read YAML: %w", err)
	}
	var more any
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return errors.New("the file holds more than one document")
	}
	return nil
}

const suffix = ".yaml"

// Kept is a kind of data that is kept in a folder, one <id>.yaml each.
type Kept interface {
	// Identity is the id that the file says it has.
	Identity() string
	Validate() error
}

// Load gives the data kept in <id>.yaml. What is not there is unknown; what does
// not validate, or says another id than its file, is an error too and cannot be
// used in part.
func Load[T Kept](files fs.FS, id string, unknown casework.Error) (T, error) {
	var kept, none T
	data, err := fs.ReadFile(files, id+suffix)
	if err != nil {
		unknown.Detail = fmt.Sprintf("there is no %s %q", unknown.Field, id)
		return none, &unknown
	}
	if err := Decode(data, &kept); err != nil {
		return none, fmt.Errorf("%s %s: %w", unknown.Field, id, err)
	}
	if err := kept.Validate(); err != nil {
		return none, fmt.Errorf("%s %s: %w", unknown.Field, id, err)
	}
	if kept.Identity() != id {
		return none, fmt.Errorf("%s %s: the file says id %q", unknown.Field, id, kept.Identity())
	}
	return kept, nil
}

// LoadAll gives everything kept in the folder, in the order of the ids.
func LoadAll[T Kept](files fs.FS, unknown casework.Error) ([]T, error) {
	names, err := fs.Glob(files, "*"+suffix)
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", unknown.Field, err)
	}
	all := make([]T, 0, len(names))
	for _, name := range names {
		kept, err := Load[T](files, strings.TrimSuffix(name, suffix), unknown)
		if err != nil {
			return nil, err
		}
		all = append(all, kept)
	}
	return all, nil
}
