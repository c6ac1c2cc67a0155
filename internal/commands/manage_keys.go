package commands

import (
	"context"
	"errors"

	"guiling/internal/casework"
	"guiling/internal/sealing"
	"guiling/internal/store"
)

// KeyPage is what the keys of personal data look like. No key is in it.
type KeyPage struct {
	Keys []store.KeyState
	// Writable says that this process can change the key file; where it cannot, the
	// command line on the server that holds the file does.
	Writable bool
}

// ListKeys lists the keys of personal data, for who manages them.
func (s *Service) ListKeys(ctx context.Context, actor casework.Actor) (KeyPage, error) {
	if _, err := s.administerAll(ctx, actor, casework.ActionManageKeys); err != nil {
		return KeyPage{}, err
	}
	keys, err := s.store.Keys(ctx)
	return KeyPage{Keys: keys, Writable: s.store.KeysWritable()}, err
}

// RotateKeys adds a key with which everything new is sealed from now on. A worker
// wraps the data keys anew within a minute; all can be read meanwhile. Where the
// key file cannot be written from here it is CodeConflict.
func (s *Service) RotateKeys(ctx context.Context, actor casework.Actor) error {
	by, err := s.administerAll(ctx, actor, casework.ActionManageKeys)
	if err != nil {
		return err
	}
	_, err = s.store.RotateKey(ctx, by)
	if errors.Is(err, sealing.ErrNotWritable) {
		return casework.Conflict("key_file_elsewhere", "the key file cannot be written by this process: use guiling keys rotate")
	}
	return err
}
