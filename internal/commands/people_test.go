package commands_test

import (
	"database/sql"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// The administrators of the demo.
const (
	ji   = "zhanhe.xitong.ji"  // system administrator, 湛河区
	yan  = "zhanhe.anquan.yan" // security administrator, 湛河区
	lou  = "henan.xitong.lou"  // system administrator, the province
	chu  = "henan.anquan.chu"  // security administrator, the province
	gu   = "zhanhe.shenji.gu"
	lin  = "zhanhe.jiandu.lin"
	chen = "zhanhe.ziran.chen"
	shen = "henan.jiandu.shen"
)

func requireCode(t *testing.T, err error, code casework.Code, reason string) {
	t.Helper()
	refused, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, refused.Code, refused.Reason)
	require.Equal(t, reason, refused.Reason)
}

// TestAPersonIsMadeByTwo: the system administrator makes somebody who may do
// nothing, the security administrator says what they are, and both is recorded.
func TestAPersonIsMadeByTwo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	department := d.person(t, chen).OrganisationID
	facts := commands.PersonFacts{DisplayName: " 冯知远 ", Position: "承办人", OrganisationID: department}

	for _, username := range []string{yan, gu, lin, chen} {
		_, err := d.service.CreatePerson(ctx, d.person(t, username), "zhanhe.ziran.feng", facts)
		requireCode(t, err, casework.CodeForbidden, "not_allowed")
	}
	id, err := d.service.CreatePerson(ctx, d.person(t, ji), "zhanhe.ziran.feng", facts)
	require.NoError(t, err)
	_, err = d.service.CreatePerson(ctx, d.person(t, ji), "zhanhe.ziran.feng", facts)
	requireCode(t, err, casework.CodeConflict, "username_taken")

	view, err := d.service.ViewPerson(ctx, d.person(t, yan), id)
	require.NoError(t, err)
	require.Equal(t, "冯知远", view.Person.DisplayName)
	require.Empty(t, view.Person.Actor.Roles)
	require.Empty(t, view.Person.PasswordHash)
	require.True(t, view.MayAssign)
	require.False(t, view.MayManage)
	_, err = d.service.ListCases(ctx, view.Person.Actor, store.CaseFilter{})
	requireCode(t, err, casework.CodeForbidden, "not_allowed")

	handler := []casework.Role{casework.RoleHandler}
	_, err = d.service.AssignRoles(ctx, d.person(t, ji), id, view.Person.Version, handler)
	requireCode(t, err, casework.CodeForbidden, "not_allowed")
	person, err := d.service.AssignRoles(ctx, d.person(t, yan), id, view.Person.Version, handler)
	require.NoError(t, err)
	_, err = d.service.ListCases(ctx, person.Actor, store.CaseFilter{})
	require.NoError(t, err)

	view, err = d.service.ViewPerson(ctx, d.person(t, gu), id)
	require.NoError(t, err)
	require.Len(t, view.Events, 2)
	require.Equal(t, store.AdminRolesAssigned, view.Events[0].Kind)
	require.Equal(t, "secadmin-assigns-roles", view.Events[0].ByRule)
	require.Equal(t, store.AdminPersonCreated, view.Events[1].Kind)
	require.Equal(t, casework.RoleSysadmin, view.Events[1].ByRole)
	var before, after struct {
		Roles []casework.Role `json:"roles"`
	}
	require.NoError(t, json.Unmarshal(view.Events[0].Before, &before))
	require.NoError(t, json.Unmarshal(view.Events[0].After, &after))
	require.Empty(t, before.Roles)
	require.Equal(t, handler, after.Roles)
}

