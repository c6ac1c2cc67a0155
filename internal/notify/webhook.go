package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// WebhookKind is the product at the other end.
type WebhookKind string

// The kinds of webhooks.
const (
	Generic  WebhookKind = "generic"  // JSON of ours, signed
	WeCom    WebhookKind = "wecom"    // a robot of 企业微信
	DingTalk WebhookKind = "dingtalk" // a robot of 钉钉 or 政务钉钉
)

// Robot reports whether people read along.
func (k WebhookKind) Robot() bool { return k != Generic }

// Batch is how many items go in one request: the robots take a few thousand bytes,
// twenty times a minute.
func (k WebhookKind) Batch() int {
	if k.Robot() {
		return 8
	}
	return 1
}

// WebhookOptions say where items of an organisation go.
type WebhookOptions struct {
	Kind WebhookKind
	URL  string
	// Secret signs what goes out. A robot of WeCom has none, its URL is the secret.
	Secret string
	// AllowPrivate lets the URL lead into the own network, and be plain http.
	AllowPrivate bool
	Pages        Pages
	Now          func() time.Time
}

// Webhook sends items to one URL.
type Webhook struct {
	options WebhookOptions
	url     *url.URL
	client  *http.Client
}

// What the other end gets: so long, and so many bytes to answer in.
const (
	webhookPatience = 10 * time.Second
	webhookAnswer   = 64 << 10
)

// NewWebhook checks the options. It speaks to nobody yet.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		// The address is a secret: an error does not show it.
		return nil, fmt.Errorf("webhook %s: the URL is malformed", o.Kind)
	case u.Scheme != "https" && (u.Scheme != "http" || !o.AllowPrivate):
		return nil, fmt.Errorf("webhook %s: the URL must be https", o.Kind)
	case o.Secret == "" && o.Kind == Generic:
		return nil, errors.New("webhook generic: it needs a secret to sign with")
	}
	dialer := &net.Dialer{Timeout: webhookPatience}
	if !o.AllowPrivate {
		dialer.Control = refusePrivate
	}
	return &Webhook{options: o, url: u, client: &http.Client{
		Timeout: webhookPatience,
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, TLSHandshakeTimeout: webhookPatience, ResponseHeaderTimeout: webhookPatience,
			MaxResponseHeaderBytes: webhookAnswer, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// refusePrivate looks at the address that is dialled, after every name was
// resolved: a name that leads elsewhere the second time gets no further.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address to dial: %w", err)
	}
	if !public(to.Addr()) {
		return errors.New("the URL leads into a private network (GUILING_WEBHOOK_ALLOW_PRIVATE allows it)")
	}
	return nil
}

// notPublic are the networks that are not of the internet, beside those that the
// standard library knows.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	// What leads to an address of IPv4 by another name, and documentation.
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.Zone() != "" {
		return false
	}
	for _, network := range notPublic {
		if network.Contains(a) {
			return false
		}
	}
	return true
}

// genericBody is what a program at the other end reads.
type genericBody struct {
	ID     string     `json:"id"`
	Kind   string     `json:"kind"`
	Group  string     `json:"group"`
	Number string     `json:"case_number"`
	Matter string     `json:"matter"`
	Stage  string     `json:"stage"`
	DueAt  *time.Time `json:"due_at"`
	Days   int        `json:"days_left,omitempty"`
	At     time.Time  `json:"at"`
	URL    string     `json:"url"`
}

// robotBody is what the robots of WeCom and DingTalk read alike.
type robotBody struct {
	Type string    `json:"msgtype"`
	Text robotText `json:"text"`
}

type robotText struct {
	Content string `json:"content"`
}

// Post sends items, at most as many as the kind takes at once.
func (w *Webhook) Post(ctx context.Context, items []Item) error {
	request, err := w.request(ctx, items)
	if err != nil {
		return err
	}
	response, err := w.client.Do(request)
	if err != nil {
		// The URL of a robot is a secret, and the client's error names it.
		if named, ok := errors.AsType[*url.Error](err); ok {
			err = named.Err
		}
		return fmt.Errorf("webhook %s: %w", w.options.Kind, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, webhookAnswer))
	if err != nil {
		return fmt.Errorf("webhook %s: read the answer: %w", w.options.Kind, err)
	}
	return w.judge(response.StatusCode, answer)
}

func (w *Webhook) request(ctx context.Context, items []Item) (*http.Request, error) {
	var payload any = robotBody{Type: "text", Text: robotText{Content: w.options.Pages.robotText(items)}}
	if w.options.Kind == Generic {
		i := items[0]
		payload = genericBody{
			ID: i.Key, Kind: string(i.Kind), Group: string(i.Kind.Group()), Number: i.Number, Matter: i.Matter, Stage: string(i.Stage),
			DueAt: i.Due, Days: i.Days, At: i.At, URL: w.options.Pages.Of(i),
		}
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("webhook %s: %w", w.options.Kind, err)
	}
	now := w.options.Now()
	to := *w.url
	if w.options.Kind == DingTalk && w.options.Secret != "" {
		query := to.Query()
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		query.Set("timestamp", stamp)
		query.Set("sign", base64.StdEncoding.EncodeToString(signature(w.options.Secret, stamp+"\n"+w.options.Secret)))
		to.RawQuery = query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("webhook %s: the request cannot be made", w.options.Kind)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	if w.options.Kind == Generic {
		stamp := strconv.FormatInt(now.Unix(), 10)
		request.Header.Set("X-Guiling-Delivery", items[0].Key)
		request.Header.Set("X-Guiling-Timestamp", stamp)
		request.Header.Set("X-Guiling-Signature", "sha256="+hex.EncodeToString(signature(w.options.Secret, stamp+"."+string(body))))
	}
	return request, nil
}

func signature(secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// judge reads the answer. The robots answer 200 to what they refuse, and say so in
// the body. A redirect is an answer like any other that is not 2xx, and not followed.
func (w *Webhook) judge(status int, answer []byte) error {
	if status < http.StatusOK || status >= http.StatusMultipleChoices {
		err := fmt.Errorf("webhook %s: status %d", w.options.Kind, status)
		if status == http.StatusGone {
			return final(err)
		}
		return err
	}
	if !w.options.Kind.Robot() {
		return nil
	}
	var said struct {
		Code *int `json:"errcode"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || said.Code == nil {
		return fmt.Errorf("webhook %s: the answer is not that of a robot", w.options.Kind)
	}
	if *said.Code != 0 {
		return fmt.Errorf("webhook %s: refused with code %d", w.options.Kind, *said.Code)
	}
	return nil
}
