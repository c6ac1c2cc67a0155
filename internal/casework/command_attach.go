package casework

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what is attached to a case.
const (
	MaxAttachments    = 30       // files of one case
	MaxAttachmentSize = 20 << 20 // bytes of one file
	MaxAttachmentName = 120      // characters of its name
)

var (
	attachmentID   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	attachmentHash = regexp.MustCompile(`^[0-9a-f]{64}$`)
	mediaType      = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,126}$`)
)

// AttachFile adds a file to the case that is kept already (佐证材料). The events tell
// its hash, so that nobody can put another in its place.
//
// It claims nothing: whoever may handle the case adds to it, also when nobody has
// it, and while an invalidation waits to be decided.
type AttachFile struct {
	AttachmentID string `json:"attachment_id"`
	Name         string `json:"name"`
	SHA256       string `json:"sha256"`
	Size         int64  `json:"size"`
	MediaType    string `json:"media_type"`
}

// Action implements Command.
func (AttachFile) Action() Action { return ActionAttachFile }

// Check implements Command.
func (a AttachFile) Check() error {
	switch {
	case !attachmentID.MatchString(a.AttachmentID):
		return Invalid("attachment_id", "unknown_value", "a UUID in small letters is needed")
	case !attachmentHash.MatchString(a.SHA256):
		return Invalid("sha256", "unknown_value", "a SHA-256 in small hexadecimal letters is needed")
	case a.Size < 1 || a.Size > MaxAttachmentSize:
		return Invalid("size", "unknown_value", fmt.Sprintf("1 to %d bytes", MaxAttachmentSize))
	case !mediaType.MatchString(a.MediaType):
		return Invalid("media_type", "unknown_value", "a media type without parameters is needed")
	case utf8.RuneCountInString(a.Name) > MaxAttachmentName:
		return Invalid("name", "text_too_long", fmt.Sprintf("at most %d characters", MaxAttachmentName))
	case strings.ContainsFunc(a.Name, unicode.IsControl):
		return Invalid("name", "invalid_text", "the name holds a control character")
	}
	return checkText("name", a.Name, true)
}

func (AttachFile) ready(s State, c Circumstances) error {
	if err := mayHandle(s, c.By); err != nil {
		return err
	}
	if s.Attachments >= MaxAttachments {
		return Conflict("too_many_attachments", fmt.Sprintf("a case has at most %d files", MaxAttachments))
	}
	return nil
}

func (a AttachFile) decide(State, Circumstances) ([]EventBody, error) {
	return []EventBody{FileAttached(a)}, nil
}
