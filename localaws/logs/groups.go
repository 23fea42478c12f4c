package logs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"userdrop/localaws/wire"
)

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
	if err := in.check(); err != nil {
		return out, err
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
	key := in.key
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
		out.LogStreams = append(out.LogStreams, s.describeStream(name, st))
	}
	return out, nil
}

func (s *Service) describeStream(group string, st *stream) logStream {
	described := logStream{
		LogStreamName: st.name, CreationTime: st.created, LastEventTimestamp: st.lastEvent(),
		LastIngestionTime: st.ingested, UploadSequenceToken: fmt.Sprintf("%056d", len(st.events)),
		ARN: s.account.ARN("logs", "log-group:"+group+":log-stream:"+st.name),
	}
	if len(st.events) > 0 {
		described.FirstEventTimestamp = st.events[0].time
	}
	return described
}

const lastEventTime = "LastEventTime"

func (in describeLogStreamsInput) check() error {
	switch {
	case in.OrderBy != lastEventTime && in.OrderBy != "" && in.OrderBy != "LogStreamName":
		return invalid("1 validation error detected: Value '%s' at 'orderBy' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [LogStreamName, LastEventTime]", in.OrderBy)
	case in.OrderBy == lastEventTime && in.LogStreamNamePrefix != "":
		return invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	return nil
}

// key is a stream's place in the order, which a token names too.
func (in describeLogStreamsInput) key(st *stream) string {
	if in.OrderBy == lastEventTime {
		return fmt.Sprintf("%020d %s", st.lastEvent(), st.name)
	}
	return st.name
}

func (st *stream) lastEvent() int64 {
	if len(st.events) == 0 {
		return 0
	}
	return st.events[len(st.events)-1].time
}
