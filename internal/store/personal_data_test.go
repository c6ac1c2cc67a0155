package store_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/internal/testdb"
	"guiling/migrations"
)

// secrets lists the names, identity numbers and phones of the sample.
func secrets(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "samples", "platform-2026-11.csv"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	seen := map[string]bool{"": true}
	var all []string
	for _, row := range rows[1:] {
		for _, value := range row[8:11] {
			if !seen[value] {
				seen[value] = true
				all = append(all, value)
			}
		}
	}
	require.Greater(t, len(all), 300)
	return all
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

const header = "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n"

// telling is a row whose words tell who wrote them.
func telling(record, name, id, phone, words string) string {
	return record + ",1,410411000000,湛河区市场监督管理局,410100101001,企业设立登记,窗口03,3," + name + "," + id + "," + phone + ",1,2,\"213,208\"," + words +
		",2026-11-01 09:00:00,2026-11-02 10:00:00\n"
}

func (b bundle) take(rows ...string) {
	b.t.Helper()
	_, err := b.importBytes("platform", "rows.csv", []byte(header+strings.Join(rows, "")))
	require.NoError(b.t, err)
}

func (b bundle) number(record string) string {
	b.t.Helper()
	number, err := b.CaseNumberOf(b.t.Context(), record)
	require.NoError(b.t, err)
	return number
}

func (b bundle) exec(query string, args ...any) {
	b.t.Helper()
	_, err := b.owner().ExecContext(b.t.Context(), query, args...)
	require.NoError(b.t, err)
}

func (b bundle) look(number string, at time.Time) (store.Revealed, error) {
	b.t.Helper()
	user, err := b.UserByName(b.t.Context(), "zhanhe.shichang.ren")
	require.NoError(b.t, err)
	return b.RevealReviewer(b.t.Context(), store.Reveal{
		Number: number, Purpose: "回访", At: at,
		By: casework.By{UserID: user.ID, OrganisationID: user.Actor.OrganisationID, Role: casework.RoleHandler, Rule: "department-reveals-phone"},
	})
}

const (
	toldName  = "赵某甲"
	toldID    = "990000198001010011"
	toldPhone = "12000000001"
	toldWords = "我是赵某甲，电话120 0000 0001，身份证990000198001010011"
)

func TestNoPersonalDataInAnyTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	b.take(telling("T-1", toldName, toldID, toldPhone, toldWords), telling("T-2", "", "", "", "请打13900001234"))
	hostile, err := os.ReadFile(filepath.Join("..", "intake", "testdata", "hostile.csv"))
	require.NoError(t, err)
	_, err = b.importBytes("platform", "hostile.csv", hostile)
	require.NoError(t, err)
	words := append(secrets(t), toldName, toldID, toldPhone, "120 0000 0001", "13900001234")
	require.Empty(t, testdb.Find(t, b.db.OwnerURL, words))

	c, err := b.CaseByNumber(t.Context(), b.number("T-1"))
	require.NoError(t, err)
	require.Equal(t, "我是赵*，电话120****0001，身份证9****************1", c.Words)
	revealed, err := b.look(c.Number, now)
	require.NoError(t, err)
	require.Equal(t, store.Reviewer{Name: toldName, Phone: toldPhone, IDNumber: toldID, Words: toldWords}, revealed.Reviewer)
	revealed, err = b.look(b.number("T-2"), now)
	require.NoError(t, err, "there is nobody known, but words that had to be hidden")
	require.Equal(t, store.Reviewer{Words: "请打13900001234"}, revealed.Reviewer)
	require.Empty(t, testdb.Find(t, b.db.OwnerURL, words))

	// It can fail: in a text, in JSON, in bytes.
	b.exec(`UPDATE reviews SET words = words || $1 WHERE record_number = 'T-1'`, toldPhone)
	b.exec(`UPDATE outbox SET payload = jsonb_set(payload, '{x}', to_jsonb(CAST($1 AS text))) WHERE key = $2`, toldName, c.Number)
	b.exec(`INSERT INTO request_keys (user_id, key, request_hash, lease_until, created_at, answer_sealed) SELECT id, 'k', sha256('x'), NULL, now(), convert_to($1, 'UTF8') FROM users LIMIT 1`, toldID)
	require.ElementsMatch(t, []string{
		"public.reviews.words: " + toldPhone, "public.outbox.payload: " + toldName, "public.request_keys.answer_sealed: " + toldID,
	}, testdb.Find(t, b.db.OwnerURL, words))
}

