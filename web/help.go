package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"

	"guiling/internal/casework"
)

//go:embed help/*/*.md
var helpFiles embed.FS

const helpPath = "/help"

// helpPages are the pages of help, by language and name.
type helpPages map[string]map[string]helpText

type helpText struct {
	Title string
	Body  template.HTML
}

// The pages of help, in the order of the list: one for each kind of work, then
// those for everybody.
func helpNames() []string {
	return []string{
		"handler", "department-lead", "supervisor", "auditor", "system-administrator", "security-administrator", "clocks", "keys",
	}
}

// loadHelp reads the pages of help and makes HTML of them.
func loadHelp() (helpPages, error) {
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	all := make(helpPages)
	for _, tag := range languages() {
		all[tag] = make(map[string]helpText)
		for _, name := range helpNames() {
			source, err := fs.ReadFile(helpFiles, path.Join("help", tag, name+".md"))
			if err != nil {
				return nil, fmt.Errorf("help: %w", err)
			}
			first, rest, _ := bytes.Cut(source, []byte("\n"))
			title, ok := strings.CutPrefix(string(first), "# ")
			if !ok {
				return nil, fmt.Errorf("help %s/%s: the first line is the title", tag, name)
			}
			var body bytes.Buffer
			if err := markdown.Convert(rest, &body); err != nil {
				return nil, fmt.Errorf("help %s/%s: %w", tag, name, err)
			}
			all[tag][name] = helpText{Title: title, Body: template.HTML(body.String())} //nolint:gosec // G203: our own files, embedded
		}
	}
	return all, nil
}

type helpPage struct {
	frame

	Pages []helpLink
	Text  *helpText // nil for the list of all
}

type helpLink struct {
	Path, Title string
	Current     bool
	Yours       bool // about the work of who reads
}

// showHelp answers GET /help: the list of its pages.
func showHelp(v *visit) error { return v.renderHelp("") }

// showHelpPage answers GET /help/:page.
func showHelpPage(v *visit) error {
	if _, ok := v.site.help[v.say.tag][v.Param("page")]; !ok {
		return errNoPage()
	}
	return v.renderHelp(v.Param("page"))
}

func (v *visit) renderHelp(name string) error {
	texts := v.site.help[v.say.tag]
	title := v.say.T("guide.title")
	p := helpPage{}
	if text, ok := texts[name]; ok {
		title, p.Text = text.Title, &text
	}
	p.frame = v.frame(title, helpPath)
	for _, page := range helpNames() {
		p.Pages = append(p.Pages, helpLink{
			Path: helpPath + "/" + page, Title: texts[page].Title, Current: page == name, Yours: v.known() && page == helpOf(v.user.Actor),
		})
	}
	return v.render(http.StatusOK, "help", p)
}

// helpOf names the page about somebody's work; empty for who has none here.
func helpOf(actor casework.Actor) string {
	for _, known := range []struct {
		role casework.Role
		page string
	}{
		{casework.RoleAuditor, "auditor"},
		{casework.RoleSupervisor, "supervisor"},
		{casework.RoleDepartmentLead, "department-lead"},
		{casework.RoleHandler, "handler"},
		{casework.RoleSysadmin, "system-administrator"},
		{casework.RoleSecadmin, "security-administrator"},
	} {
		if actor.Has(known.role) {
			return known.page
		}
	}
	return ""
}

// helpFor is the page of help that a page leads to: the one about the person's work.
func (v *visit) helpFor() string {
	if !v.known() || helpOf(v.user.Actor) == "" {
		return helpPath
	}
	return helpPath + "/" + helpOf(v.user.Actor)
}
