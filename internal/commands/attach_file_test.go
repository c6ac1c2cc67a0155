package commands_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/policies/rules"
	"guiling/workflows/contract"
)

// clerk is an engine that decides and records as the workflow of a case does: each
// key once, and one after the other.
type clerk struct {
	store *store.Store
	mu    *sync.Mutex
	away  *bool
}

func (c clerk) Act(ctx context.Context, number, key string, by casework.By, version int, command casework.Command) (contract.ActionResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *c.away {
		return contract.ActionResult{}, &casework.Error{Code: casework.CodeUnavailable, Reason: "engine_unavailable", Detail: "away"}
	}
	recorded, err := c.store.EventsOf(ctx, number)
	if err != nil {
		return contract.ActionResult{}, err
	}
	var state casework.State
	for _, e := range recorded {
		if e.Key == key {
			return contract.ActionResult{Version: e.Seq, Stage: state.Stage}, nil
		}
		if state, err = state.Apply(e.Event); err != nil {
			return contract.ActionResult{}, err
		}
	}
	pack, err := rules.Default()
	if err != nil {
		return contract.ActionResult{}, err
	}
	bodies, err := casework.DecideFor(state, version, command, casework.Circumstances{Rules: casework.Rules{Pack: pack}, Now: viewedAt, By: by})
	if err != nil {
		return contract.ActionResult{}, err
	}
	step := contract.RecordEventsInput{Number: number, Key: key}
	for _, body := range bodies {
		e := casework.Event{Seq: state.Version + 1, At: viewedAt, By: by, Body: body}
		if state, err = state.Apply(e); err != nil {
			return contract.ActionResult{}, err
		}
		step.Events = append(step.Events, e)
	}
	step.State = state
	_, err = c.store.RecordEvents(ctx, step, "test")
	return contract.ActionResult{Version: state.Version, Stage: state.Stage}, err
}

// scanner answers what a test wants.
type scanner struct{ answer error }

func (s scanner) Scan(context.Context, []byte) error { return s.answer }

// registry is a desk whose engine records.
type registry struct {
	desk

	away *bool
	log  *bytes.Buffer
}

func newRegistry(t *testing.T) registry {
	t.Helper()
	r := registry{desk: newDesk(t), away: new(bool), log: new(bytes.Buffer)}
	r.service = commands.New(r.store, clerk{r.store, new(sync.Mutex), r.away}, r.policy, "test", func() time.Time { return viewedAt },
		slog.New(slog.NewTextHandler(r.log, nil)))
	return r
}

func (r registry) attach(t *testing.T, who string, upload commands.Upload) (string, error) {
	t.Helper()
	if upload.Number == "" {
		upload.Number = r.earlier.Number
	}
	_, id, err := r.service.AttachFile(t.Context(), r.person(t, who), upload)
	return id, err
}

func (r registry) rows(t *testing.T) []store.Attachment {
	t.Helper()
	files, err := r.store.AttachmentsOf(t.Context(), r.earlier.Number)
	require.NoError(t, err)
	return files
}

func refusal(t *testing.T, err error) *casework.Error {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	return domain
}

const text = "窗口与办事指南已统一"

