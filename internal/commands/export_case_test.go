package commands_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

func (d desk) exportsOf(t *testing.T, username string) []store.RecordedExport {
	t.Helper()
	page, err := d.service.ListExports(t.Context(), d.person(t, username), store.ExportFilter{})
	require.NoError(t, err)
	return page.Exports
}

// TestWhoTakesListsOut: those who answer for many cases, each as far as they see
// them, and never without a record.
func TestWhoTakesListsOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	take := func(username string) (int, error) {
		actor := d.person(t, username)
		return d.service.ExportCases(t.Context(), actor, store.CaseFilter{}, commands.ExportAs{Format: "csv", Filter: "open=true"}, func(c store.Case) error {
			if actor.OrganisationKind == casework.KindDepartment {
				require.Equal(t, actor.OrganisationID, c.DepartmentID)
			}
			require.Contains(t, c.RegionPath, actor.RegionCode)
			return nil
		})
	}
	_, err := take("zhanhe.zhujian.fu")
	require.Equal(t, casework.CodeForbidden, codeOf(t, err), "a handler takes no lists out")
	_, err = take("zhanhe.anquan.yan")
	require.Equal(t, casework.CodeForbidden, codeOf(t, err))
	require.Empty(t, d.exportsOf(t, "zhanhe.shenji.gu"), "nothing was taken")
	for _, username := range []string{"zhanhe.zhujian.shi", "zhanhe.jiandu.lin", "zhanhe.shenji.gu"} {
		rows, err := take(username)
		require.NoError(t, err, username)
		require.Positive(t, rows)
		kept := d.exportsOf(t, "zhanhe.shenji.gu")[0]
		require.Equal(t, rows, kept.Rows)
		require.Equal(t, d.person(t, username).UserID, kept.UserID)
		require.Equal(t, "open=true", kept.Filter)
		require.True(t, viewedAt.Equal(kept.At))
	}
	require.Equal(t, "湛河区住房和城乡建设局", d.exportsOf(t, "zhanhe.shenji.gu")[2].DepartmentName, "as far as its lead sees")
	require.Len(t, d.exportsOf(t, "henan.shenji.lei"), 3, "visible from above")
	_, err = d.service.ListExports(t.Context(), d.person(t, "zhanhe.jiandu.lin"), store.ExportFilter{})
	require.Equal(t, casework.CodeForbidden, codeOf(t, err), "for auditors")
	_, err = d.service.ExportEvents(t.Context(), d.person(t, "zhanhe.jiandu.lin"), store.EventFilter{}, commands.ExportAs{Format: "csv"}, nil)
	require.Equal(t, casework.CodeForbidden, codeOf(t, err), "what is no list of theirs is no export of theirs")
}

// TestEventsAreNarrowed by everything that auditors ask about.
func TestEventsAreNarrowed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	fu := d.person(t, "zhanhe.zhujian.fu")
	by := casework.By{UserID: fu.UserID, OrganisationID: fu.OrganisationID, Role: casework.RoleHandler, Rule: "department-claims"}
	d.record(t, d.earlier.Number, by, casework.Claimed{})
	gu := d.person(t, "zhanhe.shenji.gu")
	of := func(f store.EventFilter) []store.RecordedEvent {
		f.Limit = commands.MaxPage
		page, err := d.service.ListEvents(t.Context(), gu, f)
		require.NoError(t, err)
		var exported []store.RecordedEvent
		f.Limit = 0
		_, err = d.service.ExportEvents(t.Context(), gu, f, commands.ExportAs{Format: "xlsx"}, func(e store.RecordedEvent) error {
			exported = append(exported, e)
			return nil
		})
		require.NoError(t, err)
		require.Len(t, exported, len(page.Events), "an export is the list")
		for i := range exported {
			require.Equal(t, page.Events[i].Number, exported[i].Number)
			require.Equal(t, page.Events[i].Seq, exported[i].Seq)
		}
		return page.Events
	}
	every := len(of(store.EventFilter{}))
	require.Greater(t, every, 10)
	for name, f := range map[string]store.EventFilter{
		"number": {UserID: fu.UserID}, "name": {Person: "行舟"}, "user name": {Person: "zhanhe.zhujian.fu"}, "kind": {Kind: "claimed"},
	} {
		found := of(f)
		require.Len(t, found, 1, name)
		require.Equal(t, casework.EventKind("claimed"), found[0].Body.Kind())
		require.Equal(t, casework.LevelCounty, found[0].OrganisationLevel)
	}
	require.Empty(t, of(store.EventFilter{Person: "100%"}), "no pattern")
	require.Len(t, of(store.EventFilter{Number: d.earlier.Number}), 2)
	department := len(of(store.EventFilter{DepartmentID: d.earlier.DepartmentID}))
	require.Greater(t, department, 1)
	require.Less(t, department, every)
	require.Len(t, of(store.EventFilter{Department: "湛河区住房和城乡建设"}), department)
	at := of(store.EventFilter{Kind: "claimed"})[0].At
	require.Empty(t, of(store.EventFilter{Kind: "claimed", From: at.Add(time.Microsecond)}))
	require.Empty(t, of(store.EventFilter{Kind: "claimed", Until: at}))
	require.Len(t, of(store.EventFilter{Kind: "claimed", From: at, Until: at.Add(time.Microsecond)}), 1)
	for _, wrong := range []store.EventFilter{{Kind: "x"}, {UserID: -1}, {DepartmentID: -1}, {From: at, Until: at}} {
		_, err := d.service.ListEvents(t.Context(), gu, wrong)
		require.Equal(t, casework.CodeInvalid, codeOf(t, err))
		_, err = d.service.ExportEvents(t.Context(), gu, wrong, commands.ExportAs{Format: "csv"}, nil)
		require.Equal(t, casework.CodeInvalid, codeOf(t, err))
	}
	for _, wrong := range []store.RevealFilter{{UserID: -1}, {From: at, Until: at}} {
		_, err := d.service.ListReveals(t.Context(), gu, wrong)
		require.Equal(t, casework.CodeInvalid, codeOf(t, err))
	}
	_, err := d.service.ListExports(t.Context(), gu, store.ExportFilter{From: at, Until: at})
	require.Equal(t, casework.CodeInvalid, codeOf(t, err))
}

