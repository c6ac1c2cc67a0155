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

	"github.com/goccy/go-yaml"
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
