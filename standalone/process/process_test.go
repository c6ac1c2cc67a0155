// Package process_test starts the programs as people start them, and kills them
// as machines do.
package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// programs builds both programs once for the tests of this package.
func programs(t *testing.T) (standalone, guiling string) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	build := func(in, out, pkg string) string {
		path := filepath.Join(dir, out)
		command := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
		command.Dir = in
		output, err := command.CombinedOutput()
		require.NoError(t, err, string(output))
		return path
	}
	return build(filepath.Join(root, "standalone"), "guiling-standalone", "."), build(root, "guiling", "./cmd/guiling")
}

// running is a standalone process in a folder of its own.
type running struct {
	t       *testing.T
	folder  string // where a second shell would stand; the data are in var below it
	program string
	guiling string
	address string
	command *exec.Cmd
	output  *bytes.Buffer
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func (r *running) start() {
	r.t.Helper()
	r.output = new(bytes.Buffer)
	r.command = exec.CommandContext(context.WithoutCancel(r.t.Context()), r.program)
	r.command.Dir = r.folder
	r.command.Env = append(os.Environ(), "GUILING_DEMO=1", "GUILING_HTTP_ADDR="+r.address, "GUILING_DATABASE_URL=")
	r.command.Stdout, r.command.Stderr = r.output, r.output
	require.NoError(r.t, r.command.Start())
	require.Eventually(r.t, func() bool { return r.get("/readyz", "").status == http.StatusOK }, 3*time.Minute, 100*time.Millisecond,
		"ready")
}

// stop is Ctrl-C.
func (r *running) stop() {
	r.t.Helper()
	require.NoError(r.t, r.command.Process.Signal(os.Interrupt))
	require.NoError(r.t, r.command.Wait(), "%s", r.output)
}

// shell runs guiling in a second shell: no setting, the same folder.
func (r *running) shell(arguments ...string) string {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), r.guiling, arguments...)
	command.Dir = r.folder
	var errors bytes.Buffer
	command.Stderr = &errors
	output, err := command.Output()
	require.NoError(r.t, err, errors.String())
	return strings.TrimSpace(string(output))
}

// answer is what the API said, as far as these tests look.
type answer struct {
	status int
	body   struct {
		Code  string `json:"code"`
		Cases []struct {
			Number     string `json:"number"`
			Stage      string `json:"stage"`
			Department struct {
				Name string `json:"name"`
			} `json:"department"`
		} `json:"cases"`
		Tasks  []json.RawMessage `json:"tasks"`
		Events []struct {
			Kind string `json:"kind"`
			Body struct {
				Words string `json:"words"`
			} `json:"body"`
		} `json:"events"`
	}
}

func (r *running) get(path, token string) answer { return r.call(http.MethodGet, path, token, "", "") }

// call answers status 0 when nobody is there.
func (r *running) call(method, path, token, key, body string) answer {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.address+path, strings.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPost {
		request.Header.Set("If-Match", "*")
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}
	}
	a := answer{status: response.StatusCode}
	_ = json.Unmarshal(data, &a.body)
	return a
}

// all lists the cases that the bearer of a token may see.
func (r *running) all(token string) answer {
	r.t.Helper()
	a := r.get("/api/v1/cases?limit=200", token)
	require.Equal(r.t, http.StatusOK, a.status)
	return a
}

func sample(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "samples", name))
	require.NoError(t, err)
	return path
}

// openFolder is a folder that the system user of PostgreSQL can pass through.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "guiling-process-") //nolint:usetesting // t.TempDir lets nobody else pass
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o711)) //nolint:gosec // G302: that is the point of it
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	return folder
}

