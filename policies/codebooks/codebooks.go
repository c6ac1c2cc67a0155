// Package codebooks holds the code books: how each source writes reviews, one
// YAML file each, embedded. Two sources that use the same names for columns and
// other codes in them get two books.
package codebooks

import (
	"embed"
	"io/fs"

	"guiling/internal/casework"
	"guiling/internal/strictyaml"
)

//go:embed *.yaml
var files embed.FS

// Load gives the book that is kept in <id>.yaml. A book that is not there is
// CodeNotFound; one that does not validate is an error too.
func Load(id string) (casework.CodeBook, error) {
	return load(files, id)
}

// All gives every book, in the order of their ids. The program calls it at
// start, so that a broken book stops it there and not at the first file.
func All() ([]casework.CodeBook, error) {
	return strictyaml.LoadAll[casework.CodeBook](files, unknown())
}

func load(from fs.FS, id string) (casework.CodeBook, error) {
	return strictyaml.Load[casework.CodeBook](from, id, unknown())
}

func unknown() casework.Error {
	return casework.Error{Code: casework.CodeNotFound, Reason: "code_book_unknown", Field: "code_book"}
}
