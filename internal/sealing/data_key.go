package sealing

import (
	"bytes"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// DataKey is the key of one citizen's data, wrapped: sealed in turn by a key of
// the key file. Whoever destroys it destroys what it sealed.
type DataKey struct {
	Algorithm string // of the data key
	Wrapped   []byte
	KeyID     uint32 // of the key that wraps it
}

// SealWithKey encrypts data for the context with a fresh key of its own.
func (s *Sealer) SealWithKey(data []byte, context string) (sealed []byte, key DataKey, err error) {
	r := s.fresh()
	handle, err := keyset.NewHandle(s.cipher.KeyTemplate())
	if err != nil {
		return nil, DataKey{}, fmt.Errorf("new data key: %w", err)
	}
	if sealed, err = encrypt(handle, data, context); err != nil {
		return nil, DataKey{}, err
	}
	key, err = r.wrap(handle, s.cipher.Algorithm(), context)
	return sealed, key, err
}

// UnsealWithKey decrypts what SealWithKey made for the same context.
func (s *Sealer) UnsealWithKey(sealed []byte, key DataKey, context string) ([]byte, error) {
	return s.UnsealUnder(sealed, key, context, context)
}

// NewDataKey makes a data key for the context that has sealed nothing yet.
func (s *Sealer) NewDataKey(context string) (DataKey, error) {
	handle, err := keyset.NewHandle(s.cipher.KeyTemplate())
	if err != nil {
		return DataKey{}, fmt.Errorf("new data key: %w", err)
	}
	return s.fresh().wrap(handle, s.cipher.Algorithm(), context)
}

// SealUnder encrypts something more, for a context of its own, with a data key that
// was made for keyContext: whoever destroys the key destroys this as well.
func (s *Sealer) SealUnder(data []byte, key DataKey, keyContext, context string) ([]byte, error) {
	handle, err := s.unwrap(key, keyContext)
	if err != nil {
		return nil, err
	}
	return encrypt(handle, data, context)
}

// UnsealUnder decrypts what SealUnder made for the same contexts.
func (s *Sealer) UnsealUnder(sealed []byte, key DataKey, keyContext, context string) ([]byte, error) {
	handle, err := s.unwrap(key, keyContext)
	if err != nil {
		return nil, err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	data, err := primitive.Decrypt(sealed, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	return data, nil
}

func encrypt(handle *keyset.Handle, data []byte, context string) ([]byte, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	sealed, err := primitive.Encrypt(data, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Rewrap wraps a data key by the key that is the primary one now. What the data
// key sealed stays as it is.
func (s *Sealer) Rewrap(key DataKey, context string) (DataKey, error) {
	handle, err := s.unwrap(key, context)
	if err != nil {
		return DataKey{}, err
	}
	return s.fresh().wrap(handle, key.Algorithm, context)
}

func (r *ring) wrap(handle *keyset.Handle, algorithm, context string) (DataKey, error) {
	var out bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), r.aead, wrappedFor(context)); err != nil {
		return DataKey{}, fmt.Errorf("wrap data key: %w", err)
	}
	return DataKey{Algorithm: algorithm, Wrapped: out.Bytes(), KeyID: r.primary}, nil
}

func (s *Sealer) unwrap(key DataKey, context string) (*keyset.Handle, error) {
	var handle *keyset.Handle
	err := s.withRing(func(r *ring) error {
		var err error
		handle, err = keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(key.Wrapped)), r.aead, wrappedFor(context))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	return handle, nil
}

func wrappedFor(context string) []byte { return []byte("data-key/" + context) }
