package casework_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

func fileOf(n int) casework.AttachFile {
	return casework.AttachFile{
		AttachmentID: fmt.Sprintf("5a0d0f5e-5c2b-8d56-9a55-%012d", n), Name: "照片.jpg", SHA256: strings.Repeat("0f", 32), Size: 7, MediaType: "image/jpeg",
	}
}

func TestFilesOfACase(t *testing.T) {
	t.Parallel()
	l := newLife(t, true)
	chen := casework.By{UserID: 11, OrganisationID: 1, Role: casework.RoleHandler}
	fu := casework.By{UserID: 12, OrganisationID: 1, Role: casework.RoleHandler}
	lin := casework.By{UserID: 21, OrganisationID: 2, Role: casework.RoleSupervisor}

	l.doesAs(t, fu, fileOf(1))
	require.Zero(t, l.state.HandlerID, "a file claims no case")
	l.doesAs(t, chen, casework.Claim{})
	require.Equal(t, "claimed_by_other", l.refuses(t, fu, fileOf(2)))
	l.doesAs(t, lin, fileOf(2))
	l.doesAs(t, lin, casework.Pause{Category: casework.PauseLegal, Reason: "诉讼中"})
	l.doesAs(t, chen, fileOf(3))
	l.doesAs(t, lin, casework.TakeOver{Reason: "部门三次退回"})
	require.Equal(t, "taken_over", l.refuses(t, chen, fileOf(4)))
	for n := 4; n <= casework.MaxAttachments; n++ {
		l.doesAs(t, lin, fileOf(n))
	}
	require.Equal(t, casework.MaxAttachments, l.state.Attachments)
	require.Equal(t, "too_many_attachments", l.refuses(t, lin, fileOf(31)))
}

func TestWhatAFileIs(t *testing.T) {
	t.Parallel()
	for field, spoil := range map[string]func(*casework.AttachFile){
		"attachment_id": func(f *casework.AttachFile) { f.AttachmentID = strings.ToUpper(f.AttachmentID) },
		"sha256":        func(f *casework.AttachFile) { f.SHA256 = f.SHA256[1:] },
		"size":          func(f *casework.AttachFile) { f.Size = casework.MaxAttachmentSize + 1 },
		"media_type":    func(f *casework.AttachFile) { f.MediaType = "text/html; charset=utf-8" },
		"name":          func(f *casework.AttachFile) { f.Name = "a\r\nX-Evil: 1.pdf" },
	} {
		f := fileOf(1)
		require.NoError(t, f.Check())
		spoil(&f)
		refused, ok := casework.AsError(f.Check())
		require.True(t, ok, field)
		require.Equal(t, field, refused.Field)
	}
	long := fileOf(1)
	long.Name = strings.Repeat("字", casework.MaxAttachmentName+1)
	require.Error(t, long.Check())
}
