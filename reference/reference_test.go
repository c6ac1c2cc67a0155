package reference_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/reference"
)

func regionIndex(t *testing.T) (list []casework.Region, byCode map[string]casework.Region) {
	t.Helper()
	list, err := reference.Regions()
	require.NoError(t, err)
	byCode = make(map[string]casework.Region, len(list))
	for _, r := range list {
		byCode[r.Code] = r
	}
	return list, byCode
}

func TestRegions(t *testing.T) {
	t.Parallel()

	list, byCode := regionIndex(t)
	require.Len(t, reference.RegionsVersion(), 12)
	require.Equal(t, casework.Region{Code: "410000000000", Name: "河南省", Level: casework.LevelProvince}, list[0])

	counts := map[casework.AdminLevel]int{}
	seen := map[string]bool{}
	for _, r := range list {
		counts[r.Level]++
		require.False(t, seen[r.Code], r.Code)
		if r.ParentCode != "" {
			require.True(t, seen[r.ParentCode], "the parent of %s comes first, so there is no cycle", r.Code)
		}
		seen[r.Code] = true
	}
	// The statistical list has 18 cities and 181 counties. Without the bucket, and
	// with 济源 as a city, it is the same number of cities and a county less.
	require.Equal(t, map[casework.AdminLevel]int{
		casework.LevelProvince: 1, casework.LevelCity: 18, casework.LevelCounty: 180,
		casework.LevelTownship: 2586, casework.LevelVillage: 52378,
	}, counts)

	for _, r := range list {
		top, steps := r, 0
		for top.ParentCode != "" {
			require.Less(t, steps, 5, r.Code)
			top, steps = byCode[top.ParentCode], steps+1
		}
		require.Equal(t, "410000000000", top.Code)
	}
}

func TestRegionsHaveTheParentsOfSupervision(t *testing.T) {
	t.Parallel()

	_, byCode := regionIndex(t)
	require.NotContains(t, byCode, "419000000000", "a statistical bucket is no government")
	require.Equal(t, casework.Region{
		Code: "419001000000", Name: "济源市", Level: casework.LevelCity, ParentCode: "410000000000",
	}, byCode["419001000000"])
	for code, name := range map[string]string{
		"410181000000": "巩义市", "410225000000": "兰考县", "410482000000": "汝州市", "410526000000": "滑县",
		"410783000000": "长垣市", "411381000000": "邓州市", "411481000000": "永城市", "411525000000": "固始县",
		"411628000000": "鹿邑县", "411729000000": "新蔡县",
	} {
		require.Equal(t, casework.Region{
			Code: code, Name: name, Level: casework.LevelCounty, ParentCode: "410000000000",
		}, byCode[code])
	}

	direct := 0
	for _, r := range byCode {
		if r.Level == casework.LevelCounty && r.ParentCode == "410000000000" {
			direct++
		}
	}
	require.Equal(t, 10, direct, "no other county is without a city")

	require.Equal(t, "410400000000", byCode["410411000000"].ParentCode)
	require.Equal(t, "410411000000", byCode["410411200000"].ParentCode)
	require.Equal(t, "410411200000", byCode["410411200201"].ParentCode)
	require.Equal(t, "419001000000", byCode["419001001000"].ParentCode, "a township of 济源 is right below the city")
}

func TestCalendar(t *testing.T) {
	t.Parallel()

	c, err := reference.Calendar()
	require.NoError(t, err)
	require.Equal(t, casework.Date{Year: 2026, Month: 12, Day: 31}, c.PublishedThrough)
	require.Regexp(t, `^2026-12-31-[0-9a-f]{12}$`, c.Version)
	require.Len(t, c.Names, len(c.Days))
	require.Equal(t, "国庆节", c.Names["2026-10-10"])
	require.Equal(t, casework.DayWorkday, c.Days["2026-10-10"])
}

