package sealing

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// checkPause is how long a key file is taken to be unchanged. A process that has
// not seen a rotation yet goes on with the key before for so long, which every
// other one can read.
const checkPause = time.Second

// ring is the content of a key file at one time. It never changes.
type ring struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	primary uint32
	file    fs.FileInfo
}

func readRing(path string) (*ring, error) {
	// The state is taken before the content: a file replaced in between is read
	// again at the next look.
	file, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	keys, err := os.ReadFile(path) //nolint:gosec // G304: the path is a setting of the operator
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(keys)))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	r := &ring{handle: handle, primary: handle.KeysetInfo().GetPrimaryKeyId(), file: file}
	if r.aead, err = aead.New(handle); err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return r, nil
}

func (r *ring) is(file fs.FileInfo) bool {
	return os.SameFile(r.file, file) && r.file.ModTime().Equal(file.ModTime()) && r.file.Size() == file.Size()
}

// fresh gives the keys, read again when the file has changed and the last look
// is a while ago.
func (s *Sealer) fresh() *ring {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.checked) >= checkPause { //nolint:forbidigo // when a file was looked at, no deadline of a case
		s.look()
		s.checked = now
	}
	return s.ring
}

// look reads the file again when it has changed. A file that is away for a
// moment, or half there, leaves the keys that are known in use.
func (s *Sealer) look() {
	file, err := os.Stat(s.path)
	if err != nil || s.ring.is(file) {
		return
	}
	if r, err := readRing(s.path); err == nil {
		s.ring = r
	}
}

// withRing opens something, and once more when it does not open and the file has
// changed: it may have been sealed by a key that came in just now.
func (s *Sealer) withRing(open func(*ring) error) error {
	r := s.fresh()
	err := open(r)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	s.look()
	again := s.ring
	s.mu.Unlock()
	if again == r {
		return err
	}
	return open(again)
}

// Key is one key of the file, without the key.
type Key struct {
	ID        uint32
	Algorithm string
	Primary   bool // seals and wraps what is new
}

// Keys lists the keys of the file, the primary one first.
func (s *Sealer) Keys() []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
	return s.ring.keys(s.cipher)
}

func (r *ring) keys(extra Provider) []Key {
	var keys []Key
	for _, k := range r.handle.KeysetInfo().GetKeyInfo() {
		if k.GetStatus() != tinkpb.KeyStatusType_ENABLED {
			continue
		}
		key := Key{ID: k.GetKeyId(), Algorithm: algorithmOf(k.GetTypeUrl(), extra), Primary: k.GetKeyId() == r.primary}
		if key.Primary {
			keys = slices.Insert(keys, 0, key)
		} else {
			keys = append(keys, key)
		}
	}
	return keys
}

// ErrNotWritable says that this process cannot change the key file.
var ErrNotWritable = errors.New("the key file cannot be written here")

// Writable reports whether this process can replace the key file.
func (s *Sealer) Writable() bool {
	probe, err := os.CreateTemp(filepath.Dir(s.path), ".key-*")
	if err != nil {
		return false
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name())) == nil
}

// Rotate adds a key to the file and makes it the one that seals and wraps from
// now on. The older ones stay, for reading. Two must not run at once: the store
// sees to that.
func (s *Sealer) Rotate() (Key, error) {
	var id uint32
	err := s.change(func(m *keyset.Manager) error {
		var err error
		if id, err = m.Add(s.cipher.KeyTemplate()); err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
	if err != nil {
		return Key{}, fmt.Errorf("rotate: %w", err)
	}
	return Key{ID: id, Algorithm: s.cipher.Algorithm(), Primary: true}, nil
}

// Destroy removes a key from the file. What only it opens is lost: the store
// checks first that there is nothing.
func (s *Sealer) Destroy(id uint32) error {
	err := s.change(func(m *keyset.Manager) error { return m.Delete(id) })
	if err != nil {
		return fmt.Errorf("destroy key %d: %w", id, err)
	}
	return nil
}

// change replaces the file as a whole: whoever reads finds the old keys or the
// new ones.
func (s *Sealer) change(do func(*keyset.Manager) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := readRing(s.path)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(now.handle)
	if err := do(manager); err != nil {
		return err
	}
	handle, err := manager.Handle()
	if err != nil {
		return err
	}
	data, err := written(handle)
	if err != nil {
		return err
	}
	if err := replaceFile(s.path, data); err != nil {
		return errors.Join(ErrNotWritable, err)
	}
	s.ring, err = readRing(s.path)
	return err
}

func written(handle *keyset.Handle) ([]byte, error) {
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
		return nil, fmt.Errorf("write keys: %w", err)
	}
	return out.Bytes(), nil
}

func replaceFile(path string, data []byte) error {
	folder := filepath.Dir(path)
	temporary, err := os.CreateTemp(folder, ".key-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(data)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	// A key that was used and then lost with the power would be the end of what it
	// sealed: the name must be on the disk as well.
	dir, err := os.Open(folder) //nolint:gosec // G304: the folder of a setting of the operator
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
