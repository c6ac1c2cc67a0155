package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"guiling/internal/casework"
	"guiling/internal/notify"
	"guiling/internal/store"
	"guiling/workflows/contract"
)

// Outbox is where the relay takes from.
type Outbox interface {
	// DrainOutbox hands waiting entries to deliver; see store.Store.
	DrainOutbox(ctx context.Context, limit int, deliver func(context.Context, store.OutboxEntry) error) (int, error)
}

// Starter starts cases, at most once each.
type Starter interface {
	StartCase(ctx context.Context, input contract.CaseInput) error
}

// RulesOf gives the rules with which a case begins that is started now.
type RulesOf func(ctx context.Context) (casework.Rules, error)

// Relay brings what lies in the outbox to where it must go. Any number may run.
type Relay struct {
	Outbox Outbox
	Engine Starter
	Notify notify.Sender
	Rules  RulesOf
	Log    *slog.Logger
}

const (
	relayBatch = 20
	relayPause = 250 * time.Millisecond
)

// Run empties the outbox until ctx is done. A database or an engine that is away
// is waited for.
func (r Relay) Run(ctx context.Context) error {
	pause := time.NewTimer(0) //nolint:forbidigo // a pause between looks, no deadline of a case
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		taken, err := r.Outbox.DrainOutbox(ctx, relayBatch, r.deliver)
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "outbox", "error", err)
		}
		next := relayPause
		if taken == relayBatch {
			next = 0
		}
		pause.Reset(next)
	}
}

func (r Relay) deliver(ctx context.Context, e store.OutboxEntry) error {
	err := r.deliverKind(ctx, e)
	if err != nil {
		r.Log.WarnContext(ctx, "outbox entry put off", "kind", e.Kind, "key", e.Key, "attempts", e.Attempts+1, "error", err)
	}
	return err
}

func (r Relay) deliverKind(ctx context.Context, e store.OutboxEntry) error {
	if e.Kind == store.OutboxStartCase {
		return r.startCase(ctx, e.Payload)
	}
	var m store.Message
	if err := json.Unmarshal(e.Payload, &m); err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	message := notify.Message{Key: e.Key, To: notify.Staff, CaseNumber: m.Number, Seq: m.Seq, Event: m.Event, Looks: m.Looks}
	switch {
	case e.Kind == store.OutboxTellReviewer:
		message.To = notify.Reviewer
	case e.Kind == store.OutboxTellAuditors && m.Alarm != nil:
		message.To, message.Alarm = notify.Auditors, string(m.Alarm.Kind)
		message.UserID, message.OrganisationID, message.Cases = m.Alarm.UserID, m.Alarm.OrganisationID, m.Alarm.Cases
	}
	return r.Notify.Send(ctx, message)
}

func (r Relay) startCase(ctx context.Context, payload []byte) error {
	var start store.StartCase
	if err := json.Unmarshal(payload, &start); err != nil {
		return fmt.Errorf("read start: %w", err)
	}
	return r.begin(ctx, start)
}

// begin starts a case under the rules in force now.
func (r Relay) begin(ctx context.Context, start store.StartCase) error {
	rules, err := r.Rules(ctx)
	if err != nil {
		return fmt.Errorf("rules of case %s: %w", start.Number, err)
	}
	opened := start.Opened
	opened.PackID, opened.PackVersion, opened.Limit = rules.Pack.ID, rules.Pack.Version, rules.Pack.Verification
	opened.CalendarVersion = rules.Calendar.Version
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return r.Engine.StartCase(ctx, contract.CaseInput{
		Number: start.Number, Opened: opened, Rules: rules, Installation: start.Installation,
	})
}
