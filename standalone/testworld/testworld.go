// Package testworld is the whole product for tests that live whole cases: a real
// PostgreSQL, a real Temporal server with time skipping, worker, relay, API and
// pages, and the people of the demo.
package testworld

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/engine"
	"guiling/internal/identity"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/policies/rules"
	"guiling/standalone/testserver"
	"guiling/worker"
)

// World is one running product.
type World struct {
	Store *store.Store
	// Owner works as the owner of the database, for what the product itself may not.
	Owner  *sql.DB
	Engine *engine.Engine
	// URL is where pages and API are served.
	URL string
	// StopWorker stops the world's own worker; RunWorker starts another.
	StopWorker func()
	// StopPages stops serving pages and API; ServePages begins again.
	StopPages func()
	// Tokens are the bearer tokens of the people of the demo, by user name.
	Tokens map[string]string

	db       *testdb.DB
	settings app.Settings
	training commands.Training
	client   *http.Client
	log      *slog.Logger
	heard    *lines // all that any process of it logs
	asked    *lines // the addresses that were asked for
}

// worlds counts those of this process: cases of two must not meet in the engine,
// so each numbers its own from another thousand on.
var worlds atomic.Int64

// alive counts those that stand. Workers of two would take each other's tasks, for
// the server and its queue are shared, so a test with a world is never parallel to
// another.
var alive atomic.Int32

// New starts one. Its tests have cases of their own in it.
func New(t *testing.T) *World {
	t.Helper()
	return NewUnder(t, rules.DefaultID)
}

// NewUnder starts one whose new cases begin with a rule pack.
func NewUnder(t *testing.T, pack string) *World {
	t.Helper()
	require.EqualValues(t, 1, alive.Add(1), "one world at a time: no t.Parallel in a test that has its own")
	t.Cleanup(func() { alive.Add(-1) })
	server := testserver.Shared(t)
	db := testdb.New(t)
	w := &World{
		db: db,
		settings: app.Settings{
			DatabaseURL: db.AppURL, MigrateDatabaseURL: db.OwnerURL, TemporalAddress: server.Address,
			TemporalNamespace: server.Namespace, RulePack: pack, Demo: true, TimeSkipping: true, DataKeyFile: filepath.Join(t.TempDir(), "key.json"), Version: "e2e",
			// Mails are offered, and nobody has an address yet to which one could go.
			SMTPAddr: "127.0.0.1:9", SMTPFrom: "guiling@example.gov.cn", PublicURL: "https://guiling.example",
		},
		Tokens: map[string]string{},
		heard:  &lines{},
		asked:  &lines{},
	}
	w.log = slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}),
		slog.NewJSONHandler(w.heard, &slog.HandlerOptions{Level: slog.LevelDebug}),
	))
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, w.log))
	var err error
	w.Owner, err = sql.Open("postgres", db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Owner.Close() })
	w.Exec(t, `SELECT setval('case_numbers', $1)`, worlds.Add(1)*1000)
	w.Exec(t, `
		CREATE FUNCTION deliver_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF EXISTS (SELECT FROM cases c JOIN reviews v ON v.id = c.review_id WHERE c.number = NEW.key AND v.record_number LIKE 'UNSTARTED-%') THEN
				NEW.done_at := now();
			END IF;
			RETURN NEW;
		END $$`)
	w.Exec(t, `CREATE TRIGGER deliver_nothing BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION deliver_nothing()`)
	w.Store, err = app.OpenStore(t.Context(), w.settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Store.Close() })
	w.Engine, err = app.OpenEngine(w.settings, "e2e", w.log)
	require.NoError(t, err)
	t.Cleanup(w.Engine.Close)
	w.training = commands.Training{Store: w.Store, Machine: w.Engine, Namespace: server.Namespace, Now: app.SystemClock}
	people, err := app.OpenIdentity(w.settings, w.Store)
	require.NoError(t, err)
	users, err := people.DemoUsers(t.Context())
	require.NoError(t, err)
	for _, u := range users {
		w.Tokens[u.Username], err = people.IssueToken(t.Context(), u.Username, identity.TokenRequest{Name: "test", Scope: store.TokenActs, Life: time.Hour})
		require.NoError(t, err)
	}
	w.servePages(t, "127.0.0.1:0")
	w.StopWorker = w.RunWorker(t)
	return w
}

// servePages serves pages and API on an address until the test ends.
func (w *World) servePages(t *testing.T, address string) {
	t.Helper()
	handler, stop, err := app.NewHandler(w.settings, w.Store, w.Engine, w.log)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	pages := httptest.NewUnstartedServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		_, _ = fmt.Fprintln(w.asked, request.Method, request.URL.String(), request.Referer())
		handler.ServeHTTP(response, request)
	}))
	require.NoError(t, pages.Listener.Close())
	pages.Listener = listener
	pages.Start()
	w.URL, w.client = pages.URL, pages.Client()
	w.StopPages = sync.OnceFunc(func() {
		stop() // streams end first, or they would be waited for
		pages.Close()
	})
	t.Cleanup(w.StopPages)
}