func TestAttachFile(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	upload := commands.Upload{Name: `C:\桌面\整改说明13900001234.txt`, Content: []byte(text), Key: "form-1"}
	id, err := r.attach(t, fu, upload)
	require.NoError(t, err)

	// Twice, and fifty times at once, it is one file; another key is another file.
	again, err := r.attach(t, fu, upload)
	require.NoError(t, err)
	require.Equal(t, id, again)
	other := upload
	other.Key = "form-2"
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, _, err := r.service.AttachFile(t.Context(), r.person(t, fu), commands.Upload{
				Number: r.earlier.Number, Name: other.Name, Content: other.Content, Key: other.Key,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Len(t, r.rows(t), 2)

	view, _ := r.view(t, r.person(t, lin), r.earlier.Number)
	require.Len(t, view.Files, 2)
	file := view.Files[0]
	require.Equal(t, id, file.AttachmentID)
	require.Equal(t, "整改说明139****1234.txt", file.Name, "what is written into an event is masked")
	require.Equal(t, "text/plain", file.MediaType)
	require.False(t, file.Scanned)
	require.False(t, file.Destroyed)
	require.Equal(t, "department-attaches-files", file.Event.Rule)

	for _, who := range []string{fu, lin, gu} {
		download, err := r.service.OpenAttachment(t.Context(), r.person(t, who), r.earlier.Number, id)
		require.NoError(t, err, who)
		require.Equal(t, text, string(download.Content))
	}
	require.Contains(t, r.log.String(), "file opened")
	require.NotContains(t, r.log.String(), "整改说明")
	_, err = r.service.OpenAttachment(t.Context(), r.person(t, fu), r.later.Number, id)
	require.Equal(t, "attachment_not_found", refusal(t, err).Reason, "it belongs to another case")
}

func TestWhoAttachesFiles(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	upload := commands.Upload{Name: "说明.txt", Content: []byte(text)}
	_, err := r.attach(t, gu, upload)
	require.Equal(t, casework.CodeForbidden, refusal(t, err).Code, "auditors never")
	_, err = r.attach(t, chen, upload)
	require.Equal(t, casework.CodeNotFound, refusal(t, err).Code, "another department")
	_, err = r.attach(t, lin, upload)
	require.NoError(t, err)
	require.Len(t, r.rows(t), 1)

	r.record(t, r.earlier.Number, casework.By{}, casework.Withdrawn{Reason: "撤回"})
	_, err = r.attach(t, fu, upload)
	require.Equal(t, casework.CodeConflict, refusal(t, err).Code, "the work has ended")
	require.Len(t, r.rows(t), 1, "nothing is kept of what is refused")
}

func TestWhatIsRefusedIsNotKept(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	for reason, upload := range map[string]commands.Upload{
		"file_missing":   {},
		"file_empty":     {Name: "说明.txt"},
		"file_name":      {Name: "a\r\n.txt", Content: []byte(text)},
		"file_type":      {Name: "a.html", Content: []byte("<html>")},
		"file_extension": {Name: "a.pdf", Content: []byte(text)},
		"file_too_large": {Name: "a.txt", Content: make([]byte, casework.MaxAttachmentSize+1)},
	} {
		_, err := r.attach(t, fu, upload)
		require.Equal(t, reason, refusal(t, err).Reason)
	}

	// A scanner that is set and finds something, or says nothing, lets nothing in.
	upload := commands.Upload{Name: "说明.txt", Content: []byte(text)}
	r.service.ScanWith(scanner{casework.Invalid("file", "file_infected", "found")})
	_, err := r.attach(t, fu, upload)
	require.Equal(t, "file_infected", refusal(t, err).Reason)
	r.service.ScanWith(scanner{&casework.Error{Code: casework.CodeUnavailable, Reason: "scanner_away"}})
	_, err = r.attach(t, fu, upload)
	require.Equal(t, casework.CodeUnavailable, refusal(t, err).Code)
	require.Empty(t, r.rows(t))

	r.service.ScanWith(scanner{})
	_, err = r.attach(t, fu, upload)
	require.NoError(t, err)
	require.True(t, r.rows(t)[0].Scanned)
}

// TestAFileWithoutItsEvent: what the engine did not record is seen by nobody, and
// the same request finds it again.
func TestAFileWithoutItsEvent(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	upload := commands.Upload{Name: "说明.txt", Content: []byte(text), Key: "form-1"}
	*r.away = true
	id, err := r.attach(t, fu, upload)
	require.Equal(t, casework.CodeUnavailable, refusal(t, err).Code)
	require.Len(t, r.rows(t), 1)
	view, _ := r.view(t, r.person(t, fu), r.earlier.Number)
	require.Empty(t, view.Files)
	_, err = r.service.OpenAttachment(t.Context(), r.person(t, fu), r.earlier.Number, id)
	require.Equal(t, "attachment_not_found", refusal(t, err).Reason)

	*r.away = false
	again, err := r.attach(t, fu, upload)
	require.NoError(t, err)
	require.Equal(t, id, again)
	require.Len(t, r.rows(t), 1)
}

// TestNobodyNamesAFileThatIsNotThere: the plain action, which pages and API know as
// well, records nothing but what is kept, and that once.
func TestNobodyNamesAFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	_, err := r.attach(t, fu, commands.Upload{Name: "说明.txt", Content: []byte(text)})
	require.NoError(t, err)
	kept := r.rows(t)[0]
	right := casework.AttachFile{AttachmentID: kept.ID, Name: kept.Name, SHA256: kept.SHA256, Size: kept.Size, MediaType: kept.MediaType}
	for name, spoil := range map[string]func(*casework.AttachFile){
		"another hash": func(f *casework.AttachFile) { f.SHA256 = strings.Repeat("0", 64) },
		"another name": func(f *casework.AttachFile) { f.Name = "判决书.txt" },
		"another id":   func(f *casework.AttachFile) { f.AttachmentID = "5a0d0f5e-5c2b-8d56-9a55-000000000001" },
	} {
		forged := right
		spoil(&forged)
		_, err := r.service.Act(t.Context(), r.person(t, fu), commands.Request{Number: r.earlier.Number, Command: forged, Key: name})
		require.Equal(t, "attachment_not_kept", refusal(t, err).Reason, name)
	}
	for _, key := range []string{"", "a", "b"} {
		_, err := r.service.Act(t.Context(), r.person(t, fu), commands.Request{Number: r.earlier.Number, Command: right, Key: key})
		require.NoError(t, err)
	}
	view, _ := r.view(t, r.person(t, fu), r.earlier.Number)
	require.Len(t, view.Files, 1)
}

// TestAFileThatIsNotWhatItsEventSays is not given to anybody.
func TestAFileThatIsNotWhatItsEventSays(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	const id = "5a0d0f5e-5c2b-8d56-9a55-000000000001"
	file := store.Attachment{ID: id, Number: r.earlier.Number, Name: "说明.txt", MediaType: "text/plain", Size: 1, SHA256: strings.Repeat("0f", 32)}
	require.NoError(t, r.store.KeepAttachment(t.Context(), file, []byte("x")))
	r.record(t, r.earlier.Number, casework.By{}, casework.FileAttached{AttachmentID: id, Name: file.Name, SHA256: file.SHA256, Size: 1, MediaType: "text/plain"})
	_, err := r.service.OpenAttachment(t.Context(), r.person(t, fu), r.earlier.Number, id)
	require.ErrorContains(t, err, "not what its event says")
	require.NotErrorAs(t, err, new(*casework.Error))
}
