package report

import (
	"slices"
	"time"

	"userdrop/internal/contract"
)

// timeline is the jobs over time: a lane each.
type timeline struct {
	Lanes  []lane
	Height int
	Ticks  []string
	Legend []legend // of what is drawn
}

// legend says what a colour means.
type legend struct{ Kind, Label string }

// lane is one job: how long it waited, how long it was made ready, and how long it ran.
type lane struct {
	contract.ResultJob
	Y, Thick                    float64
	Waiting, Ready, Running     stretch
	WaitedFor, ReadyFor, RanFor string
	Kind                        string
}

// Drawn returns the pieces of a lane that are drawn, with their colours.
func (l lane) Drawn() []piece {
	var drawn []piece
	for _, p := range []piece{
		{"waiting", l.Y, l.Thick, l.Waiting}, {"ready", l.Y, l.Thick, l.Ready}, {l.Kind, l.Y, l.Thick, l.Running},
	} {
		if p.Width != 0 {
			drawn = append(drawn, p)
		}
	}
	return drawn
}

// piece is a stretch in its colour.
type piece struct {
	Kind     string
	Y, Thick float64
	stretch
}

// stretch is a piece of a lane; one of no width is not drawn.
type stretch struct{ X, Width float64 }

const (
	timelineWidth  = 1000
	timelineHeight = 240 // at most; lanes get thinner
	laneHeight     = 22  // at most
	ticks          = 4   // intervals
)

// newTimeline lays out the jobs, or returns nil where none has a time.
func newTimeline(jobs []contract.ResultJob) *timeline {
	var from, to time.Time
	for _, j := range jobs {
		for _, t := range []time.Time{j.QueuedAt, j.CreatedAt, j.StartedAt, j.CompletedAt} {
			if t.IsZero() {
				continue
			}
			if from.IsZero() || t.Before(from) {
				from = t
			}
			if t.After(to) {
				to = t
			}
		}
	}
	if from.IsZero() {
		return nil
	}
	whole := max(to.Sub(from), time.Second)
	step := min(laneHeight, float64(timelineHeight)/float64(len(jobs)))
	t := &timeline{Height: int(step*float64(len(jobs)) + 0.5)}
	for i, j := range jobs {
		l := lane{ResultJob: j, Y: float64(i)*step + step*0.1, Thick: step * 0.8, Kind: jobKind(j.Status)}
		place := func(a, b time.Time) (stretch, string) {
			if a.IsZero() || b.Before(a) {
				return stretch{}, ""
			}
			x := a.Sub(from).Seconds() / whole.Seconds() * timelineWidth
			w := max(b.Sub(a).Seconds()/whole.Seconds()*timelineWidth, 3)
			return stretch{min(x, timelineWidth-w), w}, span(b.Sub(a))
		}
		l.Waiting, l.WaitedFor = place(j.QueuedAt, j.CreatedAt)
		started := j.StartedAt
		if started.IsZero() {
			started = j.CompletedAt
		}
		l.Ready, l.ReadyFor = place(j.CreatedAt, started)
		l.Running, l.RanFor = place(j.StartedAt, j.CompletedAt)
		t.Lanes = append(t.Lanes, l)
	}
	drawn := map[string]bool{}
	for _, l := range t.Lanes {
		drawn["waiting"] = drawn["waiting"] || l.Waiting.Width > 0
		drawn["ready"] = drawn["ready"] || l.Ready.Width > 0
		drawn[l.Kind] = drawn[l.Kind] || l.Running.Width > 0
	}
	for _, entry := range []legend{
		{"waiting", "waiting for its turn"},
		{"ready", "created, uploading, pending"},
		{"imported", "running, then succeeded"},
		{"failed", "running, then failed"},
		{"unprocessed", "running, then stopped"},
	} {
		if drawn[entry.Kind] {
			t.Legend = append(t.Legend, entry)
		}
	}
	t.Ticks = tickLabels(from, whole)
	return t
}

// tickLabels are the times below the jobs, as short as lets them differ.
func tickLabels(from time.Time, whole time.Duration) []string {
	for _, layout := range []string{"15:04", "15:04:05", "15:04:05.0"} {
		if whole >= 24*time.Hour {
			layout = "Jan 2, 15:04"
		}
		var labels []string
		for i := range ticks + 1 {
			labels = append(labels, from.Add(whole*time.Duration(i)/ticks).UTC().Format(layout))
		}
		if len(slices.Compact(slices.Clone(labels))) == len(labels) {
			return labels
		}
	}
	return []string{from.UTC().Format("15:04:05"), from.Add(whole).UTC().Format("15:04:05")}
}

// jobKind is the colour of a job that ended so.
func jobKind(status string) string {
	switch status {
	case "Succeeded":
		return "imported"
	case "Failed":
		return "failed"
	default:
		return "unprocessed"
	}
}