// TestNewcomer does what the README says, and then what it does not say: kills
// the process in mid-work and starts it again.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	program, guiling := programs(t)
	r := &running{t: t, folder: openFolder(t), program: program, guiling: guiling, address: freeAddress(t)}
	r.start()
	t.Cleanup(func() {
		if r.command.ProcessState == nil {
			_ = r.command.Process.Signal(os.Interrupt)
			_ = r.command.Wait()
		}
	})

	// Import from a second shell.
	const platform = `{"rows":400,"accepted":400,"negative":62,"cases_opened":62,"duplicates":0,"quarantined":0}`
	require.JSONEq(t, platform, r.shell("import", "--codebook", "platform", "--json", sample(t, "platform-2026-11.csv")))
	const again = `{"rows":400,"accepted":0,"negative":62,"cases_opened":0,"duplicates":400,"quarantined":0}`
	require.JSONEq(t, again, r.shell("import", "--codebook", "platform", "--json", sample(t, "platform-2026-11.csv")))

	// 62 cases begin, and each lies in the inbox of its own department.
	province := r.shell("token", "create", "--user", "henan.jiandu.shen")
	require.Eventually(t, func() bool {
		begun := 0
		for _, c := range r.all(province).body.Cases {
			if c.Stage == "verification" {
				begun++
			}
		}
		return begun == 62
	}, time.Minute, 100*time.Millisecond)
	lead := r.shell("token", "create", "--user", "zhanhe.shichang.ge")
	inbox := r.get("/api/v1/tasks?limit=200", lead)
	require.Equal(t, http.StatusOK, inbox.status)
	ofDepartment := 0
	for _, c := range r.all(province).body.Cases {
		if c.Department.Name == "湛河区市场监督管理局" {
			ofDepartment++
		}
	}
	require.Positive(t, ofDepartment)
	require.Len(t, inbox.body.Tasks, ofDepartment)

	r.operatorsCommands()
	r.worksWithoutEngine(lead)

	// SIGKILL in mid-work, three times: every request is repeated until it is
	// answered, and has happened exactly once.
	handler := r.shell("token", "create", "--user", "zhanhe.shichang.bai")
	number := r.all(handler).body.Cases[0].Number
	const requests = 60
	for i := range requests {
		if i%20 == 10 {
			process := r.command.Process
			go func() { _ = process.Signal(syscall.SIGKILL) }()
		}
		key := fmt.Sprintf("callback-%d", i)
		body := fmt.Sprintf(`{"reached": true, "words": "第 %d 次"}`, i)
		for {
			a := r.call(http.MethodPost, "/api/v1/cases/"+number+"/actions/record-callback", handler, key, body)
			if a.status == http.StatusOK {
				break
			}
			if a.status == 0 { // the process is gone
				_ = r.command.Wait()
				r.start()
				continue
			}
			if a.body.Code == "request_in_flight" { // until the lease of the killed process has passed
				time.Sleep(500 * time.Millisecond)
				continue
			}
			require.Equal(t, http.StatusServiceUnavailable, a.status, a.body.Code)
		}
	}
	seen := map[string]int{}
	events := r.get("/api/v1/cases/"+number+"/events", handler)
	for _, e := range events.body.Events {
		if e.Kind == "callback_recorded" {
			seen[e.Body.Words]++
		}
	}
	require.Len(t, seen, requests, "nothing is lost")
	for words, n := range seen {
		require.Equal(t, 1, n, words)
	}

	// Ctrl-C stops all of it, and what was there is there.
	before := len(r.all(province).body.Cases)
	r.stop()
	_, err := os.Stat(filepath.Join(r.folder, "var", "postgres", "postmaster.pid"))
	require.ErrorIs(t, err, os.ErrNotExist, "PostgreSQL has stopped")
	r.start()
	require.Len(t, r.all(province).body.Cases, before)
	r.stop()
}