func TestReasonTags(t *testing.T) {
	t.Parallel()

	tags, err := reference.ReasonTags()
	require.NoError(t, err)
	require.Len(t, tags, 40)
	require.Len(t, reference.ReasonTagsVersion(), 12)
	byDigit := map[string]casework.RatingLevel{
		"1": casework.VeryDissatisfied, "2": casework.Dissatisfied, "3": casework.BasicallySatisfied,
		"4": casework.Satisfied, "5": casework.VerySatisfied,
	}
	for _, tag := range tags {
		require.Equal(t, byDigit[tag.Code[:1]], tag.Level, tag.Code)
		require.Equal(t, tag.Level.Negative(), tag.Aspect != "", "%s: what went wrong has an aspect", tag.Code)
		require.NotEqual(t, casework.AspectIntegrity, tag.Aspect, "no national tag covers 勤政廉洁")
	}
	tag, ok := tags.Find("214")
	require.True(t, ok)
	require.Equal(t, casework.ReasonTag{
		Code: "214", Level: casework.Dissatisfied, Label: "服务态度生硬", Aspect: casework.AspectAttitude,
	}, tag)
	_, ok = tags.Find("999")
	require.False(t, ok)
}

func TestDemo(t *testing.T) {
	t.Parallel()

	demo, err := reference.Demo()
	require.NoError(t, err)
	require.Len(t, reference.DemoVersion(), 12)
	_, regions := regionIndex(t)
	authorityOf := map[string]string{} // region → its authority
	organisations := map[string]reference.DemoOrganisation{}
	for _, o := range demo.Organisations {
		organisations[o.Name] = o
		require.NotEmpty(t, regions[o.RegionCode].Name, o.Name)
		if o.Kind == casework.KindAuthority {
			authorityOf[o.RegionCode] = o.Name
		}
	}
	require.Len(t, authorityOf, 4)

	for _, o := range demo.Organisations {
		if o.Kind != casework.KindDepartment {
			continue
		}
		at := o.RegionCode
		for authorityOf[at] == "" {
			at = regions[at].ParentCode
		}
		require.Equal(t, authorityOf[at], o.Authority, "%s: the nearest region with an authority", o.Name)
	}

	people := map[string]map[casework.Role]int{}
	labels := 0
	for _, u := range demo.Users {
		if people[u.Organisation] == nil {
			people[u.Organisation] = map[casework.Role]int{}
		}
		for _, r := range u.Roles {
			people[u.Organisation][r]++
		}
		require.Regexp(t, `^[a-z]+\.[a-z]+\.[a-z]+$`, u.Username)
		if u.StaffLabel != "" {
			labels++
		}
	}
	require.Equal(t, 1, labels)
	require.Equal(t, map[casework.Role]int{casework.RoleHandler: 3, casework.RoleDepartmentLead: 1}, people["湛河区自然资源局"])
	// A case can be invalidated by two and checked by a third who did not act.
	require.Equal(t, map[casework.Role]int{
		casework.RoleSupervisor: 3, casework.RoleAuditor: 1, casework.RoleSysadmin: 1, casework.RoleSecadmin: 1,
	}, people[authorityOf["410411000000"]])
	require.Equal(t, map[casework.Role]int{casework.RoleSupervisor: 2, casework.RoleAuditor: 1}, people[authorityOf["410400000000"]])
	// What holds for all of the installation is administered at the top.
	require.Equal(t, map[casework.Role]int{
		casework.RoleSupervisor: 2, casework.RoleAuditor: 1, casework.RoleSysadmin: 1, casework.RoleSecadmin: 1,
	}, people[authorityOf["410000000000"]])
	require.Equal(t, map[casework.Role]int{casework.RoleSupervisor: 1}, people[authorityOf["410411001000"]])
	require.Equal(t, "410411200201", organisations["曹北村便民服务站"].RegionCode)

	for name := range organisations {
		require.NotContains(t, strings.TrimSpace(name), " ")
	}
}
