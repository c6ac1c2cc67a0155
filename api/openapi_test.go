package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"guiling/api"
	"guiling/internal/casework"
	"guiling/internal/commands"
)

// document is the description of the API, as it is served.
type document struct{ *openapi3.T }

var loadDocument = sync.OnceValues(func() (document, error) {
	handler, err := api.OpenAPIHandler()
	if err != nil {
		return document{}, err
	}
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/openapi.json", nil)
	if err := handler(echo.New().NewContext(request, recorder)); err != nil {
		return document{}, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(recorder.Body.Bytes())
	return document{doc}, err
})

func documented(t *testing.T) document {
	t.Helper()
	doc, err := loadDocument()
	require.NoError(t, err)
	return doc
}

// jsonSchema judges values by JSON Schema 2020-12, dates included.
func jsonSchema() []openapi3.SchemaValidationOption {
	return []openapi3.SchemaValidationOption{
		openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation(),
		openapi3.WithStringFormatValidator("date", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDate)),
	}
}

// holdsAgainst compares an answer with what is written about it: status, media
// type, headers, and every field, also that there is none beside them.
func (d document) holdsAgainst(t *testing.T, method, path string, a answer) {
	t.Helper()
	operation := d.operation(method, path)
	if operation == nil {
		require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, a.status, "%s %s is not described", method, path)
		return
	}
	response := operation.Responses.Status(a.status)
	require.NotNil(t, response, "%s %s: %d is not described: %s", method, path, a.status, a.text)
	for name, header := range response.Value.Headers {
		if header.Value.Required {
			require.NotEmpty(t, a.header.Get(name), "%s %s: %d promises %s", method, path, a.status, name)
		}
	}
	for _, name := range []string{"ETag", "Idempotency-Replayed", "Retry-After", "WWW-Authenticate"} {
		if text := a.header.Get(name); text != "" {
			header := response.Value.Headers[name]
			require.NotNil(t, header, "%s %s: %d with %s is not described", method, path, a.status, name)
			var value any = text
			if number, err := strconv.Atoi(text); err == nil {
				value = float64(number)
			}
			require.NoError(t, header.Value.Schema.Value.VisitJSON(value, jsonSchema()...), "%s %s: %d: %s", method, path, a.status, name)
		}
	}
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	require.NoError(t, err)
	media := response.Value.Content[kind]
	require.NotNil(t, media, "%s %s: %d as %s is not described", method, path, a.status, kind)
	var value any
	require.NoError(t, json.Unmarshal([]byte(a.text), &value))
	require.NoError(t, media.Schema.Value.VisitJSON(value, jsonSchema()...), "%s %s: %d", method, path, a.status)
	require.Empty(t, undescribed("", value, media.Schema.Value), "%s %s: %d", method, path, a.status)
}

func (d document) operation(method, path string) *openapi3.Operation {
	for template, item := range d.Paths.Map() {
		pattern := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			return item.GetOperation(method)
		}
	}
	return nil
}

// undescribed lists the fields of value that none of the schemas knows.
func undescribed(at string, value any, schemas ...*openapi3.Schema) []string {
	var found []string
	switch value := value.(type) {
	case []any:
		var items []*openapi3.Schema
		for _, s := range flat(value, schemas) {
			if s.Items != nil {
				items = append(items, s.Items.Value)
			}
		}
		for _, item := range value {
			found = append(found, undescribed(at+"[]", item, items...)...)
		}
	case map[string]any:
		all := flat(value, schemas)
		for name, field := range value {
			var known []*openapi3.Schema
			for _, s := range all {
				if p := s.Properties[name]; p != nil {
					known = append(known, p.Value)
				}
			}
			if len(known) == 0 {
				found = append(found, at+"."+name)
				continue
			}
			found = append(found, undescribed(at+"."+name, field, known...)...)
		}
	}
	return found
}

// flat gives the schemas and all that they are composed of for this value.
func flat(value any, schemas []*openapi3.Schema) []*openapi3.Schema {
	var all []*openapi3.Schema
	for _, s := range schemas {
		all = append(all, s)
		for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
			all = append(all, flat(value, []*openapi3.Schema{part.Value})...)
		}
		if s.If != nil && s.Then != nil && s.If.Value.VisitJSON(value, jsonSchema()...) == nil {
			all = append(all, flat(value, []*openapi3.Schema{s.Then.Value})...)
		}
	}
	return all
}

