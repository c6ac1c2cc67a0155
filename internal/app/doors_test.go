package app_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/internal/strictyaml"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/workflows/contract"
)

//go:embed testdata/doors.yaml
var doorsText []byte

// doors says of every route who gets through, by hand.
type doors struct {
	// Groups name people of the demo by patterns of their user names.
	Groups map[string][]string `json:"groups"`
	// Public doors ask nobody who they are.
	Public []string `json:"public"`
	// Doors lead the named groups in; everybody else is refused.
	Doors map[string][]string `json:"doors"`
	// Actions are the doors of an action on a case, pages and API alike.
	Actions map[casework.Action][]string `json:"actions"`
}

// house is the whole of pages and API, with everybody of the demo signed in.
type house struct {
	echo    *echo.Echo
	store   *store.Store
	users   []store.User
	tokens  map[string]string
	cookies map[string][]*http.Cookie
	// examples are bodies of the actions that can be read.
	examples map[casework.Action]map[string]any
	// number is a case of 湛河区自然资源局; elsewhere one of 汝州市, where nobody of
	// the demo but the province looks.
	number, elsewhere string
	// filed is another case of that department, which has begun and has a file.
	filed string
	// newcomer is somebody of 湛河区 without a role, who is no one of the demo.
	newcomer int64
	owner    *sql.DB
	sealer   *sealing.Sealer
	settings app.Settings
}

// temporalUI is where the engine's own pages are.
const temporalUI = "http://127.0.0.1:8233"

const nowhere = "999999-20261125-000001"

func build(t *testing.T) *house {
	t.Helper()
	db := testdb.New(t)
	quiet := slog.New(slog.DiscardHandler)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, quiet))
	settings := app.Settings{
		DatabaseURL: db.AppURL, TemporalAddress: "127.0.0.1:1", TemporalNamespace: "guiling", Demo: true, TimeSkipping: true,
		DataKeyFile: filepath.Join(t.TempDir(), "key.json"), MetricsPublic: true, Version: "test", TemporalUIOrigin: temporalUI, RequireSecondFactor: "administrators",
	}
	h := &house{tokens: map[string]string{}, cookies: map[string][]*http.Cookie{}, settings: settings}
	var err error
	h.store, err = app.OpenStore(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.store.Close() })
	h.sealer, err = sealing.Open(settings.DataKeyFile, false)
	require.NoError(t, err)
	h.owner, err = sql.Open("postgres", db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.owner.Close() })
	eng, err := app.OpenEngine(settings, "test", quiet)
	require.NoError(t, err)
	t.Cleanup(eng.Close)
	handler, stop, err := app.NewHandler(settings, h.store, eng, quiet)
	require.NoError(t, err)
	t.Cleanup(stop)
	routes, ok := handler.(*echo.Echo)
	require.True(t, ok, "the test asks it for its routes")
	h.echo = routes

	people, err := app.OpenIdentity(settings, h.store)
	require.NoError(t, err)
	h.users, err = people.DemoUsers(t.Context())
	require.NoError(t, err)
	for _, u := range h.users {
		h.letIn(t, people, u.Username)
	}
	h.newcomer, err = h.store.CreateUser(t.Context(), store.NewUser{
		Username: "zhanhe.ziran.newcomer", DisplayName: "新来的", OrganisationID: h.organisationOf(t, "zhanhe.ziran.chen"), Roles: []casework.Role{},
	})
	require.NoError(t, err)
	h.number = h.take(t, "DOOR-INSIDE")
	h.elsewhere = h.take(t, "DOOR-ELSEWHERE")
	h.filed = h.take(t, "DOOR-FILED")
	h.attach(t, h.filed)
	_, err = h.owner.ExecContext(t.Context(), `
		WITH d AS (
			INSERT INTO organisations (kind, name, region_code, parent_id)
			SELECT 'department', '汝州市自然资源局', region_code, id FROM organisations WHERE kind = 'authority' AND region_code = '410482000000'
			RETURNING id)
		UPDATE cases SET region_code = '410482000000', department_id = d.id FROM d WHERE number = $1`, h.elsewhere)
	require.NoError(t, err)
	h.examples = readExamples(t, h.ask(t, http.MethodGet, "/openapi.json", "", nil).body)
	return h
}

// another is the same house served by another process: same people, same sessions.
func (h *house) another(t *testing.T, log *slog.Logger) *house {
	t.Helper()
	second := *h
	var err error
	second.store, err = app.OpenStore(t.Context(), h.settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = second.store.Close() })
	eng, err := app.OpenEngine(h.settings, "test", log)
	require.NoError(t, err)
	t.Cleanup(eng.Close)
	handler, stop, err := app.NewHandler(h.settings, second.store, eng, log)
	require.NoError(t, err)
	t.Cleanup(stop)
	routes, ok := handler.(*echo.Echo)
	require.True(t, ok)
	second.echo = routes
	return &second
}

