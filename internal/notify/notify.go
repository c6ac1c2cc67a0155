// Package notify tells people that something happened. A message names a case
// and an event and holds no personal data; who is told, and in which words, is
// the sender's business.
package notify

import (
	"context"
	"fmt"
	"log/slog"

	"guiling/internal/casework"
)

// Audience is whom a message is for.
type Audience string

// A message goes to the citizen who rated, to the people who work on the case, or
// to the auditors over somebody who looked at many citizens.
const (
	Reviewer Audience = "reviewer"
	Staff    Audience = "staff"
	Auditors Audience = "auditors"
)

// Message asks to tell an audience about one event of a case.
type Message struct {
	Key        string // the same for every attempt to deliver the same message
	To         Audience
	CaseNumber string
	Seq        int // of the event
	Event      casework.EventKind
	// Looks is how often the reviewer's data were looked at in clear for this case.
	Looks int
	// Alarm says which kind of looks the auditors are told of, UserID whose they
	// were and OrganisationID for whom, Cases how many there were; empty in any other message.
	Alarm                  string
	UserID, OrganisationID int64
	Cases                  int
}

// Disclosure is the sentence that every message to the reviewer ends with (第六条);
// empty for everybody else.
func (m Message) Disclosure() string {
	if m.To != Reviewer {
		return ""
	}
	return fmt.Sprintf("您的联系方式因办理本案被查看 %d 次。", m.Looks)
}

// Sender delivers messages, at least once each. An error means: try again later.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// LogSender writes each message to the log. It is the sender where no gateway
// is configured: staff see the event in their inbox, and feedback is given by
// the person who recorded it.
type LogSender struct {
	Log *slog.Logger
}

// Send implements Sender.
func (s LogSender) Send(ctx context.Context, m Message) error {
	attributes := []any{"to", m.To, "case", m.CaseNumber, "seq", m.Seq, "event", m.Event, "key", m.Key}
	switch m.To {
	case Reviewer:
		attributes = append(attributes, "disclosure", m.Disclosure())
	case Auditors:
		attributes = append(attributes, "alarm", m.Alarm, "user_id", m.UserID, "organisation_id", m.OrganisationID, "cases", m.Cases)
	case Staff:
	}
	s.Log.InfoContext(ctx, "message", attributes...)
	return nil
}
