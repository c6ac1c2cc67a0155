package worker_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/notify"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/policies/rules"
	"guiling/worker"
	"guiling/workflows/contract"
)

// The people of the tests, of the demo.
const (
	chen = "zhanhe.ziran.chen" // handler
	lu   = "zhanhe.ziran.lu"   // handler
	mi   = "zhanhe.ziran.mi"   // handler
	tao  = "zhanhe.ziran.tao"  // lead
	lin  = "zhanhe.jiandu.lin" // supervisor
	gu   = "zhanhe.shenji.gu"  // auditor
)

// house is a database with the people of the demo and one case of 湛河区自然资源局.
type house struct {
	t        *testing.T
	store    *store.Store
	owner    *sql.DB
	name     string // of the database
	number   string
	now      time.Time
	mails    *mailbox
	log      *bytes.Buffer
	channels []store.DeliveryChannel
	mail     bool
}

// wednesday is a working day at ten.
var wednesday = time.Date(2026, 11, 25, 10, 0, 0, 0, casework.China())

func openHouse(t *testing.T) *house {
	t.Helper()
	db := testdb.New(t)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	sealer, err := sealing.Open(filepath.Join(t.TempDir(), "key.json"), true)
	require.NoError(t, err)
	h := &house{t: t, now: wednesday, mails: &mailbox{}, log: &bytes.Buffer{}, mail: true, name: db.Name}
	h.store, err = store.Open(t.Context(), db.AppURL, sealer)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.store.Close()) })
	h.owner, err = sql.Open("postgres", db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.owner.Close() })
	h.number = h.open("TOLD-1")
	return h
}

// open takes a case in and begins it.
func (h *house) open(record string) string {
	h.t.Helper()
	file := "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n" +
		record + ",1,410411000000,湛河区自然资源局,410100101001,不动产转移登记,窗口03,3,赵某甲,990000198001010011,12000000001,1,2,\"213,208\",跑了四趟还没办成,2026-11-01 09:00:00,2026-11-02 10:00:00\n"
	_, err := commands.Importer{Store: h.store, Now: func() time.Time { return h.now }}.ImportReviews(h.t.Context(), "platform", "one.csv", strings.NewReader(file))
	require.NoError(h.t, err)
	number, err := h.store.CaseNumberOf(h.t.Context(), record)
	require.NoError(h.t, err)
	pack, err := rules.Default()
	require.NoError(h.t, err)
	_, err = h.store.DrainOutbox(h.t.Context(), 100, func(_ context.Context, e store.OutboxEntry) error {
		var start store.StartCase
		if e.Kind != store.OutboxStartCase {
			return errors.New("not yet")
		}
		require.NoError(h.t, json.Unmarshal(e.Payload, &start))
		start.Opened.PackID, start.Opened.PackVersion, start.Opened.Limit = pack.ID, pack.Version, pack.Verification
		h.record(start.Number, casework.By{}, start.Opened)
		return nil
	})
	require.NoError(h.t, err)
	return number
}

// record adds events to a case, as its workflow would.
func (h *house) record(number string, by casework.By, bodies ...casework.EventBody) {
	h.t.Helper()
	recorded, err := h.store.EventsOf(h.t.Context(), number)
	require.NoError(h.t, err)
	var state casework.State
	for _, e := range recorded {
		state, err = state.Apply(e.Event)
		require.NoError(h.t, err)
	}
	step := contract.RecordEventsInput{Number: number, Key: fmt.Sprintf("k%d", state.Version)}
	for _, body := range bodies {
		e := casework.Event{Seq: state.Version + 1, At: h.now, By: by, Body: body}
		state, err = state.Apply(e)
		require.NoError(h.t, err)
		step.Events = append(step.Events, e)
	}
	step.State = state
	pack, err := rules.Default()
	require.NoError(h.t, err)
	if deadline, ok := state.Deadline(casework.Rules{Pack: pack}); ok {
		step.Deadline = deadline.At
	}
	step.Tasks = casework.Tasks(state, casework.Rules{Pack: pack})
	_, err = h.store.RecordEvents(h.t.Context(), step, "test")
	require.NoError(h.t, err)
}

