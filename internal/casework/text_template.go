package casework

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// TextKind is what a text template is for.
type TextKind string

// The kinds. The first is read out on the phone; each of the others fills a field
// of an action.
const (
	TextCallbackScript    TextKind = "callback_script"    // 回访话术
	TextCallbackOutcome   TextKind = "callback_outcome"   // 联系结果
	TextFindings          TextKind = "findings"           // 核实情况
	TextRectification     TextKind = "rectification"      // 整改措施
	TextExplanation       TextKind = "explanation"        // 解释说明: what is asked has no legal basis
	TextFeedback          TextKind = "feedback"           // 反馈内容
	TextExtensionRequest  TextKind = "extension_request"  // 申请延期的理由
	TextExtensionDecision TextKind = "extension_decision" // 延期的批准或不批准
	TextInvalidEvidence   TextKind = "invalid_evidence"   // 无效认定的依据
	TextInvalidDecision   TextKind = "invalid_decision"   // 无效认定的确认或退回
	TextReopening         TextKind = "reopening"          // 是否重新整改
	TextEscalation        TextKind = "escalation"         // 督办意见
	TextSpotCheck         TextKind = "spot_check"         // 抽查情况
)

// textField is the field of an action that a kind of text fills.
type textField struct {
	kind   TextKind
	action Action
	field  string
}

// textFields lists them. Feedback of what has no legal basis explains, and has texts
// of its own.
func textFields() []textField {
	return []textField{
		{TextCallbackScript, ActionRecordCallback, ""},
		{TextCallbackOutcome, ActionRecordCallback, "outcome"},
		{TextFindings, ActionVerify, "findings"},
		{TextRectification, ActionVerify, "done"},
		{TextRectification, ActionSubmitRectification, "done"},
		{TextExplanation, ActionSendFeedback, "words"},
		{TextFeedback, ActionSendFeedback, "words"},
		{TextExtensionRequest, ActionRequestExtension, "reason"},
		{TextExtensionDecision, ActionDecideExtension, "reason"},
		{TextInvalidEvidence, ActionProposeInvalid, "evidence"},
		{TextInvalidDecision, ActionDecideInvalid, "reason"},
		{TextReopening, ActionDecideReopening, "reason"},
		{TextEscalation, ActionEscalate, "reason"},
		{TextSpotCheck, ActionRecordSpotCheck, "findings"},
	}
}

// TextKinds lists the kinds, in the order of the life of a case.
func TextKinds() []TextKind {
	return []TextKind{
		TextCallbackScript, TextCallbackOutcome, TextFindings, TextRectification, TextExplanation, TextFeedback,
		TextExtensionRequest, TextExtensionDecision, TextInvalidEvidence, TextInvalidDecision, TextReopening,
		TextEscalation, TextSpotCheck,
	}
}

// Valid reports whether k is a known kind.
func (k TextKind) Valid() bool { return slices.Contains(TextKinds(), k) }

// Fills reports whether a text of this kind fills a field of an action, at a stage
// of the case. The field of what is read out is empty.
func (k TextKind) Fills(action Action, field string, stage Stage) bool {
	if action == ActionSendFeedback && (stage == StageExplanation) != (k == TextExplanation) {
		return false
	}
	return slices.Contains(textFields(), textField{k, action, field})
}

// TextTemplate is a text that is written once and used in many cases. Its variables
// stand in brackets: 【案件编号】.
type TextTemplate struct {
	Kind TextKind `json:"kind"`
	Name string   `json:"name"`
	Body string   `json:"body"`
	// Stage, Aspect and MatterCode narrow it to cases that fit; empty: to none.
	Stage      Stage  `json:"stage"`
	Aspect     Aspect `json:"aspect"`
	MatterCode string `json:"matter_code"`
}

// Check gives the template with its name trimmed, or an *Error that names what is
// wrong. A variable that there is not is refused here, for nobody would fill it in.
func (t TextTemplate) Check() (TextTemplate, error) {
	name, err := CheckName("name", t.Name)
	if err == nil && !t.Kind.Valid() {
		err = Invalid("kind", "unknown_value", "there is no such kind of text")
	}
	if err == nil {
		err = checkText("body", t.Body, true)
	}
	if err == nil && t.Stage != "" && !t.Stage.Valid() {
		err = Invalid("stage", "unknown_value", "there is no such stage")
	}
	if err == nil && t.Aspect != "" && !t.Aspect.Valid() {
		err = Invalid("aspect", "unknown_value", "there is no such aspect")
	}
	if err == nil {
		t.MatterCode = strings.TrimSpace(t.MatterCode)
		err = checkCode(t.MatterCode)
	}
	if err == nil {
		err = checkVariables(t.Body)
	}
	t.Name = name
	return t, err
}

func checkCode(code string) error {
	if !utf8.ValidString(code) || strings.ContainsRune(code, 0) || utf8.RuneCountInString(code) > 64 {
		return Invalid("matter_code", "unknown_value", "there is no such matter")
	}
	return nil
}

func checkVariables(body string) error {
	if unknown := UnknownVariables(body); len(unknown) > 0 {
		return Invalid("body", "variable_unknown", strings.Join(unknown, ", ")+" is none of "+strings.Join(TextVariables(), ", "))
	}
	for _, p := range textParts(body) {
		if !p.variable && strings.ContainsAny(p.text, "【】") {
			return Invalid("body", "variable_not_closed", "a bracket 【 or 】 stands alone")
		}
	}
	return nil
}

