package worker

import (
	"context"
	"log/slog"
	"time"

	"guiling/internal/casework"
	"guiling/internal/notify"
	"guiling/internal/store"
)

// DeliveryStore is what the deliverer needs of the database; see store.Store.
type DeliveryStore interface {
	SendDeliveries(
		ctx context.Context, channel store.DeliveryChannel, now time.Time, limit int, send func(context.Context, []store.Delivery) store.Sent,
	) (taken int, dead bool, err error)
	MakeDigests(ctx context.Context, day casework.Date, before time.Time) error
	UserByID(ctx context.Context, id int64) (store.User, error)
	NotificationSettingsOf(ctx context.Context, userIDs ...int64) (map[int64]store.NotificationSettings, error)
	EmailCode(ctx context.Context, userID int64) (string, error)
	CaseByNumber(ctx context.Context, number string) (store.Case, error)
	Sees(ctx context.Context, scope store.Scope, number string) (bool, error)
	DueTasks(ctx context.Context, scope store.TaskScope, userID int64, until time.Time, limit int) ([]store.DueTask, error)
	Notifications(ctx context.Context, scope store.Scope, userID int64, f store.NotificationFilter) ([]store.Notification, error)
	NoteDigested(ctx context.Context, ids []int64) error
	NewestCalendar(ctx context.Context) (casework.Calendar, error)
}

// Mailer sends letters.
type Mailer interface {
	Send(ctx context.Context, l notify.Letter) error
}

// Poster sends items to a channel of an organisation.
type Poster interface {
	Post(ctx context.Context, items []notify.Item) error
}

// Channel is one way out to an organisation.
type Channel struct {
	Poster Poster
	Kind   notify.WebhookKind
}

// Deliverer sends what waits to leave the house. Any number may run.
//
// Mails, and what people read in a channel, go out in office hours only; what
// comes at night waits for the morning. The product shows it at once.
type Deliverer struct {
	Store     DeliveryStore
	Mail      Mailer // nil: no mails go out
	Channels  []Channel
	Pages     notify.Pages
	Scope     func(casework.Actor) store.Scope
	TaskScope func(casework.Actor) (store.TaskScope, bool)
	Now       func() time.Time
	Log       *slog.Logger
}

// The daily mail is made at half past eight of a working day, or later that day if
// no worker ran.
const (
	digestHour, digestMinute = 8, 30
	digestLastHour           = 18
)

const (
	deliverPause = time.Second
	// deliverRest is how long a channel rests that has just failed.
	deliverRest = 30 * time.Second
)

// Run sends until ctx is done.
func (d Deliverer) Run(ctx context.Context) error {
	resting := map[store.DeliveryChannel]time.Time{}
	pause := time.NewTimer(0) //nolint:forbidigo // a pause between looks, no deadline of a case
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		if err := d.MakeDigests(ctx); err != nil && ctx.Err() == nil {
			d.Log.WarnContext(ctx, "daily mails", "error", err)
		}
		for _, channel := range d.channels() {
			if d.Now().Before(resting[channel]) {
				continue
			}
			if ok, err := d.Drain(ctx, channel); err != nil && ctx.Err() == nil {
				d.Log.WarnContext(ctx, "deliveries", "channel", channel, "error", err)
			} else if !ok {
				resting[channel] = d.Now().Add(deliverRest)
			}
		}
		pause.Reset(deliverPause)
	}
}

func (d Deliverer) channels() []store.DeliveryChannel {
	var all []store.DeliveryChannel
	if d.Mail != nil {
		all = append(all, store.DeliverMail)
	}
	for _, c := range d.Channels {
		all = append(all, store.DeliveryChannel(c.Kind))
	}
	return all
}

