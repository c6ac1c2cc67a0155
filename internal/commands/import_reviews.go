package commands

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"guiling/internal/intake"
	"guiling/internal/store"
	"guiling/policies/codebooks"
	"guiling/reference"
)

// Importer takes files of reviews in. It needs the database only: an engine that
// is away delays the cases and refuses no review.
type Importer struct {
	Store *store.Store
	Now   func() time.Time
}

// ImportReviews takes a file in, read by a code book: all of its rows or, on any
// error, none. Rows that cannot be understood wait in quarantine with their
// reason. The same file again changes nothing.
//
// Errors that are *casework.Error are the file's fault or name an unknown code
// book; see intake.Each.
func (im Importer) ImportReviews(ctx context.Context, codebook, fileName string, file io.Reader) (store.ImportCounts, error) {
	book, err := codebooks.Load(codebook)
	if err != nil {
		return store.ImportCounts{}, err
	}
	tags, err := reference.ReasonTags()
	if err != nil {
		return store.ImportCounts{}, fmt.Errorf("reason tags: %w", err)
	}
	regions, err := im.Store.RegionCodes(ctx)
	if err != nil {
		return store.ImportCounts{}, err
	}
	now := im.Now()
	facts := intake.Facts{Tags: tags, RegionKnown: func(code string) bool { return regions[code] }, Now: now}
	return im.Store.Import(ctx, store.ImportFile{Codebook: book.ID, Name: filepath.Base(fileName)}, now,
		func(take func(intake.Row) error) (intake.Summary, error) { return intake.Each(file, book, facts, take) })
}
