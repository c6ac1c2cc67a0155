package app_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
)

// hostileValues are what no link and no form of ours sends.
func hostileValues() []string {
	return []string{"\x00", "a\xff", "9223372036854775808", "' OR '1'='1 (.*%_\\" + strings.Repeat("差", 700)}
}

// hostileCursors are places in lists that no list has given out.
func hostileCursors() []string {
	var all []string
	for _, text := range []string{
		`{}`, `null`, `[]`, `0`, `{"id":-1}`, `{"id":9223372036854775807}`, `{"id":9223372036854775808}`, `{"number":"\u0000"}`, `{"number":"x","seq":-1}`,
		`{"number":"x","at":"9999-12-31T23:59:59Z"}`, `{"number":"x","due_at":"0000-01-01T00:00:00Z"}`, `{"number":"\u0000","ended":true}`,
		`{"id":1,"due_at":"9999-12-31T23:59:59Z"}`, `{"id":1,"at":"0000-01-01T00:00:00Z"}`, `{"name":"\u0000","username":"\u0000","code":"\u0000","id":1}`,
	} {
		all = append(all, base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	return append(all, "%", "A", strings.Repeat("A", 4000))
}

// hostileNames are the names that addresses of lists carry.
func hostileNames() []string {
	return append(commands.NarrowingNames(), "view", "list", "person", "user_id", "from", "to", "number", "alarms", "unread", "format", "action", "field", "template")
}

// hostileFields are the names of the fields of forms, but for those of actions.
func hostileFields() []string {
	return []string{
		"name", "query", "list", "shared", "hint", "next", "by", "key", "version", "deed", "use", "up_to", "unread", "language", "quiet_from", "email", "code",
		"choice_new", "purpose", "kind", "body", "stage", "aspect", "matter", "said", "number", "action", "draft",
	}
}

// TestNothingThatIsSentBreaksADoor sends to every page, as one of each kind of
// people, what no link and no form of ours would. Whatever the answer is, it is one
// that was thought of: never a 500.
func TestNothingThatIsSentBreaksADoor(t *testing.T) {
	t.Parallel()
	h := build(t)
	_, all := readDoors(t, h)
	tried := 0
	broken := map[string]string{}
	try := func(d door, address, who, sent string, fields map[string]any) int {
		got := h.ask(t, d.method, address, who, fields)
		if tried++; got.status >= http.StatusInternalServerError && got.status != http.StatusServiceUnavailable {
			broken[d.method+" "+d.path] += fmt.Sprintf(" %q", sent)
		}
		return got.status
	}
	for _, d := range all {
		ofAction := d.action != "" && (d.action != casework.ActionClaim || !strings.Contains(d.path, "/drafts/"))
		if d.path == "/live" || d.path == "/admin/policy" || ofAction || speaksJSON(d.path) {
			continue // a stream, a page of work, and what has tests of its own
		}
		for _, who := range oneOfEach() {
			if status := try(d, h.at(d, h.number), who, "", h.fields(d)); status == http.StatusForbidden || status == http.StatusNotFound {
				continue
			}
			for _, address := range h.hostileAddresses(d) {
				try(d, address, who, address, h.fields(d))
			}
			// What would go on to the engine, which is away, waits for it.
			if d.method == http.MethodPost && d.action == "" && !strings.HasSuffix(d.path, "/bulk") && !strings.HasSuffix(d.path, "/training") {
				for _, name := range hostileFields() {
					for _, value := range hostileValues()[:3] {
						fields := map[string]any{}
						maps.Copy(fields, h.fields(d))
						fields[name] = value
						try(d, h.at(d, h.number), who, name+"="+value, fields)
					}
				}
			}
			break
		}
	}
	require.Empty(t, broken)
	require.Greater(t, tried, 3000)
}

// oneOfEach are people of the demo who together get through every door.
func oneOfEach() []string {
	return []string{"zhanhe.ziran.tao", "henan.jiandu.shen", "henan.shenji.lei", "henan.xitong.lou", "henan.anquan.chu"}
}

// hostileAddresses are those of a door with one thing in them that does not belong there.
func (h *house) hostileAddresses(d door) []string {
	var all []string
	for _, value := range hostileValues() {
		for _, hole := range []string{":number", ":id", ":page"} {
			if before, after, ok := strings.Cut(d.path, hole); ok {
				all = append(all, h.at(door{path: before}, h.number)+url.PathEscape(value)+h.at(door{path: after}, h.number))
			}
		}
		if d.method != http.MethodGet {
			continue
		}
		for _, name := range hostileNames() {
			all = append(all, h.at(d, h.number)+"?"+url.Values{name: {value}, "list": {"tasks"}}.Encode())
		}
	}
	if d.method == http.MethodGet {
		for _, cursor := range hostileCursors() {
			all = append(all, h.at(d, h.number)+"?cursor="+url.QueryEscape(cursor))
		}
	}
	return all
}