// MakeDigests makes the daily mails when it is time for them. They are made once,
// however many workers do it.
func (d Deliverer) MakeDigests(ctx context.Context) error {
	now := d.Now()
	day := casework.DateOf(now)
	from := day.At(digestHour, digestMinute)
	if d.Mail == nil || now.Before(from) || !now.Before(day.At(digestLastHour, 0)) {
		return nil
	}
	calendar, err := d.Store.NewestCalendar(ctx)
	if err != nil {
		return err
	}
	if working, _ := calendar.WorkingDay(day); !working {
		return nil
	}
	return d.Store.MakeDigests(ctx, day, from)
}

// Drain sends what waits on one channel, until nothing does or it fails: then ok is
// false, and the channel should rest.
func (d Deliverer) Drain(ctx context.Context, channel store.DeliveryChannel) (ok bool, err error) {
	limit, send := 1, d.mail
	for _, c := range d.Channels {
		if store.DeliveryChannel(c.Kind) == channel {
			limit, send = c.Kind.Batch(), d.post(c)
		}
	}
	for ctx.Err() == nil {
		failed := false
		taken, dead, err := d.Store.SendDeliveries(ctx, channel, d.Now(), limit, func(ctx context.Context, deliveries []store.Delivery) store.Sent {
			sent := send(ctx, deliveries)
			if failed = sent.Err != nil && !sent.Final; sent.Err != nil {
				d.Log.WarnContext(ctx, "delivery failed", "channel", channel, "key", deliveries[0].Key, "attempts", deliveries[0].Attempts+1,
					"final", sent.Final, "error", sent.Err)
			}
			return sent
		})
		switch {
		case err != nil:
			return true, err
		case dead:
			d.Log.ErrorContext(ctx, "ALARM: a delivery was given up", "channel", channel)
		}
		if failed {
			return false, nil
		}
		if taken < limit {
			break
		}
	}
	return true, nil
}

// wait gives when the deliveries may go out, if not now.
func (d Deliverer) wait(ctx context.Context, hours casework.Hours) (store.Sent, bool) {
	calendar, err := d.Store.NewestCalendar(ctx)
	if err != nil {
		return store.Sent{Err: err}, true
	}
	now := d.Now()
	if next := hours.Next(calendar, now); next.After(now) {
		return store.Sent{Later: next}, true
	}
	return store.Sent{}, false
}

func (d Deliverer) post(c Channel) func(context.Context, []store.Delivery) store.Sent {
	return func(ctx context.Context, deliveries []store.Delivery) store.Sent {
		if c.Kind.Robot() {
			if sent, must := d.wait(ctx, casework.OfficeHours()); must {
				return sent
			}
		}
		items := make([]notify.Item, 0, len(deliveries))
		for _, delivery := range deliveries {
			i, err := d.item(ctx, delivery)
			if err != nil {
				return store.Sent{Err: err}
			}
			items = append(items, i)
		}
		err := c.Poster.Post(ctx, items)
		return store.Sent{Err: err, Final: notify.IsFinal(err)}
	}
}

func (d Deliverer) item(ctx context.Context, delivery store.Delivery) (notify.Item, error) {
	c, err := d.Store.CaseByNumber(ctx, delivery.Number)
	if err != nil {
		return notify.Item{}, err
	}
	i := notify.Item{
		Key: delivery.Key, Kind: casework.NoticeKind(delivery.Kind), Days: delivery.Days, Number: c.Number, Matter: c.MatterName, Stage: c.Stage,
		At: delivery.CreatedAt,
	}
	if c.PausedAt == nil {
		i.Due = c.DeadlineAt
	}
	return i, nil
}

