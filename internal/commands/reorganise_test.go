package commands_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/workflows/contract"
)

const (
	fu   = "zhanhe.zhujian.fu"
	ning = "zhanhe.minzheng.ning"
	dai  = "pingdingshan.shenji.dai"
	lei  = "henan.shenji.lei"
)

// again reads somebody anew, as the next request does.
func (d desk) again(t *testing.T, username string) casework.Actor {
	t.Helper()
	u, err := d.store.UserByName(t.Context(), username)
	require.NoError(t, err)
	return u.Actor
}

// busy gives the department of chen three cases.
func (d desk) busy(t *testing.T) {
	t.Helper()
	for _, record := range []string{"BUSY-1", "BUSY-2", "BUSY-3"} {
		d.takeIn(t, record, "湛河区自然资源局")
	}
	d.begin(t)
	d.settle(t)
}

// settle makes the tasks of all cases, which the events of the desk do not.
func (d desk) settle(t *testing.T) {
	t.Helper()
	rows, err := d.store.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: commands.MaxPage})
	require.NoError(t, err)
	for _, row := range rows {
		d.rebuild(t, row.Number)
	}
}

// casesOf lists the numbers of a department's cases.
func (d desk) casesOf(t *testing.T, department int64) []string {
	t.Helper()
	rows, err := d.store.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: commands.MaxPage})
	require.NoError(t, err)
	return numbersOf(slices.DeleteFunc(rows, func(c store.Case) bool { return c.DepartmentID != department }))
}

// sees requires that every list and the page of a case show all of the numbers to
// somebody, or none.
func (d desk) sees(t *testing.T, actor casework.Actor, numbers []string, yes bool) {
	t.Helper()
	for name, list := range lists {
		shown, err := list(t.Context(), d.service, actor)
		if refused, ok := casework.AsError(err); ok && refused.Code == casework.CodeForbidden {
			continue
		}
		require.NoError(t, err, name)
		all := name == "ListCases" || name == "ListEvents" || name == "Inbox" && actor.Has(casework.RoleHandler)
		for _, number := range numbers {
			switch {
			case !yes:
				require.NotContains(t, shown, number, name)
			case all:
				require.Contains(t, shown, number, name)
			}
		}
	}
	for _, number := range numbers {
		_, err := d.service.ViewCase(t.Context(), actor, number)
		if yes {
			require.NoError(t, err)
			continue
		}
		requireCode(t, err, casework.CodeNotFound, "case_not_found")
	}
}

// rebuild does to a case what the reconciler does, and reports whether that changed
// anything.
func (d desk) rebuild(t *testing.T, number string) bool {
	t.Helper()
	recorded, err := d.store.EventsOf(t.Context(), number)
	require.NoError(t, err)
	events := make([]casework.Event, 0, len(recorded))
	for _, e := range recorded {
		events = append(events, e.Event)
	}
	state, err := casework.Fold(events)
	require.NoError(t, err)
	rules, err := d.store.RulesOf(t.Context(), state.PackID, state.PackVersion, state.CalendarVersion)
	require.NoError(t, err)
	var deadline casework.Deadline
	row, err := d.store.CaseByNumber(t.Context(), number)
	require.NoError(t, err)
	if row.DeadlineAt != nil {
		deadline.At = *row.DeadlineAt
	}
	changed, err := d.store.Rebuild(t.Context(), contract.RecordEventsInput{
		Number: number, State: state, Deadline: deadline.At, Tasks: casework.Tasks(state, rules),
	}, "test")
	require.NoError(t, err)
	return changed
}