// TestDocumentIsValid goes as far as kin-openapi knows 3.1, which is nearly all
// the way: it resolves references, refuses keywords that it does not know and
// forms that 3.1 no longer has, and judges examples by JSON Schema 2020-12. It
// takes "nullable", which means nothing since 3.1, so that is looked for here.
func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	doc := documented(t)
	require.True(t, doc.IsOpenAPI31OrLater())
	require.NoError(t, doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation(),
		openapi3.EnableSchemaFormatValidation(), openapi3.EnableSchemaPatternValidation(), openapi3.EnableMultiError()))

	// What is served is what was written: nothing got lost on the way to JSON.
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	written, err := openapi3.NewLoader().LoadFromData(text)
	require.NoError(t, err)
	asWritten, err := json.Marshal(written)
	require.NoError(t, err)
	asServed, err := json.Marshal(doc.T)
	require.NoError(t, err)
	require.JSONEq(t, string(asWritten), string(asServed))
	require.NotContains(t, string(text), "nullable:")
	require.NotRegexp(t, `1[3-9][0-9]{9}\b`, string(text), "no number that a telephone could have")
}

func TestDocumentListsTheRoutes(t *testing.T) {
	t.Parallel()
	doc := documented(t)
	var written, served []string
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			written = append(written, method+" "+path)
			require.NotEmpty(t, operation.OperationID)
			require.NotNil(t, operation.Responses.Status(http.StatusUnauthorized))
			require.Nil(t, operation.Security, "no route goes without the token of the document")
		}
	}
	require.NotEmpty(t, doc.Security)
	for _, r := range api.Routes() {
		served = append(served, r.Method+" "+regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(r.Path, "{$1}"))
	}
	require.ElementsMatch(t, served, written)
}

func (d document) schema(t *testing.T, name string) *openapi3.Schema {
	t.Helper()
	require.Contains(t, d.Components.Schemas, name)
	return d.Components.Schemas[name].Value
}

func (d document) actionBody() *openapi3.MediaType {
	return d.Paths.Value("/api/v1/cases/{number}/actions/{action}").Post.RequestBody.Value.Content["application/json"]
}

func TestDocumentListsTheFieldsOfEveryAction(t *testing.T) {
	t.Parallel()
	doc := documented(t)
	var refs []string
	for _, s := range doc.actionBody().Schema.Value.AnyOf {
		refs = append(refs, s.Ref)
	}
	kinds := map[string]string{"boolean": "bool", "integer": "int", "string": "string"}
	for i, action := range casework.Actions() {
		name := "action-" + string(action)
		require.Equal(t, "#/components/schemas/"+name, refs[i])
		schema := doc.schema(t, name)
		require.NotNil(t, schema.AdditionalProperties.Has, name)
		require.False(t, *schema.AdditionalProperties.Has, "%s: unknown fields are refused", name)
		var written []casework.CommandField
		for field, property := range schema.Properties {
			require.Len(t, property.Value.Type.Slice(), 1, "%s.%s", name, field)
			kind := kinds[property.Value.Type.Slice()[0]]
			if property.Value.Format == "date" {
				kind = "date"
			}
			written = append(written, casework.CommandField{Name: field, Kind: kind})
		}
		require.ElementsMatch(t, casework.CommandFields(action), written, name)
	}
	require.Len(t, refs, len(casework.Actions()))
}

