package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/attachments"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// attachmentJSON is a file of a case, without what is in it.
type attachmentJSON struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	MediaType string    `json:"media_type"`
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256"`
	Scanned   bool      `json:"scanned"`
	Destroyed bool      `json:"destroyed"`
	At        time.Time `json:"at"`
	By        byJSON    `json:"by"`
}

// attachedJSON is where a case stands after a file came to it, and the file.
type attachedJSON struct {
	outcomeJSON

	AttachmentID string `json:"attachment_id"`
}

func (a api) listAttachments(c echo.Context, user store.User) error {
	view, err := a.viewCase(c, user)
	if err != nil {
		return err
	}
	files := make([]attachmentJSON, 0, len(view.Files))
	for _, f := range view.Files {
		files = append(files, attachmentJSON{
			ID: f.AttachmentID, Name: f.Name, MediaType: f.MediaType, Size: f.Size, SHA256: f.SHA256, Scanned: f.Scanned, Destroyed: f.Destroyed,
			At: f.Event.At,
			By: byJSON{UserID: f.Event.By.UserID, Name: f.Event.UserName, Organisation: f.Event.OrganisationName, Role: f.Event.By.Role},
		})
	}
	return c.JSON(http.StatusOK, map[string]any{"attachments": files})
}

// attachFile carries out POST /api/v1/cases/{number}/attachments: the body is the
// file, and its name is in the Content-Disposition.
func (a api) attachFile(c echo.Context, user store.User, s sent) (store.Answer, error) {
	number, err := caseNumber(c)
	if err != nil {
		return store.Answer{}, err
	}
	name, err := attachments.NameIn(s.disposition)
	if err != nil {
		return store.Answer{}, err
	}
	ctx := c.Request().Context()
	outcome, id, err := a.Commands.AttachFile(ctx, user.Actor, commands.Upload{Number: number, Name: name, Content: s.body, Key: s.key})
	if err != nil {
		return store.Answer{}, a.withStanding(ctx, user, number, err)
	}
	return answerJSON(etag(outcome.Version), attachedJSON{outcomeJSON: outcomeOf(outcome), AttachmentID: id})
}

// openAttachment gives a file as it came. It is never a page of this server.
func (a api) openAttachment(c echo.Context, user store.User) error {
	number, err := caseNumber(c)
	if err != nil {
		return err
	}
	download, err := a.Commands.OpenAttachment(c.Request().Context(), user.Actor, number, c.Param("id"))
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
	header.Set(echo.HeaderContentDisposition, attachments.Disposition(download.Name))
	return c.Blob(http.StatusOK, download.MediaType, download.Content)
}

// maxFile is the largest body that is a file.
const maxFile = casework.MaxAttachmentSize
