package temporalserver

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger writes the server's warnings and errors to slog. What it says below
// that is about its inner life and fills pages at each start.
type logger struct {
	log *slog.Logger
	// stopping, once it is set, silences warnings: while the services end one
	// after the other, each complains that another one has gone.
	stopping *atomic.Bool
}

func newLogger(log *slog.Logger) logger {
	return logger{log: log, stopping: new(atomic.Bool)}
}

var (
	_ log.Logger     = logger{}
	_ log.WithLogger = logger{}
)

// Debug implements log.Logger.
func (logger) Debug(string, ...tag.Tag) {}

// Info implements log.Logger.
func (logger) Info(string, ...tag.Tag) {}

// Warn implements log.Logger.
func (l logger) Warn(msg string, tags ...tag.Tag) {
	// We leave that port closed, and the server regrets it at each start.
	const noHTTP = "HTTP API port has not been set"
	if !l.stopping.Load() && !strings.HasPrefix(msg, noHTTP) && !passing(tags) {
		l.write(slog.LevelWarn, msg, tags)
	}
}

// Error implements log.Logger.
func (l logger) Error(msg string, tags ...tag.Tag) {
	if !passing(tags) {
		l.write(slog.LevelError, msg, tags)
	}
}

// passing recognises two failures that nobody can do anything about: that a
// client went away in the middle of its request, and what the queues of a
// history shard say in the moment in which the starting server takes the
// shard over. A database that is gone makes itself heard in other words too.
func passing(tags []tag.Tag) bool {
	for _, t := range tags {
		if t.Key() != "error" {
			continue
		}
		// The tag holds the error or its text, as the server likes.
		text := fmt.Sprint(t.Value())
		if text == "shard status unknown" || strings.HasSuffix(text, context.Canceled.Error()) {
			return true
		}
	}
	return false
}

// DPanic implements log.Logger. As in a production build of the server it does not panic.
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// Panic implements log.Logger, whose callers rely on it not to return.
func (l logger) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic("temporal: " + msg)
}

// Fatal implements log.Logger, whose callers rely on it not to return. It
// panics so that the reason and the place are seen.
func (l logger) Fatal(msg string, tags ...tag.Tag) { l.Panic(msg, tags...) }

// With implements log.WithLogger.
func (l logger) With(tags ...tag.Tag) log.Logger {
	return logger{log: slog.New(l.log.Handler().WithAttrs(attributes(tags))), stopping: l.stopping}
}

func (l logger) write(level slog.Level, msg string, tags []tag.Tag) {
	// The server's log interface knows no context.
	ctx := context.Background()                                       //nolint:forbidigo // see above
	l.log.LogAttrs(ctx, level, "temporal: "+msg, attributes(tags)...) //nolint:sloglint // the server's own text
}

func attributes(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(tags))
	for _, t := range tags {
		attrs = append(attrs, slog.Any(t.Key(), t.Value()))
	}
	return attrs
}
