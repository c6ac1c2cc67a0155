package app_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/store"
)

// TestNotificationPages: the bell counts, the list leads to the case, opening it
// reads, and nobody reads for another.
func TestNotificationPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	const chen, lu = "zhanhe.ziran.chen", "zhanhe.ziran.lu"
	user, err := h.store.UserByName(t.Context(), chen)
	require.NoError(t, err)
	for _, number := range []string{h.number, h.elsewhere} {
		require.NoError(t, h.store.Notify(t.Context(), []store.NewNotification{
			{Key: number + "/1/assigned", UserID: user.ID, Kind: casework.NoticeAssigned, Number: number, Seq: 1},
		}, nil))
	}
	list := h.ask(t, http.MethodGet, "/notifications", chen, nil).body
	require.Contains(t, list, "案件已分派给您")
	require.Contains(t, list, `<span class="g-badge">1<`)
	require.NotContains(t, list, h.elsewhere, "a case that they may not see is not told")
	require.NotContains(t, list, "跑了四趟", "nobody's words")
	require.NotContains(t, h.ask(t, http.MethodGet, "/notifications", lu, nil).body, h.number)

	list2, err := h.store.Notifications(t.Context(), store.Scope{Everything: true}, user.ID, store.NotificationFilter{Limit: 9})
	require.NoError(t, err)
	path := "/notifications/" + itoa(list2[1].ID) + "/read"
	require.Equal(t, http.StatusNotFound, h.ask(t, http.MethodPost, path, lu, nil).status)
	require.Equal(t, http.StatusUnprocessableEntity, h.ask(t, http.MethodPost, "/notifications/read-all", chen, map[string]any{"up_to": "x"}).status)
	require.Equal(t, http.StatusOK, h.ask(t, http.MethodGet, "/cases/"+h.number, chen, nil).status)
	require.NotContains(t, h.ask(t, http.MethodGet, "/notifications", chen, nil).body, "g-badge", "the case was opened")
	require.Contains(t, h.ask(t, http.MethodGet, "/notifications?unread=true", chen, nil).body, "没有未读消息")
}

// TestNotificationSettingsPages: without a mail server there is nothing to choose;
// with one an address answers first, and a choice is kept.
func TestNotificationSettingsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	const chen, path = "zhanhe.ziran.chen", "/account/notifications"
	page := h.ask(t, http.MethodGet, path, chen, nil).body
	require.Contains(t, page, "没有配置邮件服务")
	require.NotContains(t, page, `action="/account/notifications"`)
	require.Equal(t, http.StatusConflict, h.ask(t, http.MethodPost, path+"/email", chen, map[string]any{"email": "chen@example.gov.cn"}).status)

	h.settings.SMTPAddr, h.settings.PublicURL, h.settings.SMTPDomains = "127.0.0.1:1", "https://guiling.example", []string{" Example.gov.cn"}
	h = h.another(t, slog.New(slog.DiscardHandler))
	page = h.ask(t, http.MethodGet, path, chen, nil).body
	require.Contains(t, page, "@example.gov.cn")
	require.Contains(t, page, "choice_new_cases")
	require.NotContains(t, page, "choice_decisions", "a handler decides nothing")
	for address, words := range map[string]string{
		"chen":                                       "邮箱地址不完整",
		"陈 <chen@example.gov.cn>":                    "邮箱地址不完整",
		"chen@example.gov.cn,lu@x.com":               "邮箱地址不完整",
		"chen@elsewhere.example":                     "邮件只能发往本单位的邮箱",
		strings.Repeat("a", 250) + "@example.gov.cn": "邮箱地址不完整",
	} {
		refused := h.ask(t, http.MethodPost, path+"/email", chen, map[string]any{"email": address})
		require.Equal(t, http.StatusUnprocessableEntity, refused.status, address)
		require.Contains(t, refused.body, words, address)
	}
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path+"/email", chen, map[string]any{"email": "chen@example.gov.cn"}).status)
	require.Contains(t, h.ask(t, http.MethodGet, path, chen, nil).body, "待验证")
	again := h.ask(t, http.MethodPost, path+"/email", chen, map[string]any{"email": "chen@example.gov.cn"})
	require.Equal(t, http.StatusConflict, again.status)
	require.Contains(t, again.body, "刚刚发过验证码")
	wrong := h.ask(t, http.MethodPost, path+"/confirm", chen, map[string]any{"code": "x"})
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, "验证码不对")
	user, err := h.store.UserByName(t.Context(), chen)
	require.NoError(t, err)
	code, err := h.store.EmailCode(t.Context(), user.ID)
	require.NoError(t, err)
	require.Regexp(t, `^\d{6}$`, code)
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path+"/confirm", chen, map[string]any{"code": code}).status)
	require.Contains(t, h.ask(t, http.MethodGet, path, chen, nil).body, "已验证")

	choice := func(change map[string]any) map[string]any {
		all := map[string]any{
			"choice_new_cases": "off", "choice_work": "now", "choice_deadlines": "digest", "choice_answers": "now",
			"language": "en", "quiet_from": "12:00", "quiet_to": "14:00",
		}
		maps.Copy(all, change)
		return all
	}
	for _, change := range []map[string]any{
		{"choice_work": "often"}, {"language": "fr"}, {"quiet_from": "25:00"}, {"quiet_to": "11:00"}, {"quiet_to": ""},
	} {
		require.Equal(t, http.StatusUnprocessableEntity, h.ask(t, http.MethodPost, path, chen, choice(change)).status, "%v", change)
	}
	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path, chen, choice(map[string]any{"choice_decisions": "off"})).status)
	all, err := h.store.NotificationSettingsOf(t.Context(), user.ID)
	require.NoError(t, err)
	got := all[user.ID]
	require.Equal(t, []any{store.MailOff, store.MailDigest, store.MailNow, "en", 720, 840}, []any{
		got.Choices[casework.NoticesOfNewCases], got.Choices[casework.NoticesOfDeadlines], got.Choices[casework.NoticesToDecide], got.Language, got.QuietFrom, got.QuietTo,
	}, "what the role is not offered stays as it was")
	page = h.ask(t, http.MethodGet, path, chen, nil).body
	require.Contains(t, page, `value="12:00"`)

	require.Equal(t, http.StatusSeeOther, h.ask(t, http.MethodPost, path+"/email", chen, map[string]any{"email": ""}).status)
	require.NotContains(t, h.ask(t, http.MethodGet, path, chen, nil).body, "已验证")
}