// Fits reports whether the template is for a case with these facts.
func (t TextTemplate) Fits(stage Stage, aspects []Aspect, matterCode string) bool {
	return (t.Stage == "" || t.Stage == stage) && (t.Aspect == "" || slices.Contains(aspects, t.Aspect)) &&
		(t.MatterCode == "" || t.MatterCode == matterCode)
}

// TextFacts are what a text can say of a case. The reviewer is masked, as the page
// of the case shows them: neither name nor phone ever comes here in clear.
type TextFacts struct {
	Number, Matter, Department, Region, Handler, Reviewer string

	Rating         RatingLevel
	RatedOn        Date
	Deadline       Date // the last day; zero when no clock runs
	Today          Date
	ReviewerMasked bool // Reviewer is masked; anything else is not filled in
}

// textVariable is one that a text may name, in Chinese or in English.
type textVariable struct {
	name, english string
	value         func(TextFacts) string
}

func textVariables() []textVariable {
	return []textVariable{
		{"案件编号", "case number", func(f TextFacts) string { return f.Number }},
		{"事项", "matter", func(f TextFacts) string { return f.Matter }},
		{"部门", "department", func(f TextFacts) string { return f.Department }},
		{"地区", "region", func(f TextFacts) string { return f.Region }},
		{"评价人", "reviewer", func(f TextFacts) string { return f.maskedReviewer() }},
		{"评价等级", "rating", func(f TextFacts) string { return ratingNames[f.Rating] }},
		{"评价日期", "rated on", func(f TextFacts) string { return inChinese(f.RatedOn) }},
		{"承办人", "handler", func(f TextFacts) string { return f.Handler }},
		{"截止日期", "due date", func(f TextFacts) string { return inChinese(f.Deadline) }},
		{"今天", "today", func(f TextFacts) string { return inChinese(f.Today) }},
	}
}

// ratingNames are the levels in the words of 第七条, as a text says them to a citizen.
var ratingNames = map[RatingLevel]string{
	VerySatisfied: "非常满意", Satisfied: "满意", BasicallySatisfied: "基本满意", Dissatisfied: "不满意", VeryDissatisfied: "非常不满意",
}

func (f TextFacts) maskedReviewer() string {
	if !f.ReviewerMasked {
		return ""
	}
	return f.Reviewer
}

func inChinese(d Date) string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d年%d月%d日", d.Year, d.Month, d.Day)
}

// TextVariables lists the variables as they are written, in Chinese.
func TextVariables() []string {
	var names []string
	for _, v := range textVariables() {
		names = append(names, "【"+v.name+"】")
	}
	return names
}

// EnglishTextVariables lists the same in English, in the same order.
func EnglishTextVariables() []string {
	var names []string
	for _, v := range textVariables() {
		names = append(names, "【"+v.english+"】")
	}
	return names
}

// UnknownVariables lists what stands in brackets in a text and is no variable, each
// once.
func UnknownVariables(body string) []string {
	var unknown []string
	for _, p := range textParts(body) {
		if _, known := variableNamed(p.text); p.variable && !known && !slices.Contains(unknown, "【"+p.text+"】") {
			unknown = append(unknown, "【"+p.text+"】")
		}
	}
	return unknown
}

// FillText puts the facts of a case into a text. What is put in is never read for
// variables again. A variable that the case has nothing for, or that there is not,
// stays as it is written and is listed as missing, so that whoever sends the text
// sees the gap.
func FillText(body string, facts TextFacts) (text string, missing []string) {
	var out strings.Builder
	for _, p := range textParts(body) {
		if !p.variable {
			out.WriteString(p.text)
			continue
		}
		value := ""
		if v, known := variableNamed(p.text); known {
			value = v.value(facts)
		}
		if value == "" {
			value = "【" + p.text + "】"
			if !slices.Contains(missing, value) {
				missing = append(missing, value)
			}
		}
		out.WriteString(value)
	}
	return out.String(), missing
}

// variableNamed finds a variable by either name; spaces, joining strokes and the
// case of letters make no difference.
func variableNamed(name string) (textVariable, bool) {
	plain := func(s string) string {
		return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '_' || r == '-' || r == '　' }), "")
	}
	wanted := plain(name)
	for _, v := range textVariables() {
		if wanted == plain(v.name) || wanted == plain(v.english) {
			return v, true
		}
	}
	return textVariable{}, false
}

// textPart is a stretch of a text, or the name of a variable in it.
type textPart struct {
	text     string
	variable bool
}

// textParts takes a text apart. Of brackets within brackets the innermost pair
// counts; a bracket without its other half is text.
func textParts(body string) []textPart {
	var parts []textPart
	for body != "" {
		closing := strings.Index(body, "】")
		opening := -1
		if closing >= 0 {
			opening = strings.LastIndex(body[:closing], "【")
		}
		switch {
		case closing < 0:
			return append(parts, textPart{text: body})
		case opening < 0:
			parts = append(parts, textPart{text: body[:closing+len("】")]})
		default:
			if opening > 0 {
				parts = append(parts, textPart{text: body[:opening]})
			}
			parts = append(parts, textPart{text: body[opening+len("【") : closing], variable: true})
		}
		body = body[closing+len("】"):]
	}
	return parts
}

// SampleTextFacts are the facts of a case that nobody has, to show what a text will
// look like.
func SampleTextFacts() TextFacts {
	return TextFacts{
		Number: "410411-20261102-000007", Matter: "不动产转移登记", Department: "湛河区自然资源局", Region: "湛河区", Handler: "陈禾溪",
		Reviewer: "张*", ReviewerMasked: true, Rating: Dissatisfied, RatedOn: Date{2026, 11, 2}, Deadline: Date{2026, 11, 17}, Today: Date{2026, 11, 4},
	}
}
