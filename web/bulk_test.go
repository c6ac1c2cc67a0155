package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// claims are the forms of a list that claim one case.
func claims(p page) []*html.Node {
	var forms []*html.Node
	for _, form := range p.all("form", "data-once", "") {
		if path, _ := attribute(form, "action"); strings.HasSuffix(path, "/actions/claim") {
			forms = append(forms, form)
		}
	}
	return forms
}

// choose sends the bar of a list as a browser would, with some rows ticked.
func choose(t *testing.T, p page, numbers ...string) url.Values {
	t.Helper()
	sent := formOf(p.one(t, "form", "id", "bulk"))
	for _, n := range p.all("input", "form", "bulk") {
		name, _ := attribute(n, "name")
		value, _ := attribute(n, "value")
		if strings.HasPrefix(name, "version.") {
			sent.Set(name, value)
		}
	}
	if actions := offeredActions(p); sent.Get("action") == "" {
		sent.Set("action", actions[0]) // a browser shows the first
	}
	sent["number"] = numbers
	return sent
}

func offeredActions(p page) []string {
	var actions []string
	for _, bar := range p.all("select", "id", "bulk-action") {
		for n := range bar.Descendants() {
			if value, ok := attribute(n, "value"); ok && n.Data == "option" {
				actions = append(actions, value)
			}
		}
	}
	return actions
}

// overdue opens a case of which the verification is late.
func overdue(t *testing.T, b *bundle, i int) {
	t.Helper()
	b.office.clock(b.office.open(number(i), 9, nil), now)
}

func TestTheBarOffersWhatOneMay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	overdue(t, b, 1)
	caseAt(t, b, 2, "new")
	for _, tc := range []struct {
		who     store.User
		path    string
		actions []string
	}{
		{chen, "/tasks", []string{"claim"}},
		{tao, "/cases", []string{"claim", "assign", "remind"}},
		{lin, "/overdue", []string{"remind", "escalate", "take-over", "transfer"}},
		{lin, "/cases", []string{"remind", "escalate", "take-over", "transfer"}},
		{gu, "/cases", nil},
	} {
		b.signIn(tc.who)
		p := b.get(tc.path)
		require.Equal(t, tc.actions, offeredActions(p), "%s at %s", tc.who.Username, tc.path)
		boxes := p.all("input", "type", "checkbox", "name", "number")
		require.Equal(t, tc.actions != nil, len(boxes) > 0, "%s at %s", tc.who.Username, tc.path)
		for _, box := range boxes {
			number, _ := attribute(box, "value")
			require.Len(t, p.all("input", "name", "version."+number, "form", "bulk"), 1)
		}
	}
}

// Without JavaScript the next page says what will happen to how many, and nothing
// has happened yet.
func TestManyAreToldBeforehand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 4 {
		b.office.open(number(i), 0, nil)
	}
	b.signIn(chen)
	sent := choose(t, b.get("/tasks?view=unclaimed"), number(0), number(1), number(2), "none")
	p := b.do(http.MethodPost, "/bulk", sent)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Empty(t, b.office.sent)
	require.Contains(t, words(p.one(t, "p", "class", "g-consequence")), "将领取 3 件：由您承办，期限不变。")
	require.Contains(t, words(p.one(t, "main")), "有 1 件没有找到")
	require.Len(t, p.all("tr"), 4)
	form := p.one(t, "form", "id", "bulk-prepare")
	confirmed := formOf(form)
	confirmed["number"] = nil
	for _, n := range (page{root: form}).all("input", "name", "number") {
		value, _ := attribute(n, "value")
		confirmed["number"] = append(confirmed["number"], value)
	}
	require.Equal(t, []string{number(0), number(1), number(2)}, confirmed["number"])
	require.Equal(t, "/tasks?view=unclaimed", confirmed.Get("next"))

	p = b.do(http.MethodPost, "/bulk", confirmed)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, "3 件已领取", words(p.one(t, "div", "role", "status")))
	require.Empty(t, p.all("form", "id", "bulk-again"))
	require.Len(t, p.all("tr", "data-status", "done"), 3)
	for i := range 3 {
		require.Len(t, p.all("a", "href", "/cases/"+number(i)), 1)
	}
	require.Len(t, b.office.many, 1)
	require.Equal(t, sent.Get("key"), b.office.many[0].Key)
	require.Equal(t, casework.Claim{}, b.office.many[0].Command)
	require.Equal(t, commands.ManyItem{Number: number(0), Version: 1}, b.office.many[0].Items[0])

	// Sent again, nothing more happens.
	b.do(http.MethodPost, "/bulk", confirmed)
	require.Equal(t, 2, b.office.cases[0].row.Version)
}

