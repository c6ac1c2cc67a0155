package web_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/internal/strictyaml"
	"guiling/policies"
)

func catalogue(t *testing.T, tag string) map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("i18n", tag, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]any{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var messages map[string]any
		require.NoError(t, strictyaml.Decode(data, &messages))
		maps.Copy(all, messages)
	}
	return all
}

func list[T ~string](values []T) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// families are the keys that are made of a prefix and a value of the domain.
func families() map[string][]string {
	bools := []string{"yes", "no"}
	all := map[string][]string{
		"stage.": list(casework.Stages()), "clock_none.": list(casework.Stages()), "next.": list(casework.Stages()),
		"role.": list(casework.Roles()), "level.": list(casework.AdminLevels()), "rating.": list(casework.RatingLevels()),
		"aspect.": list(casework.Aspects()), "channel.": list(casework.Channels()), "cause.": list(casework.CauseCategories()),
		"feedback.": list(casework.FeedbackChannels()), "pause.": list(casework.PauseCategories()),
		"method.": list(casework.SpotCheckMethods()), "kind.": list(casework.EventKinds()), "repair.": list(store.RepairKinds()), "admin_kind.": list(store.AdminKinds()),
		"admin_field.": {
			"display_name", "position", "staff_label", "organisation_id", "roles", "disabled", "username", "version", "rules", "expires_at",
			"issuer", "subject", "name", "region_code", "kind", "body", "stage", "aspect", "matter_code",
		},
		"row_outcome.": list(store.RowOutcomes()), "organisation_kind.": {"authority", "department"},
		"people.done.":  {"created", "changed", "roles", "disabled", "enabled", "sessions_ended"},
		"account.done.": {"password", "sessions", "token", "first_password"},
		"notification.": list(casework.NoticeKinds()), "notification_group.": list(casework.NoticeGroups()), "notification_group_help.": list(casework.NoticeGroups()),
		"mail_choice.": list(store.MailChoices()), "language.": {"zh-CN", "en"},
		"notifications.done.": {"read", "saved", "code_sent", "email_removed", "email_confirmed"},
		"text_kind.":          list(casework.TextKinds()), "texts.done.": {"created", "changed", "retired"},
		"policy.done.": {"published"}, "policy.effect_": {"allow", "deny"}, "policy.miss.": {"role", "actor_level", "case_level", "when", "relation"},
		"policy.reason.": {
			policies.ReasonRuleAllows, policies.ReasonRuleDenies, policies.ReasonNothingAllows, policies.ReasonNotLoaded, policies.ReasonActorUnknown,
			policies.ReasonActionUnknown, policies.ReasonObjectIncomplete, policies.ReasonObjectContradictory, policies.ReasonPolicyFailed, policies.ReasonPolicyDisagrees,
		},
		"position.": list(policies.Positions()), "circumstance.": list(policies.Circumstances()), "relation.": list(policies.Relations()),
		"way.":             list(store.SignInWays()),
		"outcome_sign_in.": list(store.SignInOutcomes()),
		"token_scope.":     list(store.TokenScopes()),
		"view.":            list(store.TaskViews()), "inbox.empty.": list(store.TaskViews()), "inbox.empty_next.": list(store.TaskViews()),
		"due_bucket.": list(store.DueBuckets()),
		"quick.":      {"due.overdue", "due.today", "due.soon", "escalated.true", "reopened.true"},
		"narrowing.": {
			"q", "stage", "kind", "due", "level", "region", "department", "matter", "channel", "aspect", "handler", "open", "overdue", "escalated",
			"reopened",
		},
		"narrowing.handler.": {"me", "none"},
		"alarm.":             list(store.AlarmKinds()), "key_status.": {"primary", "reads", "destroyed", "missing"},
		"outcome.": list([]casework.VerificationOutcome{casework.OutcomeFixedAtOnce, casework.OutcomeComplex, casework.OutcomeNoLegalBasis}),
		"ground.":  list([]casework.InvalidGround{casework.GroundMalicious, casework.GroundMistaken}),
		"answer.":  list([]casework.Answer{casework.AnswerSatisfied, casework.AnswerUnsatisfied}),
		"clock.":   list([]casework.ClockKind{casework.ClockVerification, casework.ClockRectification, casework.ClockExplanation, casework.ClockAnswer}),
		"reopen.":  list([]casework.ReopenCause{casework.ReopenUnsatisfied, casework.ReopenSpotCheckFailed}),
		"close.": list([]casework.CloseCause{
			casework.ClosedSatisfied, casework.ClosedNoAnswer, casework.ClosedReviewerUnknown, casework.ClosedBySupervisor,
		}),
		"check.": list([]casework.SpotCheckReason{casework.CheckDrawn, casework.CheckIntegrity, casework.CheckReopened, casework.CheckEscalated}),
		"limit.": list([]casework.CountKind{casework.CountNatural, casework.CountWorking}),
		"task.": list([]casework.TaskKind{
			casework.TaskVerify, casework.TaskExplain, casework.TaskRectify, casework.TaskSendFeedback, casework.TaskDecideInvalid,
			casework.TaskDecideExtension, casework.TaskDecideReopening, casework.TaskSupervise, casework.TaskSpotCheck,
		}),
		"waiting.": list([]casework.TaskKind{
			casework.TaskVerify, casework.TaskExplain, casework.TaskRectify, casework.TaskSendFeedback, casework.TaskDecideInvalid,
			casework.TaskDecideExtension, casework.TaskDecideReopening, casework.TaskSupervise, casework.TaskSpotCheck,
		}),
		"step.": {"limit", "extension", "pause", "roll"}, "steps.": {"0", "1", "2", "3", "4"}, "on_time.": bools,
		"quote.":     {"note", "reviewer_said", "outcome", "findings", "evidence", "reason", "done", "feedback"},
		"failure.":   {"not_found.words", "unavailable.words", "too_many.words", "internal.words"},
		"bulk.will.": list(commands.ManyActions()), "bulk.summary.": list(commands.ManyActions()), "bulk.status.": list(commands.RowStatuses()),
		"field.": nil, "help.": nil, "decide.": nil, "error.": nil, "event.": nil,
	}
	for _, kind := range []string{"forbidden", "not_found", "gone", "unavailable", "too_many", "internal", "invalid"} {
		all["failure."] = append(all["failure."], kind+".title", kind+".next")
	}
	for _, family := range []string{"action.", "button.", "consequence.", "done."} {
		all[family] = append(list(casework.Actions()), "record-answer.late")
		if family != "done." {
			all[family] = append(all[family], "transfer.back")
		}
	}
	for _, action := range casework.Actions() {
		if action == casework.ActionAttachFile {
			continue // its form asks for a file, and the fields come of it
		}
		for _, f := range casework.CommandFields(action) {
			all["field."] = append(all["field."], string(action)+"."+f.Name)
			if f.Kind == "bool" && f.Name != "guide_changed" {
				all["decide."] = append(all["decide."], string(action)+".true", string(action)+".false")
			}
		}
	}
	variants := map[casework.EventKind][]string{
		"callback_recorded": bools, "invalid_decided": bools, "extension_decided": bools, "reopening_decided": bools,
		"spot_check_recorded": bools, "answer_recorded": {"satisfied", "unsatisfied"},
		"late_answer_recorded": {"satisfied", "unsatisfied"}, "calendar_adopted": {"", "moved", "same"}, "transferred": {"", "back"},
		"feedback_sent": {"", "none"}, "escalated": {"", "manual", "at_once", "unsatisfied"}, "reminded": {"", "department"}, "rectified": {"", "guide"},
	}
	for _, kind := range casework.EventKinds() {
		if len(variants[kind]) == 0 {
			variants[kind] = []string{""}
		}
		for _, v := range variants[kind] {
			all["event."] = append(all["event."], strings.TrimSuffix(string(kind)+"."+v, "."))
		}
	}
	return all
}

