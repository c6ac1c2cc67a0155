package api_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"guiling/api"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/identity"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/policies"
	"guiling/policies/rules"
	"guiling/workflows/contract"
)

// The people of the demo who appear here.
const (
	fu   = "zhanhe.zhujian.fu"      // handler, 湛河区住房和城乡建设局
	shi  = "zhanhe.zhujian.shi"     // lead there
	ren  = "zhanhe.shichang.ren"    // handler of another department
	lin  = "zhanhe.jiandu.lin"      // supervisor, 湛河区
	gu   = "zhanhe.shenji.gu"       // auditor, 湛河区
	ye   = "pingdingshan.jiandu.ye" // supervisor, 平顶山市
	shen = "henan.jiandu.shen"      // supervisor, the province
	lei  = "henan.shenji.lei"       // auditor, the province
	ji   = "zhanhe.xitong.ji"       // system administrator
)

// now is the time of cases here, after the last rating of the sample.
var now = time.Date(2026, 12, 1, 9, 0, 0, 0, casework.China())

// world is the API on a real database, with the people of the demo and the 62
// cases of the sample, and an engine that decides in the same process.
type world struct {
	t       *testing.T
	db      *testdb.DB
	store   *store.Store //nolint:forbidigo // the test is what stands around the transport
	service *commands.Service
	people  *identity.Service
	engine  *decider
	handler http.Handler
	later   atomic.Int64 // how much later than now it is for who keeps answers
	tokens  map[string]string
	users   []store.User
	log     *logged
	keyFile string

	newService func(*store.Store) *commands.Service //nolint:forbidigo // the test is what stands around the transport
}

// logged is a log that many goroutines write.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// setup makes a world. Its cases are taken in and have not begun.
func setup(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: testdb.New(t), tokens: map[string]string{}, log: &logged{}, keyFile: filepath.Join(t.TempDir(), "key.json")}
	quiet := slog.New(slog.DiscardHandler)
	require.NoError(t, migrations.Demo(t.Context(), w.db.OwnerURL, quiet))
	sealer, err := sealing.Open(w.keyFile, true)
	require.NoError(t, err)
	w.store, err = store.Open(t.Context(), w.db.AppURL, sealer)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })

	sample, err := os.ReadFile(filepath.Join("..", "samples", "platform-2026-11.csv"))
	require.NoError(t, err)
	clock := func() time.Time { return now.Add(time.Duration(w.later.Load())) }
	_, err = commands.Importer{Store: w.store, Now: clock}.ImportReviews(t.Context(), "platform", "sample.csv", bytes.NewReader(sample))
	require.NoError(t, err)

	policy, err := policies.New()
	require.NoError(t, err)
	pack, err := rules.Default()
	require.NoError(t, err)
	w.engine = &decider{store: w.store, rules: casework.Rules{Pack: pack}}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.newService = func(st *store.Store) *commands.Service { //nolint:forbidigo // the test is what stands around the transport
		return commands.New(st, w.engine, policy, "test", clock, log)
	}
	w.service = w.newService(w.store)
	w.people, err = identity.New(identity.Options{Users: w.store, Demo: true, Now: time.Now})
	require.NoError(t, err)
	w.users, err = w.people.DemoUsers(t.Context())
	require.NoError(t, err)
	for _, u := range w.users {
		w.tokens[u.Username] = w.issue(u.Username)
	}
	w.handler = w.register(w.people)
	return w
}

// register serves the API to the people whom an identity knows.
func (w *world) register(people api.Identity) http.Handler { return w.serve(w.service, people) }

func (w *world) serve(service *commands.Service, people api.Identity) http.Handler {
	e := echo.New()
	api.Register(e, api.Options{Commands: service, Identity: people, Log: slog.New(slog.NewTextHandler(w.log, nil))})
	return e
}

// another is the API of another process on the same database.
func (w *world) another() http.Handler {
	w.t.Helper()
	sealer, err := sealing.Open(w.keyFile, false)
	require.NoError(w.t, err)
	st, err := store.Open(w.t.Context(), w.db.AppURL, sealer)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, st.Close()) })
	return w.serve(w.newService(st), w.people)
}

