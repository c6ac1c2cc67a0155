package commands_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// TestBoardsCountWhatTheirPeopleSee: everybody of the demo, each region: a board
// counts what its list shows to them, lies in their subtree, and is a supervisor's.
func TestBoardsCountWhatTheirPeopleSee(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.scatter(t)
	boards := 0
	for _, user := range d.users {
		actor := user.Actor
		supervises := actor.Has(casework.RoleSupervisor) && actor.OrganisationKind == casework.KindAuthority
		for _, region := range []string{"", "410000000000", "410400000000", "410411000000", "410411001000", "410482000000", "419001000000", "990000000000"} {
			view, err := d.service.ViewBoard(t.Context(), actor, region)
			code := region
			if region == "" {
				code = actor.RegionCode
			}
			_, path, unknown := d.store.RegionByCode(t.Context(), code)
			switch inside := unknown == nil && within(path, actor.RegionCode); {
			case !supervises && actor.Has(casework.RoleDepartmentLead) && !inside:
				requireCode(t, err, casework.CodeNotFound, "region_not_found")
				continue
			case !supervises:
				requireCode(t, err, casework.CodeForbidden, "not_allowed")
				continue
			case !inside:
				requireCode(t, err, casework.CodeNotFound, "region_not_found")
				continue
			}
			require.NoError(t, err, "%s in %s", user.Username, region)
			boards++
			page, err := d.service.ListCases(t.Context(), actor, store.CaseFilter{Narrowing: store.Narrowing{Open: true}, Limit: commands.MaxPage})
			require.NoError(t, err)
			listed := 0
			for _, c := range page.Cases {
				if within(c.RegionPath, code) {
					listed++
				}
			}
			require.Equal(t, listed, view.Load.Open, "%s in %s", user.Username, code)
			for _, w := range view.Waiting {
				tasks, err := d.service.Inbox(t.Context(), actor, store.TaskFilter{Narrowing: store.Narrowing{Kinds: []casework.TaskKind{w.Kind}}, Limit: commands.MaxPage})
				require.NoError(t, err)
				require.Len(t, tasks.Tasks, w.Count, w.Kind)
			}
		}
	}
	require.Greater(t, boards, 8)
}

func within(path []string, region string) bool {
	for _, code := range path {
		if code == region {
			return true
		}
	}
	return false
}

// TestWorkloadIsOnesOwn: the head of a department sees the people of it, and no other
// department; supervisors see those of their subtree, others none.
func TestWorkloadIsOnesOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	lead, handler, supervisor := d.person(t, "zhanhe.zhujian.shi"), d.person(t, "zhanhe.zhujian.fu"), d.person(t, "zhanhe.jiandu.lin")
	other := d.person(t, "zhanhe.shichang.ge")
	view, err := d.service.ViewWorkload(t.Context(), lead, 0)
	require.NoError(t, err)
	require.Equal(t, lead.OrganisationID, view.Department.ID)
	require.False(t, view.OnBoard)
	people := map[int64]bool{}
	for _, h := range view.Handlers {
		people[h.UserID] = true
	}
	require.True(t, people[handler.UserID] && people[lead.UserID])
	page, err := d.service.ListCases(t.Context(), lead, store.CaseFilter{Narrowing: store.Narrowing{Open: true}, Limit: commands.MaxPage})
	require.NoError(t, err)
	require.Len(t, page.Cases, view.Load.Open)
	require.Positive(t, view.Load.Open)

	_, err = d.service.ViewWorkload(t.Context(), lead, other.OrganisationID)
	requireCode(t, err, casework.CodeNotFound, "organisation_not_found")
	_, err = d.service.ViewWorkload(t.Context(), handler, 0)
	requireCode(t, err, casework.CodeForbidden, "not_allowed")
	for _, id := range []int64{0, supervisor.OrganisationID, 1 << 40} {
		_, err = d.service.ViewWorkload(t.Context(), supervisor, id)
		requireCode(t, err, casework.CodeNotFound, "organisation_not_found")
	}
	seen, err := d.service.ViewWorkload(t.Context(), supervisor, lead.OrganisationID)
	require.NoError(t, err)
	require.True(t, seen.OnBoard)
	require.Equal(t, view.Load, seen.Load)
}

// TestSpotChecksSayWhoMayNot: why a case was drawn, who of the authority acted in it,
// and why the person who looks does not check it, if they do not.
func TestSpotChecksSayWhoMayNot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	lin, su := d.person(t, "zhanhe.jiandu.lin"), d.person(t, "zhanhe.jiandu.su")
	above := d.person(t, "pingdingshan.jiandu.ye")
	number := d.earlier.Number
	by := casework.By{UserID: lin.UserID, OrganisationID: lin.OrganisationID, Role: casework.RoleSupervisor, Rule: "supervisor-escalates"}
	d.record(t, number, by, casework.Escalated{Manual: true, Reason: "超期"})
	worker := d.person(t, "zhanhe.zhujian.fu")
	d.record(t, number, casework.By{UserID: worker.UserID, OrganisationID: worker.OrganisationID, Role: casework.RoleHandler, Rule: "department-claims"}, casework.Claimed{UserID: worker.UserID})
	d.record(t, number, casework.By{}, casework.Closed{Cause: casework.ClosedSatisfied, OnTime: true})
	d.record(t, number, casework.By{}, casework.SpotCheckDrawn{Month: "2026-12", SeedHash: "h", Reasons: []casework.SpotCheckReason{casework.CheckDrawn, casework.CheckEscalated}})

	only := func(actor casework.Actor) commands.SpotCheck {
		page, err := d.service.ListSpotChecks(t.Context(), actor, store.CaseCursor{}, 0)
		require.NoError(t, err)
		require.Len(t, page.Checks, 1)
		require.Equal(t, number, page.Checks[0].Case.Number)
		return page.Checks[0]
	}
	check := only(su)
	require.Nil(t, check.Blocked)
	require.Equal(t, []casework.SpotCheckReason{casework.CheckDrawn, casework.CheckEscalated}, check.Reasons)
	require.NotNil(t, check.Drawn)
	require.Equal(t, []string{"林致远"}, check.Barred, "the handler of the department would not check it anyway")
	require.Equal(t, "acted_before", only(lin).Blocked.Reason)
	require.Equal(t, "other_authority_checks", only(above).Blocked.Reason)
	_, err := d.service.ListSpotChecks(t.Context(), worker, store.CaseCursor{}, 0)
	requireCode(t, err, casework.CodeForbidden, "not_allowed")
}
