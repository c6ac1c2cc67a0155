package engine

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// Cipher encrypts with authentication; *sealing.Sealer does. What was sealed for
// another context does not open, and what an older key sealed still does.
type Cipher interface {
	Seal(data []byte, context string) ([]byte, error)
	Unseal(sealed []byte, context string) ([]byte, error)
}

const (
	// sealedEncoding marks a payload of ours in the engine's store. It is part of
	// every history, so it never changes.
	sealedEncoding = "binary/guiling-sealed"
	// payloadContext binds what is sealed for the engine: nothing that was sealed for
	// a row of the database opens as a payload, nor the other way round.
	payloadContext = "temporal-payload"
)

// Codec encrypts what the engine keeps of cases: inputs, results, memos, markers,
// and the words of failures. Names of workflows, activities and Updates stay
// readable, so that operators can find what they look for.
type Codec struct{ cipher Cipher }

// NewCodec makes the codec over a cipher.
func NewCodec(cipher Cipher) Codec { return Codec{cipher: cipher} }

// Encode seals payloads. One that is sealed already stays as it is.
func (c Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encoded := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if isSealed(p) {
			encoded[i] = p
			continue
		}
		clear, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode a payload: %w", err)
		}
		sealed, err := c.cipher.Seal(clear, payloadContext)
		if err != nil {
			return nil, fmt.Errorf("encode a payload: %w", err)
		}
		encoded[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(sealedEncoding)}, Data: sealed,
		}
	}
	return encoded, nil
}

// Decode opens payloads. One that is not sealed passes: histories from before
// the codec go on. One that does not open is an error.
func (c Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if !isSealed(p) {
			decoded[i] = p
			continue
		}
		clear, err := c.cipher.Unseal(p.GetData(), payloadContext)
		if err != nil {
			return nil, fmt.Errorf("decode a payload: %w", err)
		}
		decoded[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(clear, decoded[i]); err != nil {
			return nil, fmt.Errorf("decode a payload: %w", err)
		}
	}
	return decoded, nil
}

func isSealed(p *commonpb.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == sealedEncoding
}

// Decoder answers the engine's own pages, which ask POST …/decode with the
// payloads that they show. Whoever serves it asks first who may.
func (e *Engine) Decoder() http.Handler {
	handler := converter.NewPayloadCodecHTTPHandler(e.codec)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/decode") {
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// converters are how values become what the engine keeps: JSON, then sealed, the
// texts and stacks of failures as well.
func (c Codec) converters() (converter.DataConverter, converter.FailureConverter) {
	data := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)
	return data, temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: data, EncodeCommonAttributes: true,
	})
}

// decodeHistory opens all payloads of a history, in place.
func (c Codec) decodeHistory(ctx context.Context, history *historypb.History) error {
	return proxy.VisitPayloads(ctx, history, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return c.Decode(payloads)
		},
	})
}
