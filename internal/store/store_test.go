package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
	"guiling/policies/rules"
	"guiling/workflows/contract"
)

// now is when the files of the tests come in, after the last rating in them.
var now = time.Date(2026, 12, 1, 9, 0, 0, 0, casework.China())

// bundle is a store on a database of its own, with the people of the demo.
type bundle struct {
	*store.Store
	t  *testing.T
	db *testdb.DB
}

func setup(t *testing.T) bundle {
	t.Helper()
	db := testdb.New(t)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	sealer, err := sealing.Open(filepath.Join(t.TempDir(), "key.json"), true)
	require.NoError(t, err)
	st, err := store.Open(t.Context(), db.AppURL, sealer)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return bundle{Store: st, t: t, db: db}
}

func (b bundle) importFile(codebook, name string) store.ImportCounts {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "samples", name))
	require.NoError(b.t, err)
	counts, err := b.importBytes(codebook, name, data)
	require.NoError(b.t, err)
	return counts
}

func (b bundle) importBytes(codebook, name string, data []byte) (store.ImportCounts, error) {
	im := commands.Importer{Store: b.Store, Now: func() time.Time { return now }}
	return im.ImportReviews(b.t.Context(), codebook, name, bytes.NewReader(data))
}

// owner is a connection that may do what the application may not.
func (b bundle) owner() *sql.DB {
	b.t.Helper()
	db, err := sql.Open("postgres", b.db.OwnerURL)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (b bundle) count(query string, args ...any) int {
	b.t.Helper()
	var n int
	require.NoError(b.t, b.owner().QueryRowContext(b.t.Context(), query, args...).Scan(&n))
	return n
}

func TestImportOfTheThreeSamples(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, file := range []struct {
		codebook, name      string
		rows, negative      int
		departmentsAreNamed bool
	}{
		{"platform", "platform-2026-11.csv", 400, 62, true},
		{"gbt39046", "gbt39046-2026-11.gb18030.csv", 120, 21, true},
		{"device", "device-2026-11.ndjson", 80, 18, false},
	} {
		first := b.importFile(file.codebook, file.name)
		require.Equal(t, store.ImportCounts{
			Rows: file.rows, Accepted: file.rows, Negative: file.negative, CasesOpened: file.negative,
		}, first, file.name)
		again := b.importFile(file.codebook, file.name)
		require.Equal(t, store.ImportCounts{Rows: file.rows, Negative: file.negative, Duplicates: file.rows}, again, file.name)
	}
	require.Equal(t, 62+21+18, b.count(`SELECT count(*) FROM cases`))
	require.Equal(t, 62+21+18, b.count(`SELECT count(*) FROM outbox WHERE kind = 'start-case'`))
	require.Positive(t, b.count(`SELECT count(*) FROM organisations WHERE kind = 'department' AND NOT confirmed`))
	require.Zero(t, b.count(`
		SELECT count(*) FROM organisations d JOIN organisations a ON a.id = d.parent_id JOIN regions r ON r.code = d.region_code
		WHERE d.kind = 'department' AND NOT (a.kind = 'authority' AND a.region_code = ANY (r.path))`),
		"every department is under an authority of its own region or above")
}

func TestHostileFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	data, err := os.ReadFile(filepath.Join("..", "intake", "testdata", "hostile.csv"))
	require.NoError(t, err)
	counts, err := b.importBytes("platform", "hostile.csv", data)
	require.NoError(t, err)
	require.Equal(t, 21, counts.Rows)
	require.Equal(t, 1, counts.Duplicates, "the same again")
	require.Equal(t, counts.Rows, counts.Accepted+counts.Duplicates+counts.Quarantined)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM quarantined_rows WHERE reason = 'conflicting_content'`))
	require.Equal(t, 1, b.count(`SELECT count(*) FROM quarantined_rows WHERE reason = 'second_rating'`))
	require.Equal(t, counts.Quarantined, b.count(`SELECT count(*) FROM quarantined_rows`), "nothing is dropped silently")
}

func TestBrokenFileLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	data, err := os.ReadFile(filepath.Join("..", "..", "samples", "platform-2026-11.csv"))
	require.NoError(t, err)
	broken := append(bytes.Clone(data), []byte("\n\"an open quote,1,410411000000\n\nmore\n")...)
	_, err = b.importBytes("platform", "broken.csv", broken)
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, casework.CodeInvalid, domain.Code)
	for _, table := range []string{"reviews", "cases", "outbox", "imports", "service_records", "matters"} {
		require.Zero(t, b.count(`SELECT count(*) FROM `+table), table)
	}
}

// step records the opening of the first case, as its workflow would.
func (b bundle) firstStep() contract.RecordEventsInput {
	b.t.Helper()
	var number string
	var department int64
	err := b.owner().QueryRowContext(b.t.Context(), `SELECT number, department_id FROM cases WHERE region_code = '410411000000' ORDER BY number LIMIT 1`).Scan(&number, &department)
	require.NoError(b.t, err)
	pack, err := rules.Default()
	require.NoError(b.t, err)
	r := casework.Rules{Pack: pack}
	event := casework.Event{Seq: 1, At: now, Body: casework.Opened{
		RegionCode: "410411000000", RegionLevel: casework.LevelCounty, DepartmentID: department,
		PackID: pack.ID, PackVersion: pack.Version, Limit: pack.Verification, ReviewerKnown: true,
	}}
	state, err := casework.Fold([]casework.Event{event})
	require.NoError(b.t, err)
	deadline, _ := state.Deadline(r)
	return contract.RecordEventsInput{
		Number: number, Key: "open", Events: []casework.Event{event}, State: state,
		Deadline: deadline.At, Tasks: casework.Tasks(state, r),
	}
}

func TestRecordEventsIsIdempotent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	repeated, err := b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	require.False(t, repeated)
	repeated, err = b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	require.True(t, repeated)

	c, err := b.CaseByNumber(t.Context(), step.Number)
	require.NoError(t, err)
	require.Equal(t, casework.StageVerification, c.Stage)
	require.WithinDuration(t, step.Deadline, *c.DeadlineAt, 0)
	events, err := b.EventsOf(t.Context(), step.Number)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, step.Events[0].Body, events[0].Body, "an event comes back as it went in")

	other := step
	other.Key = "somebody else"
	_, err = b.RecordEvents(t.Context(), other, "test")
	require.Error(t, err, "two histories cannot claim one case")
	gap := step
	gap.Events = []casework.Event{{Seq: 7, At: now, Body: casework.Archived{}}}
	_, err = b.RecordEvents(t.Context(), gap, "test")
	require.Error(t, err, "no event is left out")
}

// TestTasksLieWithWhoMayDecide: a village and its township that have authorities
// of their own, and decisions that ask for the parent, at county level or above.
func TestTasksLieWithWhoMayDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	deed := store.Deed{Today: casework.DateOf(now)}
	for _, region := range []string{"410411200201", "410411200000"} {
		_, err := b.CreateOrganisation(t.Context(), store.NewOrganisation{
			Kind: casework.KindAuthority, Name: "便民服务中心 " + region, RegionCode: region, Deed: deed,
		})
		require.NoError(t, err)
	}
	step := b.firstStep()
	// Its department has moved to the village since it was opened.
	require.NoError(t, b.MoveDepartment(t.Context(), store.DepartmentMove{ID: step.State.DepartmentID, RegionCode: "410411200201", Deed: deed}))
	step.Tasks = nil
	expected := map[string]string{}
	for _, want := range []struct {
		stepsUp  int
		minLevel casework.AdminLevel
		region   string
	}{
		{0, "", "410411200201"},
		{0, casework.LevelCounty, "410411000000"},
		{1, "", "410411200000"},
		{1, casework.LevelCounty, "410411000000"},
		{3, casework.LevelCounty, "410400000000"},
		{9, "", "410000000000"}, // the chain ends at the province
	} {
		key := fmt.Sprintf("%d above, %s", want.stepsUp, want.minLevel)
		expected[key] = want.region
		step.Tasks = append(step.Tasks, casework.Task{
			Key: key, Kind: casework.TaskSupervise, Owner: casework.OwnerAuthority, StepsUp: want.stepsUp, MinLevel: want.minLevel,
		})
	}
	_, err := b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	for key, region := range expected {
		require.Equal(t, 1, b.count(`
			SELECT count(*) FROM tasks t JOIN organisations o ON o.id = t.organisation_id
			WHERE t.case_number = $1 AND t.key = $2 AND o.region_code = $3`, step.Number, key, region), key)
	}
}

func TestEventsCannotBeChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	_, err := b.RecordEvents(t.Context(), b.firstStep(), "test")
	require.NoError(t, err)
	for _, statement := range []string{
		`UPDATE case_events SET kind = 'closed'`, `DELETE FROM case_events`, `TRUNCATE case_events`,
	} {
		_, err := b.DB().ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "permission denied", "the application: "+statement)
		_, err = b.owner().ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "append-only", "the owner: "+statement)
	}
	_, err = b.DB().ExecContext(t.Context(), `CREATE TABLE anything (id int)`)
	require.Error(t, err, "the application changes no shapes")
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("device", "device-2026-11.ndjson")
	seen := map[string]int{}
	poison := errors.New("poison")
	first := ""
	taken, err := b.DrainOutbox(t.Context(), 100, func(_ context.Context, e store.OutboxEntry) error {
		seen[e.Key]++
		if first == "" {
			first = e.Key
		}
		if e.Key == first {
			return poison
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 18, taken)
	require.Len(t, seen, 18, "a poisoned entry holds up nobody")
	taken, err = b.DrainOutbox(t.Context(), 100, func(context.Context, store.OutboxEntry) error { return nil })
	require.NoError(t, err)
	require.Zero(t, taken, "what is done is done, and what failed waits")
	require.Equal(t, 1, b.count(`SELECT count(*) FROM outbox WHERE done_at IS NULL AND attempts = 1 AND last_error = 'poison' AND next_attempt_at > now()`))
}

func TestOutboxDoesNotWaitForWhoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("device", "device-2026-11.ndjson")
	tried := 0
	taken, err := b.DrainOutbox(t.Context(), 100, func(context.Context, store.OutboxEntry) error {
		tried++
		return context.DeadlineExceeded
	})
	require.NoError(t, err)
	require.Equal(t, 1, tried)
	require.Equal(t, 1, taken)
	require.Equal(t, 18, b.count(`SELECT count(*) FROM outbox WHERE done_at IS NULL`))
}

func TestTwoRelaysShareTheOutbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("device", "device-2026-11.ndjson")
	inFirst := make(chan struct{})
	release := make(chan struct{})
	done := make(chan int)
	go func() {
		n, err := b.DrainOutbox(context.WithoutCancel(t.Context()), 5, func(context.Context, store.OutboxEntry) error {
			select {
			case inFirst <- struct{}{}:
				<-release
			default:
			}
			return nil
		})
		if err != nil {
			n = -1
		}
		done <- n
	}()
	<-inFirst
	n, err := b.DrainOutbox(t.Context(), 100, func(context.Context, store.OutboxEntry) error { return nil })
	require.NoError(t, err)
	require.Equal(t, 13, n, "the second takes what the first does not hold")
	close(release)
	require.Equal(t, 5, <-done)
}

func TestSpotCheckPlanNeverChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	month, rate, seed, err := b.SpotCheckPlan(t.Context(), now, 50)
	require.NoError(t, err)
	require.Equal(t, "2026-12", month)
	_, rateAgain, again, err := b.SpotCheckPlan(t.Context(), now.AddDate(0, 0, 20), 900)
	require.NoError(t, err)
	require.Equal(t, seed, again)
	require.Equal(t, rate, rateAgain)
}

func TestRevealIsRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	step := b.firstStep()
	user, err := b.UserByName(t.Context(), "zhanhe.shichang.ren")
	require.NoError(t, err)
	revealed, err := b.RevealReviewer(t.Context(), store.Reveal{
		Number: step.Number, Purpose: "回访", At: now, By: casework.By{UserID: user.ID, OrganisationID: user.Actor.OrganisationID, Rule: "r"},
	})
	require.NoError(t, err)
	require.Regexp(t, `^120[0-9]{8}$`, revealed.Reviewer.Phone)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM reveals WHERE case_number = $1 AND user_id = $2 AND purpose = '回访'`, step.Number, user.ID))
}