// TestRowsOfBeforeAreBroughtOver: what was sealed directly and shows its words can
// be read all the time, and gets a data key, indexes and masked words.
func TestRowsOfBeforeAreBroughtOver(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	require.NoError(t, migrations.Demo(t.Context(), db.OwnerURL, slog.New(slog.DiscardHandler)))
	keyFile := filepath.Join(t.TempDir(), "key.json")
	sealer, err := sealing.Open(keyFile, true)
	require.NoError(t, err)
	st, err := store.Open(t.Context(), db.AppURL, sealer)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	b := bundle{Store: st, t: t, db: db}
	b.take(telling("T-1", toldName, toldID, toldPhone, toldWords), telling("T-2", "钱某乙", toldID, "", "没有说什么"))
	hostile, err := os.ReadFile(filepath.Join("..", "intake", "testdata", "hostile.csv"))
	require.NoError(t, err)
	_, err = b.importBytes("platform", "hostile.csv", hostile)
	require.NoError(t, err)

	// As the program of before left it.
	before, err := json.Marshal(map[string]string{"name": toldName, "phone": toldPhone, "id_number": toldID})
	require.NoError(t, err)
	key := casework.ReviewKey{Source: "platform", RecordNumber: "T-1", AssessNumber: 1}
	require.NoError(t, b.owner().QueryRowContext(t.Context(), `SELECT source FROM reviews WHERE record_number = 'T-1'`).Scan(&key.Source))
	sealed, err := sealer.Seal(before, "reviewer/"+key.String())
	require.NoError(t, err)
	b.exec(`DELETE FROM data_keys WHERE review_id = (SELECT id FROM reviews WHERE record_number = 'T-1')`)
	b.exec(`UPDATE reviews SET reviewer_sealed = $1, words = $2, reviewer_phone_index = NULL, reviewer_id_index = NULL, index_key = '', privacy = 0 WHERE record_number = 'T-1'`, sealed, toldWords)
	var importID, line, row int64
	require.NoError(t, b.owner().QueryRowContext(t.Context(), `SELECT id, import_id, line FROM quarantined_rows ORDER BY id LIMIT 1`).Scan(&row, &importID, &line))
	raw, err := b.QuarantinedRow(t.Context(), importID, int(line))
	require.NoError(t, err)
	require.NotEmpty(t, raw)
	text, err := json.Marshal(raw)
	require.NoError(t, err)
	sealed, err = sealer.Seal(text, "quarantine/"+itoa(importID)+"/"+itoa(line))
	require.NoError(t, err)
	b.exec(`DELETE FROM data_keys WHERE quarantined_row_id = $1`, row)
	b.exec(`UPDATE quarantined_rows SET raw_sealed = $2, privacy = 0 WHERE id = $1`, row, sealed)

	number := b.number("T-1")
	want := store.Reviewer{Name: toldName, Phone: toldPhone, IDNumber: toldID, Words: toldWords}
	for range 2 {
		revealed, err := b.look(number, now)
		require.NoError(t, err)
		require.Equal(t, want, revealed.Reviewer)
		again, err := b.QuarantinedRow(t.Context(), importID, int(line))
		require.NoError(t, err)
		require.Equal(t, raw, again)
		_, err = b.BringOver(t.Context(), nil)
		require.NoError(t, err)
	}
	require.Empty(t, testdb.Find(t, b.db.OwnerURL, []string{toldName, toldID, toldPhone, "120 0000 0001"}))
	require.Zero(t, b.count(`SELECT count(*) FROM reviews WHERE privacy = 0`)+b.count(`SELECT count(*) FROM quarantined_rows WHERE privacy = 0`))
	done, err := b.BringOver(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, done)

	cases, err := b.CasesOfReviewer(t.Context(), store.Scope{Everything: true}, number, 10)
	require.NoError(t, err)
	require.Len(t, cases, 1, "the same identity number")
	require.Equal(t, b.number("T-2"), cases[0].Number)

	// Another algorithm for the indexes: they are made again, and nothing else is.
	national, err := sealing.Open(keyFile, false, sealing.WithCipher(sealing.SM4()))
	require.NoError(t, err)
	other, err := store.Open(t.Context(), db.AppURL, national)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	require.NoError(t, other.IndexAgain(t.Context()))
	done, err = other.BringOver(t.Context(), nil)
	require.NoError(t, err)
	require.Positive(t, done)
	cases, err = other.CasesOfReviewer(t.Context(), store.Scope{Everything: true}, number, 10)
	require.NoError(t, err)
	require.Len(t, cases, 1)
	require.Zero(t, b.count(`SELECT count(*) FROM reviews WHERE reviewer_sealed IS NOT NULL AND index_key <> 'HMAC-SM3/1'`))
}