// TestMixedResults: each row says what came of it and why, what did not succeed
// first, and only what may still be done is offered again.
func TestMixedResults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 5 {
		b.office.open(number(i), 0, nil)
	}
	b.signIn(chen)
	list := b.get("/tasks")
	b.office.does(t, b.office.cases[1], lu, 0, casework.Claim{})
	b.office.does(t, b.office.cases[2], lin, 0, casework.Withdraw{Reason: "评价人撤回"})
	sent := choose(t, list, number(0), number(1), number(2), "none", number(3))
	sent.Set("said", "yes")
	sent.Set("version.none", "1")
	b.office.answer = &casework.Error{Code: casework.CodeUnavailable, Reason: "not_done_yet", Detail: "no answer"} // for the first
	p := b.do(http.MethodPost, "/bulk", sent)
	require.Equal(t, http.StatusOK, p.StatusCode)
	summary := words(p.one(t, "div", "role", "status"))
	require.Contains(t, summary, "1 件已领取，4 件未成")
	rows := p.all("tr")[1:]
	require.Len(t, rows, 5)
	require.Contains(t, words(rows[0]), "没有得到答复，可能还没有办成。")
	require.Contains(t, words(rows[3]), "没有找到")
	require.Contains(t, words(rows[4]), "已领取。")
	require.Empty(t, page{root: rows[3]}.all("a"), "what is not there is no link")

	again := formOf(p.one(t, "form", "id", "bulk-again"))
	require.Equal(t, sent.Get("key"), again.Get("key"), "the same request: what was done is found done")
	require.Equal(t, "yes", again.Get("said"))
	var numbers []string
	for _, n := range (page{root: p.one(t, "form", "id", "bulk-again")}).all("input", "name", "number") {
		value, _ := attribute(n, "value")
		numbers = append(numbers, value)
	}
	require.Contains(t, numbers, number(0))
	require.NotContains(t, numbers, number(3))
	require.NotContains(t, numbers, "none")
	again["number"] = []string{number(0)}
	require.Equal(t, "1 件已领取", words(b.do(http.MethodPost, "/bulk", again).one(t, "div", "role", "status")))
}

func TestWhoComesSecondToManyIsToldByWhom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.office.open(number(1), 0, nil)
	b.office.does(t, c, lu, 0, casework.Claim{})
	b.signIn(chen)
	p := b.do(http.MethodPost, "/bulk", url.Values{
		"action": {"claim"}, "number": {number(1)}, "version." + number(1): {"2"}, "key": {"k"}, "said": {"yes"}, "next": {"/tasks"},
	})
	require.Contains(t, words(p.all("tr")[1]), "案件已由陆一帆领取")
	require.Contains(t, words(b.get("/cases/"+number(1)).one(t, "ul", "class", "g-blocked")), "案件已由陆一帆领取")
}

