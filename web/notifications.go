package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

const (
	notificationsPath        = "/notifications"
	notificationSettingsPath = "/account/notifications"
)

// Notifications is what people ask about what they are told.
type Notifications interface {
	ListNotifications(ctx context.Context, actor casework.Actor, filter store.NotificationFilter) (commands.NotificationPage, error)
	UnreadNotifications(ctx context.Context, actor casework.Actor) (int, error)
	ReadNotification(ctx context.Context, actor casework.Actor, id int64) error
	ReadNotifications(ctx context.Context, actor casework.Actor, upTo int64) error
	ReadNotificationsOf(ctx context.Context, actor casework.Actor, number string) error
	NotificationSettings(ctx context.Context, actor casework.Actor) (commands.NotificationSettingsView, error)
	ChangeNotificationSettings(ctx context.Context, actor casework.Actor, n store.NotificationSettings) error
	ChangeEmail(ctx context.Context, actor casework.Actor, address string) error
	ConfirmEmail(ctx context.Context, actor casework.Actor, code string) error
}

// unread counts what the person has not read, as the head of each page shows it. A
// count that cannot be had is left out: the page is good without.
func (v *visit) unread() string {
	ctx := v.Request().Context()
	n, err := v.site.Commands.UnreadNotifications(ctx, v.user.Actor)
	switch {
	case err != nil:
		v.site.Log.WarnContext(ctx, "count of notifications", "error", err)
		return ""
	case n == 0:
		return ""
	case n >= commands.MaxUnread:
		return strconv.Itoa(commands.MaxUnread-1) + "+"
	}
	return strconv.Itoa(n)
}

// seen notes that the person has a case before them: what they were told of it
// need not be told any longer.
func (v *visit) seen(number string) {
	ctx := v.Request().Context()
	if err := v.site.Commands.ReadNotificationsOf(ctx, v.user.Actor, number); err != nil {
		v.site.Log.WarnContext(ctx, "notifications of a case", "case", number, "error", err)
	}
}

type notificationsPage struct {
	frame

	UnreadOnly bool
	Rows       []notificationRow
	UpTo       int64 // the newest of this page
	Done       string
	Next       string
	First      string // the first page
	Later      bool   // this is not it
}

// notificationRow is one notification as a line of the list.
type notificationRow struct {
	store.Notification

	Words string
	Path  string // where it leads
	Due   due
}

// showNotifications answers GET /notifications?unread=true.
func showNotifications(v *visit) error {
	before, err := cursorOf[store.NotificationCursor](v)
	if err != nil {
		return err
	}
	filter := store.NotificationFilter{Before: before, Unread: v.QueryParam("unread") == "true"}
	page, err := v.site.Commands.ListNotifications(v.Request().Context(), v.user.Actor, filter)
	if err != nil {
		return err
	}
	p := notificationsPage{
		frame: v.frame(v.say.T("notifications.title"), notificationsPath), UnreadOnly: filter.Unread, Later: before.ID != 0, Done: v.takeDone(),
	}
	for _, n := range page.Notifications {
		p.UpTo = max(p.UpTo, n.ID)
		p.Rows = append(p.Rows, v.notificationRow(n))
	}
	if p.Next, err = nextPage(v, page.Next); err != nil {
		return err
	}
	p.First = firstPage(v)
	return v.render(http.StatusOK, "notifications", p)
}

func (v *visit) notificationRow(n store.Notification) notificationRow {
	row := notificationRow{
		Notification: n, Words: v.say.T("notification."+string(n.Kind), "Count", n.Days), Path: casePath(n.Number),
		Due: v.say.due(n.DeadlineAt, n.PausedAt, v.site.Commands.Now(store.Case{Number: n.Number, ClockOffset: n.ClockOffset})),
	}
	if n.Kind == casework.NoticeManyLooks {
		row.Path = "/reveals?alarms=true"
	}
	return row
}

// readNotification answers POST /notifications/:id/read.
func readNotification(v *visit) error {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil {
		return errNoPage()
	}
	if err := v.site.Commands.ReadNotification(v.Request().Context(), v.user.Actor, id); err != nil {
		return err
	}
	return v.redirect(ownPath(v.backToList()))
}

// readNotifications answers POST /notifications/read-all.
func readNotifications(v *visit) error {
	upTo, err := strconv.ParseInt(v.form.Get("up_to"), 10, 64)
	if err != nil {
		upTo = 0 // refused by the command
	}
	if err := v.site.Commands.ReadNotifications(v.Request().Context(), v.user.Actor, upTo); err != nil {
		return err
	}
	return v.done(v.backToList(), "read")
}

