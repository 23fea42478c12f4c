package stepfunctions

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// maxEvents is the number of events that one execution may have, the last included. See
// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
const maxEvents = 25_000

// HistoryEvent is one event of an execution's history. Details are the members of the event type's own structure in
// the API, such as name and input of StateEnteredEventDetails; nil when it has none.
type HistoryEvent struct {
	ID, PreviousID int64
	Time           time.Time
	Type           string
	Details        map[string]any
}

// MarshalJSON writes the event as GetExecutionHistory does.
func (e HistoryEvent) MarshalJSON() ([]byte, error) {
	m := map[string]any{
		"id": e.ID, "previousEventId": e.PreviousID, "type": e.Type, "timestamp": wire.Epoch(e.Time),
	}
	if e.Details != nil {
		m[detailsMember(e.Type)] = e.Details
	}
	return json.Marshal(m)
}

// detailsMember is the member of HistoryEvent that holds the details: one for all states that are entered, one for
// all that are left, and otherwise one a type.
func detailsMember(eventType string) string {
	for _, suffix := range []string{"StateEntered", "StateExited"} {
		if strings.HasSuffix(eventType, suffix) {
			eventType = suffix
		}
	}
	return strings.ToLower(eventType[:1]) + eventType[1:] + "EventDetails"
}

// payloadMembers are left out of an event when the caller does not want execution data.
var payloadMembers = map[string]bool{
	"input": true, "inputDetails": true, "output": true, "outputDetails": true, "parameters": true,
}

func (e HistoryEvent) withoutData() HistoryEvent {
	e.Details = maps.Clone(e.Details)
	maps.DeleteFunc(e.Details, func(member string, _ any) bool { return payloadMembers[member] })
	return e
}

func inputDetails(input string, more map[string]any) map[string]any {
	return withPayload("input", input, more)
}

func outputDetails(output string, more map[string]any) map[string]any {
	return withPayload("output", output, more)
}

func withPayload(member, payload string, more map[string]any) map[string]any {
	m := map[string]any{member: payload, member + "Details": map[string]any{"truncated": false}}
	maps.Copy(m, more)
	return m
}

func failureDetails(f *failure, more map[string]any) map[string]any {
	m := map[string]any{"error": f.name, "cause": f.cause}
	maps.Copy(m, more)
	return m
}
