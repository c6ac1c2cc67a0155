package commands_test

import (
	"database/sql"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

const (
	lu  = "zhanhe.ziran.lu"
	tao = "zhanhe.ziran.tao"
)

// mixed is a desk whose cases stand all over the province and at many points of
// their lives.
func mixed(t *testing.T) (desk, []store.Case) {
	t.Helper()
	d := newDesk(t)
	d.scatter(t)
	owner := d.owner(t)
	for i, c := range d.cases {
		change := []string{
			`UPDATE cases SET stage = 'verification', overdue_since = '2026-11-24T16:00:00Z', deadline_at = '2026-11-24T16:00:00Z', escalation_steps = 1 WHERE number = $1`,
			`UPDATE cases SET stage = 'archived', deadline_at = NULL, clock_kind = NULL WHERE number = $1`,
			`UPDATE cases SET stage = 'rectification', reopenings = 1, deadline_at = '2026-12-01T16:00:00Z' WHERE number = $1`,
			`UPDATE cases SET stage = 'verification', deadline_at = '2026-12-30T16:00:00Z' WHERE number = $1`,
			`UPDATE cases SET deadline_at = NULL, stage = 'closed' WHERE number = $1`,
			`UPDATE cases SET handler_id = (SELECT min(id) FROM users WHERE username = 'zhanhe.ziran.chen') WHERE number = $1`,
			`UPDATE cases SET stage = 'verification', deadline_at = '2026-12-02T16:00:00Z', paused_at = '2026-11-30T01:00:00Z' WHERE number = $1`,
			`UPDATE cases SET stage = 'verification', deadline_at = '2026-12-03T16:00:00Z', clock_offset_secs = 86400 WHERE number = $1`,
		}[i%8]
		_, err := owner.ExecContext(t.Context(), change, c.Number)
		require.NoError(t, err)
	}
	rows, err := d.store.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: commands.MaxPage})
	require.NoError(t, err)
	return d, rows
}

func (d desk) owner(t *testing.T) *sql.DB {
	t.Helper()
	owner, err := sql.Open("postgres", d.db.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, owner.Close()) })
	return owner
}

// TestNarrowing: whatever is asked of a list, it shows what a look at every single
// case would choose, counts as many, and never a case outside the scope.
func TestNarrowing(t *testing.T) {
	t.Parallel()
	d, rows := mixed(t)
	ctx := t.Context()
	actors := []casework.Actor{d.person(t, "henan.jiandu.shen"), d.person(t, lin), d.person(t, chen)}

	rapid.Check(t, func(t *rapid.T) {
		actor := rapid.SampledFrom(actors).Draw(t, "actor")
		query := drawQuery(t, rows)
		narrowing, err := commands.ParseNarrowing(actor, query)
		require.NoError(t, err)
		scope := commands.ScopeOf(actor)
		var expected []string
		for _, c := range rows {
			if inScope(scope, c) && meets(c, narrowing) {
				expected = append(expected, c.Number)
			}
		}
		listed, err := pages(func(after store.CaseCursor) ([]string, *store.CaseCursor, error) {
			page, err := d.service.ListCases(ctx, actor, store.CaseFilter{Narrowing: narrowing, After: after, Limit: 7})
			return numbersOf(page.Cases), page.Next, err
		})
		require.NoError(t, err)
		require.ElementsMatch(t, expected, listed, "%v", query)
		counts, err := d.store.CountCases(ctx, scope, []store.Narrowing{narrowing, {}, narrowing}, viewedAt)
		require.NoError(t, err)
		require.Equal(t, []int{len(expected), counts[1], len(expected)}, counts)
	})

	// Each condition alone leaves something, and less than everything.
	for name, value := range map[string]string{
		"q": rows[0].MatterName, "stage": "archived", "due": "overdue", "level": "township", "region": "419001000000",
		"department": decimal(rows[0].DepartmentID), "matter": rows[0].MatterCode, "channel": string(rows[0].Channel), "aspect": "attitude",
		"handler": "none", "open": "true", "overdue": "true", "escalated": "true", "reopened": "true",
	} {
		narrowing, err := commands.ParseNarrowing(actors[0], url.Values{name: {value}})
		require.NoError(t, err)
		counts, err := d.store.CountCases(ctx, store.Scope{Everything: true}, []store.Narrowing{narrowing}, viewedAt)
		require.NoError(t, err)
		require.NotZero(t, counts[0], name)
		require.Less(t, counts[0], len(rows), name)
	}
}

