package app_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"guiling/internal/engine"
)

// TestTheEnginesPagesAskWhoLooks: in the browser of an auditor of the top the
// engine's own pages read what it keeps; from another site nobody does.
func TestTheEnginesPagesAskWhoLooks(t *testing.T) {
	t.Parallel()
	h := build(t)
	clear, err := converter.GetDefaultDataConverter().ToPayload("群众说跑了四趟")
	require.NoError(t, err)
	sealed, err := engine.NewCodec(h.sealer).Encode([]*commonpb.Payload{clear})
	require.NoError(t, err)
	body, err := json.Marshal(map[string]any{"payloads": []any{map[string]any{
		"metadata": map[string]string{"encoding": base64.StdEncoding.EncodeToString(sealed[0].GetMetadata()["encoding"])},
		"data":     base64.StdEncoding.EncodeToString(sealed[0].GetData()),
	}}})
	require.NoError(t, err)

	ask := func(method, who, origin, kind string) *httptest.ResponseRecorder {
		request := httptest.NewRequestWithContext(t.Context(), method, "http://guiling.example/codec/decode", strings.NewReader(string(body)))
		request.Header.Set("Content-Type", kind)
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		for _, cookie := range h.cookies[who] {
			request.AddCookie(cookie)
		}
		recorder := httptest.NewRecorder()
		h.echo.ServeHTTP(recorder, request)
		return recorder
	}
	const auditor, kind = "henan.shenji.lei", "application/json"

	a := ask(http.MethodPost, auditor, temporalUI, kind)
	require.Equal(t, http.StatusOK, a.Code)
	require.Equal(t, temporalUI, a.Header().Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", a.Header().Get("Access-Control-Allow-Credentials"))
	require.Equal(t, "no-store", a.Header().Get("Cache-Control"))
	var answer struct {
		Payloads []struct {
			Data []byte `json:"data"`
		} `json:"payloads"`
	}
	require.NoError(t, json.Unmarshal(a.Body.Bytes(), &answer))
	require.Equal(t, `"群众说跑了四趟"`, string(answer.Payloads[0].Data))

	require.Equal(t, http.StatusNoContent, ask(http.MethodOptions, "", temporalUI, "").Code)
	for _, c := range []struct {
		method, who, origin, kind string
		status                    int
	}{
		{http.MethodPost, auditor, "https://elsewhere.example", kind, http.StatusForbidden},
		{http.MethodPost, auditor, "null", kind, http.StatusForbidden},
		{http.MethodPost, auditor, temporalUI, "text/plain", http.StatusBadRequest},
		{http.MethodPost, "", temporalUI, kind, http.StatusUnauthorized},
		{http.MethodPost, "zhanhe.shenji.gu", temporalUI, kind, http.StatusForbidden},
		{http.MethodPost, "henan.anquan.chu", temporalUI, kind, http.StatusForbidden},
		{http.MethodOptions, auditor, "https://elsewhere.example", "", http.StatusForbidden},
	} {
		a := ask(c.method, c.who, c.origin, c.kind)
		require.Equal(t, c.status, a.Code, "%+v", c)
		require.NotContains(t, a.Body.String(), "跑了四趟")
		if c.origin != temporalUI {
			require.Empty(t, a.Header().Get("Access-Control-Allow-Origin"), c.origin)
		}
	}
}
