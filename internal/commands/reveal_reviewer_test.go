package commands_test

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// TestOfficeHours: weekends, nights, a holiday, and a Sunday that is worked.
func TestOfficeHours(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, tc := range []struct {
		at  string
		odd string // since when; empty: people work
	}{
		{"2026-12-01 08:00", ""},
		{"2026-12-01 17:59", ""},
		{"2026-12-01 07:59", "2026-12-01 06:59"},
		{"2026-12-01 18:20", "2026-12-01 18:00"},
		{"2026-12-01 23:10", "2026-12-01 22:10"},
		{"2026-12-05 10:00", "2026-12-05 09:00"}, // a Saturday
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", tc.at, casework.China())
		require.NoError(t, err)
		odd, err := commands.OddSince(d.service, t.Context(), at)
		require.NoError(t, err)
		if tc.odd == "" {
			require.True(t, odd.IsZero(), tc.at)
			continue
		}
		require.Equal(t, tc.odd, odd.In(casework.China()).Format("2006-01-02 15:04"), tc.at)
	}
}

// TestAlarmIsLogged: who looks at many at night is in the log and in the list of
// the auditor, without anything of the reviewers.
func TestAlarmIsLogged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var log bytes.Buffer
	night := time.Date(2026, 12, 1, 22, 0, 0, 0, casework.China())
	service := commands.New(d.store, away{}, d.policy, "test", func() time.Time { return night }, slog.New(slog.NewTextHandler(&log, nil)))
	service.LimitReveals(store.RevealLimits{PerHour: 3, PerDay: 100, AlarmCases: 15, OddCases: 1})
	lin := d.person(t, "zhanhe.jiandu.lin")
	var seen []store.Reviewer
	for _, c := range d.cases {
		if !c.ReviewerKnown || !slices.Contains(d.mayReveal(lin), c.Number) {
			continue
		}
		r, err := service.RevealReviewer(t.Context(), lin, commands.Look{Number: c.Number, Purpose: "回访"})
		if len(seen) == 3 {
			domain, ok := casework.AsError(err)
			require.True(t, ok, "%v", err)
			require.Equal(t, "reveals_an_hour", domain.Reason)
			break
		}
		require.NoError(t, err)
		seen = append(seen, r)
	}
	require.Len(t, seen, 3)
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("alarm: many looks")))
	require.Contains(t, log.String(), "too many looks")
	for _, r := range seen {
		require.NotContains(t, log.String(), r.Phone)
		require.NotContains(t, log.String(), r.Name)
	}
	gu := d.person(t, "zhanhe.shenji.gu")
	page, err := service.ListReveals(t.Context(), gu, store.RevealFilter{})
	require.NoError(t, err)
	require.Len(t, page.Reveals, 3)
	page, err = service.ListReveals(t.Context(), gu, store.RevealFilter{Alarms: true})
	require.NoError(t, err)
	require.Len(t, page.Reveals, 1)
	_, err = service.ListReveals(t.Context(), lin, store.RevealFilter{})
	require.Equal(t, casework.CodeForbidden, codeOf(t, err))
}

func (b bundle) mayReveal(actor casework.Actor) []string {
	var numbers []string
	for _, c := range b.cases {
		if b.policy.Decide(actor, casework.ActionReveal, commands.ObjectOf(c)).Allowed {
			numbers = append(numbers, c.Number)
		}
	}
	return numbers
}

func codeOf(t *testing.T, err error) casework.Code {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	return domain.Code
}

// TestCasesOfOneCitizen: who may see the reviewer, and who supervises, is shown
// that two cases come from one person; the rated person and an auditor are not,
// and nobody outside sees the case at all.
func TestCasesOfOneCitizen(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	header := "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n"
	rest := ",410100101001,企业设立登记,窗口03,3,赵某甲,990000198001010011,12000000001,1,2,\"213,208\",打12000000001,2026-11-01 09:00:00,2026-11-02 10:00:00\n"
	im := commands.Importer{Store: d.store, Now: func() time.Time { return viewedAt }}
	_, err := im.ImportReviews(t.Context(), "platform", "rows.csv", bytes.NewReader([]byte(header+
		"S-1,1,410411000000,湛河区住房和城乡建设局"+rest+"S-2,1,410411000000,湛河区住房和城乡建设局"+rest+"S-3,1,410411000000,湛河区市场监督管理局"+rest)))
	require.NoError(t, err)
	d.begin(t)
	number := func(record string) string {
		n, err := d.store.CaseNumberOf(t.Context(), record)
		require.NoError(t, err)
		return n
	}
	of := func(actor casework.Actor) []string {
		cases, err := d.service.CasesOfReviewer(t.Context(), actor, number("S-1"))
		require.NoError(t, err)
		numbers := make([]string, 0, len(cases))
		for _, c := range cases {
			require.Equal(t, "打120****0001", c.Words)
			numbers = append(numbers, c.Number)
		}
		return numbers
	}
	c, err := d.store.CaseByNumber(t.Context(), number("S-1"))
	require.NoError(t, err)
	i := slices.IndexFunc(d.users, func(u store.User) bool {
		return u.Actor.OrganisationID == c.DepartmentID && u.Actor.Has(casework.RoleHandler)
	})
	require.GreaterOrEqual(t, i, 0)
	handler := d.users[i].Actor
	require.Equal(t, []string{number("S-2")}, of(handler), "of the own department, which is the scope of a handler")
	require.ElementsMatch(t, []string{number("S-2"), number("S-3")}, of(d.person(t, "zhanhe.jiandu.lin")))

	rated := handler
	rated.StaffLabel = c.StaffLabel
	_, err = d.service.CasesOfReviewer(t.Context(), rated, c.Number)
	require.Equal(t, casework.CodeForbidden, codeOf(t, err))
	_, err = d.service.CasesOfReviewer(t.Context(), d.person(t, "zhanhe.shenji.gu"), c.Number)
	require.Equal(t, casework.CodeForbidden, codeOf(t, err))
	_, err = d.service.CasesOfReviewer(t.Context(), d.person(t, "zhanhe.shichang.ren"), c.Number)
	require.Equal(t, casework.CodeNotFound, codeOf(t, err))
}
