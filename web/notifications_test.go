package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/web"
)

// told keeps in memory what people are told.
type told struct {
	web.Notifications // nil: the settings are tested on a real database

	list       []store.Notification
	unread     int
	toldBroken bool
	marking    sync.Mutex
	read       []string // what was marked, in order
}

func (o *told) UnreadNotifications(context.Context, casework.Actor) (int, error) {
	if o.toldBroken {
		return 0, errors.New("away")
	}
	return o.unread, nil
}

func (o *told) ListNotifications(_ context.Context, _ casework.Actor, f store.NotificationFilter) (commands.NotificationPage, error) {
	page := commands.NotificationPage{}
	for _, n := range o.list {
		if !f.Unread || n.ReadAt == nil {
			page.Notifications = append(page.Notifications, n)
		}
	}
	if f.Before.ID == 0 && len(o.list) > 0 {
		page.Next = &store.NotificationCursor{ID: 7}
	}
	return page, nil
}

func (o *told) mark(what string) {
	o.marking.Lock()
	defer o.marking.Unlock()
	o.read = append(o.read, what)
}

func (o *told) ReadNotification(_ context.Context, _ casework.Actor, id int64) error {
	o.mark("one " + strconv.FormatInt(id, 10))
	return nil
}

func (o *told) ReadNotifications(_ context.Context, _ casework.Actor, upTo int64) error {
	o.mark("up to " + strconv.FormatInt(upTo, 10))
	return nil
}

func (o *told) ReadNotificationsOf(_ context.Context, actor casework.Actor, number string) error {
	if o.toldBroken {
		return errors.New("away")
	}
	o.mark(strconv.FormatInt(actor.UserID, 10) + " of " + number)
	return nil
}

func TestTheHeadCountsWhatIsUnread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Empty(t, b.do(http.MethodGet, "/sign-in", nil).all("a", "class", "g-bell"), "nobody is signed in")
	b.signIn(chen)
	for unread, count := range map[int]string{0: "", 1: "1", 99: "99", commands.MaxUnread: "99+"} {
		b.office.unread = unread
		bell := words(b.do(http.MethodGet, "/tasks", nil).one(t, "a", "class", "g-bell"))
		require.Contains(t, bell, "消息")
		require.Equal(t, count != "", strings.Contains(bell, "条未读"), "colour and a number are no words")
		require.Contains(t, bell, count)
	}
	b.office.toldBroken = true
	b.office.unread = 3
	p := b.do(http.MethodGet, "/tasks", nil)
	require.Equal(t, http.StatusOK, p.StatusCode, "the page is good without")
	require.Empty(t, p.all("span", "class", "g-badge"))
}

func TestNotificationsAreListedAndMarked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	yesterday := now.AddDate(0, 0, -1)
	due := now.AddDate(0, 0, 3)
	b.office.unread = 1
	b.office.list = []store.Notification{
		{ID: 9, Kind: casework.NoticeWarning, Days: 3, CreatedAt: now, Number: number(1), MatterName: "不动产转移登记", Stage: casework.StageRectification, DeadlineAt: &due},
		{ID: 8, Kind: casework.NoticeManyLooks, CreatedAt: yesterday, ReadAt: &now, Number: number(2), MatterName: "不动产转移登记", Stage: casework.StageFeedback},
	}
	b.signIn(chen)
	p := b.do(http.MethodGet, "/notifications", nil)
	require.Contains(t, p.text, "到期前 3 天提醒")
	require.Contains(t, p.text, `href="/cases/`+number(1)+`"`)
	require.Contains(t, p.text, `href="/reveals?alarms=true"`, "an alarm leads to what it is about")
	require.Contains(t, p.text, "已读")
	require.Len(t, p.all("form", "action", "/notifications/9/read"), 1)
	require.Empty(t, p.all("form", "action", "/notifications/8/read"))
	require.Contains(t, p.text, "cursor=", "there are more")
	require.NotContains(t, b.do(http.MethodGet, "/notifications?unread=true", nil).text, number(2))

	p = b.do(http.MethodPost, "/notifications/9/read", url.Values{"unread": {"true"}})
	require.Equal(t, "/notifications?unread=true", p.Header.Get("Location"), "back to the list as it was")
	require.Equal(t, http.StatusNotFound, b.do(http.MethodPost, "/notifications/x/read", url.Values{}).StatusCode)
	p = b.do(http.MethodPost, "/notifications/read-all", url.Values{"up_to": {"9"}})
	require.Equal(t, http.StatusSeeOther, p.StatusCode)
	require.Contains(t, b.do(http.MethodGet, "/notifications", nil).text, "已全部标为已读")
	require.Equal(t, []string{"one 9", "up to 9"}, b.office.read)

	b.office.list = nil
	require.Contains(t, b.do(http.MethodGet, "/notifications", nil).text, "还没有消息")
	require.Contains(t, b.do(http.MethodGet, "/notifications?unread=true", nil).text, "没有未读消息")
}

func TestOpeningACaseReadsWhatIsToldOfIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 10, "verification")
	b.signIn(chen)
	require.Equal(t, http.StatusOK, b.do(http.MethodGet, "/cases/"+number(10), nil).StatusCode)
	require.Equal(t, []string{"11 of " + number(10)}, b.office.read)
	require.Equal(t, http.StatusNotFound, b.do(http.MethodGet, "/cases/"+number(77), nil).StatusCode)
	require.Len(t, b.office.read, 1, "a case that one may not see marks nothing")
	b.office.toldBroken = true
	require.Equal(t, http.StatusOK, b.do(http.MethodGet, "/cases/"+number(10), nil).StatusCode)
}
