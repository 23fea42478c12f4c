package events

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

type putEventsEntry struct {
	Time         *float64
	Source       string
	Resources    []string
	DetailType   string
	Detail       string
	EventBusName string
	TraceHeader  string
}

type putEventsInput struct{ Entries []putEventsEntry }

type putEventsResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putEventsOutput struct {
	FailedEntryCount int
	Entries          []putEventsResult
}

// putEvents refuses bad entries one by one:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (b *Bus) putEvents(ctx context.Context, in putEventsInput) (*putEventsOutput, error) {
	const maxSize = 256 << 10
	if n := len(in.Entries); n < 1 || n > 10 {
		return nil, wire.Errorf("ValidationException",
			"Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	size := 0
	for _, e := range in.Entries {
		size += e.size()
		if err := b.checkBus(e.EventBusName); err != nil {
			return nil, err
		}
		conditions := map[string]string{"events:source": e.Source, "events:detail-type": e.DetailType}
		bus := b.account.ARN("events", "event-bus/default")
		if err := wire.Authorize(ctx, "events:PutEvents", bus, conditions); err != nil {
			return nil, err
		}
	}
	if size >= maxSize {
		return nil, wire.Errorf("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	out := &putEventsOutput{}
	for _, e := range in.Entries {
		result := e.refuse()
		if result.ErrorCode != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, result)
			continue
		}
		t := time.Now()
		if e.Time != nil {
			seconds, fraction := math.Modf(*e.Time)
			t = time.Unix(int64(seconds), int64(fraction*1e9))
		}
		envelope := b.envelope(e.Source, e.DetailType, e.Resources, json.RawMessage(e.Detail), t)
		b.put(envelope)
		out.Entries = append(out.Entries, putEventsResult{EventId: envelope.ID})
	}
	return out, nil
}

func (e putEventsEntry) size() int {
	size := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		size += 14
	}
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

func (e putEventsEntry) refuse() putEventsResult {
	var detail map[string]any
	missing := func(name string) putEventsResult {
		return putEventsResult{
			ErrorCode:    "InvalidArgument",
			ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", name, name),
		}
	}
	switch {
	case e.Source == "":
		return missing("Source")
	case e.DetailType == "":
		return missing("DetailType")
	case e.Detail == "":
		return missing("Detail")
	case strings.HasPrefix(e.Source, "aws."):
		return putEventsResult{
			ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source.",
		}
	case json.Unmarshal([]byte(e.Detail), &detail) != nil:
		return putEventsResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return putEventsResult{}
}
