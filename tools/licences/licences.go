package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Module is a Go module that some package of ours is built from.
type Module struct {
	Path    string
	Version string
	Licence string
	// Direct says that our own code, or its tests, imports it.
	Direct bool
	// Linked says that it is part of a program, and not of tests alone.
	Linked bool
}

// verdict is what may be done with a licence.
type verdict int

const (
	refused  verdict = iota
	fileOnly         // copyleft that ends at the file: fine while we change nothing in it
	allowed
)

// verdicts lists what we accept. A licence that is not here is refused, and so
// is one that could not be recognized.
var verdicts = map[string]verdict{
	"Apache-2.0":   allowed,
	"MIT":          allowed,
	"BSD-2-Clause": allowed,
	"BSD-3-Clause": allowed,
	"0BSD":         allowed,
	"ISC":          allowed,
	"Unlicense":    allowed,
	"CC0-1.0":      allowed,
	"Zlib":         allowed,
	"MPL-2.0":      fileOnly,
}

// noText names modules that come without a licence text, and why we use them.
var noText = map[string]string{
	"github.com/cactus/go-statsd-client/statsd": "the text, MIT, is one folder above the module in its repository",
	"github.com/nexus-rpc/nexus-proto-annotations": "v0.1.0 states none; it is generated code of the makers of " +
		"go.temporal.io/api (MIT), which needs it",
}

// signs recognize a licence by words that no other has, the narrower first.
// Texts are compared in lower case with all white space as one blank.
var signs = []struct {
	licence string
	all     []string
}{
	// First, because it names the GNU licences as its secondary ones.
	{"MPL-2.0", []string{"mozilla public license", "2.0"}},
	{"AGPL-3.0", []string{"gnu affero general public license"}},
	{"LGPL", []string{"gnu lesser general public license version"}},
	{"LGPL", []string{"gnu lesser general public license", "additional permissions"}},
	{"SSPL-1.0", []string{"server side public license"}},
	{"BUSL-1.1", []string{"business source license"}},
	{"Elastic-2.0", []string{"elastic license"}},
	{"Apache-2.0", []string{"apache license", "version 2.0"}},
	{"GPL", []string{"gnu general public license"}},
	{"BSD-3-Clause", []string{"redistributions in binary form must reproduce", "neither the name"}},
	{"BSD-3-Clause", []string{"redistributions in binary form must reproduce", "may not be used to endorse"}},
	{"BSD-2-Clause", []string{"redistributions in binary form must reproduce"}},
	{"MIT", []string{"permission is hereby granted, free of charge", "the above copyright notice and this permission notice"}},
	{"ISC", []string{"permission to use, copy, modify, and/or distribute this software for any purpose", "provided that the above copyright notice"}},
	{"ISC", []string{"permission to use, copy, modify, and distribute this software for any purpose", "provided that the above copyright notice"}},
	{"0BSD", []string{"permission to use, copy, modify, and/or distribute this software for any purpose"}},
	{"Unlicense", []string{"this is free and unencumbered software released into the public domain"}},
	{"CC0-1.0", []string{"cc0 1.0 universal"}},
	{"Zlib", []string{"this software is provided 'as-is'", "altered source versions must be plainly marked"}},
}

