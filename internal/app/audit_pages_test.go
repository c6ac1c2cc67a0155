package app_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/export"
	"guiling/internal/store"
	"guiling/policies/rules"
)

const auditor, handler, lead, supervisor = "zhanhe.shenji.gu", "zhanhe.ziran.chen", "zhanhe.ziran.tao", "zhanhe.jiandu.lin"

// comes brings in a review with words that somebody chose with care.
func (h *house) comes(t *testing.T, record, department, phone, words string) string {
	t.Helper()
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	require.NoError(t, w.WriteAll([][]string{
		strings.Split("projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime", ","),
		{record, "1", "410411000000", department, "410100101001", "不动产转移登记", "窗口09", "3", "赵某甲", "", phone, "1", "2", "213,208", words, "2026-11-01 09:00:00", "2026-11-02 10:00:00"},
	}))
	counts, err := app.OpenImporter(h.store).ImportReviews(t.Context(), "platform", record+".csv", &file)
	require.NoError(t, err)
	require.Equal(t, 1, counts.CasesOpened)
	number, err := h.store.CaseNumberOf(t.Context(), record)
	require.NoError(t, err)
	return number
}

// happens records an event as the workflow of a case would.
func (h *house) happens(t *testing.T, number, who string, at time.Time, body casework.EventBody) {
	t.Helper()
	data, err := json.Marshal(body)
	require.NoError(t, err)
	var user, organisation, role, rule any
	if who != "" {
		u, err := h.store.UserByName(t.Context(), who)
		require.NoError(t, err)
		user, organisation, role, rule = u.ID, u.Actor.OrganisationID, string(u.Actor.Roles[0]), "department-verifies"
	}
	_, err = h.owner.ExecContext(t.Context(), `
		INSERT INTO case_events (case_number, seq, key, kind, at, by_user_id, by_organisation_id, by_role, by_rule, article, body, build)
		SELECT $1, COALESCE(max(seq), 0) + 1, 'key-' || COALESCE(max(seq), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, 'test' FROM case_events WHERE case_number = $1`,
		number, string(body.Kind()), at, user, organisation, role, rule, body.Article(), data)
	require.NoError(t, err)
}

// fetch takes a file as somebody, and checks how it is named.
func (h *house) fetch(t *testing.T, who, path string) (name string, body []byte) {
	t.Helper()
	got, header := h.askWithHeader(t, path, who)
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, strconv.Itoa(len(got.body)), header.Get("Content-Length"))
	disposition, parameters, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	require.NoError(t, err)
	require.Equal(t, "attachment", disposition)
	require.NotContains(t, header.Get("Content-Disposition"), "案", "the header itself is ASCII")
	return parameters["filename"], []byte(got.body)
}

func readCSV(t *testing.T, data []byte) []map[string]string {
	t.Helper()
	text, marked := strings.CutPrefix(string(data), "\ufeff")
	require.True(t, marked)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, head := range rows[0] {
			require.NotContains(t, m, head, "two columns of one name")
			m[head] = row[i]
		}
		out = append(out, m)
	}
	return out
}