// TestAMergedDepartmentLivesOnInItsSuccessor: cases, tasks, people and rights of the
// one are the other's, before the eyes of everybody; what has happened names it as
// it was called.
func TestAMergedDepartmentLivesOnInItsSuccessor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	a, b := d.person(t, chen).OrganisationID, d.person(t, fu).OrganisationID
	d.busy(t)
	ofA, ofB := d.casesOf(t, a), d.casesOf(t, b)
	require.NotEmpty(t, ofA)
	require.NotEmpty(t, ofB)
	d.sees(t, d.person(t, chen), ofA, true)
	d.sees(t, d.person(t, chen), ofB, false)
	d.sees(t, d.person(t, fu), ofA, false)

	// One of A's cases went to another department before.
	elsewhere := ofA[0]
	minzheng := d.person(t, ning).OrganisationID
	d.record(t, elsewhere, markOf(d.person(t, lin), casework.RoleSupervisor), casework.Transferred{FromDepartmentID: a, ToDepartmentID: minzheng, Reason: "职责"})
	d.record(t, elsewhere, markOf(d.person(t, "zhanhe.jiandu.su"), casework.RoleSupervisor),
		casework.InvalidProposed{Ground: casework.GroundMalicious, Evidence: "材料"})
	d.settle(t)
	ofA = ofA[1:]

	requireCode(t, d.service.MergeDepartment(ctx, d.person(t, ji), a, a, casework.Date{}), casework.CodeInvalid, "own_successor")
	requireCode(t, d.service.MergeDepartment(ctx, d.person(t, ji), a, d.person(t, lin).OrganisationID, casework.Date{}),
		casework.CodeInvalid, "successor_of_another_kind")
	requireCode(t, d.service.MergeDepartment(ctx, d.person(t, ji), a, b, casework.DateOf(viewedAt).AddDays(1)), casework.CodeInvalid, "date_ahead")
	for _, username := range []string{yan, gu, lin, chen} {
		requireCode(t, d.service.MergeDepartment(ctx, d.person(t, username), a, b, casework.Date{}), casework.CodeForbidden, "not_allowed")
	}
	require.NoError(t, d.service.MergeDepartment(ctx, d.person(t, ji), a, b, casework.Date{}))
	requireCode(t, d.service.MergeDepartment(ctx, d.person(t, ji), a, minzheng, casework.Date{}), casework.CodeConflict, "organisation_ended")
	requireCode(t, d.service.MergeDepartment(ctx, d.person(t, ji), b, a, casework.Date{}), casework.CodeInvalid, "successor_ended")

	// Everybody who works there has the cases of both; the others see what they saw.
	for _, username := range []string{chen, fu} {
		actor := d.again(t, username)
		require.Equal(t, b, actor.OrganisationID)
		d.sees(t, actor, slices.Concat(ofA, ofB), true)
		view, _ := d.view(t, actor, ofA[0])
		require.Contains(t, actionsIn(view), casework.ActionClaim)
	}
	require.Equal(t, a, d.again(t, chen).Past[0].OrganisationID, "a conflict of interest goes with the person")
	for _, username := range []string{lin, gu, shen, lei} {
		d.sees(t, d.again(t, username), slices.Concat(ofA, ofB, []string{elsewhere}), true)
	}
	d.sees(t, d.again(t, ning), ofA, false)

	// The workflow goes on under the old number of the department.
	handler := d.again(t, fu)
	d.record(t, ofA[0], markOf(handler, casework.RoleHandler), casework.Claimed{UserID: handler.UserID})
	d.settle(t)
	row, err := d.store.CaseByNumber(ctx, ofA[0])
	require.NoError(t, err)
	require.Equal(t, b, row.DepartmentID)
	require.Equal(t, handler.UserID, row.HandlerID)
	require.False(t, d.rebuild(t, ofA[0]), "what the reconciler makes again is the same")
	d.sees(t, handler, ofA, true)

	// It cannot be given to who has it, nor to who is no more, nor to somebody who is
	// not of today's department.
	supervisor := d.again(t, lin)
	for department, reason := range map[int64]string{b: "same_department", a: "not_in_region"} {
		_, err = d.service.Act(ctx, supervisor, commands.Request{Number: ofA[0], Command: casework.Transfer{DepartmentID: department, Reason: "职责"}})
		requireCode(t, err, casework.CodeInvalid, reason)
	}
	_, choices := d.view(t, supervisor, ofA[0])
	for _, o := range choices.Departments {
		require.NotContains(t, []int64{a, b}, o.ID)
	}

	// Who came from the successor was, today, on the rated side of what A had.
	d.judges(t, elsewhere, supervisor, true)
	stranger := supervisor
	stranger.UserID, stranger.Past = 4711, []casework.Membership{{OrganisationID: b, Until: viewedAt}}
	d.judges(t, elsewhere, stranger, false)

	// What has happened names A.
	view, _ := d.view(t, supervisor, elsewhere)
	i := slices.IndexFunc(view.Events, func(e store.RecordedEvent) bool { return e.FromDepartment != "" })
	require.Equal(t, "湛河区自然资源局", view.Events[i].FromDepartment)
	organisation, err := d.service.ViewOrganisation(ctx, d.person(t, gu), a)
	require.NoError(t, err)
	require.Equal(t, b, organisation.Organisation.SuccessorID)
	require.Equal(t, "2026-12-01", organisation.Organisation.ValidTo)
	require.Equal(t, store.AdminOrganisationMerged, organisation.Events[0].Kind)
	require.True(t, organisation.Organisation.Ended())
	require.False(t, organisation.MayManage)

	// A review that names A goes to B; and when B is renamed and merged in its turn, on.
	require.Equal(t, b, d.takeIn(t, "MERGED-1", "湛河区自然资源局").DepartmentID)
	require.NoError(t, d.service.ChangeOrganisation(ctx, d.person(t, ji), b, "湛河区规划建设局"))
	require.Equal(t, b, d.takeIn(t, "MERGED-2", "湛河区住房和城乡建设局").DepartmentID)
	require.NoError(t, d.service.MergeDepartment(ctx, d.person(t, ji), b, minzheng, casework.Date{}))
	for i, name := range []string{"湛河区自然资源局", "湛河区住房和城乡建设局", "湛河区规划建设局"} {
		require.Equal(t, minzheng, d.takeIn(t, "MERGED-"+string(rune('3'+i)), name).DepartmentID, name)
	}
	d.sees(t, d.again(t, ning), slices.Concat(ofA, ofB), true)
	require.Equal(t, minzheng, d.again(t, chen).OrganisationID)
}

