package commands

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"net/mail"
	"slices"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// ScopeOf is what of all cases a person may see, for who tells people of cases when
// nobody asks.
func ScopeOf(actor casework.Actor) store.Scope { return scopeOf(actor) }

// TaskScopeOf says whose tasks a person works on; false for who has none.
func TaskScopeOf(actor casework.Actor) (store.TaskScope, bool) { return taskScopeOf(actor) }

// MaxUnread is how far unread notifications are counted.
const MaxUnread = 100

// NotificationPage is one page of what a person was told.
type NotificationPage struct {
	Notifications []store.Notification
	Next          *store.NotificationCursor // nil on the last page
}

// ListNotifications lists what the actor was told, newest first. A case that they
// may no longer see is not among it.
func (s *Service) ListNotifications(ctx context.Context, actor casework.Actor, filter store.NotificationFilter) (NotificationPage, error) {
	limit, err := pageSize(filter.Limit)
	if err != nil {
		return NotificationPage{}, err
	}
	filter.Limit = limit + 1
	notifications, err := s.store.Notifications(ctx, scopeOf(actor), actor.UserID, filter)
	if err != nil {
		return NotificationPage{}, err
	}
	page := NotificationPage{Notifications: notifications}
	if len(notifications) > limit {
		page.Notifications = notifications[:limit]
		page.Next = &store.NotificationCursor{ID: page.Notifications[limit-1].ID}
	}
	return page, nil
}

// UnreadNotifications counts what the actor has not read, up to MaxUnread.
func (s *Service) UnreadNotifications(ctx context.Context, actor casework.Actor) (int, error) {
	return s.store.UnreadNotifications(ctx, scopeOf(actor), actor.UserID, MaxUnread)
}

// ReadNotification marks one of the actor's notifications as read.
func (s *Service) ReadNotification(ctx context.Context, actor casework.Actor, id int64) error {
	return s.store.ReadNotification(ctx, actor.UserID, id)
}

// ReadNotifications marks all of the actor's notifications up to one as read. What
// came while they read stays unread.
func (s *Service) ReadNotifications(ctx context.Context, actor casework.Actor, upTo int64) error {
	if upTo <= 0 {
		return casework.Invalid("up_to", "unknown_value", "the newest notification that was seen")
	}
	return s.store.ReadNotifications(ctx, actor.UserID, upTo, "")
}

// ReadNotificationsOf marks as read what the actor was told about a case: they have
// it before them.
func (s *Service) ReadNotificationsOf(ctx context.Context, actor casework.Actor, number string) error {
	return s.store.ReadNotifications(ctx, actor.UserID, 0, number)
}

// Mailing says whether mails go out at all, and to whom.
type Mailing struct {
	On bool
	// Domains are those to which mails may go; empty: any.
	Domains []string
}

// LetMail says whether mails go out. It is called before the first request.
func (s *Service) LetMail(m Mailing) { s.mailing = m }

// NotificationSettingsView is how the actor wants to be told, and whether mails go
// out at all.
type NotificationSettingsView struct {
	store.NotificationSettings

	Mailing Mailing
}

// NotificationSettings shows how the actor wants to be told.
func (s *Service) NotificationSettings(ctx context.Context, actor casework.Actor) (NotificationSettingsView, error) {
	all, err := s.store.NotificationSettingsOf(ctx, actor.UserID)
	if err != nil {
		return NotificationSettingsView{}, err
	}
	return NotificationSettingsView{NotificationSettings: all[actor.UserID], Mailing: s.mailing}, nil
}

// minutesOfDay is one more than the last minute of a day.
const minutesOfDay = 24 * 60

// ChangeNotificationSettings keeps how the actor wants to be told. The address is
// changed by ChangeEmail.
func (s *Service) ChangeNotificationSettings(ctx context.Context, actor casework.Actor, n store.NotificationSettings) error {
	for _, group := range casework.NoticeGroups() {
		if !slices.Contains(store.MailChoices(), n.Choices[group]) {
			return casework.Invalid("choice_"+string(group), "unknown_value", "now, digest or off")
		}
	}
	if n.Language != "zh-CN" && n.Language != "en" {
		return casework.Invalid("language", "unknown_value", "zh-CN or en")
	}
	if n.QuietFrom < 0 || n.QuietFrom > n.QuietTo || n.QuietTo >= minutesOfDay {
		return casework.Invalid("quiet_to", "quiet_time_wrong", "the break ends on the same day, after it begins")
	}
	n.UserID = actor.UserID
	return s.store.SaveNotificationSettings(ctx, n, s.now())
}

// maxEmail is the longest address that mail servers take.
const maxEmail = 254

// ChangeEmail keeps another address of the actor and sends a code there; an empty
// one is none.
func (s *Service) ChangeEmail(ctx context.Context, actor casework.Actor, address string) error {
	address = strings.TrimSpace(address)
	if address == "" {
		return s.store.ChangeEmail(ctx, actor.UserID, "", "", s.now())
	}
	if !s.mailing.On {
		return casework.Conflict("mail_is_off", "this installation sends no mails")
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > maxEmail || strings.ContainsAny(address, " \"\r\n") {
		return casework.Invalid("email", "email_malformed", "name@example.gov.cn")
	}
	_, domain, _ := strings.Cut(address, "@")
	if len(s.mailing.Domains) > 0 && !slices.Contains(s.mailing.Domains, strings.ToLower(domain)) {
		return casework.Invalid("email", "email_domain", "mails go to addresses of the house only")
	}
	code, err := rand.Int(rand.Reader, big.NewInt(1e6))
	if err != nil {
		return fmt.Errorf("code for an address: %w", err)
	}
	return s.store.ChangeEmail(ctx, actor.UserID, address, fmt.Sprintf("%06d", code), s.now())
}

// ConfirmEmail believes that the address is the actor's when they know the code that
// was sent there.
func (s *Service) ConfirmEmail(ctx context.Context, actor casework.Actor, code string) error {
	return s.store.ConfirmEmail(ctx, actor.UserID, strings.TrimSpace(code), s.now())
}