func (h *house) notifier() worker.Notifier {
	quiet := slog.New(slog.DiscardHandler)
	return worker.Notifier{
		Store: h.store, Scope: commands.ScopeOf, Mail: h.mail, Channels: h.channels, Citizens: notify.LogSender{Log: quiet}, Log: quiet,
	}
}

// relay delivers what lies in the outbox, as often as said.
func (h *house) relay(times int) {
	h.t.Helper()
	for range times {
		h.exec(`UPDATE outbox SET done_at = NULL, next_attempt_at = now() WHERE kind <> 'start-case'`)
		r := worker.Relay{Outbox: h.store, Notify: h.notifier(), Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(h.t.Context())
		go func() {
			for h.count(`SELECT count(*) FROM outbox WHERE done_at IS NULL AND kind <> 'start-case'`) > 0 {
				time.Sleep(5 * time.Millisecond)
			}
			cancel()
		}()
		require.NoError(h.t, r.Run(ctx))
	}
}

func (h *house) deliverer() worker.Deliverer {
	return worker.Deliverer{
		Store: h.store, Mail: h.mails, Pages: notify.Pages{Base: "https://guiling.example"}, Scope: commands.ScopeOf, TaskScope: commands.TaskScopeOf,
		Now: func() time.Time { return h.now }, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
}

func (h *house) drain() bool {
	h.t.Helper()
	ok, err := h.deliverer().Drain(h.t.Context(), store.DeliverMail)
	require.NoError(h.t, err)
	return ok
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	_, err := h.owner.ExecContext(h.t.Context(), query, args...)
	require.NoError(h.t, err)
}

func (h *house) count(query string) (n int) {
	if err := h.owner.QueryRowContext(context.WithoutCancel(h.t.Context()), query).Scan(&n); err != nil {
		h.t.Error(err)
	}
	return n
}

func (h *house) user(username string) store.User {
	h.t.Helper()
	u, err := h.store.UserByName(h.t.Context(), username)
	require.NoError(h.t, err)
	return u
}

func (h *house) by(username string) casework.By {
	u := h.user(username)
	return casework.By{UserID: u.ID, OrganisationID: u.Actor.OrganisationID, Role: u.Actor.Roles[0], Rule: "test"}
}

// told says who has which notifications of a case.
func (h *house) told(number string, kind casework.NoticeKind) []string {
	h.t.Helper()
	rows, err := h.owner.QueryContext(h.t.Context(), `
		SELECT u.username FROM notifications n JOIN users u ON u.id = n.user_id WHERE n.case_number = $1 AND n.kind = $2 ORDER BY u.username`, number, string(kind))
	require.NoError(h.t, err)
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		require.NoError(h.t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(h.t, rows.Err())
	return names
}

// reachable gives somebody an address that has answered, long ago.
func (h *house) reachable(username string, choices map[casework.NoticeGroup]store.MailChoice) {
	h.t.Helper()
	if choices == nil {
		choices = map[casework.NoticeGroup]store.MailChoice{} // the usual ones
	}
	data, err := json.Marshal(choices)
	require.NoError(h.t, err)
	h.exec(`INSERT INTO notification_settings (user_id, email, confirmed_at, choices, changed_at) VALUES ($1, $2, '2026-01-01', $3, '2026-01-01')`,
		h.user(username).ID, username+"@example.gov.cn", data)
}

// mailbox keeps letters.
type mailbox struct {
	mu      sync.Mutex
	letters []notify.Letter
	err     error
}

func (m *mailbox) Send(_ context.Context, l notify.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.letters = append(m.letters, l)
	return nil
}

func TestWhoIsToldByTheRolesOfToday(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.exec(`UPDATE users SET disabled_at = now() WHERE username = $1`, mi)
	h.relay(1)
	require.Equal(t, []string{chen, lu, tao}, h.told(h.number, casework.NoticeNewCase), "everybody who may claim it, and nobody who is disabled")

	h.record(h.number, h.by(tao), casework.Assigned{UserID: h.user(chen).ID})
	h.relay(3)
	require.Equal(t, []string{chen}, h.told(h.number, casework.NoticeAssigned), "once, however often it is delivered")
	require.Equal(t, []string{chen, lu, tao}, h.told(h.number, casework.NoticeNewCase), "and nobody else is told of it again")

	h.record(h.number, casework.By{}, casework.Warned{DaysBefore: 3, Clock: casework.ClockVerification, Deadline: h.now.AddDate(0, 0, 3)})
	h.relay(1)
	require.Equal(t, []string{chen}, h.told(h.number, casework.NoticeWarning))

	h.exec(`UPDATE users SET disabled_at = now() WHERE username = $1`, chen)
	h.record(h.number, casework.By{}, casework.BecameOverdue{Clock: casework.ClockVerification, Deadline: h.now})
	h.relay(1)
	require.Contains(t, h.told(h.number, casework.NoticeOverdue), tao, "in the place of a handler who left")
	require.Contains(t, h.told(h.number, casework.NoticeOverdue), lin)
	require.NotContains(t, h.told(h.number, casework.NoticeOverdue), chen)
	require.NotContains(t, h.told(h.number, casework.NoticeOverdue), gu)

	h.exec(`UPDATE users SET disabled_at = now() WHERE username LIKE 'zhanhe.jiandu.%'`)
	h.record(h.number, casework.By{}, casework.Escalated{Clock: casework.ClockVerification, Deadline: h.now})
	h.relay(1)
	escalated := strings.Join(h.told(h.number, casework.NoticeEscalated), " ")
	require.Contains(t, escalated, "pingdingshan.jiandu.", "where nobody supervises, whoever does above")
	require.NotContains(t, escalated, "henan.jiandu.")
}

func TestAnUnclaimedCaseThatHasSomebodyByNow(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.record(h.number, h.by(chen), casework.Claimed{UserID: h.user(chen).ID})
	h.relay(1)
	require.Empty(t, h.told(h.number, casework.NoticeNewCase))
}

func TestAuditorsAreToldOfManyLooks(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.channels = []store.DeliveryChannel{store.DeliverGeneric, store.DeliverWeCom}
	message := notify.Message{Key: "reveal-alarm/1", To: notify.Auditors, CaseNumber: h.number, Alarm: "many-cases", UserID: h.user(chen).ID, Cases: 16}
	for range 2 {
		require.NoError(t, h.notifier().Send(t.Context(), message))
	}
	require.Equal(t, []string{gu}, h.told(h.number, casework.NoticeManyLooks))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM deliveries WHERE kind = 'many_looks' AND channel = 'generic'`))
	require.Zero(t, h.count(`SELECT count(*) FROM deliveries WHERE kind = 'many_looks' AND channel = 'wecom'`), "the watched may read along there")
}

// TestWhatIsNoLongerSeen: who moves to another department sees no more of the
// notifications of the old one, in the product and by mail.
func TestWhatIsNoLongerSeen(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.reachable(chen, nil)
	h.relay(1)
	h.record(h.number, h.by(tao), casework.Assigned{UserID: h.user(chen).ID})
	h.relay(1)
	actor := h.user(chen).Actor
	list := func(actor casework.Actor) int {
		n, err := h.store.Notifications(t.Context(), commands.ScopeOf(actor), actor.UserID, store.NotificationFilter{Limit: 50})
		require.NoError(t, err)
		unread, err := h.store.UnreadNotifications(t.Context(), commands.ScopeOf(actor), actor.UserID, 100)
		require.NoError(t, err)
		require.Len(t, n, unread)
		return unread
	}
	require.Equal(t, 2, list(actor))
	h.exec(`UPDATE users SET organisation_id = (SELECT organisation_id FROM users WHERE username = 'zhanhe.zhujian.fu') WHERE username = $1`, chen)
	require.Zero(t, list(h.user(chen).Actor))
	require.True(t, h.drain())
	require.Empty(t, h.mails.letters)
	require.Zero(t, h.count(`SELECT count(*) FROM deliveries WHERE done_at IS NULL`), "it is not needed any more")
}

// TestReading: one, all up to what was seen, and those of a case; nobody reads for
// another, and whoever listens hears of it.
func TestReading(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	second := h.open("TOLD-2")
	h.relay(1)
	user := h.user(chen)
	scope := commands.ScopeOf(user.Actor)
	list, err := h.store.Notifications(t.Context(), scope, user.ID, store.NotificationFilter{Limit: 50})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.ErrorContains(t, h.store.ReadNotification(t.Context(), h.user(lu).ID, list[0].ID), "no such notification")
	require.NoError(t, h.store.ReadNotifications(t.Context(), user.ID, list[1].ID, ""))
	unread, err := h.store.Notifications(t.Context(), scope, user.ID, store.NotificationFilter{Unread: true, Limit: 50})
	require.NoError(t, err)
	require.Len(t, unread, 1, "what came later stays unread")
	require.Equal(t, list[0].ID, unread[0].ID)
	require.NoError(t, h.store.ReadNotifications(t.Context(), user.ID, 0, map[bool]string{true: second, false: h.number}[list[0].Number == second]))
	n, err := h.store.UnreadNotifications(t.Context(), scope, user.ID, 100)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = h.store.UnreadNotifications(t.Context(), commands.ScopeOf(h.user(lu).Actor), h.user(lu).ID, 1)
	require.NoError(t, err)
	require.Equal(t, 1, n, "it counts no further than asked")
}

func TestMailsGoOutInOfficeHours(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.reachable(chen, nil)
	h.reachable(tao, map[casework.NoticeGroup]store.MailChoice{casework.NoticesOfDeadlines: store.MailOff})
	h.reachable(lin, nil)
	h.exec(`UPDATE notification_settings SET quiet_from = 720, quiet_to = 840 WHERE user_id = $1`, h.user(lin).ID)
	h.record(h.number, h.by(tao), casework.Assigned{UserID: h.user(chen).ID})
	h.relay(1)
	// The legal event comes at 24:00 and is told at once; its mails wait.
	h.now = time.Date(2026, 11, 28, 0, 0, 0, 0, casework.China()) // a Saturday
	h.record(h.number, casework.By{}, casework.BecameOverdue{Clock: casework.ClockVerification, Deadline: h.now})
	h.relay(2)
	require.Contains(t, h.told(h.number, casework.NoticeOverdue), chen)
	require.True(t, h.drain())
	require.Empty(t, h.mails.letters)
	require.Zero(t, h.count(`SELECT count(*) FROM deliveries WHERE attempts > 0`), "waiting is no failure")

	h.now = time.Date(2026, 11, 30, 8, 59, 59, 0, casework.China())
	require.True(t, h.drain())
	require.Empty(t, h.mails.letters)
	h.now = time.Date(2026, 11, 30, 12, 30, 0, 0, casework.China())
	require.True(t, h.drain())
	require.Equal(t, map[string]int{chen: 2}, h.mails.by(), "Lin has a break")
	h.now = time.Date(2026, 11, 30, 14, 0, 0, 0, casework.China())
	require.True(t, h.drain())
	require.Equal(t, map[string]int{chen: 2, lin: 1}, h.mails.by(), "and Tao wants none")
	// A reminder that waited until its deadline had passed is none.
	h.record(h.number, casework.By{}, casework.Warned{DaysBefore: 1, Clock: casework.ClockVerification, Deadline: h.now})
	h.exec(`UPDATE cases SET deadline_at = '2026-11-30 13:00+08', overdue_since = NULL`)
	h.relay(1)
	require.True(t, h.drain())
	require.Equal(t, map[string]int{chen: 2, lin: 1}, h.mails.by())
	require.Zero(t, h.count(`SELECT count(*) FROM deliveries WHERE done_at IS NULL`))
	for _, l := range h.mails.letters {
		require.NotContains(t, l.Body+l.Subject, "赵", "nothing of the citizen")
		require.NotContains(t, l.Body, "跑了四趟")
		require.Contains(t, l.Body, "https://guiling.example/cases/"+h.number)
	}
}

// by counts the letters by person.
func (m *mailbox) by() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := map[string]int{}
	for _, l := range m.letters {
		counts[strings.TrimSuffix(l.To, "@example.gov.cn")]++
	}
	return counts
}

// TestWhatTheOtherEndSaysInItsOwnWords: an answer in another encoding, or of any
// length, holds up nobody.
func TestWhatTheOtherEndSaysInItsOwnWords(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.reachable(chen, nil)
	h.record(h.number, h.by(tao), casework.Assigned{UserID: h.user(chen).ID})
	h.relay(1)
	h.mails.err = errors.New("451 \xd3\xca\xcf\xe4\xc3\xa6\x00" + strings.Repeat("长", 5000)) // GBK
	require.False(t, h.drain())
	require.Equal(t, 1, h.count(`SELECT count(*) FROM deliveries WHERE attempts = 1 AND last_error LIKE '451 %' AND char_length(last_error) <= 500`))
}

func TestAMailIsTriedAgainAndGivenUp(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.reachable(chen, nil)
	h.record(h.number, h.by(tao), casework.Assigned{UserID: h.user(chen).ID})
	h.relay(1)
	h.mails.err = errors.New("the server is away")
	require.False(t, h.drain(), "the channel should rest")
	require.Equal(t, 1, h.count(`SELECT count(*) FROM deliveries WHERE attempts = 1 AND last_error = 'the server is away' AND dead_at IS NULL`))
	h.mails.err = nil
	require.True(t, h.drain())
	require.Empty(t, h.mails.letters, "not before its time")
	h.now = h.now.Add(31 * time.Second)
	require.True(t, h.drain())
	require.Len(t, h.mails.letters, 1)

	h.record(h.number, casework.By{}, casework.Warned{DaysBefore: 3, Clock: casework.ClockVerification, Deadline: h.now.AddDate(0, 0, 3)})
	h.relay(1)
	h.mails.err = errors.New("still away")
	h.exec(`UPDATE deliveries SET attempts = 41 WHERE done_at IS NULL`)
	require.False(t, h.drain())
	dead, err := h.store.DeadDeliveries(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, dead)
	require.Contains(t, h.log.String(), "ALARM: a delivery was given up")
	h.mails.err = nil
	h.now = h.now.AddDate(0, 0, 1)
	require.True(t, h.drain())
	require.Len(t, h.mails.letters, 1, "what was given up is not tried again by itself")
}

// TestADailyMailIsSentOnce: two workers at the same moment, one mail; nothing to
// say, no mail; on a day off none.
func TestADailyMailIsSentOnce(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	all := map[casework.NoticeGroup]store.MailChoice{}
	for _, group := range casework.NoticeGroups() {
		all[group] = store.MailDigest
	}
	h.reachable(chen, all)
	h.reachable(lu, all)
	h.reachable(gu, all)
	h.reachable(tao, map[casework.NoticeGroup]store.MailChoice{casework.NoticesOfNewCases: store.MailOff})
	h.record(h.number, h.by(chen), casework.Claimed{UserID: h.user(chen).ID})
	h.record(h.number, casework.By{}, casework.Warned{DaysBefore: 0, Clock: casework.ClockVerification, Deadline: h.now.AddDate(0, 0, 1)})
	h.relay(1)
	h.exec(`UPDATE tasks SET due_at = '2026-11-26 00:00:00+08'`) // today, 24:00
	h.exec(`UPDATE notification_settings SET changed_at = '2026-11-25 08:30:00+08' WHERE user_id = $1`, h.user(gu).ID)

	both := func() {
		h.t.Helper()
		var group errgroup.Group
		for range 2 {
			group.Go(func() error {
				d := h.deliverer()
				if err := d.MakeDigests(t.Context()); err != nil {
					return err
				}
				_, err := d.Drain(t.Context(), store.DeliverMail)
				return err
			})
		}
		require.NoError(t, group.Wait())
	}
	h.now = time.Date(2026, 11, 25, 8, 29, 0, 0, casework.China())
	both()
	require.Zero(t, h.count(`SELECT count(*) FROM deliveries WHERE kind = 'digest'`))
	h.now = h.now.Add(time.Minute)
	h.mails.err = errors.New("away")
	both()
	h.mails.err, h.now = nil, h.now.Add(31*time.Second)
	both()
	both()
	require.Equal(t, map[string]int{chen: 1}, h.mails.by(), "after a failure, once; Lu has nothing to be told")
	require.Equal(t, "【归零】今日待办：超期 0 件，今天到期 1 件，新消息 1 条", h.mails.letters[0].Subject)
	require.Equal(t, 2, h.count(`SELECT count(*) FROM deliveries WHERE kind = 'digest' AND done_at IS NOT NULL`), "of Chen and Lu; Gu chose today, Tao chose none")

	h.now = time.Date(2026, 11, 28, 9, 0, 0, 0, casework.China()) // a Saturday
	both()
	require.Equal(t, 2, h.count(`SELECT count(*) FROM deliveries WHERE kind = 'digest'`))
	h.now = time.Date(2026, 11, 30, 8, 30, 0, 0, casework.China())
	both()
	require.Equal(t, map[string]int{chen: 2}, h.mails.by())
	require.Equal(t, "【归零】今日待办：超期 1 件，今天到期 0 件，新消息 0 条", h.mails.letters[1].Subject, "what was told in one mail is not new in the next")
}

// TestADeliveryOutlivesItsProcess: a process that dies while it sends leaves the
// delivery to another.
func TestADeliveryOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.reachable(chen, nil)
	h.record(h.number, h.by(tao), casework.Assigned{UserID: h.user(chen).ID})
	h.relay(1)
	admin, err := sql.Open("postgres", testdb.AdminURL(t))
	require.NoError(t, err)
	defer func() { _ = admin.Close() }()
	_, _, err = h.store.SendDeliveries(t.Context(), store.DeliverMail, h.now, 1, func(context.Context, []store.Delivery) store.Sent {
		taken, _, err := h.store.SendDeliveries(t.Context(), store.DeliverMail, h.now, 1, func(context.Context, []store.Delivery) store.Sent { return store.Sent{} })
		require.NoError(t, err)
		require.Zero(t, taken, "it is with one of them")
		_, err = admin.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = $1`, h.name)
		require.NoError(t, err)
		return store.Sent{}
	})
	require.Error(t, err)
	require.True(t, h.drain())
	require.Len(t, h.mails.letters, 1)
}