func markOf(actor casework.Actor, role casework.Role) casework.By {
	return casework.By{UserID: actor.UserID, OrganisationID: actor.OrganisationID, Role: role, Rule: "test"}
}

// judges requires that somebody may decide a proposal, or may not.
func (d desk) judges(t *testing.T, number string, actor casework.Actor, yes bool) {
	t.Helper()
	view, err := d.service.ViewCase(t.Context(), actor, number)
	require.NoError(t, err)
	require.Equal(t, yes, slices.Contains(actionsIn(view), casework.ActionDecideInvalid))
}

// takeIn imports one bad review that names a department, and gives its case.
func (d desk) takeIn(t *testing.T, record, department string) store.Case {
	t.Helper()
	file := "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n" +
		record + ",1,410411000000," + department + ",410100101001,不动产转移登记,窗口03,3,赵某甲,990000198001010011,12000000001,1,2,\"213,208\",跑了四趟,2026-11-01 09:00:00,2026-11-02 10:00:00\n"
	im := commands.Importer{Store: d.store, Now: d.service.Clock()}
	counts, err := im.ImportReviews(t.Context(), "platform", "one.csv", strings.NewReader(file))
	require.NoError(t, err)
	require.Equal(t, 1, counts.CasesOpened)
	number, err := d.store.CaseNumberOf(t.Context(), record)
	require.NoError(t, err)
	row, err := d.store.CaseByNumber(t.Context(), number)
	require.NoError(t, err)
	return row
}

