package sealing_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"guiling/internal/sealing"
)

// camellia stands for a provider that this program does not have.
type camellia struct{}

const camelliaURL = "type.googleapis.com/guiling.test.CamelliaGcmKey"

func (camellia) Algorithm() string { return "CAMELLIA-GCM" }
func (camellia) KeyTemplate() *tinkpb.KeyTemplate {
	return &tinkpb.KeyTemplate{TypeUrl: camelliaURL, OutputPrefixType: tinkpb.OutputPrefixType_TINK}
}
func (camellia) HashAlgorithm() string { return "HMAC-SHA512" }
func (camellia) NewHash() hash.Hash    { return sha512.New() }
func (camellia) Register() error {
	return sealing.RegisterAEAD(camelliaURL, 32, func(key []byte) (cipher.Block, error) { return aes.NewCipher(key) })
}

func TestProvidersAreExchangeable(t *testing.T) {
	t.Parallel()
	for _, p := range []sealing.Provider{sealing.AES(), sealing.SM4(), camellia{}} {
		t.Run(p.Algorithm(), func(t *testing.T) {
			t.Parallel()
			path := keyFile(t)
			old := open(t, path) // by AES, as every key file of before
			before, err := old.Seal([]byte("before"), "a")
			require.NoError(t, err)
			index, err := old.Index("phone", "12000000001")
			require.NoError(t, err)

			s, err := sealing.Open(path, false, sealing.WithCipher(p))
			require.NoError(t, err)
			key, err := s.Rotate()
			require.NoError(t, err)
			require.Equal(t, p.Algorithm(), key.Algorithm)
			keys := s.Keys()
			require.Len(t, keys, 2)
			require.Equal(t, key, keys[0])
			require.Equal(t, "AES256-GCM", keys[1].Algorithm)

			opened, err := s.Unseal(before, "a")
			require.NoError(t, err)
			require.Equal(t, "before", string(opened))
			direct, err := s.Seal([]byte("small"), "a")
			require.NoError(t, err)
			require.Equal(t, binary.BigEndian.AppendUint32([]byte{1}, key.ID), direct[:5], "what a key sealed tells by which")
			opened, err = old.Unseal(direct, "a")
			require.NoError(t, err)
			require.Equal(t, "small", string(opened))
			sealed, dataKey, err := s.SealWithKey([]byte("李某庚"), "a")
			require.NoError(t, err)
			require.Equal(t, p.Algorithm(), dataKey.Algorithm)
			require.Equal(t, key.ID, dataKey.KeyID)
			opened, err = old.UnsealWithKey(sealed, dataKey, "a")
			require.NoError(t, err, "another process finds the new key when it needs it")
			require.Equal(t, "李某庚", string(opened))
			_, err = s.UnsealWithKey(sealed, dataKey, "b")
			require.Error(t, err, "neither key nor data open for another row")
			sealed[len(sealed)-1] ^= 1
			_, err = s.UnsealWithKey(sealed, dataKey, "a")
			require.Error(t, err)

			other, err := s.Index("phone", "12000000001")
			require.NoError(t, err)
			if p.HashAlgorithm() == "HMAC-SHA256" {
				require.Equal(t, index, other)
				require.Equal(t, old.IndexKey(), s.IndexKey())
			} else {
				require.NotEqual(t, index, other)
				require.NotEqual(t, old.IndexKey(), s.IndexKey())
			}
		})
	}
}

func TestIndexesOfTwoPurposesDoNotMeet(t *testing.T) {
	t.Parallel()
	s := open(t, keyFile(t))
	phone, err := s.Index("phone", "12000000001")
	require.NoError(t, err)
	again, err := s.Index("phone", "12000000001")
	require.NoError(t, err)
	id, err := s.Index("id", "12000000001")
	require.NoError(t, err)
	require.Equal(t, phone, again)
	require.NotEqual(t, phone, id)
	require.NotEqual(t, phone, s.Hash([]byte("12000000001")))
}

func TestOlderKeysStayUntilTheyAreDestroyed(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	s := open(t, path)
	first := s.Keys()
	sealed, key, err := s.SealWithKey([]byte("data"), "a")
	require.NoError(t, err)
	direct, err := s.Seal([]byte("data"), "a")
	require.NoError(t, err)
	_, err = s.Rotate()
	require.NoError(t, err)
	wrapped, err := s.Rewrap(key, "a")
	require.NoError(t, err)
	require.NotEqual(t, key.KeyID, wrapped.KeyID)
	require.Error(t, s.Destroy(wrapped.KeyID), "the primary key cannot go")
	require.NoError(t, s.Destroy(first[0].ID))
	_, err = s.UnsealWithKey(sealed, wrapped, "a")
	require.NoError(t, err, "the data was not touched")
	_, err = s.UnsealWithKey(sealed, key, "a")
	require.Error(t, err)
	_, err = s.Unseal(direct, "a")
	require.Error(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestRotationUnderWork: readers and writers in "other processes" go on while the
// key is rotated again and again, and nothing ever fails to open.
func TestRotationUnderWork(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	rotating := open(t, path)
	stop := make(chan struct{})
	var group sync.WaitGroup
	failures := make(chan error, 8)
	for range 4 {
		writer, reader := open(t, path), open(t, path)
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				sealed, key, err := writer.SealWithKey([]byte("data"), "a")
				if err == nil {
					_, err = reader.UnsealWithKey(sealed, key, "a")
				}
				if err != nil {
					failures <- err
					return
				}
			}
		})
	}
	for range 5 {
		time.Sleep(300 * time.Millisecond)
		_, err := rotating.Rotate()
		require.NoError(t, err)
	}
	close(stop)
	group.Wait()
	require.Empty(t, failures)
	keys := rotating.Keys()
	require.Len(t, keys, 6)
}
