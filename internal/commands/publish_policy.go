package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// maxPolicy bounds the text of rules, in bytes, maxNote the reason for them, in
// characters.
const (
	maxPolicy = 256 << 10
	maxNote   = 200
)

// PolicyDraft is rules that somebody wants to put in force.
type PolicyDraft struct {
	Body string
	Note string // why
	// After is the version that was seen: of two who publish at once, the second is told.
	After int
}

// PolicyCheck is what a draft would change.
type PolicyCheck struct {
	Line    int    // of what is wrong; 0 for the draft as a whole
	Problem string // empty: it loads
	Changes []policies.Difference
}

// CheckPolicy lints a draft and compares it with the rules in force. It changes
// nothing; only who may publish is answered.
func (s *Service) CheckPolicy(ctx context.Context, actor casework.Actor, body string) (PolicyCheck, error) {
	if _, err := s.administerAll(ctx, actor, casework.ActionPublishPolicy); err != nil {
		return PolicyCheck{}, err
	}
	draft, check := parsePolicy(body)
	if draft != nil {
		check.Changes = s.policy.Compare(draft)
	}
	return check, nil
}

func parsePolicy(body string) (*policies.Enforcer, PolicyCheck) {
	if len(body) > maxPolicy || !utf8.ValidString(body) || strings.ContainsRune(body, 0) {
		return nil, PolicyCheck{Problem: "text of at most 256 KiB is expected"}
	}
	draft, err := policies.Parse(body)
	if err == nil {
		return draft, PolicyCheck{}
	}
	if lint, ok := errors.AsType[*policies.LintError](err); ok {
		return nil, PolicyCheck{Line: lint.Line, Problem: lint.Problem}
	}
	return nil, PolicyCheck{Problem: err.Error()}
}

// PublishPolicy puts rules in force, on every process within a second. Rules that do
// not load are CodeInvalid; so are some by which the actor could not publish others:
// nobody might be left who can.
func (s *Service) PublishPolicy(ctx context.Context, actor casework.Actor, d PolicyDraft) (version int, err error) {
	by, err := s.administerAll(ctx, actor, casework.ActionPublishPolicy)
	if err != nil {
		return 0, err
	}
	draft, check := parsePolicy(d.Body)
	if check.Problem != "" {
		return 0, casework.Invalid("body", "policy_does_not_load", check.Problem)
	}
	root, err := s.store.RootRegion(ctx)
	if err != nil {
		return 0, err
	}
	if !draft.Decide(actor, casework.ActionPublishPolicy, policies.Object{RegionPath: root}).Allowed {
		return 0, casework.Invalid("body", "policy_locks_out", "by these rules you could not publish others")
	}
	return NewPolicy(ctx, s.store, d, by)
}

// NewPolicy is PublishPolicy without the question whether one may: for the command
// line, on the server itself. The draft loads.
func NewPolicy(ctx context.Context, st *store.Store, d PolicyDraft, by casework.By) (int, error) {
	note := strings.TrimSpace(d.Note)
	switch {
	case note == "":
		return 0, casework.Invalid("note", "required", "say why")
	case utf8.RuneCountInString(note) > maxNote || !utf8.ValidString(note):
		return 0, casework.Invalid("note", "text_too_long", "at most 200 characters")
	}
	// Of another version the store says that the draft comes too late.
	before, err := st.PolicyInForce(ctx)
	if err != nil {
		return 0, err
	}
	if before.Version == 0 {
		before.Body = policies.Shipped()
	}
	was, is := rulesIn(before.Body), rulesIn(d.Body)
	gone := slices.DeleteFunc(slices.Clone(was), func(line string) bool { return slices.Contains(is, line) })
	come := slices.DeleteFunc(slices.Clone(is), func(line string) bool { return slices.Contains(was, line) })
	return st.PublishPolicy(ctx, store.PolicyChange{
		After: d.After, Body: d.Body, Note: note, By: by,
		Was: map[string]any{"version": d.After, "rules": gone}, Is: map[string]any{"version": d.After + 1, "rules": come},
	})
}