// recognize names the licence of a text, or answers the empty string.
func recognize(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, sign := range signs {
		if !slices.ContainsFunc(sign.all, func(words string) bool { return !strings.Contains(text, words) }) {
			return sign.licence
		}
	}
	return ""
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicense)([-._].*)?$`)

// licenceOf reads the licence files at the root of a module. Where there are
// several, such as of parts taken over from elsewhere, each counts.
func licenceOf(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("look for a licence: %w", err)
	}
	found := make(map[string]bool)
	for _, entry := range entries {
		if entry.IsDir() || !licenceFile.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name())) //nolint:gosec // G304: a file of the module cache
		if err != nil {
			return "", fmt.Errorf("read a licence: %w", err)
		}
		if licence := recognize(string(text)); licence != "" {
			found[licence] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), " and "), nil
}

// judge gives the strictest verdict of all parts of a licence.
func judge(licence string) verdict {
	worst := allowed
	for part := range strings.SplitSeq(licence, " and ") {
		worst = min(worst, verdicts[part])
	}
	return worst
}

// listed is what go list tells about a package.
type listed struct {
	ImportPath                         string
	Standard                           bool
	Imports, TestImports, XTestImports []string
	Module                             *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Version, Dir string }
	}
}

// modulesOf lists the modules that the packages in dir, of one Go module, and
// their tests are built from. program is the package of its main function.
func modulesOf(ctx context.Context, dir, program string) (map[string]*Module, error) {
	packages, err := goList(ctx, dir, "-deps", "-test", "./...")
	if err != nil {
		return nil, err
	}
	linked, err := goList(ctx, dir, "-deps", program)
	if err != nil {
		return nil, err
	}
	inProgram := make(map[string]bool)
	for _, p := range linked {
		inProgram[p.ImportPath] = true
	}

	modules := make(map[string]*Module)
	home := make(map[string]*Module) // of each package
	var ours []listed
	for _, p := range packages {
		switch {
		case p.Standard || p.Module == nil:
		case p.Module.Main || strings.HasPrefix(p.Module.Path+"/", "guiling/"):
			ours = append(ours, p)
		default:
			m, ok := modules[p.Module.Path]
			if !ok {
				dir, version := p.Module.Dir, p.Module.Version
				if p.Module.Replace != nil {
					dir, version = p.Module.Replace.Dir, p.Module.Replace.Version
				}
				licence, err := licenceOf(dir)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", p.Module.Path, err)
				}
				m = &Module{Path: p.Module.Path, Version: version, Licence: licence}
				modules[m.Path] = m
			}
			home[p.ImportPath] = m
			m.Linked = m.Linked || inProgram[p.ImportPath]
		}
	}
	for _, p := range ours {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if m := home[imported]; m != nil {
				m.Direct = true
			}
		}
	}
	return modules, nil
}

func goList(ctx context.Context, dir string, args ...string) ([]listed, error) {
	// Errors in a package are no business of this list: go build tells them.
	args = append([]string{"list", "-e", "-json=ImportPath,Standard,Imports,TestImports,XTestImports,Module"}, args...)
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // G204: constant arguments
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w\n%s", dir, err, stderr.String())
	}
	var packages []listed
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("go list in %s: %w", dir, err)
		}
		packages = append(packages, p)
	}
}

// refusedOf tells each module whose licence does not allow what we do with it.
func refusedOf(modules map[string]*Module) []string {
	var lines []string
	for _, m := range sorted(modules) {
		if _, known := noText[m.Path]; m.Licence == "" && known {
			continue
		}
		if judge(m.Licence) == refused {
			lines = append(lines, fmt.Sprintf("%s %s: %s", m.Path, m.Version, cmp.Or(m.Licence, "no licence recognized")))
		}
	}
	return lines
}

func sorted(modules map[string]*Module) []*Module {
	return slices.SortedFunc(maps.Values(modules), func(a, b *Module) int { return strings.Compare(a.Path, b.Path) })
}

const introduction = `# What Guiling is built on

Made by ` + "`make licences`" + `; a test fails when it is out of date, and when a licence
is not among those we accept: Apache-2.0, MIT, BSD, ISC and their like, and
MPL-2.0 for modules that are used unchanged. GPL, LGPL, AGPL, SSPL, BUSL and what
could not be recognized are refused, for indirect modules too.

The web files under ` + "`web/static/vendor`" + ` are listed in the README there.
`

// document is docs/dependencies.md.
func document(product, standalone map[string]*Module) string {
	var b strings.Builder
	b.WriteString(introduction)

	b.WriteString("\n## The product\n")
	table(&b, slices.DeleteFunc(sorted(product), func(m *Module) bool { return !m.Direct || !m.Linked }))
	b.WriteString("\n## Its tests alone\n")
	table(&b, slices.DeleteFunc(sorted(product), func(m *Module) bool { return !m.Direct || m.Linked }))
	b.WriteString("\n## Added by the standalone form\n")
	table(&b, slices.DeleteFunc(sorted(standalone), func(m *Module) bool {
		known := product[m.Path]
		return !m.Direct || known != nil && known.Direct
	}))

	b.WriteString("\n## Indirect modules\n\n")
	all := maps.Clone(standalone)
	maps.Copy(all, product)
	counts := make(map[string]int)
	for _, m := range all {
		counts[m.Licence]++
	}
	for _, licence := range slices.Sorted(maps.Keys(counts)) {
		if licence != "" {
			fmt.Fprintf(&b, "- %s: %d\n", licence, counts[licence])
		}
	}
	b.WriteString("\nThe numbers include the direct ones. Under MPL-2.0, unchanged:\n\n")
	for _, m := range sorted(all) {
		if judge(m.Licence) == fileOnly {
			fmt.Fprintf(&b, "- %s %s\n", m.Path, m.Version)
		}
	}
	b.WriteString("\nWithout a licence text in the module:\n\n")
	for _, m := range sorted(all) {
		if m.Licence == "" {
			fmt.Fprintf(&b, "- %s %s: %s\n", m.Path, m.Version, noText[m.Path])
		}
	}
	return b.String()
}

func table(b *strings.Builder, modules []*Module) {
	b.WriteString("\n| module | version | licence |\n|---|---|---|\n")
	for _, m := range modules {
		fmt.Fprintf(b, "| %s | %s | %s |\n", m.Path, m.Version, m.Licence)
	}
}
