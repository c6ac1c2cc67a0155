package main

import (
	"encoding/json"
	"fmt"
	"os"

	"guiling/internal/app"
	"guiling/internal/store"
)

type importCmd struct {
	Codebook string `required:"" help:"How the source writes: platform, gbt39046 or device."`
	JSON     bool   `name:"json" help:"Print the counts as JSON."`
	File     string `arg:"" type:"existingfile" help:"The file of reviews."`
}

func (i importCmd) Run(r run) error {
	file, err := os.Open(i.File)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer func() { _ = file.Close() }()
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		counts, err := app.OpenImporter(st).ImportReviews(r.ctx, i.Codebook, i.File, file)
		if err != nil {
			return err
		}
		return i.print(counts)
	})
}

func (i importCmd) print(c store.ImportCounts) error {
	if i.JSON {
		return json.NewEncoder(os.Stdout).Encode(c)
	}
	_, err := fmt.Fprintf(os.Stdout,
		"rows %d: accepted %d, duplicates %d, quarantined %d; negative %d, cases opened %d\n",
		c.Rows, c.Accepted, c.Duplicates, c.Quarantined, c.Negative, c.CasesOpened)
	return err
}