// cutListeners ends the connections that listen, of all processes at this database,
// and gives how many there were. After a ping, the last thing they asked is empty.
func (h *house) cutListeners(t *testing.T) int64 {
	t.Helper()
	admin, err := sql.Open("postgres", testdb.AdminURL(t)) // others do not see who listens
	require.NoError(t, err)
	defer func() { require.NoError(t, admin.Close()) }()
	var name string
	require.NoError(t, h.owner.QueryRowContext(t.Context(), `SELECT current_database()`).Scan(&name))
	ended, err := admin.ExecContext(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' AND (query LIKE 'LISTEN%' OR query = '')`, name)
	require.NoError(t, err)
	rows, err := ended.RowsAffected()
	require.NoError(t, err)
	return rows
}

func (h *house) letIn(t *testing.T, people *identity.Service, username string) {
	t.Helper()
	var err error
	h.tokens[username], err = people.IssueToken(t.Context(), username, identity.TokenRequest{Name: "test", Scope: store.TokenActs, Life: time.Hour})
	require.NoError(t, err)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sign-in/demo", strings.NewReader(url.Values{"username": {username}}.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.RemoteAddr = fmt.Sprintf("127.1.%d.1:40000", len(h.tokens)) // an address of their own
	recorder := httptest.NewRecorder()
	h.echo.ServeHTTP(recorder, request)
	require.Equal(t, http.StatusSeeOther, recorder.Code, username)
	h.cookies[username] = recorder.Result().Cookies()
}

// take brings a case of 湛河区自然资源局 in. Its workflow has not begun, so every
// action that is allowed ends in a conflict.
func (h *house) take(t *testing.T, record string) string {
	t.Helper()
	file := "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n" +
		record + ",1,410411000000,湛河区自然资源局,410100101001,不动产转移登记,窗口03,3,赵某甲,990000198001010011,12000000001,1,2,\"213,208\",跑了四趟还没办成,2026-11-01 09:00:00,2026-11-02 10:00:00\n"
	counts, err := app.OpenImporter(h.store).ImportReviews(t.Context(), "platform", "one.csv", strings.NewReader(file))
	require.NoError(t, err)
	require.Equal(t, 1, counts.CasesOpened)
	number, err := h.store.CaseNumberOf(t.Context(), record)
	require.NoError(t, err)
	return number
}

func (h *house) organisationOf(t *testing.T, username string) int64 {
	t.Helper()
	i := slices.IndexFunc(h.users, func(u store.User) bool { return u.Username == username })
	require.GreaterOrEqual(t, i, 0)
	return h.users[i].Actor.OrganisationID
}

const fileID = "5a0d0f5e-5c2b-8d56-9a55-000000000001"

// attach begins a case and gives it a file.
func (h *house) attach(t *testing.T, number string) {
	t.Helper()
	row, err := h.store.CaseByNumber(t.Context(), number)
	require.NoError(t, err)
	rules, err := h.store.RulesInForce(t.Context(), "henan-2019", time.Now())
	require.NoError(t, err)
	content := []byte("已统一收件标准")
	sum := sha256.Sum256(content)
	file := casework.FileAttached{AttachmentID: fileID, Name: "说明.txt", SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), MediaType: "text/plain"}
	require.NoError(t, h.store.KeepAttachment(t.Context(), store.Attachment{
		ID: fileID, Number: number, Name: file.Name, MediaType: file.MediaType, SHA256: file.SHA256, Size: file.Size,
	}, content))
	step := contract.RecordEventsInput{Number: number, Key: "begin", Events: []casework.Event{
		{Seq: 1, At: time.Now(), Body: casework.Opened{
			RegionCode: row.RegionCode, RegionLevel: row.RegionLevel, DepartmentID: row.DepartmentID, ReviewerKnown: true,
			PackID: rules.Pack.ID, PackVersion: rules.Pack.Version, Limit: rules.Pack.Verification,
		}},
		{Seq: 2, At: time.Now(), Body: file},
	}}
	step.State, err = casework.Fold(step.Events)
	require.NoError(t, err)
	deadline, _ := step.State.Deadline(rules)
	step.Deadline = deadline.At
	_, err = h.store.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
}

