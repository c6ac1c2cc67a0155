// Package sealing encrypts the personal data of citizens (第六条) with
// authenticated encryption. What is sealed is bound to a context, so that a
// value copied to another row does not open there.
//
// The keys of the key file seal small things directly, and wrap data keys: each
// citizen's data has one of its own, so that destroying that key destroys the
// data wherever copies of it lie, and so that a rotation wraps keys anew and
// leaves the data alone.
package sealing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Sealer seals and opens. It is safe for use by many goroutines, and follows its
// key file: a key that another process added is known within a second, or at the
// first value that it opens.
type Sealer struct {
	path   string
	cipher Provider // of new keys
	mac    []byte

	mu      sync.Mutex
	ring    *ring // what the file held when it was read last
	checked time.Time
}

// hashKeySuffix names the second key, beside the first. It keys the hashes and
// outlives every rotation of the encryption key.
const (
	hashKeySuffix = ".hash"
	hashKeyBytes  = 32
)

// Option changes how a Sealer works.
type Option func(*Sealer)

// WithCipher makes new keys for a provider other than AES. Values of every
// provider that this program knows stay readable.
func WithCipher(p Provider) Option { return func(s *Sealer) { s.cipher = p } }

// Open reads the key file and the one beside it that keys the hashes. When there
// is none and create is true it makes them with fresh keys. They hold the keys
// in clear and are readable by their owner only; who loses them loses the
// personal data, who leaks them leaks it.
func Open(path string, create bool, options ...Option) (*Sealer, error) {
	s := &Sealer{path: path, cipher: AES()}
	for _, o := range options {
		o(s)
	}
	for _, p := range append(Providers(), s.cipher) {
		if err := p.Register(); err != nil {
			return nil, fmt.Errorf("cipher %s: %w", p.Algorithm(), err)
		}
	}
	// A key without its companion was taken apart: a fresh one would no longer
	// recognise what came in before.
	_, missing := os.Stat(path)
	create = create && errors.Is(missing, fs.ErrNotExist)
	// The companion is made first, so that whoever finds the key finds both.
	hashKey, err := readOrMake(path+hashKeySuffix, create, newHashKey)
	if err != nil {
		return nil, fmt.Errorf("hash key file: %w", err)
	}
	if _, err := readOrMake(path, create, s.newKeyset); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if len(hashKey) != hashKeyBytes {
		return nil, fmt.Errorf("hash key file %s: %d bytes are expected, not %d", path+hashKeySuffix, hashKeyBytes, len(hashKey))
	}
	s.mac = hashKey
	if s.ring, err = readRing(path); err != nil {
		return nil, err
	}
	s.checked = time.Now() //nolint:forbidigo // when a file was looked at, no deadline of a case
	return s, nil
}

func (s *Sealer) newKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(s.cipher.KeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	return written(handle)
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
	r := s.fresh()
	sealed, err := r.aead.Encrypt(data, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what Seal made for the same context, with this key or with an
// older one of the file.
func (s *Sealer) Unseal(sealed []byte, context string) ([]byte, error) {
	var data []byte
	err := s.withRing(func(r *ring) error {
		var err error
		data, err = r.aead.Decrypt(sealed, []byte(context))
		return err
	})
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
