package sealing_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/sealing"
)

func open(t *testing.T, path string) *sealing.Sealer {
	t.Helper()
	sealer, err := sealing.Open(path, true)
	require.NoError(t, err)
	return sealer
}

func keyFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "var", "key.json")
}

func TestSealAndUnseal(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	sealer, reopened := open(t, path), open(t, path)
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		context := rapid.String().Draw(t, "context")
		sealed, err := sealer.Seal(data, context)
		require.NoError(t, err)
		again, err := sealer.Seal(data, context)
		require.NoError(t, err)
		require.NotEqual(t, sealed, again, "two sealings do not show that they hold the same")
		if len(data) > 3 {
			require.False(t, bytes.Contains(sealed, data))
		}
		for _, s := range []*sealing.Sealer{sealer, reopened} {
			opened, err := s.Unseal(sealed, context)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, opened))
		}
		_, err = sealer.Unseal(sealed, context+"x")
		require.Error(t, err, "a value that was copied to another row does not open there")

		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")
		tampered := slices.Clone(sealed)
		tampered[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		_, err = sealer.Unseal(tampered, context)
		require.Error(t, err)
		_, err = sealer.Unseal(sealed[:i], context)
		require.Error(t, err)
	})
}

func TestAnotherKeyOpensNothing(t *testing.T) {
	t.Parallel()
	sealer, other := open(t, keyFile(t)), open(t, keyFile(t))
	sealed, err := sealer.Seal([]byte("赵某甲"), "reviewer/1")
	require.NoError(t, err)
	_, err = other.Unseal(sealed, "reviewer/1")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "赵某甲")
	require.NotEqual(t, sealer.Hash([]byte("x")), other.Hash([]byte("x")))
}

func TestHash(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	first := open(t, path).Hash([]byte("12000000001"))
	require.Len(t, first, 32)
	require.Equal(t, first, open(t, path).Hash([]byte("12000000001")), "it outlives a restart")
	require.NotEqual(t, first, open(t, path).Hash([]byte("12000000002")))
	require.NoError(t, os.Remove(path))
	require.Equal(t, first, open(t, path).Hash([]byte("12000000001")), "and another encryption key")
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	_, err := sealing.Open(path, false)
	require.ErrorIs(t, err, fs.ErrNotExist, "no key is made unasked")
	require.NoDirExists(t, filepath.Dir(path))

	open(t, path)
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	names := make([]string, 0, len(files))
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), f.Name())
		names = append(names, f.Name())
	}
	require.Equal(t, []string{"key.json", "key.json.hash"}, names, "nothing is left beside the keys")
	_, err = sealing.Open(path, false)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	_, err = sealing.Open(path, true)
	require.ErrorContains(t, err, path, "a key file that is broken is named and never replaced")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "{}", string(content))
}

// TestWhoStartsAtOnceGetsTheSameKey: each file is linked into place by one of
// them, as it would be by one of several processes.
func TestWhoStartsAtOnceGetsTheSameKey(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	sealers := make([]*sealing.Sealer, 16)
	errs := make([]error, len(sealers))
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range sealers {
		group.Go(func() {
			<-start
			sealers[i], errs[i] = sealing.Open(path, true)
		})
	}
	close(start)
	group.Wait()
	for i, sealer := range sealers {
		require.NoError(t, errs[i])
		sealed, err := sealer.Seal([]byte("x"), "c")
		require.NoError(t, err)
		_, err = sealers[0].Unseal(sealed, "c")
		require.NoError(t, err)
		require.Equal(t, sealers[0].Hash([]byte("x")), sealer.Hash([]byte("x")))
	}
}
