package web

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

const styleGuidePath = "/styleguide"

// styleSheet is what guiling.css holds, as the style guide lists it.
type styleSheet struct {
	Tokens   []styleToken
	Sections []styleSection
}

// styleToken is a custom property; Colour marks one that can be shown as a swatch.
type styleToken struct {
	Name, Value string
	Colour      bool
}

// styleSection are the classes between two comments of the style sheet.
type styleSection struct {
	Title   string
	Classes []string
}

// readStyleSheet reads our own style sheet: its tokens, and its classes under the
// comment that stands above them.
func readStyleSheet(files assets) styleSheet {
	text := string(files[assetStyle].content)
	var sheet styleSheet
	for _, match := range regexp.MustCompile(`(?m)^\s*--(g-[a-z0-9-]+):\s*([^;]+);`).FindAllStringSubmatch(text, -1) {
		sheet.Tokens = append(sheet.Tokens, styleToken{Name: match[1], Value: match[2], Colour: strings.HasPrefix(match[2], "#")})
	}
	class, seen := regexp.MustCompile(`\.(g-[a-z0-9-]+)`), map[string]bool{}
	for part := range strings.SplitSeq(text, "/*") {
		comment, css, found := strings.Cut(part, "*/")
		if !found {
			continue
		}
		section := styleSection{Title: strings.Join(strings.Fields(comment), " ")}
		for _, match := range class.FindAllStringSubmatch(css, -1) {
			if !seen[match[1]] {
				seen[match[1]] = true
				section.Classes = append(section.Classes, match[1])
			}
		}
		if len(section.Classes) > 0 {
			sheet.Sections = append(sheet.Sections, section)
		}
	}
	return sheet
}

// styleGuidePage shows each component with what it is made of, in the states it has.
type styleGuidePage struct {
	frame

	Styles  styleSheet
	Dues    []due
	Rows    []caseRow
	Hint    hint
	Tabs    []place
	Changes []adminEntry
	Form    actionForm
	Wrong   actionForm
	Kept    []keptText
	Fields  personForm
	Mistake struct{ Error, ErrorField string }
	Pager   struct {
		Next, First string
		Later       bool
	}
	Tones  []string
	Narrow narrowedList
	Loads  struct {
		loadColumns

		Rows []loadRow
	}
	Chart  chart
	Attach attachView
	Bulk   *bulkBar
	Export []exportLink
	When   whenFilter
	Looks  []store.RecordedReveal
	Icons  []string
}

