package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// The ways to a mail server.
const (
	MailStartTLS = "starttls" // brought to TLS, or nothing is sent
	MailTLS      = "tls"      // TLS from the first byte
	MailPlain    = "none"     // in clear; no password goes this way but to this machine
)

// MailOptions say how mails leave the house.
type MailOptions struct {
	Addr               string // host:port
	From               string
	Username, Password string // empty: no sign-in
	TLS                string // starttls unless said
}

// Mailer sends mails by one server.
type Mailer struct {
	options MailOptions
	host    string
	port    int
	domain  string // of the sender, for the numbers of messages
}

// mailPatience is how long a mail may take.
const mailPatience = 20 * time.Second

// NewMailer checks the options. It speaks to nobody yet.
func NewMailer(o MailOptions) (*Mailer, error) {
	host, portText, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("port of the mail server: %w", err)
	}
	from, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("sender of mails: %w", err)
	}
	switch o.TLS {
	case "":
		o.TLS = MailStartTLS
	case MailStartTLS, MailTLS:
	case MailPlain:
		if ip := net.ParseIP(host); o.Username != "" && host != "localhost" && !ip.IsLoopback() {
			return nil, errors.New("a password goes to a mail server in clear only on this machine")
		}
	default:
		return nil, fmt.Errorf("%q is no way to a mail server: starttls, tls or none", o.TLS)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return &Mailer{options: o, host: host, port: port, domain: domain}, nil
}

// Send hands a letter to the server. An error that says so by IsFinal will not be
// another one tomorrow; none tells the address.
func (m *Mailer) Send(ctx context.Context, l Letter) error {
	ctx, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	message, err := m.message(l)
	if err != nil {
		return final(err)
	}
	client, err := m.client()
	if err != nil {
		return err
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		refused := new(smtp.SendError)
		if errors.As(err, &refused) && refused.Reason == smtp.ErrSMTPRcptTo && refused.ErrorCode() >= 500 {
			return final(withoutAddresses(err))
		}
		return withoutAddresses(err)
	}
	return nil
}

func (m *Mailer) message(l Letter) (*smtp.Msg, error) {
	message := smtp.NewMsg()
	if err := message.From(m.options.From); err != nil {
		return nil, withoutAddresses(err)
	}
	if err := message.To(l.To); err != nil {
		return nil, withoutAddresses(err)
	}
	message.Subject(l.Subject)
	message.SetDate()
	sum := sha256.Sum256([]byte(l.ID))
	message.SetMessageIDWithValue(hex.EncodeToString(sum[:16]) + "@" + m.domain)
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(smtp.TypeTextPlain, l.Body)
	return message, nil
}

func (m *Mailer) client() (*smtp.Client, error) {
	options := []smtp.Option{smtp.WithPort(m.port), smtp.WithTimeout(mailPatience), smtp.WithoutNoop()}
	switch m.options.TLS {
	case MailTLS:
		options = append(options, smtp.WithSSL())
	case MailStartTLS:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	}
	if m.options.Username != "" {
		way := smtp.SMTPAuthAutoDiscover
		if m.options.TLS == MailPlain {
			way = smtp.SMTPAuthPlain
		}
		options = append(options, smtp.WithSMTPAuth(way), smtp.WithUsername(m.options.Username), smtp.WithPassword(m.options.Password))
	}
	client, err := smtp.NewClient(m.host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail client: %w", err)
	}
	return client, nil
}

// finalError is one that another attempt would meet again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(err error) error { return finalError{err} }

// IsFinal reports whether another attempt would fail in the same way.
func IsFinal(err error) bool {
	_, ok := errors.AsType[finalError](err)
	return ok
}

var anAddress = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`)

// withoutAddresses keeps people's addresses out of logs and of the database.
func withoutAddresses(err error) error {
	return errors.New(anAddress.ReplaceAllString(err.Error(), "(address)"))
}