func TestRolesThatNobodyGets(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	yanActor := d.person(t, yan)
	handler, supervisor := d.view1(t, chen), d.view1(t, lin)
	for _, c := range []struct {
		person store.User
		roles  []casework.Role
		reason string
	}{
		{handler, []casework.Role{casework.RoleSupervisor}, "role_of_an_authority"},
		{supervisor, []casework.Role{casework.RoleHandler}, "role_of_a_department"},
		{supervisor, []casework.Role{casework.RoleAuditor, casework.RoleSecadmin}, "administrators_apart"},
		{supervisor, []casework.Role{casework.RoleClient, casework.RoleSupervisor}, "client_is_no_person"},
		{supervisor, []casework.Role{casework.RoleSupervisor, casework.RoleSupervisor}, "role_twice"},
		{supervisor, []casework.Role{"king"}, "unknown_value"},
	} {
		_, err := d.service.AssignRoles(ctx, yanActor, c.person.ID, c.person.Version, c.roles)
		requireCode(t, err, casework.CodeInvalid, c.reason)
	}
	// Nobody gives themselves anything, and nobody outside the subtree is there.
	self := d.view1(t, yan)
	_, err := d.service.AssignRoles(ctx, yanActor, self.ID, self.Version, []casework.Role{casework.RoleSupervisor})
	requireCode(t, err, casework.CodeForbidden, "not_allowed")
	outside := d.view1(t, shen)
	_, err = d.service.AssignRoles(ctx, yanActor, outside.ID, outside.Version, nil)
	requireCode(t, err, casework.CodeNotFound, "user_not_found")
	_, err = d.service.AssignRoles(ctx, yanActor, 999_999, 1, nil)
	requireCode(t, err, casework.CodeNotFound, "user_not_found")

	// What the commands refuse, the database refuses as well.
	owner, err := sql.Open("postgres", d.db.OwnerURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, owner.Close()) }()
	_, err = owner.ExecContext(ctx, `UPDATE users SET roles = ARRAY['auditor', 'sysadmin'] WHERE username = $1`, lin)
	require.ErrorContains(t, err, "three_administrators_are_three_people")
}

// view1 reads somebody as administration does.
func (d desk) view1(t *testing.T, username string) store.User {
	t.Helper()
	user, err := d.store.Person(t.Context(), d.person(t, username).UserID)
	require.NoError(t, err)
	return user
}

// TestWhoMovesLeavesRolesAndTakesTheConflictAlong: somebody of the rated
// department becomes a supervisor and judges nothing of what happened before.
func TestWhoMovesLeavesRolesAndTakesTheConflictAlong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	fu := d.view1(t, "zhanhe.zhujian.fu")
	authority := d.person(t, lin).OrganisationID
	moved, err := d.service.ChangePerson(ctx, d.person(t, ji), fu.ID, fu.Version, commands.PersonFacts{
		DisplayName: fu.DisplayName, Position: "监督员", OrganisationID: authority,
	})
	require.NoError(t, err)
	require.Empty(t, moved.Actor.Roles, "roles were given for the place")
	require.Len(t, moved.Actor.Past, 1)
	require.Equal(t, fu.Actor.OrganisationID, moved.Actor.Past[0].OrganisationID)
	require.WithinDuration(t, time.Now(), moved.Actor.Past[0].Until, time.Minute)
	supervisor, err := d.service.AssignRoles(ctx, d.person(t, yan), fu.ID, moved.Version, []casework.Role{casework.RoleSupervisor})
	require.NoError(t, err)

	judging := []casework.Action{casework.ActionProposeInvalid, casework.ActionDecideInvalid, casework.ActionRecordSpotCheck}
	others := 0
	for _, c := range d.cases {
		if c.RegionCode != supervisor.Actor.RegionCode {
			continue
		}
		for _, action := range judging {
			decision := d.policy.Decide(supervisor.Actor, action, commands.ObjectOf(c))
			if c.DepartmentID == fu.Actor.OrganisationID {
				require.Equal(t, "rated-department-never-judges", decision.Rule, "%s of %s", action, c.Number)
			} else {
				require.True(t, decision.Allowed, "%s of %s: %+v", action, c.Number, decision)
				others++
			}
		}
	}
	require.NotZero(t, others)

	// A new label, in the same place, is remembered as well.
	relabelled, err := d.service.ChangePerson(ctx, d.person(t, ji), fu.ID, supervisor.Version, commands.PersonFacts{
		DisplayName: fu.DisplayName, Position: "监督员", StaffLabel: "窗口09", OrganisationID: authority,
	})
	require.NoError(t, err)
	require.Len(t, relabelled.Actor.Past, 2)
	require.Equal(t, []casework.Role{casework.RoleSupervisor}, relabelled.Actor.Roles)

	// To another region's organisation nobody of this one moves anybody.
	_, err = d.service.ChangePerson(ctx, d.person(t, ji), fu.ID, relabelled.Version, commands.PersonFacts{
		DisplayName: fu.DisplayName, OrganisationID: d.person(t, shen).OrganisationID,
	})
	requireCode(t, err, casework.CodeInvalid, "organisation_not_found")
}

func TestTwoAdministratorsAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	mi := d.view1(t, "zhanhe.ziran.mi")
	roles := [][]casework.Role{{casework.RoleDepartmentLead}, {}}
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i, who := range []string{yan, chu} {
		group.Go(func() {
			_, errs[i] = d.service.AssignRoles(t.Context(), d.person(t, who), mi.ID, mi.Version, roles[i])
		})
	}
	group.Wait()
	first, second := errs[0], errs[1]
	if first != nil {
		first, second = second, first
	}
	require.NoError(t, first)
	requireCode(t, second, casework.CodeStale, "person_changed")
}

// TestTheLastAdministratorStays: two who disable each other at once do not leave
// nobody.
func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	county, province := d.view1(t, yan), d.view1(t, chu)
	_, err := d.service.DisablePerson(ctx, d.person(t, ji), county.ID, county.Version, true)
	require.NoError(t, err)
	_, err = d.store.UserByID(ctx, county.ID)
	requireCode(t, err, casework.CodeNotFound, "user_not_found")
	_, err = d.service.DisablePerson(ctx, d.person(t, lou), province.ID, province.Version, true)
	requireCode(t, err, casework.CodeConflict, "last_administrator")

	again, err := d.service.DisablePerson(ctx, d.person(t, ji), county.ID, county.Version+1, false)
	require.NoError(t, err)
	require.False(t, again.Disabled)
	self := d.view1(t, ji)
	_, err = d.service.DisablePerson(ctx, d.person(t, ji), self.ID, self.Version, true)
	requireCode(t, err, casework.CodeForbidden, "not_allowed")
}

// TestPeopleOfTheSubtree: lists and single people agree about who sees whom, and
// nobody sees anybody outside.
func TestPeopleOfTheSubtree(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	for _, u := range d.users {
		listed := map[int64]bool{}
		var after store.PersonCursor
		for {
			page, err := d.service.ListPeople(ctx, u.Actor, store.PeopleFilter{After: after, Limit: 5})
			if err != nil {
				requireCode(t, err, casework.CodeForbidden, "not_allowed")
				break
			}
			for _, p := range page.People {
				require.False(t, listed[p.ID], "twice")
				listed[p.ID] = true
			}
			if page.Next == nil {
				break
			}
			after = *page.Next
		}
		for _, other := range d.users {
			_, err := d.service.ViewPerson(ctx, u.Actor, other.ID)
			require.Equal(t, listed[other.ID], err == nil, "%s sees %s", u.Username, other.Username)
		}
		require.Equal(t, u.Actor.Has(casework.RoleSysadmin) || u.Actor.Has(casework.RoleSecadmin) || u.Actor.Has(casework.RoleAuditor), len(listed) > 0)
	}
	page, err := d.service.ListPeople(ctx, d.person(t, lou), store.PeopleFilter{Part: "自然资源局", Role: casework.RoleDepartmentLead})
	require.NoError(t, err)
	require.Len(t, page.People, 1)
	page, err = d.service.ListPeople(ctx, d.person(t, lou), store.PeopleFilter{Part: "' OR '1'='1"})
	require.NoError(t, err)
	require.Empty(t, page.People)
}