func TestChannelsOfTheOrganisation(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	var mu sync.Mutex
	got := map[string][]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got[r.URL.Path] = append(got[r.URL.Path], string(body))
		_, _ = io.WriteString(w, `{"errcode":0}`)
	}))
	t.Cleanup(server.Close)
	d := h.deliverer()
	for kind, path := range map[notify.WebhookKind]string{notify.Generic: "/generic", notify.DingTalk: "/dingtalk"} {
		webhook, err := notify.NewWebhook(notify.WebhookOptions{
			Kind: kind, URL: server.URL + path, Secret: "s", AllowPrivate: true, Pages: d.Pages, Now: d.Now,
		})
		require.NoError(t, err)
		d.Channels = append(d.Channels, worker.Channel{Poster: webhook, Kind: kind})
		h.channels = append(h.channels, store.DeliveryChannel(kind))
	}
	h.now = wednesday.Add(12 * time.Hour)
	second := h.open("TOLD-2")
	h.relay(3)
	post := func() {
		for _, channel := range h.channels {
			ok, err := d.Drain(t.Context(), channel)
			require.NoError(t, err)
			require.True(t, ok)
		}
	}
	post()
	require.Len(t, got["/generic"], 2, "a program is told at night as well, once of each")
	require.Empty(t, got["/dingtalk"], "people are not")
	h.now = wednesday.AddDate(0, 0, 1)
	post()
	post()
	require.Len(t, got["/dingtalk"], 1, "what has waited goes together")
	require.Contains(t, got["/dingtalk"][0], h.number)
	require.Contains(t, got["/dingtalk"][0], second)
	require.NotContains(t, strings.Join(got["/generic"], "")+got["/dingtalk"][0], "跑了四趟")
	require.Len(t, got["/generic"], 2)
}