func (w *world) issue(username string) string {
	w.t.Helper()
	token, err := w.people.IssueToken(w.t.Context(), username, identity.TokenRequest{Name: "test", Scope: store.TokenActs, Life: time.Hour})
	require.NoError(w.t, err)
	return token
}

// begin begins all cases that wait, as relay and workflow would.
func (w *world) begin() {
	w.t.Helper()
	_, err := w.store.DrainOutbox(w.t.Context(), 1000, func(ctx context.Context, e store.OutboxEntry) error {
		var start store.StartCase
		if err := json.Unmarshal(e.Payload, &start); err != nil || e.Kind != store.OutboxStartCase {
			return err
		}
		pack := w.engine.rules.Pack
		start.Opened.PackID, start.Opened.PackVersion, start.Opened.Limit = pack.ID, pack.Version, pack.Verification
		_, err := w.engine.record(ctx, start.Number, "open", casework.By{}, casework.State{}, start.Opened)
		return err
	})
	require.NoError(w.t, err)
}

// decider is an engine without Temporal: it decides at once and records.
type decider struct {
	store *store.Store //nolint:forbidigo // the test is what stands around the transport
	rules casework.Rules
	fails error // what Act says instead
	// before and after each act, when they are set.
	before, after func()
	acts          atomic.Int64
}

func (d *decider) Act(
	ctx context.Context, number, key string, by casework.By, version int, command casework.Command,
) (contract.ActionResult, error) {
	d.acts.Add(1)
	if d.before != nil {
		d.before()
	}
	if d.after != nil {
		defer d.after()
	}
	if d.fails != nil {
		return contract.ActionResult{}, d.fails
	}
	state, err := d.stateOf(ctx, number)
	if err != nil {
		return contract.ActionResult{}, err
	}
	if state.Ended() {
		return contract.ActionResult{}, casework.Conflict("case_not_running", "its workflow has completed")
	}
	bodies, err := casework.DecideFor(state, version, command, casework.Circumstances{Rules: d.rules, Now: now, By: by})
	if err != nil {
		return contract.ActionResult{}, err
	}
	if merge, ok := command.(casework.Merge); ok {
		if err := d.link(ctx, number, merge.Into); err != nil {
			return contract.ActionResult{}, err
		}
	}
	return d.record(ctx, number, key, by, state, bodies...)
}

// link tells a case that another is merged into it, as its workflow would record it.
func (d *decider) link(ctx context.Context, from, into string) error {
	state, err := d.stateOf(ctx, into)
	if err != nil {
		return err
	}
	if state.Stage == "" || state.Stage.Closed() {
		return casework.Conflict("does_not_go_on", "that case is closed, or has not begun")
	}
	_, err = d.record(ctx, into, casework.LinkKey(from), casework.By{}, state, casework.CaseLinked{From: from})
	return err
}

// archive ends a closed case without a spot check, as its workflow does.
func (d *decider) archive(ctx context.Context, number string) error {
	state, err := d.stateOf(ctx, number)
	if err != nil {
		return err
	}
	_, err = d.record(ctx, number, "draw", casework.By{}, state, casework.Archived{})
	return err
}

func (d *decider) stateOf(ctx context.Context, number string) (casework.State, error) {
	recorded, err := d.store.EventsOf(ctx, number)
	if err != nil {
		return casework.State{}, err
	}
	var state casework.State
	for _, e := range recorded {
		if state, err = state.Apply(e.Event); err != nil {
			return state, err
		}
	}
	return state, nil
}

func (d *decider) record(
	ctx context.Context, number, key string, by casework.By, state casework.State, bodies ...casework.EventBody,
) (contract.ActionResult, error) {
	step := contract.RecordEventsInput{Number: number, Key: key}
	for _, body := range bodies {
		e := casework.Event{Seq: state.Version + 1, At: now, By: by, Body: body}
		step.Events = append(step.Events, e)
		var err error
		if state, err = state.Apply(e); err != nil {
			return contract.ActionResult{}, err
		}
	}
	step.State, step.Tasks = state, casework.Tasks(state, d.rules)
	if deadline, ok := state.Deadline(d.rules); ok {
		step.Deadline = deadline.At
	}
	_, err := d.store.RecordEvents(ctx, step, "test")
	return contract.ActionResult{Version: state.Version, Stage: state.Stage, Deadline: step.Deadline}, err
}

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (a answer) code() any { return a.body["code"] }