// TestListsAreTakenOut walks the lists as people take them out: narrowed as they
// are shown, as far as each may see, nobody's data in clear, and nothing that a
// spreadsheet calculates; and the auditor sees who took what.
func TestListsAreTakenOut(t *testing.T) {
	t.Parallel()
	h := build(t)
	const words = `=HYPERLINK("http://x.example","跑了四趟"),打12000000007`
	own := h.comes(t, "OUT-1", "湛河区自然资源局", "12000000007", words)
	other := h.comes(t, "OUT-2", "湛河区市场监督管理局", "12000000007", "慢")
	h.begins(t, own, time.Now())
	h.happens(t, own, handler, time.Now(), casework.CallbackRecorded{Attempt: 1, Reached: true, Words: "＝1＋1"})

	// The links are where the list is, for whom they are.
	page := h.ask(t, http.MethodGet, "/cases?stage=opened", lead, nil)
	require.Contains(t, page.body, `href="/cases/export?format=csv&amp;stage=opened"`)
	require.NotContains(t, h.ask(t, http.MethodGet, "/cases", handler, nil).body, "/cases/export")
	require.Equal(t, http.StatusForbidden, h.ask(t, http.MethodGet, "/cases/export", handler, nil).status)

	name, data := h.fetch(t, lead, "/cases/export?format=csv&stage=opened")
	today := casework.DateOf(time.Now()).String()
	require.Equal(t, "案件清单-湛河区自然资源局-"+today+".csv", name)
	rows := readCSV(t, data)
	byNumber := map[string]map[string]string{}
	for _, row := range rows {
		byNumber[row["案件编号"]] = row
	}
	require.Contains(t, byNumber, own)
	require.Contains(t, byNumber, h.number)
	require.NotContains(t, byNumber, other, "of another department")
	require.NotContains(t, byNumber, h.elsewhere)
	row := byNumber[own]
	require.True(t, strings.HasPrefix(row["评价人怎么说"], "'=HYPERLINK"), row["评价人怎么说"])
	require.Equal(t, strings.Replace(words, "12000000007", "120****0007", 1), export.Unguard(row["评价人怎么说"]))
	require.Equal(t, "已收到", row["环节"])
	require.Equal(t, "窗口09", row["窗口"])
	require.Equal(t, "2026-11-02 10:00:00", row["评价时间"])
	require.Equal(t, "是", row["实名"])
	for _, secret := range []string{"12000000007", "12000000001", "赵某甲", "990000198001010011"} {
		require.NotContains(t, string(data), secret)
	}
	empty, data := h.fetch(t, lead, "/cases/export?format=csv&stage=archived")
	require.NotEmpty(t, empty)
	require.Empty(t, readCSV(t, data), "narrowed as the list is")

	// A workbook, in the language of the person.
	name, data = h.fetch(t, supervisor, "/cases/export?format=xlsx")
	require.Equal(t, "案件清单-湛河区-"+today+".xlsx", name)
	book, err := excelize.OpenReader(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, []string{"案件清单", "说明"}, book.GetSheetList())
	sheet, err := book.GetRows("案件清单")
	require.NoError(t, err)
	found := false
	for i, line := range sheet {
		if line[0] != own {
			continue
		}
		found = true
		at, err := excelize.CoordinatesToCellName(5, i+1)
		require.NoError(t, err)
		formula, err := book.GetCellFormula("案件清单", at)
		require.NoError(t, err)
		require.Empty(t, formula)
		require.True(t, strings.HasPrefix(line[4], "=HYPERLINK"), "as it was written, as text")
	}
	require.True(t, found)
	about, err := book.GetRows("说明")
	require.NoError(t, err)
	require.Equal(t, []string{"行数", strconv.Itoa(len(sheet) - 1)}, about[5])
	english, header := h.askWithHeader(t, "/cases/export?format=csv", supervisor, "Accept-Language", "en")
	require.Contains(t, readCSV(t, []byte(english.body))[0], "Rating")
	require.Contains(t, header.Get("Content-Disposition"), "List%20of%20cases")

	// Events and looks.
	_, data = h.fetch(t, auditor, "/events/export?format=csv&number="+own)
	events := readCSV(t, data)
	require.Len(t, events, 2)
	require.Equal(t, "系统", events[1]["谁"])
	require.Equal(t, "陈禾溪", events[0]["谁"])
	require.Equal(t, "department-verifies", events[0]["依据的规则"])
	require.Contains(t, events[0]["情况和证据"], "＝1＋1")
	require.Equal(t, http.StatusForbidden, h.ask(t, http.MethodGet, "/events/export", supervisor, nil).status)
	require.Equal(t, http.StatusOK, h.ask(t, http.MethodPost, "/cases/"+own+"/reveal", handler, map[string]any{"purpose": "=回访"}).status)
	_, data = h.fetch(t, auditor, "/reveals/export?person="+url.QueryEscape("禾溪")+"&from="+today+"&to="+today)
	looks := readCSV(t, data)
	require.Len(t, looks, 1)
	require.Equal(t, "'=回访", looks[0]["用途"])

	// A name in the list leads to what that person did.
	chen, err := h.store.UserByName(t.Context(), handler)
	require.NoError(t, err)
	mine := "/events?user_id=" + strconv.FormatInt(chen.ID, 10)
	require.Contains(t, h.ask(t, http.MethodGet, "/events", auditor, nil).body, `href="`+mine+`"`)
	page = h.ask(t, http.MethodGet, mine+"&department="+strconv.FormatInt(chen.Actor.OrganisationID, 10), auditor, nil)
	require.Contains(t, page.body, `<input type="hidden" name="user_id" value="`+strconv.FormatInt(chen.ID, 10)+`">`)
	require.Contains(t, page.body, "第 1 次联系评价人")
	require.NotContains(t, page.body, "收到差评（", "by the clock")
	require.NotContains(t, h.ask(t, http.MethodGet, mine+"&department=1", auditor, nil).body, "第 1 次联系评价人")

	// What is wrong is a page and no file.
	for _, path := range []string{
		"/cases/export?format=pdf", "/cases/export?stage=x", "/events/export?kind=x", "/events/export?from=2026-13-01",
		"/events/export?from=2026-11-02&to=2026-11-01", "/reveals/export?user_id=-1", "/reveals?user_id=x", "/exports?user_id=0", "/exports?to=x",
	} {
		got, header := h.askWithHeader(t, path, auditor)
		require.Equal(t, http.StatusUnprocessableEntity, got.status, path)
		require.Empty(t, header.Get("Content-Disposition"), path)
		require.Contains(t, got.body, "<main", path)
	}

	// Another site lets nobody take anything out.
	for _, path := range []string{"/cases/export", "/cases/" + own + "/export"} {
		link := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		link.Header.Set("Sec-Fetch-Site", "cross-site")
		for _, cookie := range h.cookies[auditor] {
			link.AddCookie(cookie)
		}
		answer := httptest.NewRecorder()
		h.echo.ServeHTTP(answer, link)
		require.Equal(t, http.StatusForbidden, answer.Code, path)
		require.Empty(t, answer.Header().Get("Content-Disposition"), path)
	}

	// Who took what.
	page = h.ask(t, http.MethodGet, "/exports", auditor, nil)
	require.Equal(t, http.StatusOK, page.status)
	for _, said := range []string{"陶见山", "林致远", "顾鉴明", "stage=opened", "person=禾溪", "department-lead-exports", "supervisor-exports", "auditor-reads", "湛河区自然资源局"} {
		require.Contains(t, page.body, said)
	}
	require.Equal(t, 6, strings.Count(page.body, "<time "), "each file, and none that was refused")
	page = h.ask(t, http.MethodGet, "/exports?person="+url.QueryEscape("见山"), auditor, nil)
	require.Equal(t, 2, strings.Count(page.body, "<time "))
	require.NotContains(t, h.ask(t, http.MethodGet, "/exports?from=2020-01-01&to=2020-01-02", auditor, nil).body, "<time ")
}