// worksWithoutEngine starts an api and a worker of their own, the way a province
// runs them, with a Temporal that is not there: pages and lists work, an action
// says that it cannot be carried out now, and the worker does not look healthy.
func (r *running) worksWithoutEngine(token string) {
	r.t.Helper()
	api, worker := freeAddress(r.t), freeAddress(r.t)
	for _, part := range []string{"api", "worker"} {
		command := exec.CommandContext(r.t.Context(), r.guiling, part)
		command.Dir = r.folder
		command.Env = append(os.Environ(),
			"GUILING_TEMPORAL_ADDRESS=127.0.0.1:1", "GUILING_HTTP_ADDR="+api, "GUILING_WORKER_HTTP_ADDR="+worker)
		require.NoError(r.t, command.Start())
		defer func() {
			require.NoError(r.t, command.Process.Signal(syscall.SIGTERM))
			require.NoError(r.t, command.Wait(), part)
		}()
	}
	alone := &running{t: r.t, address: api}
	require.Eventually(r.t, func() bool { return alone.get("/readyz", "").status == http.StatusOK }, time.Minute, 50*time.Millisecond)
	cases := alone.all(token).body.Cases
	require.NotEmpty(r.t, cases)
	refused := alone.call(http.MethodPost, "/api/v1/cases/"+cases[0].Number+"/actions/claim", token, "", "{}")
	require.Equal(r.t, http.StatusServiceUnavailable, refused.status)
	require.Equal(r.t, "engine_unavailable", refused.body.Code)
	deaf := &running{t: r.t, address: worker}
	require.Eventually(r.t, func() bool { return deaf.get("/readyz", "").status == http.StatusServiceUnavailable }, time.Minute, 50*time.Millisecond)
}

// TestDemo lives one case in seconds, beside whatever else runs.
func TestDemo(t *testing.T) {
	t.Parallel()
	program, _ := programs(t)
	command := exec.CommandContext(t.Context(), program, "demo")
	command.Dir = openFolder(t)
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	for _, line := range []string{"超期：整改期限", "3 天，自动督办到上一级机构", "评价人答复：不满意", "电话回访，通过", "Archived"} {
		require.Contains(t, string(output), line)
	}
}

// operatorsCommands: what other rules would do, a calendar that is published, and a
// look whether database and engine agree.
func (r *running) operatorsCommands() {
	r.t.Helper()
	var simulated struct {
		Summary casework.Simulation `json:"summary"`
		Moves   []struct {
			Number string `json:"number"`
		} `json:"moves"`
	}
	require.NoError(r.t, json.Unmarshal([]byte(r.shell("simulate", "--pack", "henan-2019", "--json")), &simulated))
	require.Equal(r.t, casework.Simulation{Looked: 62, Unmoved: 62}, simulated.Summary, "their own rules move nothing")
	require.Empty(r.t, simulated.Moves)

	draft, err := os.ReadFile(filepath.Join("..", "..", "policies", "rules", "henan-2019.yaml"))
	require.NoError(r.t, err)
	path := filepath.Join(r.folder, "draft.yaml")
	require.NoError(r.t, os.WriteFile(path, bytes.Replace(draft, []byte("days: 3\n"), []byte("days: 4\n"), 1), 0o600))
	require.NoError(r.t, json.Unmarshal([]byte(r.shell("simulate", "--pack", path, "--json")), &simulated))
	require.Equal(r.t, casework.Simulation{Looked: 62, Later: 62, LargestLater: 1}, simulated.Summary)
	require.Len(r.t, simulated.Moves, 62)

	holidays, err := os.ReadFile(filepath.Join("..", "..", "reference", "holidays-cn.csv"))
	require.NoError(r.t, err)
	path = filepath.Join(r.folder, "holidays.csv")
	require.NoError(r.t, os.WriteFile(path, append(holidays, "2027-01-01,holiday,元旦\n"...), 0o600))
	require.Contains(r.t, r.shell("calendar", "publish", path), "published, known through 2027-12-31")
	require.Contains(r.t, r.shell("calendar", "publish", path), "already published, nothing changed")
	require.Contains(r.t, r.shell("calendar", "list"), "2027-12-31-")

	require.JSONEq(r.t, `{"looked": 62, "repairs": {}, "failed": 0, "elsewhere": false}`, r.shell("reconcile", "--quiet", "0s", "--json"))
}