// ServePages serves pages and API again, where they were, after StopPages.
func (w *World) ServePages(t *testing.T) {
	t.Helper()
	w.servePages(t, strings.TrimPrefix(w.URL, "http://"))
}

// RunWorker runs a worker until the test ends, or until stop is called.
func (w *World) RunWorker(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var group errgroup.Group
	group.Go(func() error { return app.RunWorker(ctx, w.settings, w.log) })
	stop = func() {
		cancel()
		require.NoError(t, group.Wait())
	}
	t.Cleanup(stop)
	return stop
}

// lines is what many goroutines write.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Logs is all that any process of the world has logged, at every level.
func (w *World) Logs() string { return w.heard.String() }

// Plant logs something, to see that a search of the logs finds it.
func (w *World) Plant(text string) { w.log.Debug("planted", "text", text) }

// Text is a value as JSON.
func Text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

// Addresses are all that were asked of pages and API, with where people came from.
func (w *World) Addresses() string { return w.asked.String() }

// OwnerURL is the database, as its owner.
func (w *World) OwnerURL() string { return w.db.OwnerURL }

// Page asks for a page as a person of the demo, with a form or without.
func (w *World) Page(t *testing.T, user, method, path string, form url.Values) (status int, body string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Transport: w.client.Transport}
	send := func(method, path string, form url.Values) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		response, err := browser.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(text)
	}
	status, body = send(http.MethodPost, "/sign-in/demo", url.Values{"username": {user}})
	require.Equal(t, http.StatusOK, status, body)
	return send(method, path, form)
}

// Exec runs SQL as the owner of the database.
func (w *World) Exec(t *testing.T, query string, args ...any) {
	t.Helper()
	_, err := w.Owner.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

// Reconcile compares database and engine, without sparing what just happened.
func (w *World) Reconcile(t *testing.T) worker.Reconciled {
	t.Helper()
	found, err := app.Reconcile(t.Context(), w.settings, 0, w.log)
	require.NoError(t, err)
	require.False(t, found.Elsewhere)
	require.Zero(t, found.Failed)
	return found
}

// Recount lets running cases adopt the newest calendar, as the worker does every
// minute.
func (w *World) Recount(t *testing.T) {
	t.Helper()
	_, err := worker.Recount{Calendars: w.Store, Engine: w.Engine, Log: w.log}.Once(t.Context())
	require.NoError(t, err)
}

// OpenCase brings one negative review in and waits for its case to begin. The
// record number must be the test's own.
func (w *World) OpenCase(t *testing.T, record, region, department string) string {
	t.Helper()
	number := w.TakeReview(t, record, region, department)
	w.Await(t, number, casework.StageVerification)
	return number
}

// TakeReview brings one negative review in and does not wait for its case to begin.
func (w *World) TakeReview(t *testing.T, record, region, department string) string {
	t.Helper()
	row := fmt.Sprintf("%s,1,%s,%s,410100101001,不动产转移登记,窗口03,3,赵某甲,990000198001010011,12000000001,1,2,\"213,208\",跑了四趟还没办成,2026-11-01 09:00:00,2026-11-02 10:00:00\n",
		record, region, department)
	header := "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n"
	counts, err := app.OpenImporter(w.Store).ImportReviews(t.Context(), "platform", "one.csv", strings.NewReader(header+row))
	require.NoError(t, err)
	require.Equal(t, 1, counts.CasesOpened)
	number, err := w.Store.CaseNumberOf(t.Context(), record)
	require.NoError(t, err)
	return number
}

// TakeReviewUnstarted brings one negative review in whose case nobody will begin:
// its outbox entry is done as if it had been delivered.
func (w *World) TakeReviewUnstarted(t *testing.T, record, region, department string) string {
	t.Helper()
	return w.TakeReview(t, "UNSTARTED-"+record, region, department)
}

// Namespace is where the engine keeps the cases.
func (w *World) Namespace() string { return w.settings.TemporalNamespace }

// SecondCase brings another review of the service record of a case in, and waits
// for its case to begin.
func (w *World) SecondCase(t *testing.T, number, words string) string {
	t.Helper()
	second := w.db.SecondReview(t, number, words)
	w.Await(t, second, casework.StageVerification)
	return second
}

// ImportSample takes one of the sample files in, and gives how many cases it
// opened.
func (w *World) ImportSample(t *testing.T, codebook, name string) int {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "samples", name)) //nolint:gosec // G304: one of our own files
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	counts, err := app.OpenImporter(w.Store).ImportReviews(t.Context(), codebook, name, file)
	require.NoError(t, err)
	return counts.CasesOpened
}