// TestAuditorsViewOfACase: the story in columns, the looks, the whole case as a
// file, and nothing to press.
func TestAuditorsViewOfACase(t *testing.T) {
	t.Parallel()
	h := build(t)
	const odd = `<script>alert(1)</script>=1+1`
	h.begins(t, h.number, time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC))
	h.happens(t, h.number, handler, time.Date(2026, 11, 2, 4, 0, 0, 0, time.UTC), casework.CallbackRecorded{Attempt: 1, Reached: true, Words: odd, Outcome: "约定"})
	require.Equal(t, http.StatusOK, h.ask(t, http.MethodPost, "/cases/"+h.number+"/reveal", handler, map[string]any{"purpose": "电话回访<b>"}).status)

	require.Contains(t, h.ask(t, http.MethodGet, "/events", auditor, nil).body, `href="/cases/`+h.number+`/audit#event-2"`)
	require.Contains(t, h.ask(t, http.MethodGet, "/cases/"+h.number, auditor, nil).body, `href="/cases/`+h.number+`/audit"`)
	require.NotContains(t, h.ask(t, http.MethodGet, "/cases/"+h.number, handler, nil).body, "/audit")
	page := h.ask(t, http.MethodGet, "/cases/"+h.number+"/audit", auditor, nil)
	require.Equal(t, http.StatusOK, page.status, page.body)
	_, inner, _ := strings.Cut(page.body, "<main")
	for _, said := range []string{
		"收到差评", "第 1 次联系评价人", "department-verifies", "县级", "陈禾溪", "承办人", "湛河区自然资源局", "key-2", "电话回访&lt;b&gt;", "department-reveals-phone",
		"&lt;script&gt;", "为什么是这一天", "起算日", "没有系统修复记录", "没有人导出过本案", "顾鉴明",
	} {
		require.Contains(t, inner, said)
	}
	for _, never := range []string{"<form", "<button", "<input", "method=", "<script>alert", "12000000001", "赵某甲"} {
		require.NotContains(t, inner, never)
	}

	name, data := h.fetch(t, auditor, "/cases/"+h.number+"/export")
	require.Equal(t, "案件全卷-"+h.number+"-湛河区-"+casework.DateOf(time.Now()).String()+".zip", name)
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, archive.File, 2)
	read := func(name string) []byte {
		file, err := archive.Open(name)
		require.NoError(t, err)
		content, err := io.ReadAll(file)
		require.NoError(t, err)
		return content
	}
	evidence := read("events-" + h.number + ".json")
	var story struct {
		Events []struct {
			At   string         `json:"at"`
			Body map[string]any `json:"body"`
		} `json:"events"`
	}
	require.NoError(t, json.Unmarshal(evidence, &story))
	require.Len(t, story.Events, 2)
	require.Equal(t, "2026-11-02T04:00:00Z", story.Events[1].At)
	require.Equal(t, odd, story.Events[1].Body["words"])
	again, err := export.Canonical(json.RawMessage(evidence))
	require.NoError(t, err)
	require.Equal(t, string(evidence), string(again))
	book, err := excelize.OpenReader(bytes.NewReader(read("case-" + h.number + ".xlsx")))
	require.NoError(t, err)
	require.Equal(t, []string{"案件情况", "事件清单", "评价人信息查看记录", "系统修复记录", "导出记录"}, book.GetSheetList())
	rows, err := book.GetRows("事件清单")
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"2026-11-02 12:00:00", h.number, "2", "陈禾溪", "湛河区自然资源局", "县级", "承办人", "回访"}, rows[2][:8])
	require.Contains(t, rows[2], "key-2")
	looks, err := book.GetRows("评价人信息查看记录")
	require.NoError(t, err)
	require.Equal(t, "电话回访<b>", looks[1][4])
	facts, err := book.GetRows("案件情况")
	require.NoError(t, err)
	require.Contains(t, facts, []string{"依据", "第八条"}, "why the deadline is what it is")

	page = h.ask(t, http.MethodGet, "/cases/"+h.number+"/audit", auditor, nil)
	require.NotContains(t, page.body, "没有人导出过本案")
	require.Contains(t, h.ask(t, http.MethodGet, "/exports?number="+h.number, auditor, nil).body, "案件全卷")
}

