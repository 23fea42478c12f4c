// Package hold decides whether any import job may start: people pause the queue, and an import window shuts it for
// hours.
package hold

import (
	"context"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // Lambda's provided.al2023 has no time zones of its own

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Hold is what keeps all jobs from starting.
type Hold struct {
	work   *objects.Store
	config Config
}

// Config is a part of the environment of await-turn and start-import-job.
type Config struct {
	WorkBucket string         `env:"WORK_BUCKET"`
	Window     Window         `env:"IMPORT_WINDOW" envDefault:""`
	TimeZone   *time.Location `env:"SCHEDULE_TIMEZONE"`
}

// New returns the hold that an environment configures.
func New(client *s3.Client, config Config) *Hold {
	return &Hold{work: objects.New(client, config.WorkBucket), config: config}
}

const (
	// pausedPoll is how soon a part asks again while the queue is paused.
	pausedPoll = time.Minute
	// minPoll and maxPoll bound how soon a part asks again while the import window is shut.
	minPoll = 10 * time.Second
	maxPoll = time.Hour
)

// Why returns why no job may start now, in words for people, and when to ask again; why is empty if one may.
func (h *Hold) Why(ctx context.Context, now time.Time) (why string, wait time.Duration, err error) {
	paused, err := h.work.Exists(ctx, contract.HoldKey)
	if err != nil {
		return "", 0, err
	}
	if paused {
		return `paused until "userdrop resume"`, pausedPoll, nil
	}
	if wait := h.config.Window.opensIn(now.In(h.config.TimeZone)); wait > 0 {
		why := fmt.Sprintf("the import window is %s (%s)", h.config.Window, h.config.TimeZone)
		// Pause adds up to a quarter: none comes late. A new window counts from the next look.
		return why, min(max(wait*4/5, minPoll), maxPoll), nil
	}
	return "", 0, nil
}

// Window is the time of day in which jobs may start. The zero value is always, as is a window that ends when it begins.
type Window struct{ from, to clock }

// clock is a time of day.
type clock struct{ hour, minute int }

// UnmarshalText reads the parameter ImportWindow: HH:MM-HH:MM, over midnight where the second is the earlier one.
func (w *Window) UnmarshalText(text []byte) error {
	*w = Window{}
	if len(text) == 0 {
		return nil
	}
	from, to, _ := strings.Cut(string(text), "-")
	for _, end := range []struct {
		text string
		into *clock
	}{{from, &w.from}, {to, &w.to}} {
		t, err := time.Parse("15:04", end.text)
		if err != nil {
			return fmt.Errorf("the import window %q is not HH:MM-HH:MM", text)
		}
		*end.into = clock{t.Hour(), t.Minute()}
	}
	return nil
}

func (w Window) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", w.from.hour, w.from.minute, w.to.hour, w.to.minute)
}

// opensIn returns the time until the window opens, in the time zone of now; 0 if it is open. It goes by the clocks on the
// wall, whatever the length of the day.
func (w Window) opensIn(now time.Time) time.Duration {
	if w.from == w.to {
		return 0
	}
	at := func(c clock, day int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+day, c.hour, c.minute, 0, 0, now.Location())
	}
	overnight := 0
	if w.to.hour*60+w.to.minute < w.from.hour*60+w.from.minute {
		overnight = 1
	}
	for day := -1; ; day++ {
		opens, closes := at(w.from, day), at(w.to, day+overnight)
		switch {
		case now.Before(opens):
			return opens.Sub(now)
		case now.Before(closes):
			return 0
		}
	}
}