// backToList is the list as it was narrowed.
func (v *visit) backToList() string {
	if v.form.Get("unread") == "true" {
		return notificationsPath + "?unread=true"
	}
	return notificationsPath
}

type notificationSettingsPage struct {
	frame

	Settings           commands.NotificationSettingsView
	Groups             []noticeGroup
	Choices            []store.MailChoice
	Languages          []string
	QuietFrom, QuietTo string // HH:MM; empty: no break
	Email              string // as it was typed
	Done               string
	ErrorField, Error  string
}

// noticeGroup is a group of notices with what the person chose.
type noticeGroup struct {
	Group  casework.NoticeGroup
	Field  string
	Choice store.MailChoice
}

func choiceField(group casework.NoticeGroup) string { return "choice_" + string(group) }

// showNotificationSettings answers GET /account/notifications.
func showNotificationSettings(v *visit) error {
	return v.renderNotificationSettings(http.StatusOK, notificationSettingsPage{Done: v.takeDone()})
}

func (v *visit) renderNotificationSettings(status int, p notificationSettingsPage) error {
	view, err := v.site.Commands.NotificationSettings(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	p.frame = v.frame(v.say.T("notification_settings.title"), notificationSettingsPath)
	p.Settings, p.Choices, p.Languages = view, store.MailChoices(), languages()
	if p.ErrorField != "email" {
		p.Email = view.Email
	}
	if view.QuietFrom < view.QuietTo {
		p.QuietFrom, p.QuietTo = clockTime(view.QuietFrom), clockTime(view.QuietTo)
	}
	for _, group := range casework.NoticeGroupsFor(v.user.Actor) {
		p.Groups = append(p.Groups, noticeGroup{Group: group, Field: choiceField(group), Choice: view.Choices[group]})
	}
	return v.render(status, "notification_settings", p)
}

// refuseNotificationSettings shows the page again with what was wrong.
func (v *visit) refuseNotificationSettings(err error, email string) error {
	refused, ok := mend(err)
	if !ok {
		return err
	}
	field := refused.Field
	if field == "" { // of the address, which alone can be in conflict
		field = "email"
	}
	return v.renderNotificationSettings(httpstatus.Of(refused), notificationSettingsPage{
		ErrorField: field, Error: v.say.T("error."+refused.Reason, "Field", refused.Field), Email: email,
	})
}

// changeNotificationSettings answers POST /account/notifications.
func changeNotificationSettings(v *visit) error {
	ctx := v.Request().Context()
	view, err := v.site.Commands.NotificationSettings(ctx, v.user.Actor)
	if err != nil {
		return err
	}
	chosen := view.NotificationSettings
	for _, group := range casework.NoticeGroupsFor(v.user.Actor) {
		chosen.Choices[group] = store.MailChoice(v.form.Get(choiceField(group)))
	}
	chosen.Language = v.form.Get("language")
	chosen.QuietFrom, err = minutesOf("quiet_from", v.form.Get("quiet_from"))
	if err == nil {
		chosen.QuietTo, err = minutesOf("quiet_to", v.form.Get("quiet_to"))
	}
	if err == nil {
		err = v.site.Commands.ChangeNotificationSettings(ctx, v.user.Actor, chosen)
	}
	if err != nil {
		return v.refuseNotificationSettings(err, "")
	}
	return v.done(notificationSettingsPath, "saved")
}

// changeEmail answers POST /account/notifications/email.
func changeEmail(v *visit) error {
	address := v.typed("email")
	if err := v.site.Commands.ChangeEmail(v.Request().Context(), v.user.Actor, address); err != nil {
		return v.refuseNotificationSettings(err, address)
	}
	if address == "" {
		return v.done(notificationSettingsPath, "email_removed")
	}
	return v.done(notificationSettingsPath, "code_sent")
}

// confirmEmail answers POST /account/notifications/confirm.
func confirmEmail(v *visit) error {
	if err := v.site.Commands.ConfirmEmail(v.Request().Context(), v.user.Actor, v.form.Get("code")); err != nil {
		return v.refuseNotificationSettings(err, "")
	}
	return v.done(notificationSettingsPath, "email_confirmed")
}

// timeOfDay is how browsers write a time of day.
const timeOfDay = "15:04"

// minutesOf reads a time of day as minutes after midnight; 0 when it was left empty.
func minutesOf(field, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	at, err := time.Parse(timeOfDay, text)
	if err != nil {
		return 0, casework.Invalid(field, "time_malformed", "HH:MM")
	}
	return at.Hour()*60 + at.Minute(), nil
}

func clockTime(minutes int) string {
	return time.Date(1, 1, 1, 0, minutes, 0, 0, time.UTC).Format(timeOfDay)
}
