package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/notify"
)

var (
	sentAt = time.Date(2026, 11, 25, 10, 0, 0, 0, casework.China())
	due    = time.Date(2026, 11, 29, 0, 0, 0, 0, casework.China())
	pages  = notify.Pages{Base: "https://guiling.example"}
	item   = notify.Item{
		Key: "410411-20261102-000017/7/warning", Kind: casework.NoticeWarning, Days: 3, Number: "410411-20261102-000017",
		Matter: "不动产转移登记", Stage: casework.StageRectification, Due: &due, At: sentAt,
	}
)

// caught is what reached the other end.
type caught struct {
	header http.Header
	query  map[string][]string
	body   []byte
}

// hook is a webhook to a server of the test, which answers like that.
func hook(t *testing.T, kind notify.WebhookKind, secret string, status int, answer string) (*notify.Webhook, *caught) {
	t.Helper()
	got := &caught{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.header, got.query = r.Header, r.URL.Query()
		got.body, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	w, err := notify.NewWebhook(notify.WebhookOptions{
		Kind: kind, URL: server.URL + "/robot?key=hush", Secret: secret, AllowPrivate: true, Pages: pages, Now: func() time.Time { return sentAt },
	})
	require.NoError(t, err)
	return w, got
}

func sign(secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func TestGenericWebhookIsSigned(t *testing.T) {
	t.Parallel()
	w, got := hook(t, notify.Generic, "s3cret", http.StatusAccepted, "")
	require.NoError(t, w.Post(t.Context(), []notify.Item{item}))
	stamp := got.header.Get("X-Guiling-Timestamp")
	require.Equal(t, strconv.FormatInt(sentAt.Unix(), 10), stamp)
	require.Equal(t, "sha256="+hex.EncodeToString(sign("s3cret", stamp+"."+string(got.body))), got.header.Get("X-Guiling-Signature"))
	require.Equal(t, item.Key, got.header.Get("X-Guiling-Delivery"))
	var body map[string]any
	require.NoError(t, json.Unmarshal(got.body, &body))
	require.Equal(t, map[string]any{
		"id": item.Key, "kind": "warning", "group": "deadlines", "case_number": item.Number, "matter": item.Matter, "stage": "rectification",
		"due_at": "2026-11-29T00:00:00+08:00", "days_left": 3.0, "at": "2026-11-25T10:00:00+08:00", "url": "https://guiling.example/cases/" + item.Number,
	}, body, "these, and nothing else")
}

func TestRobots(t *testing.T) {
	t.Parallel()
	for kind, secret := range map[notify.WebhookKind]string{notify.WeCom: "", notify.DingTalk: "SECabc"} {
		w, got := hook(t, kind, secret, http.StatusOK, `{"errcode":0,"errmsg":"ok"}`)
		long := item
		long.Matter = strings.Repeat("登记", 40)
		items := []notify.Item{}
		for range kind.Batch() {
			items = append(items, long)
		}
		require.NoError(t, w.Post(t.Context(), items))
		var body struct {
			MsgType string `json:"msgtype"`
			Text    struct {
				Content string `json:"content"`
			} `json:"text"`
		}
		require.NoError(t, json.Unmarshal(got.body, &body))
		require.Equal(t, "text", body.MsgType)
		require.Contains(t, body.Text.Content, "到期前 3 天提醒")
		require.Contains(t, body.Text.Content, "https://guiling.example/cases/"+item.Number)
		require.Equal(t, kind.Batch(), strings.Count(body.Text.Content, item.Number+"（"))
		require.LessOrEqual(t, len(body.Text.Content), 2048, "WeCom takes no more")
		require.Equal(t, []string{"hush"}, got.query["key"])
		if kind == notify.DingTalk {
			stamp := strconv.FormatInt(sentAt.UnixMilli(), 10)
			require.Equal(t, []string{stamp}, got.query["timestamp"])
			require.Equal(t, []string{base64.StdEncoding.EncodeToString(sign(secret, stamp+"\n"+secret))}, got.query["sign"])
		}
	}
}

func TestWhatTheOtherEndRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   notify.WebhookKind
		status int
		answer string
		final  bool
	}{
		{notify.Generic, http.StatusInternalServerError, "", false},
		{notify.Generic, http.StatusUnauthorized, "", false},
		{notify.Generic, http.StatusGone, "", true},
		{notify.WeCom, http.StatusOK, `{"errcode":45009,"errmsg":"api freq out of limit"}`, false},
		{notify.WeCom, http.StatusOK, `<html>`, false},
		{notify.DingTalk, http.StatusOK, `{}`, false},
	} {
		w, _ := hook(t, c.kind, "x", c.status, c.answer)
		err := w.Post(t.Context(), []notify.Item{item})
		require.Error(t, err, "%s %d %s", c.kind, c.status, c.answer)
		require.Equal(t, c.final, notify.IsFinal(err), c.answer)
		require.NotContains(t, err.Error(), "hush", "the URL is a secret")
		require.NotContains(t, err.Error(), "127.0.0.1")
	}
}

func TestWebhookFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		t.Cleanup(server.Close)
		w, err := notify.NewWebhook(notify.WebhookOptions{
			Kind: notify.Generic, URL: server.URL, Secret: "x", AllowPrivate: true, Now: func() time.Time { return sentAt },
		})
		require.NoError(t, err)
		require.ErrorContains(t, w.Post(t.Context(), []notify.Item{item}), strconv.Itoa(status))
	}
	require.Zero(t, visits.Load())
}

// TestWebhookStaysOutOfTheOwnNetwork: by name, by number, in any spelling, and what
// is dialled counts, not what was looked up before.
func TestWebhookStaysOutOfTheOwnNetwork(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(server.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "255.255.255.255", "224.0.0.1", "[::127.0.0.1]",
	} {
		w, err := notify.NewWebhook(notify.WebhookOptions{
			Kind: notify.Generic, URL: fmt.Sprintf("https://%s:%s/", host, port), Secret: "x", Now: func() time.Time { return sentAt },
		})
		require.NoError(t, err, host)
		require.ErrorContains(t, w.Post(t.Context(), []notify.Item{item}), "private network", host)
	}
	require.Zero(t, visits.Load())
}

func TestWebhookOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []notify.WebhookOptions{
		{Kind: notify.Generic, URL: "https://hook.example/hush"}, // nothing to sign with
		{Kind: notify.WeCom, URL: "http://hook.example/hush"},
		{Kind: notify.WeCom, URL: "ftp://hook.example/hush", AllowPrivate: true},
		{Kind: notify.WeCom, URL: "https://somebody:hush@hook.example/"},
		{Kind: notify.WeCom, URL: "hush"},
		{Kind: notify.WeCom, URL: "https://%zz/hush"},
	} {
		_, err := notify.NewWebhook(o)
		require.Error(t, err, o.URL)
		require.NotContains(t, err.Error(), "hush")
	}
}