// showStyleGuide answers GET /styleguide, in a demo.
func showStyleGuide(v *visit) error {
	now := time.Date(2026, time.November, 25, 10, 0, 0, 0, casework.China())
	sample := func(key string) string { return v.say.T("style.sample." + key) }
	at := func(days int) *time.Time {
		end := casework.DateOf(now).AddDays(days).End()
		return &end
	}
	p := styleGuidePage{
		frame: v.frame(v.say.T("style.title"), ""), Styles: v.site.styles,
		Dues: []due{
			v.say.due(at(9), nil, now), v.say.due(at(5), nil, now), v.say.due(at(3), nil, now), v.say.due(at(0), nil, now),
			v.say.due(at(-2), nil, now), v.say.due(at(5), &now, now), v.say.due(nil, nil, now),
		},
		Hint: hint{Name: store.HintInbox, Help: helpPath + "/keys", Next: styleGuidePath},
		Tabs: []place{
			{Path: "#tabs", Key: "admin.people", Icon: "users", Current: true}, {Path: "#tabs", Key: "admin.organisations", Icon: "building"},
		},
		Kept:  []keptText{{Label: v.say.T("field.submit-rectification.done"), Text: sample("words")}},
		Tones: []string{"clock", "late", "done"},
		Icons: iconNames(v.site.assets),
	}
	p.Narrow = narrowedList{
		List: store.ViewedCases, Path: "#narrow", Filter: "#narrow", Clear: "#narrow", Saves: "q=1",
		Quick: []quickNarrowing{{Label: v.say.T("board.overdue"), Path: "#narrow", Count: "2", Pressed: true, Late: true}, {Label: v.say.T("board.unclaimed"), Path: "#narrow", Count: "1,234"}},
		Chips: []chip{{Label: sample("matter"), Without: "#narrow"}, {Label: sample("region"), Without: "#narrow"}},
		Views: []viewTab{{Label: v.say.T("view.mine"), Path: "#narrow", Count: "7", Pressed: true}, {Label: sample("region"), Path: "#narrow", Count: "31", Shared: true, By: sample("person")}},
	}
	number := func(count int) boardNumber { return boardNumber{Path: "#loads", Count: count} }
	unclaimed := number(1234)
	p.Loads.loadColumns = loadColumns{ByDepartment: true, SoonDays: store.SoonDays, Days: store.BoardDays}
	p.Loads.Rows = []loadRow{{
		Name: sample("department"), Open: number(31), Overdue: boardNumber{Path: "#loads", Count: 2, Alarming: true}, Soon: number(0), Unclaimed: &unclaimed, Closed: 12, OnTime: "91.7%",
	}}
	p.Chart = chart{
		ID: "style", Kind: "bars", Answer: v.say.T("chart.overdue_most", "Region", sample("region"), "Count", 2), Columns: []string{v.say.T("chart.region"), v.say.T("chart.overdue")},
		Rows: []chartRow{{Name: sample("region"), Path: "#loads", Cells: []int{2}}}, Alarming: true, Note: v.say.T("chart.overdue_note"),
	}
	file := fileRow{Name: sample("file"), Path: "#files", Kind: "PDF", Size: fileSize(1 << 20), Short: "0123456789ab", Hash: "0123456789ab", Who: sample("person"), Where: sample("department"), At: now}
	gone := file
	gone.Path, gone.Destroyed, gone.Scanned = "", true, true
	p.Attach = attachView{Files: []fileRow{file, gone}, Path: "#files", Key: "k", Accept: ".pdf", Error: v.say.T("error.required", "Field", v.say.T("action.attach-file"))}
	p.Bulk = &bulkBar{
		Actions: []casework.Action{casework.ActionClaim, casework.ActionAssign, casework.ActionRemind}, Key: "k", Next: styleGuidePath,
		Colleagues: []choice{{Value: "1", Label: sample("person")}},
	}
	p.Export = []exportLink{{Path: "#rows", Name: "CSV"}, {Path: "#rows", Name: "XLSX"}}
	p.Looks = []store.RecordedReveal{{
		At: now, UserName: sample("person"), OrganisationName: sample("department"), Purpose: sample("words"), Rule: "department-reveals-phone",
		Alarms: store.AlarmKinds(),
	}}
	for i, d := range p.Dues {
		row := caseRow{
			Number: "410411-20261125-00000" + string(rune('1'+i)), Path: "#rows", Due: d, Matter: sample("matter"), Words: sample("words"),
			Rating: casework.VeryDissatisfied, Stage: casework.StageRectification, Handler: sample("person"), Department: sample("department"), Region: sample("region"),
		}
		switch i {
		case 1:
			row.Mine = true
		case 2:
			row.Words, row.Handler = "", ""
		}
		p.Rows = append(p.Rows, row)
	}
	p.Changes = []adminEntry{{
		AdminEvent: store.AdminEvent{At: now, Kind: store.AdminPersonChanged, ByName: sample("person"), ByOrganisation: sample("department"), SubjectName: sample("person"), RegionName: sample("region"), ByRule: "sysadmin-manages-people"},
		Changes:    []adminChange{{Field: v.say.T("admin_field.position"), Before: sample("before"), After: sample("after")}},
	}}
	p.Form, p.Wrong = v.sampleForm(false), v.sampleForm(true)
	p.Fields = personForm{Action: "#person", New: true, Organisations: []store.Organisation{{ID: 1, Name: sample("department")}}, Button: "people.create", Consequence: "people.create_consequence"}
	p.Mistake.Error, p.Mistake.ErrorField = v.say.T("error.password_differs"), "password_again"
	p.Pager.Next, p.Pager.First, p.Pager.Later = "#pager", "#pager", true
	return v.render(http.StatusOK, "styleguide", p)
}

// sampleForm has one field of each kind; with mistakes, each says what is wrong.
func (v *visit) sampleForm(mistakes bool) actionForm {
	f := actionForm{Action: casework.ActionVerify, Wording: string(casework.ActionVerify), Path: "#form", Key: "k"}
	kinds := []widget{widgetText, widgetSelect, widgetChoice, widgetDate, widgetTick}
	for i, kind := range kinds {
		field := formField{
			ID: "sample-" + string(kind), Name: "sample-" + string(kind), Label: v.say.T("style.field." + string(kind)), Widget: kind, Optional: i == 1,
			Help: v.say.T("help.verify.findings"),
		}
		if kind == widgetSelect || kind == widgetChoice {
			field.Choices = []choice{{Value: "1", Label: v.say.T("outcome.complex"), Chosen: true}, {Value: "2", Label: v.say.T("outcome.no_legal_basis"), Note: v.say.T("style.sample.words")}}
		}
		if mistakes {
			field.ID, field.Error = field.ID+"-wrong", v.say.T("error.required", "Field", field.Label)
		}
		f.Fields = append(f.Fields, field)
	}
	if mistakes {
		f.Action, f.Final = casework.ActionWithdraw, true
		f.Wording = string(f.Action)
	}
	return f
}

// iconNames lists the icons of the sprite.
func iconNames(files assets) []string {
	var names []string
	for _, match := range regexp.MustCompile(`id="tabler-([a-z0-9-]+)"`).FindAllStringSubmatch(string(files[assetIcons].content), -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return names
}