// drawQuery draws one or two conditions, most of which some case meets.
func drawQuery(t *rapid.T, rows []store.Case) url.Values {
	query := url.Values{}
	for range rapid.IntRange(0, 2).Draw(t, "how many") {
		c := rapid.SampledFrom(rows).Draw(t, "case")
		switch name := rapid.SampledFrom(commands.NarrowingNames()).Draw(t, "name"); name {
		case "q":
			text := rapid.SampledFrom([]string{c.Words, c.MatterName, c.DepartmentName, c.Number}).Draw(t, "text")
			characters := []rune(text)
			if len(characters) < 2 {
				continue
			}
			from := rapid.IntRange(0, len(characters)-2).Draw(t, "from")
			query.Add(name, string(characters[from:min(len(characters), from+rapid.IntRange(1, 8).Draw(t, "length"))]))
		case "stage":
			query.Add(name, string(c.Stage))
		case "kind":
			query.Add(name, string(rapid.SampledFrom([]casework.TaskKind{casework.TaskVerify, casework.TaskDecideInvalid, casework.TaskRectify}).Draw(t, "kind")))
		case "due":
			query.Set(name, string(rapid.SampledFrom(store.DueBuckets()).Draw(t, "due")))
		case "level":
			query.Add(name, string(c.RegionLevel))
		case "region":
			query.Set(name, rapid.SampledFrom(c.RegionPath).Draw(t, "region"))
		case "department":
			query.Set(name, decimal(c.DepartmentID))
		case "matter":
			query.Set(name, c.MatterCode)
		case "channel":
			query.Add(name, string(c.Channel))
		case "aspect":
			query.Add(name, string(rapid.SampledFrom(casework.Aspects()).Draw(t, "aspect")))
		case "handler":
			query.Set(name, rapid.SampledFrom([]string{"me", "none", decimal(max(1, c.HandlerID))}).Draw(t, "handler"))
		default:
			query.Set(name, "true")
		}
	}
	return query
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func inScope(scope store.Scope, c store.Case) bool {
	return slices.Contains(c.RegionPath, scope.RegionCode) && (scope.DepartmentID == 0 || scope.DepartmentID == c.DepartmentID)
}

// meets looks at one case, without the database.
func meets(c store.Case, n store.Narrowing) bool {
	folded := strings.ToLower(norm.NFKC.String(strings.Join([]string{c.Number, c.MatterName, c.DepartmentName, c.Words}, "\n")))
	for _, word := range n.Words {
		if !strings.Contains(folded, word) {
			return false
		}
	}
	either := func(unasked, ok bool) bool { return unasked || ok }
	// Every case has an open task of each of these, and none of another; see scatter.
	tasks := func(k casework.TaskKind) bool { return k == casework.TaskVerify || k == casework.TaskDecideInvalid }
	return either(len(n.Kinds) == 0, slices.ContainsFunc(n.Kinds, tasks)) &&
		either(len(n.Stages) == 0, slices.Contains(n.Stages, c.Stage)) &&
		either(n.Due == "", inBucket(c, n.Due)) &&
		either(len(n.Levels) == 0, slices.Contains(n.Levels, c.RegionLevel)) &&
		either(n.RegionCode == "", slices.Contains(c.RegionPath, n.RegionCode)) &&
		either(n.DepartmentID == 0, n.DepartmentID == c.DepartmentID) &&
		either(n.MatterCode == "", n.MatterCode == c.MatterCode) &&
		either(len(n.Channels) == 0, slices.Contains(n.Channels, c.Channel)) &&
		either(len(n.Aspects) == 0, slices.ContainsFunc(n.Aspects, func(a casework.Aspect) bool { return slices.Contains(c.Aspects, a) })) &&
		either(n.HandlerID == 0, n.HandlerID == c.HandlerID) &&
		either(!n.Unclaimed, c.HandlerID == 0) &&
		either(!n.Open, !c.Stage.Ended()) &&
		either(!n.Overdue, c.OverdueSince != nil) &&
		either(!n.Escalated, c.EscalationSteps != nil) &&
		either(!n.Reopened, c.Reopenings > 0)
}

func inBucket(c store.Case, bucket store.DueBucket) bool {
	if c.DeadlineAt == nil || c.PausedAt != nil {
		return bucket == store.DueNone
	}
	now := viewedAt.Add(c.ClockOffset)
	if !now.Before(*c.DeadlineAt) {
		return bucket == store.DueOverdue
	}
	days := casework.DateOf(now).DaysUntil(casework.DateOf(c.DeadlineAt.Add(-1)))
	switch bucket {
	case store.DueToday:
		return days == 0
	case store.DueSoon:
		return days <= 3
	case store.DueWeek:
		return days <= 7
	case store.DueLater:
		return days > 7
	case store.DueOverdue, store.DueNone:
	}
	return false
}

// TestTokensOfAPartAreTokensOfTheWhole: what is typed, of any characters, is found
// in any text that it is part of. Go makes the tokens of what is typed, and the
// database those of what there is.
func TestTokensOfAPartAreTokensOfTheWhole(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.owner(t)
	c, ctx := d.cases[0], t.Context()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.OneOf(
			rapid.SampledFrom([]rune("不动产登记办理慢，。１２ＡｂßéΣİ 1234567890GL-")), rapid.Rune(),
		), 2, 40, -1).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }).Draw(t, "text")
		characters := []rune(text)
		from := rapid.IntRange(0, len(characters)-1).Draw(t, "from")
		part := string(characters[from:rapid.IntRange(from+1, len(characters)).Draw(t, "to")])
		_, err := owner.ExecContext(ctx, `UPDATE matters SET name = $2 WHERE code = $1`, c.MatterCode, text)
		require.NoError(t, err)
		words := store.SearchWords(part)
		if len(words) == 0 || norm.NFKC.String(part) != part || norm.NFKC.String(text) != text {
			// What characters become may depend on those beside them, at the cut too.
			return
		}
		var has bool
		for _, word := range words {
			require.NoError(t, owner.QueryRowContext(ctx, `SELECT search_fold($1) LIKE '%' || search_fold($2) || '%' OR $2 LIKE '%\%%' OR $2 LIKE '%\_%' OR $2 LIKE '%\\%'`,
				text, word).Scan(&has))
			require.True(t, has, "%q in %q", word, text)
		}
		cases, err := d.store.Cases(ctx, store.Scope{Everything: true}, store.CaseFilter{Narrowing: store.Narrowing{Words: words}, Limit: 200})
		require.NoError(t, err)
		require.Contains(t, numbersOf(cases), c.Number, "%q in %q", part, text)
	})
	var tokens pq.StringArray
	require.NoError(t, owner.QueryRowContext(ctx, `SELECT search_tokens('办ＩＤ证 12-3')`).Scan(&tokens))
	require.ElementsMatch(t, []string{"办", "办i", "i", "id", "d", "d证", "证", "1", "12", "12-", "2", "2-", "2-3", "-", "-3", "3"}, tokens)
}