// What is missing is asked for beside its field, and nothing typed is lost.
func TestManyAskForWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	overdue(t, b, 1)
	b.signIn(lin)
	sent := choose(t, b.get("/overdue"), number(1))
	sent.Set("action", "escalate")
	p := b.do(http.MethodPost, "/bulk", sent)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Empty(t, p.all("div", "role", "alert"), "nobody has erred yet")
	require.Contains(t, words(p.one(t, "p", "class", "g-consequence")), "将督办 1 件")

	sent.Set("said", "yes")
	p = b.do(http.MethodPost, "/bulk", sent)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "请填写“督办理由”。")
	p.one(t, "textarea", "aria-invalid", "true")

	sent.Set("action", "transfer")
	sent.Set("reason", "第一行\r\n第二行")
	p = b.do(http.MethodPost, "/bulk", sent)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Equal(t, "第一行\n第二行", rawText(p.one(t, "textarea", "name", "reason")))
	require.True(t, offers(p.one(t, "form", "id", "bulk-prepare"), "department_id", "6"))
	require.Empty(t, b.office.many)
	sent.Set("department_id", "6")
	p = b.do(http.MethodPost, "/bulk", sent)
	require.Contains(t, words(p.one(t, "div", "role", "status")), "1 件已移交")
	require.Equal(t, casework.Transfer{DepartmentID: 6, Reason: "第一行\n第二行"}, b.office.many[0].Command)

	none := choose(t, b.get("/cases"))
	none.Set("said", "yes")
	p = b.do(http.MethodPost, "/bulk", none)
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode)
	require.Contains(t, words(p.one(t, "div", "role", "alert")), "还没有选案件")
}

func TestOddBulkForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open(number(1), 0, nil)
	b.signIn(chen)
	good := url.Values{
		"action": {"claim"}, "number": {number(1)}, "version." + number(1): {"1"}, "key": {"k"}, "said": {"yes"}, "next": {"//elsewhere.example"},
	}
	with := func(name string, values ...string) url.Values {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form[name] = values
		return form
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = number(i)
	}
	for name, form := range map[string]url.Values{
		"no action": with("action"), "another action": with("action", "verify"), "two actions": with("action", "claim", "assign"),
		"two keys": with("key", "a", "b"), "no key": with("key"), "a long key": with("key", strings.Repeat("k", 65)),
		"no version": with("version." + number(1)), "an odd version": with("version."+number(1), "-1"),
		"too many": with("number", many...), "not text": with("number", "\xff"),
	} {
		p := b.do(http.MethodPost, "/bulk", form)
		require.GreaterOrEqual(t, p.StatusCode, http.StatusBadRequest, name)
		require.Less(t, p.StatusCode, http.StatusInternalServerError, name)
		require.Empty(t, b.office.many, name)
	}
	p := b.do(http.MethodPost, "/bulk", good)
	require.Empty(t, p.all("a", "href", "//elsewhere.example"))
	// Elsewhere a field still comes once.
	require.Equal(t, http.StatusBadRequest, b.do(http.MethodPost, "/cases/"+number(1)+"/actions/claim",
		url.Values{"number": {"a", "b"}, "key": {"k"}, "version": {"1"}}).StatusCode)
}

func TestBulkInEnglish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.open(number(1), 0, nil)
	b.office.open(number(2), 0, nil)
	b.signIn(tao)
	sent := choose(t, b.get("/cases"), number(1), number(2))
	sent.Set("action", "remind")
	sent.Set("said", "yes")
	sent["number"] = []string{number(1)}
	p := b.do(http.MethodPost, "/bulk", sent, "Accept-Language", "en")
	require.Equal(t, "Reminded of 1 case", words(p.one(t, "div", "role", "status")))
	sent.Set("key", "another")
	sent["number"] = []string{number(1), number(2)}
	p = b.do(http.MethodPost, "/bulk", sent, "Accept-Language", "en")
	require.Contains(t, words(p.one(t, "div", "role", "status")), "Reminded of 1 case")
	require.Contains(t, words(p.one(t, "tr", "data-status", "refused")), "You have reminded of this case today.")
}
