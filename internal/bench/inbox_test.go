package bench_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
	"guiling/internal/sealing"
	"guiling/internal/store"
)

// casesEnv holds the sizes to measure, with commas. Without it, the test runs small.
const casesEnv = "GUILING_BENCH_CASES"

const (
	smallCases = 2_000
	warmUp     = 20
	requests   = 200 // of each page, one after another, and as many again by several at once
	together   = 4
)

// The people of the demo who ask.
var people = map[string]string{
	"department": ownHandler, "county": "zhanhe.jiandu.lin", "city": "pingdingshan.jiandu.ye", "province": "henan.jiandu.shen",
}

// page is one page that is measured, as somebody, at one of its addresses at a time.
type page struct {
	name      string
	who       string
	addresses []string
	holds     string // what stands in it when it is what was meant
}

// figure is what was measured of a page.
type figure struct {
	ours, floor           []time.Duration // one after another
	oursOfMany, floorMany []time.Duration // by several at once
	statements            int
	packed                int // bytes of the first answer, compressed
}

// TestInbox fills databases and measures the pages that people work in, each against
// the same statements without us. It asserts that pages are what they should be, and
// never how long anything takes.
func TestInbox(t *testing.T) { //nolint:paralleltest // it measures
	sizes := []int{smallCases}
	count := 10
	if asked := os.Getenv(casesEnv); asked != "" {
		sizes, count = nil, requests
		for word := range strings.SplitSeq(asked, ",") {
			size, err := strconv.Atoi(strings.TrimSpace(word))
			require.NoError(t, err, casesEnv)
			require.GreaterOrEqual(t, size, smallCases, casesEnv)
			sizes = append(sizes, size)
		}
		slices.Sort(sizes)
	}
	s := startServer(t)
	var bases []base
	for _, size := range sizes {
		bases = append(bases, prepare(t, s, size))
	}
	for i := range bases {
		bases[i].house = open(t, bases[i].appURL)
		floorIsWhatWasAsked(t, bases[i].house)
	}
	// Page by page, so that what else the machine does falls on all sizes.
	last := map[string]figure{}
	for n, p := range bases[0].pages {
		var smallest figure
		for i, b := range bases {
			f := b.house.measure(t, b.pages[n], count)
			tell(p.name, b.size, f, smallest)
			require.Less(t, f.packed, 100_000, "%s: bytes of the first page, compressed", p.name)
			if i == 0 {
				smallest = f
			}
			last[p.name] = f
		}
	}
	// For whoever reads the figures by machine: those of the largest.
	line("inbox_1m", last["inbox"].ours, last["inbox"].floor)
	line("board", last["board_province"].ours, last["board_province"].floor)
}

// base is a filled database, with the pages that are measured over it.
type base struct {
	size   int
	appURL string
	pages  []page
	house  *house
}

func prepare(t *testing.T, s server, size int) base {
	t.Helper()
	db, appURL := s.database(t, fmt.Sprintf("bench_%d", size))
	words, err := shown(t.Context(), db)
	require.NoError(t, err)
	f := fill(t, db, size, time.Now())
	say("# %d cases, %d of them open, %s, filled in %s; %d cores, %s; PostgreSQL %s",
		size, f.Open, f.Size, f.Took.Round(time.Second), runtime.NumCPU(), runtime.Version(), words)
	meant(t, db)
	return base{size: size, appURL: appURL, pages: pagesOf(t, db)}
}

// meant asserts that a filled database is what it is taken for.
func meant(t *testing.T, db *sql.DB) {
	t.Helper()
	ask := func(query string, args ...any) int {
		t.Helper()
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&n))
		return n
	}
	require.InDelta(t, ownOpen, ask(`
		SELECT count(*) FROM tasks t JOIN users u ON u.organisation_id = t.organisation_id WHERE u.username = $1 AND t.closed_at IS NULL`, ownHandler), 60,
		"open tasks of the department")
	require.Equal(t, ownOpen, ask(`SELECT count(*) FROM case_events WHERE kind = 'verified'`), "cases whose page shows a story")
	require.Zero(t, ask(`SELECT count(*) FROM cases c JOIN regions r ON r.code = c.region_code WHERE c.region_path <> r.path`), "cases elsewhere than their path says")
	require.Equal(t, 6, ask(`SELECT count(*) FROM pg_indexes WHERE indexname IN (
		'case_search_by_token', 'cases_of_level_1', 'cases_of_level_5', 'open_cases_by_region', 'open_tasks_by_organisation', 'cases_by_closing')`), "indexes of the migrations")
	// What is written for the search is what the triggers would have written.
	const sorted = `(SELECT array_agg(token ORDER BY token) FROM unnest(s.tokens) AS token)`
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.ExecContext(t.Context(), `CREATE TEMP TABLE written AS SELECT s.case_number, `+sorted+` AS tokens
		FROM case_search s JOIN cases c ON c.number = s.case_number WHERE c.review_id % 5000 = 8 OR c.review_id < 50`)
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), `SELECT refresh_case_search(ARRAY(SELECT case_number FROM written))`)
	require.NoError(t, err)
	var different int
	require.NoError(t, conn.QueryRowContext(t.Context(), `
		SELECT count(*) FROM written w JOIN case_search s ON s.case_number = w.case_number WHERE w.tokens <> `+sorted).Scan(&different))
	require.Zero(t, different, "cases that are searched by other tokens than the product's")
}