// readExamples takes the bodies of the actions out of the description of the API.
func readExamples(t *testing.T, description string) map[casework.Action]map[string]any {
	t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal([]byte(description), &document))
	var post struct {
		RequestBody struct {
			Content map[string]struct {
				Examples map[casework.Action]struct {
					Value map[string]any `json:"value"`
				} `json:"examples"`
			} `json:"content"`
		} `json:"requestBody"` //nolint:tagliatelle // a word of OpenAPI
	}
	require.NoError(t, json.Unmarshal(document.Paths["/api/v1/cases/{number}/actions/{action}"]["post"], &post))
	examples := map[casework.Action]map[string]any{}
	for action, example := range post.RequestBody.Content["application/json"].Examples {
		examples[action] = example.Value
	}
	for _, action := range casework.Actions() {
		require.Contains(t, examples, action)
	}
	return examples
}

type reply struct {
	status   int
	location string
	body     string
}

// ask sends a request as somebody; nobody is "".
func (h *house) ask(t *testing.T, method, address, who string, fields map[string]any) reply {
	t.Helper()
	var body io.Reader
	ofAPI := speaksJSON(address)
	if method != http.MethodGet {
		if ofAPI {
			data, err := json.Marshal(fields)
			require.NoError(t, err)
			body = strings.NewReader(string(data))
		} else {
			body = strings.NewReader(formOf(fields).Encode())
		}
	}
	request := httptest.NewRequestWithContext(t.Context(), method, address, body)
	request.RemoteAddr = "127.0.0.1:40000"
	switch {
	case ofAPI:
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("If-Match", "*")
		if who != "" {
			request.Header.Set("Authorization", "Bearer "+h.tokens[who])
		}
	default:
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !strings.HasPrefix(address, "/api/") {
		for _, cookie := range h.cookies[who] {
			request.AddCookie(cookie)
		}
	}
	recorder := httptest.NewRecorder()
	ctx, hangUp := context.WithCancel(request.Context())
	defer hangUp()
	h.echo.ServeHTTP(listener{recorder, hangUp}, request.WithContext(ctx))
	return reply{status: recorder.Code, location: recorder.Header().Get("Location"), body: recorder.Body.String()}
}

// listener hears the first word of an answer that would not end, and hangs up.
type listener struct {
	*httptest.ResponseRecorder

	hangUp func()
}

func (l listener) Flush() {
	l.ResponseRecorder.Flush()
	l.hangUp()
}

// speaksJSON: the engine's own pages ask with the cookie of a person, and in JSON.
func speaksJSON(address string) bool {
	return strings.HasPrefix(address, "/api/") || address == "/codec/decode"
}

// formOf writes fields as the form of a page would, with what every form carries.
func formOf(fields map[string]any) url.Values {
	form := url.Values{"version": {"1"}, "key": {"k"}}
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			form.Set(name, v)
		case float64:
			form.Set(name, strconv.FormatFloat(v, 'f', -1, 64))
		case bool:
			form.Set(name, strconv.FormatBool(v))
		}
	}
	return form
}

// door is one route as it is tried: with the action in its path, if it has one.
type door struct {
	method, path string
	action       casework.Action
	groups       []string
}

func readDoors(t *testing.T, h *house) (doors, []door) {
	t.Helper()
	var d doors
	require.NoError(t, strictyaml.Decode(doorsText, &d))
	public, seen := map[string]bool{}, map[string]bool{}
	for _, name := range d.Public {
		public[name] = true
	}
	var all []door
	for _, r := range h.echo.Routes() {
		name := r.Method + " " + r.Path
		switch {
		case strings.HasPrefix(r.Method, "echo_route"), r.Path == "/api/*": // what is not there
		case public[name]:
			seen[name] = true
		// What somebody may do they may also write a draft of.
		case strings.HasSuffix(r.Path, "/actions/:action"), strings.HasSuffix(r.Path, "/drafts/:action"):
			for _, action := range casework.Actions() {
				require.Contains(t, d.Actions, action, "no row for %s", action)
				all = append(all, door{r.Method, strings.Replace(r.Path, ":action", string(action), 1), action, d.Actions[action]})
			}
		default:
			require.Contains(t, d.Doors, name, "no row for this route in testdata/doors.yaml")
			seen[name] = true
			all = append(all, door{method: r.Method, path: r.Path, groups: d.Doors[name]})
		}
	}
	require.Len(t, seen, len(d.Public)+len(d.Doors), "a row is for no route: %v", seen)
	require.Len(t, d.Actions, len(casework.Actions()))
	return d, all
}

// mayPass reports whether somebody belongs to one of the groups.
func (d doors) mayPass(t *testing.T, groups []string, username string) bool {
	t.Helper()
	for _, group := range groups {
		require.Contains(t, d.Groups, group)
		for _, pattern := range d.Groups[group] {
			matches, err := path.Match(pattern, username)
			require.NoError(t, err)
			if matches {
				return true
			}
		}
	}
	return false
}

