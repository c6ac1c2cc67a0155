package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/testdb"
	"guiling/standalone/testworld"
)

// What tells who rated, as it comes in and as people write it down.
const (
	citizen      = "赵某甲"
	citizenID    = "990000198001010011"
	citizenPhone = "12000000001"
	grouped      = "120 0000 0001"
)

func traces() []string { return []string{citizen, citizenID, citizenPhone, grouped} }

// TestNoTraceOfTheCitizen lives one whole case, in which citizen and staff write
// names and numbers wherever they can, by pages and by API, and looks for them in
// everything that is left behind: all tables, the histories of the engine as they
// lie there, all logs of all processes, and all addresses. Worlds share a task queue,
// so it is alone in its own.
//
//nolint:paralleltest // see above
func TestNoTraceOfTheCitizen(t *testing.T) {
	w := testworld.New(t)
	header := "projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime\n"
	said := "我是" + citizen + "，打" + grouped + "，证件" + citizenID
	row := "TRACE-1,1," + zhanhe + "," + ziran + ",410100101001,不动产转移登记,窗口03,3," + citizen + "," + citizenID + "," + citizenPhone +
		",1,2,\"213,208\"," + said + ",2026-11-01 09:00:00,2026-11-02 10:00:00\n"
	// The second cannot be taken and waits in quarantine with all that it says.
	_, err := app.OpenImporter(w.Store).ImportReviews(t.Context(), "platform", "one.csv",
		strings.NewReader(header+row+strings.Replace(row, "TRACE-1,1", "TRACE-2,x", 1)))
	require.NoError(t, err)
	number, err := w.Store.CaseNumberOf(t.Context(), "TRACE-1")
	require.NoError(t, err)
	w.Await(t, number, casework.StageVerification)
	path := "/api/v1/cases/" + number

	seen := w.Call(t, chen, http.MethodPost, path+"/reveal", map[string]string{"purpose": "回访" + citizenPhone})
	require.Equal(t, http.StatusOK, seen.Status)
	require.Equal(t, citizenPhone, seen.Body["phone"])
	require.Equal(t, said, seen.Body["words"])
	status, page := w.Page(t, chen, http.MethodPost, "/cases/"+number+"/reveal", url.Values{"purpose": {"再次核对" + grouped}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, citizenPhone)

	w.Does(t, chen, number, casework.RecordCallback{Reached: true, Words: said, Outcome: citizen + "同意等待"})
	// A new main key, while the worker has the old one.
	_, err = w.Store.RotateKey(t.Context(), casework.By{})
	require.NoError(t, err)
	_, err = w.Store.RewrapDataKeys(t.Context(), casework.By{}, nil)
	require.NoError(t, err)
	w.Does(t, chen, number, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "属实，" + citizenPhone + "来电"})
	w.Does(t, chen, number, casework.SubmitRectification{Done: "已电话告知" + citizenPhone, Cause: casework.CauseGuide, Evidence: citizenID})
	w.Does(t, chen, number, casework.SendFeedback{Channel: casework.FeedbackSMS, Words: citizen + "，已改正"})
	w.Does(t, chen, number, casework.RecordAnswer{Answer: casework.AnswerSatisfied, Words: citizen + "说可以了"})
	require.Eventually(t, func() bool { return w.Case(t, number).Stage.Closed() }, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, 400, w.Call(t, chen, http.MethodPost, path+"/reveal", "x"+citizenPhone).Status)
	for user, paths := range map[string][]string{
		chen: {path, path + "/events", "/api/v1/cases", "/api/v1/tasks"}, gu: {"/api/v1/events", "/api/v1/reveals", path},
	} {
		for _, p := range paths {
			a := w.Call(t, user, http.MethodGet, p, nil)
			require.Equal(t, http.StatusOK, a.Status, p)
			text := testworld.Text(t, a.Body)
			for _, trace := range traces() {
				require.NotContains(t, text, trace, p)
			}
		}
	}
	for user, paths := range map[string][]string{chen: {"/cases", "/cases/" + number, "/tasks"}, gu: {"/events", "/reveals", "/cases/" + number}} {
		for _, p := range paths {
			status, page := w.Page(t, user, http.MethodGet, p, nil)
			require.Equal(t, http.StatusOK, status, p)
			for _, trace := range traces() {
				require.NotContains(t, page, trace, p)
			}
		}
	}
	require.EqualValues(t, 2, w.Call(t, gu, http.MethodGet, path, nil).Body["looks"])
	require.Eventually(t, func() bool { return strings.Contains(w.Logs(), "您的联系方式因办理本案被查看 2 次") }, 30*time.Second, 50*time.Millisecond)
	w.Reconcile(t)

	before := testworld.Kinds(w.Events(t, number))
	shredded, err := w.Store.Shred(t.Context(), casework.By{}, w.Events(t, number)[len(before)-1].At.Add(24*time.Hour), 10)
	require.NoError(t, err)
	require.Positive(t, shredded.Reviews)
	require.Equal(t, before, testworld.Kinds(w.Events(t, number)), "the history stays")
	status, page = w.Page(t, chen, http.MethodGet, "/cases/"+number, nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "评价人信息已经销毁")
	w.Reconcile(t)

	// Nothing was left behind.
	require.Empty(t, testdb.Find(t, w.OwnerURL(), traces()))
	require.Empty(t, tracesIn(w.Logs()))
	require.Empty(t, tracesIn(w.Addresses()))
	histories := rawHistories(t, w, number)
	require.Contains(t, histories, number)
	require.Empty(t, tracesIn(histories))

	// The search itself finds what is there.
	w.Exec(t, `UPDATE reviews SET words = words || $1 WHERE record_number = 'TRACE-1'`, citizenPhone)
	require.Equal(t, []string{"public.reviews.words: " + citizenPhone}, testdb.Find(t, w.OwnerURL(), traces()))
	_, err = w.Store.CaseNumberOf(context.WithoutCancel(t.Context()), citizenPhone)
	require.Error(t, err)
	w.Page(t, chen, http.MethodGet, "/nowhere?phone="+citizenPhone, nil)
	require.Equal(t, []string{citizenPhone}, tracesIn(w.Addresses()))
	w.Plant(citizenID)
	require.Equal(t, []string{citizenID}, tracesIn(w.Logs()))
}

func tracesIn(text string) []string {
	var found []string
	for _, trace := range traces() {
		if strings.Contains(text, trace) || strings.Contains(text, url.QueryEscape(trace)) || strings.Contains(text, url.PathEscape(trace)) {
			found = append(found, trace)
		}
	}
	return found
}

// rawHistories are the histories of all runs of a case, as bytes.
func rawHistories(t *testing.T, w *testworld.World, number string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, w.Engine.Histories(t.Context(), number, func(h *historypb.History) (bool, error) {
		data, err := proto.Marshal(h)
		all.Write(data)
		return true, err
	}))
	return all.String()
}
