package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/export"
	"guiling/internal/store"
)

// Audit is what auditors ask, and who takes lists out as files.
type Audit interface {
	AuditCase(ctx context.Context, actor casework.Actor, number string) (commands.CaseAudit, error)
	CasesOfReviewer(ctx context.Context, actor casework.Actor, number string) ([]store.Case, error)
	ExportCase(ctx context.Context, actor casework.Actor, number string) (commands.CaseAudit, error)
	ExportCases(ctx context.Context, actor casework.Actor, filter store.CaseFilter, as commands.ExportAs, put func(store.Case) error) (int, error)
	ExportEvents(ctx context.Context, actor casework.Actor, filter store.EventFilter, as commands.ExportAs, put func(store.RecordedEvent) error) (int, error)
	ExportReveals(ctx context.Context, actor casework.Actor, filter store.RevealFilter, as commands.ExportAs, put func(store.RecordedReveal) error) (int, error)
	ListExports(ctx context.Context, actor casework.Actor, filter store.ExportFilter) (commands.ExportPage, error)
}

// exportLink leads to a list as a file.
type exportLink struct{ Path, Name string }

// exportLinks are the files of the list that is shown, narrowed as it is. It only
// spares people what is closed to them: the command asks the policy again.
func (v *visit) exportLinks(path string) []exportLink {
	actor := v.user.Actor
	kind := actor.OrganisationKind
	if !actor.Has(casework.RoleAuditor) && (kind != casework.KindAuthority || !actor.Has(casework.RoleSupervisor)) &&
		(kind != casework.KindDepartment || !actor.Has(casework.RoleDepartmentLead)) {
		return nil
	}
	var links []exportLink
	for _, format := range export.Formats() {
		query := listQuery(v)
		query.Set("format", string(format))
		links = append(links, exportLink{Path: path + "?" + query.Encode(), Name: strings.ToUpper(string(format))})
	}
	return links
}

// exportCases answers GET /cases/export?format=, narrowed as /cases is.
func exportCases(v *visit) error {
	filter, err := v.caseFilter()
	if err != nil {
		return err
	}
	return v.exportList("cases", v.caseTable(), func(ctx context.Context, as commands.ExportAs, put func([]export.Cell) error) (int, error) {
		return v.site.Commands.ExportCases(ctx, v.user.Actor, filter, as, func(c store.Case) error { return put(v.caseCells(c)) })
	})
}

// exportEvents answers GET /events/export?format=, narrowed as /events is.
func exportEvents(v *visit) error {
	filter, _, err := v.eventFilter()
	if err != nil {
		return err
	}
	return v.exportList("events", v.eventTable(), func(ctx context.Context, as commands.ExportAs, put func([]export.Cell) error) (int, error) {
		return v.site.Commands.ExportEvents(ctx, v.user.Actor, filter, as, func(e store.RecordedEvent) error { return put(v.eventCells(e)) })
	})
}

// exportReveals answers GET /reveals/export?format=, narrowed as /reveals is.
func exportReveals(v *visit) error {
	filter, _, err := v.revealFilter()
	if err != nil {
		return err
	}
	return v.exportList("reveals", v.revealTable(), func(ctx context.Context, as commands.ExportAs, put func([]export.Cell) error) (int, error) {
		return v.site.Commands.ExportReveals(ctx, v.user.Actor, filter, as, func(r store.RecordedReveal) error { return put(v.revealCells(r)) })
	})
}

// fromOurPages refuses a link of another site: an export is recorded, and nobody
// else lets somebody take a list out. A bookmark and what was typed pass.
func (v *visit) fromOurPages() error {
	if site := v.Request().Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return casework.Forbidden("cross_site", "this request came from another site")
	}
	return nil
}

// readList asks the command that reads a list and hands on its rows.
type readList func(ctx context.Context, as commands.ExportAs, put func([]export.Cell) error) (rows int, err error)