func (h *house) at(d door, number string) string {
	if strings.HasSuffix(d.path, "/attachments/:id") {
		if number == h.number {
			number = h.filed
		}
		return strings.NewReplacer(":number", url.PathEscape(number), ":id", fileID).Replace(d.path)
	}
	return strings.NewReplacer(":number", url.PathEscape(number), ":id", strconv.FormatInt(h.newcomer, 10)).Replace(d.path)
}

func (h *house) fields(d door) map[string]any {
	if d.action != "" {
		return h.examples[d.action]
	}
	switch d.path {
	case "/bulk":
		return map[string]any{"action": "claim", "number": h.number, "version." + h.number: "1", "said": "yes"}
	case "/api/v1/bulk":
		return map[string]any{"action": "claim", "items": []any{map[string]any{"number": h.number}}}
	}
	return map[string]any{"purpose": "电话回访"}
}

// TestEverybodyAtEveryDoor tries every route of pages and API as everybody of the
// demo and as nobody, and compares with what is written by hand in
// testdata/doors.yaml. A route without a row fails.
func TestEverybodyAtEveryDoor(t *testing.T) {
	t.Parallel()
	h := build(t)
	d, all := readDoors(t, h)
	tried, passed := 0, 0
	for _, door := range all {
		ofAPI := speaksJSON(door.path)
		nobody := h.ask(t, door.method, h.at(door, h.number), "", h.fields(door))
		switch {
		case ofAPI || door.method != http.MethodGet:
			require.Equal(t, http.StatusUnauthorized, nobody.status, "%s %s by nobody", door.method, door.path)
		default:
			require.Equal(t, http.StatusSeeOther, nobody.status, "%s by nobody", door.path)
			require.Contains(t, nobody.location, "/sign-in", door.path)
		}
		for _, u := range h.users {
			got := h.ask(t, door.method, h.at(door, h.number), u.Username, h.fields(door))
			tried++
			refused := got.status == http.StatusForbidden || got.status == http.StatusNotFound
			if may := d.mayPass(t, door.groups, u.Username); may == refused {
				require.Failf(t, "wrong answer", "%s %s by %s: %d, may pass: %t", door.method, door.path, u.Username, got.status, may)
			}
			if !refused {
				passed++
				require.Less(t, got.status, http.StatusInternalServerError, "%s %s by %s: %s", door.method, door.path, u.Username, got.body)
				require.NotEqual(t, http.StatusUnauthorized, got.status)
			}
		}
	}
	t.Logf("%d requests at %d doors, %d let in", tried, len(all), passed)
	require.Greater(t, tried, 1500)
	require.Greater(t, passed, 200)
}

// TestACaseElsewhereIsNotThere: at every door to a case, one that lies outside
// one's subtree is answered to the letter as one that never was.
func TestACaseElsewhereIsNotThere(t *testing.T) {
	t.Parallel()
	h := build(t)
	_, all := readDoors(t, h)
	tried := 0
	for _, door := range all {
		if !strings.Contains(door.path, ":number") {
			continue
		}
		for _, u := range h.users {
			if strings.HasPrefix(u.Username, "henan.") {
				continue
			}
			there := h.ask(t, door.method, h.at(door, h.elsewhere), u.Username, h.fields(door))
			never := h.ask(t, door.method, h.at(door, nowhere), u.Username, h.fields(door))
			require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, there.status, "%s %s by %s", door.method, door.path, u.Username)
			require.Equal(t, never.status, there.status, "%s %s by %s", door.method, door.path, u.Username)
			require.Equal(t, strings.ReplaceAll(never.body, nowhere, ""), strings.ReplaceAll(there.body, h.elsewhere, ""), "%s %s", door.method, door.path)
			tried++
		}
		require.Equal(t, http.StatusOK, h.ask(t, http.MethodGet, "/cases/"+h.elsewhere, "henan.jiandu.shen", nil).status, "it is there")
	}
	require.Greater(t, tried, 500)
}

// TestTheScannerIsAsked: where a scanner is set and away, no file comes in.
func TestTheScannerIsAsked(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.settings.ScannerAddr = "127.0.0.1:1"
	guarded := h.another(t, slog.New(slog.DiscardHandler))
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/cases/"+h.filed+"/attachments", strings.NewReader("已整改"))
	request.Header.Set("Content-Disposition", `attachment; filename="a.txt"`)
	request.Header.Set("Authorization", "Bearer "+h.tokens["zhanhe.ziran.chen"])
	recorder := httptest.NewRecorder()
	guarded.echo.ServeHTTP(recorder, request)
	require.Equal(t, http.StatusServiceUnavailable, recorder.Code, recorder.Body.String())
	require.Contains(t, recorder.Body.String(), "scanner_away")
	files, err := h.store.AttachmentsOf(t.Context(), h.filed)
	require.NoError(t, err)
	require.Len(t, files, 1, "the one from before")
}
