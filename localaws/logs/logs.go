// Package logs is the double's CloudWatch Logs: groups, streams, and reading them.
//
// Events are kept by stream, ordered by time stamp and then by arrival, so that a page's token is a position in time
// and stays right when late events come in behind it.
package logs

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"userdrop/localaws/wire"
)

// Service is CloudWatch Logs in one account and Region.
type Service struct {
	// ScanLimit is how many events one FilterLogEvents looks at; zero means all. AWS looks at some and may answer an
	// empty page with a token: "This operation can return empty results while there are more log events available
	// through the token." Set it before the first call.
	ScanLimit int

	account *wire.Account
	api     *wire.API

	mu     sync.Mutex
	groups map[string]*group
	last   uint64 // the number of the last event that arrived
}

type group struct {
	name    string
	created int64
	days    int // events are kept for so long by AWS, for ever when 0; the double keeps them
	streams map[string]*stream
}

type stream struct {
	name     string
	created  int64
	ingested int64
	bytes    int64
	events   []event
}

// event has its times in milliseconds since 1970, as the API counts them.
type event struct {
	time     int64
	number   uint64 // in order of arrival, over the whole service
	ingested int64
	message  string
}

// position is a place in the order of events: by time stamp, then by arrival.
type position struct {
	time   int64
	number uint64
}

func (e event) position() position { return position{e.time, e.number} }

func (p position) compare(q position) int {
	switch {
	case p.time != q.time && p.time < q.time, p.time == q.time && p.number < q.number:
		return -1
	case p == q:
		return 0
	}
	return 1
}

// New returns a service without groups.
func New(account *wire.Account) *Service {
	s := &Service{account: account, groups: map[string]*group{}}
	s.api = wire.JSON(map[string]wire.Operation{
		"CreateLogGroup":        wire.StrictCamel(s.createLogGroup),
		"CreateLogStream":       wire.StrictCamel(s.createLogStream),
		"DeleteLogGroup":        wire.StrictCamel(s.deleteLogGroup),
		"DescribeLogGroups":     wire.StrictCamel(s.describeLogGroups),
		"DescribeLogStreams":    wire.StrictCamel(s.describeLogStreams),
		"FilterLogEvents":       wire.StrictCamel(s.filterLogEvents),
		"GetLogEvents":          wire.StrictCamel(s.getLogEvents),
		"PutLogEvents":          wire.StrictCamel(s.putLogEvents),
		"PutRetentionPolicy":    wire.StrictCamel(s.putRetentionPolicy),
		"DeleteRetentionPolicy": wire.StrictCamel(s.deleteRetentionPolicy),
	})
	return s
}

// ServeHTTP answers the operations of the target prefix Logs_20140328.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

// Operations returns the names of the operations, sorted.
func (s *Service) Operations() []string { return s.api.Operations() }

// Append writes an event on behalf of another service, making group and stream where they are missing.
func (s *Service) Append(groupName, streamName string, at time.Time, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupName]
	if g == nil {
		g = s.newGroup(groupName)
	}
	st := g.streams[streamName]
	if st == nil {
		st = g.newStream(streamName)
	}
	s.add(st, at.UnixMilli(), message)
}

// Messages returns what a stream holds, in order.
func (s *Service) Messages(groupName, streamName string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupName]
	if g == nil || g.streams[streamName] == nil {
		return nil
	}
	var messages []string
	for _, e := range g.streams[streamName].events {
		messages = append(messages, e.message)
	}
	return messages
}

// Streams returns the names of a group's streams, sorted.
func (s *Service) Streams(groupName string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupName]
	if g == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(g.streams))
}

// Groups returns the names of the groups, sorted.
func (s *Service) Groups() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.groups))
}

func (s *Service) newGroup(name string) *group {
	g := &group{name: name, created: time.Now().UnixMilli(), streams: map[string]*stream{}}
	s.groups[name] = g
	return g
}

func (g *group) newStream(name string) *stream {
	st := &stream{name: name, created: time.Now().UnixMilli()}
	g.streams[name] = st
	return st
}

func (s *Service) add(st *stream, at int64, message string) {
	const overhead = 26 // what CloudWatch Logs adds to each event's size
	s.last++
	st.ingested = time.Now().UnixMilli()
	st.bytes += int64(len(message)) + overhead
	e := event{time: at, number: s.last, ingested: st.ingested, message: message}
	st.events = slices.Insert(st.events, st.search(e.position()), e)
}

// search returns the index of the first event that is not before p.
func (st *stream) search(p position) int {
	if n := len(st.events); n == 0 || st.events[n-1].position().compare(p) < 0 {
		return n
	}
	i, _ := slices.BinarySearchFunc(st.events, p, func(e event, p position) int { return e.position().compare(p) })
	return i
}
