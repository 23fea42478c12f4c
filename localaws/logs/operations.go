package logs

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"userdrop/localaws/wire"
)

const (
	maxEvents    = 10_000
	maxPageBytes = 1 << 20
	maxDescribed = 50
)

var (
	groupName  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	streamName = regexp.MustCompile(`^[^:*]{1,512}$`)
)

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterException", format, args...)
}

// authorize asks for an action on a stream, or on a group when the stream is empty: AWS names the group
// arn:aws:logs:<region>:<account>:log-group:<group>:log-stream: in its refusals.
func (s *Service) authorize(ctx context.Context, action, group, stream string) error {
	resource := s.account.ARN("logs", "log-group:"+group+":log-stream:"+stream)
	return wire.Authorize(ctx, "logs:"+action, resource, nil)
}

type getLogEventsInput struct {
	LogGroupName, LogGroupIdentifier, LogStreamName string
	StartTime, EndTime                              *int64
	Limit                                           *int
	NextToken                                       string
	StartFromHead, Unmask                           *bool
}

type getLogEventsOutput struct {
	Events            []outputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

type outputEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

// getLogEvents pages through one stream both ways; at an end it answers the token that it was given.
func (s *Service) getLogEvents(ctx context.Context, in getLogEventsInput) (getLogEventsOutput, error) {
	var out getLogEventsOutput
	name, err := s.groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return out, err
	}
	if err := s.authorize(ctx, "GetLogEvents", name, in.LogStreamName); err != nil {
		return out, err
	}
	limit, err := eventLimit(in.Limit)
	if err != nil {
		return out, err
	}
	start, end := window(in.StartTime, in.EndTime)

	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(name)
	if err != nil {
		return out, err
	}
	st := g.streams[in.LogStreamName]
	if st == nil {
		return out, errNoStream()
	}
	// GetLogEvents takes events before endTime, FilterLogEvents those at it as well.
	low, high := st.search(position{time: start}), st.search(position{time: end})
	high = max(low, high)
	forward := in.StartFromHead != nil && *in.StartFromHead
	at := high
	if forward {
		at = low
	}
	if in.NextToken != "" {
		var p position
		direction, rest, _ := strings.Cut(in.NextToken, "/")
		if p, err = parsePosition(rest, "events"); err != nil || direction != "f" && direction != "b" {
			return out, invalid("The specified nextToken is invalid.")
		}
		forward = direction == "f"
		at = min(max(low, st.search(p)), high)
	}

	first, last := st.page(at, low, high, limit, forward)
	out.Events = []outputEvent{}
	for _, e := range st.events[first:last] {
		out.Events = append(out.Events, outputEvent{Timestamp: e.time, Message: e.message, IngestionTime: e.ingested})
	}
	out.NextForwardToken = "f/" + positionToken("events", st.boundary(last))
	out.NextBackwardToken = "b/" + positionToken("events", st.boundary(first))
	return out, nil
}

// page returns the range of events of a page that begins at an index and goes forward up to high, or back to low.
func (st *stream) page(at, low, high, limit int, forward bool) (first, last int) {
	first, last = at, at
	size := 0
	fits := func(e event) bool {
		size += len(e.message)
		return last-first < limit && (size <= maxPageBytes || last == first)
	}
	for forward && last < high && fits(st.events[last]) {
		last++
	}
	for !forward && first > low && fits(st.events[first-1]) {
		first--
	}
	return first, last
}

// boundary is the position just before the event at index i, one that stays put when more events arrive.
func (st *stream) boundary(i int) position {
	if i == 0 {
		return position{}
	}
	p := st.events[i-1].position()
	p.number++
	return p
}

type putLogEventsInput struct {
	LogGroupName, LogStreamName, SequenceToken string
	LogEvents                                  []struct {
		Timestamp *int64
		Message   string
	}
}

type putLogEventsOutput struct {
	NextSequenceToken string `json:"nextSequenceToken"`
}

func (s *Service) putLogEvents(ctx context.Context, in putLogEventsInput) (putLogEventsOutput, error) {
	var out putLogEventsOutput
	if n := len(in.LogEvents); n < 1 || n > maxEvents {
		return out, invalid("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "+
			"Member must have length between 1 and %d", maxEvents)
	}
	for i, e := range in.LogEvents {
		switch {
		case e.Timestamp == nil:
			return out, invalid("1 validation error detected: Value null at 'logEvents.%d.member.timestamp' failed "+
				"to satisfy constraint: Member must not be null", i+1)
		case e.Message == "":
			return out, invalid("1 validation error detected: Value at 'logEvents.%d.member.message' failed to "+
				"satisfy constraint: Member must have length greater than or equal to 1", i+1)
		case i > 0 && *e.Timestamp < *in.LogEvents[i-1].Timestamp:
			return out, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if err := s.authorize(ctx, "PutLogEvents", in.LogGroupName, in.LogStreamName); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(in.LogGroupName)
	if err != nil {
		return out, err
	}
	st := g.streams[in.LogStreamName]
	if st == nil {
		return out, errNoStream()
	}
	for _, e := range in.LogEvents {
		s.add(st, *e.Timestamp, e.Message)
	}
	out.NextSequenceToken = fmt.Sprintf("%056d", len(st.events))
	return out, nil
}

func (s *Service) group(name string) (*group, error) {
	if g := s.groups[name]; g != nil {
		return g, nil
	}
	return nil, wire.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
}

func errNoStream() error {
	return wire.Errorf("ResourceNotFoundException", "The specified log stream does not exist.")
}

func violation(value, member string, pattern *regexp.Regexp) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: %s", value, member, pattern)
}

// groupName takes a group by its name or by its identifier, a name or an ARN without ":*"; one of both must be given.
func (s *Service) groupName(name, identifier string) (string, error) {
	if name != "" && identifier != "" {
		return "", invalid("LogGroup name and LogGroup identifier are mutually exclusive parameters.")
	}
	name = cmp.Or(name, identifier)
	if strings.HasPrefix(name, "arn:") {
		short, ok := strings.CutPrefix(name, s.account.ARN("logs", "log-group:"))
		if !ok {
			return "", invalid("The specified log group identifier is of another account or Region.")
		}
		name = short
	}
	if !groupName.MatchString(name) {
		return "", violation(name, "logGroupName", groupName)
	}
	return name, nil
}