// TestShortWordsAreFoundAsTheyStand: up to three characters are found by their token
// alone, which is so exactly where the text has them.
func TestShortWordsAreFoundAsTheyStand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.owner(t)
	c, ctx := d.cases[0], t.Context()
	found, missed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]rune("不动产登記，AbΣ 1#-@\n"))
		text := rapid.StringOfN(letters, 1, 12, -1).Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "text")
		words := store.SearchWords(rapid.StringOfN(letters, 1, 3, -1).Draw(t, "word"))
		if len(words) == 0 {
			return
		}
		_, err := owner.ExecContext(ctx, `UPDATE matters SET name = $2 WHERE code = $1`, c.MatterCode, text)
		require.NoError(t, err)
		var has bool
		require.NoError(t, owner.QueryRowContext(ctx, `
			SELECT bool_and(strpos(search_fold(m.name), word) > 0 OR strpos(search_fold(v.words), word) > 0
				OR strpos(search_fold(d.name), word) > 0 OR strpos(search_fold(c.number), word) > 0)
			FROM cases c JOIN matters m ON m.code = c.matter_code JOIN reviews v ON v.id = c.review_id JOIN organisations d ON d.id = c.department_id, unnest(CAST($2 AS text[])) AS word
			WHERE c.number = $1`, c.Number, pq.StringArray(words)).Scan(&has))
		cases, err := d.store.Cases(ctx, store.Scope{Everything: true}, store.CaseFilter{Narrowing: store.Narrowing{Words: words}, Limit: 200})
		require.NoError(t, err)
		require.Equal(t, has, slices.Contains(numbersOf(cases), c.Number), "%q in %q", words, text)
		if has {
			found++
		} else {
			missed++
		}
	})
	require.Positive(t, found)
	require.Positive(t, missed)
}

