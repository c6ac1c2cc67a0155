package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"guiling/api"
	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/engine"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/standalone/testserver"
)

// world is the whole product on a real PostgreSQL and a real Temporal server:
// worker, relay and API, with the people of the demo.
type world struct {
	settings app.Settings
	store    *store.Store
	engine   *engine.Engine
	service  *commands.Service
	training commands.Training
	http     *httptest.Server
	tokens   map[string]string
	log      *slog.Logger
}

// newWorld starts one. Cases of different worlds would meet in the engine, so a
// test process has one, and its tests have cases of their own in it.
func newWorld(t *testing.T) *world {
	t.Helper()
	server := testserver.Shared(t)
	db := testdb.New(t)
	w := &world{
		settings: app.Settings{
			DatabaseURL: db.AppURL, MigrateDatabaseURL: db.OwnerURL, TemporalAddress: server.Address,
			TemporalNamespace: server.Namespace, Demo: true, DataKeyFile: filepath.Join(t.TempDir(), "key.json"), Version: "e2e",
		},
		tokens: map[string]string{},
		log:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, w.log))
	var err error
	w.store, err = app.OpenStore(t.Context(), w.settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	w.engine, err = app.OpenEngine(w.settings, "e2e", w.log)
	require.NoError(t, err)
	t.Cleanup(w.engine.Close)
	w.service, err = app.OpenCommands(w.store, w.engine, w.log)
	require.NoError(t, err)
	w.training = commands.Training{Store: w.store, Machine: w.engine, Namespace: server.Namespace, Now: app.SystemClock}
	people, err := app.OpenIdentity(w.settings, w.store)
	require.NoError(t, err)
	users, err := people.DemoUsers(t.Context())
	require.NoError(t, err)
	for _, u := range users {
		w.tokens[u.Username], err = people.IssueToken(t.Context(), u.Username, time.Hour)
		require.NoError(t, err)
	}
	e := echo.New()
	api.Register(e, api.Options{Commands: w.service, Identity: people, Log: w.log})
	w.http = httptest.NewServer(e)
	t.Cleanup(w.http.Close)
	w.runWorker(t)
	return w
}

// runWorker runs a worker until the test ends, or until stop is called.
func (w *world) runWorker(t *testing.T) (stop func()) {
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

// openCase brings one negative review in and waits for its case to begin. The
// record number must be the test's own.
func (w *world) openCase(t *testing.T, record, region, department string) string {
	t.Helper()
	row := fmt.Sprintf("%s,1,%s,%s,410100101001,不动产转移登记,窗口03,3,赵某甲,990000198001010011,12000000001,1,2,\"213,208\",跑了四趟还没办成,2026-11-01 09:00:00,2026-11-02 10:00:00\n",
		record, region, department)
	header := "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n"
	counts, err := app.OpenImporter(w.store).ImportReviews(t.Context(), "platform", "one.csv", strings.NewReader(header+row))
	require.NoError(t, err)
	require.Equal(t, 1, counts.CasesOpened)
	var number string
	err = w.store.DB().QueryRowContext(t.Context(), `
		SELECT c.number FROM cases c JOIN reviews v ON v.id = c.review_id WHERE v.record_number = $1`, record).Scan(&number)
	require.NoError(t, err)
	w.await(t, number, casework.StageVerification)
	return number
}

// await waits until a case has reached a stage.
func (w *world) await(t *testing.T, number string, stage casework.Stage) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := w.store.CaseByNumber(t.Context(), number)
		return err == nil && c.Stage == stage
	}, 30*time.Second, 20*time.Millisecond, "%s at %s", number, stage)
}

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) reason() string { return fmt.Sprint(a.body["code"]) }

func (a answer) deadline(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, fmt.Sprint(a.body["deadline_at"]))
	require.NoError(t, err)
	return at
}

// call asks the API as a person.
func (w *world) call(t *testing.T, user, method, path string, body any, headers ...string) answer {
	t.Helper()
	token, ok := w.tokens[user]
	require.True(t, ok, "no such person: %s", user)
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		require.NoError(t, err)
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, w.http.URL+path, payload)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.http.Client().Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode, header: response.Header}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&a.body))
	return a
}

// act does something to a case as a person.
func (w *world) act(t *testing.T, user, number string, command casework.Command, headers ...string) answer {
	t.Helper()
	return w.call(t, user, http.MethodPost, "/api/v1/cases/"+number+"/actions/"+string(command.Action()), command, headers...)
}

// does is act that must succeed.
func (w *world) does(t *testing.T, user, number string, command casework.Command) answer {
	t.Helper()
	a := w.act(t, user, number, command)
	require.Equal(t, http.StatusOK, a.status, "%s %s: %v", user, command.Action(), a.body)
	return a
}

// refused is act that must be refused for a reason.
func (w *world) refused(t *testing.T, user, number string, command casework.Command, status int, reason string) {
	t.Helper()
	a := w.act(t, user, number, command)
	require.Equal(t, status, a.status, "%s %s: %v", user, command.Action(), a.body)
	require.Equal(t, reason, a.reason(), "%v", a.body)
}

// pass lets time pass for one case.
func (w *world) pass(t *testing.T, number string, d time.Duration) time.Time {
	t.Helper()
	reached, err := w.training.FastForward(t.Context(), number, d)
	require.NoError(t, err)
	return reached
}

// events lists what has happened to a case.
func (w *world) events(t *testing.T, number string) []store.RecordedEvent {
	t.Helper()
	events, err := w.store.EventsOf(t.Context(), number)
	require.NoError(t, err)
	return events
}

// kinds names the events in order.
func kinds(events []store.RecordedEvent) []string {
	names := make([]string, 0, len(events))
	for _, e := range events {
		names = append(names, string(e.Body.Kind()))
	}
	return names
}

// openTasks lists "kind organisation" of the open tasks of a case.
func (w *world) openTasks(t *testing.T, number string) []string {
	t.Helper()
	rows, err := w.store.DB().QueryContext(t.Context(), `
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
