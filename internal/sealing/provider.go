package sealing

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"google.golang.org/protobuf/proto"
)

// Provider is a family of algorithms: one for keys that seal and wrap, one for
// keyed hashes. Its name is kept beside what it sealed. Any AEAD for which Tink
// has a key manager can be one.
type Provider interface {
	// Algorithm names the authenticated encryption, for example AES256-GCM.
	Algorithm() string
	// KeyTemplate describes its keys to Tink; the type URL tells whose a key is.
	KeyTemplate() *tinkpb.KeyTemplate
	// HashAlgorithm names the keyed hash, for example HMAC-SHA256.
	HashAlgorithm() string
	// NewHash is the hash function under the keyed hash.
	NewHash() hash.Hash
	// Register makes Tink know the keys. It may be called again.
	Register() error
}

// Providers lists the providers that this program has: what they sealed can be
// read whichever makes new keys.
func Providers() []Provider { return []Provider{AES(), SM4()} }

// ProviderOf finds a provider by the name of the setting: aes or sm4.
func ProviderOf(name string) (Provider, error) {
	switch name {
	case "aes", "":
		return AES(), nil
	case "sm4":
		return SM4(), nil
	default:
		return nil, fmt.Errorf("there is no cipher %q: aes or sm4 is expected", name)
	}
}

func algorithmOf(typeURL string, extra Provider) string {
	for _, p := range append(Providers(), extra) {
		if p.KeyTemplate().GetTypeUrl() == typeURL {
			return p.Algorithm()
		}
	}
	return typeURL
}

// AES is AES-256-GCM with HMAC-SHA-256.
func AES() Provider { return aesProvider{} }

type aesProvider struct{}

func (aesProvider) Algorithm() string                { return "AES256-GCM" }
func (aesProvider) KeyTemplate() *tinkpb.KeyTemplate { return aead.AES256GCMKeyTemplate() }
func (aesProvider) HashAlgorithm() string            { return "HMAC-SHA256" }
func (aesProvider) NewHash() hash.Hash               { return sha256.New() }
func (aesProvider) Register() error                  { return nil } // Tink has it

// SM4 is SM4-GCM with HMAC-SM3 (国密, GB/T 32907 and GB/T 32905).
func SM4() Provider { return sm4Provider{} }

type sm4Provider struct{}

const sm4TypeURL = "type.googleapis.com/guiling.Sm4GcmKey"

func (sm4Provider) Algorithm() string { return "SM4-GCM" }
func (sm4Provider) KeyTemplate() *tinkpb.KeyTemplate {
	return &tinkpb.KeyTemplate{TypeUrl: sm4TypeURL, OutputPrefixType: tinkpb.OutputPrefixType_TINK}
}
func (sm4Provider) HashAlgorithm() string { return "HMAC-SM3" }
func (sm4Provider) NewHash() hash.Hash    { return sm3.New() }
func (sm4Provider) Register() error {
	return RegisterAEAD(sm4TypeURL, sm4.BlockSize, sm4.NewCipher)
}

// RegisterAEAD makes Tink know the keys of a block cipher in GCM. The material of
// a key is the key itself.
func RegisterAEAD(typeURL string, keyBytes int, block func(key []byte) (cipher.Block, error)) error {
	if _, err := registry.GetKeyManager(typeURL); err == nil {
		return nil
	}
	err := registry.RegisterKeyManager(gcmManager{typeURL: typeURL, keyBytes: keyBytes, block: block})
	if err != nil {
		// Another goroutine may have been first.
		if _, known := registry.GetKeyManager(typeURL); known == nil {
			return nil
		}
	}
	return err
}

// gcmManager makes and uses the keys of one block cipher for Tink.
type gcmManager struct {
	typeURL  string
	keyBytes int
	block    func(key []byte) (cipher.Block, error)
}

func (m gcmManager) TypeURL() string                 { return m.typeURL }
func (m gcmManager) DoesSupport(typeURL string) bool { return typeURL == m.typeURL }

func (m gcmManager) NewKey([]byte) (proto.Message, error) {
	return nil, errors.New("keys are made by NewKeyData")
}

func (m gcmManager) NewKeyData([]byte) (*tinkpb.KeyData, error) {
	key := make([]byte, m.keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return &tinkpb.KeyData{TypeUrl: m.typeURL, Value: key, KeyMaterialType: tinkpb.KeyData_SYMMETRIC}, nil
}

func (m gcmManager) Primitive(key []byte) (any, error) {
	if len(key) != m.keyBytes {
		return nil, fmt.Errorf("a key of %d bytes is expected", m.keyBytes)
	}
	block, err := m.block(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcmAEAD{gcm}, nil
}

// gcmAEAD puts a random nonce of 96 bits before what it encrypts. No key of ours
// comes near the 2^32 messages for which that is safe.
type gcmAEAD struct{ gcm cipher.AEAD }

// Encrypt implements tink.AEAD.
func (a gcmAEAD) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	nonce := make([]byte, a.gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return a.gcm.Seal(nonce, nonce, plaintext, associatedData), nil
}

// Decrypt implements tink.AEAD.
func (a gcmAEAD) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	n := a.gcm.NonceSize()
	if len(ciphertext) < n {
		return nil, errors.New("the ciphertext is too short")
	}
	return a.gcm.Open(nil, ciphertext[:n], ciphertext[n:], associatedData)
}

// indexVersion changes when what is hashed, or how, changes: older values are
// then made again.
const indexVersion = "1"

// IndexKey names the key and the algorithm of Index: values under another name
// cannot be compared.
func (s *Sealer) IndexKey() string { return s.cipher.HashAlgorithm() + "/" + indexVersion }

// Index is a keyed hash by which equal values are found without being known
// (blind index). Each purpose has a key of its own, derived from the key beside
// the key file, so that a phone and a number that read alike do not meet, and
// that no key that encrypts is ever needed for it.
func (s *Sealer) Index(purpose, value string) ([]byte, error) {
	key, err := hkdf.Key(s.cipher.NewHash, s.mac, nil, "guiling/index/"+purpose+"/"+s.IndexKey(), hashKeyBytes)
	if err != nil {
		return nil, fmt.Errorf("index key: %w", err)
	}
	mac := hmac.New(s.cipher.NewHash, key)
	mac.Write([]byte(value))
	return mac.Sum(nil), nil
}
