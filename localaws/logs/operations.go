package logs

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

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

type createLogGroupInput struct {
	LogGroupName string
}

func (s *Service) createLogGroup(ctx context.Context, in createLogGroupInput) (any, error) {
	if !groupName.MatchString(in.LogGroupName) {
		return nil, violation(in.LogGroupName, "logGroupName", groupName)
	}
	if err := s.authorize(ctx, "CreateLogGroup", in.LogGroupName, ""); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[in.LogGroupName] != nil {
		return nil, wire.Errorf("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	s.newGroup(in.LogGroupName)
	return nil, nil
}

func (s *Service) deleteLogGroup(ctx context.Context, in createLogGroupInput) (any, error) {
	if err := s.authorize(ctx, "DeleteLogGroup", in.LogGroupName, ""); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.group(in.LogGroupName); err != nil {
		return nil, err
	}
	delete(s.groups, in.LogGroupName)
	return nil, nil
}

type createLogStreamInput struct {
	LogGroupName, LogStreamName string
}

func (s *Service) createLogStream(ctx context.Context, in createLogStreamInput) (any, error) {
	if !streamName.MatchString(in.LogStreamName) {
		return nil, violation(in.LogStreamName, "logStreamName", streamName)
	}
	if err := s.authorize(ctx, "CreateLogStream", in.LogGroupName, ""); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if g.streams[in.LogStreamName] != nil {
		return nil, wire.Errorf("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	g.newStream(in.LogStreamName)
	return nil, nil
}

type describeLogGroupsInput struct {
	LogGroupNamePrefix, LogGroupNamePattern, NextToken string
	Limit                                              *int
}

type describeLogGroupsOutput struct {
	LogGroups []logGroup `json:"logGroups"`
	NextToken string     `json:"nextToken,omitempty"`
}

type logGroup struct {
	LogGroupName      string `json:"logGroupName"`
	CreationTime      int64  `json:"creationTime"`
	RetentionInDays   int    `json:"retentionInDays,omitempty"`
	MetricFilterCount int    `json:"metricFilterCount"`
	ARN               string `json:"arn"`
	StoredBytes       int64  `json:"storedBytes"`
	LogGroupClass     string `json:"logGroupClass"`
	LogGroupARN       string `json:"logGroupArn"`
}

func (s *Service) describeLogGroups(
	ctx context.Context, in describeLogGroupsInput,
) (describeLogGroupsOutput, error) {
	var out describeLogGroupsOutput
	if in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "" {
		return out, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if err := s.authorize(ctx, "DescribeLogGroups", "", ""); err != nil {
		return out, err
	}
	query := fingerprint("groups", in.LogGroupNamePrefix, in.LogGroupNamePattern)
	after, limit, err := describePage(in.NextToken, query, in.Limit)
	if err != nil {
		return out, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	out.LogGroups = []logGroup{}
	pattern := strings.ToLower(in.LogGroupNamePattern)
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		if name <= after || !strings.HasPrefix(name, in.LogGroupNamePrefix) ||
			!strings.Contains(strings.ToLower(name), pattern) {
			continue
		}
		if len(out.LogGroups) == limit {
			out.NextToken = token(query, out.LogGroups[limit-1].LogGroupName)
			break
		}
		g := s.groups[name]
		arn := s.account.ARN("logs", "log-group:"+name)
		described := logGroup{
			LogGroupName: name, CreationTime: g.created, ARN: arn + ":*", LogGroupClass: "STANDARD", LogGroupARN: arn,
			RetentionInDays: g.days,
		}
		for _, st := range g.streams {
			described.StoredBytes += st.bytes
		}
		out.LogGroups = append(out.LogGroups, described)
	}
	return out, nil
}

type describeLogStreamsInput struct {
	LogGroupName, LogGroupIdentifier, LogStreamNamePrefix, OrderBy, NextToken string
	Descending                                                                bool
	Limit                                                                     *int
}

type describeLogStreamsOutput struct {
	LogStreams []logStream `json:"logStreams"`
	NextToken  string      `json:"nextToken,omitempty"`
}

type logStream struct {
	LogStreamName       string `json:"logStreamName"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp int64  `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  int64  `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   int64  `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken"`
	ARN                 string `json:"arn"`
	StoredBytes         int64  `json:"storedBytes"`
}

func (s *Service) describeLogStreams(
	ctx context.Context, in describeLogStreamsInput,
) (describeLogStreamsOutput, error) {
	var out describeLogStreamsOutput
	name, err := s.groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return out, err
	}
	byTime := in.OrderBy == "LastEventTime"
	switch {
	case !byTime && in.OrderBy != "" && in.OrderBy != "LogStreamName":
		return out, invalid("1 validation error detected: Value '%s' at 'orderBy' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [LogStreamName, LastEventTime]", in.OrderBy)
	case byTime && in.LogStreamNamePrefix != "":
		return out, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	if err := s.authorize(ctx, "DescribeLogStreams", name, ""); err != nil {
		return out, err
	}
	query := fingerprint("streams", name, in.LogStreamNamePrefix, in.OrderBy, fmt.Sprint(in.Descending))
	after, limit, err := describePage(in.NextToken, query, in.Limit)
	if err != nil {
		return out, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(name)
	if err != nil {
		return out, err
	}
	// key is the order of the streams and what a token points at.
	key := func(st *stream) string {
		if byTime {
			return fmt.Sprintf("%020d %s", st.lastEvent(), st.name)
		}
		return st.name
	}
	order := strings.Compare
	if in.Descending {
		order = func(a, b string) int { return strings.Compare(b, a) }
	}
	streams := slices.SortedFunc(maps.Values(g.streams), func(a, b *stream) int { return order(key(a), key(b)) })
	out.LogStreams = []logStream{}
	for _, st := range streams {
		if !strings.HasPrefix(st.name, in.LogStreamNamePrefix) || after != "" && order(key(st), after) <= 0 {
			continue
		}
		if len(out.LogStreams) == limit {
			out.NextToken = token(query, key(g.streams[out.LogStreams[limit-1].LogStreamName]))
			break
		}
		described := logStream{
			LogStreamName: st.name, CreationTime: st.created, LastEventTimestamp: st.lastEvent(),
			LastIngestionTime: st.ingested, UploadSequenceToken: fmt.Sprintf("%056d", len(st.events)),
			ARN: s.account.ARN("logs", "log-group:"+name+":log-stream:"+st.name),
		}
		if len(st.events) > 0 {
			described.FirstEventTimestamp = st.events[0].time
		}
		out.LogStreams = append(out.LogStreams, described)
	}
	return out, nil
}

func (st *stream) lastEvent() int64 {
	if len(st.events) == 0 {
		return 0
	}
	return st.events[len(st.events)-1].time
}

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
	switch {
	case len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "":
		return out, invalid("logStreamNamePrefix and logStreamNames are mutually exclusive")
	case len(in.LogStreamNames) > 100:
		return out, invalid("1 validation error detected: Value at 'logStreamNames' failed to satisfy constraint: " +
			"Member must have length less than or equal to 100")
	case in.StartFromHead != nil && !*in.StartFromHead:
		return out, invalid("the local double reads from the head only: startFromHead=false")
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
	size, scanned := 0, 0
	for st, e := range merged(streams, from) {
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
	return out, nil
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
func merged(streams []*stream, from position) func(yield func(*stream, event) bool) {
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

	first, last, size := at, at, 0
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
	out.Events = []outputEvent{}
	for _, e := range st.events[first:last] {
		out.Events = append(out.Events, outputEvent{Timestamp: e.time, Message: e.message, IngestionTime: e.ingested})
	}
	out.NextForwardToken = "f/" + positionToken("events", st.boundary(last))
	out.NextBackwardToken = "b/" + positionToken("events", st.boundary(first))
	return out, nil
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

func eventLimit(limit *int) (int, error) {
	if limit == nil {
		return maxEvents, nil
	}
	if *limit < 1 || *limit > maxEvents {
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", *limit, maxEvents)
	}
	return *limit, nil
}

// window is the span of time of a read; without an end it reaches as far as time stamps do.
func window(start, end *int64) (from, to int64) {
	to = time.Unix(1<<40, 0).UnixMilli()
	if start != nil {
		from = *start
	}
	if end != nil {
		to = *end
	}
	return from, to
}

// fingerprint ties a token to the query that it belongs to.
func fingerprint(parts ...string) string {
	h := fnv.New64a()
	for _, part := range parts {
		fmt.Fprintf(h, "%q", part)
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

func token(query, after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(query + " " + after))
}

func parseToken(text, query string) (after string, err error) {
	if text == "" {
		return "", nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	after, ok := strings.CutPrefix(string(decoded), query+" ")
	if err != nil || !ok {
		return "", invalid("The specified nextToken is invalid.")
	}
	return after, nil
}

func positionToken(query string, p position) string {
	return token(query, fmt.Sprintf("%d %d", p.time, p.number))
}

func parsePosition(text, query string) (p position, err error) {
	after, err := parseToken(text, query)
	if err != nil {
		return p, err
	}
	if _, err := fmt.Sscanf(after, "%d %d", &p.time, &p.number); err != nil {
		return p, invalid("The specified nextToken is invalid.")
	}
	return p, nil
}

// describePage reads the token and limit of the Describe operations: where to go on, and how many to answer.
func describePage(text, query string, limit *int) (after string, n int, err error) {
	n = maxDescribed
	if limit != nil {
		n = *limit
	}
	if n < 1 || n > maxDescribed {
		return "", 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", n, maxDescribed)
	}
	after, err = parseToken(text, query)
	return after, n, err
}