// Await waits until a case has reached a stage.
func (w *World) Await(t *testing.T, number string, stage casework.Stage) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := w.Store.CaseByNumber(t.Context(), number)
		return err == nil && c.Stage == stage
	}, 30*time.Second, 20*time.Millisecond, "%s at %s", number, stage)
}

// Answer is what the API said.
type Answer struct {
	Status int
	Header http.Header
	Body   map[string]any
}

// Reason is the stable word of a problem.
func (a Answer) Reason() string { return fmt.Sprint(a.Body["code"]) }

// List is a list of objects in the answer.
func (a Answer) List(t *testing.T, name string) []map[string]any {
	t.Helper()
	items, ok := a.Body[name].([]any)
	require.True(t, ok, "%s is a list in %v", name, a.Body)
	objects := make([]map[string]any, 0, len(items))
	for _, item := range items {
		object, ok := item.(map[string]any)
		require.True(t, ok, "%v is an object", item)
		objects = append(objects, object)
	}
	return objects
}

// Deadline is the deadline in the answer to an action.
func (a Answer) Deadline(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, fmt.Sprint(a.Body["deadline_at"]))
	require.NoError(t, err)
	return at
}

// Call asks the API as a person. An action is meant for whichever version there
// is, unless a header says otherwise.
func (w *World) Call(t *testing.T, user, method, path string, body any, headers ...string) Answer {
	t.Helper()
	token, ok := w.Tokens[user]
	require.True(t, ok, "no such person: %s", user)
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		require.NoError(t, err)
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, payload)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	if strings.Contains(path, "/actions/") {
		request.Header.Set("If-Match", "*")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	a := Answer{Status: response.StatusCode, Header: response.Header}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&a.Body))
	return a
}

// Act does something to a case as a person.
func (w *World) Act(t *testing.T, user, number string, command casework.Command, headers ...string) Answer {
	t.Helper()
	return w.Call(t, user, http.MethodPost, "/api/v1/cases/"+number+"/actions/"+string(command.Action()), command, headers...)
}

// Does is Act that must succeed.
func (w *World) Does(t *testing.T, user, number string, command casework.Command) Answer {
	t.Helper()
	a := w.Act(t, user, number, command)
	require.Equal(t, http.StatusOK, a.Status, "%s %s: %v", user, command.Action(), a.Body)
	return a
}

// Refused is Act that must be refused for a reason.
func (w *World) Refused(t *testing.T, user, number string, command casework.Command, status int, reason string) {
	t.Helper()
	a := w.Act(t, user, number, command)
	require.Equal(t, status, a.Status, "%s %s: %v", user, command.Action(), a.Body)
	require.Equal(t, reason, a.Reason(), "%v", a.Body)
}

// Pass lets time pass for one case.
func (w *World) Pass(t *testing.T, number string, d time.Duration) time.Time {
	t.Helper()
	reached, err := w.training.FastForward(t.Context(), number, d)
	require.NoError(t, err)
	return reached
}

// Case is the row of a case.
func (w *World) Case(t *testing.T, number string) store.Case {
	t.Helper()
	c, err := w.Store.CaseByNumber(t.Context(), number)
	require.NoError(t, err)
	return c
}

// Events lists what has happened to a case.
func (w *World) Events(t *testing.T, number string) []store.RecordedEvent {
	t.Helper()
	events, err := w.Store.EventsOf(t.Context(), number)
	require.NoError(t, err)
	return events
}

// LastDayAfter counts natural days from the day of the last event of a case,
// which is not counted itself.
func (w *World) LastDayAfter(t *testing.T, number string, days int) casework.Date {
	t.Helper()
	events := w.Events(t, number)
	return casework.DateOf(events[len(events)-1].At).AddDays(days)
}

// Kinds names the events in order.
func Kinds(events []store.RecordedEvent) []string {
	names := make([]string, 0, len(events))
	for _, e := range events {
		names = append(names, string(e.Body.Kind()))
	}
	return names
}

// OpenTasks lists "kind organisation" of the open tasks of a case.
func (w *World) OpenTasks(t *testing.T, number string) []string {
	t.Helper()
	rows, err := w.Store.DB().QueryContext(t.Context(), `
		SELECT t.kind || ' ' || o.name FROM tasks t JOIN organisations o ON o.id = t.organisation_id
		WHERE t.case_number = $1 AND t.closed_at IS NULL ORDER BY 1`, number)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var tasks []string
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		tasks = append(tasks, line)
	}
	require.NoError(t, rows.Err())
	return tasks
}
