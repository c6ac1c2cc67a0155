package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/live"
)

// LivePath is where a browser hears of changes. No proxy and no middleware may keep
// back what comes from there.
const LivePath = "/live"

// Changes is what the stream of changes asks.
type Changes interface {
	WatchCases(actor casework.Actor) (live.Filter, error)
}

const (
	// backgroundHeader marks what a page asks for by itself: it is no use of the
	// session, which ends all the same when nobody does anything.
	backgroundHeader = "X-Guiling-Background"
	// liveRetry is how soon a browser connects again, in milliseconds.
	liveRetry = 3000
	// liveWrite is how long a browser may take to accept what is sent.
	liveWrite = 10 * time.Second
)

type stoppingKey struct{}

// WithStopping lets the streams of requests end when the server begins to stop,
// which would wait for them otherwise.
func WithStopping(ctx context.Context, stopping <-chan struct{}) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// background reports whether a page asks by itself.
func (v *visit) background() bool {
	r := v.Request()
	return r.Method == http.MethodGet && (r.Header.Get(backgroundHeader) != "" || v.Path() == LivePath)
}

// liveKey names the session to the pages of one browser that share a stream;
// nothing can be told from it. Empty for who has no stream.
func (v *visit) liveKey() string {
	if v.site.Live == nil || v.sessionID() == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("live/" + v.sessionID()))
	return hex.EncodeToString(sum[:8])
}

// streamChanges answers GET /live with server-sent events: "resync" first, and
// whenever something may have been missed; "change" for a change of a case; "end"
// when the session has ended. Rights and session are looked at again and again, and
// no connection to the database is held meanwhile.
func streamChanges(v *visit) error {
	if v.site.Live == nil {
		return errNoPage()
	}
	filter, err := v.site.Commands.WatchCases(v.user.Actor)
	if err != nil {
		return err
	}
	stream, err := v.site.Live.Join(v.user.ID, filter)
	if err != nil {
		return err
	}
	defer stream.Leave()
	out := newEventWriter(v.Response())
	if err := out.begin(); err != nil {
		return nil //nolint:nilerr // the browser is gone
	}
	v.stream(stream, out)
	return nil
}

// stream writes until the browser is gone, the session has ended, or the server
// stops.
func (v *visit) stream(stream *live.Stream, out *eventWriter) {
	ctx := v.Request().Context()
	stopping, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	silence := time.NewTicker(v.site.Live.Heartbeat) //nolint:forbidigo // a pause on a line, no deadline of a case
	defer silence.Stop()
	recheck := time.NewTicker(v.site.Live.Recheck) //nolint:forbidigo // a pause between looks, no deadline of a case
	defer recheck.Stop()
	var err error
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			return
		case <-silence.C:
			err = out.write(": still there\n\n")
		case <-recheck.C:
			var filter live.Filter
			if filter, err = v.stillMayWatch(ctx); err == nil {
				stream.Narrow(filter)
			} else if _, lost := casework.AsError(err); lost {
				_ = out.event("end", struct{}{})
				return
			}
		case <-stream.Wake():
			taken := stream.Take()
			if taken.Ended {
				return
			}
			err = out.taken(taken)
		}
	}
	if ctx.Err() == nil {
		v.site.Log.DebugContext(ctx, "stream of changes ends", "user_id", v.user.ID, "error", err)
	}
}

// stillMayWatch asks who is there and what they may see, as of now.
func (v *visit) stillMayWatch(ctx context.Context) (live.Filter, error) {
	cookie, err := v.Request().Cookie(v.site.Sessions.Cookie.Name)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	fresh, err := v.site.Sessions.Load(valueless{ctx}, cookie.Value)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	id := v.site.Sessions.GetString(fresh, sessionID)
	if id == "" || id != v.sessionID() {
		return nil, &casework.Error{Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "the session has ended"}
	}
	user, err := v.site.Identity.SessionStands(ctx, id)
	if err != nil {
		return nil, err
	}
	if user.ID != v.user.ID || v.site.Identity.NeedsSecondFactor(user) {
		return nil, &casework.Error{Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "the session has changed"}
	}
	return v.site.Commands.WatchCases(user.Actor)
}

// valueless is a context that ends with another and knows nothing of it: the
// session is read anew, and not taken from the request.
type valueless struct{ context.Context } //nolint:containedctx // it is one

func (valueless) Value(any) any { return nil }

// eventWriter writes server-sent events and sees that they leave at once.
type eventWriter struct {
	response *echo.Response
	control  *http.ResponseController
}

func newEventWriter(response *echo.Response) *eventWriter {
	return &eventWriter{response: response, control: http.NewResponseController(response)}
}

// begin sends the head of the answer and the first event.
func (w *eventWriter) begin() error {
	h := w.response.Header()
	h.Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
	h.Set(echo.HeaderCacheControl, "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	w.response.WriteHeader(http.StatusOK)
	if err := w.write(fmt.Sprintf("retry: %d\n\n", liveRetry)); err != nil {
		return err
	}
	return w.event("resync", struct{}{})
}

func (w *eventWriter) taken(taken live.Taken) error {
	if taken.Resync {
		return w.event("resync", struct{}{})
	}
	for _, e := range taken.Events {
		if err := w.event("change", e); err != nil {
			return err
		}
	}
	return nil
}

func (w *eventWriter) event(name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return w.write("event: " + name + "\ndata: " + string(text) + "\n\n")
}

func (w *eventWriter) write(text string) error {
	// A stream outlives the time that an answer may take; each write is bounded.
	deadline := time.Now().Add(liveWrite) //nolint:forbidigo // of a write to the network
	if err := w.control.SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.response.Write([]byte(text)); err != nil {
		return err
	}
	return w.control.Flush()
}
