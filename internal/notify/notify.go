// Package notify tells people that something happened. A message names a case
// and an event and holds no personal data; who is told, and in which words, is
// the sender's business.
package notify

import (
	"context"
	"log/slog"

	"guiling/internal/casework"
)

// Audience is whom a message is for.
type Audience string

// A message goes to the citizen who rated, or to the people who work on the case.
const (
	Reviewer Audience = "reviewer"
	Staff    Audience = "staff"
)

// Message asks to tell an audience about one event of a case.
type Message struct {
	Key        string // the same for every attempt to deliver the same message
	To         Audience
	CaseNumber string
	Seq        int // of the event
	Event      casework.EventKind
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
	s.Log.InfoContext(ctx, "message", "to", m.To, "case", m.CaseNumber, "seq", m.Seq, "event", m.Event, "key", m.Key)
	return nil
}
