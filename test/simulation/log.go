package simulation

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Journal keeps what the functions of one world log, though many worlds share slog's default logger.
type Journal struct {
	mu   sync.Mutex
	text strings.Builder
	sink slog.Handler
}

type journalKey struct{}

func newJournal() *Journal {
	j := &Journal{}
	j.sink = slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug})
	return j
}

// Write takes a line.
func (j *Journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *Journal) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, journalKey{}, j)
}

// Logger gives each record to the journal of its context, and drops those of none: set it as slog's default.
func Logger() *slog.Logger { return slog.New(dispatch{}) }

type dispatch struct {
	with []func(slog.Handler) slog.Handler
}

func (d dispatch) Enabled(ctx context.Context, _ slog.Level) bool {
	return ctx.Value(journalKey{}) != nil
}

func (d dispatch) Handle(ctx context.Context, r slog.Record) error {
	j, ok := ctx.Value(journalKey{}).(*Journal)
	if !ok {
		return nil
	}
	h := j.sink
	for _, with := range d.with {
		h = with(h)
	}
	return h.Handle(ctx, r)
}

func (d dispatch) WithAttrs(attrs []slog.Attr) slog.Handler {
	return d.and(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (d dispatch) WithGroup(name string) slog.Handler {
	return d.and(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (d dispatch) and(with func(slog.Handler) slog.Handler) slog.Handler {
	return dispatch{append(slices.Clip(d.with), with)}
}