// mail sends one mail. Who has been disabled since, has no address any more, or may
// no longer see the case gets none.
func (d Deliverer) mail(ctx context.Context, deliveries []store.Delivery) store.Sent {
	delivery := deliveries[0]
	user, err := d.Store.UserByID(ctx, delivery.UserID)
	if refused, ok := casework.AsError(err); ok && refused.Code == casework.CodeNotFound {
		return store.Sent{}
	}
	if err != nil {
		return store.Sent{Err: err}
	}
	all, err := d.Store.NotificationSettingsOf(ctx, user.ID)
	if err != nil {
		return store.Sent{Err: err}
	}
	settings := all[user.ID]
	if settings.Email == "" || (!settings.Confirmed && delivery.Kind != store.DeliveryConfirm) {
		return store.Sent{}
	}
	switch delivery.Kind {
	case store.DeliveryConfirm:
		code, err := d.Store.EmailCode(ctx, user.ID)
		if err != nil || code == "" {
			return store.Sent{Err: err}
		}
		return d.send(ctx, delivery, settings, notify.ConfirmationOf(settings.Language, code))
	case store.DeliveryDigest:
		return d.digest(ctx, delivery, user, settings)
	default:
		return d.notice(ctx, delivery, user, settings)
	}
}

func (d Deliverer) send(ctx context.Context, delivery store.Delivery, settings store.NotificationSettings, l notify.Letter) store.Sent {
	l.ID, l.To = delivery.Key, settings.Email
	err := d.Mail.Send(ctx, l)
	return store.Sent{Err: err, Final: notify.IsFinal(err)}
}

func (d Deliverer) notice(ctx context.Context, delivery store.Delivery, user store.User, settings store.NotificationSettings) store.Sent {
	hours := casework.OfficeHours()
	hours.QuietFrom, hours.QuietTo = settings.QuietFrom, settings.QuietTo
	if sent, must := d.wait(ctx, hours); must {
		return sent
	}
	sees, err := d.Store.Sees(ctx, d.Scope(user.Actor), delivery.Number)
	if err != nil || !sees {
		return store.Sent{Err: err}
	}
	i, err := d.item(ctx, delivery)
	if err != nil {
		return store.Sent{Err: err}
	}
	if i.Kind.Reminder() && (i.Due == nil || !i.Due.After(d.Now())) {
		return store.Sent{} // it waited too long
	}
	return d.send(ctx, delivery, settings, d.Pages.LetterOf(settings.Language, i))
}

// digest sends what a day begins with, if there is anything.
func (d Deliverer) digest(ctx context.Context, delivery store.Delivery, user store.User, settings store.NotificationSettings) store.Sent {
	now := d.Now()
	if delivery.Key != store.DigestKey(user.ID, casework.DateOf(now)) {
		return store.Sent{} // of a day that is over
	}
	digest, ids, err := d.digestOf(ctx, user, settings, now)
	if err != nil || digest.Empty() {
		return store.Sent{Err: err}
	}
	sent := d.send(ctx, delivery, settings, d.Pages.DigestOf(settings.Language, digest))
	if sent.Err == nil {
		sent.Err = d.Store.NoteDigested(ctx, ids)
	}
	return sent
}

func (d Deliverer) digestOf(
	ctx context.Context, user store.User, settings store.NotificationSettings, now time.Time,
) (digest notify.Digest, ids []int64, err error) {
	const most = 200
	if scope, ok := d.TaskScope(user.Actor); ok {
		tasks, err := d.Store.DueTasks(ctx, scope, user.ID, casework.DateOf(now).End(), most)
		if err != nil {
			return digest, nil, err
		}
		for _, t := range tasks {
			i := notify.Item{Number: t.Number, Matter: t.MatterName, Stage: t.Stage, Due: &t.DueAt}
			if t.DueAt.After(now) {
				digest.Today = append(digest.Today, i)
			} else {
				digest.Overdue = append(digest.Overdue, i)
			}
		}
	}
	fresh, err := d.Store.Notifications(ctx, d.Scope(user.Actor), user.ID, store.NotificationFilter{ForDigest: settings.DigestKinds(), Limit: most})
	if err != nil {
		return digest, nil, err
	}
	for _, n := range fresh {
		ids = append(ids, n.ID)
		digest.Fresh = append(digest.Fresh, notify.Item{Kind: n.Kind, Days: n.Days, Number: n.Number, Matter: n.MatterName, Stage: n.Stage, Due: n.DeadlineAt})
	}
	return digest, ids, nil
}
