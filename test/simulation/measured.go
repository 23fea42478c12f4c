package simulation

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// Measured is one value that CloudWatch would take out of a function's log.
type Measured struct {
	Metric     string
	Unit       string
	Dimensions string // "Stack=userdrop,Verdict=PARTIAL": what CloudWatch tells series apart by
	Value      float64
}

// Measured are the values that the functions wrote, in their order.
func (w *World) Measured() []Measured {
	w.measured.mu.Lock()
	defer w.measured.mu.Unlock()
	var all []Measured
	for line := range bytes.Lines(w.measured.text.Bytes()) {
		all = append(all, parse(line)...)
	}
	return all
}

// MeasuredText is what the functions wrote.
func (w *World) MeasuredText() string {
	w.measured.mu.Lock()
	defer w.measured.mu.Unlock()
	return w.measured.text.String()
}

// parse reads a line as CloudWatch does. What the format does not allow measures nothing.
func parse(line []byte) (all []Measured) {
	var fields map[string]any
	var head struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	if json.Unmarshal(line, &fields) != nil || json.Unmarshal(line, &head) != nil {
		return nil
	}
	for _, d := range head.AWS.CloudWatchMetrics {
		for _, set := range d.Dimensions {
			var dimensions []string
			for _, name := range set {
				value, ok := fields[name].(string)
				if !ok {
					return nil
				}
				dimensions = append(dimensions, name+"="+value)
			}
			slices.Sort(dimensions)
			for _, m := range d.Metrics {
				value, ok := fields[m.Name].(float64)
				if !ok {
					return nil
				}
				all = append(all, Measured{m.Name, m.Unit, strings.Join(dimensions, ","), value})
			}
		}
	}
	return all
}

type measurements struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (m *measurements) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}