// reasons collects why the code refuses things, from its source.
func reasons(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`Invalid\(.{0,40}?,\s*"([a-z_]+)"`),
		regexp.MustCompile(`(?:Conflict|Forbidden|[uU]nauthorized)\(\s*"([a-z_]+)"`),
		regexp.MustCompile(`Reason:\s*"([a-z_]+)"`),
		regexp.MustCompile(`return false, "([a-z_]+)"`),
		regexp.MustCompile(`refuse\("(file_[a-z_]+)"`),
		regexp.MustCompile(`\breason(?:[A-Z]\w*)?\s*=\s*"([a-z_]+)"`), // the stage table's too
	}
	for _, folder := range []string{
		"internal/casework", "internal/attachments", "internal/commands", "internal/identity", "internal/intake", "internal/store", "internal/engine", "workflows", "api", "web", "policies/rules",
	} {
		files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, p := range patterns {
				for _, match := range p.FindAllStringSubmatch(string(source), -1) {
					found[match[1]] = true
				}
			}
		}
	}
	// store.notFound makes these of what it looked for.
	found["case_not_found"], found["user_not_found"], found["organisation_not_found"] = true, true, true
	return slices.Sorted(maps.Keys(found))
}

func TestCataloguesHaveTheSameKeys(t *testing.T) {
	t.Parallel()
	zh, en := catalogue(t, "zh-CN"), catalogue(t, "en")
	require.Equal(t, slices.Sorted(maps.Keys(zh)), slices.Sorted(maps.Keys(en)))
	for key, message := range zh {
		require.NotEmpty(t, message, key)
		require.NotEmpty(t, en[key], key)
		require.Equal(t, placeholders(message), placeholders(en[key]), "the placeholders of %s", key)
	}
}

// requireKey names the key that is missing, and not all that are there.
func requireKey(t *testing.T, messages map[string]any, key, where string) {
	t.Helper()
	_, ok := messages[key]
	require.True(t, ok, "%s: there is no %s", where, key)
}