// TestSearchFollows: a renamed department, a renamed matter, masked words and
// another region are found as they are now, and no longer as they were.
func TestSearchFollows(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner, c := d.owner(t), d.cases[0]
	finds := func(word string) bool {
		cases, err := d.store.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Narrowing: store.Narrowing{Words: store.SearchWords(word)}, Limit: 200})
		require.NoError(t, err)
		return slices.Contains(numbersOf(cases), c.Number)
	}
	for _, change := range []struct{ sql, word string }{
		{`UPDATE organisations SET name = '甲乙丙局' WHERE id = (SELECT department_id FROM cases WHERE number = $1)`, "乙丙"},
		{`UPDATE matters SET name = '丁戊己登记' WHERE code = (SELECT matter_code FROM cases WHERE number = $1)`, "戊己"},
		{`UPDATE reviews SET words = '庚辛壬癸' WHERE id = (SELECT review_id FROM cases WHERE number = $1)`, "辛壬"},
	} {
		require.False(t, finds(change.word))
		_, err := owner.ExecContext(t.Context(), change.sql, c.Number)
		require.NoError(t, err)
		require.True(t, finds(change.word), change.word)
	}
	_, err := owner.ExecContext(t.Context(), `UPDATE reviews SET words = '' WHERE id = (SELECT review_id FROM cases WHERE number = $1)`, c.Number)
	require.NoError(t, err)
	require.False(t, finds("辛壬"), "what is no longer there")
	require.False(t, finds("' OR '1'='1"))
	require.False(t, finds("%%"))

	_, err = owner.ExecContext(t.Context(), `UPDATE cases SET region_code = '419001000000' WHERE number = $1`, c.Number)
	require.NoError(t, err)
	cases, err := d.store.Cases(t.Context(), store.Scope{RegionCode: "419001000000", Depth: 2}, store.CaseFilter{Narrowing: store.Narrowing{Words: store.SearchWords("戊己")}, Limit: 200})
	require.NoError(t, err)
	require.Contains(t, numbersOf(cases), c.Number, "济源 stands right below the province")
}

