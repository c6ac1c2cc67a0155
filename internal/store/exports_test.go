package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/store"
)

var all = store.Scope{Everything: true}

func (b bundle) taker(username string) store.User {
	b.t.Helper()
	user, err := b.UserByName(b.t.Context(), username)
	require.NoError(b.t, err)
	return user
}

func reasonOf(t *testing.T, err error) string {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	return domain.Reason
}

// TestAWholeListIsTheListOfThePages: the same cases in the same order, all of them
// as they were when the reading began.
func TestAWholeListIsTheListOfThePages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	for _, scope := range []store.Scope{all, {RegionCode: "410411000000"}, {}} {
		for _, f := range []store.CaseFilter{
			{},
			{Narrowing: store.Narrowing{Open: true}},
			{Narrowing: store.Narrowing{Overdue: true}},
			{Narrowing: store.Narrowing{Stages: []casework.Stage{casework.StageOpened}}},
			{Narrowing: store.Narrowing{Words: []string{"登记"}}},
		} {
			page := f
			page.Limit = 200
			listed, err := b.Cases(t.Context(), scope, page)
			require.NoError(t, err)
			var streamed []store.Case
			rows, err := b.StreamCases(t.Context(), store.Extract{UserID: 1, Scope: scope, MaxRows: 200}, f, func(c store.Case) error {
				streamed = append(streamed, c)
				return nil
			})
			require.NoError(t, err)
			require.Len(t, streamed, rows)
			require.ElementsMatch(t, listed, streamed)
			for i := range listed {
				require.Equal(t, listed[i].Number, streamed[i].Number)
			}
		}
	}

	// A case that moves while it is read is where it was.
	seen := 0
	rows, err := b.StreamCases(t.Context(), store.Extract{UserID: 1, Scope: all, MaxRows: 200}, store.CaseFilter{}, func(c store.Case) error {
		if seen++; seen == 1 {
			b.exec(`UPDATE cases SET deadline_at = now() + interval '100 years'`)
		}
		require.Nil(t, c.DeadlineAt)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, seen, rows)
	require.Equal(t, 62, rows)
}

func TestListsThatAreTooLongAndTwoAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.importFile("platform", "platform-2026-11.csv")
	read := func(user int64, most int, put func(store.Case) error) (int, error) {
		return b.StreamCases(t.Context(), store.Extract{UserID: user, Scope: all, MaxRows: most}, store.CaseFilter{}, put)
	}
	nothing := func(store.Case) error { return nil }
	_, err := read(1, 61, func(store.Case) error { return errors.New("handed on") })
	require.Equal(t, "export_too_large", reasonOf(t, err), "before anything is handed on")
	rows, err := read(1, 62, nothing)
	require.NoError(t, err)
	require.Equal(t, 62, rows)

	tried := false
	_, err = read(1, 100, func(store.Case) error {
		if tried {
			return nil
		}
		tried = true
		_, again := read(1, 100, nothing)
		require.Equal(t, "export_running", reasonOf(t, again))
		_, another := read(2, 100, nothing)
		require.NoError(t, another, "somebody else may")
		return nil
	})
	require.NoError(t, err)
	require.True(t, tried)
	_, err = read(1, 100, func(store.Case) error { return errors.New("the disk is full") })
	require.EqualError(t, err, "the disk is full")
	_, err = read(1, 100, nothing)
	require.NoError(t, err, "what failed holds nobody up")
}

func TestExportsAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.take(telling("X-1", toldName, toldID, toldPhone, "慢"))
	number := b.number("X-1")
	gu, lin := b.taker("zhanhe.shenji.gu"), b.taker("zhanhe.jiandu.lin")
	district := store.Scope{RegionCode: "410411000000"}
	keep := func(u store.User, what store.ExportKind, of string, filter string, after time.Duration) {
		require.NoError(t, b.RecordExport(t.Context(), store.Export{
			By:   casework.By{UserID: u.ID, OrganisationID: u.Actor.OrganisationID, Role: u.Actor.Roles[0], Rule: "auditor-reads"},
			What: what, Format: "csv", Scope: district, Number: of, Filter: filter, Rows: 7, At: now.Add(after),
		}))
	}
	keep(gu, store.ExportEvents, "", "number=12000000001", 0)
	keep(lin, store.ExportCases, "", "stage=feedback", time.Hour)
	keep(gu, store.ExportCase, number, "", 2*time.Hour)

	of := func(scope store.Scope, f store.ExportFilter) []store.ExportKind {
		f.Limit = 10
		exports, err := b.Exports(t.Context(), scope, f)
		require.NoError(t, err)
		kinds := []store.ExportKind{}
		for _, x := range exports {
			kinds = append(kinds, x.What)
		}
		return kinds
	}
	require.Equal(t, []store.ExportKind{store.ExportCase, store.ExportCases, store.ExportEvents}, of(district, store.ExportFilter{}), "newest first")
	require.Equal(t, []store.ExportKind{store.ExportCase, store.ExportEvents}, of(all, store.ExportFilter{UserID: gu.ID}))
	require.Equal(t, []store.ExportKind{store.ExportCases}, of(all, store.ExportFilter{Person: "致远"}))
	require.Equal(t, []store.ExportKind{store.ExportCases}, of(all, store.ExportFilter{Person: "zhanhe.jiandu.lin"}))
	require.Equal(t, []store.ExportKind{store.ExportCase}, of(all, store.ExportFilter{Number: number}))
	require.Equal(t, []store.ExportKind{store.ExportCases}, of(all, store.ExportFilter{From: now.Add(time.Minute), Until: now.Add(2 * time.Hour)}))
	require.Empty(t, of(store.Scope{RegionCode: "410402000000"}, store.ExportFilter{}))
	require.Empty(t, of(store.Scope{}, store.ExportFilter{}))
	exports, err := b.Exports(t.Context(), all, store.ExportFilter{Limit: 10})
	require.NoError(t, err)
	last := exports[2]
	require.Equal(t, 7, last.Rows)
	require.Equal(t, "湛河区", last.RegionName)
	require.NotContains(t, last.Filter, toldPhone, "a phone that somebody typed is masked")
	require.Equal(t, []store.ExportKind{store.ExportEvents}, of(all, store.ExportFilter{Before: store.ExportCursor{At: exports[1].At, ID: exports[1].ID}}))

	// A case that went elsewhere takes the record of its export along.
	b.exec(`UPDATE cases SET region_code = '410402000000' WHERE number = $1`, number)
	require.Equal(t, []store.ExportKind{store.ExportCases, store.ExportEvents}, of(district, store.ExportFilter{}))

	// What is written stays written, whoever asks.
	for _, statement := range []string{`UPDATE exports SET rows = 0`, `DELETE FROM exports`, `TRUNCATE exports`} {
		_, err := b.DB().ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "permission denied", statement)
		_, err = b.owner().ExecContext(t.Context(), statement)
		require.Error(t, err, "%s by the owner", statement)
	}
	err = b.RecordExport(t.Context(), store.Export{By: casework.By{UserID: gu.ID, OrganisationID: gu.Actor.OrganisationID, Rule: "r"}, What: store.ExportCase, Format: "zip", Scope: district, At: now})
	require.ErrorContains(t, err, "export_of_one_case_names_it")
}