// floorIsWhatWasAsked asserts that what is replayed is what a request asked.
func floorIsWhatWasAsked(t *testing.T, h *house) {
	t.Helper()
	said := h.recorder.during(func() { h.ask(t, "department", "/tasks") })
	for _, part := range []string{"FROM user_sessions", "FROM tasks t CROSS JOIN LATERAL", "count(*) AS found", "FROM notifications"} {
		require.True(t, slices.ContainsFunc(said, func(s statement) bool { return strings.Contains(s.text, part) && len(s.args) > 0 }),
			"a request for the inbox asks %s", part)
	}
	conn, err := h.plain.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, replay(t.Context(), conn, said))
	require.Error(t, replay(t.Context(), conn, []statement{{text: "SELECT nothing FROM nowhere", rows: true}}), "what fails is no floor")
}

// house is pages and API on a filled database, with the people who ask signed in.
type house struct {
	handler  http.Handler
	recorder *recorder
	plain    *sql.DB // the database without us
	cookies  map[string][]*http.Cookie
}

func open(t *testing.T, appURL string) *house {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	settings := app.Settings{
		DatabaseURL: appURL, TemporalAddress: "127.0.0.1:1", TemporalNamespace: "guiling", Demo: true,
		DataKeyFile: filepath.Join(t.TempDir(), "key.json"), Version: "bench", RequireSecondFactor: "none",
	}
	h := &house{recorder: &recorder{}, cookies: map[string][]*http.Cookie{}}
	sealer, err := sealing.Open(settings.DataKeyFile, true)
	require.NoError(t, err)
	st, err := store.OpenThrough(t.Context(), appURL, sealer, h.recorder.through)
	require.NoError(t, err)
	t.Cleanup(func() { _ = st.Close() })
	eng, err := app.OpenEngine(settings, "bench", quiet)
	require.NoError(t, err)
	t.Cleanup(eng.Close)
	handler, stop, err := app.NewHandler(settings, st, eng, quiet)
	require.NoError(t, err)
	t.Cleanup(stop)
	h.handler = handler
	h.plain, err = sql.Open("postgres", appURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.plain.Close() })
	for i, name := range slices.Sorted(maps.Keys(people)) {
		h.signIn(t, name, i)
	}
	return h
}

func (h *house) signIn(t *testing.T, name string, place int) {
	t.Helper()
	form := url.Values{"username": {people[name]}}.Encode()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sign-in/demo", strings.NewReader(form))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.RemoteAddr = fmt.Sprintf("127.1.%d.1:40000", place)
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, request)
	require.Equal(t, http.StatusSeeOther, answer.Code, name)
	h.cookies[name] = answer.Result().Cookies()
	h.ask(t, name, "/") // what is told once is told
}

// ask gets a page as a browser does, compressed.
func (h *house) ask(t *testing.T, who, address string) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	request.RemoteAddr = "127.0.0.1:40000"
	request.Header.Set("Accept-Encoding", "gzip")
	for _, cookie := range h.cookies[who] {
		request.AddCookie(cookie)
	}
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, request)
	return answer
}

