// Package sealing encrypts the personal data of citizens (第六条) with
// authenticated encryption. What is sealed is bound to a context, so that a
// value copied to another row does not open there.
package sealing

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Sealer seals and opens. It is safe for use by many goroutines.
type Sealer struct {
	aead tink.AEAD
	mac  []byte
}

// hashKeySuffix names the second key, beside the first. It keys the hashes and
// outlives every rotation of the encryption key.
const (
	hashKeySuffix = ".hash"
	hashKeyBytes  = 32
)

// Open reads the key file and the one beside it that keys the hashes. When there
// is none and create is true it makes them with fresh keys. They hold the keys
// in clear and are readable by their owner only; who loses them loses the
// personal data, who leaks them leaks it.
func Open(path string, create bool) (*Sealer, error) {
	// A key without its companion was taken apart: a fresh one would no longer
	// recognise what came in before.
	_, missing := os.Stat(path)
	create = create && errors.Is(missing, fs.ErrNotExist)
	// The companion is made first, so that whoever finds the key finds both.
	hashKey, err := readOrMake(path+hashKeySuffix, create, newHashKey)
	if err != nil {
		return nil, fmt.Errorf("hash key file: %w", err)
	}
	keys, err := readOrMake(path, create, newKeyset)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if len(hashKey) != hashKeyBytes {
		return nil, fmt.Errorf("hash key file %s: %d bytes are expected, not %d", path+hashKeySuffix, hashKeyBytes, len(hashKey))
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(keys)))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return &Sealer{aead: primitive, mac: hashKey}, nil
}

func newKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return out.Bytes(), nil
}

func newHashKey() ([]byte, error) {
	key := make([]byte, hashKeyBytes)
	_, err := rand.Read(key)
	return key, err
}

func readOrMake(path string, create bool, make func() ([]byte, error)) ([]byte, error) {
	data, err := os.ReadFile(path) //nolint:gosec // G304: the path is a setting of the operator
	if err == nil || !errors.Is(err, fs.ErrNotExist) || !create {
		return data, err
	}
	fresh, err := make()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// Written beside and linked into place, so that of two processes that start
	// at once one wins and both read the winner's key.
	temporary, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(fresh)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temporary.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // G304: the path is a setting of the operator
}

// Seal encrypts data for the context, for example the natural key of its review.
func (s *Sealer) Seal(data []byte, context string) ([]byte, error) {
	sealed, err := s.aead.Encrypt(data, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what Seal made for the same context.
func (s *Sealer) Unseal(sealed []byte, context string) ([]byte, error) {
	data, err := s.aead.Decrypt(sealed, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	return data, nil
}

// Hash is a keyed hash: the same data gives the same hash, and nobody without
// the key can try which data it was.
func (s *Sealer) Hash(data []byte) []byte {
	mac := hmac.New(sha256.New, s.mac)
	mac.Write(data)
	return mac.Sum(nil)
}