func TestAnAddressAnswersWithItsCode(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	user := h.user(chen)
	ctx := t.Context()
	require.NoError(t, h.store.ChangeEmail(ctx, user.ID, "chen@example.gov.cn", "012345", h.now))
	refused, _ := casework.AsError(h.store.ChangeEmail(ctx, user.ID, "lu@example.gov.cn", "999999", h.now.Add(time.Second)))
	require.Equal(t, "code_sent_just_now", refused.Reason)
	h.record(h.number, h.by(tao), casework.Assigned{UserID: user.ID})
	h.relay(1)
	h.now = h.now.Add(12 * time.Hour) // whoever asks for a code at night gets one
	require.True(t, h.drain())
	require.Len(t, h.mails.letters, 1, "nothing but the code goes to an address that has not answered")
	require.Equal(t, "chen@example.gov.cn", h.mails.letters[0].To)
	require.Contains(t, h.mails.letters[0].Body, "012345")

	h.now = wednesday
	for range 5 {
		require.Error(t, h.store.ConfirmEmail(ctx, user.ID, "000000", h.now))
	}
	require.Error(t, h.store.ConfirmEmail(ctx, user.ID, "012345", h.now), "it was guessed at too often")
	require.NoError(t, h.store.ChangeEmail(ctx, user.ID, "chen@example.gov.cn", "543210", h.now.Add(time.Hour)))
	require.Error(t, h.store.ConfirmEmail(ctx, user.ID, "543210", h.now.Add(2*time.Hour)), "it is too old")
	require.Error(t, h.store.ConfirmEmail(ctx, user.ID, "", h.now.Add(time.Hour)))
	require.NoError(t, h.store.ConfirmEmail(ctx, user.ID, "543210", h.now.Add(time.Hour)))
	require.Error(t, h.store.ConfirmEmail(ctx, user.ID, "543210", h.now.Add(time.Hour)), "once")
	all, err := h.store.NotificationSettingsOf(ctx, user.ID)
	require.NoError(t, err)
	require.True(t, all[user.ID].Confirmed)
	require.Equal(t, store.MailDigest, all[user.ID].Choice(casework.NoticeNewCase), "what may come by the hundred comes once a day")
	require.Equal(t, store.MailNow, all[user.ID].Choice(casework.NoticeOverdue))
	require.NoError(t, h.store.ChangeEmail(ctx, user.ID, "", "", h.now.Add(time.Hour)))
	all, err = h.store.NotificationSettingsOf(ctx, user.ID)
	require.NoError(t, err)
	require.False(t, all[user.ID].Confirmed)
	require.Equal(t, store.MailOff, all[user.ID].Choice(casework.NoticeOverdue))
}