// TestRotationUnderWork: keys are rotated and data keys wrapped anew, by two at
// once and stopped midway, while files come in and reviewers are looked at.
func TestRotationUnderWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	before, err := b.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, before, 1)
	require.Positive(t, before[0].Wraps)
	var numbers []string
	cases, err := b.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: 20})
	require.NoError(t, err)
	for _, c := range cases {
		if c.ReviewerKnown {
			numbers = append(numbers, c.Number)
		}
	}

	stop := make(chan struct{})
	var work sync.WaitGroup
	failures := make(chan error, 4)
	user, err := b.UserByName(t.Context(), "zhanhe.shichang.ren")
	require.NoError(t, err)
	for range 2 {
		work.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				_, err := b.RevealReviewer(context.WithoutCancel(t.Context()), store.Reveal{
					Number: numbers[i%len(numbers)], Purpose: "回访", At: now, By: casework.By{UserID: user.ID, OrganisationID: user.Actor.OrganisationID, Rule: "r"},
					Limits: store.RevealLimits{PerHour: 1 << 20, PerDay: 1 << 20, AlarmCases: 1 << 20, OddCases: 1 << 20},
				})
				if err != nil {
					failures <- err
					return
				}
			}
		})
	}
	work.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			b.take(telling("R-"+itoa(int64(i)), toldName, toldID, toldPhone, "慢"))
		}
	})
	for range 3 {
		_, err := b.RotateKey(t.Context(), casework.By{})
		require.NoError(t, err)
		killed, kill := context.WithCancel(t.Context())
		_, err = b.RewrapDataKeys(killed, casework.By{}, func(int, int) { kill() })
		kill()
		require.Error(t, err, "it is stopped midway")
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if _, err := b.RewrapDataKeys(context.WithoutCancel(t.Context()), casework.By{}, nil); err != nil {
					failures <- err
				}
			})
		}
		both.Wait()
	}
	close(stop)
	work.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	_, err = b.RewrapDataKeys(t.Context(), casework.By{}, nil)
	require.NoError(t, err)

	keys, err := b.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 4)
	require.True(t, keys[0].Primary)
	require.Equal(t, b.count(`SELECT count(*) FROM data_keys WHERE wrapped IS NOT NULL`), keys[0].Wraps)
	for _, k := range keys[1:] {
		require.Zero(t, k.Wraps)
		require.NotNil(t, k.RetiredAt)
	}
	require.Equal(t, 3, b.count(`SELECT count(*) FROM admin_events WHERE kind = 'key_rotated' AND by_user_id IS NULL`))
	require.Positive(t, b.count(`SELECT count(*) FROM admin_events WHERE kind = 'data_keys_rewrapped'`))
}

