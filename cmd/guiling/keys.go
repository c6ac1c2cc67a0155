package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/store"
)

type keysCmd struct {
	List    listKeysCmd   `cmd:"" help:"List the keys of personal data, and how many data keys each wraps."`
	Rotate  rotateKeysCmd `cmd:"" help:"Add a key for everything new, and wrap all data keys by it. May be stopped and started again."`
	Destroy destroyKeyCmd `cmd:"" help:"Take an old key out of the key file, once nothing needs it any more."`
	Shred   shredCmd      `cmd:"" help:"Destroy the data of reviewers whose retention period has passed, in place of waiting for the worker."`
}

type listKeysCmd struct {
	JSON bool `name:"json" help:"Print the list as JSON."`
}

func (c listKeysCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		keys, err := st.Keys(r.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(os.Stdout).Encode(keys)
		}
		return tellKeys(os.Stdout, keys)
	})
}

func tellKeys(out io.Writer, keys []store.KeyState) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(table, "key\talgorithm\tfirst used\tstatus\tdata keys")
	for _, k := range keys {
		if err == nil {
			_, err = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d\n", k.ID, k.Algorithm, k.FirstUsed.In(casework.China()).Format("2006-01-02 15:04"), statusOf(k), k.Wraps)
		}
	}
	if err != nil {
		return err
	}
	return table.Flush()
}

func statusOf(k store.KeyState) string {
	switch {
	case k.Primary:
		return "primary"
	case k.DestroyedAt != nil:
		return "destroyed"
	case !k.InFile:
		return "not in the key file"
	default:
		return "reads only"
	}
}

type rotateKeysCmd struct {
	RewrapOnly bool `help:"Add no key; only finish what an earlier rotation began."`
}

func (c rotateKeysCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		if !c.RewrapOnly {
			key, err := st.RotateKey(r.ctx, casework.By{})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(os.Stdout, "key %d (%s) seals and wraps everything new\n", key.ID, key.Algorithm); err != nil {
				return err
			}
		}
		if err := st.IndexAgain(r.ctx); err != nil {
			return err
		}
		over, err := st.BringOver(r.ctx, func(done, _ int) {
			_, _ = fmt.Fprintf(os.Stdout, "%d rows of before got data keys of their own\n", done)
		})
		if err != nil {
			return err
		}
		done, err := st.RewrapDataKeys(r.ctx, casework.By{}, func(done, left int) {
			_, _ = fmt.Fprintf(os.Stdout, "%d data keys wrapped anew, %d left\n", done, left)
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "done: %d rows brought over, %d data keys wrapped anew\nback the key file up now, apart from the database\n", over, done)
		return err
	})
}

type destroyKeyCmd struct {
	ID uint32 `arg:"" help:"The number of the key, as guiling keys list shows it."`
}

func (c destroyKeyCmd) Run(r run) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		if err := st.DestroyKey(r.ctx, casework.By{}, c.ID, time.Now()); err != nil {
			return err
		}
		_, err := fmt.Fprintf(os.Stdout, "key %d is out of the key file; destroy it in the backups of the key file as well\n", c.ID)
		return err
	})
}

type shredCmd struct {
	DryRun bool `help:"Only count whose data would be destroyed."`
}

func (c shredCmd) Run(r run) error {
	return r.withStore(func(s app.Settings, st *store.Store) error {
		before := app.RetentionEnd(s, time.Now())
		words := "would be destroyed"
		n, err := st.Shreddable(r.ctx, before)
		if err == nil && !c.DryRun {
			words = "were destroyed"
			n, err = app.ShredOld(r.ctx, s, st, 0)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "the data of %d reviewers and %d rows in quarantine %s (ended before %s)\n",
			n.Reviews, n.QuarantinedRows, words, before.Format("2006-01-02"))
		return err
	})
}
