package notify_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/notify"
)

// postOffice is a mail server that keeps what it is sent.
type postOffice struct {
	address string
	mu      sync.Mutex
	letters []letter
	talk    []string
	// refuse answers this to every recipient, once it is set.
	refuse string
}

type letter struct{ to, subject, body, id string }

func openPostOffice(t *testing.T) *postOffice {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	o := &postOffice{address: listener.Addr().String()}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go o.serve(connection)
		}
	}()
	return o
}

func (o *postOffice) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	say := func(line string) { _, _ = io.WriteString(c, line+"\r\n") }
	say("220 post.example")
	var to string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		o.mu.Lock()
		o.talk = append(o.talk, line)
		refuse := o.refuse
		o.mu.Unlock()
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "EHLO":
			say("250-post.example")
			say("250 AUTH PLAIN")
		case "AUTH":
			say("235 welcome")
		case "RCPT":
			if refuse != "" {
				say(refuse)
				continue
			}
			to = strings.Trim(strings.TrimPrefix(line, "RCPT TO:"), "<>")
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(line)
			}
			o.keep(to, text.String())
			say("250 ok")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (o *postOffice) keep(to, text string) {
	message, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return
	}
	body := message.Body
	switch message.Header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, _ := io.ReadAll(body)
	subject, _ := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.letters = append(o.letters, letter{to: to, subject: subject, body: strings.ReplaceAll(string(content), "\r\n", "\n"), id: message.Header.Get("Message-Id")})
}

func (o *postOffice) got() []letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.letters)
}

func mailer(t *testing.T, o *postOffice) *notify.Mailer {
	t.Helper()
	m, err := notify.NewMailer(notify.MailOptions{Addr: o.address, From: "归零 <guiling@example.gov.cn>", Username: "guiling", Password: "hush", TLS: notify.MailPlain})
	require.NoError(t, err)
	return m
}

func TestMailIsSent(t *testing.T) {
	t.Parallel()
	o := openPostOffice(t)
	l := pages.LetterOf("zh-CN", item)
	l.To = "chen@example.gov.cn"
	require.NoError(t, mailer(t, o).Send(t.Context(), l))
	require.NoError(t, mailer(t, o).Send(t.Context(), l))
	got := o.got()
	require.Len(t, got, 2)
	require.Equal(t, "chen@example.gov.cn", got[0].to)
	require.Equal(t, "【归零】410411-20261102-000017 到期前 3 天提醒", got[0].subject)
	require.Equal(t, strings.Join([]string{
		"410411-20261102-000017 到期前 3 天提醒", "", "事项：不动产转移登记", "环节：整改", "期限：2026-11-28 24:00",
		"办理：https://guiling.example/cases/410411-20261102-000017", "",
		"本邮件由系统自动发出，请勿回复。提醒方式可在“我的账号 → 消息提醒”中更改：https://guiling.example/account/notifications", "",
	}, "\n"), got[0].body)
	require.Equal(t, got[0].id, got[1].id, "the same letter again is recognised")
	require.Contains(t, got[0].id, "@example.gov.cn")
}

func TestMailThatFails(t *testing.T) {
	t.Parallel()
	o := openPostOffice(t)
	l := notify.Letter{ID: "k", To: "chen@example.gov.cn", Subject: "s", Body: "b"}
	for answer, final := range map[string]bool{
		"550 5.1.1 <chen@example.gov.cn> no such user": true,
		"451 4.7.1 chen@example.gov.cn greylisted":     false,
	} {
		o.refuse = answer
		err := mailer(t, o).Send(t.Context(), l)
		require.Error(t, err)
		require.Equal(t, final, notify.IsFinal(err), answer)
		require.NotContains(t, err.Error(), "chen@", "no address in logs")
	}
	l.To = "no address"
	require.True(t, notify.IsFinal(mailer(t, o).Send(t.Context(), l)))

	o.refuse, l.To = "", "chen@example.gov.cn"
	secure, err := notify.NewMailer(notify.MailOptions{Addr: o.address, From: "guiling@example.gov.cn", Username: "guiling", Password: "hush"})
	require.NoError(t, err)
	o.talk = nil
	require.Error(t, secure.Send(t.Context(), l), "a server without STARTTLS gets nothing")
	require.NotContains(t, strings.Join(o.talk, "\n"), "AUTH")
	require.Empty(t, o.got())

	ended, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	<-ended.Done()
	require.Error(t, mailer(t, o).Send(ended, l))
}

func TestMailOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]notify.MailOptions{
		"no port":                    {Addr: "post.example", From: "a@b.cn"},
		"no number":                  {Addr: "post.example:smtp", From: "a@b.cn"},
		"no sender":                  {Addr: "post.example:25"},
		"an unknown way":             {Addr: "post.example:25", From: "a@b.cn", TLS: "ssl"},
		"a password in clear abroad": {Addr: "post.example:25", From: "a@b.cn", TLS: "none", Username: "u"},
	} {
		_, err := notify.NewMailer(o)
		require.Error(t, err, name)
	}
	_, err := notify.NewMailer(notify.MailOptions{Addr: "10.0.0.5:25", From: "a@b.cn", TLS: "none"})
	require.NoError(t, err, "without a password, in the own network")
}

// TestEveryNoticeHasWords: in both languages, with the number where one belongs.
func TestEveryNoticeHasWords(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"zh-CN", "en"} {
		seen := map[string]bool{}
		for _, kind := range casework.NoticeKinds() {
			i := item
			i.Kind = kind
			subject := pages.LetterOf(language, i).Subject
			_, sentence, _ := strings.Cut(subject, item.Number+" ")
			require.NotEmpty(t, sentence, kind)
			require.NotContains(t, sentence, "%")
			require.Equal(t, kind == casework.NoticeWarning, strings.Contains(sentence, "3"), kind)
			require.False(t, seen[sentence], "%s says what another says", kind)
			seen[sentence] = true
		}
		for _, stage := range casework.Stages() {
			i := item
			i.Stage, i.Due = stage, nil
			require.NotRegexp(t, `(?m)(：|: )$`, pages.LetterOf(language, i).Body, stage)
		}
	}
	tomorrow := item
	tomorrow.Days = 1
	require.Contains(t, pages.LetterOf("en", tomorrow).Subject, "one day before")
	require.Contains(t, pages.LetterOf("zh-CN", tomorrow).Subject, "到期前 1 天")
	looks := item
	looks.Kind = casework.NoticeManyLooks
	require.Contains(t, pages.LetterOf("en", looks).Body, "https://guiling.example/reveals?alarms=true")
}

func TestDigest(t *testing.T) {
	t.Parallel()
	require.True(t, notify.Digest{}.Empty())
	d := notify.Digest{Overdue: []notify.Item{item}, Fresh: slices.Repeat([]notify.Item{item}, notify.DigestLines+1)}
	require.False(t, d.Empty())
	l := pages.DigestOf("zh-CN", d)
	require.Equal(t, "【归零】今日待办：超期 1 件，今天到期 0 件，新消息 51 条", l.Subject)
	require.Contains(t, l.Body, "已超期\n· 410411-20261102-000017 · 不动产转移登记 · 整改 · 期限：2026-11-28 24:00\n  https://guiling.example/cases/")
	require.NotContains(t, l.Body, "今天到期")
	require.Equal(t, notify.DigestLines, strings.Count(l.Body, "到期前 3 天提醒"))
	require.Contains(t, l.Body, "仅列前 50 条")
	require.Contains(t, notify.ConfirmationOf("zh-CN", "012345").Body, "012345")
	require.Contains(t, notify.ConfirmationOf("en", "012345").Subject, "Guiling")
}