// placeholders are what a message puts in, Count aside: “one” needs none.
func placeholders(message any) []string {
	texts := []any{message}
	if forms, ok := message.(map[string]any); ok {
		texts = slices.Collect(maps.Values(forms))
	}
	found := map[string]bool{}
	for _, text := range texts {
		for _, match := range regexp.MustCompile(`{{\.(\w+)}}`).FindAllStringSubmatch(fmt.Sprint(text), -1) {
			if match[1] != "Count" {
				found[match[1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func TestEveryReasonHasAMessage(t *testing.T) {
	t.Parallel()
	found := reasons(t)
	require.Greater(t, len(found), 50)
	for _, tag := range []string{"zh-CN", "en"} {
		messages := catalogue(t, tag)
		for _, reason := range found {
			requireKey(t, messages, "error."+reason, tag)
		}
	}
}

func TestEveryKeyIsUsedAndEveryUsedKeyIsThere(t *testing.T) {
	t.Parallel()
	messages, known := catalogue(t, "zh-CN"), families()
	used := map[string]bool{}
	use := func(where, key string) {
		requireKey(t, messages, key, where)
		used[key] = true
	}
	for prefix, values := range known {
		for _, value := range values {
			use("family "+prefix, prefix+value)
		}
	}
	for _, reason := range reasons(t) {
		use("reason", "error."+reason)
	}
	for _, key := range known["field."] {
		if _, ok := messages["help."+key]; ok {
			used["help."+key] = true
		}
	}

	templates, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	for _, file := range templates {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`\bt "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			use(file, match[1])
		}
		for _, match := range regexp.MustCompile(`\bprint "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			require.Contains(t, known, match[1], file)
		}
	}
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range sources {
		if !strings.HasSuffix(file, "_test.go") {
			useLiterals(t, file, messages, known, used)
		}
	}
	for key := range messages {
		require.True(t, used[key], "nobody uses %s", key)
	}
}

// useLiterals notes the keys that stand in a Go file, and fails for one that a
// call of T names and that is not there.
func useLiterals(t *testing.T, file string, messages map[string]any, known map[string][]string, used map[string]bool) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				if _, ok := messages[text]; ok {
					used[text] = true
				}
			}
		case *ast.CallExpr:
			selector, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "T" || len(n.Args) == 0 {
				return true
			}
			first := n.Args[0]
			for {
				sum, ok := first.(*ast.BinaryExpr)
				if !ok {
					break
				}
				first = sum.X
			}
			literal, ok := first.(*ast.BasicLit)
			if !ok {
				return true
			}
			key, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if strings.HasSuffix(key, ".") {
				require.Contains(t, known, key, file)
			} else {
				requireKey(t, messages, key, file)
			}
		}
		return true
	})
}

func TestWordsStandInTheCataloguesOnly(t *testing.T) {
	t.Parallel()
	han := func(r rune) bool { return unicode.Is(unicode.Han, r) }
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	scripts, err := filepath.Glob("static/*")
	require.NoError(t, err)
	for _, file := range slices.Concat(files, scripts) {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		require.False(t, strings.ContainsFunc(string(source), han), file)
	}
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok {
				require.False(t, strings.ContainsFunc(literal.Value, han), "%s: %s", file, literal.Value)
			}
			return true
		})
	}
}

func TestTemplatesHoldNoInlineScriptOrStyle(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotRegexp(t, `<style|\sstyle=|\son[a-z]+=|javascript:|<script>|https?://`, string(source), file)
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, stage := range []string{"verification", "rectification", "extension", "answer", "spot_check", "taken over", "archived", "twice", "merged"} {
		i = 10 * (i + 1) // an earlier case has the number before
		caseAt(t, b, i, stage)
		for _, u := range []store.User{chen, lin} {
			b.signIn(u)
			zh := b.do(http.MethodGet, "/cases/"+number(i), nil, "Accept-Language", "zh")
			en := b.do(http.MethodGet, "/cases/"+number(i), nil, "Accept-Language", "en")
			require.Len(t, en.all(""), len(zh.all("")), "%s: the same elements, each with its help", stage)
			require.Len(t, en.all("p", "class", "g-help"), len(zh.all("p", "class", "g-help")))
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lang := func(headers ...string) string {
		root := b.do(http.MethodGet, "/sign-in", nil, headers...).one(t, "html")
		value, _ := attribute(root, "lang")
		return value
	}
	require.Equal(t, "zh-CN", lang())
	require.Equal(t, "zh-CN", lang("Accept-Language", "fr, zh-TW;q=0.8, en;q=0.2"))
	require.Equal(t, "en", lang("Accept-Language", "en-GB,zh;q=0.5"))
	require.Equal(t, "zh-CN", lang("Accept-Language", "%%%"))

	p := b.do(http.MethodPost, "/language", url.Values{"language": {"en"}, "next": {"/sign-in?next=%2Ftasks"}})
	require.Equal(t, http.StatusSeeOther, p.StatusCode)
	require.Equal(t, "/sign-in?next=%2Ftasks", p.Header.Get("Location"))
	require.Equal(t, "en", lang("Accept-Language", "zh"), "the cookie goes before the header")

	b.do(http.MethodPost, "/language", url.Values{"language": {"xx"}, "next": {"https://elsewhere.example/"}})
	require.Equal(t, "zh-CN", lang("Accept-Language", "en"))
}