// TestAMovedDepartmentTakesItsCasesAlong: to a county that answers to the province,
// out of sight of those who supervised it before.
func TestAMovedDepartmentTakesItsCasesAlong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	const ruzhou = "410482000000"
	a := d.person(t, chen).OrganisationID
	d.busy(t)
	numbers := d.casesOf(t, a)
	// A decision waits with the authority of the district.
	proposed := numbers[0]
	d.record(t, proposed, markOf(d.person(t, "zhanhe.jiandu.su"), casework.RoleSupervisor),
		casework.InvalidProposed{Ground: casework.GroundMalicious, Evidence: "材料"})
	d.settle(t)
	d.sees(t, d.person(t, lin), numbers, true)

	requireCode(t, d.service.MoveDepartment(ctx, d.person(t, ji), a, ruzhou, casework.Date{}), casework.CodeInvalid, "region_not_found")
	requireCode(t, d.service.MoveDepartment(ctx, d.person(t, lou), a, "410411000000", casework.Date{}), casework.CodeInvalid, "same_region")
	requireCode(t, d.service.MoveDepartment(ctx, d.person(t, lou), d.person(t, lin).OrganisationID, ruzhou, casework.Date{}),
		casework.CodeInvalid, "not_a_department")
	require.NoError(t, d.service.MoveDepartment(ctx, d.person(t, lou), a, ruzhou, casework.Date{}))

	authority, err := d.store.AuthorityOf(ctx, ruzhou)
	require.NoError(t, err)
	there := d.person(t, lin) // as one of 汝州 would stand
	there.UserID, there.OrganisationID, there.RegionCode, there.RegionPath = 4711, authority.ID, ruzhou, authority.RegionPath
	require.Equal(t, []string{"410000000000", ruzhou}, authority.RegionPath)
	d.sees(t, there, numbers, true)
	d.judges(t, proposed, there, true)
	inbox, err := d.service.Inbox(ctx, there, store.TaskFilter{})
	require.NoError(t, err)
	require.Len(t, inbox.Tasks, 1, "the decision waits with them now")
	handlers := d.again(t, chen)
	require.Equal(t, ruzhou, handlers.RegionCode)
	d.sees(t, handlers, numbers[1:], true)
	for _, username := range []string{lin, gu, dai} {
		d.sees(t, d.again(t, username), numbers, false)
	}
	for _, username := range []string{shen, lei} {
		d.sees(t, d.again(t, username), numbers, true)
	}
	for _, number := range numbers {
		require.False(t, d.rebuild(t, number))
	}
	d.sees(t, there, numbers, true)

	row := d.takeIn(t, "MOVED-1", "湛河区自然资源局")
	require.Equal(t, a, row.DepartmentID)
	require.Equal(t, ruzhou, row.RegionCode)
	require.True(t, strings.HasPrefix(row.Number, "410482-"))

	// Both sides find it in what administrators did.
	for username, kind := range map[string]store.AdminKind{gu: store.AdminOrganisationLeft, lei: store.AdminOrganisationMoved} {
		page, err := d.service.ListAdminEvents(ctx, d.person(t, username), store.AdminEventFilter{Kind: kind})
		require.NoError(t, err)
		require.Len(t, page.Events, 1)
	}
}