// call asks the API as a person and holds the answer against its description. A
// body that is a string is sent as it is. An action is meant for whichever version
// there is, unless a header says otherwise; an empty one is left out.
func (w *world) call(user, method, path string, body any, headers ...string) answer {
	w.t.Helper()
	return w.send(w.handler, method, path, body, w.header(user, path, headers...))
}

func (w *world) header(user, path string, headers ...string) http.Header {
	w.t.Helper()
	token, ok := w.tokens[user]
	require.True(w.t, ok, "no such person: %s", user)
	header := http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
	if strings.Contains(path, "/actions/") {
		header.Set("If-Match", "*")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if header.Del(headers[i]); headers[i+1] != "" {
			header.Set(headers[i], headers[i+1])
		}
	}
	return header
}

func (w *world) send(handler http.Handler, method, path string, body any, header http.Header) answer {
	w.t.Helper()
	var payload io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		payload = bytes.NewReader([]byte(body))
	default:
		data, err := json.Marshal(body)
		require.NoError(w.t, err)
		payload = bytes.NewReader(data)
	}
	request := httptest.NewRequestWithContext(w.t.Context(), method, path, payload)
	request.Header = header
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	a := answer{status: recorder.Code, header: recorder.Header(), text: recorder.Body.String()}
	if method != http.MethodHead {
		require.NoError(w.t, json.Unmarshal(recorder.Body.Bytes(), &a.body), "%s", a.text)
	}
	documented(w.t).holdsAgainst(w.t, method, request.URL.EscapedPath(), a)
	return a
}

// get is a call that reads.
func (w *world) get(user, path string) answer {
	w.t.Helper()
	return w.call(user, http.MethodGet, path, nil)
}

// act does something to a case as a person.
func (w *world) act(user, number string, command casework.Command, headers ...string) answer {
	w.t.Helper()
	return w.call(user, http.MethodPost, "/api/v1/cases/"+number+"/actions/"+string(command.Action()), command, headers...)
}

// does is act that must succeed.
func (w *world) does(user, number string, command casework.Command, headers ...string) answer {
	w.t.Helper()
	a := w.act(user, number, command, headers...)
	require.Equal(w.t, http.StatusOK, a.status, "%s %s: %s", user, command.Action(), a.text)
	return a
}

// aCase gives the first case of the department of fu and shi.
func (w *world) aCase() string {
	w.t.Helper()
	var number string
	require.NoError(w.t, w.owner().QueryRowContext(w.t.Context(), `
		SELECT c.number FROM cases c JOIN organisations d ON d.id = c.department_id
		WHERE d.name = $1 ORDER BY c.number LIMIT 1`, zhujian).Scan(&number))
	return number
}

const zhujian = "湛河区住房和城乡建设局"

// owner is a connection that may do what the application may not.
func (w *world) owner() *sql.DB {
	w.t.Helper()
	db, err := sql.Open("postgres", w.db.OwnerURL)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.owner().QueryRowContext(w.t.Context(), query, args...).Scan(&n))
	return n
}

// walk reads a list page by page and gives its items in order.
func (w *world) walk(user, path, list string, limit int) []map[string]any {
	w.t.Helper()
	var items []map[string]any
	next := ""
	for range 200 {
		a := w.get(user, path+"limit="+strconv.Itoa(limit)+"&cursor="+next)
		require.Equal(w.t, http.StatusOK, a.status, a.text)
		page, ok := a.body[list].([]any)
		require.True(w.t, ok)
		require.LessOrEqual(w.t, len(page), limit)
		for _, item := range page {
			fields, ok := item.(map[string]any)
			require.True(w.t, ok)
			items = append(items, fields)
		}
		next, ok = a.body["next"].(string)
		require.True(w.t, ok)
		if next == "" {
			return items
		}
		require.Len(w.t, page, limit, "only the last page is short")
	}
	require.Fail(w.t, "the list has no end")
	return nil
}
