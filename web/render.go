package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"guiling/internal/casework"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages are the parsed templates, by language and by name of the page.
type pages map[string]map[string]*template.Template

// loadPages parses layout.html and the components with each page of its own, for
// each language.
func loadPages(tongue catalogues, files assets) (pages, error) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	all := make(pages)
	for tag, say := range tongue {
		all[tag] = make(map[string]*template.Template)
		shared, err := template.New("layout.html").Option("missingkey=error").Funcs(functions(say, files)).
			ParseFS(templateFiles, "templates/layout.html", "templates/component_*.html")
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || strings.HasPrefix(name, "component_") {
				continue
			}
			page, err := shared.Clone()
			if err == nil {
				page, err = page.ParseFS(templateFiles, file)
			}
			if err != nil {
				return nil, fmt.Errorf("template %s: %w", name, err)
			}
			all[tag][name] = page
		}
	}
	return all, nil
}

// functions are what templates may call.
func functions(say localizer, files assets) template.FuncMap {
	return template.FuncMap{
		"t":      say.T,
		"asset":  files.url,
		"icon":   files.icon,
		"moment": moment,
		"iso":    func(at time.Time) string { return at.In(casework.China()).Format(time.RFC3339) },
		"path":   casePath,
	}
}

func (p pages) execute(tag, name string, data any) ([]byte, error) {
	page, ok := p[tag][name]
	if !ok {
		return nil, fmt.Errorf("no page %q in %q", name, tag)
	}
	var out bytes.Buffer
	if err := page.ExecuteTemplate(&out, "layout.html", data); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// frame is what the layout shows around every page.
type frame struct {
	Language string
	Title    string
	Here     string // this page's address
	Person   person
	Places   []place
	Version  string
	// SeesCases: the person may look a case up by its number.
	SeesCases bool
	// Unread counts notifications, in words; empty when there are none.
	Unread string
	// LiveKey names the session to the pages that share a stream of changes; empty:
	// this page has none.
	LiveKey string
}

// person is who is signed in, as the head of the page shows them.
type person struct {
	Name, Organisation, Region, Role, Level string
}

// frame makes the frame of a page with that title; place is the entry of the
// navigation that it belongs to.
func (v *visit) frame(title, placePath string) frame {
	f := frame{Language: v.say.tag, Title: title, Here: v.here(), Version: v.site.Version}
	if v.known() {
		f.Person = v.describe(v.user)
		f.Places = placesOf(v.user.Actor, placePath)
		f.SeesCases = slices.ContainsFunc(f.Places, func(p place) bool { return p.Path == "/cases" })
		f.Unread = v.unread()
		if f.SeesCases {
			f.LiveKey = v.liveKey()
		}
	}
	return f
}
