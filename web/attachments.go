package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
)

// Attachments is what the pages ask about the files of cases.
type Attachments interface {
	AttachFile(ctx context.Context, actor casework.Actor, upload commands.Upload) (outcome commands.Outcome, id string, err error)
	OpenAttachment(ctx context.Context, actor casework.Actor, number, id string) (commands.Download, error)
}

// attachPath is where a file is sent. What is sent there is read only from somebody
// who is signed in; see guard.
const attachPath = "/cases/:number/attachments"

// filePolicy keeps a browser that shows a file in spite of all from running any of it.
const filePolicy = "default-src 'none'; sandbox"

// attachView is the part of a case's page about its files.
type attachView struct {
	Files []fileRow
	// Path is where a file is sent; empty: this person cannot add one now.
	Path    string
	Key     string
	Accept  string
	Blocked string // why not now, where the policy would allow it
	Error   string
}

// fileRow is one file in words.
type fileRow struct {
	Name, Path  string // no path: it was destroyed
	Kind, Size  string
	Short, Hash string
	Who, Where  string
	At          time.Time
	Scanned     bool
	Destroyed   bool
}

func filePath(number, id string) string {
	return casePath(number) + "/attachments/" + url.PathEscape(id)
}

func fileKind(name string) string { return strings.ToUpper(strings.TrimPrefix(path.Ext(name), ".")) }

// fileSize says a size in the units that people know.
func fileSize(bytes int64) string {
	const kilo, mega = 1 << 10, 1 << 20
	switch {
	case bytes >= mega:
		return fmt.Sprintf("%.1f MB", float64(bytes)/mega)
	case bytes >= kilo:
		return fmt.Sprintf("%d KB", (bytes+kilo-1)/kilo)
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}

func (v *visit) filesOf(view commands.CaseView) attachView {
	number := view.Case.Number
	var out attachView
	for _, f := range view.Files {
		row := fileRow{
			Name: f.Name, Kind: fileKind(f.Name), Size: fileSize(f.Size), Short: f.SHA256[:min(8, len(f.SHA256))], Hash: f.SHA256,
			Who: f.Event.UserName, Where: f.Event.OrganisationName, At: f.Event.At, Scanned: f.Scanned, Destroyed: f.Destroyed,
		}
		if !f.Destroyed {
			row.Path = filePath(number, f.AttachmentID)
		}
		out.Files = append(out.Files, row)
	}
	i := slices.IndexFunc(view.Actions, func(a commands.AvailableAction) bool { return a.Action == casework.ActionAttachFile })
	switch {
	case i < 0:
	case view.Case.Shredded:
	case view.Actions[i].Blocked != nil:
		if reason := view.Actions[i].Blocked.Reason; reason != "taken_over" {
			out.Blocked = v.say.T("error."+reason, "Field", "")
		}
	default:
		out.Path, out.Key = casePath(number)+"/attachments", rand.Text()
		out.Accept = strings.Join(attachments.Extensions(), ",")
	}
	return out
}

// attachFile answers POST /cases/:number/attachments: one file, added to the case.
func attachFile(v *visit) error {
	number := v.Param("number")
	outcome, err := v.attach(number)
	if err != nil {
		wrong := v.domainError(err)
		if wrong.Code == casework.CodeUnauthorized || wrong.Code == casework.CodeNotFound {
			return wrong
		}
		return v.renderCase(httpstatus.Of(wrong), number, refused{Action: casework.ActionAttachFile, Errors: []*casework.Error{wrong}})
	}
	if err := v.leaveNotice(notice{
		Number: number, Action: casework.ActionAttachFile, Stage: outcome.Stage, Version: outcome.Version, Deadline: outcome.Deadline,
	}); err != nil {
		return err
	}
	return v.redirect(casePath(number))
}

func (v *visit) attach(number string) (commands.Outcome, error) {
	leave, err := v.site.receiving.Enter(v.user.ID)
	if err != nil {
		return commands.Outcome{}, err
	}
	defer leave()
	if err := v.readForm(); err != nil {
		return commands.Outcome{}, err
	}
	key := v.form.Get("key")
	if len(key) > maxKey {
		return commands.Outcome{}, casework.Invalid("", "malformed_form", "the key of the form is too long")
	}
	outcome, _, err := v.site.Commands.AttachFile(v.Request().Context(), v.user.Actor, commands.Upload{
		Number: number, Name: v.fileName, Content: v.file, Key: key,
	})
	return outcome, err
}

// downloadFile answers GET /cases/:number/attachments/:id. No file is ever shown as a
// page of ours.
func downloadFile(v *visit) error {
	download, err := v.site.Commands.OpenAttachment(v.Request().Context(), v.user.Actor, v.Param("number"), v.Param("id"))
	if err != nil {
		return err
	}
	if err := v.keepSession(); err != nil {
		return err
	}
	header := v.Response().Header()
	header.Set(echo.HeaderContentSecurityPolicy, filePolicy)
	header.Set(echo.HeaderContentDisposition, attachments.Disposition(download.Name))
	return v.Blob(http.StatusOK, download.MediaType, download.Content)
}