// TestSavedViews: one's own are one's own, shared ones the organisation's; counts
// are of one's own list; nobody drops what is not theirs.
func TestSavedViews(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	handler, colleague, lead, other := d.person(t, chen), d.person(t, lu), d.person(t, tao), d.person(t, "zhanhe.zhujian.fu")
	view := func(name string, shared bool) commands.NewView {
		return commands.NewView{List: store.ViewedTasks, Name: name, Query: url.Values{"due": {"later", ""}, "cursor": {"x"}, "q": {"登记"}}, Shared: shared}
	}
	own, err := d.service.SaveView(ctx, handler, view(" 远期 ", false))
	require.NoError(t, err)
	shared, err := d.service.SaveView(ctx, handler, view("登记", true))
	require.NoError(t, err)
	names := func(actor casework.Actor) []string {
		page, err := d.service.Inbox(ctx, actor, store.TaskFilter{})
		require.NoError(t, err)
		var names []string
		for _, v := range page.Saved {
			names = append(names, v.Name)
			require.Equal(t, "due=later&q=%E7%99%BB%E8%AE%B0", v.Query, "only what narrows")
			narrowed, err := d.service.Inbox(ctx, actor, store.TaskFilter{Narrowing: v.Narrowing, Limit: commands.MaxPage})
			require.NoError(t, err)
			require.Len(t, narrowed.Tasks, v.Count)
		}
		return names
	}
	require.Equal(t, []string{"远期", "登记"}, names(handler))
	require.Equal(t, []string{"登记"}, names(colleague))
	require.Equal(t, []string{"登记"}, names(lead))
	require.Empty(t, names(other))

	refused := func(reason string, err error) {
		t.Helper()
		domain, ok := casework.AsError(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, reason, domain.Reason)
	}
	save := func(actor casework.Actor, v commands.NewView) error {
		_, err := d.service.SaveView(ctx, actor, v)
		return err
	}
	refused("view_name_taken", save(handler, view("远期", false)))
	refused("view_name_taken", save(colleague, view("登记", true)))
	require.NoError(t, save(colleague, view("登记", false)), "one's own may bear the name of a shared one")
	refused("required", save(handler, view("  ", false)))
	refused("view_name_too_long", save(handler, view(strings.Repeat("长", 31), false)))
	refused("invalid_text", save(handler, view("一\n二", false)))
	refused("unknown_value", save(handler, commands.NewView{List: store.ViewedTasks, Name: "怪", Query: url.Values{"view": {"odd"}}}))
	refused("search_for_person", save(handler, commands.NewView{List: store.ViewedTasks, Name: "电话", Query: url.Values{"q": {"12000000001"}}}))
	refused("personal_data", save(handler, view("找13800001234", false)))
	refused("unknown_value", save(handler, commands.NewView{List: store.ViewedTasks, Name: "x", Query: url.Values{"stage": {"odd"}}}))
	refused("unknown_value", save(handler, commands.NewView{List: "people", Name: "x"}))
	refused("not_allowed", save(d.person(t, ji), view("x", false)))
	for i := range 11 {
		require.NoError(t, save(handler, view(strings.Repeat("多", i+1), false)))
	}
	refused("too_many_views", save(handler, view("再多", false)))

	refused("view_not_found", d.service.DropView(ctx, colleague, own))
	refused("view_not_found", d.service.DropView(ctx, colleague, shared))
	refused("view_not_found", d.service.DropView(ctx, lead, own))
	refused("view_not_found", d.service.DropView(ctx, other, shared))
	require.NoError(t, d.service.DropView(ctx, lead, shared))
	require.NoError(t, d.service.DropView(ctx, handler, own))
	refused("view_not_found", d.service.DropView(ctx, handler, own))

	// The list of cases has views of its own, counted in one's own scope.
	matter := []rune(d.earlier.MatterName)
	_, err = d.service.SaveView(ctx, other, commands.NewView{List: store.ViewedCases, Name: "两个字", Query: url.Values{"q": {string(matter[:2])}}})
	require.NoError(t, err)
	views, err := d.service.ListViews(ctx, other)
	require.NoError(t, err)
	require.Len(t, views, 1)
	require.GreaterOrEqual(t, views[0].Count, 2, "both cases of the desk")

	choices, err := d.service.NarrowingChoices(ctx, other)
	require.NoError(t, err)
	require.Len(t, choices.Departments, 1, "a handler's own")
	require.NotEmpty(t, choices.Matters)
	require.Empty(t, choices.Regions)
	choices, err = d.service.NarrowingChoices(ctx, d.person(t, lin))
	require.NoError(t, err)
	require.Greater(t, len(choices.Departments), 3)
	require.NotEmpty(t, choices.Regions)
}

// TestNobodyIsSearchedForByNumber: what is shaped like a phone or an identity number
// is refused, in one word or several, and what is not is searched for.
func TestNobodyIsSearchedForByNumber(t *testing.T) {
	t.Parallel()
	parse := func(words ...string) error {
		_, err := commands.ParseNarrowing(casework.Actor{}, url.Values{"q": words})
		return err
	}
	for _, words := range [][]string{
		{"12000000001"},
		{"电话12000000001"},
		{"120 0000 0001"},
		{"120-0000-0001"},
		{"１２０００００００01"},
		{"120", "0000", "0001"},
		{"990000198001010011"},
		{"99000019800101001X"},
		{"990000-19800101-001X"},
		{"0375-1234567"},
	} {
		refused, ok := casework.AsError(parse(words...))
		require.True(t, ok, words)
		require.Equal(t, "search_for_person", refused.Reason, words)
		require.Equal(t, "q", refused.Field)
	}
	for _, words := range [][]string{
		{"410411-20261125-000001"}, {"410411-20261125"}, {"000001"}, {"2026-11-25 登记"}, {"窗口03 100元"}, {"12345", "不动产"},
	} {
		require.NoError(t, parse(words...), words)
	}
}