// Both judge the same bodies: what the description allows is taken, and what it
// does not is refused. That shows the required fields, also where one is
// required only because of another.
func TestActionsAreDecodedAsDescribed(t *testing.T) {
	t.Parallel()
	doc := documented(t)
	bodies := map[casework.Action][]map[string]any{
		casework.ActionRecordCallback:  {{"reached": false, "words": "无人接听", "outcome": "改日再打"}},
		casework.ActionVerify:          {{"outcome": "fixed_at_once", "findings": "属实", "done": "当场补办", "cause": "skill", "evidence": "照片", "guide_changed": true}},
		casework.ActionRecordAnswer:    {{"answer": "unsatisfied", "words": "还是要旧材料"}},
		casework.ActionDecideExtension: {{"grant": false, "reason": "理由不足"}},
	}
	examples := doc.actionBody().Examples
	require.Len(t, examples, len(casework.Actions()))
	for _, action := range casework.Actions() {
		require.Contains(t, examples, string(action))
		example, ok := examples[string(action)].Value.Value.(map[string]any)
		require.True(t, ok)
		_, err := casework.DecodeCommand(action, toJSON(t, example))
		require.NoError(t, err, "the example of %s", action)
		schema := doc.schema(t, "action-"+string(action))
		for _, body := range append(bodies[action], example) {
			for _, variant := range variants(body) {
				data := toJSON(t, variant)
				var value any
				require.NoError(t, json.Unmarshal(data, &value))
				described := schema.VisitJSON(value, jsonSchema()...)
				_, taken := casework.DecodeCommand(action, data)
				require.Equal(t, described == nil, taken == nil, "%s %.200s\ndescription: %v\ndecoder: %v", action, data, described, taken)
			}
		}
	}
}

// variants gives a body as it is, and with each field left out or made wrong.
func variants(body map[string]any) []map[string]any {
	with := func(name string, value any) map[string]any {
		variant := maps.Clone(body)
		variant[name] = value
		return variant
	}
	list := []map[string]any{body, with("stage", "closed")}
	for name := range body {
		without := maps.Clone(body)
		delete(without, name)
		list = append(list, without)
		for _, value := range []any{
			"", "   ", "no such word", "2026-11-28", "2026-13-01", strings.Repeat("字", casework.MaxText), strings.Repeat("字", casework.MaxText+1),
			0, -1, 7, 1.5, true, false,
			[]any{},
			map[string]any{},
		} {
			list = append(list, with(name, value))
		}
	}
	return list
}

func toJSON(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return data
}

func TestDocumentListsTheFieldsOfEveryEvent(t *testing.T) {
	t.Parallel()
	doc := documented(t)
	var chosen []string
	for _, choice := range doc.schema(t, "event").AllOf {
		kind := fmt.Sprint(choice.Value.If.Value.Properties["kind"].Value.Const)
		require.Equal(t, "#/components/schemas/event-"+kind, choice.Value.Then.Value.Properties["body"].Ref)
		chosen = append(chosen, kind)
	}
	require.Len(t, chosen, len(casework.EventKinds()))
	for i, kind := range casework.EventKinds() {
		require.Equal(t, string(kind), chosen[i])
		body, err := casework.DecodeBody(kind, []byte("{}"))
		require.NoError(t, err)
		var fields, required []string
		for f := range reflect.TypeOf(body).Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, name)
			if options == "" {
				required = append(required, name)
			}
		}
		schema := doc.schema(t, "event-"+string(kind))
		require.ElementsMatch(t, fields, slices.Collect(maps.Keys(schema.Properties)), kind)
		require.ElementsMatch(t, required, schema.Required, kind)
	}
}

func words[T ~string](values ...T) []any {
	list := make([]any, 0, len(values))
	for _, v := range values {
		list = append(list, string(v))
	}
	return list
}

func TestDocumentListsTheWords(t *testing.T) {
	t.Parallel()
	doc := documented(t)
	for name, known := range map[string][]any{
		"action":            words(casework.Actions()...),
		"bulk-action":       words(commands.ManyActions()...),
		"event-kind":        words(casework.EventKinds()...),
		"stage":             words(casework.Stages()...),
		"admin-level":       words(casework.AdminLevels()...),
		"rating-level":      words(casework.RatingLevels()...),
		"aspect":            words(casework.Aspects()...),
		"channel":           words(casework.Channels()...),
		"cause-category":    words(casework.CauseCategories()...),
		"feedback-channel":  words(casework.FeedbackChannels()...),
		"pause-category":    words(casework.PauseCategories()...),
		"spot-check-method": words(casework.SpotCheckMethods()...),
		"role":              words(casework.Roles()...),
	} {
		require.Equal(t, known, doc.schema(t, name).Enum, name)
	}
}

