package commands_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// TestOrganisationsOfTheSubtree: every command about organisations, halls and
// windows, by who may and who may not, inside and outside the subtree.
func TestOrganisationsOfTheSubtree(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	district := d.person(t, lin).OrganisationID
	department := d.person(t, chen).OrganisationID
	elsewhere, err := d.store.AuthorityOf(ctx, "410482000000")
	require.NoError(t, err)
	hall, err := d.service.CreateHall(ctx, d.person(t, ji), district, commands.HallFacts{Name: "湛河区政务服务大厅", Address: "某路1号"})
	require.NoError(t, err)
	window, err := d.service.CreateWindow(ctx, d.person(t, ji), hall, commands.WindowFacts{Label: "窗口03", DepartmentID: department})
	require.NoError(t, err)
	hallAway, err := d.service.CreateHall(ctx, d.person(t, lou), elsewhere.ID, commands.HallFacts{Name: "汝州市政务服务大厅"})
	require.NoError(t, err)
	windowAway, err := d.service.CreateWindow(ctx, d.person(t, lou), hallAway, commands.WindowFacts{Label: "1"})
	require.NoError(t, err)

	var none casework.Date
	acts := map[string]func(actor casework.Actor, organisation, hall, window int64) error{
		"change": func(a casework.Actor, o, _, _ int64) error {
			return d.service.ChangeOrganisation(ctx, a, o, "新名称")
		},
		"move": func(a casework.Actor, o, _, _ int64) error {
			return d.service.MoveDepartment(ctx, a, o, "410411001000", none)
		},
		"merge": func(a casework.Actor, o, _, _ int64) error {
			return d.service.MergeDepartment(ctx, a, o, department, none)
		},
		"close": func(a casework.Actor, o, _, _ int64) error { return d.service.CloseOrganisation(ctx, a, o, 0, none) },
		"hall": func(a casework.Actor, o, _, _ int64) error {
			_, err := d.service.CreateHall(ctx, a, o, commands.HallFacts{Name: "大厅"})
			return err
		},
		"hall changed": func(a casework.Actor, _, h, _ int64) error {
			return d.service.ChangeHall(ctx, a, h, commands.HallFacts{Name: "大厅"})
		},
		"hall closed": func(a casework.Actor, _, h, _ int64) error { return d.service.CloseHall(ctx, a, h) },
		"window": func(a casework.Actor, _, h, _ int64) error {
			_, err := d.service.CreateWindow(ctx, a, h, commands.WindowFacts{Label: "2"})
			return err
		},
		"window changed": func(a casework.Actor, _, _, w int64) error {
			return d.service.ChangeWindow(ctx, a, w, commands.WindowFacts{Label: "2"})
		},
		"window closed": func(a casework.Actor, _, _, w int64) error { return d.service.CloseWindow(ctx, a, w) },
	}
	const nobody = 1 << 40
	for name, act := range acts {
		outside := act(d.person(t, ji), elsewhere.ID, hallAway, windowAway)
		refused, ok := casework.AsError(outside)
		require.True(t, ok, name)
		require.Equal(t, casework.CodeNotFound, refused.Code, name)
		require.Equal(t, act(d.person(t, ji), nobody, nobody, nobody), outside, "%s tells that something is there", name)
		for _, username := range []string{yan, gu, lin, chen} {
			requireCode(t, act(d.person(t, username), district, hall, window), casework.CodeForbidden, "not_allowed")
			requireCode(t, act(d.person(t, username), nobody, nobody, nobody), casework.CodeForbidden, "not_allowed")
		}
	}
	_, err = d.service.CreateOrganisation(ctx, d.person(t, ji), commands.NewOrganisation{Kind: casework.KindDepartment, Name: "某局", RegionCode: "410482000000"})
	requireCode(t, err, casework.CodeInvalid, "region_not_found")
	_, err = d.service.CreateOrganisation(ctx, d.person(t, yan), commands.NewOrganisation{Kind: casework.KindDepartment, Name: "某局", RegionCode: "410411000000"})
	requireCode(t, err, casework.CodeForbidden, "not_allowed")

	// Looking: the three administrators, in their subtree.
	for _, username := range []string{ji, yan, gu} {
		var listed []int64
		for after := (store.OrganisationCursor{}); ; {
			page, err := d.service.ListOrganisations(ctx, d.person(t, username), store.OrganisationFilter{After: after, Limit: 7})
			require.NoError(t, err)
			require.Equal(t, username == ji, page.MayManage)
			for _, o := range page.Organisations {
				require.Contains(t, o.RegionPath, "410411000000")
				require.NotContains(t, listed, o.ID)
				listed = append(listed, o.ID)
			}
			if page.Next == nil {
				break
			}
			after = *page.Next
		}
		require.Contains(t, listed, department)
		_, err := d.service.ViewOrganisation(ctx, d.person(t, username), elsewhere.ID)
		requireCode(t, err, casework.CodeNotFound, "organisation_not_found")
		view, err := d.service.ViewOrganisation(ctx, d.person(t, username), district)
		require.NoError(t, err)
		require.Equal(t, "窗口03", view.Halls[0].Windows[0].Label)
		require.Equal(t, store.AdminWindowCreated, view.Events[0].Kind)
	}
	for _, username := range []string{lin, chen} {
		_, err := d.service.ListOrganisations(ctx, d.person(t, username), store.OrganisationFilter{})
		requireCode(t, err, casework.CodeForbidden, "not_allowed")
	}

	// Halls and windows.
	_, err = d.service.CreateHall(ctx, d.person(t, ji), department, commands.HallFacts{Name: "某大厅"})
	requireCode(t, err, casework.CodeInvalid, "not_an_authority")
	_, err = d.service.CreateHall(ctx, d.person(t, ji), district, commands.HallFacts{Name: "湛河区政务服务大厅"})
	requireCode(t, err, casework.CodeConflict, "hall_name_taken")
	_, err = d.service.CreateHall(ctx, d.person(t, ji), district, commands.HallFacts{Name: "某大厅", RegionCode: "410482000000"})
	requireCode(t, err, casework.CodeInvalid, "region_elsewhere")
	_, err = d.service.CreateWindow(ctx, d.person(t, lou), hallAway, commands.WindowFacts{Label: "9", DepartmentID: department})
	requireCode(t, err, casework.CodeInvalid, "department_elsewhere")
	_, err = d.service.CreateWindow(ctx, d.person(t, ji), hall, commands.WindowFacts{Label: "窗口03"})
	requireCode(t, err, casework.CodeConflict, "window_label_taken")
	require.NoError(t, d.service.ChangeWindow(ctx, d.person(t, ji), window, commands.WindowFacts{Label: "窗口04", DepartmentID: department}))
	require.NoError(t, d.service.CloseHall(ctx, d.person(t, ji), hall))
	requireCode(t, d.service.CloseWindow(ctx, d.person(t, ji), window), casework.CodeConflict, "window_ended")
	view, err := d.service.ViewOrganisation(ctx, d.person(t, ji), district)
	require.NoError(t, err)
	require.Empty(t, view.Halls)
}