// rulesIn gives the lines of a text that are rules, whether it loads or not.
func rulesIn(body string) []string {
	var lines []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// PolicyView is the rules in force, for people.
type PolicyView struct {
	InForce  int // the version; 0: those that the program ships with
	Newest   int // the version that was published last
	Rules    []policies.Rule
	Versions []store.Policy
	// Broken: the newest rules do not load here, and the ones before stay in force.
	Broken bool
	// MayPublish: the one who looks may put others in force.
	MayPublish bool
	Body       string // of the rules in force; only for who may publish
}

// versionsShown bounds the list of what was published.
const versionsShown = 50

// ViewPolicy shows the rules in force.
func (s *Service) ViewPolicy(ctx context.Context, actor casework.Actor) (PolicyView, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionReadPolicy, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return PolicyView{}, err
	}
	published, err := s.store.Policies(ctx, versionsShown)
	if err != nil {
		return PolicyView{}, err
	}
	view := PolicyView{Rules: s.policy.Rules(), Versions: published, Body: policies.Shipped()}
	for i, p := range published {
		if i == 0 {
			view.Newest = p.Version
		}
		if _, err := policies.Parse(p.Body); err == nil {
			view.InForce, view.Body = p.Version, p.Body
			break
		}
		view.Broken = true
	}
	root, err := s.store.RootRegion(ctx)
	if err != nil {
		return PolicyView{}, err
	}
	view.MayPublish = s.policy.Decide(actor, casework.ActionPublishPolicy, policies.Object{RegionPath: root}).Allowed
	if !view.MayPublish {
		view.Body = ""
	}
	return view, nil
}

// PolicyMatrix answers for one role, in one circumstance, from every position.
func (s *Service) PolicyMatrix(ctx context.Context, actor casework.Actor, role casework.Role, circumstance policies.Circumstance) ([]policies.Cell, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionReadPolicy, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return nil, err
	}
	if !role.Valid() || !slices.Contains(policies.Circumstances(), circumstance) {
		return nil, casework.Invalid("role", "unknown_value", "there is no such role or circumstance")
	}
	return slices.DeleteFunc(s.policy.Matrix(circumstance), func(c policies.Cell) bool { return c.Role != role }), nil
}

// Explanation is why somebody may do something to a case, or may not.
type Explanation struct {
	Person   store.User
	Decision policies.Decision
	Checks   []policies.RuleCheck
}

// ExplainPolicy tells why a person of the actor's subtree may, or may not, do something
// to a case that the actor sees. Administrators see no case and get CodeNotFound like for one that is
// not there.
func (s *Service) ExplainPolicy(ctx context.Context, actor casework.Actor, username string, action casework.Action, number string) (Explanation, error) {
	if _, err := s.authorize(ctx, actor, casework.ActionReadPolicy, policies.Object{RegionPath: actor.RegionPath}); err != nil {
		return Explanation{}, err
	}
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return Explanation{}, err
	}
	x, err := explain(ctx, s.store, s.policy, username, action, c.object)
	if err == nil && !slices.Contains(x.Person.Actor.RegionPath, actor.RegionCode) {
		return Explanation{}, &casework.Error{Code: casework.CodeNotFound, Reason: "user_not_found", Detail: "there is no such user"}
	}
	return x, err
}

// ExplainFor is ExplainPolicy for the operator of the server.
func ExplainFor(ctx context.Context, st *store.Store, e *policies.Enforcer, username string, action casework.Action, number string) (Explanation, error) {
	c, err := loadUnasked(ctx, st, number)
	if err != nil {
		return Explanation{}, err
	}
	return explain(ctx, st, e, username, action, c.object)
}

func explain(ctx context.Context, st *store.Store, e *policies.Enforcer, username string, action casework.Action, object policies.Object) (Explanation, error) {
	if !slices.Contains(casework.AllActions(), action) {
		return Explanation{}, casework.Invalid("action", "unknown_value", "there is no such action")
	}
	person, err := st.UserByName(ctx, username)
	if err != nil {
		return Explanation{}, err
	}
	decision, checks := e.Explain(person.Actor, action, object)
	return Explanation{Person: person, Decision: decision, Checks: checks}, nil
}