func TestAKeyIsDestroyedOnlyWhenNothingNeedsIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.take(telling("T-1", toldName, toldID, toldPhone, "慢"))
	refused := func(id uint32, at time.Time, why string) {
		t.Helper()
		err := b.DestroyKey(t.Context(), casework.By{}, id, at)
		domain, ok := casework.AsError(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, "key_in_use", domain.Reason)
		require.Contains(t, domain.Detail, why)
	}
	keys, err := b.Keys(t.Context())
	require.NoError(t, err)
	old := keys[0].ID
	later := time.Now().Add(store.KeyRest + time.Hour)
	refused(old, later, "everything new")
	user, err := b.UserByName(t.Context(), "zhanhe.shichang.ren")
	require.NoError(t, err)
	attempt, err := b.BeginRequest(t.Context(), store.KeyedRequest{UserID: user.ID, Key: "k", Content: []byte("x")}, now)
	require.NoError(t, err)
	_, err = b.KeepAnswer(t.Context(), attempt, store.Answer{Status: 200})
	require.NoError(t, err)
	_, err = b.RotateKey(t.Context(), casework.By{})
	require.NoError(t, err)
	refused(old, later, "1 data keys")
	_, err = b.RewrapDataKeys(t.Context(), casework.By{}, nil)
	require.NoError(t, err)
	refused(old, later, "values of request_keys")
	_, err = b.PurgeRequests(t.Context(), now.AddDate(0, 0, 2))
	require.NoError(t, err)
	refused(old, later, "cases")
	b.exec(`UPDATE cases SET stage = 'archived'`)
	refused(old, time.Now(), "cases")
	require.NoError(t, b.DestroyKey(t.Context(), casework.By{}, old, later))
	_, err = b.look(b.number("T-1"), now)
	require.NoError(t, err)
	err = b.DestroyKey(t.Context(), casework.By{}, old, later)
	domain, ok := casework.AsError(err)
	require.True(t, ok)
	require.Equal(t, casework.CodeNotFound, domain.Code)
	keys, err = b.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.NotNil(t, keys[1].DestroyedAt)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM admin_events WHERE kind = 'key_destroyed'`))
}

func TestTheSameCitizenIsFoundWithoutANumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.take(
		telling("C-1", toldName, "", toldPhone, "慢"), telling("C-2", "赵某", toldID, "+86 120-0000-0001", "还是慢"),
		telling("C-3", "赵某甲", toldID, "", "更慢"), telling("C-4", "钱某乙", "990000198001010022", "12000000002", "慢"),
		strings.Replace(telling("C-5", toldName, toldID, toldPhone, "慢"), "410411000000", "410402000000", 1),
	)
	of := func(record string, scope store.Scope) []string {
		cases, err := b.CasesOfReviewer(t.Context(), scope, b.number(record), 10)
		require.NoError(t, err)
		var records []string
		for _, c := range cases {
			for _, r := range []string{"C-1", "C-2", "C-3", "C-4", "C-5"} {
				if b.number(r) == c.Number {
					records = append(records, r)
				}
			}
		}
		return records
	}
	all, district := store.Scope{Everything: true}, store.Scope{RegionCode: "410411000000"}
	require.ElementsMatch(t, []string{"C-2", "C-5"}, of("C-1", all), "by phone")
	require.ElementsMatch(t, []string{"C-1", "C-3", "C-5"}, of("C-2", all), "by phone or by number")
	require.ElementsMatch(t, []string{"C-1", "C-3"}, of("C-2", district), "nothing outside the scope")
	require.Empty(t, of("C-4", all))
	require.Empty(t, of("C-2", store.Scope{}))
}

func TestLooksAreLimitedAndNoticed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	cases, err := b.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: 62})
	require.NoError(t, err)
	var numbers []string
	for _, c := range cases {
		if c.ReviewerKnown {
			numbers = append(numbers, c.Number)
		}
	}
	require.Greater(t, len(numbers), 35)
	var alarms []store.AlarmKind
	for i := range 30 {
		r, err := b.look(numbers[i], now)
		require.NoError(t, err, i)
		alarms = append(alarms, r.Alarms...)
		require.Equal(t, i >= 15, len(alarms) == 1, "the sixteenth case sets it off, once: %d", i)
	}
	reason := func(err error) string {
		domain, ok := casework.AsError(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, casework.CodeTooMany, domain.Code)
		return domain.Reason
	}
	_, err = b.look(numbers[30], now.Add(59*time.Minute))
	require.Equal(t, "reveals_an_hour", reason(err))
	for hour := 1; hour <= 2; hour++ {
		for range 30 {
			_, err = b.look(numbers[0], now.Add(time.Duration(hour)*61*time.Minute))
			require.NoError(t, err)
		}
	}
	for range 10 {
		_, err = b.look(numbers[0], now.Add(4*time.Hour))
		require.NoError(t, err)
	}
	_, err = b.look(numbers[0], now.Add(4*time.Hour))
	require.Equal(t, "reveals_a_day", reason(err))
	_, err = b.look(numbers[0], now.Add(30*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 101, b.count(`SELECT count(*) FROM reveals`))

	// Outside office hours, five are usual and the sixth is told.
	user, err := b.UserByName(t.Context(), "zhanhe.shichang.ren")
	require.NoError(t, err)
	night := now.AddDate(0, 0, 3)
	for i := range 6 {
		r, err := b.RevealReviewer(t.Context(), store.Reveal{
			Number: numbers[i], Purpose: "回访", At: night, OddSince: night.Add(-time.Hour), By: casework.By{UserID: user.ID, OrganisationID: user.Actor.OrganisationID, Rule: "r"},
		})
		require.NoError(t, err)
		require.Equal(t, i == 5, len(r.Alarms) == 1)
	}
	var told []store.Message
	_, err = b.DrainOutbox(t.Context(), 1000, func(_ context.Context, e store.OutboxEntry) error {
		var m store.Message
		if e.Kind == store.OutboxTellAuditors {
			told = append(told, m)
			return json.Unmarshal(e.Payload, &told[len(told)-1])
		}
		return nil
	})
	require.NoError(t, err)
	require.Len(t, told, 2)
	require.Equal(t, store.AlarmManyCases, told[0].Alarm.Kind)
	require.Equal(t, 16, told[0].Alarm.Cases)
	require.Equal(t, store.AlarmOutOfHours, told[1].Alarm.Kind)

	reveals, err := b.Reveals(t.Context(), store.Scope{RegionCode: "410000000000"}, store.RevealFilter{Limit: 200})
	require.NoError(t, err)
	require.Len(t, reveals, 107)
	noticed, err := b.Reveals(t.Context(), store.Scope{RegionCode: "410000000000"}, store.RevealFilter{Alarms: true, UserID: user.ID, Limit: 200})
	require.NoError(t, err)
	require.Len(t, noticed, 2)
	require.Equal(t, []store.AlarmKind{store.AlarmOutOfHours}, noticed[0].Alarms)
	rest, err := b.Reveals(t.Context(), store.Scope{RegionCode: "410000000000"}, store.RevealFilter{Before: store.RevealCursor{At: reveals[99].At, ID: reveals[99].ID}, Limit: 200})
	require.NoError(t, err)
	require.Equal(t, reveals[100:], rest)
	none, err := b.Reveals(t.Context(), store.Scope{}, store.RevealFilter{Limit: 200})
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestLooksOfManyProcessesAreCountedTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.take(telling("T-1", toldName, toldID, toldPhone, "慢"))
	number := b.number("T-1")
	var group sync.WaitGroup
	results := make(chan error, 60)
	for range 60 {
		group.Go(func() {
			_, err := b.look(number, now)
			results <- err
		})
	}
	group.Wait()
	close(results)
	granted := 0
	for err := range results {
		if err == nil {
			granted++
		}
	}
	require.Equal(t, 30, granted)
	require.Equal(t, 30, b.count(`SELECT count(*) FROM reveals`))
}

func TestShredding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	hostile, err := os.ReadFile(filepath.Join("..", "intake", "testdata", "hostile.csv"))
	require.NoError(t, err)
	_, err = b.importBytes("platform", "hostile.csv", hostile)
	require.NoError(t, err)
	step := b.firstStep()
	_, err = b.RecordEvents(t.Context(), step, "test")
	require.NoError(t, err)
	state, err := step.State.Apply(casework.Event{Seq: 2, At: now.Add(time.Hour), Body: casework.Withdrawn{Reason: "撤回"}})
	require.NoError(t, err)
	ended := step
	ended.Key, ended.State, ended.Tasks, ended.Deadline = "end", state, nil, time.Time{}
	ended.Events = []casework.Event{{Seq: 2, At: now.Add(time.Hour), Body: casework.Withdrawn{Reason: "撤回"}}}
	_, err = b.RecordEvents(t.Context(), ended, "test")
	require.NoError(t, err)
	b.exec(`UPDATE reviews SET created_at = $1`, now)
	b.exec(`UPDATE quarantined_rows SET created_at = $1`, now)
	sealedBefore := b.count(`SELECT count(*) FROM reviews WHERE reviewer_sealed IS NOT NULL`)
	openCases := b.count(`SELECT count(*) FROM cases c JOIN reviews v ON v.id = c.review_id WHERE v.reviewer_sealed IS NOT NULL`) - 1
	var backup []byte
	require.NoError(t, b.owner().QueryRowContext(t.Context(),
		`SELECT v.reviewer_sealed FROM cases c JOIN reviews v ON v.id = c.review_id WHERE c.number = $1`, step.Number).Scan(&backup))

	n, err := b.Shreddable(t.Context(), now)
	require.NoError(t, err)
	require.Equal(t, store.Shredded{}, n, "nothing has rested long enough")
	cutoff := now.Add(2 * time.Hour)
	n, err = b.Shreddable(t.Context(), cutoff)
	require.NoError(t, err)
	require.Positive(t, n.QuarantinedRows)
	var all store.Shredded
	for {
		some, err := b.Shred(t.Context(), casework.By{}, cutoff, 50)
		require.NoError(t, err)
		require.LessOrEqual(t, some.Reviews, 50)
		all.Reviews += some.Reviews
		all.QuarantinedRows += some.QuarantinedRows
		if some == (store.Shredded{}) {
			break
		}
	}
	require.Equal(t, n, all, "what was announced, in batches, and no more")
	require.Equal(t, openCases, b.count(`SELECT count(*) FROM reviews WHERE reviewer_sealed IS NOT NULL`), "of %d: cases that go on keep theirs", sealedBefore)
	require.Equal(t, openCases, b.count(`SELECT count(*) FROM data_keys WHERE wrapped IS NOT NULL`))
	require.Zero(t, b.count(`SELECT count(*) FROM reviews WHERE shredded_at IS NOT NULL AND
		(reviewer_phone_masked NOT IN ('', '****') OR reviewer_name_masked NOT IN ('', '*') OR reviewer_id_index IS NOT NULL OR reviewer_phone_index IS NOT NULL)`))
	require.Equal(t, all.Reviews, b.count(`SELECT CAST(sum(CAST(after ->> 'reviews' AS integer)) AS integer) FROM admin_events WHERE kind = 'data_shredded'`))

	_, err = b.look(step.Number, now)
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, casework.CodeConflict, domain.Code)
	require.Equal(t, "shredded", domain.Reason)
	require.Zero(t, b.count(`SELECT count(*) FROM reveals`))
	recorded, err := b.EventsOf(t.Context(), step.Number)
	require.NoError(t, err)
	events := make([]casework.Event, 0, len(recorded))
	for _, e := range recorded {
		events = append(events, e.Event)
	}
	folded, err := casework.Fold(events)
	require.NoError(t, err)
	require.Equal(t, casework.StageWithdrawn, folded.Stage, "history is as it was")
	require.Equal(t, 2, folded.Version)
	c, err := b.CaseByNumber(t.Context(), step.Number)
	require.NoError(t, err)
	require.True(t, c.Shredded)
	require.False(t, c.Revealable)
	cases, err := b.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Narrowing: store.Narrowing{Open: true}, Limit: 200})
	require.NoError(t, err)
	for _, other := range cases {
		if other.Revealable {
			_, err = b.look(other.Number, now)
			require.NoError(t, err, "others can be read")
			break
		}
	}

	// A copy of the row from a backup comes back; its key does not.
	_, err = b.owner().ExecContext(t.Context(), `UPDATE data_keys SET wrapped = 'x', wrapped_by = 1, destroyed_at = NULL WHERE destroyed_at IS NOT NULL`)
	require.ErrorContains(t, err, "stays destroyed")
	b.exec(`UPDATE reviews SET reviewer_sealed = $2, shredded_at = NULL WHERE id = (SELECT review_id FROM cases WHERE number = $1)`, step.Number, backup)
	_, err = b.look(step.Number, now)
	require.ErrorContains(t, err, "unwrap data key")
	// The same delivery again is still the same.
	counts := b.importFile("platform", "platform-2026-11.csv")
	require.Equal(t, counts.Rows, counts.Duplicates)
}
