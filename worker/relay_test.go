package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/notify"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/worker"
	"guiling/workflows/contract"
)

var errAway = errors.New("away")

// outbox hands its entries out, once for each round, and ends the relay after
// the last round. A round that is nil is a database that is away.
type outbox struct {
	rounds [][]store.OutboxEntry
	end    context.CancelFunc
	done   []string
	putOff map[string]error
}

func (o *outbox) DrainOutbox(
	ctx context.Context, limit int, deliver func(context.Context, store.OutboxEntry) error,
) (int, error) {
	if len(o.rounds) == 0 {
		o.end()
		return 0, ctx.Err()
	}
	entries := o.rounds[0]
	if entries == nil {
		o.rounds = o.rounds[1:]
		return 0, errAway
	}
	entries = entries[:min(limit, len(entries))]
	if o.rounds[0] = o.rounds[0][len(entries):]; len(o.rounds[0]) == 0 {
		o.rounds = o.rounds[1:]
	}
	for _, e := range entries {
		if err := deliver(ctx, e); err != nil {
			o.putOff[e.Key] = err
		} else {
			o.done = append(o.done, e.Key)
		}
	}
	return len(entries), nil
}

// engine keeps the cases that it was asked to start.
type engine struct {
	started []contract.CaseInput
	bounded bool
	err     error
}

func (e *engine) StartCase(ctx context.Context, input contract.CaseInput) error {
	_, e.bounded = ctx.Deadline()
	e.started = append(e.started, input)
	return e.err
}

// sender keeps the messages that it was asked to send.
type sender struct {
	sent []notify.Message
	err  error
}

func (s *sender) Send(_ context.Context, m notify.Message) error {
	s.sent = append(s.sent, m)
	return s.err
}

type bundle struct {
	outbox *outbox
	engine *engine
	sender *sender
	pack   casework.RulePack
	log    bytes.Buffer
	relay  worker.Relay
}

func setup(t *testing.T) *bundle {
	t.Helper()
	pack, err := rules.Default()
	require.NoError(t, err)
	b := &bundle{outbox: &outbox{putOff: map[string]error{}}, engine: &engine{}, sender: &sender{}, pack: pack}
	b.relay = worker.Relay{
		Outbox: b.outbox, Engine: b.engine, Notify: b.sender, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Rules: func(context.Context) (casework.Rules, error) { return casework.Rules{Pack: b.pack}, nil },
	}
	return b
}

// run lets the relay live until it has had all rounds.
func (b *bundle) run(t *testing.T, rounds ...[]store.OutboxEntry) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.outbox.rounds, b.outbox.end = rounds, cancel
	require.NoError(t, b.relay.Run(ctx))
}

func entry(t *testing.T, kind store.OutboxKind, key string, payload any) store.OutboxEntry {
	t.Helper()
	data, err := json.Marshal(payload)
	require.NoError(t, err)
	return store.OutboxEntry{Kind: kind, Key: key, Payload: data}
}

func TestRelayStartsCases(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opened := casework.Opened{
		RegionCode: "410411000000", RegionLevel: casework.LevelCounty, DepartmentID: 7, MatterCode: "410100101001",
		Rating: casework.Dissatisfied, Aspects: []casework.Aspect{casework.AspectTrips}, Channel: casework.ChannelPC,
		RatedAt: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC), ReviewerKnown: true,
	}
	b.run(t, []store.OutboxEntry{entry(t, store.OutboxStartCase, "c1", store.StartCase{Number: "c1", Opened: opened})})
	require.Equal(t, []string{"c1"}, b.outbox.done)
	require.Len(t, b.engine.started, 1)
	started := b.engine.started[0]
	require.Equal(t, "c1", started.Number)
	require.Equal(t, b.pack, started.Rules.Pack)
	opened.PackID, opened.PackVersion, opened.Limit = b.pack.ID, b.pack.Version, b.pack.Verification
	require.Equal(t, opened, started.Opened, "pack and limit are filled in, and nothing else")
	require.Nil(t, started.Carried)
	require.True(t, b.engine.bounded, "an engine that is away holds up the outbox for a moment only")
}

func TestRelayTellsPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := store.Message{Number: "c1", Seq: 4, Event: casework.FeedbackSent{}.Kind(), Looks: 2}
	b.run(t, []store.OutboxEntry{
		entry(t, store.OutboxTellReviewer, "c1/4/reviewer", m),
		entry(t, store.OutboxTellStaff, "c1/4/staff", m),
		entry(t, store.OutboxTellAuditors, "reveal-alarm/9", store.Message{
			Number: "c1", Alarm: &store.RevealAlarm{ID: 9, Kind: store.AlarmManyCases, UserID: 7, OrganisationID: 3, Cases: 16},
		}),
	})
	require.Equal(t, []notify.Message{
		{Key: "c1/4/reviewer", To: notify.Reviewer, CaseNumber: "c1", Seq: 4, Event: "feedback_sent", Looks: 2},
		{Key: "c1/4/staff", To: notify.Staff, CaseNumber: "c1", Seq: 4, Event: "feedback_sent", Looks: 2},
		{Key: "reveal-alarm/9", To: notify.Auditors, CaseNumber: "c1", Alarm: "many-cases", UserID: 7, OrganisationID: 3, Cases: 16},
	}, b.sender.sent)
	require.Empty(t, b.engine.started)
}

func TestRelayPutsOffWhatFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.engine.err, b.sender.err = errAway, errAway
	broken := store.OutboxEntry{Kind: store.OutboxStartCase, Key: "broken", Payload: []byte(`{"number":`)}
	b.run(t, []store.OutboxEntry{
		broken,
		{Kind: store.OutboxTellStaff, Key: "broken-message", Payload: []byte(`[]`)},
		entry(t, store.OutboxStartCase, "c1", store.StartCase{Number: "c1"}),
		entry(t, store.OutboxTellStaff, "m1", store.Message{Number: "c1"}),
	})
	require.Empty(t, b.outbox.done)
	require.Len(t, b.outbox.putOff, 4)
	require.ErrorIs(t, b.outbox.putOff["c1"], errAway)
	require.ErrorIs(t, b.outbox.putOff["m1"], errAway)
	for key := range b.outbox.putOff {
		require.Contains(t, b.log.String(), "key="+key)
	}

	b = setup(t)
	b.relay.Rules = func(context.Context) (casework.Rules, error) { return casework.Rules{}, errAway }
	b.run(t, []store.OutboxEntry{entry(t, store.OutboxStartCase, "c1", store.StartCase{Number: "c1"})})
	require.ErrorIs(t, b.outbox.putOff["c1"], errAway)
	require.Empty(t, b.engine.started, "no case begins without rules")
}

func TestRelayGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var many []store.OutboxEntry
	for range 45 {
		many = append(many, entry(t, store.OutboxTellStaff, "m", store.Message{Number: "c1"}))
	}
	b.run(t, nil, many, nil)
	require.Len(t, b.outbox.done, 45, "a database that was away is asked again")
	require.Contains(t, b.log.String(), "error=away")
}

func TestRelayEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.outbox.end = func() {}
	require.NoError(t, b.relay.Run(ctx))
	require.NotContains(t, b.log.String(), "outbox")
}