// TestATableOfOrganisations: the sample, in every form, dry and in earnest.
func TestATableOfOrganisations(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	actor := d.person(t, ji)
	sample, err := os.ReadFile(filepath.Join("..", "..", "samples", "organisations-2026-11.csv"))
	require.NoError(t, err)
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes(sample)
	require.NoError(t, err)
	book := workbook(t, string(sample))

	for _, table := range [][]byte{sample, append([]byte("\ufeff"), sample...), gb, book} {
		dry, err := d.service.ImportOrganisations(ctx, actor, table, true)
		require.NoError(t, err)
		require.False(t, dry.Done)
		require.Equal(t, map[store.RowOutcome]int{store.RowCreated: 4}, dry.Counts, "%+v", dry.Rows)
	}
	for _, username := range []string{yan, gu, lin, chen} {
		_, err := d.service.ImportOrganisations(ctx, d.person(t, username), sample, true)
		requireCode(t, err, casework.CodeForbidden, "not_allowed")
	}
	// All or nothing.
	bad := string(sample) + "部门,汝州市某局,县级,410482000000,,\n部门,某局,市级,410411000000,,\n部门,别局,,410411000000,平顶山市政务服务管理局（演示）,\n" +
		"部门,湛河区城市管理局（样例）,,410411000000,,\n司,某司,,410411000000,,\n部门,,,410411000000,,\n部门,后局,,410411000000,,2027-01-01\n部门,待确认部门,,410411000000,,\n"
	refused, err := d.service.ImportOrganisations(ctx, actor, []byte(bad), false)
	require.NoError(t, err)
	require.False(t, refused.Done)
	require.True(t, refused.Refused())
	var why []string
	for _, r := range refused.Rows {
		if r.Outcome == store.RowRefused {
			why = append(why, r.Refused.Field+" "+r.Refused.Reason)
		}
	}
	require.Equal(t, []string{
		"区划代码 region_not_found", "层级 level_differs", "上级机构 parent_differs", "名称 row_twice", "类型 kind_unknown", "名称 required",
		"设立日期 date_ahead", "名称 name_reserved",
	}, why)
	dry, err := d.service.ImportOrganisations(ctx, actor, sample, true)
	require.NoError(t, err)
	require.Equal(t, 4, dry.Counts[store.RowCreated], "nothing of it was kept")

	done, err := d.service.ImportOrganisations(ctx, actor, book, false)
	require.NoError(t, err)
	require.True(t, done.Done)
	again, err := d.service.ImportOrganisations(ctx, actor, sample, false)
	require.NoError(t, err)
	require.Equal(t, map[store.RowOutcome]int{store.RowUnchanged: 4}, again.Counts)
	authority, err := d.store.AuthorityOf(ctx, "410411200000")
	require.NoError(t, err)
	require.Equal(t, "曹镇乡便民服务中心（样例）", authority.Name)
	require.Equal(t, "2026-01-01", authority.ValidFrom)

	// What an import of reviews met first is confirmed; what was merged is not made again.
	met := d.takeIn(t, "MET-1", "湛河区统计局")
	require.True(t, met.DepartmentOpen)
	table := []byte("类型,名称,区划代码\n部门,湛河区统计局,410411\n")
	confirmed, err := d.service.ImportOrganisations(ctx, actor, table, false)
	require.NoError(t, err)
	require.Equal(t, 1, confirmed.Counts[store.RowChanged])
	require.NoError(t, d.service.MergeDepartment(ctx, actor, met.DepartmentID, d.person(t, chen).OrganisationID, casework.Date{}))
	former, err := d.service.ImportOrganisations(ctx, actor, table, false)
	require.NoError(t, err)
	require.Equal(t, "former_name", former.Rows[0].Refused.Reason)

	for reason, file := range map[string]string{
		"table_empty": "类型,名称,区划代码\n", "column_unknown": "类型,名称,区划代码,电话\n", "column_twice": "类型,类型\n", "column_missing": "类型,名称\n部门,某局\n",
		"table_encoding": "\xff\xfe1", "table_unreadable": "PK\x03\x04 no workbook", "table_too_large": strings.Repeat("类型,", 1<<19),
		"table_too_long": "类型,名称,区划代码\n" + strings.Repeat("部门,某局,410411\n", 5001),
	} {
		_, err := d.service.ImportOrganisations(ctx, actor, []byte(file), true)
		requireCode(t, err, casework.CodeInvalid, reason)
	}
}

func workbook(t *testing.T, csv string) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, line := range strings.Split(strings.TrimSpace(csv), "\n") {
		for j, cell := range strings.Split(line, ",") {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			require.NoError(t, err)
			var value any = cell
			if i > 0 && j == 3 {
				value = 410411000000 // as a spreadsheet takes it
				if strings.HasPrefix(cell, "4104112") {
					value = 410411200000
				}
			}
			require.NoError(t, f.SetCellValue("Sheet1", at, value))
		}
	}
	var out bytes.Buffer
	require.NoError(t, f.Write(&out))
	require.NoError(t, f.Close())
	return out.Bytes()
}