// TestWhatIsGivenUpIsSeen: on /metrics, as long as it lies there.
func TestWhatIsGivenUpIsSeen(t *testing.T) {
	t.Parallel()
	h := build(t)
	_, err := h.owner.ExecContext(t.Context(), `INSERT INTO deliveries (channel, kind, key, case_number, dead_at) VALUES ('generic', 'overdue', 'k', $1, now())`, h.number)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan error, 1)
	go func() { watched <- app.WatchDeliveries(ctx, h.store, slog.New(slog.DiscardHandler)) }()
	require.Eventually(t, func() bool {
		return strings.Contains(h.ask(t, http.MethodGet, "/metrics", "", nil).body, "guiling_deliveries_dead 1")
	}, 10*time.Second, 20*time.Millisecond)
	cancel()
	require.NoError(t, <-watched)
}

// TestChannelsThatCannotWork stop the start, and not the first message.
func TestChannelsThatCannotWork(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for name, s := range map[string]app.Settings{
		"a server without a port":     {SMTPAddr: "post.example", SMTPFrom: "a@example.gov.cn"},
		"no sender":                   {SMTPAddr: "post.example:25"},
		"a program without a secret":  {WebhookURL: "https://hook.example/"},
		"a robot in clear":            {WebhookWeComURL: "http://hook.example/"},
		"a robot that is no address":  {WebhookDingTalkURL: "hook"},
		"a password that is readable": {SMTPAddr: "post.example:25", SMTPFrom: "a@example.gov.cn", SMTPUsername: "u", SMTPTLS: "none"},
	} {
		_, err := app.NewDeliverer(s, nil, log)
		require.Error(t, err, name)
	}
	d, err := app.NewDeliverer(app.Settings{
		SMTPAddr: "post.example:25", SMTPFrom: "a@example.gov.cn", WebhookURL: "https://hook.example/", WebhookSecret: "s",
		WebhookWeComURL: "https://hook.example/", WebhookDingTalkURL: "https://hook.example/", PublicURL: "https://guiling.example/",
	}, nil, log)
	require.NoError(t, err)
	require.NotNil(t, d.Mail)
	require.Len(t, d.Channels, 3)
	require.Equal(t, "https://guiling.example", d.Pages.Base)
	d, err = app.NewDeliverer(app.Settings{}, nil, log)
	require.NoError(t, err)
	require.Nil(t, d.Mail)
	require.Empty(t, d.Channels)
}
