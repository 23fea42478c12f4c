package report

import (
	_ "embed"
	"encoding/json"
	"time"

	"userdrop/internal/contract"
)

// What the EventBridge event is called, for rules to match.
const (
	EventSource     = "userdrop"
	EventDetailType = "User Import Finished"
	EventSchema     = "userdrop.event/v1"
)

// eventLimit keeps the detail under 16 KB, with room for the envelope.
const eventLimit = 16_000

// JSON Schemas (draft 2020-12) of result.json and of the event's detail.
var (
	//go:embed result.schema.json
	ResultJSONSchema []byte
	//go:embed event.schema.json
	EventJSONSchema []byte
)

// Detail is the event's detail. Consumers tell duplicates by ImportID, since it is delivered at least once.
type Detail struct {
	Schema     string           `json:"schema"`
	ImportID   string           `json:"importId"`
	UserPoolID string           `json:"userPoolId"`
	Mode       contract.Mode    `json:"mode"`
	Verdict    contract.Verdict `json:"verdict"`
	Message    string           `json:"message"`
	ErrorName  string           `json:"errorName,omitzero"`
	Rows       contract.Rows    `json:"rows"`
	Problems   []CodeCount      `json:"problems"`
	Files      contract.Files   `json:"files"`
	Sources    []DetailSource   `json:"sources"`
	Omitted    *Omitted         `json:"omitted,omitzero"` // what did not fit; result.json has all of it
	StartedAt  time.Time        `json:"startedAt,omitzero"`
	FinishedAt time.Time        `json:"finishedAt,omitzero"`
}

// CodeCount is a problem without its words.
type CodeCount struct {
	Code  contract.Code `json:"code"`
	Count int           `json:"count"`
}

// DetailSource is one dropped file.
type DetailSource struct {
	Bucket    string        `json:"bucket,omitzero"`
	Key       string        `json:"key"`
	VersionID string        `json:"versionId,omitzero"`
	Rows      contract.Rows `json:"rows"`
}

// Omitted counts what was left out of a detail.
type Omitted struct {
	Files    int `json:"files"`
	Problems int `json:"problems"`
	Sources  int `json:"sources"`
}

// Event returns the detail of the event that announces a result. It is always under 16 KB: of the files, the problems
// and the sources, in this order, it takes what fits and counts the rest.
func Event(r *contract.Result) Detail {
	d := Detail{
		Schema: EventSchema, ImportID: clean(r.ImportID, 200), UserPoolID: clean(r.UserPoolID, 80),
		Mode: contract.Mode(clean(string(r.Mode), 20)), Verdict: contract.Verdict(clean(string(r.Verdict), 20)),
		Message: clean(r.Message, 400), Rows: r.Rows, Problems: []CodeCount{}, Sources: []DetailSource{},
		StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Omitted: &Omitted{len(r.Problems), len(r.Problems), len(r.Sources)}, // as long as it can get
	}
	if r.Error != nil {
		d.ErrorName = clean(r.Error.Name, 100)
	}
	left := eventLimit - size(d)
	var omitted Omitted
	fits := func(v any) bool {
		n := size(v) + len(`"result":,`)
		if n > left {
			return false
		}
		left -= n
		return true
	}
	for _, f := range []struct{ from, to *string }{
		{&r.Files.Result, &d.Files.Result}, {&r.Files.Failed, &d.Files.Failed}, {&r.Files.Report, &d.Files.Report},
	} {
		switch {
		case *f.from == "":
		case fits(*f.from):
			*f.to = *f.from
		default:
			omitted.Files++
		}
	}
	for _, p := range r.Problems {
		c := CodeCount{p.Code, p.Count}
		if !fits(c) {
			break
		}
		d.Problems = append(d.Problems, c)
	}
	for _, s := range r.Sources {
		c := DetailSource{s.Bucket, s.Key, s.VersionID, s.Rows}
		if !fits(c) {
			break
		}
		d.Sources = append(d.Sources, c)
	}
	omitted.Problems = len(r.Problems) - len(d.Problems)
	omitted.Sources = len(r.Sources) - len(d.Sources)
	d.Omitted = nil
	if omitted != (Omitted{}) {
		d.Omitted = &omitted
	}
	return d
}

// size is how many bytes a value takes in JSON.
func size(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return eventLimit + 1 // a time beyond the year 9999: nothing else here can fail
	}
	return len(text)
}
