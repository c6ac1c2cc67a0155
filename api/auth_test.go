package api_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/api"
	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/store"
)

func (w *world) asks(handler http.Handler, authorization ...string) answer {
	w.t.Helper()
	header := http.Header{}
	for _, value := range authorization {
		header.Add("Authorization", value)
	}
	return w.send(handler, http.MethodGet, "/api/v1/cases?limit=1", nil, header)
}

func TestWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	good := w.tokens[lin]
	revoked, disabled, expired := w.issue(fu), w.issue(shi), w.issue(ren)
	_, err := w.owner().ExecContext(t.Context(), `
		UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE user_id = (SELECT id FROM users WHERE username = $1)`, ren)
	require.NoError(t, err)
	_, err = w.owner().ExecContext(t.Context(), `
		UPDATE api_tokens SET revoked_at = now() WHERE user_id = (SELECT id FROM users WHERE username = $1)`, fu)
	require.NoError(t, err)
	_, err = w.owner().ExecContext(t.Context(), `UPDATE users SET disabled_at = now() WHERE username = $1`, shi)
	require.NoError(t, err)

	for _, c := range []struct {
		name   string
		header []string
		code   string
	}{
		{"no header", nil, "not_signed_in"},
		{"an empty header", []string{""}, "not_signed_in"},
		{"two headers", []string{"Bearer " + good, "Bearer " + good}, "not_signed_in"},
		{"another scheme", []string{"Basic " + good}, "not_signed_in"},
		{"no scheme", []string{good}, "not_signed_in"},
		{"no token", []string{"Bearer "}, "wrong_token"},
		{"something else", []string{"Bearer let-me-in"}, "wrong_token"},
		{"SQL", []string{"Bearer ' OR '1'='1"}, "wrong_token"},
		{"two tokens", []string{"Bearer " + good + " " + good}, "wrong_token"},
		{"half a token", []string{"Bearer " + good[:len(good)-4]}, "wrong_token"},
		{"an unknown token", []string{"Bearer guiling_" + base64.RawURLEncoding.EncodeToString(make([]byte, 32))}, "not_signed_in"},
		{"an expired token", []string{"Bearer " + expired}, "not_signed_in"},
		{"a revoked token", []string{"Bearer " + revoked}, "not_signed_in"},
		{"a disabled person", []string{"Bearer " + disabled}, "not_signed_in"},
	} {
		a := w.asks(w.handler, c.header...)
		require.Equal(t, http.StatusUnauthorized, a.status, c.name)
		require.Equal(t, c.code, a.code(), c.name)
		require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer", c.name)
		require.Equal(t, "no-store", a.header.Get("Cache-Control"), c.name)
		require.NotContains(t, a.text, good, c.name)
	}
	require.Equal(t, http.StatusOK, w.asks(w.handler, "Bearer "+good).status)
	require.Equal(t, http.StatusOK, w.asks(w.handler, "bearer "+good).status, "the scheme is not case-sensitive")
}

func TestInventedPeopleAreNobodyWithoutTheDemo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	organisation := w.users[0].Actor.OrganisationID
	_, err := w.store.CreateUser(t.Context(), store.NewUser{
		Username: "real", DisplayName: "真实", OrganisationID: organisation, Roles: []casework.Role{casework.RoleHandler},
	})
	require.NoError(t, err)
	people, err := identity.New(identity.Options{Users: w.store, Demo: false, Now: time.Now})
	require.NoError(t, err)
	handler := w.register(people)

	a := w.asks(handler, "Bearer "+w.tokens[lin])
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Equal(t, "not_signed_in", a.code())
	require.Equal(t, http.StatusOK, w.asks(handler, "Bearer "+w.issue("real")).status)
}

// TestNobodyGetsAnInternalError walks every route as everybody of the demo.
func TestNobodyGetsAnInternalError(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.begin()
	number := w.aCase()
	outcomes := map[string]map[int]int{}
	for _, r := range api.Routes() {
		for _, action := range actionsOf(r) {
			path := pathOf(r, number, action)
			for _, body := range []any{nil, "", "{}", map[string]string{"purpose": "回访"}} {
				a := w.send(w.handler, r.Method, path, body, http.Header{"Content-Type": {"application/json"}})
				require.Equal(t, http.StatusUnauthorized, a.status, "%s %s", r.Method, path)
			}
			var body any = map[string]string{"purpose": "回访"}
			if action != "" {
				body = documented(t).actionBody().Examples[string(action)].Value.Value
			}
			if r.Path == bulkPath {
				body = reminding(number)
			}
			for _, user := range w.users {
				a := w.call(user.Username, r.Method, path, body)
				require.Less(t, a.status, http.StatusInternalServerError, "%s: %s %s: %s", user.Username, r.Method, path, a.text)
				require.NotEqual(t, http.StatusUnauthorized, a.status)
				if outcomes[r.Path] == nil {
					outcomes[r.Path] = map[int]int{}
				}
				outcomes[r.Path][a.status]++
			}
		}
	}
	for path, statuses := range outcomes {
		if path == "/api/v1/cases/:number/attachments/:id" {
			require.Equal(t, []int{http.StatusNotFound}, slices.Collect(maps.Keys(statuses)), "the case has no file; TestAttachments has")
			continue
		}
		require.Greater(t, len(statuses), 1, "%s is the same to everybody: %v", path, statuses)
	}
}

func actionsOf(r api.Route) []casework.Action {
	if r.Action == "" {
		return casework.Actions()
	}
	return []casework.Action{""}
}

func TestEveryRouteHasItsAction(t *testing.T) {
	t.Parallel()
	for _, r := range api.Routes() {
		if r.Path == "/api/v1/cases/:number/actions/:action" {
			require.Empty(t, r.Action)
			continue
		}
		if r.TakesFile {
			require.Equal(t, casework.ActionAttachFile, r.Action)
			continue
		}
		require.Contains(t, casework.LookingActions(), r.Action, "%s %s", r.Method, r.Path)
		if r.Method != http.MethodGet && r.Path != bulkPath { // whose body names its action
			require.Equal(t, casework.ActionReveal, r.Action, "what changes something is an action, or a recorded look")
		}
	}
}

// TestATokenThatReadsOnly walks every route: what is not read is refused, whoever
// the person is.
func TestATokenThatReadsOnly(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token, err := w.people.IssueToken(t.Context(), lin, identity.TokenRequest{Name: "reads", Scope: store.TokenReads, Life: time.Hour})
	require.NoError(t, err)
	number := w.aCase()
	for _, r := range api.Routes() {
		path := pathOf(r, number, casework.ActionEscalate)
		a := w.send(w.handler, r.Method, path, "{}", http.Header{
			"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}, "If-Match": {"*"},
		})
		if r.Method == http.MethodGet {
			require.NotEqual(t, "token_reads_only", a.code(), path)
		} else {
			require.Equal(t, http.StatusForbidden, a.status, path)
			require.Equal(t, "token_reads_only", a.code())
		}
	}
}
