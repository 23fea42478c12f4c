package logs

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

type filterLogEventsInput struct {
	LogGroupName, LogGroupIdentifier   string
	LogStreamNames                     []string
	LogStreamNamePrefix, FilterPattern string
	StartTime, EndTime                 *int64
	Limit                              *int
	NextToken                          string
	Interleaved, StartFromHead, Unmask *bool // AWS ignores Interleaved since 2019
}

type filterLogEventsOutput struct {
	Events             []filteredEvent `json:"events"`
	SearchedLogStreams []struct{}      `json:"searchedLogStreams"` // empty at AWS too, since 2020
	NextToken          string          `json:"nextToken,omitempty"`
}

type filteredEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

func (s *Service) filterLogEvents(ctx context.Context, in filterLogEventsInput) (filterLogEventsOutput, error) {
	var out filterLogEventsOutput
	name, err := s.groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return out, err
	}
	if err := in.check(); err != nil {
		return out, err
	}
	if err := s.authorize(ctx, "FilterLogEvents", name, ""); err != nil {
		return out, err
	}
	terms, err := parsePattern(in.FilterPattern)
	if err != nil {
		return out, err
	}
	limit, err := eventLimit(in.Limit)
	if err != nil {
		return out, err
	}
	start, end := window(in.StartTime, in.EndTime)
	query := fingerprint("filter", name, fmt.Sprint(in.LogStreamNames), in.LogStreamNamePrefix, in.FilterPattern,
		fmt.Sprint(start), fmt.Sprint(end))
	from := position{time: start}
	if in.NextToken != "" {
		if from, err = parsePosition(in.NextToken, query); err != nil {
			return out, err
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(name)
	if err != nil {
		return out, err
	}
	streams, err := g.selected(in.LogStreamNames, in.LogStreamNamePrefix)
	if err != nil {
		return out, err
	}
	out.Events, out.SearchedLogStreams = []filteredEvent{}, []struct{}{}
	s.fill(&out, merged(streams, from), end, limit, query, terms)
	return out, nil
}

// fill adds the events that a filter finds up to a time, as many as a page holds.
func (s *Service) fill(
	out *filterLogEventsOutput, events iter.Seq2[*stream, event], end int64, limit int, query string, terms pattern,
) {
	size, scanned := 0, 0
	for st, e := range events {
		if e.time > end {
			break
		}
		full := len(out.Events) == limit || size+len(e.message) > maxPageBytes && len(out.Events) > 0
		if full || s.ScanLimit > 0 && scanned == s.ScanLimit {
			out.NextToken = positionToken(query, e.position())
			break
		}
		scanned++
		if !terms.matches(e.message) {
			continue
		}
		size += len(e.message)
		out.Events = append(out.Events, filteredEvent{
			LogStreamName: st.name, Timestamp: e.time, Message: e.message, IngestionTime: e.ingested,
			EventID: fmt.Sprintf("%026d%030d", e.time, e.number),
		})
	}
}

func (in filterLogEventsInput) check() error {
	switch {
	case len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "":
		return invalid("logStreamNamePrefix and logStreamNames are mutually exclusive")
	case len(in.LogStreamNames) > 100:
		return invalid("1 validation error detected: Value at 'logStreamNames' failed to satisfy constraint: " +
			"Member must have length less than or equal to 100")
	case in.StartFromHead != nil && !*in.StartFromHead:
		return invalid("the local double reads from the head only: startFromHead=false")
	}
	return nil
}

// selected returns the group's streams that a filter names, sorted by name.
func (g *group) selected(names []string, prefix string) ([]*stream, error) {
	if len(names) == 0 {
		var streams []*stream
		for _, name := range slices.Sorted(maps.Keys(g.streams)) {
			if strings.HasPrefix(name, prefix) {
				streams = append(streams, g.streams[name])
			}
		}
		return streams, nil
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	streams := make([]*stream, len(names))
	for i, name := range names {
		if streams[i] = g.streams[name]; streams[i] == nil {
			return nil, errNoStream()
		}
	}
	return streams, nil
}

// merged yields the streams' events in one order, from a position on.
func merged(streams []*stream, from position) iter.Seq2[*stream, event] {
	next := make([]int, len(streams))
	for i, st := range streams {
		next[i] = st.search(from)
	}
	return func(yield func(*stream, event) bool) {
		for {
			first := -1
			for i, st := range streams {
				if next[i] < len(st.events) && (first < 0 ||
					st.events[next[i]].position().compare(streams[first].events[next[first]].position()) < 0) {
					first = i
				}
			}
			if first < 0 || !yield(streams[first], streams[first].events[next[first]]) {
				return
			}
			next[first]++
		}
	}
}
