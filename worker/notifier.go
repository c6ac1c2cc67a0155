package worker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/notify"
	"guiling/internal/store"
)

// NoticeStore is what the notifier needs of the database; see store.Store.
type NoticeStore interface {
	EventsOf(ctx context.Context, number string) ([]store.RecordedEvent, error)
	Listeners(ctx context.Context, number string, n casework.Notice) ([]store.User, error)
	Sees(ctx context.Context, scope store.Scope, number string) (bool, error)
	NotificationSettingsOf(ctx context.Context, userIDs ...int64) (map[int64]store.NotificationSettings, error)
	Notify(ctx context.Context, notifications []store.NewNotification, deliveries []store.NewDelivery) error
}

// Notifier turns messages to staff and auditors into notifications of people, and
// into what leaves the house. Whom a message names is looked up when it is
// delivered: today's roles count, and nobody is told of a case that they may not see.
type Notifier struct {
	Store NoticeStore
	// Scope is what of all cases a person may see.
	Scope func(casework.Actor) store.Scope
	// Mail says whether mails go out; Channels are the channels of the organisation.
	Mail     bool
	Channels []store.DeliveryChannel
	// Citizens tells the reviewers.
	Citizens notify.Sender
	Log      *slog.Logger
}

// Send implements notify.Sender. The same message again changes nothing.
func (n Notifier) Send(ctx context.Context, m notify.Message) error {
	if m.To == notify.Reviewer {
		return n.Citizens.Send(ctx, m)
	}
	notices, err := n.noticesOf(ctx, m)
	if err != nil {
		return err
	}
	var told []store.NewNotification
	var deliveries []store.NewDelivery
	for _, notice := range notices {
		key := m.Key + "/" + string(notice.Kind)
		users, err := n.listeners(ctx, m, notice)
		if err != nil {
			return err
		}
		settings, err := n.Store.NotificationSettingsOf(ctx, idsOf(users)...)
		if err != nil {
			return err
		}
		for _, u := range users {
			told = append(told, store.NewNotification{
				Key: key, UserID: u.ID, Kind: notice.Kind, Number: m.CaseNumber, Seq: m.Seq, Days: notice.Days,
				Mail: n.Mail && settings[u.ID].Choice(notice.Kind) == store.MailNow,
			})
		}
		for _, channel := range n.channelsFor(notice) {
			deliveries = append(deliveries, store.NewDelivery{
				Channel: channel, Kind: string(notice.Kind), Key: key, Number: m.CaseNumber, Days: notice.Days,
			})
		}
	}
	if err := n.Store.Notify(ctx, told, deliveries); err != nil {
		return fmt.Errorf("notify of %s: %w", m.Key, err)
	}
	n.Log.DebugContext(ctx, "message", "to", m.To, "case", m.CaseNumber, "seq", m.Seq, "event", m.Event, "key", m.Key, "told", len(told))
	return nil
}

// channelsFor are the channels of the organisation that a notice goes to. That
// somebody is watched is not said where they may read along.
func (n Notifier) channelsFor(notice casework.Notice) []store.DeliveryChannel {
	return slices.DeleteFunc(slices.Clone(n.Channels), func(c store.DeliveryChannel) bool {
		return notice.Kind == casework.NoticeManyLooks && notify.WebhookKind(c).Robot()
	})
}

// noticesOf finds out what is to be said. The state before the event says who had
// the case then.
func (n Notifier) noticesOf(ctx context.Context, m notify.Message) ([]casework.Notice, error) {
	if m.To == notify.Auditors {
		return casework.NoticesOfLooksAlarm(), nil
	}
	events, err := n.Store.EventsOf(ctx, m.CaseNumber)
	if err != nil {
		return nil, err
	}
	var before casework.State
	for _, e := range events {
		if e.Seq == m.Seq {
			return casework.NoticesOf(before, e.Event), nil
		}
		if before, err = before.Apply(e.Event); err != nil {
			return nil, fmt.Errorf("case %s: %w", m.CaseNumber, err)
		}
	}
	return nil, fmt.Errorf("case %s has no event %d", m.CaseNumber, m.Seq)
}

// listeners are the people who are told: not whom it is about, and nobody who may
// not see the case.
func (n Notifier) listeners(ctx context.Context, m notify.Message, notice casework.Notice) ([]store.User, error) {
	users, err := n.Store.Listeners(ctx, m.CaseNumber, notice)
	if err != nil {
		return nil, err
	}
	var told []store.User
	for _, u := range users {
		sees, err := n.Store.Sees(ctx, n.Scope(u.Actor), m.CaseNumber)
		if err != nil {
			return nil, err
		}
		if sees && (m.To != notify.Auditors || u.ID != m.UserID) {
			told = append(told, u)
		}
	}
	return told, nil
}

func idsOf(users []store.User) []int64 {
	ids := make([]int64, 0, len(users))
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	slices.Sort(ids)
	return ids
}