// exportList gives a list away as a file.
func (v *visit) exportList(what string, columns []export.Column, read readList) error {
	if err := v.fromOurPages(); err != nil {
		return err
	}
	format := export.Format(v.asked("format"))
	switch format {
	case "":
		format = export.FormatCSV
	case export.FormatCSV, export.FormatXLSX:
	default:
		return casework.Invalid("format", "unknown_value", "csv or xlsx")
	}
	as := commands.ExportAs{Format: string(format), Filter: v.narrowed()}
	title := v.say.T("export.list." + what)
	file := download{Title: title, Plain: what, Extension: string(format), MediaType: format.MediaType()}
	return v.giveAway(file, func(w io.Writer) error {
		table, err := export.NewWriter(w, format, title, columns, casework.China())
		if err != nil {
			return err
		}
		rows, err := read(v.Request().Context(), as, table.Write)
		if book, ok := table.(*export.Book); ok && err == nil {
			err = v.aboutSheet(book, title, as.Filter, rows)
		}
		// Closed in any case: what was put aside on disk goes with it.
		return errors.Join(err, table.Close())
	})
}

// aboutSheet says in the file itself who took out what.
func (v *visit) aboutSheet(book *export.Book, title, filter string, rows int) error {
	err := book.Sheet(v.say.T("export.about"), []export.Column{{Header: v.say.T("export.about"), Width: 18}, {Header: title, Width: 60}})
	for _, line := range [][]export.Cell{
		{v.say.T("export.by"), v.user.DisplayName + " · " + v.user.OrganisationName},
		{v.say.T("export.at"), v.site.Commands.Now(store.Case{})},
		{v.say.T("export.reach"), v.reach()},
		{v.say.T("export.filter"), filter},
		{v.say.T("export.rows"), rows},
		{v.say.T("export.masked"), v.say.T("export.masked_words")},
	} {
		if err == nil {
			err = book.Write(line)
		}
	}
	return err
}

// reach names whose cases a list holds.
func (v *visit) reach() string {
	if v.user.Actor.OrganisationKind == casework.KindDepartment && !v.user.Actor.Has(casework.RoleAuditor) {
		return v.user.OrganisationName
	}
	return v.user.RegionName
}

// maxNarrowed bounds what is kept of how a list was narrowed, in characters.
const maxNarrowed = 500

// narrowed is how the list is narrowed, as it is kept with the export: in clear, for
// whoever reads it.
func (v *visit) narrowed() string {
	query := listQuery(v)
	query.Del("format")
	for name, values := range query {
		if strings.TrimSpace(strings.Join(values, "")) == "" {
			query.Del(name)
		}
	}
	text, err := url.QueryUnescape(query.Encode())
	if err != nil {
		text = query.Encode()
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "�")
	if characters := []rune(text); len(characters) > maxNarrowed {
		text = string(characters[:maxNarrowed]) + "…"
	}
	return text
}

// download is a file that is given away.
type download struct {
	Title     string // in the language of the person
	Plain     string // in ASCII, for old programs
	Extension string
	MediaType string
}

// disposition names the file as RFC 6266 has it: what, of where, on which day.
func (d download) disposition(reach string, day casework.Date) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '_'
		}
		return r
	}, fmt.Sprintf("%s-%s-%s.%s", d.Title, reach, day, d.Extension))
	encoded := strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	return fmt.Sprintf(`attachment; filename="%s-%s.%s"; filename*=UTF-8''%s`, d.Plain, day, d.Extension, encoded)
}

// sendPatience bounds how long a file may take on its way, in the place of the
// server's own patience with a page.
const sendPatience = 10 * time.Minute

// giveAway makes a file out of sight and sends it when it is whole: what fails on
// the way is a page that says so, and never half a file.
func (v *visit) giveAway(d download, fill func(io.Writer) error) error {
	file, err := os.CreateTemp("", "guiling-export-")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() { _ = file.Close() }()
	// It has no name from here on, and is gone when it is closed.
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := fill(file); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := v.keepSession(); err != nil {
		return err
	}
	now := v.site.Commands.Now(store.Case{})
	patience := time.Now().Add(sendPatience) //nolint:forbidigo // a connection goes by the machine's clock
	err = http.NewResponseController(v.Response()).SetWriteDeadline(patience)
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("export: %w", err)
	}
	header := v.Response().Header()
	header.Set(echo.HeaderContentDisposition, d.disposition(v.reach(), casework.DateOf(now)))
	header.Set(echo.HeaderContentLength, strconv.FormatInt(size, 10))
	return v.Stream(http.StatusOK, d.MediaType, file)
}