// measure asks for a page again and again, and each time, in turn, the database alone
// for the same: what else the machine does then falls on both.
func (h *house) measure(t *testing.T, p page, count int) figure {
	t.Helper()
	ctx := t.Context()
	var f figure
	asked := make([][]statement, len(p.addresses))
	for i, address := range p.addresses {
		var answer *httptest.ResponseRecorder
		h.ask(t, p.who, address) // what is read once is read
		asked[i] = h.recorder.during(func() { answer = h.ask(t, p.who, address) })
		require.Equal(t, http.StatusOK, answer.Code, address)
		require.Equal(t, "gzip", answer.Header().Get("Content-Encoding"), address)
		if i == 0 {
			f.packed, f.statements = answer.Body.Len(), len(asked[i])
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(answer.Body.Bytes()))
		require.NoError(t, err)
		body, err := io.ReadAll(unpacked)
		require.NoError(t, err)
		require.Contains(t, string(body), p.holds, address)
	}
	once := func(ctx context.Context, conn *sql.Conn, i int) (ours, floor time.Duration) {
		i %= len(p.addresses)
		began := time.Now()
		answer := h.ask(t, p.who, p.addresses[i])
		ours = time.Since(began)
		if answer.Code != http.StatusOK {
			t.Errorf("%s: %d", p.addresses[i], answer.Code)
		}
		began = time.Now()
		if err := replay(ctx, conn, asked[i]); err != nil {
			t.Error(err)
		}
		return ours, time.Since(began)
	}
	var mu sync.Mutex
	some := func(from, until int, into, intoFloor *[]time.Duration) {
		conn, err := h.plain.Conn(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		for i := from; i < until; i++ {
			ours, floor := once(ctx, conn, i)
			mu.Lock()
			*into, *intoFloor = append(*into, ours), append(*intoFloor, floor)
			mu.Unlock()
		}
	}
	var dropped []time.Duration
	some(0, min(warmUp, count), &dropped, &dropped)
	some(0, count, &f.ours, &f.floor)
	var all sync.WaitGroup
	for n := range together {
		all.Go(func() { some(n*count/together, (n+1)*count/together, &f.oursOfMany, &f.floorMany) })
	}
	all.Wait()
	return f
}

// pagesOf are the pages that are measured, with addresses that have something.
func pagesOf(t *testing.T, db *sql.DB) []page {
	t.Helper()
	ctx := t.Context()
	var number string
	require.NoError(t, db.QueryRowContext(ctx, `SELECT number FROM cases WHERE due_order = 'infinity' ORDER BY number OFFSET (SELECT count(*) * 9 / 10 FROM cases WHERE due_order = 'infinity') LIMIT 1`).Scan(&number))
	ended := cursorWord(t, store.CaseCursor{Ended: true, Number: number})
	var task store.TaskCursor
	require.NoError(t, db.QueryRowContext(ctx, `
		SELECT t.due_at, t.id FROM tasks t JOIN users u ON u.organisation_id = t.organisation_id
		WHERE u.username = $1 AND t.owner = 'department' AND t.closed_at IS NULL ORDER BY t.due_order, t.id OFFSET 120 LIMIT 1`, ownHandler).Scan(&task.DueAt, &task.ID))
	cases := ownCases(t, db)
	pages := []page{
		{"inbox", "department", []string{"/tasks"}, "/cases/4104"},
		{"inbox_county", "county", []string{"/tasks"}, "/tasks"},
		{"inbox_deep", "department", []string{"/tasks?cursor=" + cursorWord(t, task)}, "/cases/4104"},
		{"cases_province", "province", []string{"/cases"}, "/cases/41"},
		{"cases_deep", "province", []string{"/cases?cursor=" + ended}, "/cases/41"},
		{"case", "department", cases, "当日窗口两人请假"},
		{"case_province", "province", cases, "当日窗口两人请假"},
	}
	for _, who := range []string{"department", "county", "city", "province"} {
		pages = append(pages,
			page{"search_common_" + who, who, []string{"/cases?q=" + url.QueryEscape(commonWord)}, "/cases/41"},
			page{"search_rare_" + who, who, []string{"/cases?q=" + url.QueryEscape(rareWord)}, "/cases/41"})
	}
	return append(pages,
		page{"board_county", "county", []string{"/board"}, "湛河区"},
		page{"board_city", "city", []string{"/board"}, "湛河区"},
		page{"board_province", "province", []string{"/board"}, "平顶山市"})
}

func cursorWord(t *testing.T, cursor any) string {
	t.Helper()
	data, err := json.Marshal(cursor)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(data)
}

// ownCases are the addresses of cases of the department that have a story.
func ownCases(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT number FROM cases WHERE review_id <= 100 ORDER BY number`)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var cases []string
	for rows.Next() {
		var number string
		require.NoError(t, rows.Scan(&number))
		cases = append(cases, "/cases/"+number)
	}
	require.NoError(t, rows.Err())
	return cases
}

// quantile is the p-th of a hundred, of durations in any order.
func quantile(of []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2fms", float64(d.Microseconds())/1000) }

func line(name string, ours, floor []time.Duration) {
	say("%s ours=%s floor=%s ratio=%.2f", name, ms(quantile(ours, 99)), ms(quantile(floor, 99)),
		float64(quantile(floor, 99))/float64(quantile(ours, 99)))
}

// tell prints one page: p99 and p50 one after another, the same by several at once,
// and against the smallest database.
func tell(name string, size int, f, small figure) {
	of := fmt.Sprintf("%s_%d", name, size)
	line(of, f.ours, f.floor)
	line(of+"_together", f.oursOfMany, f.floorMany)
	rest := fmt.Sprintf("#   p50 %s, floor %s; %d at once p50 %s, floor %s; %d statements; %d bytes compressed",
		ms(quantile(f.ours, 50)), ms(quantile(f.floor, 50)), together, ms(quantile(f.oursOfMany, 50)), ms(quantile(f.floorMany, 50)), f.statements, f.packed)
	if len(small.ours) > 0 {
		rest += fmt.Sprintf("; p99 %.2f and p50 %.2f times that of the smallest",
			float64(quantile(f.ours, 99))/float64(quantile(small.ours, 99)), float64(quantile(f.ours, 50))/float64(quantile(small.ours, 50)))
	}
	say("%s", rest)
}

// say writes a line of figures; without sizes that were asked for there are none.
func say(format string, args ...any) {
	if os.Getenv(casesEnv) != "" {
		fmt.Fprintf(os.Stdout, format+"\n", args...)
	}
}