// TestACaseIsAudited: with its looks, its repairs and its exports, by auditors only,
// and the same facts are the same bytes.
func TestACaseIsAudited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	fu, gu := d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.shenji.gu")
	by := casework.By{UserID: fu.UserID, OrganisationID: fu.OrganisationID, Role: casework.RoleHandler, Rule: "department-verifies"}
	number := d.earlier.Number
	d.record(t, number, by, casework.CallbackRecorded{Attempt: 1, Reached: true, Words: "请打12000000001"})
	_, err := d.service.RevealReviewer(t.Context(), fu, commands.Look{Number: number, Purpose: "电话回访"})
	require.NoError(t, err)

	audit, err := d.service.AuditCase(t.Context(), gu, number)
	require.NoError(t, err)
	require.Len(t, audit.Events, 2)
	require.Len(t, audit.Reveals, 1)
	require.Equal(t, "电话回访", audit.Reveals[0].Purpose)
	require.Empty(t, audit.Exports)
	require.Empty(t, audit.Actions, "nothing to do")
	require.False(t, audit.Cut)
	for _, other := range []string{"zhanhe.zhujian.fu", "zhanhe.jiandu.lin"} {
		_, err = d.service.AuditCase(t.Context(), d.person(t, other), number)
		require.Equal(t, casework.CodeForbidden, codeOf(t, err), other)
		_, err = d.service.ExportCase(t.Context(), d.person(t, other), number)
		require.Equal(t, casework.CodeForbidden, codeOf(t, err), other)
	}
	require.Empty(t, d.exportsOf(t, "zhanhe.shenji.gu"))

	exported, err := d.service.ExportCase(t.Context(), gu, number)
	require.NoError(t, err)
	first, err := exported.Evidence()
	require.NoError(t, err)
	audit, err = d.service.AuditCase(t.Context(), d.person(t, "henan.shenji.lei"), number)
	require.NoError(t, err)
	require.Len(t, audit.Exports, 1, "the export is part of what there is to see")
	require.Equal(t, store.ExportCase, audit.Exports[0].What)
	second, err := audit.Evidence()
	require.NoError(t, err)
	require.Equal(t, string(first), string(second), "whoever asks, and whenever")
	require.NotContains(t, string(first), "12000000001")

	var evidence struct {
		Case   string `json:"case"`
		Format int    `json:"format"`
		Events []struct {
			Seq  int       `json:"seq"`
			At   time.Time `json:"at"`
			Kind string    `json:"kind"`
			By   *struct {
				UserID int64  `json:"user_id"`
				Rule   string `json:"rule"`
			} `json:"by"`
			Article string         `json:"article"`
			Key     string         `json:"key"`
			Build   string         `json:"build"`
			Body    map[string]any `json:"body"`
		} `json:"events"`
	}
	require.NoError(t, json.Unmarshal(first, &evidence))
	require.Equal(t, number, evidence.Case)
	require.Equal(t, 1, evidence.Format)
	require.Len(t, evidence.Events, 2)
	require.Nil(t, evidence.Events[0].By, "the clock")
	e := evidence.Events[1]
	require.Equal(t, "callback_recorded", e.Kind)
	require.Equal(t, fu.UserID, e.By.UserID)
	require.Equal(t, "department-verifies", e.By.Rule)
	require.NotEmpty(t, e.Article+e.Key+e.Build)
	require.Equal(t, 2, e.Seq)
	require.True(t, audit.Events[1].At.Equal(e.At))
	require.Equal(t, "请打120****0001", e.Body["words"])
}

// TestWhoLearnsThatThereAreOtherCases: the page offers it to whom it is answered.
func TestWhoLearnsThatThereAreOtherCases(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	number := d.earlier.Number
	require.True(t, d.earlier.ReviewerKnown)
	label := d.earlier.StaffLabel
	require.NotEmpty(t, label)
	came := d.person(t, "zhanhe.jiandu.lin")
	came.Past = []casework.Membership{{OrganisationID: d.earlier.DepartmentID, StaffLabel: label, Until: viewedAt}}
	rated := d.person(t, "zhanhe.zhujian.fu")
	rated.StaffLabel = label
	for name, who := range map[string]struct {
		actor casework.Actor
		may   bool
	}{
		"handler": {d.person(t, "zhanhe.zhujian.fu"), true}, "supervisor": {d.person(t, "zhanhe.jiandu.lin"), true},
		"above": {d.person(t, "henan.jiandu.shen"), true}, "auditor": {d.person(t, "zhanhe.shenji.gu"), false},
		"rated": {rated, false}, "was rated, and supervises now": {came, false},
	} {
		view, err := d.service.ViewCase(t.Context(), who.actor, number)
		require.NoError(t, err, name)
		require.Equal(t, who.may, view.CanLinkReviewer, name)
		cases, err := d.service.CasesOfReviewer(t.Context(), who.actor, number)
		if !who.may {
			require.Equal(t, casework.CodeForbidden, codeOf(t, err), name)
			continue
		}
		require.NoError(t, err, name)
		for _, c := range cases {
			require.NotEqual(t, number, c.Number)
		}
	}
}
