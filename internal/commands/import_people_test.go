package commands_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// TestATableOfPeople: a dry run changes nothing, the same table twice changes
// nothing the second time, nobody gets a role by it, and a row that is refused
// keeps all of them out.
func TestATableOfPeople(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	sample, err := os.ReadFile(filepath.Join("..", "..", "samples", "people-2026-11.csv"))
	require.NoError(t, err)
	importing := func(table string, dryRun bool) commands.TableImported {
		imported, err := d.service.ImportPeople(ctx, d.person(t, ji), []byte(table), dryRun)
		require.NoError(t, err)
		return imported
	}
	dry := importing(string(sample), true)
	require.False(t, dry.Done)
	require.Equal(t, 2, dry.Counts[store.RowCreated])
	_, err = d.store.PersonByName(ctx, "zhanhe.ziran.qu")
	requireCode(t, err, casework.CodeNotFound, "user_not_found")
	require.True(t, importing(string(sample), false).Done)
	again := importing(string(sample), false)
	require.Equal(t, 2, again.Counts[store.RowUnchanged])
	qu, err := d.store.PersonByName(ctx, "zhanhe.ziran.qu")
	require.NoError(t, err)
	require.Empty(t, qu.Actor.Roles)
	require.Empty(t, qu.PasswordHash)

	const header = "用户名,姓名,区划代码,机构,职务,窗口\n"
	moved := importing(header+"zhanhe.ziran.chen,陈禾溪,410411000000,湛河区医疗保障局,承办人,\n", false)
	require.Equal(t, 1, moved.Counts[store.RowChanged])
	chenNow := d.view1(t, chen)
	require.Empty(t, chenNow.Actor.Roles, "who moves leaves their roles behind")
	require.Len(t, chenNow.Actor.Past, 1)

	refused := importing(header+
		"zhanhe.ziran.qu,曲一舟,410411000000,没有这个局,,\n"+
		"henan.jiandu.shen,申屠明远,410411000000,湛河区医疗保障局,,\n"+
		"zhanhe.xitong.ji,纪守拙,410411000000,湛河区医疗保障局,,\n"+
		"冯,冯知远,410411000000,湛河区医疗保障局,,\n"+
		"a.b,,410411000000,湛河区医疗保障局,,\n"+
		"a.c,王,4104,湛河区医疗保障局,,\n"+
		"a.d,王,410000000000,河南省自然资源厅（演示）,,\n"+
		"a.f,"+strings.Repeat("王", 61)+",410411000000,湛河区医疗保障局,,\n"+
		"a.g,王\a,410411000000,湛河区医疗保障局,,\n"+
		"a.e,王,410411000000,湛河区医疗保障局,,\n"+
		"A.E,王,410411000000,湛河区医疗保障局,,\n", false)
	require.False(t, refused.Done)
	var reasons []string
	for _, r := range refused.Rows {
		reason := ""
		if r.Refused != nil {
			reason = r.Refused.Field + " " + r.Refused.Reason
		}
		reasons = append(reasons, reason)
	}
	require.Equal(t, []string{
		"机构 organisation_not_found", "用户名 username_taken", "用户名 not_oneself", "用户名 username_not_plain", "姓名 required",
		"区划代码 region_not_found", "机构 organisation_not_found", "姓名 invalid_text", "姓名 invalid_text", "", "用户名 row_twice",
	}, reasons)
	_, err = d.store.PersonByName(ctx, "a.e")
	requireCode(t, err, casework.CodeNotFound, "user_not_found")

	_, err = d.service.ImportPeople(ctx, d.person(t, yan), sample, true)
	requireCode(t, err, casework.CodeForbidden, "not_allowed")
	_, err = d.service.ImportPeople(ctx, d.person(t, ji), []byte("姓名\n王\n"), true)
	requireCode(t, err, casework.CodeInvalid, "column_missing")
}
