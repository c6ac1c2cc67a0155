// Package codebooks holds the code books: how each source writes reviews, one
// YAML file each, embedded. Two sources that use the same names for columns and
// other codes in them get two books.
package codebooks

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

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
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the code books: %w", err)
	}
	books := make([]casework.CodeBook, 0, len(names))
	for _, name := range names {
		book, err := Load(strings.TrimSuffix(name, ".yaml"))
		if err != nil {
			return nil, err
		}
		books = append(books, book)
	}
	return books, nil
}

func load(from fs.ReadFileFS, id string) (casework.CodeBook, error) {
	data, err := from.ReadFile(id + ".yaml")
	if err != nil {
		return casework.CodeBook{}, &casework.Error{
			Code: casework.CodeNotFound, Reason: "code_book_unknown", Field: "code_book",
			Detail: fmt.Sprintf("there is no code book %q", id),
		}
	}
	var book casework.CodeBook
	if err := strictyaml.Decode(data, &book); err != nil {
		return casework.CodeBook{}, fmt.Errorf("code book %s: %w", id, err)
	}
	if err := book.Validate(); err != nil {
		return casework.CodeBook{}, fmt.Errorf("code book %s: %w", id, err)
	}
	if book.ID != id {
		return casework.CodeBook{}, fmt.Errorf("code book %s: the file says id %q", id, book.ID)
	}
	return book, nil
}