// TestLinkedCasesOnThePages: those of the citizen, within one's scope, for whom the
// policy lets know.
func TestLinkedCasesOnThePages(t *testing.T) {
	t.Parallel()
	h := build(t)
	one := h.comes(t, "LINK-1", "湛河区自然资源局", "12000000009", "慢")
	two := h.comes(t, "LINK-2", "湛河区市场监督管理局", "12000000009", "还是慢")
	alone := h.comes(t, "LINK-3", "湛河区自然资源局", "12000000010", "慢")
	unknown := h.comes(t, "LINK-4", "湛河区自然资源局", "", "慢")
	_, err := h.owner.ExecContext(t.Context(), `
		UPDATE reviews SET reviewer_known = false, reviewer_sealed = NULL, reviewer_phone_index = NULL, reviewer_name_masked = '', reviewer_phone_masked = ''
		WHERE record_number = 'LINK-4'`)
	require.NoError(t, err)
	path := func(number string) string { return "/cases/" + number + "/reviewer-cases" }

	require.Contains(t, h.ask(t, http.MethodGet, "/cases/"+one, supervisor, nil).body, path(one))
	page := h.ask(t, http.MethodGet, path(one), supervisor, nil)
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.body, two)
	require.Contains(t, page.body, "湛河区市场监督管理局")
	for _, secret := range []string{"12000000009", "120****0009", "赵某甲", "赵*", "还是慢"} {
		require.NotContains(t, page.body, secret, "nothing of the citizen")
	}
	page = h.ask(t, http.MethodGet, path(one), handler, nil)
	require.Equal(t, http.StatusOK, page.status)
	require.NotContains(t, page.body, two, "another department's")
	require.Contains(t, page.body, "没有其他案件")
	require.Contains(t, h.ask(t, http.MethodGet, path(alone), supervisor, nil).body, "没有其他案件")
	require.NotContains(t, h.ask(t, http.MethodGet, "/cases/"+one, auditor, nil).body, path(one))
	require.Equal(t, http.StatusForbidden, h.ask(t, http.MethodGet, path(one), auditor, nil).status)
	require.NotContains(t, h.ask(t, http.MethodGet, "/cases/"+unknown, supervisor, nil).body, path(unknown), "there is nobody to ask about")

	// Who was rated does not learn who rated.
	_, err = h.owner.ExecContext(t.Context(), `UPDATE users SET staff_label = '窗口09' WHERE username = $1`, handler)
	require.NoError(t, err)
	require.NotContains(t, h.ask(t, http.MethodGet, "/cases/"+one, handler, nil).body, path(one))
	require.Equal(t, http.StatusForbidden, h.ask(t, http.MethodGet, path(one), handler, nil).status)
}

// begins records the opening of a case, as its workflow would.
func (h *house) begins(t *testing.T, number string, at time.Time) {
	t.Helper()
	pack, err := rules.Default()
	require.NoError(t, err)
	_, err = h.store.DrainOutbox(t.Context(), 1000, func(_ context.Context, e store.OutboxEntry) error {
		var start store.StartCase
		if err := json.Unmarshal(e.Payload, &start); err != nil || start.Number != number {
			return errors.Join(err, errors.New("not now"))
		}
		start.Opened.PackID, start.Opened.PackVersion, start.Opened.Limit = pack.ID, pack.Version, pack.Verification
		h.happens(t, number, "", at, start.Opened)
		return nil
	})
	require.NoError(t, err)
}

// askWithHeader is a GET of a page as somebody.
func (h *house) askWithHeader(t *testing.T, path, who string, headers ...string) (reply, http.Header) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.RemoteAddr = "127.0.0.1:40000"
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	for _, cookie := range h.cookies[who] {
		request.AddCookie(cookie)
	}
	recorder := httptest.NewRecorder()
	h.echo.ServeHTTP(recorder, request)
	return reply{status: recorder.Code, body: recorder.Body.String()}, recorder.Header()
}