// TestTheTreeFollowsExplicitParents: who answers to whom, after an authority comes
// between and goes again, and for those that no prefix of a code tells.
func TestTheTreeFollowsExplicitParents(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	parent := func(region string) string {
		authority, err := d.store.AuthorityOf(ctx, region)
		require.NoError(t, err)
		above, err := d.store.OrganisationByID(ctx, authority.ParentID)
		require.NoError(t, err)
		return above.RegionCode
	}
	require.Equal(t, "410000000000", parent("419001000000"), "济源")
	require.Equal(t, "410000000000", parent("410482000000"), "汝州, by no prefix of its code")
	require.Equal(t, "410400000000", parent("410411000000"))

	province := d.person(t, lou)
	_, err := d.service.CreateOrganisation(ctx, province, commands.NewOrganisation{Kind: casework.KindAuthority, Name: "又一个", RegionCode: "410411000000"})
	requireCode(t, err, casework.CodeConflict, "region_has_authority")
	_, err = d.service.CreateOrganisation(ctx, province, commands.NewOrganisation{Kind: casework.KindAuthority, Name: "某处", RegionCode: "990000000000"})
	requireCode(t, err, casework.CodeInvalid, "region_not_found")

	village, err := d.service.CreateOrganisation(ctx, province, commands.NewOrganisation{Kind: casework.KindAuthority, Name: "曹北村便民服务室", RegionCode: "410411200201"})
	require.NoError(t, err)
	require.Equal(t, "410411000000", parent("410411200201"))
	township, err := d.service.CreateOrganisation(ctx, province, commands.NewOrganisation{Kind: casework.KindAuthority, Name: "曹镇乡便民服务中心", RegionCode: "410411200000"})
	require.NoError(t, err)
	require.Equal(t, "410411200000", parent("410411200201"), "it comes between")
	departments, err := d.store.DepartmentsOf(ctx, "410411200000")
	require.NoError(t, err)
	require.NotEmpty(t, departments)
	for _, o := range departments {
		require.Equal(t, township, o.ParentID)
	}
	requireCode(t, d.service.CloseOrganisation(ctx, province, township, 0, casework.Date{}), casework.CodeConflict, "organisations_depend")
	requireCode(t, d.service.CloseOrganisation(ctx, province, township, village, casework.Date{}), casework.CodeInvalid, "successor_not_above")
	requireCode(t, d.service.CloseOrganisation(ctx, province, township, township, casework.Date{}), casework.CodeInvalid, "own_successor")
	district := d.person(t, lin).OrganisationID
	requireCode(t, d.service.CloseOrganisation(ctx, province, district, d.person(t, shen).OrganisationID, casework.Date{}), casework.CodeConflict, "people_depend")
	require.NoError(t, d.service.CloseOrganisation(ctx, province, township, district, casework.Date{}))
	require.Equal(t, "410411000000", parent("410411200201"))
	require.NoError(t, d.service.CloseOrganisation(ctx, province, village, district, casework.Date{}))

	// The database itself refuses another parent.
	owner, err := sql.Open("postgres", d.db.OwnerURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, owner.Close()) }()
	for _, statement := range []string{
		`UPDATE organisations SET parent_id = (SELECT id FROM organisations WHERE kind = 'authority' AND region_code = '410400000000')
		 WHERE kind = 'authority' AND region_code = '410482000000'`,
		`UPDATE organisations SET parent_id = (SELECT id FROM organisations WHERE kind = 'authority' AND region_code = '410400000000')
		 WHERE kind = 'department' AND region_code = '410411000000'`,
	} {
		_, err = owner.ExecContext(ctx, statement)
		require.ErrorContains(t, err, "its region says")
	}
}

// TestAnAuthorityThatHandlesCasesIsNotClosed: the workflow knows it by its number,
// and by no other.
func TestAnAuthorityThatHandlesCasesIsNotClosed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	province := d.person(t, lou)
	ruzhou, err := d.store.AuthorityOf(ctx, "410482000000")
	require.NoError(t, err)
	by := markOf(d.person(t, shen), casework.RoleSupervisor)
	by.OrganisationID = ruzhou.ID
	d.record(t, d.later.Number, by, casework.TakenOver{Reason: "督办"})
	above := d.person(t, shen).OrganisationID
	requireCode(t, d.service.CloseOrganisation(ctx, province, ruzhou.ID, above, casework.Date{}), casework.CodeConflict, "taken_over_depend")
	d.record(t, d.later.Number, by, casework.Transferred{FromDepartmentID: d.later.DepartmentID, ToDepartmentID: d.later.DepartmentID, Reason: "交回"})
	require.NoError(t, d.service.CloseOrganisation(ctx, province, ruzhou.ID, above, casework.Date{}))
	requireCode(t, d.service.CloseOrganisation(ctx, province, above, 0, casework.Date{}), casework.CodeConflict, "people_depend")
}