// TestDocumentListsTheProblemCodes compares the codes with the reasons that the
// sources give.
func TestDocumentListsTheProblemCodes(t *testing.T) {
	t.Parallel()
	elsewhere := []string{
		"wrong_credentials", "demo_off", "too_many", // sign-in; too_many is documented for gateways as well
		"username_taken", "username_not_plain", "organisation_not_found", "fast_forward_range", // the command line
		"rule_pack_unknown", "rule_pack_too_long", "calendar_unknown", "calendar_ends_earlier", // the simulator, which has a page and no path here
		"password_length", "password_common", "password_context", "password_differs", "wrong_old_password", "no_password", "link_not_found", "wrong_code", "half_expired", "not_linked", "sign_in_elsewhere", "sign_in_elsewhere_away", "identity_linked", "identity_not_found",
		"has_second_factor", "second_factor_needed", "invented_person", "token_life", "token_not_found", // one's own account, which has pages
		"policy_does_not_load", "policy_locks_out", "policy_changed", "user_not_found", "role_twice", "client_is_no_person", "administrators_apart", "role_of_a_department", "role_of_an_authority",
		"publisher_below_county", "person_changed", "not_oneself", "last_administrator", // administration, which has pages
		"organisations_busy", "date_ahead", "date_before_beginning", "region_not_found", "region_has_authority", "department_name_taken",
		"no_authority", "name_reserved", "organisation_ended", "nothing_changes", "not_a_department", "same_region", "administrators_depend",
		"own_successor", "successor_of_another_kind", "successor_ended", "people_depend", "departments_are_merged", "cases_depend",
		"windows_depend", "topmost_authority", "taken_over_depend", "organisations_depend", "successor_not_above", "not_an_authority",
		"region_elsewhere", "hall_not_found", "hall_ended", "hall_name_taken", "window_not_found", "window_ended", "window_label_taken",
		"department_elsewhere", "not_a_number", "row_twice", "level_differs", "parent_differs", "former_name", "kind_unknown",
		"level_unknown", "table_too_large", "table_empty", "table_unreadable", "table_too_long", "table_encoding", "column_unknown",
		"column_twice", "column_missing", // organisations, which have pages and no path here
		"acted_before", "other_authority_checks", // spot checks that wait, which have a page and no path here
		"view_too_large", "too_many_views", "view_name_taken", "view_name_too_long", "personal_data", // saved views, which have pages
		"unknown_hint", "no_time_to_pass", "training_real_cases", // hints and training, which have pages
		"key_not_found", "key_in_use", "key_file_elsewhere", // keys, which have a page and the command line
		"quiet_time_wrong", "mail_is_off", "email_malformed", "email_domain", "code_sent_just_now", "wrong_email_code", // notifications, which have pages
		"text_not_found", "text_retired", "text_changed", "text_name_taken", "matter_not_found", "variable_unknown", "variable_not_closed",
		"malformed_form",                                              // texts and drafts, which have pages and no path here
		"export_too_large", "export_running", "ends_before_it_begins", // files of lists, which pages offer
		"calendar_not_adopted", // the product asks it of a case, nobody else
	}
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`Invalid\(.+?, "([a-z_]+)",`),
		regexp.MustCompile(`(?:Conflict|Forbidden|unauthorized)\("([a-z_]+)"`),
		regexp.MustCompile(`(?:Reason|Code):\s+"([a-z_]+)"`),
		regexp.MustCompile(`return false, "([a-z_]+)"`),
		regexp.MustCompile(`reason[A-Z]\w+\s+= "([a-z_]+)"`),
		regexp.MustCompile(`\breason += "([a-z_]+)"`),  // the stage table
		regexp.MustCompile(`refuse\("(file_[a-z_]+)"`), // of attachments
	}
	given := map[string]bool{"too_many": true}
	for _, folder := range []string{".", "../internal/casework", "../internal/attachments", "../internal/commands", "../internal/identity", "../internal/engine", "../internal/store", "../workflows"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			name := filepath.Base(file)
			if strings.HasSuffix(name, "_test.go") || name == "codebook.go" || name == "rulepack.go" || name == "intake.go" {
				continue // tests, and what only reads files
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, p := range patterns {
				for _, found := range p.FindAllSubmatch(source, -1) {
					if reason := string(found[1]); !slices.Contains(elsewhere, reason) {
						given[reason] = true
					}
				}
			}
		}
	}
	require.ElementsMatch(t, words(slices.Collect(maps.Keys(given))...), documented(t).schema(t, "problem-code").Enum)
}
